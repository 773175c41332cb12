"""Sets of actions as a few patterns that people read: `ec2:*`, `s3:Put*`.

The patterns match every action of the set, and no other action of the catalogue. They are there to
be read, in reports and messages: an action that AWS adds tomorrow may match one of them, so they
are no policy.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from .catalogue import Catalogue, catalogue

# Where a word of a name begins: GetBucket|Acl, Via|AWS|Service, States|-And.
_WORDS = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])|(?=-)|(?<=-)")
_LAST = chr(0x10FFFF)
# A pattern with its wildcard in front is harder to read than two names.
_FEWEST_BY_ENDING = 3
_FEWEST_BY_BEGINNING = 2
# Below that, the names of the services say more than one line saves.
_FEWEST_SERVICES = 10


@dataclass(frozen=True, slots=True)
class Grouping:
    """A set of actions for reading.

    Attributes:
        patterns: patterns and names, in order.
        all_but: whether the set is everything except what the patterns match.
    """

    patterns: tuple[str, ...]
    all_but: bool = False

    def __str__(self) -> str:
        listed = ", ".join(self.patterns)
        if self.all_but:
            return f"* except {listed}" if listed else "*"
        return listed or "nothing"


def patterns_of(mask: int, actions: Catalogue | None = None) -> list[str]:
    """Return a few patterns that match the actions of a set, and no others that are known.

    Args:
        mask: the set, as the catalogue numbers its actions.
        actions: the catalogue; the one that the library carries by default.
    """
    known = actions or catalogue()
    if mask == known.every and mask:
        return ["*"]
    return _across_services(_by_service(mask, known), mask, known)


def _by_service(mask: int, known: Catalogue) -> list[str]:
    found: list[str] = []
    for prefix, service in known.services.items():
        chosen = mask & service
        if chosen == service:
            found.append(f"{prefix}:*")
        elif chosen:
            first = (service & -service).bit_length() - 1
            names = known.actions[first : first + service.bit_count()]
            found += _Service(names, chosen >> first).patterns()
    return found


def _across_services(found: list[str], mask: int, known: Catalogue) -> list[str]:
    """Name an action once that is left by itself in many services: `*:TagResource`."""
    services: dict[str, list[str]] = {}
    for text in found:
        name = text.partition(":")[2]
        if "*" not in name:
            services.setdefault(name.lower(), []).append(text)
    merged: list[str] = []
    replaced: set[str] = set()
    for name, texts in services.items():
        if len(texts) < _FEWEST_SERVICES or known.mask(f"*:{name}") & ~mask:
            continue
        merged.append(f"*:{texts[0].partition(':')[2]}")
        replaced.update(texts)
    return sorted(merged, key=str.lower) + [text for text in found if text not in replaced]


def grouping_of(mask: int, actions: Catalogue | None = None) -> Grouping:
    """Return a set, or what is missing from it, whichever takes fewer patterns."""
    known = actions or catalogue()
    direct = patterns_of(mask, known)
    if mask.bit_count() * 2 <= len(known):
        return Grouping(tuple(direct))
    missing = patterns_of(known.every & ~mask, known)
    if len(missing) < len(direct) or direct == ["*"]:
        return Grouping(tuple(missing), all_but=True)
    return Grouping(tuple(direct))


class _Service:
    """The actions of one service, and which of them are wanted.

    Sets are integers whose bit n stands for the n-th name of the service.
    """

    def __init__(self, names: Sequence[str], wanted: int) -> None:
        self._names = names
        self._wanted = wanted
        self._start = names[0].index(":") + 1

    def patterns(self) -> list[str]:
        """Return patterns in the order of the first name that each of them matches."""
        beginnings = _Ends([name.lower() for name in self._names], self._wanted)
        # Endings are beginnings of the names read backwards.
        endings = _Ends([name.lower()[::-1] for name in self._names], self._wanted)
        candidates: dict[int, str] = {}
        for position, name in enumerate(self._names):
            if not self._wanted >> position & 1:
                continue
            words = [self._start + match.start() for match in _WORDS.finditer(name[self._start :])]
            by_beginning = [name[:end] for end in words if end > self._start]
            match = beginnings.widest([text.lower() for text in by_beginning])
            if match and match[0].bit_count() >= _FEWEST_BY_BEGINNING:
                candidates[match[0]] = f"{name[: match[1]]}*"
            by_ending = [name[start:] for start in reversed(words) if start > self._start]
            match = endings.widest([text.lower()[::-1] for text in by_ending])
            if match and match[0].bit_count() >= _FEWEST_BY_ENDING:
                ending = name[len(name) - match[1] :]
                candidates.setdefault(match[0], f"{name[: self._start]}*{ending}")
        return self._chosen(candidates)

    def _chosen(self, candidates: dict[int, str]) -> list[str]:
        """Take the pattern that adds most, until none adds two; name what is left."""
        taken: list[tuple[int, str]] = []
        left = self._wanted
        waiting = dict(candidates)
        while waiting:
            best = max(
                waiting.items(),
                key=lambda item: ((item[0] & left).bit_count(), not _is_ending(item[1])),
            )
            gain = (best[0] & left).bit_count()
            if gain < (_FEWEST_BY_ENDING if _is_ending(best[1]) else _FEWEST_BY_BEGINNING):
                # An ending that adds too little may hide a beginning that adds as much.
                del waiting[best[0]]
                continue
            taken.append(best)
            del waiting[best[0]]
            left &= ~best[0]
        taken += [(1 << position, self._names[position]) for position in _positions(left)]
        return [text for _, text in sorted(self._needed(taken), key=_first_match)]

    @staticmethod
    def _needed(taken: list[tuple[int, str]]) -> Iterator[tuple[int, str]]:
        """Leave out patterns whose matches later ones cover together."""
        kept = list(taken)
        for item in taken:
            others = 0
            for matches, _ in kept:
                if matches != item[0]:
                    others |= matches
            if item[0] & ~others == 0:
                kept.remove(item)
        yield from kept


class _Ends:
    """Names in order, to find which of them begin with a text."""

    def __init__(self, keys: Sequence[str], wanted: int) -> None:
        order = sorted(range(len(keys)), key=keys.__getitem__)
        self._keys = [keys[position] for position in order]
        self._order = order
        # How many names up to each one are not wanted.
        self._unwanted = [0]
        for position in order:
            self._unwanted.append(self._unwanted[-1] + (not wanted >> position & 1))

    def widest(self, beginnings: Sequence[str]) -> tuple[int, int] | None:
        """Return what the shortest beginning of wanted names alone matches, and how to write it.

        It is written as the longest of the beginnings that match the same names, so that it says
        as much as it can.

        Args:
            beginnings: of one name, the shortest first.
        """
        found: tuple[int, int] | None = None
        length = 0
        for text in beginnings:
            first = bisect_left(self._keys, text)
            last = bisect_left(self._keys, text + _LAST, first)
            if self._unwanted[last] != self._unwanted[first]:
                continue
            if found and (first, last) != found:
                break
            found, length = (first, last), len(text)
        if found is None:
            return None
        matches = 0
        for place in range(*found):
            matches |= 1 << self._order[place]
        return matches, length


def _is_ending(pattern: str) -> bool:
    return not pattern.endswith("*")


def _positions(mask: int) -> Iterator[int]:
    while mask:
        lowest = mask & -mask
        yield lowest.bit_length() - 1
        mask ^= lowest


def _first_match(item: tuple[int, str]) -> tuple[int, str]:
    return (item[0] & -item[0]).bit_length(), item[1]
