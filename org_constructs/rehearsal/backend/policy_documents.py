"""The grammar of policy documents, as far as AWS refuses to store what breaks it."""

from __future__ import annotations

import json
import re
from typing import Any

from .errors import ApiError

_LIKE_AND_EQUALS = ("Equals", "NotEquals", "Like", "NotLike")
_COMPARISONS = (
    *("Equals", "NotEquals", "LessThan", "LessThanEquals"),
    *("GreaterThan", "GreaterThanEquals"),
)
_VERSION = "2012-10-17"
_ELEMENTS = {
    "SERVICE_CONTROL_POLICY": {
        "Sid",
        "Effect",
        "Action",
        "NotAction",
        "Resource",
        "NotResource",
        "Condition",
    },
    "RESOURCE_CONTROL_POLICY": {
        "Sid",
        "Effect",
        "Principal",
        "Action",
        "Resource",
        "NotResource",
        "Condition",
    },
}
# Under which name the settings of a type stand (documentation: the page of its syntax).
_TOP = {
    "AISERVICES_OPT_OUT_POLICY": "services",
    "BACKUP_POLICY": "plans",
    "BEDROCK_POLICY": "bedrock",
    "CHATBOT_POLICY": "chatbot",
    "DECLARATIVE_POLICY_EC2": "ec2_attributes",
    "GUARDDUTY_POLICY": "guardduty",
    "INSPECTOR_POLICY": "inspector",
    "NETWORK_SECURITY_DIRECTOR_POLICY": "network_security_director",
    "S3_POLICY": "s3_attributes",
    "SECURITYHUB_POLICY": "securityhub",
    "TAG_POLICY": "tags",
    "UPGRADE_ROLLOUT_POLICY": "upgrade_rollout",
}
# The inheritance operators, and what restricts those of policies further down (documentation).
_VALUE_OPERATORS = ("@@assign", "@@append", "@@remove")
_ALLOWED_OPERATORS = "@@operators_allowed_for_child_policies"
# Since September 2025 wildcards may stand anywhere in the name of an action.
_ACTION = re.compile(r"\*|[a-z0-9-]+:[A-Za-z0-9*?]+")
_SID = re.compile(r"[A-Za-z0-9]*")
# Of a resource AWS checks the form of its name (documentation: elements of IAM policies).
_RESOURCE = re.compile(r"\*|arn:.+", re.DOTALL)
_OPERATORS = frozenset(
    {
        *(f"{kind}{name}" for kind in ("String", "Arn") for name in _LIKE_AND_EQUALS),
        *("StringEqualsIgnoreCase", "StringNotEqualsIgnoreCase"),
        *(f"{kind}{name}" for kind in ("Numeric", "Date") for name in _COMPARISONS),
        *("Bool", "BinaryEquals", "IpAddress", "NotIpAddress", "Null"),
    }
)


def check_document(policy_type: str, content: str) -> None:
    """Refuse a document that AWS does not accept for its type.

    Raises:
        ApiError: `MalformedPolicyDocumentException`.
    """
    try:
        document = json.loads(content)
    except ValueError:
        raise _malformed("it is not JSON") from None
    if not isinstance(document, dict):
        raise _malformed("it is not a JSON object")
    if policy_type in _ELEMENTS:
        _check_iam_document(policy_type, document)
    else:
        _check_inherited_document(policy_type, document)


def _check_inherited_document(policy_type: str, document: dict[str, Any]) -> None:
    """Check the frame and the operators; what the settings mean is the service's to judge."""
    top = _TOP.get(policy_type)
    unknown = {name for name in document if name != top and not name.startswith("@@")}
    if top is not None and unknown:
        raise _malformed(f"it has {min(unknown)}, and only {top} may stand at its top")
    _check_operators(document)


def _check_operators(value: object) -> None:
    if not isinstance(value, dict):
        return
    for name, part in value.items():
        if name in _VALUE_OPERATORS:
            # Appending and removing are for lists (documentation).
            if name != "@@assign" and not isinstance(part, list):
                raise _malformed(f"{name} has no list")
        elif name == _ALLOWED_OPERATORS:
            _check_allowed(part)
        elif name.startswith("@@"):
            raise _malformed(f"it has the unknown operator {name}")
        else:
            _check_operators(part)


def _check_allowed(value: object) -> None:
    known = ("@@all", "@@none", *_VALUE_OPERATORS)
    if not isinstance(value, list) or not value or not all(item in known for item in value):
        raise _malformed(f"{_ALLOWED_OPERATORS} is not a list of {', '.join(known)}")
    if "@@none" in value and len(value) > 1:
        # Together with others it would contradict them (inference).
        raise _malformed(f"@@none does not stand alone in {_ALLOWED_OPERATORS}")


def _check_iam_document(policy_type: str, document: dict[str, Any]) -> None:
    unknown = set(document) - {"Version", "Id", "Statement"}
    if unknown:
        raise _malformed(f"it has the unknown element {min(unknown)}")
    if document.get("Version") != _VERSION:
        raise _malformed(f"its Version is not {_VERSION}")
    statements = document.get("Statement")
    if isinstance(statements, dict):
        statements = [statements]
    if not isinstance(statements, list) or not statements:
        raise _malformed("it has no Statement")
    sids: set[str] = set()
    for number, statement in enumerate(statements, start=1):
        if not isinstance(statement, dict):
            raise _malformed(f"statement {number} is not an object")
        _check_statement(policy_type, number, statement)
        sid = statement.get("Sid")
        if sid and sid in sids:
            raise _malformed(f"the Sid {sid} is used twice")
        sids.add(sid or "")


def _check_statement(policy_type: str, number: int, statement: dict[str, Any]) -> None:
    unknown = set(statement) - _ELEMENTS[policy_type]
    if unknown:
        raise _malformed(f"statement {number} has {min(unknown)}, which this type does not support")
    sid = statement.get("Sid", "")
    if not isinstance(sid, str) or not _SID.fullmatch(sid):
        raise _malformed(f"the Sid of statement {number} is not alphanumeric")
    is_rcp = policy_type == "RESOURCE_CONTROL_POLICY"
    effects = ("Deny",) if is_rcp else ("Allow", "Deny")
    if statement.get("Effect") not in effects:
        raise _malformed(f"the Effect of statement {number} is not {' or '.join(effects)}")
    if is_rcp and statement.get("Principal") != "*":
        raise _malformed(f'the Principal of statement {number} is not "*"')
    _check_condition(number, statement.get("Condition", {}))
    _check_scope(number, statement, may_be_everything=not is_rcp)


def _check_scope(number: int, statement: dict[str, Any], *, may_be_everything: bool) -> None:
    """Check what a statement applies to: its actions and resources."""
    for either in (("Action", "NotAction"), ("Resource", "NotResource")):
        if sum(element in statement for element in either) != 1:
            raise _malformed(f"statement {number} needs one of {' and '.join(either)}")
    for element in ("Action", "NotAction"):
        for action in _strings(number, element, statement.get(element, [])):
            if not _ACTION.fullmatch(action) or (action == "*" and not may_be_everything):
                raise _malformed(f"statement {number} has the malformed action {action!r}")
    for element in ("Resource", "NotResource"):
        for resource in _strings(number, element, statement.get(element, [])):
            if not _RESOURCE.fullmatch(resource):
                raise _malformed(f"statement {number} has the malformed resource {resource!r}")


def _check_condition(number: int, condition: object) -> None:
    if not isinstance(condition, dict):
        raise _malformed(f"the Condition of statement {number} is not an object")
    for operator, keys in condition.items():
        name = operator.removeprefix("ForAllValues:").removeprefix("ForAnyValue:")
        if name.removesuffix("IfExists") not in _OPERATORS:
            raise _malformed(f"statement {number} has the unknown condition operator {operator}")
        if not isinstance(keys, dict):
            raise _malformed(f"{operator} of statement {number} is not an object")
        for key, value in keys.items():
            values = value if isinstance(value, list) else [value]
            if not values or not all(isinstance(item, str | bool | int | float) for item in values):
                raise _malformed(f"{operator} of statement {number} has no value for {key}")


def _strings(number: int, element: str, value: object) -> list[str]:
    values = [value] if isinstance(value, str) else value
    if not isinstance(values, list) or not all(isinstance(item, str) for item in values):
        raise _malformed(f"{element} of statement {number} is not a string or a list of strings")
    return values


def _malformed(detail: str) -> ApiError:
    return ApiError(
        "MalformedPolicyDocumentException",
        f"The provided policy document does not meet the requirements of the specified policy "
        f"type: {detail}.",
    )
