"""What is wrong or risky in an organization, one rule a file; found by listing this folder.

A rule is a module with `check(context)`, which yields findings, and with `ACKNOWLEDGEABLE`, the
codes for which a reason may stand in for the remedy, if there are any: a literal tuple, which is
read without loading the rule. A new rule is one new file.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import replace
from functools import cache
from importlib import import_module
from pkgutil import get_data, iter_modules
from types import ModuleType
from typing import TYPE_CHECKING, cast

if TYPE_CHECKING:
    from ._check import CheckContext, DroppedGuardrails, Finding, Severity

__all__ = [
    "CheckContext",
    "DroppedGuardrails",
    "Finding",
    "Severity",
    "acknowledgeable_codes",
    "judge_policies",
    "rules",
    "run_checks",
]

# With the model that they read, they are loaded while Node writes the templates.
_FROM_CHECK = ("CheckContext", "DroppedGuardrails", "Finding", "Severity")
_ACKNOWLEDGEABLE = re.compile(rb"^ACKNOWLEDGEABLE = (\([^)]*\))", re.MULTILINE)

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
    return frozenset(code for name in _names() for code in _acknowledgeable(name))


def _acknowledgeable(name: str) -> tuple[str, ...]:
    """Return the codes of a rule for which a reason may stand; it is not loaded."""
    try:
        source = get_data(__name__, f"{name}.py") or b""
    except OSError:
        # Installed without sources.
        return getattr(import_module(f"{__name__}.{name}"), "ACKNOWLEDGEABLE", ())
    found = _ACKNOWLEDGEABLE.search(source)
    return tuple(found[1].decode().split('"')[1::2]) if found else ()


def run_checks(context: CheckContext) -> list[Finding]:
    """Run every rule over an organization and return what they find, by code and path."""
    from org_constructs.model.alignment import align

    if context.lock is not None:
        context = replace(context, lock=align(context.lock, context.model))
    found = [
        finding
        for rule in rules()
        for finding in cast("Callable[[CheckContext], Iterable[Finding]]", rule.check)(context)
    ]
    return sorted(found, key=lambda f: (f.code, f.path, f.message))


def judge_policies(context: CheckContext) -> list[Finding]:
    """Return what is to be said of the policies, which needs neither the app nor the lock."""
    return [
        finding
        for finding in run_checks(context)
        if finding.code in _ABOUT_DOCUMENTS or finding.code >= _FIRST_JUDGEMENT
    ]


# Hidden from type checkers, which would accept any misspelt name otherwise.
if not TYPE_CHECKING:

    def __getattr__(name: str) -> object:
        """Import what rules read and return when it is first used."""
        if name not in _FROM_CHECK:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        value = getattr(import_module(f"{__name__}._check"), name)
        globals()[name] = value
        return value
