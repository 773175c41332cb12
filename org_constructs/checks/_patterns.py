"""How two patterns of actions or resources relate, whatever they are matched against.

`*` stands for any signs and `?` for one. What is said here holds for every name, known or not.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache

EVERYTHING = "*"


def covers(pattern: str, other: str) -> bool:
    """Tell whether everything that `other` matches is matched by `pattern`: True is certain."""
    if pattern in (EVERYTHING, other):
        return True
    if "?" not in pattern:
        beginning, star, end = pattern.partition("*")
        if not star:
            return False
        if not end:
            return other.startswith(beginning)
    return _covers(pattern, other)


@lru_cache(maxsize=8192)
def _covers(pattern: str, other: str) -> bool:
    # Places in `pattern` at which what has been read of `other` can end. A wildcard of `other` is
    # met only by a wildcard that takes as much.
    places = _with_stars({0}, pattern)
    for sign in other:
        after: set[int] = set()
        for place in places:
            if place == len(pattern):
                continue
            if pattern[place] == "*":
                after.add(place)
            elif pattern[place] == sign or (pattern[place] == "?" and sign != "*"):
                after.add(place + 1)
        places = _with_stars(after, pattern)
    return len(pattern) in places


def all_covered(patterns: Iterable[str], others: Iterable[str]) -> bool:
    """Tell whether each of `others` is covered by one of `patterns`."""
    known = tuple(patterns)
    return all(any(covers(pattern, other) for pattern in known) for other in others)


@lru_cache(maxsize=8192)
def meet(one: str, other: str) -> bool:
    """Tell whether there is a text that both patterns match."""
    if "*" not in one and "?" not in one:
        return covers(other, one)
    if "*" not in other and "?" not in other:
        return covers(one, other)
    # Places in `other` at which what has been read of `one` can end.
    places = _with_stars({0}, other)
    for sign in one:
        if sign == "*":
            places = set(range(min(places), len(other) + 1))
            continue
        after: set[int] = set()
        for place in places:
            if place == len(other):
                continue
            if other[place] == "*":
                after.add(place)
            elif "?" in (sign, other[place]) or sign == other[place]:
                after.add(place + 1)
        places = _with_stars(after, other)
        if not places:
            return False
    return len(other) in places


def covers_arn(pattern: str, other: str) -> bool:
    """Tell the same where wildcards stay in their part of an ARN, as the ARN operators read them."""
    if not pattern.strip(EVERYTHING):
        return True
    parts, others = pattern.split(":", 5), other.split(":", 5)
    return len(parts) == len(others) and all(map(covers, parts, others))


def _with_stars(places: set[int], pattern: str) -> set[int]:
    """Return places and those behind a `*` that takes nothing."""
    found = set(places)
    for place in sorted(places):
        here = place
        while here < len(pattern) and pattern[here] == "*":
            here += 1
            found.add(here)
    return found
