"""Whether a moment of a deployment lacks a denial, judged by decisions and not by documents.

Nothing may be allowed at any moment that is denied both before and after. Only Deny statements
count: what nobody allows is no guardrail here, as AWS's FullAWSAccess stays attached.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from dataclasses import replace
from functools import lru_cache
from typing import Final, TypeVar

from org_constructs.model.denials import Denials, Lost, as_documents

from ._requirements import DEFERRED, box_of
from ._syntax import RCP, SCP, Kind, ParsedPolicy, PolicySyntaxError, parse_policy
from .decision import Request, decide
from .equivalence import AtMost, Counterexample, Different, NotDecided, PolicySet, is_at_most

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
        return replace(as_documents(before, after, now), undecided=_NOT_KNOWN)
    lost: dict[str, str] = {}
    undecided = ""
    # Each kind by itself: one is about the principals of an account, the other about its resources.
    for kind in (SCP, RCP):
        judged = _lost(kind, *(_of_kind(side.values(), kind) for side in (before, after, now)))
        lost |= judged.denials
        undecided = undecided or judged.undecided
    return Lost(
        denials={key: lost[text] for key, text in before.items() if text and text in lost},
        undecided=undecided,
    )


def _of_kind(statements: Iterable[str | None], kind: Kind) -> tuple[str, ...]:
    return tuple(sorted({text for text in statements if text and _kind(text) == kind}))


@lru_cache(maxsize=4096)
def _kind(statement: str) -> Kind:
    # Documentation: a principal is what a service control policy cannot name, the other has to.
    return RCP if "Principal" in json.loads(statement) else SCP


@lru_cache(maxsize=1024)
def _lost(
    kind: Kind, before: tuple[str, ...], after: tuple[str, ...], now: tuple[str, ...]
) -> Lost[str]:
    there = set(now)
    candidates = [statement for statement in before if statement not in there]
    if not candidates or there.issuperset(after):
        return Lost()
    documents = as_documents(*(dict(zip(s, s, strict=True)) for s in (before, after, now)))
    try:
        whole = is_at_most(*(_set(kind, side) for side in (now, before, after)))
        if isinstance(whole, AtMost):
            return Lost()
        lost: dict[str, str] = {}
        undecided = ""
        passing: list[Counterexample] = []
        for statement in candidates:
            alone = _set(kind, [statement])
            if known := next((p for p in passing if _denies(kind, statement, p.request)), None):
                lost[statement] = str(known)
                continue
            near = [_set(kind, _near(statement, side)) for side in (now, after)]
            found = is_at_most(near[0], alone, near[1])
            if isinstance(found, Different):
                passing.append(found.counterexample)
                lost[statement] = str(found.counterexample)
            elif isinstance(found, NotDecided):
                undecided = found.why
                if statement in documents.denials:
                    lost[statement] = ""
    except PolicySyntaxError as error:
        return Lost(denials=documents.denials, undecided=str(error))
    if isinstance(whole, Different) and not any(lost.values()):
        # The request is denied by one of them, and it is not known by which.
        lost = dict.fromkeys(lost or candidates, str(whole.counterexample))
    return Lost(denials=lost, undecided=undecided)


def _denies(kind: Kind, statement: str, request: Request) -> bool:
    """Tell whether a statement surely denies a request."""
    if not request.action.lower().startswith(_beginning(statement)):
        return False
    policy = _parsed(kind, statement)
    if any(what == DEFERRED for s in policy.statements for what, *_ in box_of(s, kind).opaque):
        return False
    policies = _set(kind, [statement])
    found = decide(policies.levels, request, resource_levels=policies.resource_levels)
    return not found.allowed


def _near(statement: str, others: Iterable[str]) -> list[str]:
    """Return the statements that may be about the same actions; the others make no difference."""
    about = _beginning(statement)
    return [
        other
        for other in others
        if (begins := _beginning(other)).startswith(about) or about.startswith(begins)
    ]


@lru_cache(maxsize=4096)
def _beginning(statement: str) -> str:
    """Return what all actions of a statement begin with."""
    action = json.loads(statement).get("Action", "*")
    return re.split(r"[*?]", action, maxsplit=1)[0].lower() if isinstance(action, str) else ""


def _set(kind: Kind, statements: Iterable[str]) -> PolicySet:
    """Return policies that deny this and allow all else."""
    parsed = [_parsed(kind, statement) for statement in _joined(statements)]
    if kind == RCP:
        return PolicySet(resource_levels=[parsed])
    return PolicySet(levels=[[_FULL_ACCESS, *parsed]])


def _joined(statements: Iterable[str]) -> Iterable[str]:
    """Return statements that differ in their action only as one, which is sooner compared."""
    by_rest: dict[str, list[str]] = {}
    for statement in statements:
        content = json.loads(statement)
        actions = content.pop("Action", None)
        if isinstance(actions, str):
            rest = json.dumps(content, sort_keys=True)
            by_rest.setdefault(rest, []).append(actions)
        else:
            yield statement
    for rest, actions in by_rest.items():
        yield json.dumps({**json.loads(rest), "Action": actions})


@lru_cache(maxsize=4096)
def _parsed(kind: Kind, statement: str) -> ParsedPolicy:
    return parse_policy(
        {"Version": "2012-10-17", "Statement": [json.loads(statement)]},
        name="denial",
        kind=kind,
        unknowns="keep",
    )
