"""What an operation of the API is: a function, and who may call it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum

from .clock import Clock
from .ids import Ids
from .settings import Settings
from .state import Json, Organization, World


class Caller(Enum):
    """Who may call an operation."""

    ANYONE = "any account, in an organization or not"
    MEMBER = "any account of the organization"
    MANAGEMENT = "the management account"


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
        required: the parameters without which AWS refuses the call.
        read: whether it leaves everything as it was.
        caller: who may call it.
    """

    run: Callable[[Call], Json]
    required: tuple[str, ...] = ()
    read: bool = False
    caller: Caller = Caller.MANAGEMENT
