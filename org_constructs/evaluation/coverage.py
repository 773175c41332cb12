"""Whether a moment of a deployment lacks a denial, judged by decisions and not by documents.

Nothing may be allowed at any moment that is denied both before and after. Only Deny statements
count: what nobody allows is no guardrail here, as AWS's FullAWSAccess stays attached.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from functools import lru_cache
from typing import Final, TypeVar

from org_constructs.model.denials import Denials, Lost, as_documents

from ._syntax import RCP, SCP, Kind, ParsedPolicy, PolicySyntaxError, parse_policy
from .equivalence import AtMost, Different, NotDecided, PolicySet, is_at_most

__all__ = ["lost_denials"]

K = TypeVar("K")
_FULL_ACCESS: Final = parse_policy(
    {
        "Version": "2012-10-17",
        "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}],
    }
)
_NOT_KNOWN: Final = (
    "the lock file has hashes only, of a release that did not keep statements; "
    "`orgctl lock` writes them"
)


def lost_denials(before: Denials[K], after: Denials[K], now: Denials[K]) -> Lost[K]:
    """Return what is not denied now although it is denied before and after.

    Denials are compared by what they mean. Where that cannot be told they are compared as
    documents, and the result says so.

    Args:
        before: Deny statements in force before, as JSON, by any key.
        after: Deny statements in force in the end.
        now: Deny statements in force at the moment.
    """
    # All that is denied at one end is denied now.
    if before.keys() <= now.keys() or after.keys() <= now.keys():
        return Lost()
    texts = [*before.values(), *after.values(), *now.values()]
    if None in texts:
        found = as_documents(before, after, now)
        return Lost(denials=found.denials, undecided=_NOT_KNOWN)
    lost: set[str] = set()
    example = undecided = ""
    for kind in (SCP, RCP):
        sides = [tuple(sorted(_of_kind(side.values(), kind))) for side in (before, after, now)]
        judged = _lost(kind, *sides)
        lost |= judged.denials
        example, undecided = example or judged.example, undecided or judged.undecided
    return Lost(
        denials=frozenset(key for key, text in before.items() if text in lost),
        example=example,
        undecided=undecided,
    )


def _of_kind(statements: Iterable[str | None], kind: Kind) -> set[str]:
    return {text for text in statements if text and _kind(text) == kind}


@lru_cache(maxsize=4096)
def _kind(statement: str) -> Kind:
    # Documentation: a principal is what a service control policy cannot name, the other has to.
    return RCP if "Principal" in json.loads(statement) else SCP


@lru_cache(maxsize=1024)
def _lost(
    kind: Kind, before: tuple[str, ...], after: tuple[str, ...], now: tuple[str, ...]
) -> Lost[str]:
    candidates = sorted(set(before) - set(now))
    if not candidates or set(after) <= set(now):
        return Lost()
    documents = frozenset((set(before) & set(after)) - set(now))
    try:
        whole = is_at_most(_set(kind, now), _set(kind, before), _set(kind, after))
        if isinstance(whole, AtMost):
            return Lost()
        lost: set[str] = set()
        undecided = ""
        for statement in candidates:
            found = is_at_most(_set(kind, now), _set(kind, [statement]), _set(kind, after))
            if isinstance(found, Different):
                lost.add(statement)
                whole = found if isinstance(whole, NotDecided) else whole
            elif isinstance(found, NotDecided):
                undecided = found.why
                lost |= {statement} & documents
    except PolicySyntaxError as error:
        return Lost(denials=documents, undecided=str(error))
    if isinstance(whole, NotDecided):
        return Lost(denials=frozenset(lost), undecided=undecided or whole.why)
    # The request is denied by some of them, even where it is not known by which.
    return Lost(denials=frozenset(lost or candidates), example=str(whole.counterexample))


def _set(kind: Kind, statements: Iterable[str]) -> PolicySet:
    parsed = [_parsed(kind, statement) for statement in statements]
    if kind == RCP:
        return PolicySet(resource_levels=[parsed])
    return PolicySet(levels=[[_FULL_ACCESS, *parsed]])


@lru_cache(maxsize=4096)
def _parsed(kind: Kind, statement: str) -> ParsedPolicy:
    return parse_policy(
        {"Version": "2012-10-17", "Statement": [json.loads(statement)]},
        name="denial",
        kind=kind,
        unknowns="keep",
    )
