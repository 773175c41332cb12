"""A deployed account gets another name and its first one back."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from quick_cli import WithoutCli
from reference_app import App, Story, succeeded

pytestmark = pytest.mark.e2e

ARCHIVE = "aws+logarchive@example.com"


def _name(app: App, name: str) -> None:
    app.edit_settings(lambda org: org["accounts"]["LogArchive"].update(name=name))


def _template(app: App) -> dict[str, Any]:
    text = (app.cdk.assembly / "Organization.template.json").read_text("utf-8")
    resources: dict[str, Any] = json.loads(text)["Resources"]
    return resources


class Names(Story):
    """A story that also remembers live names, by e-mail, and templates."""

    def __init__(self, app: App) -> None:
        super().__init__(app)
        self.names: dict[str, dict[str, str]] = {}
        self.templates: dict[str, dict[str, Any]] = {}
        self.locked: dict[str, dict[str, Any]] = {}

    def deploy(self, name: str) -> None:
        """Deploy and write the lock, as `make deploy` does."""
        succeeded(self.record(name, self.app.cdk.deploy))
        self.lock(name)
        pages = self.app.organizations.get_paginator("list_accounts").paginate()
        self.names[name] = {a["Email"]: a["Name"] for page in pages for a in page["Accounts"]}
        self.templates[name] = _template(self.app)

    def lock(self, name: str) -> None:
        """Write the lock of the assembly that is there."""
        self.app.lock()
        lock = json.loads(self.app.lock_file.read_text("utf-8"))
        self.locked[name] = lock["accounts"]["Organization/Accounts/LogArchive"]

    def lock_without_lock(self, name: str) -> None:
        """Write the lock of an assembly that was synthesized while the lock was away."""
        kept = self.app.lock_file.read_bytes()
        self.app.lock_file.unlink()
        succeeded(self.app.cdk.synth())
        self.app.lock_file.write_bytes(kept)
        self.lock(name)


@pytest.fixture(scope="module")
def names(new_app_on_aws: Callable[..., App]) -> Names:
    """Let an account be renamed, renamed in case only, and get its first name back."""
    app = new_app_on_aws(runner=WithoutCli)
    names = Names(app)
    names.deploy("create")
    _name(app, "Log archive (EU)")
    app.edit_settings(lambda org: org["regions"].update(sandbox=["eu-west-1"]))
    app.aws.inject("EnableAWSServiceAccess:1:ConstraintViolationException")
    names.record("refused", app.cdk.deploy)
    names.deploy("renamed")
    _name(app, "LOG ARCHIVE (EU)")
    names.deploy("other case")
    app.edit_settings(lambda org: org["accounts"]["LogArchive"].pop("name"))
    names.deploy("first name")
    names.deploy("still")
    _name(app, "Another name")
    names.lock_without_lock("lock away")
    names.deploy("repaired")
    return names


class TestAccountNames:
    """One account of the reference organization."""

    def test_the_account_gets_the_name_and_keeps_its_id(self, names: Names) -> None:
        """The name is live; nothing else of the organization is another."""
        assert names.names["create"][ARCHIVE] == "LogArchive"
        assert names.names["renamed"] == {
            **names.names["create"],
            ARCHIVE: "Log archive (EU)",
        }
        for name in names.pictures:
            assert names.pictures[name].accounts == names.pictures["create"].accounts
            assert names.pictures[name].places == names.pictures["create"].places

    def test_a_refused_rename_holds_up_nothing(self, names: Names) -> None:
        """It comes last, says why, and the same command goes on from there."""
        assert names.steps["refused"].exit_code != 0
        assert "trusted access for 'account.amazonaws.com'" in names.steps["refused"].output
        assert names.operations("refused") == ["UpdatePolicy", "EnableAWSServiceAccess"]
        assert names.stacks["refused"]["Organization"] == "UPDATE_FAILED"
        assert names.stacks["renamed"]["Organization"] == "UPDATE_COMPLETE"

    def test_nothing_else_is_written(self, names: Names) -> None:
        """The first rename lets the service in; no account is updated, moved or created."""
        account = names.pictures["create"].accounts[ARCHIVE]
        assert names.writes["renamed"] == [
            ("EnableAWSServiceAccess", {"ServicePrincipal": "account.amazonaws.com"}),
            ("PutAccountName", {"AccountId": account, "AccountName": "Log archive (EU)"}),
        ]
        assert names.writes["other case"] == [
            ("PutAccountName", {"AccountId": account, "AccountName": "LOG ARCHIVE (EU)"})
        ]
        assert names.writes["first name"] == [
            ("PutAccountName", {"AccountId": account, "AccountName": "LogArchive"})
        ]

    def test_no_change_writes_nothing(self, names: Names) -> None:
        """The same code again, after the way back."""
        assert names.writes["still"] == []
        assert names.templates["still"] == names.templates["first name"]

    def test_the_case_of_a_name_counts(self, names: Names) -> None:
        """CloudFormation's own handler would ignore it."""
        assert names.names["other case"][ARCHIVE] == "LOG ARCHIVE (EU)"

    def test_back_to_the_first_name(self, names: Names) -> None:
        """As declared before the first rename."""
        assert names.names["first name"] == names.names["create"]
        assert names.names["still"] == names.names["create"]

    def test_the_template_keeps_the_first_name(self, names: Names) -> None:
        """No deployment asks CloudFormation for what it refuses; one resource is added."""
        first = names.templates["create"]
        accounts = {id: r for id, r in first.items() if r["Type"].endswith("::Account")}
        for template in names.templates.values():
            assert {id: template[id] for id in accounts} == accounts
        added = sorted(
            resource["Type"]
            for id, resource in names.templates["renamed"].items()
            if id not in first
        )
        assert added == [
            "AWS::IAM::Role",
            "AWS::Lambda::Function",
            "AWS::Logs::LogGroup",
            "Custom::AccountName",
        ]

    def test_the_lock_knows_both_names(self, names: Names) -> None:
        """That of the creation and the last one given; none given, none written."""
        assert "display_name" not in names.locked["create"]
        assert {entry["name"] for entry in names.locked.values()} == {"LogArchive"}
        assert names.locked["renamed"]["display_name"] == "Log archive (EU)"
        assert names.locked["first name"]["display_name"] == "LogArchive"
        assert names.locked["still"] == names.locked["first name"]

    def test_no_rename_is_taken_for_the_first_name(self, names: Names) -> None:
        """An assembly that was synthesized without the lock does not spoil it."""
        assert names.locked["lock away"]["name"] == "LogArchive"
        assert names.names["repaired"][ARCHIVE] == "Another name"
        assert [operation for operation, _ in names.writes["repaired"]] == ["PutAccountName"]
