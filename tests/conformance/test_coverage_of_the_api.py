"""Every operation and every error that it declares is covered, or omitted for a reason."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def test_every_pair_is_accounted_for() -> None:
    """Nothing is forgotten, and nothing is excused that is covered."""
    run = subprocess.run(
        [sys.executable, "scripts/conformance_coverage.py", "--check"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert run.returncode == 0, run.stderr
