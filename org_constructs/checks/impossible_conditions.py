"""The conditions of a statement can hold together; otherwise the statement is without effect."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import combinations
from operator import eq
from typing import TYPE_CHECKING

from ._check import CheckContext, Finding, Severity
from ._documents import Judgement, PolicyDocument, is_deferred, judged
from ._patterns import covers, covers_arn, meet

if TYPE_CHECKING:
    from org_constructs.evaluation._syntax import Condition

ACKNOWLEDGEABLE = ("ORG212",)

_EXACT = frozenset({"StringEquals", "StringEqualsIgnoreCase"})
_LIKE = frozenset({"StringLike", "ArnLike", "ArnEquals"})
_NEGATIONS = {
    "StringNotEquals": _EXACT,
    "StringNotEqualsIgnoreCase": _EXACT,
    "StringNotLike": frozenset({"StringEquals", "StringLike"}),
    "ArnNotLike": frozenset({"ArnLike", "ArnEquals"}),
    "ArnNotEquals": frozenset({"ArnLike", "ArnEquals"}),
}


# One value may be this and another that (documentation); of keys of services it is not known.
_OF_SEVERAL = frozenset(
    {
        "aws:calledvia",
        "aws:principalorgpaths",
        "aws:principalservicenameslist",
        "aws:resourceorgpaths",
        "aws:sourceorgpaths",
        "aws:tagkeys",
        "aws:vpceorgpaths",
    }
)


def check(context: CheckContext) -> Iterator[Finding]:
    """Find statements with conditions that exclude each other."""
    yield from judged(context, "ORG212", _judge)


def _judge(document: PolicyDocument) -> Iterator[Judgement]:
    for statement in document.parsed.statements:
        for one, other in combinations(statement.conditions, 2):
            if one.key.lower() == other.key.lower() and _exclude(one, other):
                verb = "denies" if statement.effect == "Deny" else "allows"
                yield Judgement(
                    statement=statement,
                    severity=Severity.ERROR,
                    message=f"{one.name} and {other.name} of {one.key} never hold together, so the statement {verb} nothing",
                    remedy="conditions of one statement are joined by AND; write two statements where OR is meant",
                )
                break


def _exclude(one: Condition, other: Condition) -> bool:
    """Tell whether two conditions on a key exclude each other; True is certain."""
    if any(is_deferred(v) or "${" in v for v in (*one.values, *other.values)):
        return False
    if one.quantifier or other.quantifier:
        return False
    for first, second in ((one, other), (other, one)):
        if first.operator == "Null" and _asks_otherwise(first, second):
            return True
        if _contradicts(first, second):
            return True
    return _apart(one, other)


def _asks_otherwise(null: Condition, other: Condition) -> bool:
    if other.operator == "Null":
        return len(null.values) == len(other.values) == 1 and null.values != other.values
    # Without the key a plain comparison fails, a negated one holds.
    return null.values == ("true",) and not other.if_exists and "Not" not in other.operator


def _contradicts(negated: Condition, plain: Condition) -> bool:
    """Tell whether a comparison asks for what a negated one excludes."""
    if plain.operator not in _NEGATIONS.get(negated.operator, ()):
        return False
    if negated.if_exists and plain.if_exists:
        return False
    if plain.if_exists:
        # Without the key both hold.
        return False
    if (negated.operator, plain.operator) == ("StringNotEquals", "StringEqualsIgnoreCase"):
        return False
    compare: Callable[[str, str], bool] = eq
    if negated.operator.startswith("Arn"):
        compare = covers_arn
    elif negated.operator == "StringNotLike":
        compare = covers
    return all(any(compare(no, yes) for no in negated.values) for yes in plain.values)


def _apart(one: Condition, other: Condition) -> bool:
    """Tell whether two comparisons have no value in common."""
    key = one.key.lower()
    if (one.if_exists and other.if_exists) or not key.startswith("aws:") or key in _OF_SEVERAL:
        return False
    pair = {one.operator, other.operator}
    if pair == {"Bool"}:
        return not {v.lower() for v in one.values} & {v.lower() for v in other.values}
    if pair == {"StringEquals"}:
        return not set(one.values) & set(other.values)
    if pair <= {"StringEquals", "StringLike"} or pair <= {"ArnLike", "ArnEquals"}:
        return not any(meet(a, b) for a in one.values for b in other.values)
    return False
