"""What exists as one JSON document, and back: the same document gives the same AWS.

The document has `format`, `time` (of the clock), `ids` (where the sequence of identifiers is) and
`world` (organizations, accounts outside, handshakes), each in the fields of `state`. The call log,
faults and settings are no part of it.
"""

from __future__ import annotations

import dataclasses
import types
from collections.abc import Mapping
from functools import cache
from typing import Any, Union, get_args, get_origin, get_type_hints

from .state import Json, World

FORMAT = 1


def save(world: World, ids: list[Any], now: float) -> Json:
    """Return everything that exists as plain data."""
    return {"format": FORMAT, "time": now, "ids": ids, "world": dataclasses.asdict(world)}


def load(document: Mapping[str, Any]) -> tuple[World, list[Any], float]:
    """Return the world, the place in the sequence of ids and the time of a document.

    Raises:
        ValueError: the document is none that `save` made.
    """
    if document.get("format") != FORMAT:
        raise ValueError(
            f"the state has format {document.get('format')!r}, {FORMAT} is known; save it anew"
        )
    try:
        return _value(World, document["world"]), list(document["ids"]), float(document["time"])
    except (KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"the state is incomplete: {error}; save it anew") from error


def _value(kind: Any, data: Any) -> Any:
    """Return plain data as a value of a type of `state`."""
    if dataclasses.is_dataclass(kind) and isinstance(kind, type):
        hints = _fields(kind)
        return kind(**{key: _value(hints[key], item) for key, item in data.items() if key in hints})
    origin = get_origin(kind)
    if origin in (Union, types.UnionType):
        inner = next(option for option in get_args(kind) if option is not type(None))
        return None if data is None else _value(inner, data)
    if origin is dict:
        inner = get_args(kind)[1]
        return {key: _value(inner, item) for key, item in data.items()}
    if origin is list:
        inner = get_args(kind)[0]
        return [_value(inner, item) for item in data]
    return data


@cache
def _fields(kind: type) -> dict[str, Any]:
    hints = get_type_hints(kind)
    return {entry.name: hints[entry.name] for entry in dataclasses.fields(kind)}
