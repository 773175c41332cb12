"""The one chain in which AWS takes an organization's writes, computed without CDK.

AWS Organizations takes one write at a time. Every resource therefore waits for one predecessor,
and the place of each is decided by its stage and id alone: never by the order of declaration,
and for accounts never by their OU, so that an edit alters one `DependsOn` and nothing else.
"""

from __future__ import annotations

import heapq
from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import IntEnum
from typing import Generic, TypeVar

T = TypeVar("T", bound=Hashable)


class OrderStage(IntEnum):
    """What is written first: a later stage needs the earlier ones in force."""

    ORGANIZATION = 0
    ORGANIZATIONAL_UNIT = 1
    # Policy types, administrators and contacts need the trust of their service.
    TRUSTED_ACCESS = 2
    # Policy types.
    SETTING = 3
    CONTAINER_POLICY = 4
    # FullAWSAccess goes when the policies that allow in its place are attached.
    CONTAINER_ALLOW_LIST = 5
    ACCOUNT = 6
    UNTARGETED_POLICY = 7
    # What moves accounts later learns of an OU only when its policies are attached, and before
    # accounts are moved there: it would take them back to an OU whose policies are about to go.
    INVITATION_SWEEP = 8
    INVITATION = 9
    # What protects nothing comes late, so that it holds up nothing that does.
    ORGANIZATION_SETTING = 10
    CONTACT = 11
    # Last: a name that cannot be given holds up nothing.
    ACCOUNT_NAME = 12


@dataclass(frozen=True, slots=True)
class Position:
    """Where a resource stands when nothing but stages and ids decides.

    Attributes:
        stage: what kind of write it is.
        path: ids from the outermost parent down; a parent sorts before its children.
        rank: 0 for a thing itself, 1 for what is attached to it.
        name: construct path; tells things apart that share a place.
    """

    stage: OrderStage
    path: tuple[str, ...]
    name: str
    rank: int = 0

    @property
    def key(self) -> tuple[int, tuple[str, ...], int, str]:
        """The sort key."""
        return (int(self.stage), self.path, self.rank, self.name)


class CycleError(ValueError, Generic[T]):
    """Dependencies that contradict each other; `cycle` lists the items, each needing the next."""

    def __init__(self, cycle: Sequence[T]) -> None:
        super().__init__("dependencies form a cycle")
        self.cycle = tuple(cycle)


def chain(positions: Mapping[T, Position], needs: Mapping[T, Iterable[T]]) -> list[T]:
    """Return all items in the order in which AWS shall see them.

    Args:
        positions: where each item stands by itself.
        needs: per item what must come before it; names that are not in `positions` are ignored.

    Returns:
        The items by position, except that one which needs a later one is delayed until just
        after it. Equal input gives equal output, whatever the order of the mappings.

    Raises:
        CycleError: when no order satisfies `needs`.
    """
    waiting: dict[T, set[T]] = {
        item: {other for other in needs.get(item, ()) if other in positions and other != item}
        for item in positions
    }
    followers: dict[T, list[T]] = {item: [] for item in positions}
    for item, others in waiting.items():
        for other in others:
            followers[other].append(item)
    # The running number only keeps the heap from comparing items; equal keys do not occur.
    ranked = {item: (position.key, n) for n, (item, position) in enumerate(positions.items())}
    ready = [(ranked[item], item) for item, others in waiting.items() if not others]
    heapq.heapify(ready)
    ordered: list[T] = []
    while ready:
        _, item = heapq.heappop(ready)
        ordered.append(item)
        for follower in followers[item]:
            waiting[follower].discard(item)
            if not waiting[follower]:
                heapq.heappush(ready, (ranked[follower], follower))
    if len(ordered) < len(positions):
        raise CycleError(_find_cycle({item: left for item, left in waiting.items() if left}))
    return ordered


def _find_cycle(waiting: Mapping[T, set[T]]) -> list[T]:
    """Return one cycle among items that all wait for another of them."""
    item = next(iter(waiting))
    seen: dict[T, int] = {}
    walk: list[T] = []
    while item not in seen:
        seen[item] = len(walk)
        walk.append(item)
        item = next(other for other in waiting[item] if other in waiting)
    return walk[seen[item] :]
