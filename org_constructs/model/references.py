"""What the intrinsic functions of templates refer to, as far as an organization needs it."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from .assembly import Assembly, StackTemplate

_SUB_WHOLE = re.compile(r"\$\{([A-Za-z0-9]+)(?:\.([A-Za-z0-9.]+))?\}")


@dataclass(frozen=True, slots=True)
class Reference:
    """An attribute of a resource of some stack; `Ref` is the empty attribute."""

    stack: str
    logical_id: str
    attribute: str = ""


@dataclass(frozen=True, slots=True)
class Unknown:
    """A value that only AWS knows; `text` names the expression."""

    text: str


def resolve(
    value: Any, stack: StackTemplate, assembly: Assembly, depth: int = 0
) -> str | Reference | Unknown:
    """Return the literal or the resource behind a value of a template, never a guess."""
    if isinstance(value, str):
        return value
    unknown = Unknown(json.dumps(value, sort_keys=True, default=str))
    if not isinstance(value, Mapping) or len(value) != 1 or depth > 10:  # noqa: PLR2004 - a loop of outputs
        return unknown
    ((function, argument),) = value.items()
    if function == "Ref" and argument in stack.resources:
        return Reference(stack.name, argument)
    if function == "Fn::GetAtt":
        parts = argument.split(".", 1) if isinstance(argument, str) else argument
        if len(parts) == 2 and parts[0] in stack.resources and isinstance(parts[1], str):  # noqa: PLR2004
            return Reference(stack.name, parts[0], parts[1])
    if function == "Fn::Sub" and isinstance(argument, str):
        match = _SUB_WHOLE.fullmatch(argument)
        if match and match[1] in stack.resources:
            return Reference(stack.name, match[1], match[2] or "")
        if "${" not in argument:
            return argument
    if function == "Fn::Join" and _joins_one(argument):
        return resolve(argument[1][0], stack, assembly, depth + 1)
    if function == "Fn::GetStackOutput" and isinstance(argument, Mapping):
        other = assembly.by_name.get(str(argument.get("StackName")))
        output = (other.template.get("Outputs", {}) if other else {}).get(
            argument.get("OutputName")
        )
        if other and output:
            return resolve(output["Value"], other, assembly, depth + 1)
    if function == "Fn::ImportValue" and isinstance(argument, str):
        for other in assembly.stacks:
            for output in other.template.get("Outputs", {}).values():
                if output.get("Export", {}).get("Name") == argument:
                    return resolve(output["Value"], other, assembly, depth + 1)
    return unknown


def _joins_one(argument: Any) -> bool:
    return (
        isinstance(argument, list)
        and len(argument) == 2  # noqa: PLR2004 - separator and values
        and isinstance(argument[1], list)
        and len(argument[1]) == 1
    )


def find_cycle(stack: StackTemplate) -> list[str]:
    """Return logical ids that wait for each other, each for the next; empty when there are none."""
    ordered = set(stack.deployment_order)
    stuck = [key for key in stack.resources if key not in ordered]
    if not stuck:
        return []
    needs = {key: [need for need in sorted(stack.needs_of[key]) if need in stuck] for key in stuck}
    key = stuck[0]
    walk: list[str] = []
    while key not in walk:
        walk.append(key)
        key = needs[key][0]
    return walk[walk.index(key) :]
