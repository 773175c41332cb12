"""A set of known actions, as a value."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from .catalogue import AccessLevel, Catalogue, catalogue
from .patterns import Grouping, grouping_of, patterns_of


@dataclass(frozen=True, slots=True)
class ActionSet:
    """Actions of a catalogue; `|`, `&`, `-` and `^` take microseconds.

    Attributes:
        mask: a bit for each action, in the order of the catalogue.
        catalogue: the actions that are known; the library's own by default.

    Raises:
        ValueError: for bits that stand for no action, and for two sets of different catalogues.
    """

    mask: int
    catalogue: Catalogue = field(default_factory=catalogue, repr=False)

    def __post_init__(self) -> None:
        if self.mask & ~self.catalogue.every:
            raise ValueError(
                f"action set: mask has bits beyond the {len(self.catalogue)} actions that are "
                "known; give one of this catalogue, such as catalogue.mask('s3:*')"
            )

    @classmethod
    def matching(cls, *patterns: str, catalogue: Catalogue | None = None) -> ActionSet:
        """Return the actions of patterns such as `s3:Get*`, whatever their case."""
        known = catalogue or _carried()
        mask = 0
        for pattern in patterns:
            mask |= known.mask(pattern)
        return cls(mask, known)

    def __len__(self) -> int:
        return self.mask.bit_count()

    def __bool__(self) -> bool:
        return self.mask != 0

    def __iter__(self) -> Iterator[str]:
        return iter(self.catalogue.actions_of(self.mask))

    def __contains__(self, action: object) -> bool:
        position = self.catalogue.index(action) if isinstance(action, str) else None
        return position is not None and bool(self.mask >> position & 1)

    def __or__(self, other: ActionSet) -> ActionSet:
        return self._of(self.mask | self._mask_of(other))

    def __and__(self, other: ActionSet) -> ActionSet:
        return self._of(self.mask & self._mask_of(other))

    def __sub__(self, other: ActionSet) -> ActionSet:
        return self._of(self.mask & ~self._mask_of(other))

    def __xor__(self, other: ActionSet) -> ActionSet:
        return self._of(self.mask ^ self._mask_of(other))

    def __le__(self, other: ActionSet) -> bool:
        return not self.mask & ~self._mask_of(other)

    def __str__(self) -> str:
        return str(self.grouping)

    def complement(self) -> ActionSet:
        """Return all other known actions."""
        return self._of(self.catalogue.every & ~self.mask)

    def of_level(self, *levels: AccessLevel) -> ActionSet:
        """Return the actions of access levels, such as `AccessLevel.WRITE`."""
        mask = 0
        for level in levels:
            mask |= self.catalogue.levels.get(level, 0)
        return self._of(self.mask & mask)

    def services(self) -> dict[str, int]:
        """Return how many actions of each service are in the set; services without one are not."""
        counts = {
            prefix: (self.mask & service).bit_count()
            for prefix, service in self.catalogue.services.items()
        }
        return {prefix: count for prefix, count in counts.items() if count}

    def patterns(self) -> list[str]:
        """Return a few patterns that match these actions and no other known one, to be read."""
        return patterns_of(self.mask, self.catalogue)

    @property
    def grouping(self) -> Grouping:
        """The set as patterns, or as what is missing from it, whichever is shorter."""
        return grouping_of(self.mask, self.catalogue)

    def _of(self, mask: int) -> ActionSet:
        return ActionSet(mask, self.catalogue)

    def _mask_of(self, other: ActionSet) -> int:
        if other.catalogue is not self.catalogue:
            raise ValueError(
                f"action set: one set is of {self.catalogue!r}, the other of {other.catalogue!r}; "
                "make both with one catalogue"
            )
        return other.mask


# `catalogue` is the name of an argument, too.
_carried = catalogue
