"""`ForAllValues` holds for a request that does not have the key at all.

A Deny then denies, and an Allow allows, what says nothing about the key.
Source: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-single-vs-multi-valued-context-keys.html
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from ._check import CheckContext, Finding
from ._documents import Judgement, PolicyDocument, judged, of_key

if TYPE_CHECKING:
    from org_constructs.evaluation._syntax import ParsedStatement

ACKNOWLEDGEABLE = ("ORG204",)


def check(context: CheckContext) -> Iterator[Finding]:
    """Find ForAllValues without a condition that the key is there."""
    yield from judged(context, "ORG204", _judge)


def _judge(document: PolicyDocument) -> Iterator[Judgement]:
    for statement in document.parsed.statements:
        for condition in statement.conditions:
            if condition.quantifier == "ForAllValues" and not _is_there(statement, condition.key):
                verb = "denies" if statement.effect == "Deny" else "allows"
                yield Judgement(
                    statement=statement,
                    message=f"{condition.name} {condition.key} holds for a request without the key, so the statement "
                    f"{verb} it as well",
                    remedy=f"add the condition Null '{condition.key}': 'false', or write ForAnyValue where one value is enough",
                )


def _is_there(statement: ParsedStatement, key: str) -> bool:
    """Tell whether another condition of the statement fails without the key."""
    for condition in of_key(statement, key):
        if condition.operator == "Null":
            if condition.values == ("false",) and condition.quantifier != "ForAllValues":
                return True
        elif condition.if_exists or condition.quantifier == "ForAllValues":
            continue
        elif condition.quantifier or "Not" not in condition.operator:
            # Either fails without the key.
            return True
    return False
