"""The clock of the embedded AWS: it runs with the real one and can be moved forward."""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable


class Clock:
    """A clock that only goes forward.

    What AWS does "after a while" happens when this clock says so, and `advance` skips the wait:
    a handler that sleeps 15 seconds between two attempts costs no real time.
    """

    def __init__(self, source: Callable[[], float] = time.time) -> None:
        self._source = source
        self._skipped = 0.0
        # Handlers of several stacks sleep at the same time.
        self._lock = threading.Lock()

    def now(self) -> float:
        """Return the time in seconds since the epoch."""
        return self._source() + self._skipped

    def advance(self, seconds: float) -> None:
        """Move the clock forward.

        Raises:
            ValueError: `seconds` is negative or no number.
        """
        if not 0 <= seconds < math.inf:
            raise ValueError(
                f"the clock only goes forward; {seconds} is not a number of seconds from 0"
            )
        with self._lock:
            self._skipped += seconds

    def reset(self) -> None:
        """Show the time of its source again: for an AWS in which nothing has happened yet."""
        with self._lock:
            self._skipped = 0.0
