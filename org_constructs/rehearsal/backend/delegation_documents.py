"""The grammar of the resource-based delegation policy, as far as AWS refuses what breaks it."""

from __future__ import annotations

import json
import re
from fnmatch import fnmatchcase
from typing import Any

from .api_model import Caller, operations
from .errors import ApiError, invalid_input

_PREFIX = "organizations:"
_ELEMENTS = frozenset(
    {
        *("Sid", "Effect", "Principal", "NotPrincipal", "Action", "NotAction"),
        *("Resource", "NotResource", "Condition"),
    }
)
_PRINCIPAL = re.compile(r"\*|\d{12}|arn:[a-z0-9-]+:(iam|sts)::\d{12}:.+", re.ASCII)
_RESOURCE = re.compile(r"\*|arn:[a-z0-9-]+:organizations::.+", re.ASCII)


def check_delegation(content: str) -> None:
    """Refuse a document that AWS does not take as its delegation policy.

    Raises:
        ApiError: `InvalidInputException`.
    """
    try:
        document = json.loads(content)
    except ValueError:
        raise _malformed("it is not JSON") from None
    if not isinstance(document, dict):
        raise _malformed("it is not a JSON object")
    statements = _listed(document.get("Statement"))
    if not statements:
        raise _malformed("it has no Statement")
    for number, statement in enumerate(statements, start=1):
        if not isinstance(statement, dict):
            raise _malformed(f"statement {number} is not an object")
        _check_statement(number, statement)


def _check_statement(number: int, statement: dict[str, Any]) -> None:
    """Check one statement by the grammar of IAM's policies (documentation)."""
    unknown = set(statement) - _ELEMENTS
    if unknown:
        raise _malformed(f"statement {number} has the unknown element {min(unknown)}")
    if statement.get("Effect") not in ("Allow", "Deny"):
        raise _malformed(f"the Effect of statement {number} is not Allow or Deny")
    for either in (("Action", "NotAction"), ("Resource", "NotResource")):
        if sum(element in statement for element in either) != 1:
            raise _malformed(f"statement {number} needs one of {' and '.join(either)}")
    _check_principal(number, statement)
    condition = statement.get("Condition", {})
    if not isinstance(condition, dict) or not all(map(_is_about_keys, condition.values())):
        raise _malformed(f"the Condition of statement {number} is not keys by operator")
    for action in _listed(statement.get("Action")):
        if not isinstance(action, str) or not _is_delegable(action):
            raise invalid_input(
                f"Statement {number} has the action {action!r}, which cannot be delegated.",
                "UNSUPPORTED_ACTION_IN_RESOURCE_POLICY",
            )
    for resource in (*_listed(statement.get("Resource")), *_listed(statement.get("NotResource"))):
        # Something else of AWS is not what this policy is about (inference).
        if not isinstance(resource, str) or not _RESOURCE.fullmatch(resource):
            raise invalid_input(
                f"Statement {number} has the resource {resource!r}, which is none of Organizations.",
                "UNSUPPORTED_RESOURCE_IN_RESOURCE_POLICY",
            )


def _check_principal(number: int, statement: dict[str, Any]) -> None:
    # A policy of a resource says who (documentation); who exists is not looked at.
    given = [statement[name] for name in ("Principal", "NotPrincipal") if name in statement]
    principal = given[0] if len(given) == 1 else None
    if isinstance(principal, dict):
        principal = principal.get("AWS")
    names = _listed(principal)
    if not names or not all(isinstance(name, str) and _PRINCIPAL.fullmatch(name) for name in names):
        raise invalid_input(
            f"Statement {number} has no valid Principal; give account ids or ARNs under AWS.",
            "INVALID_PRINCIPAL",
        )


def _is_about_keys(keys: object) -> bool:
    return isinstance(keys, dict) and all(
        isinstance(value, str | bool | int | float)
        for values in keys.values()
        for value in (_listed(values) or [None])
    )


def _is_delegable(action: str) -> bool:
    """Tell whether an action covers an operation that others than the management account may call.

    Documentation: orgs-policy-delegate lists these operations; a pattern that covers others as well
    is taken (guess).
    """
    if action == "*":
        return True
    if not action.lower().startswith(_PREFIX):
        return False
    pattern = action[len(_PREFIX) :].lower()
    return any(
        model.caller is not Caller.MANAGEMENT and fnmatchcase(name.lower(), pattern)
        for name, model in operations().items()
    )


def _listed(value: object) -> list[object]:
    if value is None:
        return []
    return value if isinstance(value, list) else [value]


def _malformed(detail: str) -> ApiError:
    return invalid_input(
        f"The resource policy is malformed: {detail}.", "INVALID_RESOURCE_POLICY_JSON"
    )
