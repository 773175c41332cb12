"""All actions of AWS that are known, and sets of them as bits of one integer.

A set of actions is an integer with a bit for each action, in the order of the names. Union,
intersection and difference of two such sets take microseconds, and a pattern that ends in its only
wildcard is one run of bits. The names are data with a version (`data/actions.txt`, written by
`make catalogue`), read when they are first needed.

An action that AWS has added since is not in the catalogue; what concerns it is decided one request
at a time (`org_constructs.evaluation.decide`).
"""

from __future__ import annotations

import pkgutil
import re
from bisect import bisect_left
from collections.abc import Iterable
from enum import StrEnum
from functools import cache, cached_property
from itertools import compress

_FILE = "data/actions.txt"
_LEVEL = re.compile(r"/[A-Z]")
_WILDCARD = re.compile(r"[*?]")
_FLAGS = bytes.maketrans(b"01", b"\0\1")


class AccessLevel(StrEnum):
    """What an action does, as AWS's Service Authorization Reference classifies it."""

    LIST = "List"
    READ = "Read"
    WRITE = "Write"
    TAGGING = "Tagging"
    PERMISSIONS_MANAGEMENT = "Permissions management"


_LEVELS = {level.value[0]: level for level in AccessLevel}


class Catalogue:
    """Actions in the order of their names in lower case.

    A set of actions is an integer: bit n stands for `actions[n]`.

    Attributes:
        version: version of the data, such as `0.1.202610271`; its end is a date.
        every: the set of all actions.
    """

    def __init__(self, actions: Iterable[str], *, version: str = "") -> None:
        self._read("\n".join(sorted(set(actions), key=str.lower)), version)

    def _read(self, text: str, version: str) -> None:
        """Take names, one a line, that are in order."""
        self.version = version
        self._text = text
        self._keys = text.lower().split("\n") if text else []
        self.every = (1 << len(self._keys)) - 1
        self._masks: dict[str, int] = {}

    @cached_property
    def actions(self) -> tuple[str, ...]:
        """Names as AWS writes them, such as `ec2:RunInstances`, in order."""
        return tuple(self._text.split("\n")) if self._text else ()

    def __len__(self) -> int:
        return len(self._keys)

    def __contains__(self, action: object) -> bool:
        return isinstance(action, str) and self.index(action) is not None

    def __repr__(self) -> str:
        return f"<Catalogue {self.version}: {len(self)} actions>"

    def index(self, action: str) -> int | None:
        """Return the position of an action, written in any case; None when it is not known."""
        key = action.lower()
        position = bisect_left(self._keys, key)
        return position if self._keys[position : position + 1] == [key] else None

    def key(self, position: int) -> str:
        """Return the name at a position, in lower case."""
        return self._keys[position]

    def mask(self, pattern: str) -> int:
        """Return the actions of a pattern: `*` and `?` anywhere, in any case, as IAM has it.

        What matches no known action is the empty set.
        """
        pattern = pattern.lower()
        found = self._masks.get(pattern)
        if found is None:
            found = self._masks[pattern] = self._matched(pattern)
        return found

    def mask_of(self, actions: Iterable[str]) -> int:
        """Return the set of actions by name, written in any case.

        Raises:
            KeyError: for an action that is not in the catalogue.
        """
        positions = []
        for action in actions:
            position = self.index(action)
            if position is None:
                raise KeyError(action)
            positions.append(position)
        return self._bits(positions)

    def actions_of(self, mask: int) -> list[str]:
        """Return the names of a set, in order."""
        return list(compress(self.actions, self._flags(mask)))

    def positions_of(self, mask: int) -> list[int]:
        """Return the positions of a set's actions, ascending."""
        return list(compress(range(len(self)), self._flags(mask)))

    def keys_of(self, mask: int) -> list[str]:
        """Return the names of a set in lower case, in order."""
        return list(compress(self._keys, self._flags(mask)))

    @cached_property
    def services(self) -> dict[str, int]:
        """Every service's prefix in lower case, such as `ec2`, and the set of its actions."""
        return {
            prefix: self.mask(f"{prefix}:*")
            for prefix in dict.fromkeys(key.partition(":")[0] for key in self._keys)
        }

    def _matched(self, pattern: str) -> int:
        wildcard = _WILDCARD.search(pattern)
        if wildcard is None:
            position = self.index(pattern)
            return 0 if position is None else 1 << position
        beginning = pattern[: wildcard.start()]
        first = bisect_left(self._keys, beginning)
        # No name has the last of all characters, so every name with the beginning comes before.
        last = bisect_left(self._keys, beginning + chr(0x10FFFF), first)
        rest = pattern[wildcard.start() :]
        if not rest.strip("*"):
            return ((1 << (last - first)) - 1) << first
        return self._searched(rest, len(beginning), first, last)

    def _searched(self, rest: str, skipped: int, first: int, last: int) -> int:
        """Return the names of a run that have a pattern's rest after its literal beginning."""
        signs = (".*" if sign == "*" else "." if sign == "?" else re.escape(sign) for sign in rest)
        matches = re.compile("".join(signs)).fullmatch
        # The longest literal text is looked for first: most names do not have it.
        literal = max(re.split(r"[*?]+", rest), key=len)
        keys = self._keys
        return self._bits(
            position
            for position in range(first, last)
            if literal in keys[position] and matches(keys[position], skipped)
        )

    def _bits(self, positions: Iterable[int]) -> int:
        # Digits of base 2 are read in linear time; setting bit after bit copies the integer.
        digits = bytearray(b"0" * (len(self._keys) + 1))
        for position in positions:
            digits[position] = 49
        digits.reverse()
        return int(digits, 2)

    def _flags(self, mask: int) -> bytes:
        return format(mask, "b").encode()[::-1].translate(_FLAGS)

    @cached_property
    def levels(self) -> dict[AccessLevel, int]:
        """The set of the actions of each access level; empty unless the data has them."""
        return {}


class _StoredCatalogue(Catalogue):
    """The catalogue of the data file; its format stands in the script that writes it."""

    def __init__(self, text: str) -> None:
        head, _, body = text.partition("\nlevels ")
        usual, _, self._body = body.partition("\n")
        self._usual = dict(entry.split("=") for entry in usual.split(" "))
        self._read(_unfolded(_LEVEL.sub("", self._body)), head.rpartition(" ")[2])

    @cached_property
    def levels(self) -> dict[AccessLevel, int]:
        """The set of the actions of each access level."""
        positions: dict[str, list[int]] = {letter: [] for letter in _LEVELS}
        # The longest beginning decides; the empty one is left for last.
        beginnings = sorted(self._usual, key=len, reverse=True)
        beginning_of = re.compile(f"[^:]*:({'|'.join(beginnings)})").match
        for position, line in enumerate(_unfolded(self._body).split("\n")):
            name, _, letter = line.partition("/")
            if not letter and (found := beginning_of(name)):
                letter = self._usual[found[1]]
            positions[letter].append(position)
        return {level: self._bits(positions[letter]) for letter, level in _LEVELS.items()}


def _unfolded(body: str) -> str:
    """Return the names of the data file's lines, one a line."""
    found = []
    service = ""
    # The rest '.' is the empty one.
    for line in body.replace(" .", " ").splitlines():
        if line[-1] == ":":
            service = f"\n{line}"
            continue
        beginning, space, rests = line.partition(" ")
        beginning = service + beginning
        # Replaced within one text, which is much quicker than joining name by name.
        found.append(beginning + rests.replace(" ", beginning) if space else beginning)
    return "".join(found)[1:]


@cache
def actions_of_service(prefix: str) -> frozenset[str]:
    """Return the names of a service's actions in lower case, such as `ec2:runinstances`.

    The rest of the catalogue is not unfolded, which is what costs time.
    """
    heading = f"\n{prefix}:\n"
    text = _stored_text()
    begin = text.find(heading)
    if begin < 0:
        return frozenset()
    # The next heading is the next line that ends in a colon.
    end = text.find(":\n", begin + len(heading))
    section = text[begin + 1 : text.rfind("\n", 0, end) if end > 0 else None]
    return frozenset(_unfolded(_LEVEL.sub("", section)).lower().split("\n"))


@cache
def _stored_text() -> str:
    # Importing `importlib.resources` costs more than reading and unfolding the file.
    content = pkgutil.get_data("org_constructs.evaluation", _FILE) or b""
    return content.decode("utf-8")


@cache
def catalogue() -> Catalogue:
    """Return the catalogue that the library carries."""
    return _StoredCatalogue(_stored_text())
