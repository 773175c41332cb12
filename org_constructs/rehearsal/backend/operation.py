"""What an operation of the API is: a function of a call."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from .clock import Clock
from .ids import Ids
from .settings import Settings
from .state import Json, Organization, World


@dataclass(frozen=True, slots=True)
class Call:
    """One call on its way: the checked parameters and what it works on."""

    account_id: str
    params: Json
    world: World
    clock: Clock
    ids: Ids
    settings: Settings

    @property
    def organization(self) -> Organization:
        """The organization of the caller."""
        return self.world.of(self.account_id)


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    """One operation of the API.

    Attributes:
        run: does it, and returns the answer or raises an `ApiError`.
        read: whether it leaves everything as it was.
    """

    run: Callable[[Call], Json]
    read: bool = False
