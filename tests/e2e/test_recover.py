"""An account that AWS finished after CloudFormation had given up comes under its stack."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
from quick_cli import WithoutCli
from reference_app import App, Story, succeeded
from typer.testing import CliRunner

from org_constructs.cli._app import app as orgctl
from org_constructs.cli._reader import EmbeddedReader
from org_constructs.evaluation.coverage import lost_denials
from org_constructs.model import OrganizationModel
from org_constructs.rehearsal.cdk_cli import Step
from org_constructs.rehearsal.verdict import Verdict, judge

pytestmark = pytest.mark.e2e

ORGCTL = str(Path(sys.executable).parent / "orgctl")
SLOW = "aws+payments-prod@example.com"


def recover(app: App, *arguments: str) -> Answer:
    """Run `orgctl recover` as a person does, against the embedded AWS."""
    done = subprocess.run(
        [ORGCTL, *_command(app), *arguments],
        cwd=app.folder,
        env={**os.environ, **_environment(app)},
        check=False,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
    )
    return Answer(done.returncode, done.stdout, done.stderr)


def plan_recovery(app: App, *arguments: str) -> Answer:
    """Do as `orgctl recover`, which starts no command, in this process."""
    assert "--yes" not in arguments
    # Those of this process hold again afterwards.
    handlers = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGHUP)}
    with contextlib.chdir(app.folder):
        done = CliRunner().invoke(orgctl, [*_command(app), *arguments], env=_environment(app))
    for number, handler in handlers.items():
        signal.signal(number, handler)
    return Answer(done.exit_code, done.stdout, done.stderr)


def _command(app: App) -> list[str]:
    return ["recover", str(app.cdk.assembly), "--file", str(app.lock_file)]


def _environment(app: App) -> dict[str, str]:
    return {**app.aws.environment(), "COLUMNS": "1000"}


def verdict_of(app: App, since: int) -> Verdict:
    """Compare what is live with what the app declares, and judge the calls after a number."""
    model = OrganizationModel.from_assembly(app.cdk.assembly)
    reader = EmbeddedReader(app.aws)
    return judge(
        model,
        before=None,
        after=reader.snapshot(),
        stacks=reader.stacks(stack.name for stack in model.assembly.stacks),
        calls=app.aws.calls(since),
        denials=lost_denials,
    )


@dataclass(frozen=True)
class Answer:
    """How `orgctl` ended and what it said."""

    returncode: int
    stdout: str
    stderr: str


@dataclass
class Orphaned:
    """An app whose deployment gave up on an account, which AWS has finished since."""

    app: App
    failed: Step
    pending: Answer
    plan: Answer
    writes_of_plan: list[str]
    moved: Answer
    done: Answer
    writes: list[str]
    verdict: Verdict
    again: Answer
    deployed_again: list[str]


@pytest.fixture(scope="module")
def orphaned(new_app_on_aws: Callable[..., App]) -> Orphaned:
    """Let one account take an hour, and recover it."""
    app = new_app_on_aws(runner=WithoutCli)
    story = Story(app)
    succeeded(app.cdk.synth())
    app.aws.inject("CreateAccount:4:SLOW=3600")
    failed = story.record("deploy", app.cdk.deploy_synthesized)
    pending = plan_recovery(app, "--email", SLOW)
    app.aws.advance(3700)
    seen = app.number()
    plan = plan_recovery(app)
    writes_of_plan = [operation for operation, _ in app.writes(seen)]
    picture = app.picture()
    root = app.organizations.list_roots()["Roots"][0]["Id"]
    account, sandbox = picture.accounts[SLOW], picture.units["Sandbox"]
    app.organizations.move_account(
        AccountId=account, SourceParentId=root, DestinationParentId=sandbox
    )
    moved = plan_recovery(app)
    app.organizations.move_account(
        AccountId=account, SourceParentId=sandbox, DestinationParentId=root
    )
    seen = app.number()
    done = recover(app, "--email", SLOW, "--yes")
    writes = [operation for operation, _ in app.writes(seen)]
    verdict = verdict_of(app, 0)
    again = plan_recovery(app)
    succeeded(story.record("again", app.cdk.deploy_synthesized))
    return Orphaned(
        app=app,
        failed=failed,
        pending=pending,
        plan=plan,
        writes_of_plan=writes_of_plan,
        moved=moved,
        done=done,
        writes=writes,
        verdict=verdict,
        again=again,
        deployed_again=story.operations("again"),
    )


def test_the_deployment_gave_up_on_the_account(orphaned: Orphaned) -> None:
    """CloudFormation does not wait an hour."""
    assert orphaned.failed.exit_code != 0
    assert "IN_PROGRESS" in orphaned.failed.output


def test_an_account_that_is_still_being_created(orphaned: Orphaned) -> None:
    """There is nothing to recover yet, and it says that waiting helps."""
    assert orphaned.pending.returncode == 1
    assert "AWS is still creating it (car-" in orphaned.pending.stderr


def test_the_plan_names_every_command_and_does_nothing(orphaned: Orphaned) -> None:
    """Without --yes it is only shown."""
    plan = orphaned.plan
    assert plan.returncode == 0, plan.stderr
    assert f"({SLOW}) exists, and no stack holds it" in plan.stdout
    lines = plan.stdout.splitlines()
    commands = [line.split()[:2] for line in lines if line.startswith("   ")]
    assert commands == [
        ["cdk", "deploy"],
        ["aws", "organizations"],
        ["cdk", "import"],
        ["cdk", "deploy"],
    ]
    assert "with --yes" in plan.stdout
    assert orphaned.writes_of_plan == []


def test_an_account_that_somebody_has_put_into_another_ou(orphaned: Orphaned) -> None:
    """It is not moved back without being asked."""
    assert orphaned.moved.returncode == 1
    assert "neither in the root nor in" in orphaned.moved.stderr
    assert "aws organizations move-account" in orphaned.moved.stderr


def test_it_is_recovered(orphaned: Orphaned) -> None:
    """Live equals declared, nothing was closed or created twice, and no denial was out of force."""
    done = orphaned.done
    assert done.returncode == 0, done.stdout + done.stderr
    assert orphaned.verdict.differences == ()
    assert orphaned.verdict.orphans == ()
    assert orphaned.verdict.gaps == ()
    picture = orphaned.app.picture()
    assert picture.places[SLOW] == "Workloads/Production"
    assert len(picture.accounts) == 6
    assert set(picture.states.values()) == {"ACTIVE"}
    assert "CloseAccount" not in orphaned.writes
    assert orphaned.app.resources("Organization") >= {"Accountspaymentsprod9A621EFC"}


def test_the_lock_knows_it(orphaned: Orphaned) -> None:
    """As after `make deploy`."""
    lock = json.loads(orphaned.app.lock_file.read_text("utf-8"))
    assert SLOW in {account["email"] for account in lock["accounts"].values()}


def test_afterwards_there_is_nothing_left_to_do(orphaned: Orphaned) -> None:
    """Neither to recover nor to deploy."""
    assert orphaned.again.returncode == 1
    assert "nothing to recover" in orphaned.again.stderr
    assert orphaned.deployed_again == []


def test_an_address_that_is_not_declared(orphaned: Orphaned) -> None:
    """It has to be in the app first."""
    done = plan_recovery(orphaned.app, "--email", "nobody@example.com")
    assert done.returncode == 1
    assert "'nobody@example.com' is declared" in done.stderr


def test_an_account_that_is_held(orphaned: Orphaned) -> None:
    """It is under its stack already, which is named."""
    done = plan_recovery(orphaned.app, "--email", "AWS+Playground@example.com")
    assert done.returncode == 1
    assert "held by its stack 'Organization'" in done.stderr


def test_an_unknown_request(orphaned: Orphaned) -> None:
    """AWS forgets its requests, so the address is asked for."""
    done = plan_recovery(orphaned.app, "--request", "car-00000000")
    assert done.returncode == 1
    assert "--email" in done.stderr
