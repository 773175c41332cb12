"""The organization itself and its root."""

from __future__ import annotations

import copy

from . import policy_types
from .errors import ApiError
from .operation import Call, Operation
from .paging import page
from .settings import Settings
from .state import Account, Json, Organization, Outsider


def _create(call: Call) -> Json:
    if call.world.find(call.account_id) is not None:
        raise ApiError(
            "AlreadyInOrganizationException",
            "The AWS account is already a member of an organization.",
        )
    if call.params.get("FeatureSet", "ALL") == "ALL":
        need_service_linked_role(call.settings)
    organization = Organization(
        id=call.ids.organization(),
        root_id=call.ids.root(),
        management_account_id=call.account_id,
        feature_set=call.params.get("FeatureSet", "ALL"),
        partition=call.settings.partition,
        created_at=call.clock.now(),
    )
    known = call.world.outsiders.pop(call.account_id, None)
    organization.accounts[call.account_id] = Account(
        id=call.account_id,
        name=known.name if known else "Management",
        email=known.email if known else f"management+{call.account_id}@rehearsal.internal",
        parent_id=organization.root_id,
        joined_method="INVITED",
        joined_at=call.clock.now(),
    )
    for policy in policy_types.DEFAULT_POLICIES.values():
        organization.policies[policy.id] = copy.copy(policy)
    if call.settings.service_control_policies_at_birth and organization.feature_set == "ALL":
        policy_types.switch_on(organization, "SERVICE_CONTROL_POLICY", call.clock.now())
    call.world.organizations[organization.id] = organization
    return {"Organization": _describe(organization)}


def _describe(organization: Organization) -> Json:
    management = organization.accounts[organization.management_account_id]
    return {
        "Id": organization.id,
        "Arn": f"arn:{organization.partition}:organizations::{management.id}:"
        f"organization/{organization.id}",
        "FeatureSet": organization.feature_set,
        "MasterAccountArn": organization.arn("account", management.id),
        "MasterAccountId": management.id,
        "MasterAccountEmail": management.email,
        # AWS keeps this deprecated list for compatibility and says to read ListRoots instead. It is
        # empty where there are no policies (documentation: example of create-organization).
        "AvailablePolicyTypes": [{"Type": "SERVICE_CONTROL_POLICY", "Status": "ENABLED"}]
        if organization.feature_set == "ALL"
        else [],
    }


def _delete(call: Call) -> Json:
    organization = call.organization
    own_policies = [policy for policy in organization.policies.values() if not policy.aws_managed]
    if len(organization.accounts) > 1 or organization.units or own_policies:
        raise ApiError(
            "OrganizationNotEmptyException",
            "The organization isn't empty. To delete an organization, you must first remove all "
            "accounts except the management account, delete all OUs, and delete all policies.",
        )
    for handshake in call.world.handshakes.values():
        if handshake.organization_id == organization.id and handshake.completed_at is None:
            handshake.finish("CANCELED", call.clock.now())
    management = organization.accounts[organization.management_account_id]
    call.world.outsiders[management.id] = Outsider(management.id, management.name, management.email)
    del call.world.organizations[organization.id]
    return {}


def need_service_linked_role(settings: Settings) -> None:
    """Refuse what creates the service-linked role when the caller may not create it.

    Raises:
        ApiError: `AccessDeniedForDependencyException`.
    """
    if not settings.service_linked_roles:
        raise ApiError(
            "AccessDeniedForDependencyException",
            "You don't have the permission iam:CreateServiceLinkedRole for "
            "organizations.amazonaws.com.",
            "ACCESS_DENIED_DURING_CREATE_SERVICE_LINKED_ROLE",
        )


def _roots(call: Call) -> Json:
    return page(call.params, "Roots", [policy_types.describe_root(call.organization)])


OPERATIONS = {
    "CreateOrganization": Operation(run=_create),
    "DescribeOrganization": Operation(
        run=lambda call: {"Organization": _describe(call.organization)},
        read=True,
    ),
    "DeleteOrganization": Operation(run=_delete),
    "ListRoots": Operation(run=_roots, read=True),
}
