"""A Region fence holds: outside its Regions nothing regional is left that it did not mean to leave.

Proved by evaluation over the catalogue of actions: what everything on the way to the target
denies together in a Region that is not open. AWS's published lists of what has to be exempt, and
services that are global, are no leak.
Source: https://docs.aws.amazon.com/organizations/latest/userguide/orgs_manage_policies_scps_examples_general.html#example-scp-deny-region
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from typing import TYPE_CHECKING

from ._certain import ORDINARY_PRINCIPAL, applies, is_about_everything
from ._check import CheckContext, Finding, Severity
from ._documents import Judgement, PolicyDocument, finding_of, listed
from ._fences import FUTURE_REGION, open_regions
from ._levels import policies_above
from ._patterns import EVERYTHING, covers

if TYPE_CHECKING:
    from org_constructs.evaluation._syntax import ParsedStatement
    from org_constructs.evaluation.catalogue import Catalogue

# An exemption may be wanted.
ACKNOWLEDGEABLE = ("ORG214",)


def check(context: CheckContext) -> Iterator[Finding]:
    """Find fences that leave regional actions open elsewhere, or leave every Region open."""
    documents = {p.key: document for document in context.documents for p in document.policies}
    for key, document in documents.items():
        policy = context.model.policies[key]
        for statement in document.denials:
            regions = open_regions(document, statement.index)
            if not regions:
                continue
            if FUTURE_REGION in regions:
                yield from (
                    finding_of(policy, "ORG214", judgement)
                    for judgement in _without_fence(statement, regions, document)
                )
                continue
            if not _beyond_published(statement, document.partition):
                continue
            above = [
                documents[p.key] for p in policies_above(context, policy) if p.key in documents
            ]
            open_actions = _open_actions(document, statement.index, (document, *above))
            if open_actions:
                names = listed(open_actions)
                yield finding_of(
                    policy,
                    "ORG214",
                    Judgement(
                        statement=statement,
                        message=f"the fence around {listed(sorted(regions))} does not hold for {names}: these actions "
                        "are regional and stay allowed in every other region",
                        remedy="remove them from NotAction, or deny them by region in a statement of their own; "
                        "acknowledge ORG214 where that is meant",
                    ),
                )


def _without_fence(
    statement: ParsedStatement, regions: frozenset[str], document: PolicyDocument
) -> Iterator[Judgement]:
    from org_constructs.model.partitions import partitions

    closed = sorted({*partitions()[document.partition].regions} - regions)
    if closed:
        yield Judgement(
            statement=statement,
            message=f"it closes {listed(closed)} only and leaves every other region open, those to come included",
            remedy="where a fence is meant, write StringNotEquals with the regions that stay open; "
            "otherwise acknowledge ORG214",
        )
    else:
        yield Judgement(
            statement=statement,
            severity=Severity.ERROR,
            message="its condition on aws:RequestedRegion holds in no region, so it denies nothing",
            remedy="name the regions that stay open: StringNotEquals aws:RequestedRegion ['eu-west-1']",
        )


@lru_cache(maxsize=256)
def _beyond_published(statement: ParsedStatement, partition: str) -> bool:
    """Tell whether a fence exempts more than has to be; this is found without the catalogue."""
    published = _published(partition)
    beyond = {name.lower() for name in statement.not_actions} - set(published)
    return any(not any(covers(known, name) for known in published) for name in beyond)


@lru_cache(maxsize=16)
def _published(partition: str) -> tuple[str, ...]:
    from org_constructs.guardrails._global_services import exempt_actions

    return tuple(name.lower() for name in exempt_actions(partition))


@lru_cache(maxsize=256)
def _open_actions(
    document: PolicyDocument, index: int, together: tuple[PolicyDocument, ...]
) -> tuple[str, ...]:
    """Return the exemptions of a fence by which something regional stays allowed outside it."""
    from org_constructs.evaluation.catalogue import catalogue

    known = catalogue()
    fence = document.parsed.statements[index]
    left = _mask(known, fence.not_actions) & ~_mask(known, _published(document.partition))
    principal = ORDINARY_PRINCIPAL.format(partition=document.partition)
    for other in together:
        for statement in other.denials:
            answer = applies(statement, region=FUTURE_REGION, principal=principal)
            is_broad = bool(statement.not_actions) or EVERYTHING in statement.actions
            if answer is False or (is_broad and not (answer and is_about_everything(statement))):
                continue
            # Of what somebody has restricted by name, on conditions, nothing is said.
            left &= (
                _mask(known, statement.not_actions)
                if statement.not_actions
                else ~_mask(known, statement.actions)
            )
    return tuple(name for name in fence.not_actions if known.mask(name) & left)


def _mask(known: Catalogue, patterns: tuple[str, ...]) -> int:
    mask = 0
    for pattern in patterns:
        mask |= known.mask(pattern)
    return mask
