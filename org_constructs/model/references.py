"""What the intrinsic functions of templates refer to, as far as an organization needs it."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from .assembly import Assembly, StackTemplate

_ACCOUNT_OF_ROLE = re.compile(r":([0-9]{12}):role/")
_SUB_WHOLE = re.compile(r"\$\{([A-Za-z0-9]+)(?:\.([A-Za-z0-9.]+))?\}")


@dataclass(frozen=True, slots=True)
class Reference:
    """An attribute of a resource of the stack with some id; `Ref` is the empty attribute."""

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
        return Reference(stack.id, argument)
    if function == "Fn::GetAtt":
        parts = argument.split(".", 1) if isinstance(argument, str) else argument
        if len(parts) == 2 and parts[0] in stack.resources and isinstance(parts[1], str):  # noqa: PLR2004
            return Reference(stack.id, parts[0], parts[1])
    if function == "Fn::Sub" and isinstance(argument, str):
        match = _SUB_WHOLE.fullmatch(argument)
        if match and match[1] in stack.resources:
            return Reference(stack.id, match[1], match[2] or "")
        if "${" not in argument:
            return argument
    if function == "Fn::Join" and _joins_one(argument):
        return resolve(argument[1][0], stack, assembly, depth + 1)
    found: list[tuple[StackTemplate, Any]] = []
    if function == "Fn::GetStackOutput" and isinstance(argument, Mapping):
        found = _stack_outputs(argument, stack, assembly)
    if function == "Fn::ImportValue" and isinstance(argument, str):
        found = _exports(argument, stack, assembly)
    # Two that could be meant are as good as none.
    if len(found) == 1:
        other, output = found[0]
        return resolve(output, other, assembly, depth + 1)
    return unknown


def _stack_outputs(
    argument: Mapping[str, Any], stack: StackTemplate, assembly: Assembly
) -> list[tuple[StackTemplate, Any]]:
    """Return the outputs that may be meant: a name of a stack is unique in one account and Region."""
    region = argument.get("Region")
    # To read a stack of another account CloudFormation takes a role there.
    role = _ACCOUNT_OF_ROLE.search(json.dumps(argument.get("RoleArn"), default=str))
    place = (
        role[1] if role else stack.account,
        region if isinstance(region, str) else stack.region,
    )
    found = [
        (other, other.template.get("Outputs", {})[argument.get("OutputName")].get("Value"))
        for other in assembly.named.get(str(argument.get("StackName")), ())
        if _is_at(other, *place) and argument.get("OutputName") in other.template.get("Outputs", {})
    ]
    return _nearest(found, stack)


def _exports(
    name: str, stack: StackTemplate, assembly: Assembly
) -> list[tuple[StackTemplate, Any]]:
    """Return the exports that may be meant: a name is unique in one account and Region."""
    found = [
        (other, output.get("Value"))
        for other in assembly.stacks
        if _is_at(other, stack.account, stack.region)
        for output in other.template.get("Outputs", {}).values()
        if output.get("Export", {}).get("Name") == name
    ]
    return _nearest(found, stack)


def _is_at(stack: StackTemplate, account: str | None, region: str | None) -> bool:
    """Tell whether a stack may be in an account and Region, of which None may be any."""
    return (account is None or stack.account in (None, account)) and (
        region is None or stack.region in (None, region)
    )


def _nearest(
    found: list[tuple[StackTemplate, Any]], stack: StackTemplate
) -> list[tuple[StackTemplate, Any]]:
    """Return those of the stack's own Stage if there are any: CDK refers to no other."""
    return [entry for entry in found if entry[0].folder == stack.folder] or found


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
