"""Code in the documentation is right: whole examples run, fragments parse."""

from __future__ import annotations

import ast
import importlib.util
import json
import re
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest
from pages import ROOT, Block, blocks, name_of


@pytest.mark.parametrize("block", blocks("python"), ids=str)
def test_whole_examples_run(block: Block, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A block marked `python` begins with its imports and runs; so does every test in it."""
    assert block.text.startswith(("import ", "from ")), "mark fragments as py"
    file = tmp_path / "documented_example.py"
    file.write_text(block.text, "utf-8")
    spec = importlib.util.spec_from_file_location("documented_example", file)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setitem(sys.modules, module.__name__, module)
    spec.loader.exec_module(module)
    for name, value in list(vars(module).items()):
        if name.startswith("test_"):
            value()


def test_whole_examples_are_typed(tmp_path: Path) -> None:
    """`mypy --strict` finds nothing in any of them; with CDK's types where `make lint` has read them."""
    files = {}
    for block in blocks("python"):
        if name_of(block.page).startswith(("README.md", "docs/how-to/")):
            file = tmp_path / (re.sub(r"\W", "_", str(block)) + ".py")
            file.write_text(block.text, "utf-8")
            files[str(file)] = block
    assert files
    cache = ROOT / ".mypy_cache"
    arguments = ("--strict", "--cache-dir", str(cache))
    if not cache.is_dir():
        without_cdk = str(ROOT / "tests" / "mypy_without_cdk.ini")
        arguments = ("--config-file", without_cdk, "--cache-dir", str(tmp_path / "cache"))
    done = subprocess.run(
        [sys.executable, "-m", "mypy", "--no-error-summary", *arguments, *files],
        cwd=ROOT,
        check=False,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("block", blocks("py"), ids=str)
def test_fragments_parse(block: Block) -> None:
    """A block marked `py` is Python, taken out of its context."""
    ast.parse(textwrap.dedent(block.text))


@pytest.mark.parametrize("block", blocks("json"), ids=str)
def test_json_parses(block: Block) -> None:
    """A block marked `json` is JSON."""
    json.loads(block.text)
