"""The organization's OUs, accounts and guardrails."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import aws_cdk as cdk
from constructs import Construct

from org_constructs import (
    IOrganization,
    Organization,
    OrganizationalUnit,
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
            unit = _unit(units, account.ou, f"accounts.{account.id}")
            unit.add_account(
                account.id, email=account.email, name=account.name, role_name=account.role_name
            )
        for invited in settings.invitations:
            unit = _unit(units, invited.ou, f"invitations.{invited.id}")
            invitation = unit.invite_account(
                invited.id,
                account_id=invited.account_id,
                email=invited.email,
                notes=invited.notes,
            )
            cdk.CfnOutput(
                self,
                f"Invitation{invited.id.replace('-', '')}",
                value=f"{invitation.invitation_state} {invitation.handshake_id}",
                description="What the deployment found; orgctl invitations shows it as it is now",
            )


def _unit(units: Mapping[str, OrganizationalUnit], ou: str, setting: str) -> OrganizationalUnit:
    if ou not in units:
        raise OrgError(
            "ORG010", f"setting org.{setting}.ou is '{ou}'; known are {', '.join(units)}"
        )
    return units[ou]
