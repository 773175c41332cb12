"""A deployment that AWS refuses in the middle stops there; the same command goes on from there."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from quick_cli import AppInProcess
from reference_app import App, Story, succeeded

pytestmark = pytest.mark.e2e

ELSEWHERE = "222222222222"
TAKEN = ("aws+playground@example.com", "aws+late@example.com")
UNDONE = {
    "CloseAccount",
    "RemoveAccountFromOrganization",
    "DeletePolicy",
    "DetachPolicy",
    "DeleteOrganizationalUnit",
    "DeleteOrganization",
}


def _take_emails(app: App) -> None:
    """Let accounts of another organization have addresses that the app will ask for."""
    elsewhere = app.aws.client("organizations", ELSEWHERE)
    elsewhere.create_organization(FeatureSet="ALL")
    for number, email in enumerate(TAKEN):
        elsewhere.create_account(AccountName=f"theirs-{number}", Email=email)


def _fence_and_grow(org: dict[str, Any]) -> None:
    org["regions"]["sandbox"] = ["eu-west-1"]
    org["accounts"]["Late"] = {"ou": "Workloads/Staging", "name": "late"}


@pytest.fixture(scope="module")
def story(new_app_on_aws: Callable[..., App]) -> Story:
    """Let a first deployment and an update each fail once, then remove the cause and go on."""
    app = new_app_on_aws(runner=AppInProcess)
    _take_emails(app)
    story = Story(app)
    story.record("create fails", app.cdk.deploy)
    app.edit_settings(lambda org: org["accounts"]["Playground"].update(email="play@example.com"))
    succeeded(story.record("create goes on", app.cdk.deploy))
    app.lock()
    app.edit_settings(_fence_and_grow)
    story.record("update fails", app.cdk.deploy)
    app.edit_settings(lambda org: org["accounts"]["Late"].update(email="late@example.com"))
    succeeded(story.record("update goes on", app.cdk.deploy))
    return story


def test_a_failed_creation_stops_and_keeps_what_was_made(story: Story) -> None:
    """`"rollback": false` of cdk.json holds: CREATE_FAILED; OUs, policies and accounts stay."""
    picture = story.pictures["create fails"]
    assert story.steps["create fails"].exit_code != 0
    assert "Playground" in story.steps["create fails"].output
    assert story.stacks["create fails"] == {
        "OrganizationFoundation": "CREATE_COMPLETE",
        "Organization": "CREATE_FAILED",
    }
    assert len(picture.units) == 5
    assert len(picture.policies) == 3
    assert set(picture.states.values()) == {"ACTIVE"}
    assert picture.places["aws+logarchive@example.com"] == "Security"


def test_the_same_command_completes_a_failed_creation(story: Story) -> None:
    """With the cause removed only what was missing is created, everything else keeps its id."""
    before, after = story.pictures["create fails"], story.pictures["create goes on"]
    assert story.stacks["create goes on"]["Organization"] in {"CREATE_COMPLETE", "UPDATE_COMPLETE"}
    assert set(story.operations("create goes on")) == {"CreateAccount", "MoveAccount"}
    assert after.places["play@example.com"] == "Sandbox"
    assert after.units == before.units
    assert after.policies == before.policies
    assert before.accounts.items() <= after.accounts.items()


def test_a_failed_update_stops_and_keeps_what_was_changed(story: Story) -> None:
    """UPDATE_FAILED; a guardrail that was changed before the failure is not changed back."""
    assert story.steps["update fails"].exit_code != 0
    assert "Late" in story.steps["update fails"].output
    assert story.stacks["update fails"]["Organization"] == "UPDATE_FAILED"
    assert "EMAIL_ALREADY_EXISTS" in story.steps["update fails"].output
    assert story.operations("update fails") == ["UpdatePolicy", "CreateAccount"]


def test_the_same_command_completes_a_failed_update(story: Story) -> None:
    """With the cause removed the update goes on and nothing is done twice."""
    assert story.stacks["update goes on"]["Organization"] == "UPDATE_COMPLETE"
    assert set(story.operations("update goes on")) == {"CreateAccount", "MoveAccount"}
    assert story.pictures["update goes on"].places["late@example.com"] == "Workloads/Staging"


def test_a_failure_undoes_nothing(story: Story) -> None:
    """No account is closed, no policy deleted or detached, at any moment."""
    assert UNDONE.isdisjoint(operation for operation, _ in story.app.writes())
