"""The five resource types of AWS Organizations in CloudFormation. Pure Python: no emulator."""

from .account import AccountType
from .handler import Api, Created, HandlerError, ResourceType
from .organization import OrganizationType
from .organizational_unit import OrganizationalUnitType
from .policy import PolicyType
from .resource_policy import ResourcePolicyType

RESOURCE_TYPES: tuple[ResourceType, ...] = (
    OrganizationType(),
    OrganizationalUnitType(),
    AccountType(),
    PolicyType(),
    ResourcePolicyType(),
)

__all__ = ["RESOURCE_TYPES", "Api", "Created", "HandlerError", "ResourceType"]
