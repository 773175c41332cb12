"""The phases of an operation on a stack: which resources CloudFormation works on at the same time.

The emulator works on one resource after the other. Here it is found out which writes to the
organization would have met at AWS; what then happens to them is said in `cloudformation.side_by_side`.
After a failure nothing more is begun, while AWS lets finish what it has begun beside it.
"""

# The emulator has no public way in; the names taken stand in `emulator.TAKEN_NAMES`.
# ruff: noqa: SLF001

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any

from org_constructs.model.assembly import StackTemplate

from .cloudformation import Waves, Writer, reverse
from .emulator import CLOUDFORMATION, module

Needs = Mapping[str, frozenset[str]]


@dataclass(frozen=True, slots=True)
class _Phases:
    """First resources are created and changed, then others are deleted."""

    making: Waves
    removing: Waves


# Operations run in copies of the request's context, and handlers in copies of the operation's.
_current: ContextVar[_Phases | None] = ContextVar("phases", default=None)


@contextmanager
def deployment(
    template: Mapping[str, Any],
    parameters: Mapping[str, Any],
    previous: Mapping[str, Any] | None,
) -> Iterator[None]:
    """Say that a stack is created or updated; what an update removes goes in a second phase."""
    removed = _needs((previous or {}).get("_template") or {}, parameters)
    with _phases(_needs(template, parameters), removed):
        yield


@contextmanager
def deletion(stack: Mapping[str, Any]) -> Iterator[None]:
    """Say that a stack is deleted."""
    removed = _needs(stack.get("_template") or {}, stack.get("_resolved_params") or {})
    with _phases({}, removed):
        yield


@contextmanager
def rollback() -> Iterator[None]:
    """Say that an operation is rolled back.

    What AWS does at the same time then is not documented, so nothing meets (guess).
    """
    token = _current.set(None)
    try:
        yield
    finally:
        _current.reset(token)


def writers_before(logical_id: str, *, removing: bool) -> Callable[[str], Sequence[Writer]]:
    """Return what tells, at a resource's first write, which others are written before it."""
    phases = _current.get()
    if phases is None:
        return lambda _operation: ()
    waves = phases.removing if removing else phases.making
    return lambda operation: waves.join(Writer(logical_id, operation))


@contextmanager
def _phases(made: Needs, removed: Needs) -> Iterator[None]:
    token = _current.set(_Phases(making=Waves(made), removing=Waves(reverse(removed))))
    try:
        yield
    finally:
        _current.reset(token)


def _needs(template: Mapping[str, Any], parameters: Mapping[str, Any]) -> Needs:
    """Return per resource that exists under the template's conditions those that it waits for."""
    engine = module(f"{CLOUDFORMATION}.engine")
    definitions = template.get("Resources", {})
    conditions = engine._evaluate_conditions(template, parameters) if definitions else {}
    active = {
        logical_id: definition
        for logical_id, definition in definitions.items()
        if conditions.get(definition.get("Condition"), True)
    }
    return StackTemplate(id="", name="", template={"Resources": active}).needs_of
