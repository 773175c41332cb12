"""Which policies reach a target: those on it and on what holds it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from org_constructs.model.organization import DeclaredPolicy

    from ._check import CheckContext


def policies_above(context: CheckContext, policy: DeclaredPolicy) -> Iterator[DeclaredPolicy]:
    """Return other policies of the type that reach every target of a policy, in a fixed order.

    Of two with the same targets only the earlier one is above the other, so that of two equal ones
    one is said to be too many.
    """
    if not policy.targets:
        return
    chains = [frozenset(context.model.chain_of(target)) for target in policy.targets]
    # What reaches every target reaches the first one.
    found = {
        other.key: other
        for node in chains[0]
        for other in context.policies_by_target.get(node, ())
        if other.type == policy.type and other.key != policy.key
    }
    own = frozenset(policy.targets)
    for key in sorted(found):
        targets = frozenset(found[key].targets)
        if all(targets & chain for chain in chains) and (targets != own or key < policy.key):
            yield found[key]
