"""What a Region fence lets through, from a statement or from all that reach a target."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

from org_constructs.model.partitions import partitions

from ._certain import (
    ORDINARY_PRINCIPAL,
    PRINCIPAL_KEY,
    REGION_KEY,
    all_hold,
    fences,
    is_about_everything,
)

if TYPE_CHECKING:
    from org_constructs.evaluation._syntax import ParsedStatement

    from ._documents import PolicyDocument

# A Region that does not exist: what is denied there is denied in every Region to come.
FUTURE_REGION = "zz-nowhere-9"


@lru_cache(maxsize=512)
def open_regions(document: PolicyDocument, index: int) -> frozenset[str] | None:
    """Return the Regions that a fence leaves open, None when it is no fence or depends on more."""
    statement = document.parsed.statements[index]
    if not document.binds_principals or not fences(statement) or not is_about_everything(statement):
        return None
    return _open(statement, document.partition)


def _open(statement: ParsedStatement, partition: str) -> frozenset[str] | None:
    regional = [c for c in statement.conditions if c.key.lower() == REGION_KEY]
    others = [c for c in statement.conditions if c.key.lower() != REGION_KEY]
    anyone = {PRINCIPAL_KEY: ORDINARY_PRINCIPAL.format(partition=partition)}
    if all_hold(others, anyone, variables=statement.variables) is not True:
        # It is around some principals, or some requests, only.
        return None
    found = set()
    for region in (*partitions()[partition].regions, FUTURE_REGION):
        answer = all_hold(regional, {REGION_KEY: region}, variables=statement.variables)
        if answer is None:
            return None
        if not answer:
            found.add(region)
    return frozenset(found)
