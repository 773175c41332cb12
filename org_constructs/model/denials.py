"""What a policy denies, an action at a time, and which denials a moment lacks."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Generic, Protocol, TypeVar

K = TypeVar("K")

# Denials by what tells them apart, each as the JSON of one Deny statement; None where only its
# hash is known.
Denials = Mapping[K, str | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Lost(Generic[K]):
    """What is not denied at a moment, though it is before and after.

    Attributes:
        denials: of what is denied before, what is concerned.
        example: a request that passes at this moment, where one is known.
        undecided: why documents were compared instead of decisions; empty when they were not.
    """

    denials: frozenset[K] = field(default_factory=frozenset)
    example: str = ""
    undecided: str = ""


class Judge(Protocol):
    """Tells what a moment lacks of what is denied both before and after."""

    def __call__(self, before: Denials[K], after: Denials[K], now: Denials[K]) -> Lost[K]:
        """Judge a moment by what is denied before, afterwards and now."""


def as_documents(before: Denials[K], after: Denials[K], now: Denials[K]) -> Lost[K]:
    """Compare denials as documents: one that is there before and after has to be there now."""
    return Lost(denials=frozenset((before.keys() & after.keys()) - now.keys()))


def deny_statements(content: Any) -> Iterator[dict[str, Any]]:
    """Return the Deny statements of a policy's content, Sids left out."""
    if isinstance(content, str):
        try:
            content = json.loads(content)
        except ValueError:
            return
    if not isinstance(content, Mapping):
        return
    statements = content.get("Statement", [])
    for statement in [statements] if isinstance(statements, Mapping) else statements:
        if isinstance(statement, Mapping) and statement.get("Effect") == "Deny":
            yield {key: value for key, value in statement.items() if key != "Sid"}


def statements_by_hash(content: Any) -> dict[str, str]:
    """Return what a policy's content denies, one action a statement, by hash; Sids left out."""
    found = {}
    for bare in deny_statements(content):
        actions = bare.get("Action")
        for action in actions if isinstance(actions, list) else [actions]:
            # An action may pass from one statement to another without ceasing to be denied.
            single = bare if action is None else {**bare, "Action": action}
            text = json.dumps(single, sort_keys=True, separators=(",", ":"))
            found[hashlib.sha256(text.encode()).hexdigest()[:16]] = text
    return found
