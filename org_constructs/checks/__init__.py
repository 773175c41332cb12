"""What is wrong or risky in an organization, one rule a file; found by listing this folder.

A rule is a module with `check(context)`, which yields findings, and with `ACKNOWLEDGEABLE`, the
codes for which a reason may stand in for the remedy, if there are any. A new rule is one new file.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from functools import cache
from importlib import import_module
from pkgutil import get_data, iter_modules
from types import ModuleType
from typing import cast

from org_constructs.model.alignment import align

from ._check import CheckContext, DroppedGuardrails, Finding, Severity

__all__ = [
    "CheckContext",
    "DroppedGuardrails",
    "Finding",
    "Severity",
    "acknowledgeable_codes",
    "is_acknowledgeable",
    "judge_policies",
    "rules",
    "run_checks",
]

Check = Callable[[CheckContext], Iterable[Finding]]

# Grammar, size, Regions of another partition, services that no resource control policy reaches.
_ABOUT_DOCUMENTS = frozenset({"ORG104", "ORG119", "ORG133", "ORG142"})
_FIRST_JUDGEMENT = "ORG200"


@cache
def _names() -> tuple[str, ...]:
    return tuple(sorted(m.name for m in iter_modules(__path__) if not m.name.startswith("_")))


@cache
def rules() -> tuple[ModuleType, ...]:
    """Return all rules; the first call loads them."""
    return tuple(import_module(f"{__name__}.{name}") for name in _names())


@cache
def acknowledgeable_codes() -> frozenset[str]:
    """Return the codes of the refusals that a user may acknowledge with a reason."""
    return frozenset(code for rule in rules() for code in getattr(rule, "ACKNOWLEDGEABLE", ()))


def is_acknowledgeable(code: str) -> bool:
    """Tell whether a user may acknowledge a refusal; only rules that name it are loaded."""
    return any(
        code in getattr(import_module(f"{__name__}.{name}"), "ACKNOWLEDGEABLE", ())
        for name in _names()
        if _names_code(name, code)
    )


def _names_code(name: str, code: str) -> bool:
    try:
        return code.encode() in (get_data(__name__, f"{name}.py") or b"")
    except OSError:
        # Installed without sources.
        return True


def run_checks(context: CheckContext) -> list[Finding]:
    """Run every rule over an organization and return what they find, by code and path."""
    if context.lock is not None:
        context = replace(context, lock=align(context.lock, context.model))
    found = [finding for rule in rules() for finding in cast("Check", rule.check)(context)]
    return sorted(found, key=lambda f: (f.code, f.path, f.message))


def judge_policies(context: CheckContext) -> list[Finding]:
    """Return what is to be said of the policies, which needs neither the app nor the lock."""
    return [
        finding
        for finding in run_checks(context)
        if finding.code in _ABOUT_DOCUMENTS or finding.code >= _FIRST_JUDGEMENT
    ]
