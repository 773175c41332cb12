"""A policy's JSON read strictly into values; what AWS would reject is an error with its place.

Sources:
    https://docs.aws.amazon.com/organizations/latest/userguide/orgs_manage_policies_scps_syntax.html
    https://docs.aws.amazon.com/organizations/latest/userguide/orgs_manage_policies_rcps_syntax.html
    https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_grammar.html
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, fields
from functools import partial
from typing import Any, Literal, cast

from org_constructs.model.errors import OrgError

from ._matching import ARN_PARTS, resource_matches, template_of
from ._operators import OPERATORS, read_operator
from ._shown import shown
from ._values import binary, boolean, moment, network, number

Kind = Literal["SERVICE_CONTROL_POLICY", "RESOURCE_CONTROL_POLICY"]
SCP: Kind = "SERVICE_CONTROL_POLICY"
RCP: Kind = "RESOURCE_CONTROL_POLICY"
# Variables exist since the later one (documentation).
VERSIONS = ("2012-10-17", "2008-10-17")

_DOCUMENT = ("Version", "Id", "Statement")
_ELEMENTS: dict[Kind, tuple[str, ...]] = {
    SCP: ("Sid", "Effect", "Action", "NotAction", "Resource", "NotResource", "Condition"),
    RCP: ("Sid", "Effect", "Principal", "Action", "Resource", "NotResource", "Condition"),
}
_TITLES: dict[Kind, str] = {SCP: "a service control policy", RCP: "a resource control policy"}
_TOKEN = re.compile(r"[$#]\{Token\[")
_ACTION = re.compile(r"\*+|[^\s:]+:[^\s:]+")
_READERS: dict[str, tuple[Callable[[str], Any], str]] = {
    "Numeric": (number, "a number such as '3600'"),
    "Date": (moment, "a date such as '2026-01-31T00:00:00Z', or seconds since 1970"),
    "Bool": (boolean, "'true' or 'false'"),
    "Null": (boolean, "'true' or 'false'"),
    "Binary": (binary, "bytes in base64"),
    "IpAddress": (network, "an address or a block such as '203.0.113.0/24'"),
}


class PolicySyntaxError(OrgError):
    """A policy that AWS would reject, `ORG030`; the text begins with the place.

    Attributes:
        policy: name of the policy.
        statement: how the statement is named, by number and Sid; empty for the document itself.
        element: the element that is wrong, such as `Condition StringLike`; empty for all of it.
    """

    def __init__(
        self, message: str, *, policy: str, statement: str = "", element: str = ""
    ) -> None:
        place = ": ".join(part for part in (f"policy '{policy}'", statement, element) if part)
        super().__init__("ORG030", f"{place}: {message}")
        self.policy = policy
        self.statement = statement
        self.element = element


@dataclass(frozen=True, slots=True, kw_only=True)
class Condition:
    """One key of one operator of a statement's Condition.

    Attributes:
        operator: base name, such as `StringLike`.
        quantifier: `ForAnyValue`, `ForAllValues` or nothing.
        if_exists: whether a missing key makes it hold.
        key: as written.
        values: as texts; booleans are `true` and `false`.
    """

    operator: str
    quantifier: Literal["", "ForAnyValue", "ForAllValues"] = ""
    if_exists: bool = False
    key: str
    values: tuple[str, ...]

    @property
    def name(self) -> str:
        """The operator as AWS writes it, with quantifier and `IfExists`."""
        prefix = f"{self.quantifier}:" if self.quantifier else ""
        return f"{prefix}{self.operator}{'IfExists' if self.if_exists else ''}"


@dataclass(frozen=True, slots=True, kw_only=True)
class ParsedStatement:
    """One statement of a policy; `actions` or `not_actions` is empty.

    Without `resources` and `not_resources` the statement is about every resource.

    Attributes:
        index: place in the document, from 0.
        sid: its Sid, or nothing.
        effect: `Allow` or `Deny`.
        actions: patterns of actions.
        not_actions: everything but these instead.
        resources: patterns of resources.
        not_resources: everything but these instead.
        principals: `*` for a resource control policy, nothing for others.
        conditions: all of them have to hold.
        variables: whether policy variables are replaced, as version 2012-10-17 has it.
    """

    index: int = 0
    sid: str = ""
    effect: Literal["Allow", "Deny"]
    actions: tuple[str, ...] = ()
    not_actions: tuple[str, ...] = ()
    resources: tuple[str, ...] = ()
    not_resources: tuple[str, ...] = ()
    principals: tuple[str, ...] = ()
    conditions: tuple[Condition, ...] = ()
    variables: bool = True
    # What is compiled when the statement is first evaluated.
    compiled: Any = field(default=None, init=False, repr=False, compare=False)

    def __reduce__(self) -> tuple[Any, ...]:
        """Copy and pickle what was read, without what was compiled of it."""
        names = [item.name for item in fields(self) if item.init]
        return partial(type(self), **{name: getattr(self, name) for name in names}), ()

    @property
    def where(self) -> str:
        """How messages name it: by Sid, or by its place from 1."""
        return f"statement {self.index + 1}" + (f" '{self.sid}'" if self.sid else "")


@dataclass(frozen=True, slots=True, kw_only=True)
class ParsedPolicy:
    """A policy that was read.

    Attributes:
        name: how messages name it.
        version: version of the language.
        statements: in the order of the document.
        kind: policy type.
    """

    name: str = "policy"
    version: str = VERSIONS[0]
    statements: tuple[ParsedStatement, ...]
    kind: Kind = SCP


def parse_policy(
    content: Mapping[str, Any] | str,
    *,
    name: str = "policy",
    kind: Kind = SCP,
    unknowns: Literal["error", "keep"] = "error",
) -> ParsedPolicy:
    """Read a policy.

    Args:
        content: the document, or its JSON text.
        name: how messages name it.
        kind: `SERVICE_CONTROL_POLICY` or `RESOURCE_CONTROL_POLICY`.
        unknowns: what happens with values that only deployment knows, CDK tokens and functions of
            CloudFormation: an `error`, or `keep` their text, which no request's value equals.

    Raises:
        PolicySyntaxError: for what AWS would reject.
    """
    if kind not in tuple(_ELEMENTS):
        raise PolicySyntaxError(
            f"is read as kind {shown(kind)}; give one of {', '.join(_ELEMENTS)}", policy=name
        )
    return _Reader(name, kind, keep=unknowns == "keep").policy(content)


def _nearest(word: str, known: Sequence[str]) -> str:
    import difflib

    return next(iter(difflib.get_close_matches(word, known, n=1)), "")


class _Reader:
    """Reads one policy; remembers where it is."""

    def __init__(self, name: str, kind: Kind, *, keep: bool) -> None:
        self.name = name
        self.kind: Kind = kind
        self.keep = keep
        self.place = ""

    def error(self, message: str, element: str = "") -> PolicySyntaxError:
        return PolicySyntaxError(message, policy=self.name, statement=self.place, element=element)

    def policy(self, content: object) -> ParsedPolicy:
        if isinstance(content, str):
            content = self.json(content)
        if not isinstance(content, Mapping):
            raise self.error(
                f"the document is {shown(content)}; give a JSON object with Version and Statement"
            )
        self.known(content, _DOCUMENT)
        version = content.get("Version")
        if version not in VERSIONS:
            raise self.error(
                f"is {shown(version)}; write '{VERSIONS[0]}'"
                if "Version" in content
                else f"is missing; write 'Version': '{VERSIONS[0]}'",
                "Version",
            )
        if not isinstance(content.get("Id", ""), str):
            raise self.error(f"is {shown(content['Id'])}; give a string, or leave it out", "Id")
        raw = content.get("Statement")
        statements = [raw] if isinstance(raw, Mapping) else raw
        if not isinstance(statements, list | tuple) or not statements:
            raise self.error(
                f"is {shown(raw)}; give an object, or a list of at least one",
                "Statement",
            )
        read = tuple(
            self.statement(statement, index, variables=version == VERSIONS[0])
            for index, statement in enumerate(statements)
        )
        self.unique(read)
        return ParsedPolicy(
            name=self.name, version=cast("str", version), statements=read, kind=self.kind
        )

    def unique(self, statements: Sequence[ParsedStatement]) -> None:
        """Refuse two statements of one Sid (documentation)."""
        first: dict[str, ParsedStatement] = {}
        for statement in statements:
            if statement.sid and statement is not first.setdefault(statement.sid, statement):
                self.place = statement.where
                raise self.error(
                    f"statement {first[statement.sid].index + 1} has the same; give each its own, "
                    "or none",
                    "Sid",
                )

    def json(self, text: str) -> object:
        def once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
            content = dict(pairs)
            if len(content) < len(pairs):
                keys = [key for key, _ in pairs]
                twice = next(key for key in keys if keys.count(key) > 1)
                raise self.error(
                    f"the key '{twice}' is there twice in one object; keep one of them"
                )
            return content

        import json

        try:
            return json.loads(text, object_pairs_hook=once, parse_constant=self.constant)
        except RecursionError:
            raise self.error("the text is nested too deeply; give a policy") from None
        except json.JSONDecodeError as error:
            raise self.error(
                f"the text is no JSON, {error.msg} at line {error.lineno} column {error.colno}; "
                "give an object with Version and Statement"
            ) from None
        except OrgError:
            raise
        except ValueError:
            # What the reader of JSON says of a number of thousands of digits.
            raise self.error("the text has a number that is too long; give a policy") from None

    def constant(self, name: str) -> object:
        raise self.error(f"the text is no JSON, {name} is no value of it; give a number")

    def known(self, content: Mapping[str, Any], elements: tuple[str, ...]) -> None:
        for key in content:
            if key in elements:
                continue
            if key in ("Principal", "NotPrincipal", "NotAction"):
                message = f"is not part of {_TITLES[self.kind]}; " + (
                    "name the actions that are denied, such as 's3:*'"
                    if key == "NotAction"
                    else "compare aws:PrincipalArn in Condition"
                )
            elif elements is _DOCUMENT and key in _ELEMENTS[self.kind]:
                message = "belongs to a statement; put the statement into a list under 'Statement'"
            else:
                near = _nearest(str(key).capitalize(), elements)
                message = "is unknown; " + (
                    f"did you mean '{near}'" if near else f"known are {', '.join(elements)}"
                )
            raise self.error(message, f"element '{key}'")

    def statement(self, raw: object, index: int, *, variables: bool) -> ParsedStatement:
        self.place = f"statement {index + 1}"
        if not isinstance(raw, Mapping):
            raise self.error(f"is {shown(raw)}; give a JSON object")
        sid = raw.get("Sid", "")
        if not isinstance(sid, str):
            raise self.error(f"is {shown(sid)}; give a string of letters and digits", "Sid")
        if sid:
            self.place += f" '{sid}'"
        self.known(raw, _ELEMENTS[self.kind])
        effect = raw.get("Effect")
        if effect not in ("Allow", "Deny"):
            raise self.error(
                f"is {shown(effect)}; write 'Allow' or 'Deny'"
                if "Effect" in raw
                else "is missing; write 'Allow' or 'Deny'",
                "Effect",
            )
        self.either(raw, "Action", needed=True)
        self.either(raw, "Resource", needed=False)
        statement = ParsedStatement(
            index=index,
            sid=sid,
            effect=effect,
            actions=self.names(raw, "Action", self.action),
            not_actions=self.names(raw, "NotAction", self.action),
            resources=self.names(raw, "Resource", self.resource),
            not_resources=self.names(raw, "NotResource", self.resource),
            principals=self.principals(raw),
            conditions=self.conditions(raw, variables=variables),
            variables=variables,
        )
        if self.kind == RCP:
            self.restricted(statement)
        self.place = ""
        return statement

    def either(self, raw: Mapping[str, Any], element: str, *, needed: bool) -> None:
        given = [key for key in (element, f"Not{element}") if key in raw]
        if len(given) > 1:
            raise self.error("both are given; keep one of them", f"{given[0]} and {given[1]}")
        if needed and not given:
            raise self.error(
                "neither is given; give one of them"
                if self.kind == SCP
                else "is missing; name the actions that are denied, such as 's3:*'",
                f"{element} and Not{element}" if self.kind == SCP else element,
            )

    def names(
        self, raw: Mapping[str, Any], element: str, check: Callable[[str, str], None]
    ) -> tuple[str, ...]:
        if element not in raw:
            return ()
        value = raw[element]
        items = value if isinstance(value, list | tuple) else [value]
        if not items:
            raise self.error("is an empty list; give at least one", element)
        names = []
        for item in items:
            name = self.deferred(item, element)
            if name is None:
                if not isinstance(item, str) or not item:
                    raise self.error(f"has the item {shown(item)}; give a string", element)
                check(item, element)
                name = item
            names.append(name)
        return tuple(names)

    def deferred(self, value: object, element: str) -> str | None:
        """Return the text of what only deployment knows, None for what is known."""
        if isinstance(value, str):
            if not _TOKEN.search(value):
                return None
            text = value
        elif isinstance(value, Mapping):
            key = next(iter(value), "")
            if len(value) != 1 or not (key == "Ref" or str(key).startswith("Fn::")):
                return None
            import json

            try:
                text = json.dumps(value, default=str)
            except (RecursionError, TypeError, ValueError):
                return None
        else:
            return None
        if self.keep:
            # Not a variable, and no name that a request could have.
            return text.replace("${", "#{").replace("*", "#").replace("?", "#")
        raise self.error(
            f"{shown(text)} is only known at deployment; evaluate the synthesized template, or give the "
            "value itself",
            element,
        )

    def action(self, name: str, element: str) -> None:
        if not _ACTION.fullmatch(name):
            raise self.error(
                f"'{name}' is no action; write '*' or one such as 'ec2:RunInstances' or 's3:Put*'",
                element,
            )

    def resource(self, name: str, element: str) -> None:
        if not name.strip("*"):
            return
        parts = name.count(":") + 1
        # The star at its end stands for the parts that lack, but not in a resource control policy
        # (reported of AWS by other implementations).
        short = self.kind == SCP and name.endswith("*")
        if not name.startswith("arn:") or not (parts >= ARN_PARTS or short):
            raise self.error(
                f"'{name}' is not an ARN of six parts; write '*' or one such as "
                "'arn:*:s3:::logs/*'",
                element,
            )

    def principals(self, raw: Mapping[str, Any]) -> tuple[str, ...]:
        if self.kind == SCP:
            return ()
        principal = raw.get("Principal")
        if principal != "*":
            raise self.error(
                f"is {shown(principal)}; write '*', and compare aws:PrincipalArn in Condition"
                if "Principal" in raw
                else "is missing; write 'Principal': '*'",
                "Principal",
            )
        return ("*",)

    def restricted(self, statement: ParsedStatement) -> None:
        """Refuse what a resource control policy cannot say, except in AWS's RCPFullAWSAccess."""
        if statement.effect == "Allow":
            if statement.actions == statement.resources == ("*",) and not statement.conditions:
                return
            raise self.error(
                "is 'Allow'; write 'Deny', a resource control policy only denies; AWS's own "
                "RCPFullAWSAccess allows Action '*' and Resource '*'",
                "Effect",
            )
        for action in statement.actions:
            service = action.partition(":")[0]
            if not service.strip("*"):
                raise self.error(
                    f"'{action}' names no service; a resource control policy needs one, such as "
                    "'s3:*'",
                    "Action",
                )
        if not statement.resources and not statement.not_resources:
            raise self.error("neither is given; write 'Resource': '*'", "Resource and NotResource")

    def conditions(self, raw: Mapping[str, Any], *, variables: bool) -> tuple[Condition, ...]:
        if "Condition" not in raw:
            return ()
        condition = raw["Condition"]
        if not isinstance(condition, Mapping) or self.deferred(condition, "Condition") is not None:
            raise self.error(
                f"is {shown(condition)}; give operators with keys and values", "Condition"
            )
        found: list[Condition] = []
        for written, keys in condition.items():
            element = f"Condition {written}"
            read = read_operator(str(written))
            if read is None:
                if not isinstance(keys, Mapping):
                    # The most natural mistake: the operator is left out.
                    raise self.error(
                        "is no operator with keys; write an operator, and the key under it, such "
                        "as 'StringEquals': {'aws:PrincipalOrgID': 'o-a1b2c3d4e5'}",
                        element,
                    )
                base = str(written).rpartition(":")[2]
                near = _nearest(base, sorted(OPERATORS))
                raise self.error(
                    "the operator is unknown; "
                    + (
                        f"did you mean '{near}'"
                        if near
                        else f"known are {', '.join(sorted(OPERATORS))}"
                    ),
                    element,
                )
            operator, quantifier, if_exists = read
            if operator == "Null" and if_exists:
                raise self.error("Null has no IfExists; write 'Null'", element)
            if not isinstance(keys, Mapping):
                raise self.error(f"is {shown(keys)}; give keys and values", element)
            found.extend(
                Condition(
                    operator=operator,
                    quantifier=cast("Any", quantifier),
                    if_exists=if_exists,
                    key=self.key(key, element),
                    values=self.values(
                        value, f"{element} {key}", operator=operator, variables=variables
                    ),
                )
                for key, value in keys.items()
            )
        return tuple(found)

    def key(self, key: object, element: str) -> str:
        if not isinstance(key, str) or not key or key != key.strip():
            raise self.error(
                f"has the key {shown(key)}; write one such as 'aws:PrincipalArn'", element
            )
        return key

    def values(
        self, value: object, element: str, *, operator: str, variables: bool
    ) -> tuple[str, ...]:
        items = value if isinstance(value, list | tuple) else [value]
        if not items:
            raise self.error("is an empty list; give at least one value", element)
        texts = []
        for item in items:
            text = self.deferred(item, element)
            if text is None:
                text = self.value(item, element)
                self.well_formed(text, element, operator=operator, variables=variables)
            texts.append(text)
        return tuple(texts)

    def value(self, item: object, element: str) -> str:
        if isinstance(item, bool):
            return "true" if item else "false"
        if isinstance(item, str):
            return item
        if isinstance(item, int | float):
            # Python writes no number of thousands of digits.
            with suppress(ValueError):
                return repr(item)
        raise self.error(
            f"has the value {shown(item)}; give a string, a number, true or false", element
        )

    def well_formed(self, text: str, element: str, *, operator: str, variables: bool) -> None:
        family = OPERATORS[operator].family
        if family in _READERS:
            read, sample = _READERS[family]
            if read(text) is None:
                raise self.error(
                    f"'{text}' is not what the operator compares; give {sample}", element
                )
        elif family == "Arn":
            template = template_of(text) if variables else None
            parts = text.split(":", ARN_PARTS - 1)
            if (
                text != "*"
                and template is None
                and (len(parts) < ARN_PARTS or not resource_matches(parts[0], "arn"))
            ):
                raise self.error(
                    f"'{text}' is not an ARN; write one such as 'arn:*:iam::*:role/BreakGlass', "
                    "with six parts",
                    element,
                )
