"""`orgctl explain`: the answer, the reason, the exit code."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from org_constructs.cli._app import app

ALLOWED, FAILED, WRONG, DENIED, UNCERTAIN = range(5)
FENCE = {
    "Sid": "Fence",
    "Effect": "Deny",
    "NotAction": "iam:*",
    "Resource": "*",
    "Condition": {
        "StringNotEquals": {"aws:RequestedRegion": "eu-west-1"},
        "ArnNotLike": {"aws:PrincipalArn": "arn:*:iam::*:role/BreakGlass"},
    },
}


def _resource(kind: str, **properties: Any) -> dict[str, Any]:
    return {"Type": f"AWS::Organizations::{kind}", "Properties": properties}


def _scp(*statements: dict[str, Any], target: Any) -> dict[str, Any]:
    content = {"Version": "2012-10-17", "Statement": list(statements)}
    return _resource(
        "Policy",
        Name="p",
        Type="SERVICE_CONTROL_POLICY",
        Content=content,
        TargetIds=[target],
    )


RESOURCES: dict[str, Any] = {
    "U": _resource("OrganizationalUnit", Name="Sandbox", ParentId="r-ab12"),
    "A": _resource(
        "Account", AccountName="play", Email="aws+play@corp.com", ParentIds=[{"Ref": "U"}]
    ),
    "P": _scp(FENCE, target={"Ref": "U"}),
}


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a folder with an assembly in `cdk.out`, and make it the current one."""
    monkeypatch.chdir(tmp_path)
    out = tmp_path / "cdk.out"
    out.mkdir()
    _write(out, RESOURCES)
    return tmp_path


def _write(out: Path, resources: dict[str, Any]) -> None:
    artifact = {
        "type": "aws:cloudformation:stack",
        "environment": "aws://246813579024/us-east-1",
        "properties": {"templateFile": "Org.template.json"},
    }
    (out / "manifest.json").write_text(json.dumps({"artifacts": {"Org": artifact}}), "utf-8")
    (out / "Org.template.json").write_text(json.dumps({"Resources": resources}), "utf-8")


def _run(*arguments: str) -> tuple[int, str, str]:
    result = CliRunner().invoke(app, ["explain", *arguments])
    return result.exit_code, " ".join(result.stdout.split()), " ".join(result.stderr.split())


RUN = ("--action", "ec2:RunInstances")
pytestmark = pytest.mark.usefixtures("folder")


def test_denied() -> None:
    """The answer names level, policy and statement; the default is `cdk.out`."""
    code, out, _ = _run("--account", "play", *RUN, "--region", "us-east-1")
    assert code == DENIED
    assert out.startswith("explicitly denied Sandbox/play: ec2:RunInstances in us-east-1 is")
    assert "at level 2 of 3 'Sandbox', statement 1 'Fence' of policy 'p' denies it" in out
    assert "2 Sandbox denies Fence Org/P" in out


@pytest.mark.parametrize(
    "more",
    [
        ("--region", "eu-west-1"),
        ("--region", "us-east-1", "--principal", "arn:aws:iam::135792468024:role/BreakGlass"),
        ("-c", "aws:RequestedRegion=eu-west-1"),
        ("-c", "aws:RequestedRegion=eu-west-1", "-c", "aws:TagKeys=a", "-c", "aws:TagKeys=b"),
        ("--region", "eu-west-1", "--resource", "arn:aws:ec2:eu-west-1:135792468024:instance/*"),
    ],
)
def test_allowed(folder: Path, more: tuple[str, ...]) -> None:
    """Region, principal, resource and context count."""
    code, out, _ = _run("--account", "Sandbox/play", *RUN, *more, str(folder / "cdk.out"))
    assert code == ALLOWED
    assert out.startswith("allowed Sandbox/play: ec2:RunInstances")


def test_organizational_unit() -> None:
    """An OU stands for any account in it."""
    code, out, _ = _run("--ou", "Sandbox", *RUN, "--region", "us-east-1")
    assert code == DENIED
    assert "at level 2 of 2 'Sandbox'" in out


def test_management_account() -> None:
    """The management account is exempt, and the answer says so."""
    code, out, _ = _run("--account", "246813579024", *RUN, "--region", "us-east-1")
    assert code == ALLOWED
    assert "because the account is the management account" in out


@pytest.mark.parametrize(
    ("region", "expected", "code"),
    [
        ("us-east-1", "denied", 0),
        ("us-east-1", "allowed", DENIED),
        ("eu-west-1", "allowed", 0),
        ("eu-west-1", "denied", DENIED),
    ],
)
def test_expected(region: str, expected: str, code: int) -> None:
    """A check in CI passes if the answer is what it expects."""
    arguments = ("--account", "play", *RUN, "--region", region, "--expect", expected)
    assert _run(*arguments)[0] == code


def test_json() -> None:
    """One document on stdout, with the exit code of the answer."""
    result = CliRunner().invoke(
        app, ["explain", "--account", "play", *RUN, "--region", "us-east-1", "--json"]
    )
    assert result.exit_code == DENIED
    found = json.loads(result.stdout)
    assert found["account"] == "Sandbox/play"
    assert found["effect"] == "ExplicitlyDenied"
    assert found["certain"] is True
    assert found["levels"][1]["denied_by"][0]["sid"] == "Fence"


def test_what_is_open(folder: Path) -> None:
    """An answer that hangs on what only AWS knows has a code of its own."""
    more = {"Q": _scp(FENCE, target={"Ref": "Somewhere"})}
    _write(folder / "cdk.out", {**RESOURCES, **more})
    code, out, _ = _run("--account", "play", *RUN, "--region", "eu-west-1", "--expect", "allowed")
    assert code == UNCERTAIN
    assert 'Not known here: the target of \'Org/Q\', {"Ref": "Somewhere"}' in out
    assert _run("--account", "play", *RUN, "--region", "us-east-1")[0] == DENIED


def test_templates(folder: Path) -> None:
    """A template that a person wrote may be given, in YAML too."""
    (folder / "org.yaml").write_text(
        "Resources:\n  A: {Type: AWS::Organizations::Account, Properties: {AccountName: a}}\n",
        "utf-8",
    )
    assert _run("--account", "a", *RUN, str(folder / "org.yaml"))[0] == ALLOWED


def test_parameters(folder: Path) -> None:
    """Values of parameters decide what the template leaves open."""
    template = {
        "Parameters": {"Unit": {"Type": "String"}},
        "Resources": {**RESOURCES, "Q": _scp(FENCE, target={"Ref": "Unit"})},
    }
    (folder / "org.json").write_text(json.dumps(template), "utf-8")
    asked = ("--account", "play", *RUN, "--region", "eu-west-1", str(folder / "org.json"))
    assert _run(*asked)[0] == UNCERTAIN
    assert _run(*asked, "--parameters", "org:Unit=ou-ab12-34cd56ef")[0] == ALLOWED


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (
            ("--account", "play", *RUN, "--parameters", "Org:X=1"),
            FAILED,
            "a value is given for parameter 'X' of stack 'Org', which is not there; known are none",
        ),
        (
            ("--account", "play", *RUN, "--parameters", "Team:X=1"),
            FAILED,
            "a value is given for stack 'Team', which is not there; known are Org",
        ),
        (("--account", "play", *RUN, "--parameters", "X=1"), WRONG, "is no STACK:NAME=VALUE"),
        (("--account", "pla", *RUN), FAILED, "ORG017: account 'pla' is not declared; did you mean"),
        (("--account", "999999999999", *RUN), FAILED, "ORG017: account '999999999999' has no"),
        (("--ou", "Sand", *RUN), FAILED, "organizational unit 'Sand' is not declared"),
        (("--account", "play", *RUN, "gone"), FAILED, "ORG016: 'gone' cannot be read"),
        (RUN, WRONG, "give --account or --ou"),
        (("--account", "play", "--ou", "Sandbox", *RUN), WRONG, "give --account or --ou"),
        (("--account", "play", "--action", "ec2:*"), WRONG, "ORG031: request: action 'ec2:*'"),
        (("--account", "play", *RUN, "--region", "eu-west"), WRONG, "ORG006: --region"),
        (("--account", "play", *RUN, "-c", "x"), WRONG, "--context 'x' is no KEY=VALUE"),
        (("--account", "play", *RUN, "--resource", "logs"), WRONG, "is not an ARN"),
        (("--account", "play", *RUN, "--expect", "no"), WRONG, "'no' is not one of"),
        (("--account", "play"), WRONG, "--action"),
    ],
)
def test_fails(arguments: tuple[str, ...], code: int, message: str) -> None:
    """What is wrong is said on stderr; wrong arguments and missing things have different codes."""
    found, out, err = _run(*arguments)
    assert (found, out) == (code, "")
    assert message in err
