"""A Region in a condition is one that requests have.

`eu-west1` is no Region: AWS takes the policy, and the Region that was meant stays closed, or open.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from org_constructs.model.partitions import has_region_form, nearest_region, partitions

from ._certain import REGION_KEY
from ._check import CheckContext, Finding, Severity
from ._documents import Judgement, PolicyDocument, is_deferred, judged, of_key
from ._patterns import covers

if TYPE_CHECKING:
    from org_constructs.evaluation._syntax import Condition, ParsedStatement

# A Region that is newer than this library is named in the same way.
ACKNOWLEDGEABLE = ("ORG201",)


def check(context: CheckContext) -> Iterator[Finding]:
    """Find values of aws:RequestedRegion that no request has."""
    known = [region for partition in partitions().values() for region in partition.regions]
    known += context.unlisted_regions
    yield from judged(context, "ORG201", lambda document: _judge(document, known))


def _judge(document: PolicyDocument, known: list[str]) -> Iterator[Judgement]:
    for statement in document.parsed.statements:
        for condition in of_key(statement, REGION_KEY):
            if not condition.operator.startswith("String"):
                continue
            for value in condition.values:
                if (
                    is_deferred(value)
                    or set("{}[]<>") & set(value)
                    or _exists(condition, value, known)
                ):
                    continue
                yield _judgement(statement, condition, value)


def _exists(condition: Condition, value: str, known: list[str]) -> bool:
    if condition.operator.endswith("Like"):
        return any(covers(value, region) for region in known)
    if set("*?") & set(value):
        # Another rule says what a wildcard is worth here.
        return True
    if condition.operator.endswith("IgnoreCase"):
        value = value.lower()
    return value in known


def _judgement(statement: ParsedStatement, condition: Condition, value: str) -> Judgement:
    nearest = nearest_region(value)
    is_certain = not has_region_form(value) and not set("*?") & set(value)
    return Judgement(
        statement=statement,
        severity=Severity.ERROR if is_certain else Severity.WARNING,
        message=f"{condition.name} {condition.key} '{value}' is no region"
        + (", so no request has it" if is_certain else " that is known")
        + "; the region that was meant is not the one that this names",
        remedy=(f"did you mean '{nearest}'?" if nearest else "write a code such as 'eu-west-1'")
        + ("" if is_certain else " If AWS has it by now, acknowledge ORG201"),
    )
