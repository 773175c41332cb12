"""A statement does something that no other on the way to its target does already.

A second denial of the same hides what is in force: who removes one of the two changes nothing.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from typing import TYPE_CHECKING

from ._check import CheckContext, Finding
from ._coverage import does_all_of
from ._documents import Judgement, PolicyDocument, finding_of, judged, listed
from ._levels import policies_above

if TYPE_CHECKING:
    from org_constructs.evaluation._syntax import ParsedStatement
    from org_constructs.model.organization import DeclaredPolicy

ACKNOWLEDGEABLE = ("ORG208",)

_REMEDY = "remove it, or acknowledge ORG208 where both are wanted"
_Covered = dict[int, "ParsedStatement"]


def check(context: CheckContext) -> Iterator[Finding]:
    """Find statements covered in their own policy, on their target or above it."""
    yield from judged(context, "ORG208", _within_document)
    documents = {
        policy.key: document for document in context.documents for policy in document.policies
    }
    for key, document in documents.items():
        policy = context.model.policies[key]
        denials = {s.index for s in document.denials}
        by_other: dict[str, _Covered] = {}
        for other in policies_above(context.model, policy):
            if other.key in documents:
                found = _covered(document, documents[other.key])
                if found:
                    by_other[other.key] = found
        for other_key, covered in by_other.items():
            other = context.model.policies[other_key]
            if len(denials) == len(document.parsed.statements) and covered.keys() >= denials:
                yield finding_of(policy, "ORG208", _whole(context, policy, other))
                break
        else:
            yield from _single(context, policy, document, by_other)


def _single(
    context: CheckContext,
    policy: DeclaredPolicy,
    document: PolicyDocument,
    by_other: dict[str, _Covered],
) -> Iterator[Finding]:
    for statement in document.denials:
        for other_key, covered in by_other.items():
            if statement.index in covered:
                other = context.model.policies[other_key]
                judgement = Judgement(
                    statement=statement,
                    message=f"what it denies is denied by {covered[statement.index].where} of '{other.path}' "
                    f"already{_place(context, policy, other)}",
                    remedy=_REMEDY,
                )
                yield finding_of(policy, "ORG208", judgement)
                break


def _whole(context: CheckContext, policy: DeclaredPolicy, other: DeclaredPolicy) -> Judgement:
    return Judgement(
        statement=None,
        message=f"it has no effect: all it denies is denied by '{other.path}' already{_place(context, policy, other)}",
        remedy=_REMEDY,
    )


def _place(context: CheckContext, policy: DeclaredPolicy, other: DeclaredPolicy) -> str:
    if set(policy.targets) <= set(other.targets):
        return ", on the same target"
    return f", on {listed(context.model.shown(target) for target in other.targets)} above it"


@lru_cache(maxsize=1024)
def _covered(document: PolicyDocument, other: PolicyDocument) -> _Covered:
    """Return the denials that another document has as well, and by what statement."""
    found: _Covered = {}
    for statement in document.denials:
        wider = next((s for s in other.denials if does_all_of(s, statement)), None)
        if wider is not None:
            found[statement.index] = wider
    return found


def _within_document(document: PolicyDocument) -> Iterator[Judgement]:
    statements = document.parsed.statements
    for statement in statements:
        for other in statements:
            if other is statement or not does_all_of(other, statement):
                continue
            # Of two that do the same the second one is too many.
            if does_all_of(statement, other) and other.index > statement.index:
                continue
            verb = "denies" if statement.effect == "Deny" else "allows"
            yield Judgement(
                statement=statement,
                message=f"all it {verb}, {other.where} of the same policy {verb} as well",
                remedy=_REMEDY,
            )
            break
