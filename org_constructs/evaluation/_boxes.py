"""The search for a request that several sets of policies judge in a forbidden way.

A statement is a box: in every dimension (action, resource, a condition key) it takes some cells.
The search fixes one dimension after another and follows only what can still make a difference.
Boxes that are alike in all dimensions still open count as one, so that a set of statements written
in two ways is soon the same.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import product
from typing import Final, Generic, TypeVar

__all__ = ["ALLOWED", "EXPLICIT", "IMPLICIT", "Search", "Side", "TooManyStepsError", "settled"]

ALLOWED: Final = 1
EXPLICIT: Final = 2
IMPLICIT: Final = 4

Example = TypeVar("Example")
# What is told of the outcomes of all sides: whether together they are what is searched for.
Bad = Callable[[tuple[int, ...]], bool]
# The number of a box without further requirements.
_DONE: Final = -1


@dataclass(frozen=True, slots=True)
class Side:
    """One set of policies: which boxes deny, and which allow at every level, a bit for each."""

    deny: int
    levels: tuple[int, ...]

    def among(self, boxes: int) -> Side:
        """Return what is left of it where only some boxes take the request."""
        return Side(self.deny & boxes, tuple(level & boxes for level in self.levels))

    def has(self, box: int) -> bool:
        """Tell whether a box matters."""
        return any(boxes >> box & 1 for boxes in (self.deny, *self.levels))

    def numbered(self, boxes: Sequence[int]) -> Side:
        """Return the same with other numbers: each box's place in a sequence."""

        def mask(given: int) -> int:
            return sum(1 << new for new, old in enumerate(boxes) if given >> old & 1)

        return Side(mask(self.deny), tuple(map(mask, self.levels)))


@dataclass(frozen=True, slots=True)
class _State:
    """What is left of a side; `levels` are those without an allowing statement so far."""

    is_denied: bool
    deny: int
    levels: tuple[int, ...]

    @property
    def boxes(self) -> int:
        found = self.deny
        for level in self.levels:
            found |= level
        return found

    def outcomes(self) -> tuple[int, ...]:
        if self.is_denied:
            return (EXPLICIT,)
        found = [EXPLICIT] if self.deny else []
        if all(self.levels):
            found.append(ALLOWED)
        if self.levels:
            found.append(IMPLICIT)
        return tuple(found)

    def is_at_most(self, other: _State) -> bool:
        """Tell whether what this side allows the other surely allows."""
        if self.is_denied or not all(self.levels):
            return True
        if other.is_denied or other.deny & ~self.deny:
            return False
        return all(any(not mine & ~level for mine in self.levels) for level in other.levels)


class TooManyStepsError(Exception):
    """The search has taken as many steps as it may."""


class Search(Generic[Example]):
    """Searches the product of all dimensions.

    Args:
        boxes: how many there are.
        dimensions: the cells of each dimension: the boxes that take the cell, and an example.
        limit: how many steps may be taken.
        stop: how many dimensions are searched; what depends on further ones is not found.
    """

    def __init__(
        self,
        boxes: int,
        dimensions: Sequence[Sequence[tuple[int, Example]]],
        *,
        limit: int,
        stop: int | None = None,
    ) -> None:
        self._boxes = boxes
        self._stop = len(dimensions) if stop is None else stop
        self._dimensions = [_merged(cells) for cells in dimensions]
        self._limit = limit
        self.steps = 0

    def find(self, sides: Sequence[Side], bad: Bad) -> dict[int, Example] | None:
        """Return examples by dimension of a bad request, None if there is no such request.

        A dimension that makes no difference is left out.

        Raises:
            TooManyStepsError: if it takes too long.
        """
        return self._visit(0, tuple(self._start(side) for side in sides), bad, set())

    def _start(self, side: Side) -> _State:
        return self._after(
            0, _State(is_denied=False, deny=side.deny, levels=tuple(side.levels)), -1
        )

    @cached_property
    def _same(self) -> list[list[int]]:
        """For each dimension the first box that is like a box from there on."""
        last = [_DONE] * self._boxes
        rows = [last]
        for cells in reversed(self._dimensions):
            taken = [0] * self._boxes
            for number, (mask, _) in enumerate(cells):
                for box in _bits(mask):
                    taken[box] |= 1 << number
            everything = (1 << len(cells)) - 1
            first: dict[tuple[int, int], int] = {}
            row = [
                _DONE
                if (taken[box], last[box]) == (everything, _DONE)
                else first.setdefault((taken[box], last[box]), box)
                for box in range(self._boxes)
            ]
            rows.append(row)
            last = row
        return rows[::-1]

    def _after(self, dimension: int, state: _State, taken: int) -> _State:
        """Return what is left in a dimension of the boxes that are taken."""
        if state.is_denied:
            return state
        same = self._same[dimension]
        deny = 0
        for box in _bits(state.deny & taken):
            if same[box] == _DONE:
                return _DENIED
            deny |= 1 << same[box]
        levels = set()
        for level in state.levels:
            left = 0
            for box in _bits(level & taken):
                if same[box] == _DONE:
                    break
                left |= 1 << same[box]
            else:
                levels.add(left)
        if 0 in levels:
            levels = {0}
        return _State(is_denied=False, deny=deny, levels=tuple(sorted(levels)))

    def _visit(
        self,
        dimension: int,
        states: tuple[_State, ...],
        bad: Bad,
        known: set[tuple[int, tuple[_State, ...]]],
    ) -> dict[int, Example] | None:
        judged = _judge(states, bad)
        if judged is not None:
            return {} if judged else None
        if dimension == self._stop:
            return None
        key = (dimension, states)
        if key in known:
            return None
        relevant = 0
        for state in states:
            relevant |= state.boxes
        groups: dict[int, Example] = {}
        for mask, example in self._dimensions[dimension]:
            groups.setdefault(mask & relevant, example)
        # As much as it costs, so that a limit is one of time, and the same on every machine.
        self.steps += (
            1 + (len(groups) * relevant.bit_count() + len(self._dimensions[dimension])) // 16
        )
        if self.steps > self._limit:
            raise TooManyStepsError(f"more than {self._limit} steps")
        for taken, example in groups.items():
            after = tuple(self._after(dimension + 1, state, taken) for state in states)
            found = self._visit(dimension + 1, after, bad, known)
            if found is not None:
                return found if len(groups) == 1 else {dimension: example, **found}
        known.add(key)
        return None


_DENIED: Final = _State(is_denied=True, deny=0, levels=())


def _judge(states: tuple[_State, ...], bad: Bad) -> bool | None:
    """Tell whether the outcome is surely bad, or surely not; None if it depends."""
    at_most = [
        (i, k)
        for i, one in enumerate(states)
        for k, other in enumerate(states)
        if i != k and one.is_at_most(other)
    ]
    equal = [(i, k) for i, one in enumerate(states) for k in range(i) if one == states[k]]
    found = {
        bad(outcome)
        for outcome in product(*(state.outcomes() for state in states))
        if all(outcome[i] != ALLOWED or outcome[k] == ALLOWED for i, k in at_most)
        and all(outcome[i] == outcome[k] for i, k in equal)
    }
    return found.pop() if len(found) == 1 else None


def settled(sides: Sequence[Side], bad: Bad) -> bool | None:
    """Tell at once, without looking into boxes, whether something is bad; None if it depends."""
    return _judge(
        tuple(
            _State(is_denied=False, deny=side.deny, levels=tuple(sorted(set(side.levels))))
            for side in sides
        ),
        bad,
    )


def _merged(cells: Iterable[tuple[int, Example]]) -> list[tuple[int, Example]]:
    first: dict[int, Example] = {}
    for mask, example in cells:
        first.setdefault(mask, example)
    return list(first.items())


def _bits(mask: int) -> Iterable[int]:
    while mask:
        low = mask & -mask
        yield low.bit_length() - 1
        mask ^= low
