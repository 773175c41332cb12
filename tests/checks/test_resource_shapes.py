"""The forms of resources are those of the installed reference data."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from org_constructs.checks.mismatched_resources import _shapes
from org_constructs.evaluation.catalogue import catalogue

ROOT = Path(__file__).parents[2]


def test_the_data_is_what_the_script_writes() -> None:
    """Nobody edits the file by hand."""
    script = ROOT / "scripts" / "generate_resource_shapes.py"
    done = subprocess.run(
        [sys.executable, str(script), "--check"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout


def test_the_data_has_the_services_of_the_catalogue() -> None:
    """Both are made from one source."""
    assert set(_shapes()["services"]) <= set(catalogue().services)
    assert {f"{name}".partition(":")[0] for name in _shapes()["s3_object_actions"]} == {"s3"}
    assert all(catalogue().mask(name) for name in _shapes()["s3_bucket_actions"])
