"""The CDK CLI's own ways out of a failure, and what they cost: accounts, unless the role denies it."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from stack_harness import ROOT, Cloud, account, after, get, resource, scp, unit
from template_cli import TemplateCli

from org_constructs.rehearsal import EmbeddedAws

pytestmark = pytest.mark.e2e

ORGANIZATION = {"Organization": resource("Organization"), "A": unit("A")}
WANTED = {**ORGANIZATION, "Account": account(get("A"))}
# SCPs are off: the policy fails after the account has been created.
FAILING = {**WANTED, "Policy": after("Account", scp(ROOT))}


@pytest.fixture
def new_cli(aws: EmbeddedAws, tmp_path: Path) -> Iterator[Callable[..., TemplateCli]]:
    """Return a function that bootstraps the embedded AWS."""

    def make(*, safely: bool) -> TemplateCli:
        cli = TemplateCli(aws, tmp_path)
        cli.bootstrap(safely=safely)
        return cli

    return make


def paused(cli: TemplateCli) -> Cloud:
    """Deploy the organization, then an update that fails after it has created an account."""
    assert cli.prepare(ORGANIZATION)
    assert not cli.prepare(FAILING)
    cloud = Cloud(cli.aws)
    assert cloud.wait() == "UPDATE_FAILED"
    assert cloud.accounts()["audit"] == "ACTIVE"
    return cloud


def closings(aws: EmbeddedAws) -> list[str | None]:
    """Return how each attempt to close an account ended: with an error's code, or None."""
    return [
        call["error"] and call["error"]["code"]
        for call in aws.calls()
        if call["operation"] == "CloseAccount"
    ]


def roll_back(cli: TemplateCli) -> None:
    """Roll the failed update back, as the CLI proposes."""
    cli.run("rollback", "Org", "--app", cli.synthesize(FAILING))


@pytest.mark.parametrize("safely", [False, True])
def test_rollback_closes_what_is_retained(
    new_cli: Callable[..., TemplateCli], *, safely: bool
) -> None:
    """The CLI asks for it in spite of Retain; the bootstrap's Deny keeps the account open."""
    cli = new_cli(safely=safely)
    cloud = paused(cli)
    roll_back(cli)
    assert cloud.wait() == "UPDATE_ROLLBACK_COMPLETE"
    assert closings(cli.aws) == ["AccessDeniedException" if safely else None]
    assert cloud.accounts()["audit"] == ("ACTIVE" if safely else "CLOSED")


@pytest.mark.parametrize("safely", [False, True])
def test_deploying_by_force_closes_what_is_retained(
    new_cli: Callable[..., TemplateCli], *, safely: bool
) -> None:
    """It rolls back first, then creates anew what has the same address: that fails."""
    cli = new_cli(safely=safely)
    cloud = paused(cli)
    cloud.enable_scps()
    cli.deploy(FAILING, "--force", "--rollback", fails=True)
    assert closings(cli.aws) == ["AccessDeniedException" if safely else None]
    assert cloud.accounts()["audit"] == ("ACTIVE" if safely else "CLOSED")
    assert any("already exists" in reason for reason in cloud.reasons())


def test_the_same_command_again_is_the_remedy(new_cli: Callable[..., TemplateCli]) -> None:
    """With the cause removed, nothing is undone."""
    cli = new_cli(safely=True)
    cli.deploy(ORGANIZATION)
    assert "isn't currently enabled" in cli.deploy(FAILING, fails=True)
    cloud = Cloud(cli.aws)
    assert cloud.wait() == "UPDATE_FAILED"
    cloud.enable_scps()
    cli.deploy(FAILING)
    assert cloud.wait() == "UPDATE_COMPLETE"
    assert closings(cli.aws) == []


def test_an_orphan_comes_back_by_import(new_cli: Callable[..., TemplateCli]) -> None:
    """Leave it out, deploy, import it without its order, deploy: the account that AWS made late."""
    cli = new_cli(safely=True)
    assert cli.prepare(ORGANIZATION)
    cli.aws.inject("CreateAccount:1:SLOW=600")
    ordered = {**ORGANIZATION, "Account": after("A", account(get("A")))}
    cloud = Cloud(cli.aws)
    assert not cli.prepare(ordered)
    assert any("NotStabilized" in reason for reason in cloud.reasons())
    cli.aws.advance(600)
    assert not cli.prepare(ordered)
    assert any("already exists" in reason for reason in cloud.reasons())
    listed = cloud.organizations.list_accounts()["Accounts"]
    (orphan,) = [entry["Id"] for entry in listed if entry["Name"] == "audit"]
    assert cli.prepare(ORGANIZATION)
    cli.adopt({**ORGANIZATION, "Account": account(get("A"))}, Account={"AccountId": orphan})
    assert cloud.wait() == "IMPORT_COMPLETE"
    assert cli.prepare(ordered)
    assert cloud.physical_id("Account") == orphan
    assert list(cloud.accounts().values()) == ["ACTIVE", "ACTIVE"]


def test_an_organization_made_by_hand_is_imported(
    new_cli: Callable[..., TemplateCli],
) -> None:
    """Organization, OU, policy: by their ids, in one command, without a write."""
    cli = new_cli(safely=True)
    cloud = Cloud(cli.aws)
    client = cloud.organizations
    organization = client.create_organization(FeatureSet="ALL")["Organization"]["Id"]
    cloud.enable_scps()
    root = client.list_roots()["Roots"][0]["Id"]
    made = client.create_organizational_unit(ParentId=root, Name="A")["OrganizationalUnit"]["Id"]
    policy = scp()
    content: Any = policy["Properties"]["Content"]
    policy["DeletionPolicy"] = "Retain"
    created = client.create_policy(
        Name="deny", Type="SERVICE_CONTROL_POLICY", Content=json.dumps(content), Description=""
    )["Policy"]["PolicySummary"]["Id"]
    seen = len(cli.aws.calls())
    cli.adopt(
        {"Organization": resource("Organization"), "A": unit("A", root), "Policy": policy},
        Organization={"Id": organization},
        A={"Id": made},
        Policy={"Id": created},
    )
    assert cloud.wait() == "IMPORT_COMPLETE"
    assert [call["operation"] for call in cli.aws.calls(seen) if not call["read"]] == []
    assert cloud.drift() == {}
