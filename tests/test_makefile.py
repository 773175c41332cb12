"""What `make deploy` does, in which order, and what stops it; with a CDK CLI that does nothing."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
SCRIPT = """#!/bin/sh
echo "$(basename $0) $*" >> {log}
[ "$1" != "$FAILS" ]
"""


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    """Return a folder with the Makefile, in which everything is set up."""
    shutil.copy(ROOT / "Makefile", tmp_path)
    for name in ("requirements.txt", "requirements-dev.txt", "pyproject.toml", "package-lock.json"):
        (tmp_path / name).touch()
    for name in (".venv/bin/orgctl", "node_modules/.bin/cdk"):
        file = tmp_path / name
        file.parent.mkdir(parents=True)
        file.write_text(SCRIPT.format(log=tmp_path / "log"), "utf-8")
        file.chmod(0o755)
    for name in (".venv/.packages", ".venv/.ready", "node_modules/.ready"):
        (tmp_path / name).touch()
    return tmp_path


def make(clone: Path, *arguments: str, fails: str = "") -> tuple[int, list[str], str]:
    """Run make; return its exit code, what it ran, and what it said."""
    environment = {
        key: value
        for key, value in os.environ.items()
        if not key.startswith(("MAKE", "MFLAGS")) and key not in ("ARGS", "ORG", "PREFLIGHT")
    }
    done = subprocess.run(
        ["make", "-C", str(clone), *arguments],
        env={**environment, "FAILS": fails},
        capture_output=True,
        text=True,
        check=False,
    )
    log = clone / "log"
    return done.returncode, log.read_text("utf-8").splitlines() if log.exists() else [], done.stderr


SYNTH = "cdk synth --quiet --output cdk.out"
PREFLIGHT = "orgctl preflight cdk.out --file organization.lock.json"
DEPLOY = "cdk deploy --all --no-rollback --app cdk.out"
LOCK = "orgctl lock cdk.out --file organization.lock.json"
RESEND = "orgctl invitations resend --assembly cdk.out"


def test_the_order_of_a_deployment(clone: Path) -> None:
    """What was looked at is what is deployed."""
    code, ran, _ = make(clone, "deploy")
    assert (code, ran) == (0, [SYNTH, PREFLIGHT, DEPLOY, LOCK, RESEND])


def test_the_preflight_alone(clone: Path) -> None:
    """It deploys nothing, and takes arguments of its own."""
    code, ran, _ = make(clone, "preflight", "PREFLIGHT=--quota accounts=50")
    assert (code, ran) == (0, [SYNTH, f"{PREFLIGHT} --quota accounts=50"])


@pytest.mark.parametrize(
    ("fails", "expected"),
    [
        ("synth", [SYNTH]),
        ("preflight", [SYNTH, PREFLIGHT]),
        ("deploy", [SYNTH, PREFLIGHT, DEPLOY]),
    ],
)
def test_what_stops_a_deployment(clone: Path, fails: str, expected: list[str]) -> None:
    """A failure stops, and how to go on is said where something may have been done."""
    code, ran, said = make(clone, "deploy", fails=fails)
    assert code != 0
    assert ran == expected
    assert ("the deployment stopped; nothing is rolled back" in said) == (fails == "deploy")


def test_another_organization(clone: Path) -> None:
    """Its settings go to the synthesis, its lock to the preflight and the lock."""
    _, ran, _ = make(clone, "deploy", "ORG=@acquired.json")
    assert ran == [
        f"{SYNTH} -c org=@acquired.json",
        "orgctl preflight cdk.out --file acquired.lock.json",
        DEPLOY,
        "orgctl lock cdk.out --file acquired.lock.json",
        RESEND,
    ]
