"""One statement of a policy, as a value."""

from __future__ import annotations

import difflib
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Literal, get_args

from org_constructs.model.errors import OrgError

from ._names import TOKEN, as_json, sorted_names

Effect = Literal["Allow", "Deny"]

_SID = re.compile(r"[A-Za-z0-9]*")
_ACTION = re.compile(r"\*|[a-z0-9-]+:[A-Za-z0-9*?]+")
_FIELDS = {
    "Sid": "sid",
    "Effect": "effect",
    "Action": "actions",
    "NotAction": "not_actions",
    "Resource": "resources",
    "NotResource": "not_resources",
    "Condition": "conditions",
}
# https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_condition_operators.html
CONDITION_OPERATORS = frozenset(
    {
        "ArnEquals",
        "ArnLike",
        "ArnNotEquals",
        "ArnNotLike",
        "BinaryEquals",
        "Bool",
        "DateEquals",
        "DateGreaterThan",
        "DateGreaterThanEquals",
        "DateLessThan",
        "DateLessThanEquals",
        "DateNotEquals",
        "IpAddress",
        "NotIpAddress",
        "Null",
        "NumericEquals",
        "NumericGreaterThan",
        "NumericGreaterThanEquals",
        "NumericLessThan",
        "NumericLessThanEquals",
        "NumericNotEquals",
        "StringEquals",
        "StringEqualsIgnoreCase",
        "StringLike",
        "StringNotEquals",
        "StringNotEqualsIgnoreCase",
        "StringNotLike",
    }
)
_OPERATOR = re.compile(r"(?:ForAnyValue:|ForAllValues:)?([A-Za-z]+?)(?:IfExists)?")


@dataclass(frozen=True, slots=True, kw_only=True)
class Statement:
    """A statement of a policy without `Principal`: what an SCP consists of.

    Lists are kept sorted and without duplicates, so the order in which they are written changes
    neither equality nor output.

    Source: https://docs.aws.amazon.com/organizations/latest/userguide/orgs_manage_policies_scps_syntax.html

    Attributes:
        sid: name of the statement, letters and digits only; no name by default.
        effect: `Deny` or `Allow`.
        actions: what the statement is about, such as `ec2:RunInstances`, `s3:Put*` or `*`.
        not_actions: everything but these instead.
        resources: ARNs, with wildcards, or `*`.
        not_resources: everything but these instead.
        conditions: operator, then key, then a value or values, as in JSON.

    Raises:
        OrgError: `ORG008` where a list is not a list, `ORG009` where the grammar is broken.
    """

    sid: str = ""
    effect: Effect = "Deny"
    actions: Sequence[str] = ()
    not_actions: Sequence[str] = ()
    resources: Sequence[str] = ()
    not_resources: Sequence[str] = ()
    conditions: Mapping[str, Mapping[str, Any]] = field(default_factory=dict, hash=False)

    def __post_init__(self) -> None:
        what = f"statement '{self.sid}'" if self.sid else "statement"
        if not isinstance(self.sid, str) or not _SID.fullmatch(self.sid):
            raise OrgError(
                "ORG009",
                f"statement: sid {self.sid!r} has other signs than letters and digits; "
                "write one such as 'DenyLeaving'",
            )
        if self.effect not in get_args(Effect):
            raise OrgError(
                "ORG009", f"{what}: effect {self.effect!r} is unknown; write 'Deny' or 'Allow'"
            )
        for name, sample in (
            ("actions", "ec2:RunInstances"),
            ("not_actions", "iam:*"),
            ("resources", "*"),
            ("not_resources", "arn:*:s3:::logs/*"),
        ):
            value = sorted_names(getattr(self, name), what=what, argument=name, sample=sample)
            object.__setattr__(self, name, value)
        _one_of(what, actions=self.actions, not_actions=self.not_actions)
        _one_of(what, resources=self.resources, not_resources=self.not_resources)
        for action in (*self.actions, *self.not_actions):
            check_action(action, what=what)
        for resource in (*self.resources, *self.not_resources):
            _check_resource(resource, what=what)
        object.__setattr__(self, "conditions", _conditions(self.conditions, what=what))

    def __reduce__(self) -> tuple[Any, ...]:
        """Copy and pickle by the JSON form, since a read-only mapping can be neither."""
        return type(self).from_json, (self.to_json(),)

    @classmethod
    def from_json(cls, content: Mapping[str, Any]) -> Statement:
        """Read a statement in its JSON form.

        Raises:
            OrgError: `ORG009` for an element that a statement without `Principal` does not have.
        """
        unknown = [key for key in content if key not in _FIELDS]
        if unknown:
            raise OrgError(
                "ORG009",
                f"statement: element {unknown[0]!r} is unknown; known are {', '.join(_FIELDS)}",
            )
        arguments: dict[str, Any] = {}
        for key, value in content.items():
            is_name = key in ("Sid", "Effect", "Condition") or not isinstance(value, str)
            arguments[_FIELDS[key]] = value if is_name else [value]
        return cls(**arguments)

    def to_json(self) -> dict[str, Any]:
        """Return the JSON form: keys in AWS's order, lists of one as a string."""
        content: dict[str, Any] = {"Sid": self.sid} if self.sid else {}
        content["Effect"] = self.effect
        for key in ("Action", "NotAction", "Resource", "NotResource"):
            if names := getattr(self, _FIELDS[key]):
                content[key] = as_json(tuple(names))
        if self.conditions:
            content["Condition"] = {
                operator: {key: _plain(value) for key, value in keys.items()}
                for operator, keys in self.conditions.items()
            }
        return content


def check_action(value: str, *, what: str) -> str:
    """Return `value` if it has the form of an action, else raise `OrgError` `ORG009`."""
    if _ACTION.fullmatch(value) or TOKEN.search(value):
        return value
    raise OrgError(
        "ORG009",
        f"{what}: action '{value}' does not have the form service:Name with the service in lower "
        "case; write one such as 'ec2:RunInstances', 's3:Put*' or '*'",
    )


def _check_resource(value: str, *, what: str) -> None:
    if value == "*" or TOKEN.search(value) or value.startswith("arn:"):
        return
    raise OrgError(
        "ORG009",
        f"{what}: resource '{value}' is not an ARN; write '*' or one such as 'arn:*:s3:::logs/*'",
    )


def _one_of(what: str, **either: Sequence[str]) -> None:
    (first, one), (second, other) = either.items()
    if bool(one) != bool(other):
        return
    raise OrgError(
        "ORG009",
        f"{what}: {first} and {second} are both given; keep one of them"
        if one
        else f"{what}: neither {first} nor {second} is given; give one of them",
    )


def _conditions(value: object, *, what: str) -> Mapping[str, Mapping[str, Any]]:
    if not isinstance(value, Mapping) or not all(isinstance(v, Mapping) for v in value.values()):
        raise OrgError(
            "ORG009",
            f"{what}: conditions {value!r} is not operator, key and values; "
            "write {'StringEquals': {'aws:RequestedRegion': 'eu-west-1'}}",
        )
    for operator in value:
        _check_operator(operator, what=what)
    return MappingProxyType(
        {
            operator: MappingProxyType(
                {
                    key: _values(value[operator][key], what=f"{what}: condition {operator} {key}")
                    for key in sorted(value[operator])
                }
            )
            for operator in sorted(value)
            if value[operator]
        }
    )


def _check_operator(operator: str, *, what: str) -> None:
    match = _OPERATOR.fullmatch(operator)
    if match and match[1] in CONDITION_OPERATORS:
        return
    close = difflib.get_close_matches(operator, sorted(CONDITION_OPERATORS), n=1, cutoff=0.5)
    remedy = (
        f"did you mean '{close[0]}'"
        if close
        else f"known are {', '.join(sorted(CONDITION_OPERATORS))}"
    )
    raise OrgError("ORG009", f"{what}: condition operator '{operator}' is unknown; {remedy}")


def _values(value: object, *, what: str) -> Any:
    """Return a value, or values sorted and without duplicates; what deployment fills in stays."""
    if isinstance(value, bool):
        return ("true" if value else "false",)
    if isinstance(value, str | int | float):
        return (str(value),)
    if isinstance(value, Mapping):
        return json.loads(json.dumps(value))
    if isinstance(value, Iterable):
        items = list(value)
        if any(isinstance(item, Mapping) for item in items):
            return json.loads(json.dumps(items))
        if items and all(isinstance(item, str | int | float) for item in items):
            return tuple(sorted({_values(item, what=what)[0] for item in items}))
    raise OrgError(
        "ORG009",
        f"{what} has the value {value!r}; give a string, a number, true or false, or a list of "
        "at least one of them",
    )


def _plain(value: Any) -> Any:
    return as_json(value) if isinstance(value, tuple) else json.loads(json.dumps(value))
