"""What `orgctl` says where it cannot do what it is asked to."""

from __future__ import annotations

from io import StringIO
from pathlib import Path

import pytest
from rich.console import Console
from typer.testing import CliRunner

from org_constructs.cli._app import app
from org_constructs.cli._verdict import show_verdict
from org_constructs.rehearsal.steps import Outcome, StepName
from org_constructs.rehearsal.verdict import Orphan, Verdict


def stderr(*arguments: str) -> str:
    """Run `orgctl`, which has to fail, and return what it says."""
    done = CliRunner().invoke(app, [*arguments])
    assert done.exit_code != 0
    return " ".join(done.stderr.split())


def test_no_credentials(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What to sign in to, and how it is named."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    for name in ("AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE"):
        monkeypatch.setenv(name, str(tmp_path / "none"))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    said = stderr("snapshot", str(tmp_path / "snapshot.json"))
    assert "sign in to the management account" in said
    assert "AWS_PROFILE" in said


def test_no_cdk_cli(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An app that is not the clone has no make either."""
    monkeypatch.setenv("PATH", str(tmp_path))
    assert "node_modules/.bin" in stderr("recover", str(tmp_path))
    assert "node_modules/.bin" in stderr("bootstrap")


def test_brackets_of_a_value_are_shown() -> None:
    """They are no markup."""
    assert "'/nowhere/a[b]c' has no cdk.json" in stderr("rehearse", "/nowhere/a[b]c")


def test_an_unknown_region(tmp_path: Path) -> None:
    """It is refused before anything is started."""
    assert "--region: region 'mars' is unknown" in stderr(
        "rehearse", str(tmp_path), "--region", "mars"
    )


@pytest.mark.parametrize("happened", [True, False])
def test_a_fault_that_never_happened(happened: bool) -> None:  # noqa: FBT001 - a parameter
    """A failure that was not met is not shown as one that was survived."""
    shown = StringIO()
    faults = ({"operation": "CreateAccount"},) if happened else ()
    outcome = Outcome(name=StepName.FAIL, runs=(), verdict=Verdict(), faults=faults)
    show_verdict(outcome, {}, Console(file=shown))
    assert ("none happened" in shown.getvalue()) is not happened
    assert ("1 happened" in shown.getvalue()) is happened


def test_an_orphan_is_named_once() -> None:
    """The name of an organization is its id."""
    shown = StringIO()
    orphan = Orphan(kind="organization", id="o-a1b2c3d4e5", name="o-a1b2c3d4e5")
    outcome = Outcome(name=StepName.DEPLOY, runs=(), verdict=Verdict(orphans=(orphan,)))
    show_verdict(outcome, {}, Console(file=shown))
    assert shown.getvalue().count("o-a1b2c3d4e5") == 1
