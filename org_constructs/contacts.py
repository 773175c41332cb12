"""Whom AWS writes to about an account, beside its root user."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any, cast

from ._render import is_token
from .model.errors import OrgError

if TYPE_CHECKING:
    from ._registry import Item, Place
    from .account import Account


class ContactType(StrEnum):
    """What AWS writes about."""

    BILLING = "BILLING"
    OPERATIONS = "OPERATIONS"
    SECURITY = "SECURITY"


# The model of the account API (botocore 1.44), where \w and \s are ASCII.
_EMAIL = re.compile(r"\s*[\w+=.#|!&-]+@[\w.-]+\.\w+\s*", re.ASCII)
_PHONE_NUMBER = re.compile(r"[\s0-9()+-]+", re.ASCII)
_LONGEST: Mapping[str, int] = {"name": 64, "title": 50, "email": 254, "phone_number": 25}


@dataclass(frozen=True, slots=True, kw_only=True)
class AlternateContact:
    """A contact of an account: `AlternateContact(type=ContactType.SECURITY, name=…, …)`.

    Attributes:
        type: what AWS writes about.
        name: who it is, 1 to 64 characters.
        title: what the person or team does, 1 to 50 characters.
        email: the address, at most 254 characters.
        phone_number: 1 to 25 of digits, `+`, `-`, brackets and spaces.
        turn_off_on_removal: whether the account loses the contact when the code goes.

    Raises:
        OrgError: `ORG152`.

    Source: https://docs.aws.amazon.com/accounts/latest/reference/API_PutAlternateContact.html
    """

    type: ContactType | str
    name: str
    title: str
    email: str
    phone_number: str
    turn_off_on_removal: bool = False

    def __post_init__(self) -> None:
        """Refuse what the account API would refuse."""
        known = [str(member) for member in ContactType]
        if str(self.type) not in known:
            raise OrgError(
                "ORG152", f"contact: type {self.type!r} is unknown; known are {', '.join(known)}"
            )
        for field, longest in _LONGEST.items():
            value = getattr(self, field)
            if not isinstance(value, str) or not 1 <= len(value) <= longest:
                raise OrgError(
                    "ORG152",
                    f"{self.type} contact: {field} {value!r} does not have 1 to {longest} characters",
                )
        if not is_token(self.email) and not _EMAIL.fullmatch(self.email):
            raise OrgError(
                "ORG152",
                f"{self.type} contact: email {self.email!r} is not an address; give one such as "
                "'security@corp.com'",
            )
        if not is_token(self.phone_number) and not _PHONE_NUMBER.fullmatch(self.phone_number):
            raise OrgError(
                "ORG152",
                f"{self.type} contact: phone_number {self.phone_number!r} has other signs than "
                "digits, '+', '-', brackets and spaces; give one such as '+49 30 1234567'",
            )

    def properties(self) -> dict[str, Any]:
        """Return the properties of the custom resource, without the account."""
        return {
            "Type": str(self.type),
            "Name": self.name,
            "Title": self.title,
            "EmailAddress": self.email,
            "PhoneNumber": self.phone_number,
        }


def checked_contacts(
    contacts: Iterable[AlternateContact] | None, where: str
) -> dict[str, AlternateContact]:
    """Return contacts by type.

    Raises:
        OrgError: `ORG152` for something else than a list of contacts, or two of one type.
    """
    if contacts is None:
        return {}
    found: dict[str, AlternateContact] = {}
    if isinstance(contacts, str | Mapping | AlternateContact):
        raise OrgError(
            "ORG152", f"{where}: contacts is {contacts!r}, not a list; give [AlternateContact(…)]"
        )
    for contact in contacts:
        if not isinstance(contact, AlternateContact):
            raise OrgError(
                "ORG152", f"{where}: {contact!r} is no contact; give AlternateContact(…)"
            )
        if str(contact.type) in found:
            raise OrgError(
                "ORG152",
                f"{where}: two contacts of type {contact.type}; an account has one of each",
            )
        found[str(contact.type)] = contact
    return found


class AccountContacts:
    """The contacts of one Stage's accounts: their own, and those that the organization gives all.

    An organization may be declared before its accounts or after them, so both tell.
    """

    def __init__(self) -> None:
        self._accounts: list[Item] = []
        self._types: dict[str, set[str]] = {}
        self._for_all: list[tuple[Place, Sequence[AlternateContact]]] = []

    def add_account(self, account: Item, own: Mapping[str, AlternateContact]) -> None:
        """Take an account with contacts of its own, which win over those for all."""
        self._accounts.append(account)
        for contact in own.values():
            self._declare(account, contact)
        for place, contacts in self._for_all:
            self._complete(account, place, contacts)

    def add_for_all(self, place: Place, contacts: Mapping[str, AlternateContact]) -> None:
        """Give contacts to every account of the organization that is declared at `place`."""
        self._for_all.append((place, tuple(contacts.values())))
        for account in self._accounts:
            self._complete(account, *self._for_all[-1])

    def _complete(self, account: Item, place: Place, contacts: Sequence[AlternateContact]) -> None:
        home, own = place.stack.account, account.place.stack.account
        if home != own and not is_token(home) and not is_token(own):
            # An account of an organization that another account manages.
            return
        for contact in contacts:
            if str(contact.type) not in self._types.get(account.place.path, ()):
                self._declare(account, contact)

    def _declare(self, account: Item, contact: AlternateContact) -> None:
        # Loading the constructs takes longer than an account without contacts does.
        from ._dependable import depend_on_resource_only
        from .settings import AccountContact

        self._types.setdefault(account.place.path, set()).add(str(contact.type))
        # As with a policy below the account: who depends on the account waits for it alone.
        depend_on_resource_only(account.owner, account.l1)
        owner = cast("Account", account.owner)
        AccountContact(
            owner, account.place, account=account, account_id=owner.account_id, contact=contact
        )
