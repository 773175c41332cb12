"""Two Region fences on the way to an account leave a Region that both allow.

Each denies what is outside its own Regions, so what neither exempts is left in none.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations

from ._check import CheckContext, Finding, Severity, about
from ._documents import listed
from ._fences import FUTURE_REGION, open_regions
from ._levels import policies_above

ACKNOWLEDGEABLE = ("ORG215",)


def check(context: CheckContext) -> Iterator[Finding]:
    """Find fences on one path, or on one target, that have no Region in common."""
    fences: dict[str, list[tuple[str, frozenset[str]]]] = {}
    for document in context.documents:
        for statement in document.denials:
            regions = open_regions(document, statement.index)
            # A fence that leaves nothing open, or everything, is for other rules.
            if regions and FUTURE_REGION not in regions:
                for policy in document.policies:
                    fences.setdefault(policy.key, []).append((statement.where, regions))
    if not fences:
        return
    for policy in context.model.policies.values():
        if policy.key not in fences:
            continue
        here = [(policy, *fence) for fence in fences[policy.key]]
        above = [
            (other, *fence)
            for other in policies_above(context, policy)
            for fence in fences.get(other.key, ())
        ]
        pairs = [*combinations(here, 2), *((mine, other) for mine in here for other in above)]
        for (_, where, regions), (other, other_where, other_regions) in pairs:
            if regions.isdisjoint(other_regions):
                yield about(
                    policy,
                    code="ORG215",
                    severity=Severity.ERROR,
                    message=f"policy '{policy.path}': {where} leaves {listed(sorted(regions))} open and {other_where} of "
                    f"'{other.path}' only {listed(sorted(other_regions))}; what neither exempts is denied in every region",
                    remedy="a fence below another one can only close regions; allow the region in both",
                )
                break
