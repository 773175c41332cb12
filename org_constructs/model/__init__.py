"""What an organization is: identifiers, quotas, regions, the lock file, templates. Pure Python."""

from .errors import OrgError
from .lock import Lock
from .organization import OrganizationModel
from .partitions import Partition, check_region, partition_of
from .quotas import Quota, default_quotas, quota

__all__ = [
    "Lock",
    "OrgError",
    "OrganizationModel",
    "Partition",
    "Quota",
    "check_region",
    "default_quotas",
    "partition_of",
    "quota",
]
