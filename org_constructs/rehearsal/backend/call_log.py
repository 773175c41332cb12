"""Every call, in order: what tests and proofs about deployments read."""

from __future__ import annotations

import copy
from typing import Any

from .errors import ApiError

# The caller of entries that no principal made: AWS itself finished something.
SERVICE = "organizations.amazonaws.com"


class CallLog:
    """The calls that reached the embedded Organizations, refused ones included."""

    def __init__(self) -> None:
        self._entries: list[dict[str, Any]] = []

    def record(
        self,
        *,
        time: float,
        caller: str,
        operation: str,
        params: dict[str, Any],
        read: bool,
        result: dict[str, Any] | None = None,
        error: ApiError | None = None,
        fault: str | None = None,
    ) -> None:
        """Append one call.

        The result is kept for writes only: it names what was created, while the answer of a read
        can be asked for again. A write took effect when it has a result, even when the caller got
        an error in its place.
        """
        self._entries.append(
            {
                "n": len(self._entries) + 1,
                "time": time,
                "caller": caller,
                "operation": operation,
                "params": copy.deepcopy(params),
                "read": read,
                "result": None if read else copy.deepcopy(result),
                "error": None
                if error is None
                else {"code": error.code, "message": error.message, "reason": error.reason},
                "fault": fault,
            }
        )

    def since(self, n: int = 0) -> list[dict[str, Any]]:
        """Return the calls after number `n`, oldest first."""
        return copy.deepcopy(self._entries[max(n, 0) :])
