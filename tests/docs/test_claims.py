"""What the documentation says of make targets, codes, settings and resources is so."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from pages import PAGES, ROOT, blocks, name_of, prose

from org_constructs.checks import acknowledgeable_codes
from org_constructs.model.assembly import Assembly, read_assembly
from stacks.foundation import FoundationStack
from stacks.organization import OrganizationStack
from stacks.settings import OrganizationSettings

_CODE = re.compile(r"\bORG\d{3}\b")
README = (ROOT / "README.md").read_text("utf-8")
REFUSALS = (ROOT / "docs" / "reference" / "refusals.md").read_text("utf-8")


@pytest.fixture(scope="module")
def codes() -> set[str]:
    """Return every refusal code in the code."""
    folders = (ROOT / "org_constructs", ROOT / "stacks")
    files = [file for folder in folders for file in folder.rglob("*.py")]
    return {code for file in files for code in _CODE.findall(file.read_text("utf-8"))}


def test_every_code_is_documented_once(codes: set[str]) -> None:
    """The tables of refusals have a row for each code, and no others."""
    rows = re.findall(r"^\| `(ORG\d{3})` \|", REFUSALS, re.MULTILINE)
    assert sorted(rows) == sorted(codes)


def test_acknowledgeable_codes_say_so() -> None:
    """`Can be acknowledged` stands where it holds and nowhere else."""
    rows = re.findall(r"^\| `(ORG\d{3})` \|.*Can be acknowledged \|$", REFUSALS, re.MULTILINE)
    assert set(rows) == acknowledgeable_codes()


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_named_codes_exist(page: Path, codes: set[str]) -> None:
    """A page names no code that the code does not have."""
    assert set(_CODE.findall(page.read_text("utf-8"))) <= codes


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_named_make_targets_exist(page: Path) -> None:
    """`make TARGET` on a page is a target of the Makefile."""
    targets = set(
        re.findall(r"^([a-z-]+):.*## ", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE)
    )
    commands = [block.text for block in blocks("console", "sh") if block.page == page]
    named = set(re.findall(r"`make ([a-z-]+)", prose(page)))
    for text in commands:
        named |= set(re.findall(r"^\$ (?:[A-Z_]+=\S+ )*make ([a-z-]+)", text, re.MULTILINE))
    assert named <= targets


def test_every_setting_is_documented() -> None:
    """The table of settings has the keys that the code knows, and no others."""
    rows = set(re.findall(r"^\| `([a-z_.*]+)` \|", README, re.MULTILINE))
    source = (ROOT / "stacks" / "settings.py").read_text("utf-8")
    calls = re.findall(r"_only\(\s*[^,]+,\s*([^,]+),(.*?)\)\s*\n", source, re.DOTALL)
    prefixes = {
        '"org"': "",
        '"org.regions"': "regions.",
        "where_account": "accounts.*.",
        "where_invitation": "invitations.*.",
    }
    known = {
        prefixes[where] + key
        for where, rest in calls
        if where in prefixes
        for key in re.findall(r'"(\w+)"', rest)
    }
    assert rows == known - {"regions"}


@pytest.fixture
def reference(new_app: Callable[..., Any]) -> Callable[..., Assembly]:
    """Return a function that synthesizes the reference organization."""

    def synthesize(accounts: int | None = None, **changes: Any) -> Assembly:
        settings = json.loads((ROOT / "tests/reference_settings.json").read_text("utf-8"))
        settings |= {
            "management_account_id": "246813579024",
            "email_pattern": "aws+{account}@corp.com",
            **changes,
        }
        units = ("Security", "Workloads/Production", "Workloads/Staging", "Sandbox")
        if accounts is not None:
            settings["accounts"] = {f"A{n}": {"ou": units[n % 4]} for n in range(accounts)}
        app = new_app({"org": settings})
        read = OrganizationSettings.of(app)
        foundation = FoundationStack(app, "OrganizationFoundation", settings=read)
        OrganizationStack(app, "Organization", settings=read, organization=foundation.organization)
        return read_assembly(app.synth().directory)

    return synthesize


def _counted(assembly: Assembly) -> dict[str, int]:
    return {stack.name: len(stack.resources) for stack in assembly.stacks}


def test_the_numbers_of_resources(reference: Callable[..., Assembly]) -> None:
    """The README counts what the templates hold."""
    assert _counted(reference()) == {"Organization": 13, "OrganizationFoundation": 5}
    assert "**18**: 13 in `Organization`, 5 in `OrganizationFoundation`" in README
    existing = reference(organization={"organization_id": "o-a1b2c3d4e5", "root_id": "r-ab12"})
    assert sum(_counted(existing).values()) == 17
    assert "| The same when the organization exists | 17 |" in README
    assert sum(_counted(reference(accounts=200)).values()) == 213
    assert "| The same hierarchy with 200 accounts | 213 |" in README


def test_the_chain(reference: Callable[..., Assembly]) -> None:
    """The order in docs/architecture.md is that of the template's DependsOn."""
    stack = reference().by_id["Organization"]
    after = {tuple(item.get("DependsOn", ())): key for key, item in stack.resources.items()}
    chain = []
    here = after.get(())
    while here:
        chain.append(stack.id_path(here).removeprefix("Organization/"))
        here = after.get((here,))
    assert len(chain) == len(stack.resources)
    assert chain in [
        block.text.split()
        for block in blocks("text")
        if name_of(block.page) == "docs/architecture.md"
    ]
