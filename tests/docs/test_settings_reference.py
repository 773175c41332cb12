"""The reference of settings is current."""

from __future__ import annotations

import sys

import pytest
from pages import ROOT

from org_constructs.handlers import setting_actions


@pytest.fixture
def script(monkeypatch: pytest.MonkeyPatch) -> object:
    """Return the script that writes the page's tables."""
    monkeypatch.setattr(sys, "path", [str(ROOT / "scripts"), *sys.path])
    import generate_settings_reference

    return generate_settings_reference


def test_the_tables_are_current(script: object) -> None:
    """Otherwise: make generate."""
    page = (ROOT / script.PAGE).read_text("utf-8")  # type: ignore[attr-defined]
    assert script.render(page) == page  # type: ignore[attr-defined]
    assert f"As of {script.data_date()}" in page  # type: ignore[attr-defined]


def test_every_action_is_explained(script: object) -> None:
    """Each setting has its table, each of its actions a row."""
    page = script.permissions()  # type: ignore[attr-defined]
    for resource_type, actions in setting_actions().items():
        part = page.partition(f"### `{resource_type}`")[2].partition("###")[0]
        assert all(f"| `{action}` |" in part for action in actions)
