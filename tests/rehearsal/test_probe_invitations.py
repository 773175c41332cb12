"""Invitations of accounts that have never been heard of."""

from __future__ import annotations

from typing import Any

import pytest

ADDRESS = {"Type": "EMAIL", "Id": "account+222222222222@rehearsal.internal"}
ACCOUNT = {"Type": "ACCOUNT", "Id": "222222222222"}


@pytest.mark.parametrize(("first", "second"), [(ADDRESS, ACCOUNT), (ACCOUNT, ADDRESS)])
def test_an_account_is_invited_once(
    backend: Any, first: dict[str, str], second: dict[str, str]
) -> None:
    """Whether it is named by its id or by its address."""
    backend.create_organization()
    backend.call("InviteAccountToOrganization", Target=first)
    error = backend.refused("InviteAccountToOrganization", Target=second)
    assert error.code == "DuplicateHandshakeException"
