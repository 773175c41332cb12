"""AWS's throttling: so many calls a second, of one operation by one account."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cache
from importlib import resources

from .errors import ApiError


@dataclass(frozen=True, slots=True)
class Limit:
    """How often an account may call one operation.

    Attributes:
        rate: calls per second in the long run.
        burst: calls at once.
    """

    rate: float
    burst: float


@cache
def documented_limits() -> dict[str, Limit]:
    """Return the documented limits by operation; AWS names none for the others."""
    data = resources.files(__package__).joinpath("data/throttling.json")
    limits = json.loads(data.read_text("utf-8"))["limits"]
    return {name: Limit(entry["rate"], entry["burst"]) for name, entry in limits.items()}


def too_many_requests() -> ApiError:
    """Return AWS's refusal of a throttled call (model)."""
    return ApiError(
        "TooManyRequestsException",
        "You have sent too many requests in too short a period of time. The quota helps protect "
        "against denial-of-service attacks. Try again later.",
    )


class Throttle:
    """A bucket of tokens for every account and operation.

    The figures are AWS's (documentation). That a bucket is one operation's own, is filled
    continuously and that a refused call takes nothing from it is what such figures usually mean
    (inference).
    """

    def __init__(self) -> None:
        self._tokens: dict[tuple[str, str], tuple[float, float]] = {}

    def take(self, account_id: str, operation: str, now: float) -> None:
        """Count one call.

        Raises:
            ApiError: `TooManyRequestsException`.
        """
        limit = documented_limits().get(operation)
        if limit is None:
            return
        tokens, since = self._tokens.get((account_id, operation), (limit.burst, now))
        tokens = min(limit.burst, tokens + (now - since) * limit.rate)
        is_throttled = tokens < 1
        self._tokens[account_id, operation] = (tokens if is_throttled else tokens - 1, now)
        if is_throttled:
            raise too_many_requests()
