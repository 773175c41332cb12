"""The registered schemas of the resource types: what CloudFormation refuses before a handler runs.

The texts are those of CloudFormation's JSON schema checker as users report them (inference).
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from functools import cache
from importlib import resources
from typing import Any

Schema = Mapping[str, Any]

_NAMES = {"string": "String", "array": "JSONArray", "object": "JSONObject", "boolean": "Boolean"}


class PropertyError(ValueError):
    """The properties of a resource do not have the form that its type's schema states."""


def attributes(type_name: str) -> frozenset[str]:
    """Return what Fn::GetAtt may ask of a type: its read-only properties (schema)."""
    return frozenset(_types()[type_name]["attributes"])


def is_known(type_name: str) -> bool:
    """Tell whether a type is one of the five."""
    return type_name in _types()


def checked(type_name: str, logical_id: str, properties: Mapping[str, Any]) -> dict[str, Any]:
    """Return the properties of a resource as its handler gets them.

    Documentation: where the schema has a string, a number or a boolean becomes one.

    Raises:
        PropertyError: a property is unknown, missing, set by AWS only, or not of its form.
    """
    schema = {"type": "object", **_types()[type_name]}
    converted: dict[str, Any] = _converted(properties, schema)
    problems = [*_problems("#", converted, schema), *_reserved_tags(converted)]
    if problems:
        raise PropertyError(
            f"Properties validation failed for resource {logical_id} with message:\n"
            + "\n".join(problems)
        )
    return converted


def _converted(value: Any, schema: Schema) -> Any:
    if isinstance(value, Mapping) and "properties" in schema:
        known = schema["properties"]
        return {
            key: _converted(item, known[key]) if key in known else item
            for key, item in value.items()
        }
    if isinstance(value, list) and "items" in schema:
        return [_converted(item, schema["items"]) for item in value]
    if schema.get("type") == "string" and isinstance(value, bool | int | float):
        return json.dumps(value) if isinstance(value, bool) else str(value)
    return value


def _problems(where: str, value: Any, schema: Schema) -> Iterator[str]:
    allowed = schema["type"] if isinstance(schema["type"], list) else [schema["type"]]
    kind = _kind(value)
    if kind not in allowed:
        expected = " or ".join(_NAMES[name] for name in allowed)
        yield f"{where}: expected type: {expected}, found: {_NAMES.get(kind, kind)}"
    elif kind == "object":
        yield from _problems_of_object(where, value, schema)
    elif kind == "array":
        # Tags are left out: those of the stack come to them, and then AWS looks at the keys.
        texts = [item for item in value if isinstance(item, str)]
        if schema.get("uniqueItems") and len(set(texts)) < len(texts):
            yield f"{where}: array items are not unique"
        for number, item in enumerate(value):
            yield from _problems(f"{where}/{number}", item, schema["items"])
    elif kind == "string":
        yield from _problems_of_string(where, value, schema)


def _problems_of_object(where: str, value: Mapping[str, Any], schema: Schema) -> Iterator[str]:
    known = schema.get("properties")
    if known is None:
        return
    for key in schema["required"]:
        if key not in value:
            yield f"{where}: required key [{key}] not found"
    for key, item in value.items():
        if key in known:
            yield from _problems(f"{where}/{key}", item, known[key])
        else:
            yield f"{where}: extraneous key [{key}] is not permitted"


def _problems_of_string(where: str, value: str, schema: Schema) -> Iterator[str]:
    if "enum" in schema and value not in schema["enum"]:
        yield f"{where}: {value} is not a valid enum value"
    if len(value) < schema.get("minLength", 0):
        yield f"{where}: expected minLength: {schema['minLength']}, actual: {len(value)}"
    if len(value) > schema.get("maxLength", len(value)):
        yield f"{where}: expected maxLength: {schema['maxLength']}, actual: {len(value)}"
    # A pattern is looked for in the value: where it is anchored, it says so (JSON schema).
    if "pattern" in schema and not _pattern(schema["pattern"]).search(value):
        yield f"{where}: string [{value}] does not match pattern {schema['pattern']}"


def _reserved_tags(properties: Mapping[str, Any]) -> Iterator[str]:
    """Find tags of AWS, which AWS refuses of everybody else (model)."""
    tags = properties.get("Tags")
    for tag in tags if isinstance(tags, list) else ():
        key = tag.get("Key") if isinstance(tag, Mapping) else None
        if isinstance(key, str) and key.lower().startswith("aws:"):
            yield f"#/Tags: {key} begins with aws:, which is reserved"


def _kind(value: Any) -> str:
    if isinstance(value, str):
        return "string"
    if isinstance(value, bool):
        return "boolean"
    if isinstance(value, Mapping):
        return "object"
    if isinstance(value, list):
        return "array"
    return "Null" if value is None else "Number"


@cache
def _pattern(pattern: str) -> re.Pattern[str]:
    # Python's expressions have no classes of Unicode categories (inference: a few numerals and
    # separators differ).
    if r"\p{" in pattern:
        return re.compile(pattern.replace(r"\p{L}\p{Z}\p{N}", r"\w\s"))
    return re.compile(pattern, re.ASCII)


def _types() -> dict[str, dict[str, Any]]:
    types: dict[str, dict[str, Any]] = _document()["types"]
    return types


@cache
def _document() -> dict[str, Any]:
    path = resources.files(__package__).joinpath("data/resource_schemas.json")
    document: dict[str, Any] = json.loads(path.read_text("utf-8"))
    return document
