"""An AWS organization as typed Python: AWS CDK constructs and the pure rooms behind them.

Names are imported when first used, so that `org_constructs.guardrails` and the other pure rooms
load neither CDK nor Node.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .account import Account, IAccount
    from .contacts import AlternateContact, ContactType
    from .delegation_policy import DelegationPolicy
    from .invitation import AccountInvitation
    from .landing_zone import ProductionOu, SandboxOu, SecurityOu, StagingOu, WorkloadsOu
    from .model.errors import OrgError
    from .model.trusted_services import AwsService
    from .organization import IOrganization, Organization, Root
    from .organizational_unit import IOrganizationalUnit, OrganizationalUnit
    from .policies import PolicyType
    from .policy import IPolicy, Policy, ServiceControlPolicy
    from .settings import (
        AllowList,
        CentralRootAccess,
        DelegatedAdministrator,
        OrganizationPolicyType,
        RootTags,
        TrustedService,
    )

__all__ = [
    "Account",
    "AccountInvitation",
    "AllowList",
    "AlternateContact",
    "AwsService",
    "CentralRootAccess",
    "ContactType",
    "DelegatedAdministrator",
    "DelegationPolicy",
    "IAccount",
    "IOrganization",
    "IOrganizationalUnit",
    "IPolicy",
    "OrgError",
    "Organization",
    "OrganizationPolicyType",
    "OrganizationalUnit",
    "Policy",
    "PolicyType",
    "ProductionOu",
    "Root",
    "RootTags",
    "SandboxOu",
    "SecurityOu",
    "ServiceControlPolicy",
    "StagingOu",
    "TrustedService",
    "WorkloadsOu",
]

_HOMES = {
    "account": ("Account", "IAccount"),
    "contacts": ("AlternateContact", "ContactType"),
    "delegation_policy": ("DelegationPolicy",),
    "invitation": ("AccountInvitation",),
    "landing_zone": ("ProductionOu", "SandboxOu", "SecurityOu", "StagingOu", "WorkloadsOu"),
    "model.errors": ("OrgError",),
    "model.trusted_services": ("AwsService",),
    "organization": ("IOrganization", "Organization", "Root"),
    "organizational_unit": ("IOrganizationalUnit", "OrganizationalUnit"),
    "policies": ("PolicyType",),
    "policy": ("IPolicy", "Policy", "ServiceControlPolicy"),
    "settings": (
        "AllowList",
        "CentralRootAccess",
        "DelegatedAdministrator",
        "OrganizationPolicyType",
        "RootTags",
        "TrustedService",
    ),
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
