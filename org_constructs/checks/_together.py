"""Whether several statements together deny all that one does: proved, never guessed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import lru_cache
from typing import TYPE_CHECKING

from ._patterns import EVERYTHING, meet

if TYPE_CHECKING:
    from org_constructs.evaluation._syntax import ParsedStatement

# Combinations that are tried before nothing is said: a synthesis does not wait for a proof.
_LIMIT = 5_000


def denying_together(
    statement: ParsedStatement, others: Sequence[ParsedStatement]
) -> tuple[ParsedStatement, ...]:
    """Return which of some denials deny together all that one denies, nothing if they do not.

    Only those that ask for no more keys than the statement itself can: what makes a difference to
    them would otherwise make one to what they deny of it.
    """
    keys = {condition.key.lower() for condition in statement.conditions}
    able = tuple(
        other
        for other in others
        if {condition.key.lower() for condition in other.conditions} <= keys
        and any(_meet(action, other) for action in _actions(statement))
    )
    if _is_broad(statement):
        # What denies all but a few is not put together from what denies a few.
        is_possible = any(_is_broad(other) for other in able)
    else:
        is_possible = all(any(_meet(a, other) for other in able) for a in _actions(statement))
    return able if is_possible and _is_covered(statement, able) else ()


def _is_broad(statement: ParsedStatement) -> bool:
    return bool(statement.not_actions) or EVERYTHING in statement.actions


def _actions(statement: ParsedStatement) -> tuple[str, ...]:
    return tuple(action.lower() for action in statement.actions) or (EVERYTHING,)


def _meet(action: str, other: ParsedStatement) -> bool:
    if other.not_actions:
        # Written in full, what is left out is not denied.
        return action not in {name.lower() for name in other.not_actions}
    return any(meet(action, name.lower()) for name in other.actions)


@lru_cache(maxsize=1024)
def _is_covered(statement: ParsedStatement, others: tuple[ParsedStatement, ...]) -> bool:
    from org_constructs.evaluation._syntax import ParsedPolicy, ParsedStatement
    from org_constructs.evaluation.equivalence import Equal, compare

    everything = ParsedStatement(effect="Allow", actions=(EVERYTHING,), resources=(EVERYTHING,))

    def policy(*denials: ParsedStatement) -> ParsedPolicy:
        numbered = (replace(s, index=n) for n, s in enumerate((everything, *denials)))
        return ParsedPolicy(statements=tuple(numbered))

    without, together = policy(*others), policy(*others, statement)
    return isinstance(compare([[without]], [[together]], limit=_LIMIT), Equal)
