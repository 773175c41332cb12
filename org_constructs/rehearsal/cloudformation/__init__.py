"""The five resource types of AWS Organizations in CloudFormation. Pure Python: no emulator."""

from .account import AccountType
from .handler import Api, Created, HandlerError, ResourceType
from .organization import OrganizationType
from .organizational_unit import OrganizationalUnitType
from .policy import PolicyType
from .resource_policy import ResourcePolicyType
from .side_by_side import SIDE_BY_SIDE, Waves, Writer, reverse

RESOURCE_TYPES: tuple[ResourceType, ...] = (
    OrganizationType(),
    OrganizationalUnitType(),
    AccountType(),
    PolicyType(),
    ResourcePolicyType(),
)

__all__ = [
    "RESOURCE_TYPES",
    "SIDE_BY_SIDE",
    "Api",
    "Created",
    "HandlerError",
    "ResourceType",
    "Waves",
    "Writer",
    "reverse",
]
