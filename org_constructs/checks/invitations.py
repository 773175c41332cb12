"""An account is invited once, is none that is made here, and keeps its invitation.

A second invitation of one account is refused by AWS while the first is pending, and two that name
different OUs would move the account back and forth. An invitation under another id is sent, or taken
over, before the old one is withdrawn, which withdraws it for both.
"""

from __future__ import annotations

from collections.abc import Iterator

from org_constructs.model.lock import LockedInvitation
from org_constructs.model.organization import DeclaredInvitation

from ._check import CheckContext, Finding, about


def check(context: CheckContext) -> Iterator[Finding]:
    """Compare invitations with each other, with the accounts and with the lock."""
    model = context.model
    addresses = {account.email.lower(): account for account in model.accounts.values()}
    seen: dict[str, DeclaredInvitation] = {}
    for invited in model.invitations.values():
        name = _name(invited)
        if name is None:
            continue
        first = seen.setdefault(name, invited)
        if first is not invited:
            yield about(
                invited,
                code="ORG144",
                message=f"invitations '{first.path}' and '{invited.path}' are both of '{name}'",
                remedy="remove one of them; the account belongs in one place",
            )
        if name in addresses:
            yield about(
                invited,
                code="ORG144",
                message=f"'{invited.path}' invites '{name}', the address of the account '{addresses[name].path}', "
                "which this app makes",
                remedy="remove the invitation, or the account if it exists outside of the organization",
            )
        if name == model.stack_of(invited).account:
            yield about(
                invited,
                code="ORG144",
                message=f"'{invited.path}' invites '{name}', the management account",
                remedy="give the id of the account that is to join; the management account stays in the root",
            )
    if context.lock is not None:
        held = {(i.stack, i.logical_id) for i in context.lock.invitations.values()}
        for path, locked in context.lock.invitations.items():
            again = seen.get(_name(locked) or "")
            if again is not None and (again.stack, again.logical_id) not in held:
                yield about(
                    again,
                    code="ORG146",
                    message=f"invitation '{path}' of '{_name(locked)}' would become '{again.path}': the removal of the "
                    "old one withdraws an invitation that is pending",
                    remedy="keep its id and its stack; or remove it in one deployment and declare it in the next",
                )


def _name(invited: DeclaredInvitation | LockedInvitation) -> str | None:
    """Return the id or address by which an account is invited, if it is known."""
    name = invited.account_id or (invited.email or "").lower()
    return None if not name or name.startswith("?") else name
