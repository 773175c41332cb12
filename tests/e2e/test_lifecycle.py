"""An organization's life: deployed, changed in place, left behind, never lost."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from quick_cli import synthesize
from reference_app import STACKS, App, Story, succeeded

from org_constructs.rehearsal.cdk_cli import Step

pytestmark = pytest.mark.e2e

STAGING = "aws+payments-staging@example.com"
PLAYGROUND = "aws+playground@example.com"


def _change(app: App) -> None:
    def edit(org: dict[str, Any]) -> None:
        org["accounts"]["payments-staging"]["ou"] = "Workloads/Production"
        org["regions"]["sandbox"] = ["eu-west-1", "us-east-1"]

    app.edit_settings(edit)
    app.replace(
        "stacks/organization.py",
        'SecurityOu(self, "Security", parent=root)',
        'SecurityOu(self, "Security", parent=root, name="Security and Audit")',
    )


def _let_policies_stay(app: App) -> None:
    app.replace(
        "stacks/organization.py",
        "management_account_id=settings.management_account_id,\n        ).root",
        "management_account_id=settings.management_account_id,\n"
        "            retain_policies=True,\n        ).root",
    )


class Life(Story):
    """A story that also remembers what the CDK CLI and this process synthesize of one app."""

    def __init__(self, app: App) -> None:
        super().__init__(app)
        self.by_cli: dict[str, bytes] = {}
        self.in_process: dict[str, bytes] = {}

    def deploy_from_here(self) -> Step:
        """Synthesize in this process and deploy with the CLI."""
        synthesize(self.app.folder, self.app.cdk.assembly, self.app.cdk._context)
        return self.app.cdk.deploy_synthesized()

    def keep_both_assemblies(self) -> None:
        """Read what the CLI has synthesized, and synthesize the same without it."""
        elsewhere = self.app.folder / "in-process.out"
        synthesize(self.app.folder, elsewhere, self.app.cdk._context)
        self.by_cli = _files(self.app.cdk.assembly)
        self.in_process = _files(elsewhere)


def _files(folder: Path) -> dict[str, bytes]:
    return {
        str(file.relative_to(folder)): file.read_bytes()
        for file in folder.rglob("*")
        # The CLI packs assets into the folder that is left out.
        if file.is_file() and ".cache" not in file.parts
    }


@pytest.fixture(scope="module")
def story(new_app_on_aws: Callable[..., App]) -> Life:
    """Let one organization live from its creation to the end of its stacks."""
    app = new_app_on_aws()
    story = Life(app)
    succeeded(story.record("create", app.cdk.deploy))
    story.keep_both_assemblies()
    app.lock()
    _change(app)
    succeeded(story.record("change", app.cdk.deploy))
    app.lock()
    succeeded(story.record("nothing", story.deploy_from_here))
    app.edit_settings(lambda org: org["accounts"].pop("Playground"))
    story.record("vanished", app.cdk.deploy)
    app.lock("--release", "Organization/Accounts/Playground")
    _let_policies_stay(app)
    succeeded(story.record("released", story.deploy_from_here))
    app.lock()
    story.record("protected", app.destroy_assembly)
    app.unprotect()
    succeeded(story.record("destroy", app.cdk.destroy))
    return story


class TestLifecycle:
    """One organization, deployed and changed with the real CDK CLI."""

    def test_the_first_deployment_creates_what_is_declared(self, story: Story) -> None:
        """OUs, accounts in their OUs and policies exist; both stacks are complete and protected."""
        picture = story.pictures["create"]
        assert set(picture.units) == {
            "Security",
            "Workloads",
            "Workloads/Production",
            "Workloads/Staging",
            "Sandbox",
        }
        assert picture.places[STAGING] == "Workloads/Staging"
        assert picture.places[PLAYGROUND] == "Sandbox"
        assert set(picture.states.values()) == {"ACTIVE"}
        assert len(picture.accounts) == 6
        assert len(picture.policies) == 3
        assert story.stacks["create"] == dict.fromkeys(STACKS, "CREATE_COMPLETE")

    def test_what_other_tests_synthesize_is_the_same(self, story: Life) -> None:
        """File by file: they run the app in their own process, which takes less time."""
        assert story.in_process == story.by_cli
        assert "Organization.template.json" in story.in_process

    def test_a_moved_account_a_renamed_ou_and_a_changed_guardrail_are_three_writes(
        self, story: Story
    ) -> None:
        """AWS moves, renames and updates in place: exactly three writes, every id stays."""
        before, after = story.pictures["create"], story.pictures["change"]
        writes = dict(story.writes["change"])
        assert sorted(story.operations("change")) == [
            "MoveAccount",
            "UpdateOrganizationalUnit",
            "UpdatePolicy",
        ]
        assert writes["MoveAccount"] == {
            "AccountId": before.accounts[STAGING],
            "SourceParentId": before.units["Workloads/Staging"],
            "DestinationParentId": before.units["Workloads/Production"],
        }
        assert writes["UpdateOrganizationalUnit"] == {
            "OrganizationalUnitId": before.units["Security"],
            "Name": "Security and Audit",
        }
        assert writes["UpdatePolicy"]["PolicyId"] in before.policies.values()
        content = json.loads(writes["UpdatePolicy"]["Content"])
        assert content["Statement"][0]["Condition"]["StringNotEquals"] == {
            "aws:RequestedRegion": ["eu-west-1", "us-east-1"]
        }
        assert after.places[STAGING] == "Workloads/Production"
        assert "Security and Audit" in after.units
        assert after.organization == before.organization
        assert after.accounts == before.accounts
        assert after.policies == before.policies
        assert sorted(after.units.values()) == sorted(before.units.values())

    def test_deploying_again_writes_nothing(self, story: Story) -> None:
        """The same code is no change."""
        assert story.writes["nothing"] == []
        assert "no changes" in story.steps["nothing"].output

    def test_an_account_that_vanished_from_the_code_is_refused(self, story: Story) -> None:
        """The synthesis compares with the lock, names the account and the remedy; AWS is not asked."""
        step = story.steps["vanished"]
        assert step.exit_code != 0
        assert "ORG121" in step.output
        assert "orgctl lock --release 'Organization/Accounts/Playground'" in step.output
        assert story.calls["vanished"] == 0

    def test_a_released_account_leaves_the_code_and_stays_in_aws(self, story: Story) -> None:
        """After its release the account goes from the stack; in AWS it stays, open and in its OU."""
        picture = story.pictures["released"]
        assert story.writes["released"] == []
        assert picture.places[PLAYGROUND] == "Sandbox"
        assert picture.states[PLAYGROUND] == "ACTIVE"
        playground = "AccountsPlaygroundC7397F6A"
        assert playground in story.resources["change"]
        assert playground not in story.resources["released"]

    def test_termination_protection_refuses_to_destroy(self, story: Story) -> None:
        """Both stacks are protected: `cdk destroy --force` changes nothing."""
        step = story.steps["protected"]
        assert step.exit_code != 0
        assert "termination" in step.output.lower()
        assert story.writes["protected"] == []
        assert set(story.stacks["protected"]) == set(STACKS)

    def test_destroyed_stacks_leave_the_organization_as_it_was(self, story: Story) -> None:
        """Organization, OUs and accounts outlive their stacks: nothing is written, nothing closed."""
        before, after = story.pictures["released"], story.pictures["destroy"]
        assert story.stacks["destroy"] == {}
        assert after.organization == before.organization
        assert after.units == before.units
        assert after.places == before.places
        assert set(after.states.values()) == {"ACTIVE"}

    def test_retained_policies_outlive_their_stacks(self, story: Story) -> None:
        """With `retain_policies=True` the guardrails stay in force, attached as they were."""
        assert story.writes["destroy"] == []
        assert story.pictures["destroy"].policies == story.pictures["create"].policies

    def test_no_account_is_ever_closed_or_removed(self, story: Story) -> None:
        """In the whole life there is no call that loses an account, an OU or the organization."""
        written = {operation for operation, _ in story.app.writes()}
        assert written.isdisjoint(
            {
                "CloseAccount",
                "RemoveAccountFromOrganization",
                "DeleteOrganization",
                "DeleteOrganizationalUnit",
            }
        )
