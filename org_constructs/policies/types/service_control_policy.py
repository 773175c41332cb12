"""Service control policies: the most that principals of member accounts may do.

Source: https://docs.aws.amazon.com/organizations/latest/userguide/orgs_manage_policies_scps_syntax.html
"""

from __future__ import annotations

import difflib
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

from org_constructs.policies.document import VERSION
from org_constructs.policies.policy_type import PolicyType, PolicyTypeSpec
from org_constructs.policies.statement import CONDITION_OPERATORS

_TOP_LEVEL = ("Version", "Id", "Statement")
_ELEMENTS = (
    "Sid",
    "Effect",
    "Action",
    "NotAction",
    "Resource",
    "NotResource",
    "Condition",
)
# AWS's own samples differ in case, so case is no error.
_OPERATOR = re.compile(
    rf"(?:(?:ForAllValues|ForAnyValue):)?(?:{'|'.join(sorted(CONDITION_OPERATORS))})(?:IfExists)?",
    re.IGNORECASE,
)
_TOKEN = re.compile(r"[$#]\{Token\[")
_SID = re.compile(r"[A-Za-z0-9]*")


def _findings(content: Mapping[str, Any]) -> Iterator[str]:
    if not isinstance(content, Mapping):
        yield f"the document is {content!r}; give a JSON object with Version and Statement"
        return
    if _is_deferred(content):
        return
    for key in content:
        if key not in _TOP_LEVEL:
            yield f"element '{key}' is unknown{_hint(key, _TOP_LEVEL)}"
    version = content.get("Version")
    if version != VERSION and not _is_deferred(version):
        yield (
            f"Version is {version!r}; write '{VERSION}'"
            if "Version" in content
            else f"Version is missing; write 'Version': '{VERSION}'"
        )
    yield from _statements(content.get("Statement"))


def _statements(raw: object) -> Iterator[str]:
    if _is_deferred(raw):
        return
    statements = [raw] if isinstance(raw, Mapping) else raw
    if not isinstance(statements, list | tuple) or not statements:
        yield f"Statement is {raw!r}; give at least one statement"
        return
    for number, statement in enumerate(statements, start=1):
        yield from _statement(statement, number)
    sids = Counter(
        statement["Sid"]
        for statement in statements
        if isinstance(statement, Mapping) and isinstance(statement.get("Sid"), str)
    )
    for sid, count in sids.items():
        if sid and count > 1:
            yield f"{count} statements have the Sid '{sid}'; give each its own"


def _statement(statement: object, number: int) -> Iterator[str]:
    if _is_deferred(statement):
        return
    if not isinstance(statement, Mapping):
        yield f"statement {number} is {statement!r}; give a JSON object"
        return
    sid = statement.get("Sid", "")
    where = f"statement {number} '{sid}'" if isinstance(sid, str) and sid else f"statement {number}"
    for key in statement:
        if key in ("Principal", "NotPrincipal"):
            yield (
                f"{where}: {key} is not part of a service control policy, which is about the "
                "principals of the account it reaches; compare aws:PrincipalArn in Condition"
            )
        elif key not in _ELEMENTS:
            yield f"{where}: element '{key}' is unknown{_hint(key, _ELEMENTS)}"
    if not _is_deferred(sid) and not (isinstance(sid, str) and _SID.fullmatch(sid)):
        yield f"{where}: Sid {sid!r} has other signs than letters and digits"
    effect = statement.get("Effect")
    if effect not in ("Allow", "Deny") and not _is_deferred(effect):
        yield f"{where}: Effect is {effect!r}; write 'Allow' or 'Deny'"
    yield from _either(statement, where, "Action")
    yield from _either(statement, where, "Resource")
    yield from _condition(statement, where)


def _either(statement: Mapping[str, Any], where: str, element: str) -> Iterator[str]:
    given = [key for key in (element, f"Not{element}") if key in statement]
    if len(given) > 1:
        yield f"{where}: {element} and Not{element} are both given; keep one of them"
    if not given:
        yield f"{where}: neither {element} nor Not{element} is given; give one of them"
    for key in given:
        yield from _names(statement[key], f"{where}: {key}", is_action=element == "Action")


def _names(value: object, where: str, *, is_action: bool) -> Iterator[str]:
    if _is_deferred(value):
        return
    names = [value] if isinstance(value, str) else value
    if not isinstance(names, list | tuple) or not names:
        yield f"{where} is {value!r}; give a string or a list of at least one"
        return
    for name in names:
        if _is_deferred(name):
            continue
        if not isinstance(name, str) or not name:
            yield f"{where} has the item {name!r}; give a string"
        elif is_action and name != "*" and ":" not in name:
            yield f"{where} '{name}' names no service; write one such as 'ec2:{name}'"
        elif not is_action and name != "*" and not name.startswith("arn:"):
            yield f"{where} '{name}' is not an ARN; write '*' or one such as 'arn:*:s3:::logs/*'"


def _condition(statement: Mapping[str, Any], where: str) -> Iterator[str]:
    condition = statement.get("Condition", {})
    if _is_deferred(condition):
        return
    if not isinstance(condition, Mapping):
        yield f"{where}: Condition is {condition!r}; give operators with keys and values"
        return
    for operator, keys in condition.items():
        if not _is_deferred(operator) and not _OPERATOR.fullmatch(str(operator)):
            near = difflib.get_close_matches(
                str(operator).rpartition(":")[2], sorted(CONDITION_OPERATORS), n=1
            )
            hint = f"; did you mean '{near[0]}'" if near else ""
            yield f"{where}: Condition operator '{operator}' is unknown{hint}"
        if not isinstance(keys, Mapping) and not _is_deferred(keys):
            yield f"{where}: Condition {operator} is {keys!r}; give keys and values"


def _is_deferred(value: object) -> bool:
    """Tell whether a value is only known at deployment: a CDK token or a function of a template."""
    if isinstance(value, str):
        return bool(_TOKEN.search(value))
    if isinstance(value, list | tuple):
        return len(value) == 1 and isinstance(value[0], str) and value[0].startswith("#{Token[")
    if isinstance(value, Mapping):
        name = next(iter(value), "")
        return len(value) == 1 and (name == "Ref" or name.startswith("Fn::"))
    return hasattr(value, "__jsii_type__")


def _hint(key: str, known: tuple[str, ...]) -> str:
    close = difflib.get_close_matches(key.capitalize(), known, n=1)
    return f"; did you mean '{close[0]}'" if close else f"; known are {', '.join(known)}"


POLICY_TYPE = PolicyTypeSpec(
    policy_type=PolicyType.SERVICE_CONTROL_POLICY,
    title="service control policy",
    characters="scp_characters",
    per_target="scps_per_target",
    per_target_minimum="scps_per_target_minimum",
    per_organization="scps",
    aws_managed="FullAWSAccess",
    grammar=_findings,
    documented_at="https://docs.aws.amazon.com/organizations/latest/userguide/orgs_manage_policies_scps_syntax.html",
)
