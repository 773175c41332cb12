"""Operations of other services that work on an organization, with the errors they declare (model)."""

from __future__ import annotations

from collections.abc import Mapping

_ACCOUNT = frozenset(
    {
        *("AccessDeniedException", "InternalServerException", "TooManyRequestsException"),
        "ValidationException",
    }
)
_NO_CONTACT = _ACCOUNT | {"ResourceNotFoundException"}
_ROOT_ACCESS = frozenset(
    {
        *("AccountNotManagementOrDelegatedAdministratorException", "OrganizationNotFoundException"),
        *("OrganizationNotInAllFeaturesModeException", "ServiceAccessNotEnabledException"),
    }
)
_TURNS_ON_ROOT_ACCESS = _ROOT_ACCESS | {"CallerIsNotManagementAccountException"}

ACCOUNT_MANAGEMENT: Mapping[str, frozenset[str]] = {
    "DeleteAlternateContact": _NO_CONTACT,
    "GetAccountInformation": _ACCOUNT,
    "GetAlternateContact": _NO_CONTACT,
    "GetContactInformation": _NO_CONTACT,
    "PutAccountName": _ACCOUNT,
    "PutAlternateContact": _ACCOUNT,
    "PutContactInformation": _ACCOUNT,
}
IAM: Mapping[str, frozenset[str]] = {
    "DisableOrganizationsRootCredentialsManagement": _ROOT_ACCESS,
    "DisableOrganizationsRootSessions": _ROOT_ACCESS,
    "EnableOrganizationsRootCredentialsManagement": _TURNS_ON_ROOT_ACCESS,
    "EnableOrganizationsRootSessions": _TURNS_ON_ROOT_ACCESS,
    "ListOrganizationsFeatures": _ROOT_ACCESS,
}
OTHER_SERVICES: Mapping[str, Mapping[str, frozenset[str]]] = {
    "account": ACCOUNT_MANAGEMENT,
    "iam": IAM,
}
