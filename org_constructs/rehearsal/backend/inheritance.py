"""How policies with inheritance operators come to one effective policy.

Documentation: orgs_manage_policies_inheritance and its pages of operators and examples. Nodes are
walked from the root to the account, the policies of one node in the order of their attachment.
Where the documentation is silent, the code says so.
"""

from __future__ import annotations

import copy
import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

_ASSIGN, _APPEND, _REMOVE = "@@assign", "@@append", "@@remove"
_ALLOWED = "@@operators_allowed_for_child_policies"
_VALUES = frozenset({_ASSIGN, _APPEND, _REMOVE})


@dataclass(slots=True)
class _Setting:
    """One place of the effective policy: a value, or settings below it."""

    value: Any = None
    # What policies further down may do here.
    allowed: frozenset[str] = _VALUES
    children: dict[str, _Setting] = field(default_factory=dict)


def merge(nodes: Sequence[Sequence[str]]) -> dict[str, Any]:
    """Return the effective policy of an account.

    Args:
        nodes: the documents attached to the root, to each OU and to the account, in that order.
    """
    top = _Setting()
    for documents in nodes:
        parsed = [_parsed(document) for document in documents]
        if parsed:
            _apply(top, parsed)
    rendered = _render(top)
    return rendered if isinstance(rendered, dict) else {}


@lru_cache(maxsize=4096)
def _parsed(document: str) -> dict[str, Any]:
    content: dict[str, Any] = json.loads(document)
    return content


def _apply(setting: _Setting, documents: Sequence[dict[str, Any]]) -> None:
    """Apply what the policies of one node say about one place."""
    _apply_values(setting, documents)
    # A container that allows nothing takes no new settings; those in it are open or closed by
    # themselves (documentation: the examples of AI opt-out and backup policies).
    is_open = bool(setting.allowed & {_ASSIGN, _APPEND})
    for name, parts in _children(documents).items():
        # Names differ in case only by mistake: the effective policy has one (inference).
        known = next((key for key in setting.children if key.lower() == name.lower()), None)
        if known is None:
            if not is_open:
                continue
            setting.children[name] = _Setting()
            known = name
        _apply(setting.children[known], parts)
    for document in documents:
        if _ALLOWED in document:
            # Restrictions of peers meet, and nothing further down relaxes them (documentation).
            setting.allowed &= _operators(document[_ALLOWED])


def _apply_values(setting: _Setting, documents: Sequence[dict[str, Any]]) -> None:
    assigned = [document[_ASSIGN] for document in documents if _ASSIGN in document]
    if assigned and _ASSIGN in setting.allowed:
        # Of peers that assign, the one attached first wins (documentation).
        setting.value = copy.deepcopy(assigned[0])
    # Within a node appending comes before removing (guess).
    if _APPEND in setting.allowed:
        for document in documents:
            if _APPEND in document:
                current = setting.value if isinstance(setting.value, list) else []
                new = [item for item in _list(document[_APPEND]) if item not in current]
                setting.value = [*current, *new]
    if _REMOVE in setting.allowed and isinstance(setting.value, list):
        for document in documents:
            gone = _list(document.get(_REMOVE, []))
            setting.value = [item for item in setting.value if item not in gone]


def _children(documents: Sequence[dict[str, Any]]) -> dict[str, list[dict[str, Any]]]:
    found: dict[str, list[dict[str, Any]]] = {}
    for document in documents:
        for name, part in document.items():
            if name not in _VALUES and name != _ALLOWED:
                # A value without an operator is no form that AWS documents; it counts as assigned.
                found.setdefault(name, []).append(
                    part if isinstance(part, dict) else {_ASSIGN: part}
                )
    return found


def _operators(value: object) -> frozenset[str]:
    names = _list(value)
    if "@@all" in names:
        return _VALUES
    return _VALUES & frozenset(name for name in names if isinstance(name, str))


def _list(value: object) -> list[Any]:
    return value if isinstance(value, list) else [value]


def _render(setting: _Setting) -> Any:
    if not setting.children:
        return setting.value
    rendered = {name: _render(child) for name, child in setting.children.items()}
    return {name: value for name, value in rendered.items() if value not in (None, {})}
