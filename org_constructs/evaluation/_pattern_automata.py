"""Which combinations of patterns one string can match, exactly, each with such a string.

All patterns run side by side over every string at once: a state is the set of places that the
patterns may be at, kept as one number. There are few states, because most patterns end early.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Final

from ._matching import EVERY_ARN

__all__ = ["Glob", "TooManyStatesError", "arn_pattern", "matched_sets", "text", "wildcards"]

_ARN_COLONS: Final = 5
# Bits of all states together: 64 megabytes.
_MEMORY: Final = 1 << 29
# Tried first where any sign will do, so that an example can be read.
_READABLE: Final = "xyzabcdefghijklmnopqrstuvw0123456789-_"


class Wild(Enum):
    """What a place in a pattern takes instead of one certain sign."""

    ANY = "?"
    MANY = "*"
    ANY_BUT_COLON = "? within a part"
    MANY_BUT_COLON = "* within a part"


@dataclass(frozen=True, slots=True)
class Glob:
    """A pattern.

    Attributes:
        tokens: signs and wildcards in order; None for a pattern that nothing matches.
        fold: whether the case of letters makes no difference.
    """

    tokens: tuple[str | Wild, ...] | None
    fold: bool = False


class TooManyStatesError(Exception):
    """There are more combinations than the limit.

    Attributes:
        states: how many had been seen.
    """

    def __init__(self, states: int) -> None:
        super().__init__(f"more than {states} states")
        self.states = states


def text(value: str, *, fold: bool = False) -> Glob:
    """Return the pattern that one text matches."""
    return Glob(tuple(value), fold)


def wildcards(pattern: str, *, fold: bool = False) -> Glob:
    """Return the pattern with `*` for any signs and `?` for one."""
    kinds: dict[str, str | Wild] = {"*": Wild.MANY, "?": Wild.ANY}
    return Glob(tuple(kinds.get(sign, sign) for sign in pattern), fold)


def arn_pattern(pattern: str) -> Glob:
    """Return the pattern whose wildcards stay within the part of an ARN that they stand in."""
    parts = (EVERY_ARN if pattern == "*" else pattern).split(":", _ARN_COLONS)
    if len(parts) <= _ARN_COLONS:
        return Glob(None)
    inside: dict[str, str | Wild] = {"*": Wild.MANY_BUT_COLON, "?": Wild.ANY_BUT_COLON}
    tokens: list[str | Wild] = []
    for part in parts[:-1]:
        tokens += [*(inside.get(sign, sign) for sign in part), ":"]
    return Glob((*tokens, *(wildcards(parts[-1]).tokens or ())))


class _Machine:
    """The patterns as one automaton; a state is a set of places, a bit each."""

    def __init__(self, globs: Sequence[Glob]) -> None:
        self.start = 0
        self.accepting: list[int] = []
        self.signs: dict[str, int] = {}
        self.any = self.any_but_colon = self.loops = self.loops_but_colon = 0
        bit = 1
        for glob in globs:
            if glob.tokens is None:
                self.accepting.append(0)
                continue
            self.start |= bit
            for token in glob.tokens:
                if token is Wild.MANY:
                    self.loops |= bit
                elif token is Wild.MANY_BUT_COLON:
                    self.loops_but_colon |= bit
                else:
                    self._take(token, bit, fold=glob.fold)
                    bit <<= 1
            self.accepting.append(bit)
            bit <<= 1
        self.ends = sum(self.accepting)

    def _take(self, token: str | Wild, bit: int, *, fold: bool) -> None:
        if token is Wild.ANY:
            self.any |= bit
        elif token is Wild.ANY_BUT_COLON:
            self.any_but_colon |= bit
        elif isinstance(token, str):
            for sign in {token.lower(), token.upper()} if fold else {token}:
                self.signs[sign] = self.signs.get(sign, 0) | bit

    def step(self, state: int, sign: str) -> int:
        """Return the state after one more sign."""
        moving, staying = self.signs.get(sign, 0) | self.any, self.loops
        if sign != ":":
            moving |= self.any_but_colon
            staying |= self.loops_but_colon
        return ((state & moving) << 1) | (state & staying)


def matched_sets(
    globs: Sequence[Glob],
    *,
    among: Glob | None = None,
    signs: str | None = None,
    limit: int = 50_000,
) -> dict[frozenset[int], str]:
    """Return every set of patterns that one string matches and no others, with such a string.

    Args:
        globs: the patterns; sets hold their positions.
        among: the pattern of the strings that count; every string by default.
        signs: the signs of these strings; every sign by default.
        limit: how many states may be visited.

    Raises:
        TooManyStatesError: if there are more.
    """
    machine = _Machine([*globs, among or wildcards("*")])
    limit = min(limit, _MEMORY // machine.ends.bit_length())
    alive = _places(machine, len(globs))
    live_signs = sorted(
        sign for sign in machine.signs if signs is None or sign in signs
    )  # sorted: the same question has the same answer
    other = _other_sign(signs)
    came: dict[int, tuple[int, str] | None] = {machine.start: None}
    found: dict[int, int] = {}
    queue = deque([machine.start])
    while queue:
        state = queue.popleft()
        if state & machine.accepting[-1]:
            found.setdefault(state & machine.ends, state)
        next_signs = [sign for sign in live_signs if state & machine.signs[sign]]
        # A colon ends a part even where no pattern names it.
        if ":" not in next_signs and (signs is None or ":" in signs):
            next_signs.append(":")
        free = other(next_signs)
        for sign in next_signs if free is None else [*next_signs, free]:
            after = machine.step(state, sign)
            if after & alive and after not in came:
                if len(came) >= limit:
                    raise TooManyStatesError(limit)
                came[after] = (state, sign)
                queue.append(after)
    return {
        frozenset(i for i in range(len(globs)) if hit & machine.accepting[i]): _spell(came, state)
        for hit, state in found.items()
    }


def _places(machine: _Machine, last: int) -> int:
    """Return all places of the last pattern."""
    low = max(machine.accepting[:last], default=0)
    return (machine.accepting[last] << 1) - (low << 1 or 1)


def _other_sign(signs: str | None) -> Callable[[Sequence[str]], str | None]:
    """Return what gives a sign that is none of some, or None where these are all."""
    candidates = _READABLE if signs is None else signs
    candidates = "".join(sorted(candidates.replace(":", ""), key=_readable))

    def other(taken: Sequence[str]) -> str | None:
        found = next((sign for sign in candidates if sign not in taken), None)
        if found is None and signs is None:
            return next(sign for sign in map(chr, range(0x100, 0x10000)) if sign not in taken)
        return found

    return other


def _readable(sign: str) -> tuple[bool, int, str]:
    return sign not in _READABLE, _READABLE.find(sign), sign


def _spell(came: dict[int, tuple[int, str] | None], state: int) -> str:
    spelt: list[str] = []
    while (step := came[state]) is not None:
        state, sign = step
        spelt.append(sign)
    return "".join(reversed(spelt))
