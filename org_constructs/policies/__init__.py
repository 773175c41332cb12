"""What a policy says: statements and documents as values, and the policy types of AWS."""

from .document import Document
from .policy_type import PolicyType, PolicyTypeSpec, check_policy_type, policy_type_spec
from .statement import Statement

__all__ = [
    "Document",
    "PolicyType",
    "PolicyTypeSpec",
    "Statement",
    "check_policy_type",
    "policy_type_spec",
]
