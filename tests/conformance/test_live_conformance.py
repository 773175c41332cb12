"""`make live-conformance`: only reads reach a real organization."""

from __future__ import annotations

import importlib.util
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from org_constructs.rehearsal import EmbeddedAws

SCRIPT = Path(__file__).parent.parent.parent / "scripts" / "live_conformance.py"


@pytest.fixture(scope="module")
def live() -> ModuleType:
    """The script as a module."""
    spec = importlib.util.spec_from_file_location("live_conformance", SCRIPT)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def pretended_aws() -> Iterator[EmbeddedAws]:
    """What stands in for the real AWS."""
    with EmbeddedAws.start() as aws:
        yield aws


def test_a_write_is_never_sent(live: ModuleType) -> None:
    """A transport that has no client cannot send: the refusal comes before."""
    transport = live.Live(client=None)
    for operation in ("CreateAccount", "DeleteOrganization", "EnablePolicyType", "TagResource"):
        with pytest.raises(PermissionError, match=f"{operation} writes; nothing is sent"):
            transport.send(operation, {}, "111111111111")


def test_an_organization_is_left_as_it_is(
    live: ModuleType,
    pretended_aws: EmbeddedAws,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Against the embedded AWS in the place of a real one: all behaviours hold, nothing is written."""
    pretended_aws.reset()
    pretended_aws.client("organizations").create_organization()
    before = pretended_aws.calls()[-1]["n"]
    for name, value in pretended_aws.environment().items():
        if name.startswith("AWS_"):
            monkeypatch.setenv(name, value)
    assert live.main() == 0
    assert all(call["read"] for call in pretended_aws.calls(since=before))
    shown = capsys.readouterr().out
    asked = len(list(live.harmless()))
    assert asked > 40
    assert f"{asked} of {asked} behaviours are AWS's" in shown


def test_without_an_organization_nothing_is_asked(
    live: ModuleType, pretended_aws: EmbeddedAws, monkeypatch: pytest.MonkeyPatch, capsys: Any
) -> None:
    """An account that is in no organization ends it with its own exit code."""
    pretended_aws.reset()
    for name, value in pretended_aws.environment().items():
        if name.startswith("AWS_"):
            monkeypatch.setenv(name, value)
    assert live.main() == 2
    assert "no organization can be read" in capsys.readouterr().err
