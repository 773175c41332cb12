"""What the intrinsic functions of templates refer to, as far as an organization needs it."""

from __future__ import annotations

import json
import re
from collections import deque
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from .assembly import Assembly, StackTemplate

_SUB_WHOLE = re.compile(r"\$\{([A-Za-z0-9]+)(?:\.([A-Za-z0-9.]+))?\}")
_SUB_ANY = re.compile(r"\$\{([A-Za-z0-9]+)(?:\.[A-Za-z0-9.]+)?\}")


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
    if function == "Fn::Join" and isinstance(argument, list) and len(argument[1]) == 1:
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


def needed_logical_ids(resource: Mapping[str, Any], known: Mapping[str, Any]) -> set[str]:
    """Return the logical ids that a resource waits for: DependsOn, Ref, GetAtt and Sub."""
    depends = resource.get("DependsOn", [])
    found = {depends} if isinstance(depends, str) else set(depends)
    for function, argument in _intrinsics(resource.get("Properties", {})):
        if function == "Ref" and isinstance(argument, str):
            found.add(argument)
        elif function == "Fn::GetAtt":
            found.add(argument.split(".", 1)[0] if isinstance(argument, str) else argument[0])
        elif function == "Fn::Sub":
            text = argument if isinstance(argument, str) else argument[0]
            found.update(match[1] for match in _SUB_ANY.finditer(text))
    return {logical_id for logical_id in found if logical_id in known}


def _intrinsics(value: Any) -> Iterator[tuple[str, Any]]:
    if isinstance(value, Mapping):
        for key, item in value.items():
            if key == "Ref" or key.startswith("Fn::"):
                yield key, item
            yield from _intrinsics(item)
    elif isinstance(value, list):
        for item in value:
            yield from _intrinsics(item)


def deployment_order(stack: StackTemplate) -> list[str]:
    """Return a stack's logical ids after what they wait for, otherwise as in the template."""
    done: dict[str, None] = {}
    needs = {
        key: needed_logical_ids(value, stack.resources) for key, value in stack.resources.items()
    }
    remaining = {key: set(value) - {key} for key, value in needs.items()}
    followers: dict[str, list[str]] = {key: [] for key in needs}
    for key, others in remaining.items():
        for other in others:
            followers[other].append(key)
    ready = deque(key for key in stack.resources if not remaining[key])
    while ready:
        key = ready.popleft()
        done[key] = None
        for follower in followers[key]:
            remaining[follower].discard(key)
            if not remaining[follower]:
                ready.append(follower)
    return list(done)


def find_cycle(stack: StackTemplate) -> list[str]:
    """Return logical ids that wait for each other, each for the next; empty when there are none."""
    ordered = set(deployment_order(stack))
    stuck = [key for key in stack.resources if key not in ordered]
    if not stuck:
        return []
    needs = {
        key: [
            n
            for n in sorted(needed_logical_ids(stack.resources[key], stack.resources))
            if n in stuck
        ]
        for key in stuck
    }
    key = stuck[0]
    walk: list[str] = []
    while key not in walk:
        walk.append(key)
        key = needs[key][0]
    return walk[walk.index(key) :]
