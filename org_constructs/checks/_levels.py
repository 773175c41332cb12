"""Which policies reach a target: those on it and on what holds it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from org_constructs.model.organization import DeclaredPolicy, OrganizationModel


def policies_above(model: OrganizationModel, policy: DeclaredPolicy) -> Iterator[DeclaredPolicy]:
    """Return other policies of the type that reach every target of a policy.

    A policy with the same single target counts when it was declared earlier, so that of two equal
    ones one is said to be too many.
    """
    if not policy.targets:
        return
    chains = [frozenset(model.chain_of(target)) for target in policy.targets]
    own = frozenset(policy.targets)
    for other in model.policies.values():
        if other.key == policy.key:
            continue
        if other.type != policy.type or not other.targets:
            continue
        targets = frozenset(other.targets)
        if not all(targets & chain for chain in chains):
            continue
        if targets >= own >= targets and other.key > policy.key:
            continue
        yield other
