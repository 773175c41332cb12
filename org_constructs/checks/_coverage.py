"""Whether one statement does all that another does, read from the two texts alone.

True is certain. False says nothing: what several statements do together is not looked at.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ._documents import is_deferred
from ._patterns import EVERYTHING, all_covered, covers, covers_arn, meet

if TYPE_CHECKING:
    from org_constructs.evaluation._syntax import Condition, ParsedStatement

# A set of names is what some patterns match, or all but that.
_Names = tuple[tuple[str, ...], bool]


def does_all_of(wide: ParsedStatement, narrow: ParsedStatement) -> bool:
    """Tell whether `wide` applies to every request that `narrow` applies to, with one effect."""
    return wide is narrow or (
        wide.effect == narrow.effect
        and wide.variables == narrow.variables
        and _within(_actions(narrow), _actions(wide))
        and _within(_resources(narrow), _resources(wide))
        and all(
            any(_implies(mine, yours) for mine in narrow.conditions) for yours in wide.conditions
        )
    )


def _actions(statement: ParsedStatement) -> _Names:
    names = statement.not_actions or statement.actions
    return tuple(name.lower() for name in names), bool(statement.not_actions)


def _resources(statement: ParsedStatement) -> _Names:
    if statement.not_resources:
        return statement.not_resources, True
    return statement.resources or (EVERYTHING,), False


def _within(narrow: _Names, wide: _Names) -> bool:
    """Tell whether all names of one set are in another."""
    (mine, mine_are_left_out), (yours, yours_are_left_out) = narrow, wide
    if not yours_are_left_out and EVERYTHING in yours:
        return True
    if mine == yours and mine_are_left_out == yours_are_left_out:
        return True
    if any("${" in name for name in (*mine, *yours)):
        return False
    if mine_are_left_out:
        # Everything but `mine` is in everything but `yours` where `mine` has all of `yours`.
        return yours_are_left_out and all_covered(mine, yours)
    if yours_are_left_out:
        return not any(meet(one, other) for one in mine for other in yours)
    return all_covered(yours, mine)


def _implies(mine: Condition, yours: Condition) -> bool:
    """Tell whether one condition holds whenever another, `mine`, does."""
    if (mine.operator, mine.quantifier, mine.key.lower()) != (
        yours.operator,
        yours.quantifier,
        yours.key.lower(),
    ):
        return False
    if mine.if_exists and not yours.if_exists and "Not" not in mine.operator:
        return False
    if mine.values == yours.values or set(mine.values) == set(yours.values):
        return True
    if any(is_deferred(v) or "${" in v for v in (*mine.values, *yours.values)):
        return False
    if "Not" in mine.operator and mine.operator != "Null":
        # Who exempts more applies to less.
        return _has_all(mine, mine.values, yours.values)
    if mine.operator.startswith(("String", "Arn")):
        return _has_all(mine, yours.values, mine.values)
    return False


def _has_all(condition: Condition, values: tuple[str, ...], others: tuple[str, ...]) -> bool:
    """Tell whether each of `others` is one of `values`, as the operator reads them."""
    if condition.operator.startswith("Arn"):
        return all(any(covers_arn(value, other) for value in values) for other in others)
    if condition.operator.endswith("Like"):
        return all(any(covers(value, other) for value in values) for other in others)
    return set(others) <= set(values)
