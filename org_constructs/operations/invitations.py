"""What became of the invitations that an app declares, and sending again those that have ended."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Final, cast

from org_constructs.handlers.function.organization_settings.errors import SettingError
from org_constructs.handlers.function.organization_settings.invitations import Invited, state_of
from org_constructs.handlers.function.organization_settings.retry import DeadlineError, Patience
from org_constructs.handlers.function.organization_settings.settings import Run
from org_constructs.handlers.function.organization_settings.settings.account_invitation import (
    SETTING,
)
from org_constructs.model.organization import DeclaredInvitation, OrganizationModel

from .stacks import read_stack

if TYPE_CHECKING:
    from boto3.session import Session

__all__ = ["InvitationError", "InvitationState", "InvitationStatus", "read_invitations", "resend"]

_PATIENCE_SECONDS: Final = 120.0


class InvitationError(Exception):
    """Something about invitations that cannot be done; the text says what to do."""


class InvitationState(StrEnum):
    """How far an invitation is."""

    NOT_SENT = "not sent"
    REQUESTED = "requested"
    DECLINED = "declined"
    EXPIRED = "expired"
    CANCELED = "canceled"
    # A member whom the next sweep moves, one that is where it belongs, one that is closed.
    JOINED = "accepted, not placed yet"
    PLACED = "accepted and placed"
    CLOSED = "closed"


# What is sent again without being named: its owner, or time, has ended it.
_ENDED: Final = frozenset({InvitationState.DECLINED, InvitationState.EXPIRED})
_RESENDABLE: Final = _ENDED | {InvitationState.CANCELED, InvitationState.NOT_SENT}


@dataclass(frozen=True, slots=True, kw_only=True)
class InvitationStatus:
    """One declared invitation, and what AWS knows of it.

    Attributes:
        declared: the declaration.
        name: the id or address by which the account is invited.
        home: where it belongs, as a path of names; an id where that is not declared.
        parent_id: the same as an id, None where it is not deployed yet.
        state: how far it is.
        account_id: the account, where that is known.
        handshake_id: the newest invitation, None where none is listed; AWS lists one for 30 days
            after it has ended.
        expires: when a pending one expires.
        now_in: id of what holds a member.
    """

    declared: DeclaredInvitation
    name: str
    home: str
    parent_id: str | None
    state: InvitationState
    account_id: str | None = None
    handshake_id: str | None = None
    expires: datetime | None = None
    now_in: str | None = None

    def to_json(self) -> dict[str, Any]:
        """Return the JSON form."""
        return {
            "path": self.declared.path,
            "invited": self.name,
            "home": self.home,
            "parent_id": self.parent_id,
            "state": self.state.value,
            "account_id": self.account_id,
            "handshake_id": self.handshake_id,
            "expires": None if self.expires is None else self.expires.isoformat(),
            "now_in": self.now_in,
        }


def read_invitations(model: OrganizationModel, session: Session) -> tuple[InvitationStatus, ...]:
    """Return the invitations that an app declares, as they are.

    Args:
        model: what the app declares.
        session: credentials of the management account, and the Region of the stacks.

    Raises:
        botocore.exceptions.ClientError: as AWS answers.
    """
    client = session.client("organizations")
    accounts = [a for p in client.get_paginator("list_accounts").paginate() for a in p["Accounts"]]
    pages = client.get_paginator("list_handshakes_for_organization").paginate(
        Filter={"ActionType": "INVITE"}
    )
    sent = sorted(
        (handshake for page in pages for handshake in page["Handshakes"]),
        key=lambda handshake: str(handshake.get("RequestedTimestamp", "")),
        reverse=True,
    )
    homes = _Homes(model, session)
    return tuple(
        _status(client, invited, homes, accounts, sent)
        for invited in sorted(model.invitations.values(), key=lambda one: one.path)
    )


def resend(
    statuses: Iterable[InvitationStatus],
    session: Session,
    *,
    names: Collection[str] = (),
    patience: Patience | None = None,
) -> tuple[InvitationStatus, ...]:
    """Send again what was declined or has expired, or what is named.

    Args:
        statuses: the invitations as they are.
        session: credentials of the management account.
        names: ids in code, construct paths, account ids or addresses; without any, every
            invitation that was declined or has expired. One that was canceled, or was never sent,
            is sent only when it is named.
        patience: how long to go on while the organization is busy.

    Returns:
        The invitations that were sent, with their former state.

    Raises:
        InvitationError: a name is none, its invitation is pending or accepted, or AWS refuses it;
            the others are sent all the same.
    """
    known = tuple(statuses)
    chosen = [status for status in known if status.state in _ENDED]
    if names:
        chosen = [_named(name, known) for name in names]
    run = Run(
        patience=patience or Patience(_PATIENCE_SECONDS),
        client=cast("Any", session.client),
    )
    failures = []
    for status in chosen:
        try:
            _send(status, run)
        except (InvitationError, SettingError, DeadlineError) as error:
            failures.append(str(error))
    if failures:
        raise InvitationError("; ".join(failures))
    return tuple(chosen)


def _send(status: InvitationStatus, run: Run) -> None:
    if status.state not in _RESENDABLE:
        raise InvitationError(
            f"the invitation of '{status.name}' is {status.state}; there is nothing to send again"
        )
    if status.parent_id is None:
        raise InvitationError(
            f"'{status.home}', where '{status.name}' belongs, is not deployed; deploy first"
        )
    properties = {**_target_of(status.declared), "ParentId": status.parent_id}
    if status.declared.notes:
        properties["Notes"] = status.declared.notes
    SETTING.apply(properties, {}, run)


class _Homes:
    """Finds the ids of the OUs that a model declares; stacks are read when they are needed."""

    def __init__(self, model: OrganizationModel, session: Session) -> None:
        self._model = model
        self._cloudformation = session.client("cloudformation")
        self._organizations = session.client("organizations")
        self._held: dict[str, Mapping[str, str]] = {}
        self._root: str | None = None

    def name(self, invited: DeclaredInvitation) -> str:
        """Return what people call the place where an invited account belongs."""
        if self._model.is_root(invited.parent):
            return "Root"
        return self._model.name_path(invited.parent) or invited.parent

    def id(self, invited: DeclaredInvitation) -> str | None:
        """Return the place's id, None where it is not deployed yet."""
        if self._model.is_root(invited.parent):
            if self._root is None:
                self._root = str(self._organizations.list_roots()["Roots"][0]["Id"])
            return self._root
        unit = self._model.organizational_units.get(invited.parent)
        if unit is None:
            return None if invited.parent.startswith("?") else invited.parent
        if unit.stack not in self._held:
            stack = read_stack(self._cloudformation, unit.stack)
            self._held[unit.stack] = {} if stack is None else stack.held()
        return self._held[unit.stack].get(unit.logical_id)


def _status(
    client: Any,
    invited: DeclaredInvitation,
    homes: _Homes,
    accounts: Iterable[Any],
    sent: Iterable[Any],
) -> InvitationStatus:
    name = invited.account_id or (invited.email or "").lower()
    target = Invited(account_id=invited.account_id, email=name, parent_id="")
    parent_id = homes.id(invited)
    common: dict[str, Any] = {
        "declared": invited,
        "name": name,
        "home": homes.name(invited),
        "parent_id": parent_id,
    }
    account = next(filter(target.is_account, accounts), None)
    handshake = next(filter(target.is_target_of, sent), None)
    common["handshake_id"] = None if handshake is None else str(handshake["Id"])
    if account is not None:
        now_in = str(client.list_parents(ChildId=account["Id"])["Parents"][0]["Id"])
        state = InvitationState.PLACED if now_in == parent_id else InvitationState.JOINED
        if state_of(account) not in ("ACTIVE", ""):
            state = InvitationState.CLOSED
        return InvitationStatus(**common, state=state, account_id=str(account["Id"]), now_in=now_in)
    state, expires = _state_of_handshake(handshake)
    return InvitationStatus(**common, state=state, account_id=invited.account_id, expires=expires)


def _state_of_handshake(handshake: Any) -> tuple[InvitationState, datetime | None]:
    if handshake is None:
        return InvitationState.NOT_SENT, None
    state = str(handshake["State"])
    if state in ("OPEN", "REQUESTED"):
        expires = handshake.get("ExpirationTimestamp")
        when = expires.astimezone(UTC) if isinstance(expires, datetime) else None
        return InvitationState.REQUESTED, when
    # Accepted and no member: it has left again.
    return {
        "DECLINED": InvitationState.DECLINED,
        "EXPIRED": InvitationState.EXPIRED,
        "CANCELED": InvitationState.CANCELED,
    }.get(state, InvitationState.NOT_SENT), None


def _named(name: str, statuses: Iterable[InvitationStatus]) -> InvitationStatus:
    known = tuple(statuses)
    found = [
        status
        for status in known
        if name in (status.declared.path, status.declared.name, status.account_id)
        or name.lower() == status.name
    ]
    if len(found) == 1:
        return found[0]
    if found:
        paths = ", ".join(f"'{status.declared.path}'" for status in found)
        raise InvitationError(f"'{name}' may be any of {paths}; give one of these")
    paths = ", ".join(f"'{status.declared.path}'" for status in known) or "none"
    raise InvitationError(f"no invitation '{name}' is declared; known are {paths}")


def _target_of(invited: DeclaredInvitation) -> dict[str, str]:
    if invited.account_id is not None:
        return {"AccountId": invited.account_id}
    return {"Email": invited.email or ""}
