"""The public names: sorted, complete, loaded when used, and pure where they promise to be."""

from __future__ import annotations

import ast
import subprocess
import sys
from importlib import import_module
from pathlib import Path

import pytest

import org_constructs

ROOT = Path(__file__).parents[1]
PACKAGES = ["checks", "evaluation", "guardrails", "model", "policies"]
FOREIGN = ("aws_cdk", "constructs", "jsii", "boto3", "botocore")


def test_names_are_sorted_and_exist() -> None:
    """Every public name can be imported, has a docstring, and stands in order."""
    assert org_constructs.__all__ == sorted(org_constructs.__all__)
    for name in org_constructs.__all__:
        value = getattr(org_constructs, name)
        assert value.__name__ == name
        assert value.__doc__


def test_names_agree() -> None:
    """What type checkers see, what is loaded, and `__all__` are the same names."""
    tree = ast.parse(Path(org_constructs.__file__).read_text("utf-8"))
    branch = next(node for node in tree.body if isinstance(node, ast.If))
    seen = {
        alias.name: node.module
        for node in branch.body
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    }
    loaded = {name: module for module, names in org_constructs._HOMES.items() for name in names}
    assert seen == loaded
    assert sorted(seen) == org_constructs.__all__
    assert set(org_constructs.__all__) <= set(dir(org_constructs))


def test_promised_names() -> None:
    """The names that other apps rely on are there."""
    assert set(org_constructs.__all__) >= {
        "Account",
        "Organization",
        "OrganizationalUnit",
        "Policy",
        "PolicyType",
        "ProductionOu",
        "SandboxOu",
        "SecurityOu",
        "ServiceControlPolicy",
        "StagingOu",
        "WorkloadsOu",
    }


@pytest.mark.parametrize("package", PACKAGES)
def test_packages_name_what_they_have(package: str) -> None:
    """Each pure room lists its public names in order, and has them."""
    module = import_module(f"org_constructs.{package}")
    assert module.__all__ == sorted(module.__all__)
    for name in module.__all__:
        assert getattr(module, name) is not None


def test_star_import() -> None:
    """`from org_constructs import *` brings the public names."""
    names: dict[str, object] = {}
    exec("from org_constructs import *", names)  # noqa: S102 - the statement itself is tested
    assert set(org_constructs.__all__) <= names.keys()


def test_fails_for_a_misspelt_name() -> None:
    """A name that does not exist is an AttributeError, as in any module."""
    with pytest.raises(AttributeError, match="has no attribute 'Accounts'"):
        org_constructs.Accounts  # type: ignore[attr-defined]  # noqa: B018
    with pytest.raises(ImportError):
        from org_constructs import Accounts  # type: ignore[attr-defined]  # noqa: F401
    assert not hasattr(org_constructs, "__path_of_nothing__")


def _loaded(code: str) -> list[str]:
    """Run Python and return which foreign modules it has loaded, and its child processes."""
    probe = (
        f"{code}\nimport os, sys\n"
        f"print(*[m for m in {FOREIGN!r} if m in sys.modules])\n"
        "children = f'/proc/self/task/{os.getpid()}/children'\n"
        "print(open(children).read() if os.path.exists(children) else '')\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", probe], cwd=ROOT, capture_output=True, text=True, check=True
    )
    return done.stdout.split()


@pytest.mark.parametrize("package", ["", *PACKAGES])
def test_pure(package: str) -> None:
    """The library itself and its pure rooms load neither CDK, jsii, nor the SDK, and start no Node."""
    name = f"org_constructs.{package}".rstrip(".")
    names = "" if not package else f"\nfrom {name} import *"
    assert _loaded(f"import {name}{names}") == []


def test_imports_cost_next_to_nothing() -> None:
    """The pure rooms are imported in 50 ms of a processor, however busy the machine is."""
    rooms = ", ".join(f"org_constructs.{name}" for name in PACKAGES if name != "checks")
    code = f"import time; t = time.process_time(); import {rooms}; print(time.process_time() - t)"
    seconds = min(
        float(
            subprocess.run(
                [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
            ).stdout
        )
        for _ in range(5)
    )
    assert seconds < 0.05


def test_pure_names() -> None:
    """The error and the policy types are usable without CDK too."""
    assert _loaded("from org_constructs import OrgError, PolicyType") == []


def test_constructs_load_cdk() -> None:
    """The probe of these tests sees CDK when a construct is loaded."""
    assert "aws_cdk" in _loaded("from org_constructs import Account")
