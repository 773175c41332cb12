"""What AWS's model says about each operation, as data (see `scripts/generate_organizations_api.py`)."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from functools import cache
from importlib import resources
from typing import Any


class Caller(Enum):
    """Who may call an operation."""

    ANYONE = "anyone"
    MEMBER = "member"
    DELEGATED_ADMINISTRATOR = "delegated administrator"
    MANAGEMENT = "management"


@dataclass(frozen=True, slots=True, kw_only=True)
class Shape:
    """The form of a parameter.

    Attributes:
        name: its name in the model, which several parameters share.
        type: `string`, `integer`, `list`, `structure` or `timestamp`.
        shortest: the least length or value.
        longest: the greatest length or value.
        pattern: what a string matches as a whole.
        choices: the values of an enumeration.
        member: the form of the elements of a list.
        members: the forms of the members of a structure.
        required: the members without which a structure is refused.
    """

    name: str
    type: str
    shortest: int | None = None
    longest: int | None = None
    pattern: re.Pattern[str] | None = None
    choices: tuple[str, ...] = ()
    member: Shape | None = None
    members: Mapping[str, Shape]
    required: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class OperationModel:
    """One operation as AWS's model states it.

    Attributes:
        caller: who may call it.
        paginated: whether the SDK has a paginator for it.
        members: the forms of its parameters.
        required: the parameters without which it is refused.
        errors: the codes that it declares.
    """

    caller: Caller
    paginated: bool
    members: Mapping[str, Shape]
    required: tuple[str, ...]
    errors: frozenset[str]


@cache
def operations() -> Mapping[str, OperationModel]:
    """Return every operation of the API by name."""
    return {
        name: OperationModel(
            caller=Caller(entry["caller"]),
            paginated=entry["paginated"],
            members={key: _shape(shape) for key, shape in entry["members"].items()},
            required=tuple(entry["required"]),
            errors=frozenset(entry["errors"]),
        )
        for name, entry in _data()["operations"].items()
    }


@cache
def reasons(code: str) -> tuple[str, ...]:
    """Return the reasons that an error may carry; an error without reasons has none."""
    return tuple(_data()["reasons"].get(code, ()))


@cache
def creation_failures() -> tuple[str, ...]:
    """Return the reasons for which the creation of an account fails."""
    return tuple(_data()["creation_failures"])


@cache
def botocore_version() -> str:
    """Return the version of botocore whose model this is."""
    return str(_data()["botocore"])


@cache
def _shape(name: str) -> Shape:
    note = _data()["shapes"][name]
    return Shape(
        name=name,
        type=note["type"],
        shortest=note.get("min"),
        longest=note.get("max"),
        pattern=_compiled(note["pattern"]) if "pattern" in note else None,
        choices=tuple(note.get("enum", ())),
        member=_shape(note["member"]) if "member" in note else None,
        members={key: _shape(shape) for key, shape in note.get("members", {}).items()},
        required=tuple(note.get("required", ())),
    )


def _compiled(pattern: str) -> re.Pattern[str]:
    # Python's expressions have no classes of Unicode categories: `\w` and `\s` are letters, digits
    # and separators (inference: a few numerals and separators differ).
    if r"\p{" in pattern:
        return re.compile(pattern.replace(r"\p{L}\p{Z}\p{N}", r"\w\s"))
    # In AWS's patterns `\d` and `\w` are ASCII.
    return re.compile(pattern, re.ASCII)


@cache
def _data() -> dict[str, Any]:
    path = resources.files(__package__).joinpath("data/organizations_api.json")
    data: dict[str, Any] = json.loads(path.read_text("utf-8"))
    return data
