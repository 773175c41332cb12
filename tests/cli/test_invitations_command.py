"""What `orgctl invitations` says to an owner, and to somebody who is signed in elsewhere."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta, timezone
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast
from unittest import mock

import pytest
from typer.testing import CliRunner

from org_constructs.cli import _invitations
from org_constructs.cli._app import app as orgctl
from org_constructs.model import OrganizationModel
from org_constructs.operations.acceptance import PendingInvitation, find_invitation
from org_constructs.rehearsal import EmbeddedAws

SHOP = "333333333333"
EMAIL = f"account+{SHOP}@rehearsal.internal"


@pytest.fixture(scope="module")
def aws() -> Iterator[EmbeddedAws]:
    """An organization that has invited an account by its address."""
    with EmbeddedAws.start() as aws:
        client = aws.client("organizations")
        client.create_organization()
        client.invite_account_to_organization(Target={"Type": "EMAIL", "Id": EMAIL})
        yield aws


def run(aws: EmbeddedAws, account: str, *arguments: str) -> str:
    """Return what a command says that is refused."""
    with mock.patch.dict("os.environ", aws.environment(account), clear=True):
        done = CliRunner().invoke(orgctl, ["invitations", *arguments])
    assert done.exit_code == 1, done.output
    return done.output


@pytest.mark.parametrize("who", ["owner", "manager"])
def test_an_address_in_place_of_the_id(aws: EmbeddedAws, who: str) -> None:
    """The owner is not sent away to the account to which he is signed in."""
    account = SHOP if who == "owner" else aws.account_id
    said = run(aws, account, "accept", "--account", EMAIL, "--yes")
    assert f"'{EMAIL}' is no account id; you are signed in to account {account}" in said
    assert ("which is the management account of o-" in said) is (who == "manager")


def test_an_invitation_by_address_is_found_in_the_assembly(aws: EmbeddedAws) -> None:
    """The owner sees the policies of the place where the account belongs."""
    session = SimpleNamespace(client=lambda service: aws.client(service, SHOP))
    invitation = find_invitation(cast("Any", session))
    assert (invitation.account_id, invitation.email) == (SHOP, EMAIL)
    other = SimpleNamespace(account_id=None, email="other@corp.com", parent="Sandbox")
    shop = SimpleNamespace(account_id=None, email=EMAIL.title(), parent="Workloads")
    model = cast("Any", SimpleNamespace(invitations={"Other": other, "Shop": shop}))
    assert _invitations._declared(model, invitation) == "Workloads"


def test_the_expiry_is_shown_in_one_time_zone(capsys: pytest.CaptureFixture[str]) -> None:
    """Owner and management account read the same time, wherever they are."""
    east = timezone(timedelta(hours=-5))
    invitation = PendingInvitation(
        handshake_id="h-1",
        account_id=SHOP,
        organization_id="o-1",
        manager_id="111111111111",
        expires=datetime(2026, 12, 14, 20, 30, tzinfo=east),
    )
    _invitations._explain(invitation, None)
    assert "expires: 2026-12-15 01:30 UTC" in capsys.readouterr().out


@pytest.mark.parametrize("command", ["list", "resend"])
def test_the_owner_asks_for_all(
    aws: EmbeddedAws, command: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Whoever is still signed in to accept is told where to ask."""
    model = SimpleNamespace(invitations={"A": None}, assembly=SimpleNamespace(stacks=()))
    monkeypatch.setattr(OrganizationModel, "from_assembly", lambda _: model)
    said = run(aws, SHOP, command, "--assembly", str(tmp_path))
    assert said.rstrip().endswith("sign in to the account that manages the organization")
