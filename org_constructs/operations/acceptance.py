"""The owner's side of an invitation: which one it is, what accepting it means, accepting it.

Only a principal of the invited account can accept. Whoever is signed in to another account, the
management account above all, is told so before anything is asked of AWS that could go wrong.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from boto3.session import Session

__all__ = ["AcceptanceError", "PendingInvitation", "accept", "find_invitation", "wait_until_placed"]

_OPEN: Final = frozenset({"OPEN", "REQUESTED"})
_POLL_SECONDS: Final = 5.0
_ACCOUNT: Final = re.compile(r"[0-9]{12}")

# What AWS says against an acceptance, by its reason or code (model).
_REMEDIES: Final = {
    "ACCOUNT_NUMBER_LIMIT_EXCEEDED": "the organization has as many accounts as it may have; its management account asks for more",
    "ALREADY_IN_AN_ORGANIZATION": "this account is in an organization; leave that one first ('aws organizations leave-organization')",
    "ORGANIZATION_FROM_DIFFERENT_SELLER_OF_RECORD": "this account has another seller of record than the organization; ask AWS Support",
    "ORGANIZATION_IS_ALREADY_PENDING_ALL_FEATURES_MIGRATION": "the organization is enabling all features; wait until that has ended",
    "PAYMENT_INSTRUMENT_REQUIRED": "this account has no valid means of payment; add one",
    "AccessDeniedForDependencyException": "AWS makes a service-linked role in this account; be signed in as a principal that may iam:CreateServiceLinkedRole",
    "AccessDeniedException": "be signed in as a principal that may organizations:AcceptHandshake and iam:CreateServiceLinkedRole",
    "MasterCannotLeaveOrganizationException": "this account manages an organization of its own; remove its members and delete that organization first",
}


class AcceptanceError(Exception):
    """The invitation cannot be accepted from here; the text says what to do."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PendingInvitation:
    """An invitation that the caller's account can accept.

    Attributes:
        handshake_id: its id.
        account_id: the account that is invited, and signed in.
        email: its address, if the invitation goes by address.
        organization_id: the organization that it would join.
        manager_id: the account that manages that organization and pays its bills.
        manager_name: its name, where AWS tells it.
        manager_email: its address, where AWS tells it.
        all_features: whether policies of the organization can restrict the account.
        notes: what the sender wrote.
        expires: when it expires.
    """

    handshake_id: str
    account_id: str
    organization_id: str
    manager_id: str
    email: str = ""
    manager_name: str = ""
    manager_email: str = ""
    all_features: bool = True
    notes: str = ""
    expires: datetime | None = None


def find_invitation(
    session: Session, *, account_id: str | None = None, handshake_id: str | None = None
) -> PendingInvitation:
    """Return the invitation that the caller can accept.

    Args:
        session: credentials of the invited account.
        account_id: the account that is to accept, as whoever asks believes; None for the caller's.
        handshake_id: which invitation, where there are several.

    Raises:
        AcceptanceError: the caller's account is not the invited one, or has no such invitation.
    """
    identity = session.client("sts").get_caller_identity()
    own, who = str(identity["Account"]), f"{identity['Account']} ({identity['Arn']})"
    client = session.client("organizations")
    organization = _organization_of(client)
    if account_id is not None and account_id != own and not _ACCOUNT.fullmatch(account_id):
        # An address does not tell whose account it is, not even whether it is the caller's.
        raise AcceptanceError(
            f"'{account_id}' is no account id; you are signed in to account {who}"
            f"{_role_of(own, organization)}. Give the 12 digits of the invited account, or leave "
            "--account out"
        )
    if account_id is not None and account_id != own:
        raise AcceptanceError(
            f"you are signed in to account {who}{_role_of(own, organization)}, and the invitation is "
            f"of account {account_id}; only that account can accept it: sign in to {account_id}, and "
            "give the same command again"
        )
    pages = client.get_paginator("list_handshakes_for_account").paginate(
        Filter={"ActionType": "INVITE"}
    )
    received = [handshake for page in pages for handshake in page["Handshakes"]]
    # Whoever manages an organization sees what it has sent, too.
    received = [one for one in received if _organization_party(one) != _id_of(organization)]
    pending = [one for one in received if one["State"] in _OPEN]
    if handshake_id is not None:
        pending = [one for one in pending if one["Id"] == handshake_id]
    if len(pending) == 1:
        return _read(pending[0], own)
    if pending:
        several = ", ".join(f"{one['Id']} of {_organization_party(one)}" for one in pending)
        raise AcceptanceError(
            f"account {own} has several invitations: {several}; name one with --handshake"
        )
    why = _nothing(client, who, organization, received, handshake_id)
    raise AcceptanceError(why)


def accept(session: Session, invitation: PendingInvitation) -> None:
    """Accept an invitation; the account joins the organization at once, into its root.

    Raises:
        AcceptanceError: AWS refuses it; with the remedy.
    """
    from botocore.exceptions import ClientError

    client = session.client("organizations")
    try:
        client.accept_handshake(HandshakeId=invitation.handshake_id)
    except ClientError as error:
        code = error.response["Error"]["Code"]
        if code == "HandshakeAlreadyInStateException" and _is_member(client, invitation):
            # Whoever was faster, it is done.
            return
        reason = str(error.response.get("Reason") or "")
        remedy = _REMEDIES.get(reason) or _REMEDIES.get(code)
        raise AcceptanceError(
            f"AWS refuses: {error.response['Error']['Message'].rstrip('.')} ({reason or code})"
            + (f"; {remedy}" if remedy else "")
        ) from error


def wait_until_placed(
    manager: Session | None,
    session: Session,
    invitation: PendingInvitation,
    *,
    seconds: float,
    sleep: Callable[[float], None] = time.sleep,
    clock: Callable[[], float] = time.monotonic,
) -> str | None:
    """Wait until the account is a member and, as far as can be seen, out of the root.

    A member cannot see where in the organization it is: AWS shows that to the management account.

    Args:
        manager: credentials of the management account, if there are any.
        session: credentials of the account that has accepted.
        invitation: what was accepted.
        seconds: how long to wait.
        sleep: waits so many seconds.
        clock: seconds that only grow.

    Returns:
        The id of the OU in which the account is; None where nobody can tell.

    Raises:
        AcceptanceError: the time is up.
    """
    deadline = clock() + seconds
    member = session.client("organizations")
    while True:
        place = None
        if _is_member(member, invitation):
            if manager is None:
                return None
            place = _place_of(manager.client("organizations"), invitation.account_id)
            if place is not None and not place.startswith("r-"):
                return place
        if clock() >= deadline:
            raise AcceptanceError(
                f"account {invitation.account_id} has accepted, and is "
                + ("still in the root" if place else "not shown as a member yet")
                + f" after {seconds:.0f} seconds; the sweep of the organization moves it within ten "
                "minutes, 'orgctl invitations list' in the management account shows when it has"
            )
        sleep(_POLL_SECONDS)


def _organization_of(client: Any) -> Any | None:
    from botocore.exceptions import ClientError

    try:
        return client.describe_organization()["Organization"]
    except ClientError as error:
        if error.response["Error"]["Code"] == "AWSOrganizationsNotInUseException":
            return None
        raise


def _id_of(organization: Any | None) -> str | None:
    return None if organization is None else str(organization["Id"])


def _role_of(account_id: str, organization: Any | None) -> str:
    if organization is None:
        return ""
    if organization["MasterAccountId"] == account_id:
        return f", which is the management account of {organization['Id']}"
    return f", a member of {organization['Id']}"


def _is_member(client: Any, invitation: PendingInvitation) -> bool:
    return _id_of(_organization_of(client)) == invitation.organization_id


def _place_of(client: Any, account_id: str) -> str | None:
    from botocore.exceptions import ClientError

    try:
        return str(client.list_parents(ChildId=account_id)["Parents"][0]["Id"])
    except ClientError as error:
        if error.response["Error"]["Code"] == "ChildNotFoundException":
            return None
        raise


def _nothing(
    client: Any,
    who: str,
    organization: Any | None,
    received: list[Any],
    handshake_id: str | None,
) -> str:
    """Return why there is nothing to accept, and where there may be."""
    if organization is not None and who.startswith(str(organization["MasterAccountId"])):
        pages = client.get_paginator("list_handshakes_for_organization").paginate(
            Filter={"ActionType": "INVITE"}
        )
        sent = [one for page in pages for one in page["Handshakes"] if one["State"] in _OPEN]
        if handshake_id is not None:
            sent = [one for one in sent if one["Id"] == handshake_id]
        invited = ", ".join(sorted(_invited(one) for one in sent)) or "nobody at the moment"
        return (
            f"you are signed in to account {who}, which is the management account of "
            f"{organization['Id']}: it sends invitations and accepts none. It has invited {invited}; "
            "each is accepted by its owner, signed in to the invited account"
        )
    which = f"invitation {handshake_id}" if handshake_id else "pending invitation"
    ended = sorted(received, key=lambda one: str(one.get("RequestedTimestamp", "")))
    last = ""
    if ended and handshake_id is None:
        last = f" The last one, {ended[-1]['Id']}, is {ended[-1]['State']};"
    if organization is not None:
        last += f" It is a member of {organization['Id']} already;"
    return (
        f"account {who} has no {which}.{last} if another account was invited, sign in to that one; "
        "otherwise the management account sends it again with 'orgctl invitations resend'"
    )


def _organization_party(handshake: Any) -> str:
    for party in handshake.get("Parties", ()):
        if party["Type"] == "ORGANIZATION":
            return str(party["Id"] if party["Id"].startswith("o-") else f"o-{party['Id']}")
    return str(handshake["Arn"]).split("/")[1]


def _invited(handshake: Any) -> str:
    parties = handshake.get("Parties", ())
    return next((str(p["Id"]) for p in parties if p["Type"] in ("ACCOUNT", "EMAIL")), "?")


def _read(handshake: Any, own: str) -> PendingInvitation:
    values: dict[str, str] = {}
    waiting = list(handshake.get("Resources", ()))
    while waiting:
        resource = waiting.pop()
        values.setdefault(str(resource.get("Type")), str(resource.get("Value", "")))
        waiting += resource.get("Resources", ())
    return PendingInvitation(
        handshake_id=str(handshake["Id"]),
        account_id=own,
        organization_id=_organization_party(handshake),
        manager_id=str(handshake["Arn"]).split(":")[4],
        email=next(
            (str(p["Id"]) for p in handshake.get("Parties", ()) if p["Type"] == "EMAIL"), ""
        ),
        manager_name=values.get("MASTER_NAME", values.get("MANAGEMENT_ACCOUNT_NAME", "")),
        manager_email=values.get("MASTER_EMAIL", values.get("MANAGEMENT_ACCOUNT_EMAIL", "")),
        all_features=values.get("ORGANIZATION_FEATURE_SET", "ALL") == "ALL",
        notes=values.get("NOTES", ""),
        expires=handshake.get("ExpirationTimestamp"),
    )
