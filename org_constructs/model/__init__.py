"""What an organization is: identifiers, quotas, regions, the lock file, templates. Pure Python."""

from .errors import OrgError

__all__ = ["OrgError"]
