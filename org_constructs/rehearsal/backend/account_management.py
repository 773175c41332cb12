"""AWS Account Management: names and contacts of accounts.

It is a service of its own with errors of its own, over the accounts of the organizations.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime

from .errors import ApiError
from .operation import Call, Operation
from .state import Account, Json, Organization, Outsider
from .trusted_access import is_trusted

SERVICE_PRINCIPAL = "account.amazonaws.com"

# Model: what each text matches as a whole.
_ACCOUNT_ID = re.compile(r"\d{12}", re.ASCII)
_NAME = re.compile(r"[ -;=?-~]{1,50}")
_CONTACT_TYPE = re.compile("BILLING|OPERATIONS|SECURITY")
_ALTERNATE_CONTACT = {
    "Name": re.compile(r".{1,64}", re.DOTALL),
    "Title": re.compile(r".{1,50}", re.DOTALL),
    "EmailAddress": re.compile(
        r"(?=.{1,254}\Z)\s*[\w+=.#|!&-]+@[\w.-]+\.\w+\s*", re.ASCII | re.DOTALL
    ),
    "PhoneNumber": re.compile(r"[\s0-9()+-]{1,25}"),
    "AlternateContactType": _CONTACT_TYPE,
}
_REQUIRED_INFORMATION = {
    "FullName": re.compile(r".{1,50}", re.DOTALL),
    "AddressLine1": re.compile(r".{1,60}", re.DOTALL),
    "City": re.compile(r".{1,50}", re.DOTALL),
    "PostalCode": re.compile(r".{1,20}", re.DOTALL),
    "CountryCode": re.compile(r".{2}", re.DOTALL),
    "PhoneNumber": re.compile(r"(?=.{1,20}\Z)[+][\s0-9()-]+", re.DOTALL),
}
_OPTIONAL_INFORMATION = {
    "AddressLine2": re.compile(r".{1,60}", re.DOTALL),
    "AddressLine3": re.compile(r".{1,60}", re.DOTALL),
    "StateOrRegion": re.compile(r".{1,50}", re.DOTALL),
    "DistrictOrCounty": re.compile(r".{1,50}", re.DOTALL),
    "CompanyName": re.compile(r".{1,50}", re.DOTALL),
    "WebsiteUrl": re.compile(r".{1,256}", re.DOTALL),
}

_SOME_ADDRESS = {
    "AddressLine1": "1 Any Street",
    "City": "Any Town",
    "PostalCode": "00000",
    "CountryCode": "US",
    "PhoneNumber": "+1 000 000 0000",
}


def _invalid(message: str) -> ApiError:
    return ApiError("ValidationException", message)


def _denied(
    reason: str = "You don't have permission to perform this operation on the account.",
) -> ApiError:
    return ApiError("AccessDeniedException", reason)


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
        raise _denied(
            "Your organization must have all features and first enable trusted access with AWS "
            "Account Management."
        )
    # Documentation: the management account leaves its own id out; how AWS refuses it is what users
    # report.
    if named == organization.management_account_id:
        raise _denied(
            "The management account can only be managed using the standalone context from the "
            "management account."
        )
    account = organization.accounts.get(named)
    if account is None:
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


# --- contacts --------------------------------------------------------------------------------


def _checked(given: Json, forms: Mapping[str, re.Pattern[str]], *, required: bool) -> Json:
    """Return the texts that are given, each in its form.

    Raises:
        ApiError: `ValidationException`.
    """
    checked = {}
    for name, form in forms.items():
        value = given.get(name)
        if value is None and not required:
            continue
        if not isinstance(value, str) or not form.fullmatch(value):
            raise _invalid(f"{name} {value!r} does not match {form.pattern}.")
        checked[name] = value
    return checked


def _alternate_contacts(call: Call) -> tuple[dict[str, Json], str]:
    """Return the contacts of the account that is meant, and the type that is."""
    given = _checked(call.params, {"AlternateContactType": _CONTACT_TYPE}, required=True)
    contacts = call.world.alternate_contacts.setdefault(_account(call).id, {})
    return contacts, given["AlternateContactType"]


def _no_contact(kind: str) -> ApiError:
    return ApiError(
        "ResourceNotFoundException", f"No contact of the type {kind} is found for the account."
    )


def _put_alternate_contact(call: Call) -> Json:
    contact = _checked(call.params, _ALTERNATE_CONTACT, required=True)
    contacts, kind = _alternate_contacts(call)
    contacts[kind] = contact
    return {}


def _get_alternate_contact(call: Call) -> Json:
    contacts, kind = _alternate_contacts(call)
    if kind not in contacts:
        raise _no_contact(kind)
    return {"AlternateContact": dict(contacts[kind])}


def _delete_alternate_contact(call: Call) -> Json:
    contacts, kind = _alternate_contacts(call)
    if kind not in contacts:
        raise _no_contact(kind)
    del contacts[kind]
    return {}


def _put_information(call: Call) -> Json:
    given = call.params.get("ContactInformation")
    if not isinstance(given, dict):
        raise _invalid("ContactInformation is required.")
    information = _checked(given, _REQUIRED_INFORMATION, required=True)
    information |= _checked(given, _OPTIONAL_INFORMATION, required=False)
    # What is not given is gone, as it is all put at once (inference).
    call.world.contact_information[_account(call).id] = information
    return {}


def _get_information(call: Call) -> Json:
    account = _account(call)
    # Every account has one from its sign-up, which nothing here knows (guess).
    unknown = {"FullName": account.name, **_SOME_ADDRESS}
    return {"ContactInformation": dict(call.world.contact_information.get(account.id, unknown))}


OPERATIONS = {
    "DeleteAlternateContact": Operation(run=_delete_alternate_contact),
    "GetAccountInformation": Operation(run=_information, read=True),
    "GetAlternateContact": Operation(run=_get_alternate_contact, read=True),
    "GetContactInformation": Operation(run=_get_information, read=True),
    "PutAccountName": Operation(run=_put_name),
    "PutAlternateContact": Operation(run=_put_alternate_contact),
    "PutContactInformation": Operation(run=_put_information),
}
