"""One write at a time: AWS refuses a write that arrives while another one is being answered."""

from __future__ import annotations

import time
from dataclasses import dataclass, field

from .clock import Clock
from .errors import ApiError

# Often enough that a write whose end the clock skips to is answered at once.
_LOOK_EVERY = 0.005


def concurrent_modification() -> ApiError:
    """Return AWS's refusal of a write that meets another one (model)."""
    return ApiError(
        "ConcurrentModificationException",
        "The target of the operation is currently being modified by a different request. "
        "Try again later.",
    )


@dataclass(slots=True)
class Write:
    """A write whose answer is on its way."""

    organization_id: str
    ends: float


@dataclass(slots=True)
class Writes:
    """The writes in progress, at most one of each organization.

    A write begins when it takes effect and ends when its caller gets the answer, so that a caller
    who waits for answers never meets its own writes, and calls made at the same time meet. That
    writes of one organization exclude each other whatever they are about is what users report; the
    model speaks of the target of the operation only (inference). An account that is still being
    created is no write in progress (inference).
    """

    clock: Clock
    _by_organization: dict[str, Write] = field(default_factory=dict)

    def check(self, organization_id: str) -> None:
        """Refuse a write that meets another one.

        Raises:
            ApiError: `ConcurrentModificationException`.
        """
        other = self._by_organization.get(organization_id)
        if other is not None and self.clock.now() < other.ends:
            raise concurrent_modification()

    def begin(self, organization_id: str, seconds: float) -> Write:
        """Note a write that takes so many seconds."""
        write = Write(organization_id, self.clock.now() + seconds)
        self._by_organization[organization_id] = write
        return write

    def finish(self, write: Write, seconds: float) -> None:
        """Wait until a write is over on the clock, at most as many real seconds, and end it."""
        deadline = time.monotonic() + seconds
        while self.clock.now() < write.ends and (left := deadline - time.monotonic()) > 0:
            time.sleep(min(left, _LOOK_EVERY))
        # Another one can have begun where the clock was moved meanwhile.
        if self._by_organization.get(write.organization_id) is write:
            del self._by_organization[write.organization_id]
