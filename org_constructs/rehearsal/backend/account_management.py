"""AWS Account Management, as far as it knows names: `account:PutAccountName` and what reads them.

It is a service of its own with errors of its own, over the accounts of the organizations.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime

from .errors import ApiError
from .operation import Call, Operation
from .state import Account, Json, Organization, Outsider
from .trusted_access import is_trusted

SERVICE_PRINCIPAL = "account.amazonaws.com"

# Model.
_ACCOUNT_ID = re.compile(r"\d{12}", re.ASCII)
_NAME = re.compile(r"[ -;=?-~]{1,50}")


def _invalid(message: str) -> ApiError:
    return ApiError("ValidationException", message)


def _denied() -> ApiError:
    return ApiError(
        "AccessDeniedException",
        "You don't have permission to perform this operation on the account; the organization "
        "needs all features and trusted access for Account Management.",
    )


def _account(call: Call) -> Account | Outsider:
    """Return the account that is meant: the one that is named, or the caller's own.

    Documentation: only the management account or a delegated administrator names one, a member
    and never its own, in an organization with all features that trusts Account Management.
    """
    named = call.params.get("AccountId")
    organization = call.world.find(call.account_id)
    if named is None:
        if organization is None:
            return call.world.see(call.account_id)
        return organization.accounts[call.account_id]
    if not isinstance(named, str) or not _ACCOUNT_ID.fullmatch(named):
        raise _invalid(f"AccountId {named!r} does not match \\d{{12}}.")
    if organization is None or not _administers(organization, call.account_id):
        raise _denied()
    if organization.feature_set != "ALL" or not is_trusted(organization, SERVICE_PRINCIPAL):
        raise _denied()
    account = organization.accounts.get(named)
    # Documentation: the management account leaves its own id out; how AWS refuses it is a guess.
    if account is None or named == organization.management_account_id:
        raise _denied()
    # A closed account has nobody who could be asked for it (inference).
    if account.state != "ACTIVE":
        raise _denied()
    return account


def _administers(organization: Organization, account_id: str) -> bool:
    return account_id == organization.management_account_id or (
        account_id in organization.delegated_administrators.get(SERVICE_PRINCIPAL, {})
    )


def _put_name(call: Call) -> Json:
    name = call.params.get("AccountName")
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        raise _invalid(f"AccountName {name!r} does not match [ -;=?-~]+ with 1 to 50 characters.")
    # The same name again is no error (inference); AWS shows it everywhere within four hours
    # (documentation), here at once.
    _account(call).name = name
    return {}


def _information(call: Call) -> Json:
    account = _account(call)
    answer: Json = {"AccountId": account.id, "AccountName": account.name}
    if isinstance(account, Account):
        created = datetime.fromtimestamp(account.joined_at, tz=UTC)
        answer["AccountCreatedDate"] = created.isoformat(timespec="seconds")
        answer["AccountState"] = account.state
    return answer


OPERATIONS = {
    "GetAccountInformation": Operation(run=_information, read=True),
    "PutAccountName": Operation(run=_put_name),
}
