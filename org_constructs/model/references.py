"""What values of templates refer to beyond their own stack, and what they cannot say."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from .assembly import Assembly, StackTemplate

_ACCOUNT_OF_ROLE = re.compile(r":([0-9]{12}):role/")


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


def stack_outputs(
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
        (other, output.get("Value"))
        for other in assembly.named.get(str(argument.get("StackName")), ())
        if _is_at(other, *place)
        and isinstance(
            output := other.section("Outputs").get(str(argument.get("OutputName"))), Mapping
        )
    ]
    return _nearest(found, stack)


def exports(name: str, stack: StackTemplate, assembly: Assembly) -> list[tuple[StackTemplate, Any]]:
    """Return the exports that may be meant: a name is unique in one account and Region."""
    found = [
        (other, value)
        for other, value in assembly.exports.get(name, ())
        if _is_at(other, stack.account, stack.region)
    ]
    return _nearest(found, stack)


def stored_parameters(
    name: str, stack: StackTemplate, assembly: Assembly
) -> list[tuple[StackTemplate, Any]]:
    """Return the SSM parameters that may be meant: a name is unique in one account and Region."""
    found = [
        (other, value)
        for other, region, value in assembly.stored_parameters.get(name, ())
        if _is_at(other, stack.account, None)
        and (region is None or stack.region in (None, region))
        and (region is not None or _is_at(other, None, stack.region))
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
