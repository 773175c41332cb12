"""The names of `org_constructs.guardrails`: found by listing the folder, known to type checkers."""

from __future__ import annotations

import importlib.util
import shutil
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest

from org_constructs import guardrails

ROOT = Path(__file__).parents[2]
SCRIPT = ROOT / "scripts/generate_exports.py"
NAMES = [
    "DenyCloseAccount",
    "DenyLeaveOrganization",
    "DenyRootUser",
    "Guardrail",
    "ProtectCloudTrail",
    "RegionDeny",
]


@pytest.fixture
def generator() -> ModuleType:
    """Load the script as a module of its own."""
    spec = importlib.util.spec_from_file_location("generate_exports", SCRIPT)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_promised_names() -> None:
    """The names that other apps rely on are there."""
    assert set(NAMES) <= set(guardrails.__all__)


def test_names_agree() -> None:
    """What is written for type checkers is what the folder holds."""
    assert guardrails.__all__ == sorted(guardrails.__all__) == sorted(guardrails._modules())  # type: ignore[attr-defined]
    assert set(guardrails.__all__) <= set(dir(guardrails))
    for name in guardrails.__all__:
        assert getattr(guardrails, name).__name__ == name


def test_fails_for_a_misspelt_name() -> None:
    """A name that no module has is refused, with the one that was meant."""
    with pytest.raises(
        AttributeError, match="no attribute 'RegionDenny'; did you mean 'RegionDeny'"
    ):
        guardrails.RegionDenny  # type: ignore[attr-defined]  # noqa: B018
    with pytest.raises(ImportError):
        from org_constructs.guardrails import Zzz  # type: ignore[attr-defined]  # noqa: F401


def test_one_file_is_enough(tmp_path: Path, generator: ModuleType) -> None:
    """A new module is exported at run time at once, and for type checkers after `make generate`."""
    package = tmp_path / "rails"
    shutil.copytree(ROOT / "org_constructs/guardrails", package)
    new = "from dataclasses import dataclass\n\n@dataclass\nclass DenyAll:\n    x: int = 1\n"
    (package / "deny_all.py").write_text(new, "utf-8")
    command = [sys.executable, "-c", "from rails import DenyAll; print(DenyAll().x)"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=True)
    assert done.stdout == "1\n"
    source = (package / "__init__.py").read_text("utf-8")
    rendered = generator.render(source, generator.exports(package, ("_guardrail",)))
    assert "    from .deny_all import DenyAll\n" in rendered
    assert '    "DenyAll",\n' in rendered
    assert generator.render(rendered, generator.exports(package, ("_guardrail",))) == rendered


def test_fails_for_a_module_without_its_class(
    tmp_path: Path, generator: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A module whose class has another name would never be found, and is refused."""
    monkeypatch.setattr(generator, "ROOT", tmp_path)
    (tmp_path / "deny_all.py").write_text("class DenyEverything: ...\n", "utf-8")
    with pytest.raises(SystemExit, match=r"deny_all\.py has no class DenyAll"):
        generator.exports(tmp_path, ())


def test_exports_are_up_to_date() -> None:
    """`make generate` would change nothing."""
    command = [sys.executable, str(SCRIPT), "--check"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


def test_pure() -> None:
    """Guardrails, policies and model load neither CDK, nor jsii, nor the SDK."""
    code = (
        "import sys; from org_constructs.guardrails import RegionDeny; import org_constructs.policies;"
        "RegionDeny(allowed_regions=['eu-west-1']).statements();"
        "print([m for m in ('aws_cdk', 'constructs', 'jsii', 'boto3', 'botocore') if m in sys.modules])"
    )
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"


def test_type_checkers_know_the_names(tmp_path: Path) -> None:
    """Under `mypy --strict` names have their types, and misspelt names and arguments are errors."""
    # The pure rooms alone: mypy would otherwise read all of CDK, which takes a minute.
    for room in ("model", "policies", "guardrails"):
        shutil.copytree(ROOT / "org_constructs" / room, tmp_path / "org_constructs" / room)
    (tmp_path / "org_constructs/__init__.py").touch()
    (tmp_path / "app.py").write_text(
        "from org_constructs.guardrails import DenyLeaveOrganization, RegionDenny, RegionDeny\n"
        "reveal_type(RegionDeny(allowed_regions=['eu-west-1']).why)\n"
        "RegionDeny(allowed_region=['eu-west-1'])\n"
        "DenyLeaveOrganization(exempt_principals=['x'])\n",
        "utf-8",
    )
    command = [sys.executable, "-m", "mypy", "--strict", "--no-error-summary"]
    command += ["--follow-imports=silent", "--config-file=", "app.py"]
    done = subprocess.run(
        command,
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    lines = done.stdout.splitlines()
    assert 'Module "org_constructs.guardrails" has no attribute "RegionDenny"' in lines[0]
    assert 'Revealed type is "str"' in done.stdout
    assert 'Unexpected keyword argument "allowed_region"' in done.stdout
    assert not any("app.py:4" in line for line in lines)
