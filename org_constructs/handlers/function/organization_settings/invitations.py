"""What AWS knows of an invited account: its invitations, its membership, where it sits.

Used by the setting that invites and by the sweep that places. Nothing here needs a role in the
invited account: all of it is seen, and done, by the management account.
"""

from __future__ import annotations

import logging
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from .errors import SettingError, error_code, explain
from .properties import ACCOUNT_ID, checked

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from mypy_boto3_organizations import OrganizationsClient

    from .retry import Patience

_LOGGER = logging.getLogger(__name__)

# The tag by which an OU says that no account leaves it by itself (orgctl close-account).
QUARANTINE_TAG: Final = "org-constructs:quarantine"

# Each IAM action that the sweep uses, with why.
SWEEP_ACTIONS: Final[Mapping[str, str]] = {
    "organizations:ListAccounts": "tells who has joined",
    "organizations:ListAccountsForParent": "tells who is where it belongs, one call an OU",
    "organizations:ListParents": "tells where an account is that is to be moved",
    "organizations:ListTagsForResource": "tells whether an OU is a quarantine, which nobody leaves",
    "organizations:MoveAccount": "places an account that has joined",
}

_EMAIL: Final = re.compile(r"[^\s@]+@[^\s@]+\.[^\s@]+")
_PARENT_ID: Final = re.compile(r"(r-[0-9a-z]{4,32})|(ou-[0-9a-z]{4,32}-[a-z0-9]{8,32})")
_OPEN: Final = frozenset({"OPEN", "REQUESTED"})
# Somebody may move the same account at the same time; then it is looked for again.
_MOST_MOVES: Final = 5


@dataclass(frozen=True, kw_only=True)
class Invited:
    """An account that is invited, and where it shall be.

    Attributes:
        account_id: its id, if the invitation goes by id.
        email: the address of its root user in lower case, if the invitation goes by address.
        parent_id: the root or OU in which it shall be.
    """

    account_id: str | None
    email: str | None
    parent_id: str

    @classmethod
    def of(cls, properties: Mapping[str, Any]) -> Invited:
        """Read `AccountId` or `Email`, and `ParentId`.

        Raises:
            SettingError: a property is missing or malformed, or both names of the account are given.
        """
        account_id, email = properties.get("AccountId"), properties.get("Email")
        if (account_id is None) is (email is None):
            raise SettingError("give either the property AccountId or the property Email")
        if account_id is not None:
            account_id = checked(properties, "AccountId", ACCOUNT_ID, "'123456789012'")
        else:
            email = checked(properties, "Email", _EMAIL, "'aws@corp.com'").lower()
        return cls(
            account_id=account_id,
            email=email,
            parent_id=checked(properties, "ParentId", _PARENT_ID, "'ou-ab12-34cd56ef'"),
        )

    @property
    def name(self) -> str:
        """The id or address by which the account is invited."""
        return self.account_id or self.email or ""

    @property
    def target(self) -> dict[str, str]:
        """The target of the invitation, as the API takes it."""
        if self.account_id is not None:
            return {"Type": "ACCOUNT", "Id": self.account_id}
        return {"Type": "EMAIL", "Id": self.name}

    def is_target_of(self, handshake: Mapping[str, Any]) -> bool:
        """Tell whether a handshake is an invitation of this account."""
        kind = self.target["Type"]
        return any(
            party.get("Type") == kind and str(party.get("Id", "")).lower() == self.name
            for party in handshake.get("Parties", ())
        )

    def is_account(self, account: Mapping[str, Any]) -> bool:
        """Tell whether a member of the organization is this account."""
        if self.account_id is not None:
            return account.get("Id") == self.account_id
        return str(account.get("Email", "")).lower() == self.email


def state_of(account: Mapping[str, Any]) -> str:
    """Return the state of a member; `Status` was retired in 2026, older endpoints have only it."""
    return str(account.get("State") or account.get("Status") or "")


def member(client: OrganizationsClient, invited: Invited, patience: Patience) -> Any | None:
    """Return the account if it is a member of the organization, in whatever state."""
    awaited = f"whether account '{invited.name}' is a member"
    if invited.account_id is not None:
        account_id = invited.account_id
        try:
            return patience.call(
                lambda: client.describe_account(AccountId=account_id)["Account"], awaited=awaited
            )
        except client.exceptions.AccountNotFoundException:
            return None
    return next(filter(invited.is_account, members(client, patience)), None)


def members(client: OrganizationsClient, patience: Patience) -> list[Any]:
    """Return all members of the organization."""
    return patience.call(
        lambda: [
            account
            for page in client.get_paginator("list_accounts").paginate()
            for account in page["Accounts"]
        ],
        awaited="the list of the organization's accounts",
    )


def invitations(client: OrganizationsClient, patience: Patience) -> list[Any]:
    """Return the organization's invitations, the newest first.

    AWS lists one for 30 days after it has ended (documentation).
    """
    found: list[Any] = patience.call(
        lambda: [
            handshake
            for page in client.get_paginator("list_handshakes_for_organization").paginate(
                Filter={"ActionType": "INVITE"}
            )
            for handshake in page["Handshakes"]
        ],
        awaited="the list of the organization's invitations",
    )
    return sorted(found, key=lambda sent: str(sent.get("RequestedTimestamp", "")), reverse=True)


def pending(sent: Iterable[Any], invited: Invited) -> Any | None:
    """Return the invitation of an account that waits for its owner."""
    return next(
        (one for one in sent if one.get("State") in _OPEN and invited.is_target_of(one)), None
    )


def place(
    client: OrganizationsClient,
    account_id: str,
    parent_id: str,
    patience: Patience,
    *,
    out_of_quarantine: bool = False,
) -> str:
    """Move a member to where it shall be, from wherever it is.

    Safe to repeat, and beside others who move it.

    Args:
        client: boto3 client of the management account.
        account_id: the account.
        parent_id: the root or OU in which it shall be.
        patience: how long to go on.
        out_of_quarantine: whether it may leave an OU with the tag `org-constructs:quarantine`.

    Returns:
        `placed` where it is there already, `moved`, or `quarantined` where it was left alone.

    Raises:
        SettingError: the OU does not exist, or others move the account all the time.
    """
    for _ in range(_MOST_MOVES):
        source = _parent_of(client, account_id, patience)
        if source == parent_id:
            return "placed"
        if not out_of_quarantine and _is_quarantine(client, source, patience):
            return "quarantined"
        try:
            patience.call(
                lambda source=source: client.move_account(  # type: ignore[misc]
                    AccountId=account_id,
                    SourceParentId=source,
                    DestinationParentId=parent_id,
                ),
                awaited=f"account '{account_id}' to be moved to '{parent_id}'",
            )
        except client.exceptions.DestinationParentNotFoundException as error:
            raise SettingError(
                f"account '{account_id}' cannot be moved to '{parent_id}', which does not exist; it "
                f"stays in '{source}'. Deploy the OU, or correct where the account belongs"
            ) from error
        except (
            client.exceptions.DuplicateAccountException,
            client.exceptions.SourceParentNotFoundException,
            client.exceptions.AccountNotFoundException,
        ) as error:
            # Another one was faster; what counts is where the account is now.
            _LOGGER.info("account %s: %s; looking again", account_id, explain(error))
        else:
            _LOGGER.info("account %s is moved from %s to %s", account_id, source, parent_id)
            return "moved"
    raise SettingError(
        f"account '{account_id}' is being moved by somebody else again and again; find out by whom "
        "(CloudTrail, MoveAccount), then deploy again"
    )


def _parent_of(client: OrganizationsClient, account_id: str, patience: Patience) -> str:
    try:
        found = patience.call(
            lambda: [
                parent
                for page in client.get_paginator("list_parents").paginate(ChildId=account_id)
                for parent in page["Parents"]
            ],
            awaited=f"where account '{account_id}' is",
        )
    except Exception as error:
        if error_code(error) == "ChildNotFoundException":
            raise SettingError(
                f"account '{account_id}' is no member of the organization any more; invite it again"
            ) from error
        raise
    return str(found[0]["Id"])


def _is_quarantine(client: OrganizationsClient, parent_id: str, patience: Patience) -> bool:
    if parent_id.startswith("r-"):
        return False
    pages = client.get_paginator("list_tags_for_resource")
    tags = patience.call(
        lambda: [tag for page in pages.paginate(ResourceId=parent_id) for tag in page["Tags"]],
        awaited=f"the tags of '{parent_id}'",
    )
    return any(
        tag.get("Key") == QUARANTINE_TAG and str(tag.get("Value")).lower() == "true" for tag in tags
    )
