"""`orgctl preflight`: one line a look, and what its exit code says."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from org_constructs.cli._app import app
from org_constructs.rehearsal import EmbeddedAws
from org_constructs.testing import embedded_aws

__all__ = ["embedded_aws"]

# The embedded AWS takes seconds to say that it has no Service Quotas.
QUOTA = "accounts=50"


@pytest.fixture
def assembly(tmp_path: Path, embedded_aws: EmbeddedAws, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return an assembly of nothing in a folder of its own."""
    monkeypatch.chdir(tmp_path)
    for name, value in embedded_aws.environment().items():
        if name.startswith("AWS_"):
            monkeypatch.setenv(name, value)
    folder = tmp_path / "cdk.out"
    folder.mkdir()
    template = {"Resources": {"Org": {"Type": "AWS::Organizations::Organization"}}}
    (folder / "Org.template.json").write_text(json.dumps(template), "utf-8")
    stack = {
        "type": "aws:cloudformation:stack",
        "environment": f"aws://{embedded_aws.account_id}/us-east-1",
        "properties": {"templateFile": "Org.template.json"},
    }
    manifest = {"version": "1", "artifacts": {"Org": stack}}
    (folder / "manifest.json").write_text(json.dumps(manifest), "utf-8")
    return folder


def run(*arguments: str) -> Any:
    """Run `orgctl`; messages wrap at no width."""
    return CliRunner().invoke(app, arguments, env={"COLUMNS": "1000"}, catch_exceptions=False)


def test_a_failed_line_has_a_remedy(assembly: Path) -> None:
    """The account is not bootstrapped."""
    result = run("preflight", str(assembly), "--quota", QUOTA)
    assert result.exit_code == 1
    assert "passed    caller: account" in result.output
    assert "failed    bootstrap: the account is not bootstrapped" in result.output
    assert "          run `make bootstrap`" in result.output
    assert "the preflight stopped the deployment: 2 of" in result.output


def test_as_json(assembly: Path) -> None:
    """One document."""
    result = run("preflight", str(assembly), "--quota", QUOTA, "--json")
    document = json.loads(result.stdout)
    assert (result.exit_code, document["passed"]) == (1, False)
    assert document["lines"][0]["look"] == "caller"
    assert set(document["lines"][0]) == {"look", "outcome", "text", "remedy"}


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--acknowledge", "caller=why"), "'caller' cannot be acknowledged"),
        (("--acknowledge", "lock"), "is not of the form --acknowledge LOOK=REASON"),
        (("--quota", "accounts=many"), "'many' is not a number"),
        (("--quota", "nonsense=5"), "quota 'nonsense' is unknown"),
    ],
)
def test_wrong_arguments(assembly: Path, arguments: tuple[str, ...], message: str) -> None:
    """Nothing is asked of AWS."""
    result = run("preflight", str(assembly), *arguments)
    assert result.exit_code == 2
    assert message in result.output


def test_the_context_of_the_app(assembly: Path) -> None:
    """Reasons and quotas that always hold stand in cdk.json."""
    context = {"org-constructs:preflight": {"quotas": {"nonsense": 5}}}
    Path("cdk.json").write_text(json.dumps({"context": context}), "utf-8")
    assert "quota 'nonsense' is unknown" in run("preflight", str(assembly)).output
    context = {"org-constructs:preflight": {"quota": {"accounts": 5}}}
    Path("cdk.json").write_text(json.dumps({"context": context}), "utf-8")
    result = run("preflight", str(assembly))
    assert (result.exit_code, "'quota' is not understood" in result.output) == (2, True)


def test_without_credentials(assembly: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It says how to give them."""
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    result = run("preflight", str(assembly))
    assert result.exit_code == 1
    assert "no AWS credentials are found" in result.output
    result = run("close-account", "somebody")
    assert result.exit_code == 1
    assert "no AWS credentials are found" in result.output


@pytest.mark.usefixtures("assembly")
def test_closing_asks_for_the_name(embedded_aws: EmbeddedAws) -> None:
    """Nothing is done without it, and everything with it."""
    client = embedded_aws.client("organizations")
    client.create_organization()
    root = client.list_roots()["Roots"][0]["Id"]
    client.enable_policy_type(RootId=root, PolicyType="SERVICE_CONTROL_POLICY")
    client.create_account(AccountName="old", Email="old@corp.com")
    embedded_aws.advance(60)
    before = embedded_aws.calls()[-1]["n"]
    result = run("close-account", "old@corp.com")
    assert (result.exit_code, "give it with --name" in result.output) == (2, True)
    result = run("close-account", "old@corp.com", "--name", "new")
    assert (result.exit_code, "nothing has been done" in result.output) == (1, True)
    assert [call for call in embedded_aws.calls(before) if not call["read"]] == []
    result = run("close-account", "old@corp.com", "--name", "old", "--quarantine-only")
    assert (result.exit_code, "it stays open" in result.output) == (0, True)
    result = run("close-account", "old@corp.com", "--name", "old")
    assert (result.exit_code, "closed account" in result.output) == (0, True)
    result = run("close-account", "old@corp.com")
    assert (result.exit_code, "it is closed already" in result.output) == (0, True)
