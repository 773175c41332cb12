"""The organization's OUs, accounts and guardrails."""

from __future__ import annotations

from typing import Any

from constructs import Construct

from org_constructs import (
    IOrganization,
    Organization,
    OrgError,
    ProductionOu,
    SandboxOu,
    SecurityOu,
    StagingOu,
    WorkloadsOu,
)
from org_constructs.guardrails import DenyLeaveOrganization, DenyRootUser, RegionDeny

from .management import ManagementStack
from .settings import OrganizationSettings


class OrganizationStack(ManagementStack):
    """Root, Security, Workloads (Production, Staging) and Sandbox, with their accounts."""

    def __init__(
        self,
        scope: Construct,
        id: str,
        *,
        settings: OrganizationSettings,
        organization: IOrganization,
        **kwargs: Any,
    ) -> None:
        super().__init__(scope, id, settings=settings, **kwargs)
        root = Organization.from_organization_attributes(
            self,
            "Organization",
            organization_id=organization.organization_id,
            root_id=organization.root.root_id,
            management_account_id=settings.management_account_id,
        ).root
        root.attach(DenyLeaveOrganization(), DenyRootUser())

        security = SecurityOu(self, "Security", parent=root)
        workloads = WorkloadsOu(self, "Workloads", parent=root)
        production = ProductionOu(workloads, "Production", parent=workloads)
        staging = StagingOu(workloads, "Staging", parent=workloads)
        sandbox = SandboxOu(
            self,
            "Sandbox",
            parent=root,
            guardrails=[RegionDeny(allowed_regions=settings.sandbox_regions)],
        )

        units = {
            "Security": security,
            "Workloads": workloads,
            "Workloads/Production": production,
            "Workloads/Staging": staging,
            "Sandbox": sandbox,
        }
        for account in settings.accounts:
            unit = units.get(account.ou)
            if unit is None:
                raise OrgError(
                    "ORG010",
                    f"setting org.accounts.{account.id}.ou is '{account.ou}'; known are {', '.join(units)}",
                )
            unit.add_account(
                account.id, email=account.email, name=account.name, role_name=account.role_name
            )
