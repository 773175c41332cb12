"""The accounts that an app invites, which have no resource of AWS's own."""

from __future__ import annotations

import re
from typing import Final

from org_constructs.model.assembly import Assembly

__all__ = ["invited_accounts"]

_INVITATION: Final = "Custom::AccountInvitation"
_ACCOUNT_ID: Final = re.compile(r"[0-9]{12}")


def invited_accounts(assembly: Assembly) -> frozenset[str]:
    """Return ids and addresses, in lower case, of the accounts that templates invite."""
    return frozenset(
        value.lower()
        for stack in assembly.every_stack
        for logical_id, resource in stack.resources.items()
        if resource.get("Type") == _INVITATION
        for value in stack.properties_of(logical_id).values()
        if isinstance(value, str) and (_ACCOUNT_ID.fullmatch(value) or "@" in value)
    )
