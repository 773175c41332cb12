"""`orgctl rehearse` judges any app: converged, not converged, or converged with a gap."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from quick_cli import WithoutCli
from typer.testing import CliRunner

from org_constructs.cli._app import app
from org_constructs.rehearsal import cdk_cli

ORGCTL = str(Path(sys.executable).parent / "orgctl")
ACCOUNT = "111111111111"
ROOT = "r-ab12"
SCP = "SERVICE_CONTROL_POLICY"
FULL_ACCESS = {
    "id": "p-FullAWSAccess",
    "name": "FullAWSAccess",
    "type": SCP,
    "description": "Allows access to every operation",
    "content": '{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}',
    "aws_managed": True,
    "targets": [ROOT, ACCOUNT],
}
EXISTING = {
    "version": 1,
    "organization_id": "o-a1b2c3d4e5",
    "root_id": ROOT,
    "management_account_id": ACCOUNT,
    "feature_set": "ALL",
    "policy_types": {SCP: "ENABLED"},
    "organizational_units": [],
    "accounts": [
        {
            "id": ACCOUNT,
            "name": "Management",
            "email": "aws@corp.com",
            "parent_id": ROOT,
            "state": "ACTIVE",
            "joined_method": "INVITED",
        }
    ],
    "policies": [FULL_ACCESS],
}


def resource(kind: str, after: str | None = None, **properties: Any) -> dict[str, Any]:
    """Return a resource of AWS Organizations that waits for another one."""
    definition = {
        "Type": f"AWS::Organizations::{kind}",
        "Properties": properties,
        "DeletionPolicy": "Delete" if kind == "Policy" else "Retain",
        "UpdateReplacePolicy": "Delete" if kind == "Policy" else "Retain",
    }
    return definition | ({"DependsOn": [after]} if after else {})


def unit(name: str, after: str | None = None) -> dict[str, Any]:
    """Return an OU in the root."""
    return resource("OrganizationalUnit", after, Name=name, ParentId=ROOT)


def policy(target: str, after: str) -> dict[str, Any]:
    """Return a policy that denies one service, attached to one of the template's resources."""
    content = {
        "Version": "2012-10-17",
        "Statement": [{"Effect": "Deny", "Action": "s3:*", "Resource": "*"}],
    }
    targets = [{"Fn::GetAtt": [target, "Id"]}]
    return resource("Policy", after, Name="no-s3", Type=SCP, Content=content, TargetIds=targets)


def account(parent: str, after: str) -> dict[str, Any]:
    """Return an account in one of the template's OUs."""
    parents = [{"Fn::GetAtt": [parent, "Id"]}]
    return resource("Account", after, AccountName="app", Email="app@corp.com", ParentIds=parents)


def assembly(folder: Path, **resources: dict[str, Any]) -> Path:
    """Write the assembly of one stack, as any tool that speaks CloudFormation may have."""
    folder.mkdir()
    template = {"Resources": resources}
    (folder / "Org.template.json").write_text(json.dumps(template), "utf-8")
    manifest = {
        "version": "36.0.0",
        "artifacts": {
            "Org": {
                "type": "aws:cloudformation:stack",
                "environment": f"aws://{ACCOUNT}/us-east-1",
                "properties": {"templateFile": "Org.template.json", "stackName": "Org"},
                "displayName": "Org",
            }
        },
    }
    (folder / "manifest.json").write_text(json.dumps(manifest), "utf-8")
    return folder


@pytest.fixture
def seed(tmp_path: Path) -> Path:
    """Write the snapshot of an organization that exists."""
    file = tmp_path / "snapshot.json"
    file.write_text(json.dumps(EXISTING), "utf-8")
    return file


@pytest.fixture
def rehearse(tmp_path: Path, seed: Path) -> Callable[..., tuple[int, dict[str, Any], str]]:
    """Return a function that rehearses on that organization: code, document, stderr."""

    def run(*arguments: str) -> tuple[int, dict[str, Any], str]:
        done = subprocess.run(
            [ORGCTL, "rehearse", *arguments, "--seed-from", str(seed), "--json"],
            cwd=tmp_path,
            check=False,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            env={**os.environ, "COLUMNS": "1000"},
        )
        assert done.stdout, done.stderr
        document: dict[str, Any] = json.loads(done.stdout)
        assert document["exit_code"] == done.returncode
        return done.returncode, document, done.stderr

    return run


def before(folder: Path) -> Path:
    """Write an assembly with an account in an OU whose policy binds it."""
    return assembly(
        folder,
        Old=unit("Old"),
        New=unit("New", "Old"),
        Deny=policy("Old", "New"),
        App=account("Old", "Deny"),
    )


@pytest.mark.e2e
class TestVerdict:
    """What the steps of a rehearsal show, for an assembly that no library of this project wrote."""

    def test_deploy_change_and_destroy(self, tmp_path: Path, rehearse: Callable[..., Any]) -> None:
        """All converge; the change bares the account for a moment, so it ends with 4.

        Standard output is one JSON document; after the destruction what exists is kept, and
        policies are gone.
        """
        after = assembly(
            tmp_path / "after",
            Old=unit("Old"),
            New=unit("New", "Old"),
            Deny=policy("New", "New"),
            App=account("New", "Deny"),
        )
        steps = ("--steps", "deploy,change,destroy", "--change", str(after))
        code, document, shown = rehearse(str(before(tmp_path / "before")), *steps)
        assert code == 4, shown
        deployed, changed, destroyed = (step["verdict"] for step in document["steps"])
        assert deployed["converged"]
        assert deployed["gaps"] == deployed["orphans"] == deployed["differences"] == []
        assert deployed["calls"]["writes"] == 6
        assert document["steps"][0]["seconds_at_documented_rates"] > 0
        assert changed["converged"]
        (gap,) = changed["gaps"]
        assert gap["operation"] == "DetachPolicy"
        assert gap["denial"]["Action"] == "s3:*"
        assert f"app {gap['account']} was not denied Action s3:*" in shown
        assert gap["example"].startswith("s3:")
        assert f"; a request that passed: {gap['example']}" in shown
        assert destroyed["converged"]
        assert destroyed["retained"] == ["Org/Old", "Org/New", "Org/App"]
        assert destroyed["removed"] == ["Org/Deny"]
        organization = document["organization"]
        assert organization["organization_id"] == "o-a1b2c3d4e5"
        assert {entry["name"] for entry in organization["accounts"]} == {"Management", "app"}
        assert [entry["name"] for entry in organization["policies"]] == ["FullAWSAccess"]
        assert "cdk destroy" in shown

    def test_a_deployment_that_stops(self, tmp_path: Path, rehearse: Callable[..., Any]) -> None:
        """It ends with 3, with the reason of the resource that failed, and says what to do."""
        twice = assembly(tmp_path / "twice", Old=unit("Old"), Again=unit("Old", "Old"))
        code, document, shown = rehearse(str(twice))
        assert code == 3
        (step,) = document["steps"]
        assert not step["verdict"]["converged"]
        paths = {difference["path"] for difference in step["verdict"]["differences"]}
        assert {"Org", "Org/Again"} <= paths
        assert "AlreadyExists" in shown
        assert "give the same deploy command again" in shown

    def test_a_fault_that_is_repaired(
        self, tmp_path: Path, seed: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """The step fail stops by the fault and converges by the same deployment.

        Without the CDK CLI, which a deployment that stops is tried with above.
        """
        monkeypatch.setattr(cdk_cli, "CdkCli", WithoutCli)
        handlers = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGHUP)}
        faults = ("--fault", "AttachPolicy:1:AccessDeniedException")
        target = str(before(tmp_path / "before"))
        done = CliRunner().invoke(
            app, ["rehearse", target, *faults, "--seed-from", str(seed), "--json"]
        )
        for number, handler in handlers.items():
            signal.signal(number, handler)
        assert done.exit_code == 0, done.stderr
        document = json.loads(done.stdout)
        (step,) = document["steps"]
        assert step["step"] == "fail"
        assert [run["command"] for run in step["runs"]] == [
            "synth",
            "bootstrap",
            "deploy",
            "deploy",
        ]
        assert [run["exit_code"] for run in step["runs"]] == [0, 0, 1, 0]
        assert len(step["faults"]) == 1
        assert step["verdict"]["converged"]


@pytest.mark.e2e
def test_a_snapshot_of_another_organization(tmp_path: Path) -> None:
    """The app deploys to another account than the snapshot's: nothing is deployed."""
    seed = tmp_path / "snapshot.json"
    seed.write_text(json.dumps(EXISTING).replace(ACCOUNT, "222222222222"), "utf-8")
    target = str(assembly(tmp_path / "assembly", Old=unit("Old")))
    done = subprocess.run(
        [ORGCTL, "rehearse", target, "--seed-from", str(seed), "--json"],
        cwd=tmp_path,
        check=False,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 1
    document = json.loads(done.stdout)
    assert document["exit_code"] == 1
    message = f"the app deploys to account {ACCOUNT}, and the snapshot is of"
    assert message in document["error"]
    assert message in done.stderr


class TestArguments:
    """What does not fit together is refused before anything is started."""

    @pytest.mark.parametrize(
        ("arguments", "message"),
        [
            (["--steps", "deploy,change"], "give --change APP_DIR"),
            (["--steps", "explode"], "there is no step 'explode'"),
            (["--steps", "fail"], "needs a --fault"),
            (["--steps", "deploy", "--fault", "AttachPolicy:1:X"], "step 'fail' only"),
            (["--fault", "AttachPolicy:1:NoSuchError"], "never answers 'NoSuchError'"),
            (
                ["--steps", "deploy,fail", "--fault", "AttachPolicy:1:AccessDeniedException"],
                "nothing can fail",
            ),
            (["--steps", "deploy,change", "--change-context", "a"], "'a' is not KEY=VALUE"),
            (["--steps", "deploy,change", "--change-context", "a=b"], "which no context changes"),
            (["--change", "nowhere", "--steps", "deploy,change"], "'nowhere' has no cdk.json"),
            (["--seed-from", "nowhere.json"], "'nowhere.json' cannot be read"),
            (["-c", "novalue"], "--context 'novalue' is not KEY=VALUE"),
        ],
    )
    def test_it_ends_with_2_and_says_what_to_give(
        self, tmp_path: Path, arguments: list[str], message: str
    ) -> None:
        """The message names the option."""
        target = assembly(tmp_path / "assembly", Old=unit("Old"))
        done = CliRunner().invoke(app, ["rehearse", str(target), *arguments])
        assert done.exit_code == 2
        assert message in " ".join(done.stderr.split())
