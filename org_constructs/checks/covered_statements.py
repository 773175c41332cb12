"""A statement does something that no other on the way to its target does already.

A second denial of the same hides what is in force: who removes one of the two changes nothing.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from typing import TYPE_CHECKING

from ._check import CheckContext, Finding
from ._coverage import does_all_of
from ._documents import Judgement, PolicyDocument, finding_of, judged, listed
from ._levels import policies_above
from ._together import denying_together

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
        above = [p for p in policies_above(context, policy) if p.key in documents]
        covering = [(other, _covered(document, documents[other.key])) for other in above]
        denials = {s.index for s in document.denials}
        if len(denials) == len(document.parsed.statements):
            whole = next((other for other, covered in covering if covered.keys() >= denials), None)
            if whole is not None:
                yield finding_of(policy, "ORG208", _whole(context, policy, whole))
                continue
        for statement in document.denials:
            judgement = _single(context, policy, statement, covering)
            if judgement is None and document.binds_principals:
                judgement = _several(policy, statement, document, above, documents)
            if judgement is not None:
                yield finding_of(policy, "ORG208", judgement)


def _single(
    context: CheckContext,
    policy: DeclaredPolicy,
    statement: ParsedStatement,
    covering: Sequence[tuple[DeclaredPolicy, _Covered]],
) -> Judgement | None:
    for other, covered in covering:
        if statement.index in covered:
            return Judgement(
                statement=statement,
                message=f"what it denies is denied by {covered[statement.index].where} of '{other.path}' "
                f"already{_place(context, policy, other)}",
                remedy=_REMEDY,
            )
    return None


def _several(
    policy: DeclaredPolicy,
    statement: ParsedStatement,
    document: PolicyDocument,
    above: Sequence[DeclaredPolicy],
    documents: Mapping[str, PolicyDocument],
) -> Judgement | None:
    """Tell what several statements deny together; of the same policy only the ones before count."""
    places: dict[ParsedStatement, str] = {}
    for other in document.denials:
        if other.index < statement.index:
            places.setdefault(other, f"{other.where} of '{policy.path}'")
    if any(does_all_of(other, statement) for other in document.denials if other is not statement):
        # It has been said by which one.
        return None
    for owner in above:
        for other in documents[owner.key].denials:
            places.setdefault(other, f"{other.where} of '{owner.path}'")
    together = denying_together(statement, tuple(places))
    if not together:
        return None
    return Judgement(
        statement=statement,
        message=f"what it denies is denied already by {' and '.join(places[s] for s in together)}",
        remedy=_REMEDY,
    )


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
