"""`orgctl check`: what it reads, what it says, how it ends."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import aws_cdk as cdk
import pytest
from typer.testing import CliRunner

from org_constructs import Organization
from org_constructs.cli._app import app
from org_constructs.guardrails import DenyRootUser

TYPO = {"StringNotEquals": {"aws:RequestedRegion": "eu-west1"}}


def _policy(condition: dict[str, Any] | None = None, action: str = "ec2:*") -> dict[str, Any]:
    statement: dict[str, Any] = {"Effect": "Deny", "Action": action, "Resource": "*"}
    if condition is not None:
        statement["Condition"] = condition
    return {"Version": "2012-10-17", "Statement": [statement]}


def _run(*arguments: str | Path) -> tuple[int, str]:
    result = CliRunner().invoke(app, ["check", *map(str, arguments)])
    assert result.exception is None or isinstance(result.exception, SystemExit), result.output
    return result.exit_code, result.output


def _write(file: Path, content: Any) -> Path:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps(content), "utf-8")
    return file


def test_a_document(tmp_path: Path) -> None:
    """An error in a bare document is shown with its file, statement and remedy; exit code 1."""
    code, output = _run(_write(tmp_path / "policy.json", _policy(TYPO)))
    assert code == 1
    assert "error ORG201" in output
    assert "policy.json': statement 1: StringNotEquals aws:RequestedRegion 'eu-west1'" in output
    assert "did you mean 'eu-west-1'?" in output
    assert output.endswith("1 policy: 1 error, 0 warnings\n")


def test_a_document_in_order(tmp_path: Path) -> None:
    """Nothing found is said, with how much was looked at."""
    code, output = _run(_write(tmp_path / "policy.json", _policy()))
    assert (code, output) == (0, "1 policy: nothing found\n")


def test_warnings_fail_when_strict(tmp_path: Path) -> None:
    """A warning is shown and fails with --strict only; what is acknowledged is left out."""
    file = _write(tmp_path / "policy.json", _policy(action="ec2:RunInstance"))
    assert _run(file)[0] == 0
    assert _run(file, "--strict")[0] == 1
    assert _run(file, "--strict", "--ignore", "ORG207") == (0, "1 policy: nothing found\n")


def test_json(tmp_path: Path) -> None:
    """Programs read the same."""
    code, output = _run(_write(tmp_path / "policy.json", _policy(TYPO)), "--json")
    content = json.loads(output)
    assert code == 1
    assert (content["policies"], content["errors"], content["warnings"]) == (1, 1, 0)
    (finding,) = content["findings"]
    assert (finding["code"], finding["severity"]) == ("ORG201", "error")
    assert finding["path"].endswith("policy.json")


def test_a_folder_of_documents_and_templates(tmp_path: Path) -> None:
    """Documents and templates of a folder are judged together."""
    _write(tmp_path / "policies" / "a.json", _policy(TYPO))
    _write(tmp_path / "policies" / "b.json", _policy())
    policy = {
        "Type": "AWS::Organizations::Policy",
        "Properties": {
            "Name": "p",
            "Type": "SERVICE_CONTROL_POLICY",
            "Content": _policy({"StringEquals": {"aws:PrincipalArn": "arn:aws:iam::*:role/A"}}),
        },
    }
    _write(tmp_path / "org.template.json", {"Resources": {"Policy": policy}})
    code, output = _run(tmp_path)
    assert code == 1
    assert "ORG201" in output
    assert "error ORG203 policy 'org/Policy': statement 1" in output
    assert "3 policies: 2 errors, 0 warnings" in output


def test_a_resource_control_policy(tmp_path: Path) -> None:
    """A document says of itself neither; the option does."""
    content = _policy()
    content["Statement"][0] |= {"Action": "s3:*", "Principal": "*"}
    file = _write(tmp_path / "policy.json", content)
    assert _run(file, "--type", "rcp") == (0, "1 policy: nothing found\n")
    code, output = _run(file)
    assert code == 1
    assert "fatal ORG119" in output
    assert "Principal is not part of a service control policy" in output


def test_an_assembly(new_stack: Callable[..., Any]) -> None:
    """What a synthesis wrote is judged as the synthesis did, refusals of other kinds aside."""
    stack: cdk.Stack = new_stack()
    organization = Organization.from_organization_attributes(
        stack,
        "Organization",
        organization_id="o-a1b2c3d4e5",
        root_id="r-ab12",
        management_account_id="246813579024",
    )
    organization.root.attach(DenyRootUser())
    organization.root.add_account("a", email="a.x@example.com")
    folder = stack.node.root.synth().directory  # type: ignore[attr-defined]
    code, output = _run(folder)
    assert code == 0
    assert "warning ORG216 account 'Org/Accounts/a' is directly under the root" in output
    assert output.endswith("1 policy: 0 errors, 1 warning\n")


@pytest.mark.parametrize(
    ("content", "arguments", "said"),
    [
        (None, (), "does not exist"),
        ({"a": 1}, (), "is neither a policy with Statement nor a template with Resources"),
        ([], (), "is no template"),
        (_policy(), ("--type", "tag"), "--type 'tag' is unknown; give scp or rcp"),
        (_policy(), ("--ignore", "ORG119"), "--ignore 'ORG119' is no code that can be"),
    ],
)
def test_fails_for_an_input_that_is_none(
    tmp_path: Path, content: Any, arguments: tuple[str, ...], said: str
) -> None:
    """Exit code 2 tells a wrong input from a finding."""
    file = tmp_path / "input.json"
    if content is not None:
        _write(file, content)
    code, output = _run(file, *arguments)
    assert code == 2
    assert said in output
