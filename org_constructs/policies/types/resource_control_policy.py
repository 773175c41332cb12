"""Resource control policies: the most that anyone may do with resources of member accounts.

Source: https://docs.aws.amazon.com/organizations/latest/userguide/orgs_manage_policies_rcps_syntax.html
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from fnmatch import filter as filter_names
from functools import cache
from typing import Any

from org_constructs.policies._iam_grammar import (
    condition_findings,
    document_findings,
    either_findings,
    hint,
    is_deferred,
    names_findings,
    sid_findings,
)
from org_constructs.policies.policy_type import PolicyType, PolicyTypeSpec

_ELEMENTS = ("Sid", "Effect", "Principal", "Action", "Resource", "NotResource", "Condition")
_SERVICES = "data/resource_control_policy_services.json"
# What AWS documents as not supported (documentation), and what to write in its place.
_UNSUPPORTED = {
    "NotPrincipal": "write 'Principal': '*' and compare aws:PrincipalArn in Condition",
    "NotAction": "name the actions that are denied, such as 's3:*'",
}


@cache
def supported_services() -> frozenset[str]:
    """Return the prefixes of the services whose resources AWS documents as covered, by date."""
    # Late, because it imports half of the standard library.
    from importlib import resources

    file = resources.files("org_constructs.policies").joinpath(_SERVICES)
    return frozenset(json.loads(file.read_text("utf-8"))["services"])


def uncovered_services(content: Any) -> list[str]:
    """Return the services that a document names and whose resources it does not reach.

    A prefix with a wildcard is looked up as a pattern. What deployment fills in is left out.
    """
    found: set[str] = set()
    for statement in _listed(content.get("Statement") if isinstance(content, Mapping) else None):
        for action in _listed(statement.get("Action") if isinstance(statement, Mapping) else None):
            if isinstance(action, str) and not is_deferred(action) and ":" in action:
                found.add(action.partition(":")[0].lower())
    return sorted(name for name in found if not filter_names(supported_services(), name))


def _listed(value: Any) -> list[Any] | tuple[Any, ...]:
    """Return several as they are and one in a list, as the language of policies has it."""
    return value if isinstance(value, list | tuple) else [value]


def _findings(content: Mapping[str, Any]) -> Iterator[str]:
    yield from document_findings(content, _statement)


def _statement(statement: Mapping[str, Any], where: str) -> Iterator[str]:
    for key in statement:
        if key in _UNSUPPORTED:
            yield f"{where}: {key} is not part of a resource control policy; {_UNSUPPORTED[key]}"
        elif key not in _ELEMENTS:
            yield f"{where}: element '{key}' is unknown{hint(key, _ELEMENTS)}"
    yield from sid_findings(statement, where)
    effect = statement.get("Effect")
    if effect != "Deny" and not is_deferred(effect):
        yield f"{where}: Effect is {effect!r}; write 'Deny', a resource control policy only denies"
    yield from _principal(statement, where)
    yield from _actions(statement, where)
    yield from either_findings(statement, where, "Resource")
    yield from condition_findings(statement, where)


def _principal(statement: Mapping[str, Any], where: str) -> Iterator[str]:
    principal = statement.get("Principal")
    # Only the string is documented; {"AWS": "*"} is not (documentation).
    if principal != "*" and not is_deferred(principal):
        shown = "missing" if "Principal" not in statement else repr(principal)
        yield (
            f"{where}: Principal is {shown}; write 'Principal': '*', and compare "
            "aws:PrincipalArn or aws:PrincipalOrgID in Condition"
        )


def _actions(statement: Mapping[str, Any], where: str) -> Iterator[str]:
    if "Action" not in statement:
        if "NotAction" not in statement:
            yield f"{where}: Action is missing; name the actions that are denied, such as 's3:*'"
        return
    value = statement["Action"]
    yield from names_findings(value, f"{where}: Action", is_action=True)
    for action in value if isinstance(value, list | tuple) else [value]:
        if isinstance(action, str) and action.partition(":")[0] in ("*", "**"):
            yield (
                f"{where}: Action '{action}' names no service; a resource control policy needs "
                "one, such as 's3:*'"
            )


POLICY_TYPE = PolicyTypeSpec(
    policy_type=PolicyType.RESOURCE_CONTROL_POLICY,
    title="resource control policy",
    characters="rcp_characters",
    per_target="rcps_per_target",
    per_organization="rcps",
    aws_managed="RCPFullAWSAccess",
    grammar=_findings,
    documented_at="https://docs.aws.amazon.com/organizations/latest/userguide/orgs_manage_policies_rcps_syntax.html",
)
