"""An account that exists is invited by a deployment, accepts, is placed, moves, and stays."""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any
from unittest import mock

import pytest
from click.testing import Result
from quick_cli import WithoutCli
from reference_app import App, succeeded
from typer.testing import CliRunner

from org_constructs.cli._app import app as orgctl

pytestmark = pytest.mark.e2e

BILLING, LAB, SHOP = "222222222222", "333333333333", "444444444444"
DAY = 86_400


class Invited:
    """The reference app with invitations; further deployments are made without the CDK CLI."""

    def __init__(self, app: App) -> None:
        self.app = app
        self.aws = app.aws
        self.quick = WithoutCli(app.aws, app.folder, quiet=True)
        self.written_again: list[tuple[str, dict[str, Any]]] = []

    def declare(self, **invitations: dict[str, str]) -> None:
        """Say who is invited."""
        self.app.edit_settings(lambda org: org.update(invitations=invitations))

    def deploy(self) -> None:
        """Deploy, without the CDK CLI."""
        succeeded(self.quick.deploy())

    def orgctl(self, *arguments: str, account: str | None = None) -> Result:
        """Run `orgctl invitations` as an account, the management account by default."""
        with self._signed_in(account):
            return CliRunner().invoke(orgctl, ["invitations", *arguments])

    def _signed_in(self, account: str | None) -> AbstractContextManager[Any]:
        environment = self.aws.environment(account or self.aws.account_id)
        return mock.patch.dict("os.environ", environment, clear=True)

    def listed(self) -> dict[str, dict[str, Any]]:
        """Return what `orgctl invitations list` shows, by the id in code."""
        done = self.orgctl("list", "--assembly", str(self.quick.assembly), "--json")
        assert done.exit_code == 0, done.output
        return {entry["path"].rpartition("/")[2]: entry for entry in json.loads(done.stdout)}

    def states(self) -> dict[str, str]:
        """Return how far each invitation is."""
        return {id: entry["state"] for id, entry in self.listed().items()}

    def resend(self, *names: str) -> str:
        """Run `orgctl invitations resend`."""
        done = self.orgctl("resend", *names, "--assembly", str(self.quick.assembly))
        assert done.exit_code == 0, done.output
        return done.stdout

    def places(self) -> dict[str, str]:
        """Return the OU's path of each member by id."""
        picture = self.app.picture()
        return {id: picture.places[email] for email, id in picture.accounts.items()}

    def answer(self, account: str, operation: str) -> None:
        """Let an account accept or decline what it was asked, by itself."""
        owner = self.aws.client("organizations", account_id=account)
        for handshake in owner.list_handshakes_for_account()["Handshakes"]:
            if handshake["State"] in ("OPEN", "REQUESTED"):
                getattr(owner, operation)(HandshakeId=handshake["Id"])

    def settled(self) -> list[dict[str, Any]]:
        """Wait for the functions that events and schedules have started."""
        return self.aws.wait_for_functions()


@pytest.fixture(scope="module")
def invited(new_app_on_aws: Callable[..., App]) -> Invited:
    """Deploy two invitations with the real CDK CLI, and again without while nobody has answered."""
    app = new_app_on_aws()
    world = Invited(app)
    world.declare(
        LegacyBilling={"ou": "Workloads/Production", "account_id": BILLING, "notes": "Welcome"},
        Lab={"ou": "Sandbox", "account_id": LAB},
    )
    succeeded(app.cdk.deploy())
    before = app.number()
    world.deploy()
    world.written_again = app.writes(before)
    return world


def test_the_life_of_invitations(invited: Invited) -> None:
    """Sent, refused to the wrong account, accepted, placed, moved, kept; declined and sent again."""
    _a_deployment_is_done_while_invitations_are_pending(invited)
    _only_the_invited_account_accepts(invited)
    _who_accepts_is_placed_where_its_guardrails_are(invited)
    _another_ou_in_code(invited)
    _a_lost_event_costs_time(invited)
    _by_hand_elsewhere(invited)
    _declined_and_expired(invited)
    _the_code_goes(invited)


def _a_deployment_is_done_while_invitations_are_pending(invited: Invited) -> None:
    assert invited.written_again == []
    assert invited.states() == {"LegacyBilling": "requested", "Lab": "requested"}
    assert invited.app.stacks()["Organization"] == "CREATE_COMPLETE"
    outputs = invited.app.cloudformation.describe_stacks(StackName="Organization")["Stacks"][0][
        "Outputs"
    ]
    shown = {entry["OutputKey"]: entry["OutputValue"] for entry in outputs}
    assert shown["InvitationLegacyBilling"].startswith("REQUESTED h-")
    table = invited.orgctl("list", "--assembly", str(invited.app.cdk.assembly)).stdout
    assert "LegacyBilling" in table
    assert "requested" in table


def _only_the_invited_account_accepts(invited: Invited) -> None:
    manager = invited.aws.account_id
    slip = invited.orgctl("accept", "--account", BILLING, "--yes")
    assert slip.exit_code == 1
    assert f"you are signed in to account {manager}" in slip.output
    assert "which is the management account of o-" in slip.output
    assert f"the invitation is of account {BILLING}; only that account" in slip.output
    slip = invited.orgctl("accept", "--yes")
    assert slip.exit_code == 1
    assert f"It has invited {BILLING}, {LAB}" in slip.output
    other = invited.orgctl("accept", "--yes", account=SHOP)
    assert other.exit_code == 1
    assert f"account {SHOP} (" in other.output
    assert "has no pending invitation" in other.output
    assert invited.states()["LegacyBilling"] == "requested"


def _who_accepts_is_placed_where_its_guardrails_are(invited: Invited) -> None:
    assembly = str(invited.app.cdk.assembly)
    asked = invited.orgctl("accept", "--assembly", assembly, "--yes", account=BILLING)
    assert asked.exit_code == 0, asked.output
    assert "notes: Welcome" in asked.stdout
    assert f"management account {invited.aws.account_id} pays the bills" in asked.stdout
    assert "Workloads-Production-" in asked.stdout
    assert f"account {BILLING} has joined o-" in asked.stdout
    runs = invited.settled()
    assert runs
    assert {run["error"] for run in runs} == {None}
    assert invited.places()[BILLING] == "Workloads/Production"
    assert invited.states()["LegacyBilling"] == "accepted and placed"
    picture = invited.app.picture()
    attached = invited.app.organizations.list_policies_for_target(
        TargetId=picture.units["Workloads/Production"], Filter="SERVICE_CONTROL_POLICY"
    )["Policies"]
    assert any(p["Name"].startswith("Workloads-Production-") for p in attached)
    again = invited.orgctl("accept", "--yes", account=BILLING)
    assert again.exit_code == 1
    assert "It is a member of o-" in again.output


def _another_ou_in_code(invited: Invited) -> None:
    invited.declare(
        LegacyBilling={"ou": "Workloads/Staging", "account_id": BILLING},
        Lab={"ou": "Sandbox", "account_id": LAB},
    )
    invited.deploy()
    assert invited.places()[BILLING] == "Workloads/Staging"
    assert [name for name, _ in invited.app.writes() if name == "InviteAccountToOrganization"] == [
        "InviteAccountToOrganization"
    ] * 2


def _a_lost_event_costs_time(invited: Invited) -> None:
    invited.aws.configure(lost_events=["*"])
    invited.answer(LAB, "accept_handshake")
    invited.settled()
    assert invited.places()[LAB] == ""
    assert invited.states()["Lab"] == "accepted, not placed yet"
    invited.aws.advance(601)
    invited.settled()
    assert invited.places()[LAB] == "Sandbox"
    invited.aws.configure(lost_events=[])


def _by_hand_elsewhere(invited: Invited) -> None:
    units = invited.app.picture().units
    invited.app.organizations.move_account(
        AccountId=LAB,
        SourceParentId=units["Sandbox"],
        DestinationParentId=units["Workloads/Staging"],
    )
    invited.aws.run_schedules()
    invited.settled()
    assert invited.places()[LAB] == "Sandbox"


def _declined_and_expired(invited: Invited) -> None:
    everybody = {
        "LegacyBilling": {"ou": "Workloads/Staging", "account_id": BILLING},
        "Lab": {"ou": "Sandbox", "account_id": LAB},
        "Shop": {"ou": "Sandbox", "account_id": SHOP},
    }
    invited.declare(**everybody)
    invited.deploy()
    invited.answer(SHOP, "decline_handshake")
    assert invited.states()["Shop"] == "declined"
    assert f"sent again: {SHOP}, which was declined, for Sandbox" in invited.resend()
    assert invited.states()["Shop"] == "requested"
    invited.aws.advance(16 * DAY)
    assert invited.states()["Shop"] == "expired"
    assert f"sent again: {SHOP}, which was expired" in invited.resend("Shop")
    assert "nothing to send again" in invited.resend()


def _the_code_goes(invited: Invited) -> None:
    invited.declare()
    invited.deploy()
    assert "InvitationSweepFunction7357ACB7" not in invited.app.resources("Organization")
    sent = invited.app.organizations.list_handshakes_for_organization()["Handshakes"]
    newest = max(
        (one for one in sent if SHOP in str(one["Parties"])),
        key=lambda one: one["RequestedTimestamp"],
    )
    assert newest["State"] == "CANCELED"
    places = invited.places()
    assert (places[BILLING], places[LAB]) == ("Workloads/Staging", "Sandbox")


def test_without_an_assembly(tmp_path: Path) -> None:
    """The folder is named, and AWS is not asked."""
    done = CliRunner().invoke(orgctl, ["invitations", "list", "--assembly", str(tmp_path)])
    assert done.exit_code == 1
    assert "ORG016" in done.output
