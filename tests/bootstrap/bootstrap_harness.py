"""Reads the template as CloudFormation would, and judges its policies as IAM would."""

from __future__ import annotations

import fnmatch
from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any

import yaml

from org_constructs.handlers import function_actions
from org_constructs.operations.bootstrap import execution_policy_template

ACCOUNT = "111122223333"
REGION = "us-east-1"


class _Loader(yaml.SafeLoader):
    pass


_Loader.add_multi_constructor(
    "!", lambda loader, tag, node: {f"!{tag}": loader.construct_scalar(node)}
)


@cache
def template() -> dict[str, Any]:
    """Return the template, with `!Sub x` as `{"!Sub": "x"}`."""
    loaded: dict[str, Any] = yaml.load(execution_policy_template(), Loader=_Loader)  # noqa: S506
    return loaded


def _resolve(value: Any, parameters: Mapping[str, Any]) -> Any:
    if isinstance(value, list):
        return [_resolve(item, parameters) for item in value]
    if not isinstance(value, dict):
        return value
    if set(value) == {"!Ref"}:
        return parameters[value["!Ref"]]
    if set(value) == {"!Sub"}:
        text = value["!Sub"]
        for name, replacement in parameters.items():
            text = text.replace(f"${{{name}}}", str(replacement))
        assert "${" not in text
        return text
    return {key: _resolve(item, parameters) for key, item in value.items()}


def statements(logical_id: str, *, partition: str = "aws") -> list[dict[str, Any]]:
    """Return a policy's statements as they are in an account."""
    parameters = {
        "AWS::Partition": partition,
        "AWS::AccountId": ACCOUNT,
        "AWS::Region": REGION,
        "Qualifier": template()["Parameters"]["Qualifier"]["Default"],
        "SettingActions": list(function_actions()),
    }
    document = template()["Resources"][logical_id]["Properties"]["PolicyDocument"]
    resolved: list[dict[str, Any]] = _resolve(document["Statement"], parameters)
    return resolved


def listed(value: str | list[str]) -> list[str]:
    """Return one or many as many."""
    return [value] if isinstance(value, str) else value


def matching(
    logical_id: str, action: str, resource: str = "*", context: Mapping[str, str] | None = None
) -> Iterator[str]:
    """Yield the effects of the statements that apply to a request."""
    for statement in statements(logical_id):
        if not any(
            fnmatch.fnmatchcase(action.lower(), pattern.lower())
            for pattern in listed(statement["Action"])
        ):
            continue
        if not any(fnmatch.fnmatchcase(resource, item) for item in listed(statement["Resource"])):
            continue
        condition = statement.get("Condition", {})
        assert set(condition) <= {"StringEquals"}
        if all((context or {}).get(k) == v for k, v in condition.get("StringEquals", {}).items()):
            yield statement["Effect"]


def decision(
    logical_id: str, action: str, resource: str = "*", context: Mapping[str, str] | None = None
) -> str:
    """Return `Deny`, `Allow` or `None`, as IAM evaluates one policy."""
    effects = set(matching(logical_id, action, resource, context))
    return "Deny" if "Deny" in effects else "Allow" if effects else "None"
