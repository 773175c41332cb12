"""Renames an account: CloudFormation creates it with a name and never changes that.

The account API renames at once; other services show the new name up to four hours later
(documentation). It lets the management account rename a member only when the organization trusts
Account Management, so this is seen to first.
"""

# ruff: noqa: TID252 - the package has another name in Lambda, so its imports are relative

from __future__ import annotations

import logging
import re
from typing import TYPE_CHECKING, Any, Final

from ..errors import explained
from ..properties import ACCOUNT_ID, checked
from ..trusted_access import trust
from . import Outcome, Setting

if TYPE_CHECKING:
    from collections.abc import Mapping

    from . import Run

_LOGGER = logging.getLogger(__name__)

_SERVICE_PRINCIPAL: Final = "account.amazonaws.com"
# The account API's model: printable ASCII without < and >.
_NAME: Final = re.compile(r"[ -;=?-~]{1,50}")


_REMEDIES: Final = {
    "AccessDeniedException": (
        "the organization needs all features, and the account must be an active member"
    ),
    "ValidationException": "check the account id, and give a name that AWS accepts",
}


class AccountNameSetting(Setting):
    """The resource type `Custom::AccountName` with `AccountId` and `Name`."""

    resource_type = "Custom::AccountName"
    actions = {  # noqa: RUF012 - annotated in Setting
        "account:GetAccountInformation": "tells the name that the account has",
        "account:PutAccountName": "renames the account",
        "organizations:EnableAWSServiceAccess": "lets the management account rename members",
        "organizations:ListAWSServiceAccessForOrganization": "tells whether it may already",
    }
    conditions = {  # noqa: RUF012 - annotated in Setting
        "organizations:EnableAWSServiceAccess": {
            "StringEquals": {"organizations:ServicePrincipal": _SERVICE_PRINCIPAL}
        }
    }
    kept = (
        "the account keeps its last name, and Account Management stays trusted: other tools may "
        "rely on it; to change that, call PutAccountName or DisableAWSServiceAccess yourself"
    )

    def apply(
        self, properties: Mapping[str, Any], previous: Mapping[str, Any], run: Run
    ) -> Outcome:
        """See `Setting.apply`."""
        account_id = checked(properties, "AccountId", ACCOUNT_ID, "'123456789012'")
        name = checked(properties, "Name", _NAME, "'payments-prod', without '<' and '>'")
        trust(_SERVICE_PRINCIPAL, run, needed_for="renaming an account")
        # What is read may be as old as four hours: it says nothing against a name that has just
        # been changed in code.
        changed = previous.get("Name", name) != name
        if not changed and _current_name(account_id, run) == name:
            _LOGGER.info("account %s has its name already", account_id)
        else:
            _rename(account_id, name, run)
            _LOGGER.info("account %s is renamed", account_id)
        return Outcome(physical_id=f"{account_id}/name")


SETTING = AccountNameSetting()


def _current_name(account_id: str, run: Run) -> str | None:
    client = run.client("account")
    with explained(f"the name of account '{account_id}' cannot be read", _REMEDIES):
        found: Mapping[str, Any] = run.patience.call(
            lambda: client.get_account_information(AccountId=account_id),
            awaited=f"the name of account '{account_id}'",
        )
    return found.get("AccountName")


def _rename(account_id: str, name: str, run: Run) -> None:
    client = run.client("account")
    with explained(f"account '{account_id}' cannot be renamed to '{name}'", _REMEDIES):
        run.patience.call(
            lambda: client.put_account_name(AccountId=account_id, AccountName=name),
            awaited=f"account '{account_id}' to be renamed",
        )
