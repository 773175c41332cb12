"""Sets whom AWS writes to about an account beside its root user: billing, operations, security.

For a member account the account API wants its id and trusted access for Account Management; for
the management account itself it wants neither.
"""

# ruff: noqa: TID252 - the package has another name in Lambda, so its imports are relative

from __future__ import annotations

import logging
import re
from typing import TYPE_CHECKING, Any, Final

from ..errors import error_code, explained
from ..properties import ACCOUNT_ID, checked, turns_off
from ..trusted_access import trust
from . import Outcome, Setting

if TYPE_CHECKING:
    from collections.abc import Mapping

    from . import Run

_LOGGER = logging.getLogger(__name__)

_SERVICE_PRINCIPAL: Final = "account.amazonaws.com"
_TYPE: Final = re.compile(r"BILLING|OPERATIONS|SECURITY")
# The account API's model, with its lengths; each with a sample.
_FIELDS: Final[Mapping[str, tuple[re.Pattern[str], str]]] = {
    "EmailAddress": (
        re.compile(r"(?=[\s\S]{1,254}\Z)\s*[\w+=.#|!&-]+@[\w.-]+\.\w+\s*", re.ASCII),
        "'security@example.com'",
    ),
    "Name": (re.compile(r"[\s\S]{1,64}"), "'Security team'"),
    "PhoneNumber": (re.compile(r"[\s0-9()+-]{1,25}", re.ASCII), "'+49 30 1234567'"),
    "Title": (re.compile(r"[\s\S]{1,50}"), "'Head of security'"),
}
_REMEDIES: Final = {
    "AccessDeniedException": (
        "the organization needs all features, and the account must be an active member"
    ),
    "ValidationException": (
        "give values that AWS accepts; the management account goes without AccountId"
    ),
}
_OF_ACCOUNT_MANAGEMENT = {"StringEquals": {"organizations:ServicePrincipal": _SERVICE_PRINCIPAL}}
# The key holds a list.
_OF_THIS_TYPE = {"ForAnyValue:StringEquals": {"account:AlternateContactTypes": "{Type}"}}


class AlternateContactSetting(Setting):
    """The resource type `Custom::AlternateContact`.

    Properties: `AccountId`, which the management account goes without, `Type`, `Name`, `Title`,
    `EmailAddress`, `PhoneNumber` and `TurnOffOnRemoval`.
    """

    resource_type = "Custom::AlternateContact"
    actions = {  # noqa: RUF012 - annotated in Setting
        "account:GetAlternateContact": "tells the contact that the account has",
        "account:PutAlternateContact": "sets the contact",
        "organizations:EnableAWSServiceAccess": "lets the management account write for members",
        "organizations:ListAWSServiceAccessForOrganization": "tells whether it may already",
    }
    removal_actions = {  # noqa: RUF012 - annotated in Setting
        "account:DeleteAlternateContact": "takes the contact away",
    }
    conditions = {  # noqa: RUF012 - annotated in Setting
        "account:DeleteAlternateContact": _OF_THIS_TYPE,
        "account:GetAlternateContact": _OF_THIS_TYPE,
        "account:PutAlternateContact": _OF_THIS_TYPE,
        "organizations:EnableAWSServiceAccess": _OF_ACCOUNT_MANAGEMENT,
    }
    kept = (
        "the account keeps its contact, and Account Management stays trusted; to change that, set "
        "turn_off_on_removal, deploy, and then remove it"
    )

    def apply(
        self, properties: Mapping[str, Any], previous: Mapping[str, Any], run: Run
    ) -> Outcome:
        """See `Setting.apply`."""
        account, kind = _names(properties)
        turns_off(properties)
        wanted = {
            name: checked(properties, name, pattern, sample)
            for name, (pattern, sample) in _FIELDS.items()
        }
        if account:
            trust(_SERVICE_PRINCIPAL, run, needed_for="a contact of a member account")
        # Reads may be behind writes: what has just been changed in code is always written.
        changed = any(previous.get(name, value) != value for name, value in wanted.items())
        if not changed and _current(account, kind, run) == wanted:
            _LOGGER.info("%s has its %s contact already", _shown(account), kind)
        else:
            _call(
                "put_alternate_contact",
                account,
                kind,
                run,
                failure=f"the {kind} contact of {_shown(account)} cannot be set",
                **wanted,
            )
            _LOGGER.info("the %s contact of %s is set", kind, _shown(account))
        return Outcome(physical_id=f"{account.get('AccountId', 'management')}/contact/{kind}")

    def remove(self, properties: Mapping[str, Any], run: Run) -> str:
        """See `Setting.remove`."""
        if not turns_off(properties):
            return self.kept
        account, kind = _names(properties)
        failure = f"the {kind} contact of {_shown(account)} cannot be deleted"
        try:
            _call("delete_alternate_contact", account, kind, run, failure=failure)
        except Exception as error:
            if error_code(error) != "ResourceNotFoundException":
                raise
        return f"{_shown(account)} has no {kind} contact any more"


SETTING = AlternateContactSetting()


def _names(properties: Mapping[str, Any]) -> tuple[dict[str, str], str]:
    """Return the account as the API takes it, nothing for the management account, and the type."""
    account = {}
    if "AccountId" in properties:
        account["AccountId"] = checked(properties, "AccountId", ACCOUNT_ID, "'123456789012'")
    return account, checked(properties, "Type", _TYPE, "'SECURITY'")


def _shown(account: Mapping[str, str]) -> str:
    return f"account '{account['AccountId']}'" if account else "the management account"


def _current(account: Mapping[str, str], kind: str, run: Run) -> dict[str, str] | None:
    failure = f"the {kind} contact of {_shown(account)} cannot be read"
    try:
        found = _call("get_alternate_contact", account, kind, run, failure=failure)
    except Exception as error:
        if error_code(error) == "ResourceNotFoundException":
            return None
        raise
    contact = found.get("AlternateContact", {})
    return {name: contact.get(name, "") for name in _FIELDS}


def _call(
    operation: str, account: Mapping[str, str], kind: str, run: Run, *, failure: str, **fields: str
) -> Any:
    call = getattr(run.client("account"), operation)
    with explained(failure, _REMEDIES):
        return run.patience.call(
            lambda: call(**account, AlternateContactType=kind, **fields),
            awaited=f"the {kind} contact of {_shown(account)}",
        )
