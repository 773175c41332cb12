"""Makes a member account the delegated administrator of a trusted service."""

# ruff: noqa: TID252 - the package has another name in Lambda, so its imports are relative

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any, Final

from ..errors import SettingError, error_code, error_reason, explain, explained
from ..properties import ACCOUNT_ID, SERVICE_PRINCIPAL, checked, turns_off
from ..retry import is_unsettled
from . import Outcome, Setting

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mypy_boto3_organizations import OrganizationsClient

    from . import Run

_LOGGER = logging.getLogger(__name__)
_OF_THIS_SERVICE = {"StringEquals": {"organizations:ServicePrincipal": "{ServicePrincipal}"}}

# By the error's Reason or code, the Reason first.
_REMEDIES: Final = {
    "AccountNotFoundException": "give the id of an active member of this organization",
    "CANNOT_REGISTER_MASTER_AS_DELEGATED_ADMINISTRATOR": (
        "the management account administers every service anyway; name a member account"
    ),
    "CANNOT_REGISTER_SUSPENDED_ACCOUNT_AS_DELEGATED_ADMINISTRATOR": "name an active account",
    "DELEGATED_ADMINISTRATOR_EXISTS_FOR_THIS_SERVICE": (
        "the service takes one; deregister the other account first, as the service documents it"
    ),
    "MAX_DELEGATED_ADMINISTRATORS_FOR_SERVICE_LIMIT_EXCEEDED": (
        "deregister another account of this service first"
    ),
    "SERVICE_ACCESS_NOT_ENABLED": (
        "trust the service first: trusted_services= of the Organization, or its console"
    ),
    "UNRECOGNIZED_SERVICE_PRINCIPAL": (
        "check the name, and that the service has delegated administrators"
    ),
}


class DelegatedAdministratorSetting(Setting):
    """The resource type `Custom::DelegatedAdministrator`.

    Properties: `AccountId`, `ServicePrincipal` and `TurnOffOnRemoval`.
    """

    resource_type = "Custom::DelegatedAdministrator"
    actions = {  # noqa: RUF012 - annotated in Setting
        "organizations:ListDelegatedAdministrators": "tells whether the account is one already",
        "organizations:RegisterDelegatedAdministrator": "makes it one",
    }
    removal_actions = {  # noqa: RUF012 - annotated in Setting
        "organizations:DeregisterDelegatedAdministrator": "takes that back",
    }
    conditions = {  # noqa: RUF012 - annotated in Setting
        "organizations:DeregisterDelegatedAdministrator": _OF_THIS_SERVICE,
        "organizations:ListDelegatedAdministrators": _OF_THIS_SERVICE,
        "organizations:RegisterDelegatedAdministrator": _OF_THIS_SERVICE,
    }
    kept = (
        "the account stays a delegated administrator: for some services deregistering deletes "
        "what it has set up; to change that, set turn_off_on_removal, deploy, and then remove it"
    )

    def apply(
        self,
        properties: Mapping[str, Any],
        previous: Mapping[str, Any],  # noqa: ARG002 - another account or service is another setting
        run: Run,
    ) -> Outcome:
        """See `Setting.apply`."""
        account_id, principal = _names(properties)
        turns_off(properties)
        if _is_registered(account_id, principal, run):
            _LOGGER.info("account %s administers %s already", account_id, principal)
        else:
            _register(account_id, principal, run)
        return Outcome(physical_id=f"{account_id}/administers/{principal}")

    def remove(self, properties: Mapping[str, Any], run: Run) -> str:
        """See `Setting.remove`."""
        if not turns_off(properties):
            return self.kept
        account_id, principal = _names(properties)
        client: OrganizationsClient = run.client("organizations")
        try:
            run.patience.call(
                lambda: client.deregister_delegated_administrator(
                    AccountId=account_id, ServicePrincipal=principal
                ),
                awaited=f"account '{account_id}' to be deregistered for '{principal}'",
            )
        except Exception as error:
            if error_code(error) in ("AccountNotFoundException", "AccountNotRegisteredException"):
                return f"account {account_id} does not administer {principal}"
            if error_code(error) != "ConstraintViolationException":
                raise
            raise SettingError(
                f"account '{account_id}' cannot be deregistered for '{principal}' "
                f"({explain(error)}); deregister it in the service itself"
            ) from error
        return f"account {account_id} no longer administers {principal}"


SETTING = DelegatedAdministratorSetting()


def _names(properties: Mapping[str, Any]) -> tuple[str, str]:
    return (
        checked(properties, "AccountId", ACCOUNT_ID, "'123456789012'"),
        checked(properties, "ServicePrincipal", SERVICE_PRINCIPAL, "'guardduty.amazonaws.com'"),
    )


def _is_registered(account_id: str, principal: str, run: Run) -> bool:
    client: OrganizationsClient = run.client("organizations")
    pages = client.get_paginator("list_delegated_administrators")
    with explained(f"the delegated administrators of '{principal}' cannot be read", _REMEDIES):
        found = run.patience.call(
            lambda: {
                administrator.get("Id")
                for page in pages.paginate(ServicePrincipal=principal)
                for administrator in page["DelegatedAdministrators"]
            },
            awaited=f"the delegated administrators of '{principal}'",
        )
    return account_id in found


def _register(account_id: str, principal: str, run: Run) -> None:
    client: OrganizationsClient = run.client("organizations")
    try:
        with explained(f"account '{account_id}' cannot administer '{principal}'", _REMEDIES):
            run.patience.call(
                lambda: client.register_delegated_administrator(
                    AccountId=account_id, ServicePrincipal=principal
                ),
                awaited=f"account '{account_id}' to be registered for '{principal}'",
                # An account and a trust may be as new as this deployment.
                unsettled=lambda error: (
                    is_unsettled(error)
                    or error_code(error) == "AccountNotFoundException"
                    or error_reason(error) == "SERVICE_ACCESS_NOT_ENABLED"
                ),
            )
    except client.exceptions.AccountAlreadyRegisteredException:
        return
    _LOGGER.info("account %s administers %s", account_id, principal)
