"""What has to hold before a deployment begins, looked at in AWS; one look a file.

A look is a module with `POSITION`, its place in the order, and `look(situation)`, which yields
lines; a new look is one new file. Where AWS does not answer, the line is not known, and no look
keeps another one from being taken.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import replace
from functools import cache
from importlib import import_module
from pkgutil import iter_modules
from types import ModuleType
from typing import cast

from ._line import Line, NotKnownError, Outcome
from ._situation import Situation

__all__ = ["Line", "NotKnownError", "Outcome", "Situation", "acknowledgeable", "preflight"]

Look = Callable[[Situation], Iterable[Line]]


@cache
def _looks() -> tuple[ModuleType, ...]:
    names = (module.name for module in iter_modules(__path__) if not module.name.startswith("_"))
    found = (import_module(f"{__name__}.{name}") for name in names)
    return tuple(sorted(found, key=lambda look: (look.POSITION, look.__name__)))


def acknowledgeable() -> tuple[str, ...]:
    """Return the looks for whose failures a reason may stand in."""
    return tuple(_name(look) for look in _looks() if getattr(look, "ACKNOWLEDGEABLE", False))


def preflight(situation: Situation, *, only: Collection[str] = ()) -> tuple[Line, ...]:
    """Look at everything that a deployment needs, and say of each what was found.

    Reads only. When the caller is the wrong one, nothing else is looked at: it would be said of
    another organization.

    Args:
        situation: what is declared, locked and live.
        only: names of looks; by default all of them are taken.

    Raises:
        botocore.exceptions.NoCredentialsError: nobody is signed in.
        OrgError: `ORG013` for a quota that is unknown.
    """
    lines: list[Line] = []
    for look in _looks():
        if only and _name(look) not in only:
            continue
        taken = [_acknowledged(line, look, situation) for line in _take(look, situation)]
        lines += taken
        if getattr(look, "DECISIVE", False) and any(line.failed for line in taken):
            break
    return tuple(lines)


def _take(look: ModuleType, situation: Situation) -> Iterator[Line]:
    name = _name(look)
    try:
        for line in cast("Look", look.look)(situation):
            yield replace(line, look=name)
    except NotKnownError as error:
        yield Line(look=name, outcome=Outcome.UNKNOWN, text=str(error), remedy=error.remedy)


def _acknowledged(line: Line, look: ModuleType, situation: Situation) -> Line:
    """Return a failed line as passed where somebody has given a reason for it."""
    reason = situation.acknowledged.get(line.look)
    allowed = getattr(look, "ACKNOWLEDGEABLE", False) and line.acknowledgeable
    if not (line.failed and allowed and reason):
        return line
    return replace(line, outcome=Outcome.PASSED, acknowledged=reason)


def _name(look: ModuleType) -> str:
    return look.__name__.rpartition(".")[2].replace("_", "-")
