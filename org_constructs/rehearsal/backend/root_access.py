"""Central root access: what IAM lets the management account do as root in its members."""

from __future__ import annotations

from collections.abc import Callable

from .errors import ApiError
from .operation import Call, Operation
from .state import Json, Organization
from .trusted_access import is_trusted

SERVICE_PRINCIPAL = "iam.amazonaws.com"
_CREDENTIALS = "RootCredentialsManagement"
_SESSIONS = "RootSessions"


def _organization(call: Call, *, turns_on: bool) -> Organization:
    """Return the organization of a call, when it may be about these features.

    The order of the refusals is a guess, and so is which of the two that are about callers is
    meant for whom: a delegated administrator lists and turns off, and turns nothing on.
    """
    organization = call.world.find(call.account_id)
    if organization is None:
        raise ApiError(
            "OrganizationNotFoundException",
            "The request was rejected because no organization is associated with your account.",
        )
    if call.account_id != organization.management_account_id:
        administrators = organization.delegated_administrators.get(SERVICE_PRINCIPAL, {})
        if call.account_id not in administrators:
            raise ApiError(
                "AccountNotManagementOrDelegatedAdministratorException",
                "The request was rejected because the account making the request is not the "
                "management account or delegated administrator account for centralized root "
                "access.",
            )
        if turns_on:
            raise ApiError(
                "CallerIsNotManagementAccountException",
                "The request was rejected because the account making the request is not the "
                "management account for the organization.",
            )
    if organization.feature_set != "ALL":
        raise ApiError(
            "OrganizationNotInAllFeaturesModeException",
            "The request was rejected because your organization does not have All features "
            "enabled.",
        )
    if not is_trusted(organization, SERVICE_PRINCIPAL):
        raise ApiError(
            "ServiceAccessNotEnabledException",
            "The request was rejected because trusted access is not enabled for IAM in "
            "Organizations.",
        )
    return organization


def _answer(organization: Organization) -> Json:
    return {
        "OrganizationId": organization.id,
        "EnabledFeatures": sorted(organization.root_access_features),
    }


def _turning_on(feature: str) -> Callable[[Call], Json]:
    def run(call: Call) -> Json:
        organization = _organization(call, turns_on=True)
        # Again is no error (inference); neither needs the other (model).
        if feature not in organization.root_access_features:
            organization.root_access_features.append(feature)
        return _answer(organization)

    return run


def _turning_off(feature: str) -> Callable[[Call], Json]:
    def run(call: Call) -> Json:
        organization = _organization(call, turns_on=False)
        if feature in organization.root_access_features:
            organization.root_access_features.remove(feature)
        return _answer(organization)

    return run


OPERATIONS = {
    "DisableOrganizationsRootCredentialsManagement": Operation(run=_turning_off(_CREDENTIALS)),
    "DisableOrganizationsRootSessions": Operation(run=_turning_off(_SESSIONS)),
    "EnableOrganizationsRootCredentialsManagement": Operation(run=_turning_on(_CREDENTIALS)),
    "EnableOrganizationsRootSessions": Operation(run=_turning_on(_SESSIONS)),
    "ListOrganizationsFeatures": Operation(
        run=lambda call: _answer(_organization(call, turns_on=False)), read=True
    ),
}
