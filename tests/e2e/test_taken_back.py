"""A destroyed organization is taken back: what was kept comes under its stacks by import."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
from quick_cli import WithoutCli
from reference_app import App, Picture, succeeded

pytestmark = pytest.mark.e2e

ORGCTL = str(Path(sys.executable).parent / "orgctl")


@dataclass
class TakenBack:
    """What was seen of an organization that was destroyed, redeployed in vain and taken back."""

    app: App
    deployed: Picture
    kept: Picture
    refused: str
    recovered: subprocess.CompletedProcess[str]
    writes: list[str]
    after: Picture
    resources_before: dict[str, set[str]]
    resources_after: dict[str, set[str]]


@pytest.fixture(scope="module")
def taken_back(new_app_on_aws: Callable[..., App]) -> TakenBack:
    """Deploy, destroy, try to deploy, take back."""
    app = new_app_on_aws(runner=WithoutCli)
    succeeded(app.cdk.synth())
    succeeded(app.cdk.deploy_synthesized())
    deployed = app.picture()
    resources_before = {stack: app.resources(stack) for stack in app.stacks()}
    app.unprotect()
    succeeded(app.cdk.destroy_synthesized())
    kept = app.picture()
    again = app.cdk.deploy_synthesized()
    assert again.exit_code != 0
    seen = app.number()
    recovered = subprocess.run(
        [
            *(ORGCTL, "recover", str(app.cdk.assembly)),
            *("--file", str(app.lock_file), "--yes"),
        ],
        cwd=app.folder,
        env={**os.environ, **app.aws.environment(), "COLUMNS": "1000"},
        check=False,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
    )
    return TakenBack(
        app=app,
        deployed=deployed,
        kept=kept,
        refused=again.output,
        recovered=recovered,
        writes=[operation for operation, _ in app.writes(seen)],
        after=app.picture(),
        resources_before=resources_before,
        resources_after={stack: app.resources(stack) for stack in app.stacks()},
    )


def test_destroying_keeps_all_but_the_policies(taken_back: TakenBack) -> None:
    """Organization, OUs and accounts stay where and what they are."""
    assert taken_back.kept.units == taken_back.deployed.units
    assert taken_back.kept.places == taken_back.deployed.places
    assert set(taken_back.kept.states.values()) == {"ACTIVE"}
    assert taken_back.kept.policies == {}


def test_deploying_again_meets_what_is_there(taken_back: TakenBack) -> None:
    """AWS says that it exists; nothing is made twice."""
    assert "already" in taken_back.refused.lower()


def test_everything_is_taken_back(taken_back: TakenBack) -> None:
    """The same ids under the same logical ids, and the guardrails in force again."""
    assert taken_back.recovered.returncode == 0, (
        taken_back.recovered.stdout + taken_back.recovered.stderr
    )
    assert taken_back.after.organization == taken_back.deployed.organization
    assert taken_back.after.units == taken_back.deployed.units
    assert taken_back.after.accounts == taken_back.deployed.accounts
    assert taken_back.after.places == taken_back.deployed.places
    assert set(taken_back.after.policies) == set(taken_back.deployed.policies)
    assert taken_back.resources_after == taken_back.resources_before


def test_nothing_but_policies_is_written(taken_back: TakenBack) -> None:
    """Import reads; what was deleted is created again."""
    assert set(taken_back.writes) <= {"CreatePolicy", "AttachPolicy", "TagResource"}


def test_the_same_command_finds_nothing_to_do(taken_back: TakenBack) -> None:
    """The organization is what it was: deploying writes nothing."""
    app = taken_back.app
    seen = app.number()
    succeeded(app.cdk.deploy_synthesized())
    assert app.writes(seen) == []
