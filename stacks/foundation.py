"""What must stand before OUs and accounts: the organization itself and its policy types."""

from __future__ import annotations

from typing import Any

from constructs import Construct

from org_constructs import IOrganization, Organization, PolicyType

from .management import ManagementStack
from .settings import OrganizationSettings


class FoundationStack(ManagementStack):
    """The organization, created or existing, with service control policies turned on.

    Creating an organization is a deployment of its own: AWS goes on finalizing it for up to an
    hour, in which accounts cannot be created.
    """

    def __init__(
        self, scope: Construct, id: str, *, settings: OrganizationSettings, **kwargs: Any
    ) -> None:
        super().__init__(scope, id, settings=settings, **kwargs)
        self.organization: IOrganization
        if settings.existing is None:
            self.organization = Organization(self, "Organization", policy_types=[])
        else:
            self.organization = Organization.from_organization_attributes(
                self,
                "Organization",
                organization_id=settings.existing.organization_id,
                root_id=settings.existing.root_id,
                management_account_id=settings.management_account_id,
            )
        self.organization.enable_policy_type(PolicyType.SERVICE_CONTROL_POLICY)
