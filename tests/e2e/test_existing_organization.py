"""An organization that existed before this app, and settings in a file of their own."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from quick_cli import WithoutCli, synthesize
from reference_app import ROOT, App, Story, succeeded

from org_constructs.rehearsal.cdk_cli import ALLOW_PLACEHOLDERS

pytestmark = pytest.mark.e2e

OLD_UNIT = "Legacy"


def _create_organization(app: App) -> tuple[str, str]:
    """Create an organization as somebody did years ago; return its id and its root's."""
    client = app.organizations
    organization = client.create_organization(FeatureSet="ALL")["Organization"]["Id"]
    root = client.list_roots()["Roots"][0]["Id"]
    client.enable_policy_type(RootId=root, PolicyType="SERVICE_CONTROL_POLICY")
    client.create_organizational_unit(ParentId=root, Name=OLD_UNIT)
    client.create_account(AccountName="old", Email="old@example.com")
    return organization, root


def _settings(organization: Any) -> dict[str, Any]:
    settings: dict[str, Any] = json.loads(
        (ROOT / "tests/reference_settings.json").read_text("utf-8")
    )
    return {**settings, "organization": organization}


@pytest.fixture(scope="module")
def story(new_app_on_aws: Callable[..., App], tmp_path_factory: pytest.TempPathFactory) -> Story:
    """Adopt an existing organization, then destroy the stacks."""
    file = tmp_path_factory.mktemp("settings") / "acquired.json"
    app = new_app_on_aws(context={"org": f"@{file}"}, runner=WithoutCli)
    organization, root = _create_organization(app)
    file.write_text(
        json.dumps(_settings({"organization_id": organization, "root_id": root})), "utf-8"
    )
    story = Story(app)
    succeeded(story.record("adopt", app.cdk.deploy))
    app.unprotect()
    succeeded(story.record("destroy", app.cdk.destroy_synthesized))
    return story


class TestExistingOrganization:
    """The organization is referred to by its ids and never created."""

    def test_it_is_adopted(self, story: Story) -> None:
        """OUs, accounts and policies join what is there; what was there stays as it was."""
        picture = story.pictures["adopt"]
        assert set(story.stacks["adopt"].values()) == {"CREATE_COMPLETE"}
        assert set(picture.units) == {
            OLD_UNIT,
            "Security",
            "Workloads",
            "Workloads/Production",
            "Workloads/Staging",
            "Sandbox",
        }
        assert picture.places["old@example.com"] == ""
        assert picture.places["aws+payments-prod@example.com"] == "Workloads/Production"
        assert "CreateOrganization" not in story.operations("adopt")

    def test_a_policy_type_that_is_on_is_not_turned_on_again(self, story: Story) -> None:
        """The settings function looks first; nothing but OUs, policies and accounts is written."""
        assert set(story.operations("adopt")) == {
            "CreateOrganizationalUnit",
            "CreatePolicy",
            "AttachPolicy",
            "CreateAccount",
            "MoveAccount",
        }

    def test_destroying_deletes_policies_and_nothing_else(self, story: Story) -> None:
        """Without `retain_policies` guardrails go with their code; the rest outlives its stacks."""
        before, after = story.pictures["adopt"], story.pictures["destroy"]
        assert story.stacks["destroy"] == {}
        assert set(story.operations("destroy")) == {"DetachPolicy", "DeletePolicy"}
        assert after.policies == {}
        assert after.organization == before.organization
        assert after.units == before.units
        assert after.places == before.places
        assert set(after.states.values()) == {"ACTIVE"}

    def test_its_policy_type_stays_on(self, story: Story) -> None:
        """Removing the code of a setting never turns the setting off."""
        root = story.app.organizations.list_roots()["Roots"][0]
        assert {"Type": "SERVICE_CONTROL_POLICY", "Status": "ENABLED"} in root["PolicyTypes"]


class TestSecondSettingsFile:
    """`-c org=@path/name.json` describes a second organization."""

    def test_its_lock_file_lies_beside_it(self, story: Story) -> None:
        """Synthesis compares with `path/name.lock.json`, not with the first organization's lock."""
        app = story.app
        (app.folder / "second").mkdir()
        file = app.folder / "second" / "acquired.json"
        settings = _settings("create")
        file.write_text(json.dumps(settings), "utf-8")
        context = {"org": "@second/acquired.json", ALLOW_PLACEHOLDERS: "true"}
        synthesize(app.folder, app.folder / "cdk.out", context)
        done = app.orgctl("lock", "--file", "second/acquired.lock.json")
        assert done.returncode == 0, done.stderr
        del settings["accounts"]["Playground"]
        file.write_text(json.dumps(settings), "utf-8")
        told = [part for key, value in context.items() for part in ("-c", f"{key}={value}")]
        refused = app.plain("synth", "--quiet", *told)
        assert refused.exit_code != 0
        assert "ORG121" in refused.output

    def test_make_deploy_writes_the_lock_that_synthesis_reads(self, tmp_path: Path) -> None:
        """`make deploy ORG=@path/name.json` writes `path/name.lock.json`."""
        done = subprocess.run(
            ["make", "-C", str(ROOT), "-n", "deploy", "ORG=@second/acquired.json"],
            cwd=tmp_path,
            check=False,
            capture_output=True,
            text=True,
        )
        assert done.returncode == 0, done.stderr
        assert "-c org=@second/acquired.json" in done.stdout
        assert "--file second/acquired.lock.json" in done.stdout
