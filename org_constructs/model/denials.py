"""What a policy denies, an action at a time, and which denials a moment lacks."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, Generic, Protocol, TypeVar

K = TypeVar("K")

# Denials by what tells them apart, each as the JSON of one Deny statement; None where only its
# hash is known.
Denials = Mapping[K, str | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Lost(Generic[K]):
    """What is not denied at a moment, though it is before and after.

    Attributes:
        denials: of what is denied before, what is concerned, each with a request that passes at
            this moment, empty where none is known.
        undecided: why documents were compared instead of decisions; empty when they were not.
    """

    denials: Mapping[K, str] = field(default_factory=dict)
    undecided: str = ""

    @property
    def example(self) -> str:
        """A request that passes at this moment; empty where none is known."""
        return next(filter(None, self.denials.values()), "")


class Judge(Protocol):
    """Tells what a moment lacks of what is denied both before and after."""

    def __call__(self, before: Denials[K], after: Denials[K], now: Denials[K]) -> Lost[K]:
        """Judge a moment by what is denied before, afterwards and now."""


def as_documents(before: Denials[K], after: Denials[K], now: Denials[K]) -> Lost[K]:
    """Compare denials as documents: one that is there before and after has to be there now.

    Order of values and lists of one make no difference.
    """
    afterwards, there = _documents(after), _documents(now)
    lacking = (key for key, text in before.items() if _document(key, text) in afterwards - there)
    return Lost(denials=dict.fromkeys(lacking, ""))


def denials_of(content: Any) -> Iterator[str]:
    """Yield what a policy's content denies, as the JSON of statements of one action; no Sids."""
    for bare in deny_statements(content):
        actions = bare.get("Action")
        for action in actions if isinstance(actions, list) else [actions]:
            # An action may pass from one statement to another without ceasing to be denied.
            single = bare if action is None else {**bare, "Action": action}
            yield json.dumps(single, sort_keys=True, separators=(",", ":"))


def statements_by_hash(content: Any) -> dict[str, str]:
    """Return what a policy's content denies, one action a statement, by hash."""
    return {hashlib.sha256(text.encode()).hexdigest()[:16]: text for text in denials_of(content)}


def in_short(denial: str) -> str:
    """Return what a denial, as the JSON of its statement, is about."""
    statement = json.loads(denial)
    what = next(
        (f"{key} {_short(statement[key])}" for key in ("Action", "NotAction") if key in statement),
        denial,
    )
    return f"{what} under a condition" if statement.get("Condition") else what


def _short(value: Any) -> str:
    if not isinstance(value, list):
        return str(value)
    return str(value[0]) if len(value) == 1 else f"{value[0]} and {len(value) - 1} more"


def allowance_of(content: Any) -> str:
    """Return a hash of what a policy's content allows; empty where it allows nothing.

    Equal hashes mean the same: order, Sids and lists of one make no difference.
    """
    allowed = sorted({_plain(json.dumps(bare)) for bare in _statements(content, "Allow")})
    return hashlib.sha256("".join(allowed).encode()).hexdigest()[:16] if allowed else ""


def deny_statements(content: Any) -> Iterator[dict[str, Any]]:
    """Yield the Deny statements of a policy's content, Sids left out."""
    yield from _statements(content, "Deny")


def _statements(content: Any, effect: str) -> Iterator[dict[str, Any]]:
    if isinstance(content, str):
        try:
            content = json.loads(content)
        except ValueError:
            return
    if not isinstance(content, Mapping):
        return
    statements = content.get("Statement", [])
    for statement in statements if isinstance(statements, list | tuple) else [statements]:
        if isinstance(statement, Mapping) and statement.get("Effect") == effect:
            yield {key: value for key, value in statement.items() if key != "Sid"}


def _documents(denials: Denials[K]) -> set[K | str]:
    return {_document(key, text) for key, text in denials.items()}


def _document(key: K, text: str | None) -> K | str:
    return key if text is None else _plain(text)


@lru_cache(maxsize=4096)
def _plain(text: str) -> str:
    """Return a statement's JSON without what makes no difference: order, lists of one."""
    return json.dumps(_sorted(json.loads(text)), separators=(",", ":"))


def _sorted(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _sorted(value[key]) for key in sorted(value)}
    if isinstance(value, list):
        parts = sorted({json.dumps(_sorted(item), sort_keys=True) for item in value})
        items = [json.loads(part) for part in parts]
        return items[0] if len(items) == 1 else items
    return value
