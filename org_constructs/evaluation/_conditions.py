"""Whether a condition of a policy holds for a request.

Each condition is compiled once into a test. A test tells whether the condition holds and which of
the keys that it asked for the request does not have.

Source: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_condition.html
"""

from __future__ import annotations

import operator as order
from collections.abc import Callable, Collection, Iterable, Mapping
from contextlib import suppress
from typing import Any

from org_constructs.model.errors import OrgError

from ._matching import ARN_PARTS, Template, _arn_glob, _glob, template_of
from ._operators import OPERATORS
from ._shown import shown
from ._syntax import Condition
from ._values import binary, boolean, moment, network, number

# Called with a request's value; tells whether the value is what the policy says.
Comparison = Callable[[str], bool]
# Called with the context and with a list to which keys are added that the request lacks.
Test = Callable[["Context", "list[str]"], bool]

# One empty text is an empty data set for quantifiers and for Null (documentation).
_EMPTY = ("",)
_ORDERS = {
    "Equals": order.eq,
    "NotEquals": order.eq,
    "LessThan": order.lt,
    "LessThanEquals": order.le,
    "GreaterThan": order.gt,
    "GreaterThanEquals": order.ge,
}
_READERS: dict[str, Callable[[str], Any]] = {"Numeric": number, "Date": moment}


class Context:
    """The keys of a request with their values; the names of keys have no case.

    A key without values is a key that the request does not have (documentation: an empty data
    set).

    Raises:
        OrgError: `ORG031` for a value that no key can have, and for a key that is given twice.
    """

    __slots__ = ("values",)

    def __init__(self, keys: Mapping[str, Any]) -> None:
        self.values: dict[str, tuple[str, ...]] = {}
        names: dict[str, str] = {}
        for name, value in keys.items():
            if not isinstance(name, str) or not name:
                raise OrgError(
                    "ORG031",
                    f"request: context has the key {shown(name)}; write one such as "
                    "'aws:PrincipalOrgID'",
                )
            lower = name.lower()
            if lower in names:
                raise OrgError(
                    "ORG031",
                    f"request: context has '{names[lower]}' and '{name}', which are one key; keep "
                    "one of them",
                )
            names[lower] = name
            if values := _texts(name, value):
                self.values[lower] = values

    def single(self, key: str) -> str | None:
        """Return the one value of a key in lower case; None where it has none or several.

        A variable has no value for a key of several (documentation).
        """
        values = self.values.get(key)
        return values[0] if values is not None and len(values) == 1 else None


def _texts(name: str, value: object) -> tuple[str, ...]:
    if type(value) is str:
        return (value,)
    if isinstance(value, list | tuple | set | frozenset):
        return tuple(_text(name, item) for item in _in_order(value))
    return (_text(name, value),)


def _in_order(values: Collection[Any]) -> Iterable[Any]:
    """Return values in order, sorted where it is chance, so that nothing said of it is."""
    return sorted(values, key=str) if isinstance(values, set | frozenset) else values


def plain(value: Any) -> Any:
    """Return a request's value as JSON can have it."""
    if isinstance(value, list | tuple | set | frozenset):
        return [plain(item) for item in _in_order(value)]
    return value if isinstance(value, str | int | float) else _text("", value)


def _text(name: str, value: object) -> str:
    if isinstance(value, str):
        return str.__str__(value)
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        # Python writes no number of thousands of digits.
        with suppress(ValueError):
            return repr(value)
    # Rare, so that importing this room does not wait for them.
    from base64 import b64encode
    from datetime import datetime

    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, bytes):
        return b64encode(value).decode()
    raise OrgError(
        "ORG031",
        f"request: context '{name}' is {shown(value)}; give a string, a number, true or false, a date, "
        "or a list of them; leave the key out when the request does not have it",
    )


def condition_holds(
    condition: Condition,
    context: Context | Mapping[str, Any],
    *,
    variables: bool = True,
    missing: list[str] | None = None,
) -> bool:
    """Tell whether a condition holds.

    Args:
        condition: operator, one key and its values.
        context: keys of the request.
        variables: whether policy variables are replaced, as version 2012-10-17 has it.
        missing: a list to which the keys are added that were asked for and are not there.
    """
    if not isinstance(context, Context):
        context = Context(context)
    return compile_condition(condition, variables=variables)(
        context, [] if missing is None else missing
    )


def compile_condition(condition: Condition, *, variables: bool = True) -> Test:
    """Return the test of a condition; the test takes a context and a list for missing keys."""
    spec = OPERATORS[condition.operator]
    key, written = condition.key.lower(), condition.key
    if spec.family == "Null":
        return _null_test(condition)
    fixed, templates = _comparison(condition, variables=variables and spec.variables)
    negated = spec.negated
    if_exists, quantifier = condition.if_exists, condition.quantifier

    def matches(value: str, context: Context, missing: list[str]) -> bool:
        """Tell whether a value is one of the policy's, negation aside."""
        if fixed(value):
            return True
        found = False
        unknown: list[str] = []
        for template, compare in templates:
            lacking = template.lacking(context.values)
            if compare(value, context):
                if not lacking:
                    return True
                found = True
            unknown += lacking
        missing += unknown
        return found

    def test(context: Context, missing: list[str]) -> bool:
        values = context.values.get(key)
        if quantifier:
            # An empty text is an empty data set (documentation).
            if values is None or values == _EMPTY:
                if values is None:
                    missing.append(written)
                return quantifier == "ForAllValues" or if_exists
            if quantifier == "ForAllValues":
                return all(matches(value, context, missing) is not negated for value in values)
            return any(matches(value, context, missing) is not negated for value in values)
        if values is None:
            missing.append(written)
            return negated or if_exists
        # Several values need a quantifier (documentation); without one nothing holds (inference).
        return len(values) == 1 and matches(values[0], context, missing) is not negated

    return test


def _null_test(condition: Condition) -> Test:
    # It is about the key and not about its values, so a quantifier changes nothing (inference). An
    # empty text is null: AWS advises Null against just that (documentation).
    key, written = condition.key.lower(), condition.key
    wanted = frozenset(boolean(value) for value in condition.values)

    def test(context: Context, missing: list[str]) -> bool:
        values = context.values.get(key)
        if values is None:
            missing.append(written)
        return (values is None or values == _EMPTY) in wanted

    return test


TemplateComparison = tuple[Template, Callable[[str, Context], bool]]


def _comparison(
    condition: Condition, *, variables: bool
) -> tuple[Comparison, list[TemplateComparison]]:
    """Return the comparison with values that are fixed, and those with values of variables."""
    fixed: list[str] = []
    templates: list[TemplateComparison] = []
    for value in condition.values:
        template = template_of(value) if variables else None
        if template is None:
            fixed.append(value)
        else:
            templates.append((template, _template_comparison(condition.operator, template)))
    return _fixed_comparison(condition.operator, fixed), templates


def _template_comparison(name: str, template: Template) -> Callable[[str, Context], bool]:
    if name in ("StringEquals", "StringNotEquals"):
        return lambda value, context: template.text(context.single) == value
    if name in ("StringEqualsIgnoreCase", "StringNotEqualsIgnoreCase"):

        def ignore_case(value: str, context: Context) -> bool:
            text = template.text(context.single)
            return text is not None and text.lower() == value.lower()

        return ignore_case
    if name in ("StringLike", "StringNotLike"):
        return lambda value, context: template.matches(value, context.single)

    def arn(value: str, context: Context) -> bool:
        parts, given = template.arn_parts(context.single), value.split(":", 5)
        return (
            parts is not None
            and len(parts) == len(given) == ARN_PARTS
            and all(part.fullmatch(text) for part, text in zip(parts, given, strict=True))
        )

    return arn


def _fixed_comparison(name: str, values: list[str]) -> Comparison:
    """Return a comparison that holds when a request's value is one of several."""
    family = OPERATORS[name].family
    if family == "String":
        return _text_comparison(name, values)
    if family == "Arn":
        arns = [glob for value in values if (glob := _arn_glob(value)) is not None]
        return lambda value: any(glob.fullmatch(value) is not None for glob in arns)
    if family == "Bool":
        return _member(boolean, values)
    if family == "Binary":
        return _member(binary, values)
    if family == "IpAddress":
        blocks = [block for value in values if (block := network(value)) is not None]
        return lambda value: _within(value, blocks)
    reader = _READERS[family]
    compare = _ORDERS[name.removeprefix(family)]
    limits = [limit for value in values if (limit := reader(value)) is not None]

    def ordered(value: str) -> bool:
        given = reader(value)
        return given is not None and any(compare(given, limit) for limit in limits)

    return ordered


def _text_comparison(name: str, values: list[str]) -> Comparison:
    if name in ("StringEquals", "StringNotEquals"):
        return frozenset(values).__contains__
    if name in ("StringEqualsIgnoreCase", "StringNotEqualsIgnoreCase"):
        lower = frozenset(value.lower() for value in values)
        return lambda value: value.lower() in lower
    literal = frozenset(value for value in values if "*" not in value and "?" not in value)
    patterns = [_glob(value) for value in values if value not in literal]
    return lambda value: (
        value in literal or any(pattern.fullmatch(value) is not None for pattern in patterns)
    )


def _member(reader: Callable[[str], Any], values: list[str]) -> Comparison:
    wanted = {read for value in values if (read := reader(value)) is not None}

    def member(value: str) -> bool:
        given = reader(value)
        return given is not None and given in wanted

    return member


def _within(value: str, blocks: list[Any]) -> bool:
    given = network(value)
    return given is not None and any(
        given.version == block.version and given.subnet_of(block) for block in blocks
    )
