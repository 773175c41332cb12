"""Delegated administrators: member accounts that administer a trusted service."""

from __future__ import annotations

from .accounts import account_of, describe_account
from .callers import is_delegated_administrator
from .errors import ApiError, constraint_violation, invalid_input
from .operation import Call, Operation
from .paging import page
from .state import Json, Organization
from .trusted_access import (
    is_trusted,
    known_service,
    need_all_features,
    service_access_not_enabled,
)


def _register(call: Call) -> Json:
    organization, account = call.organization, account_of(call)
    need_all_features(organization)
    service = known_service(call.params["ServicePrincipal"])
    if not service.delegated_administrators:
        raise invalid_input(
            f"{service.principal} does not support delegated administrators.",
            "UNRECOGNIZED_SERVICE_PRINCIPAL",
        )
    if account.id == organization.management_account_id:
        raise constraint_violation(
            "You cannot register the management account as a delegated administrator.",
            "CANNOT_REGISTER_MASTER_AS_DELEGATED_ADMINISTRATOR",
        )
    if account.state != "ACTIVE":
        raise constraint_violation(
            "You cannot register a suspended account as a delegated administrator.",
            "CANNOT_REGISTER_SUSPENDED_ACCOUNT_AS_DELEGATED_ADMINISTRATOR",
        )
    if not is_trusted(organization, service.principal):
        raise service_access_not_enabled(service.principal)
    registered = organization.delegated_administrators.setdefault(service.principal, {})
    if account.id in registered:
        raise ApiError(
            "AccountAlreadyRegisteredException",
            "The specified account is already a delegated administrator for this AWS service.",
        )
    most = service.most_delegated_administrators
    if most is not None and len(registered) >= most:
        raise constraint_violation(
            f"{service.principal} has at most {most} delegated administrators.",
            "DELEGATED_ADMINISTRATOR_EXISTS_FOR_THIS_SERVICE"
            if most == 1
            else "MAX_DELEGATED_ADMINISTRATORS_FOR_SERVICE_LIMIT_EXCEEDED",
        )
    registered[account.id] = call.clock.now()
    return {}


def _deregister(call: Call) -> Json:
    organization, account = call.organization, account_of(call)
    need_all_features(organization)
    service = known_service(call.params["ServicePrincipal"])
    registered = organization.delegated_administrators.get(service.principal, {})
    if account.id not in registered:
        raise _not_registered()
    del registered[account.id]
    return {}


def _list(call: Call) -> Json:
    organization, principal = call.organization, call.params.get("ServicePrincipal")
    need_all_features(organization)
    if principal is not None:
        known_service(principal)
    items = [
        # The first registration counts when an account administers several services (inference).
        describe_account(organization, organization.accounts[account_id])
        | {"DelegationEnabledDate": min(dates)}
        for account_id, dates in _registrations(organization, principal).items()
    ]
    # Unlike an account, an administrator has no paths (model).
    for item in items:
        del item["Paths"]
    return page(call.params, "DelegatedAdministrators", items)


def _registrations(organization: Organization, principal: str | None) -> dict[str, list[float]]:
    found: dict[str, list[float]] = {}
    for service, registered in organization.delegated_administrators.items():
        if principal in (None, service):
            for account_id, since in registered.items():
                found.setdefault(account_id, []).append(since)
    return found


def _services(call: Call) -> Json:
    organization, account = call.organization, account_of(call)
    need_all_features(organization)
    if not is_delegated_administrator(organization, account.id):
        raise _not_registered()
    items: list[Json] = [
        {"ServicePrincipal": service, "DelegationEnabledDate": registered[account.id]}
        for service, registered in sorted(organization.delegated_administrators.items())
        if account.id in registered
    ]
    return page(call.params, "DelegatedServices", items)


def _not_registered() -> ApiError:
    return ApiError(
        "AccountNotRegisteredException",
        "The specified account is not a delegated administrator for this AWS service.",
    )


OPERATIONS = {
    "RegisterDelegatedAdministrator": Operation(run=_register),
    "DeregisterDelegatedAdministrator": Operation(run=_deregister),
    "ListDelegatedAdministrators": Operation(run=_list, read=True),
    "ListDelegatedServicesForAccount": Operation(run=_services, read=True),
}
