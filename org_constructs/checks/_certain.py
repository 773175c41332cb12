"""Whether a statement applies to a request of which only the caller and the Region are known.

Three answers: it does, it does not, or it depends on what is not known. Rules speak of the first
two only.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import lru_cache
from typing import TYPE_CHECKING

from ._documents import is_deferred
from ._patterns import EVERYTHING

if TYPE_CHECKING:
    from org_constructs.evaluation._syntax import Condition, ParsedStatement

REGION_KEY = "aws:requestedregion"
PRINCIPAL_KEY = "aws:principalarn"
# Nobody's: what binds it binds whoever is not named.
ORDINARY_PRINCIPAL = "arn:{partition}:iam::123456789012:role/org-constructs/anyone"


def applies(statement: ParsedStatement, *, region: str, principal: str) -> bool | None:
    """Tell whether a statement's conditions hold, None where they ask for more than is known."""
    known = {REGION_KEY: region, PRINCIPAL_KEY: principal}
    return all_hold(statement.conditions, known, variables=statement.variables)


def all_hold(
    conditions: Iterable[Condition], known: dict[str, str], *, variables: bool
) -> bool | None:
    """Tell whether all conditions hold, given some keys in lower case, None where it depends."""
    answer: bool | None = True
    for condition in conditions:
        holds = _holds(condition, known, variables=variables)
        if holds is False:
            return False
        if holds is None:
            answer = None
    return answer


def _holds(condition: Condition, known: dict[str, str], *, variables: bool) -> bool | None:
    test = _test(condition, variables) if condition.key.lower() in known else None
    return None if test is None else test(known)


@lru_cache(maxsize=1024)
def _test(condition: Condition, variables: bool) -> Callable[[dict[str, str]], bool] | None:  # noqa: FBT001
    """Return the test of a condition, None for values that only a request or deployment knows."""
    from org_constructs.evaluation._conditions import Context, compile_condition

    if any(is_deferred(value) or "${" in value for value in condition.values):
        return None
    compiled = compile_condition(condition, variables=variables)
    return lambda known: compiled(Context(known), [])


def is_about_everything(statement: ParsedStatement) -> bool:
    """Tell whether a statement is about every resource."""
    if statement.not_resources:
        return False
    return not statement.resources or EVERYTHING in statement.resources


def fences(statement: ParsedStatement) -> bool:
    """Tell whether a statement denies by Region what it does not exempt."""
    return (
        statement.effect == "Deny"
        and (bool(statement.not_actions) or EVERYTHING in statement.actions)
        and any(
            condition.key.lower() == REGION_KEY and condition.operator != "Null"
            for condition in statement.conditions
        )
    )
