"""What one look at AWS says."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Any

__all__ = ["Line", "NotKnownError", "Outcome", "failed", "passed", "unknown"]


class Outcome(StrEnum):
    """How it is: as it has to be, not so, or not to be told."""

    PASSED = "passed"
    FAILED = "failed"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One line of a preflight.

    Attributes:
        look: the look that found it, such as `control-tower`.
        outcome: passed, failed, or not known.
        text: what was found.
        remedy: what to do; empty when there is nothing to do.
        acknowledged: the reason for which a failure is let pass, None for any other line.
        acknowledgeable: whether a reason may stand in for the remedy, where its look allows any.
    """

    look: str = ""
    outcome: Outcome
    text: str
    remedy: str = ""
    acknowledged: str | None = None
    acknowledgeable: bool = True

    @property
    def failed(self) -> bool:
        """Whether it stops the deployment."""
        return self.outcome is Outcome.FAILED

    def to_json(self) -> dict[str, Any]:
        """Return it as plain data."""
        found: dict[str, Any] = {
            "look": self.look,
            "outcome": self.outcome.value,
            "text": self.text,
            "remedy": self.remedy,
        }
        return found if self.acknowledged is None else {**found, "acknowledged": self.acknowledged}


class NotKnownError(Exception):
    """AWS does not answer what is asked; the text names the action."""

    def __init__(self, text: str, remedy: str) -> None:
        super().__init__(text)
        self.remedy = remedy


def passed(text: str) -> Line:
    """Return a line of what is as it has to be."""
    return Line(outcome=Outcome.PASSED, text=text)


def failed(text: str, remedy: str, *, acknowledgeable: bool = True) -> Line:
    """Return a line of what stops the deployment."""
    return Line(outcome=Outcome.FAILED, text=text, remedy=remedy, acknowledgeable=acknowledgeable)


def unknown(text: str, remedy: str) -> Line:
    """Return a line of what cannot be told."""
    return Line(outcome=Outcome.UNKNOWN, text=text, remedy=remedy)
