"""What an organization is: identifiers, quotas, regions, the lock file, templates. Pure Python.

Names are imported when first used, so that importing the package costs next to nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .errors import OrgError
    from .lock import Lock
    from .organization import OrganizationModel
    from .partitions import Partition, check_region, partition_of
    from .quotas import Quota, default_quotas, quota
    from .unknowns import UnknownValue

__all__ = [
    "Lock",
    "OrgError",
    "OrganizationModel",
    "Partition",
    "Quota",
    "UnknownValue",
    "check_region",
    "default_quotas",
    "partition_of",
    "quota",
]

_HOMES = {
    "errors": ("OrgError",),
    "lock": ("Lock",),
    "organization": ("OrganizationModel",),
    "partitions": ("Partition", "check_region", "partition_of"),
    "quotas": ("Quota", "default_quotas", "quota"),
    "unknowns": ("UnknownValue",),
}

# Hidden from type checkers, which would accept any misspelt name otherwise.
if not TYPE_CHECKING:

    def __getattr__(name: str) -> object:
        """Import a public name when it is first used."""
        from importlib import import_module

        for module, names in _HOMES.items():
            if name in names:
                value = getattr(import_module(f"{__name__}.{module}"), name)
                globals()[name] = value
                return value
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")

    def __dir__() -> list[str]:
        """List the public names."""
        return sorted({*globals(), *__all__})
