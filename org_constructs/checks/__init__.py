"""What is wrong or risky in an organization, one rule a file; found by listing this folder.

A rule is a module with `check(context)`, which yields findings. A new rule is one new file.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import cache
from importlib import import_module
from pkgutil import iter_modules
from typing import cast

from ._check import CheckContext, Finding, Severity

__all__ = ["CheckContext", "Finding", "Severity", "run_checks"]

Check = Callable[[CheckContext], Iterable[Finding]]


@cache
def _checks() -> tuple[Check, ...]:
    names = sorted(m.name for m in iter_modules(__path__) if not m.name.startswith("_"))
    return tuple(cast("Check", import_module(f"{__name__}.{name}").check) for name in names)


def run_checks(context: CheckContext) -> list[Finding]:
    """Run every rule over an organization and return what they find, by code and path."""
    found = [finding for check in _checks() for finding in check(context)]
    return sorted(found, key=lambda f: (f.code, f.path, f.message))
