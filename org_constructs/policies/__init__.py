"""What a policy says: statements and documents as values, and the policy types of AWS."""

from .document import Document
from .policy_type import PolicyType, PolicyTypeSpec, policy_type_spec
from .statement import Statement

__all__ = ["Document", "PolicyType", "PolicyTypeSpec", "Statement", "policy_type_spec"]
