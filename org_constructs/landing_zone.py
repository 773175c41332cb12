"""The reference hierarchy: OUs with the guardrails that belong to their purpose.

Made to be subclassed: override `default_guardrails()`, call `super().default_guardrails()` to
keep what a class brings, and pass `guardrails=` to replace it for one OU.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from .guardrails import DenyCloseAccount, ProtectCloudTrail, RegionDeny
from .organizational_unit import OrganizationalUnit

if TYPE_CHECKING:
    from .guardrails import Guardrail


class SecurityOu(OrganizationalUnit):
    """Accounts that watch the others: log archive, security tooling.

    Brings no guardrails of its own beyond what it inherits: security tools act in every Region
    and on every trail.
    """


class WorkloadsOu(OrganizationalUnit):
    """Parent of the OUs in which workloads run."""


class ProductionOu(OrganizationalUnit):
    """Accounts that customers depend on: they cannot be closed, nor their trails stopped."""

    def default_guardrails(self) -> Sequence[Guardrail]:
        """Deny closing the account, and stopping or changing CloudTrail."""
        return (DenyCloseAccount(), ProtectCloudTrail())


class StagingOu(OrganizationalUnit):
    """Accounts in which a release is proved before production."""


class SandboxOu(OrganizationalUnit):
    """Accounts to try things in, fenced to two Regions in which most services are cheapest."""

    def default_guardrails(self) -> Sequence[Guardrail]:
        """Deny what is not called in us-east-1 or us-west-2."""
        return (RegionDeny(allowed_regions=["us-east-1", "us-west-2"]),)
