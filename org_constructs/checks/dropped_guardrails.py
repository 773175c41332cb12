"""A typed OU keeps the guardrails of its base class, unless that is meant.

Who overrides `default_guardrails()` and does not call `super()` takes away what the class is for.
"""

from __future__ import annotations

from collections.abc import Iterator

from ._check import CheckContext, Finding, Severity
from ._documents import listed

ACKNOWLEDGEABLE = ("ORG213",)


def check(context: CheckContext) -> Iterator[Finding]:
    """Find OUs whose class leaves out guardrails of its base class."""
    for path, dropped in sorted(context.dropped_guardrails.items()):
        unit = context.model.units_by_path.get(path)
        if unit is None:
            continue
        yield Finding(
            code="ORG213",
            severity=Severity.WARNING,
            message=f"OU '{path}': default_guardrails() of {dropped.unit} leaves out {listed(dropped.guardrails)} of "
            f"{dropped.base}",
            remedy="return (*super().default_guardrails(), …), or acknowledge ORG213",
            path=path,
            stack=unit.stack,
            logical_id=unit.logical_id,
        )
