"""How long a deployment takes where AWS limits how often each operation may be called."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from .backend.throttling import documented_limits

__all__ = ["seconds_at_documented_rates"]


def seconds_at_documented_rates(calls: Sequence[Mapping[str, Any]]) -> float:
    """Return the least time that these calls take at AWS, one after another.

    The pauses between calls are those of the log, whose clock includes what the resource handlers
    slept; where AWS's documented rate would refuse a call, it waits. What AWS itself needs for an
    answer or for an account is not in it.

    Args:
        calls: the call log, oldest first, as `EmbeddedAws.calls()` returns it.
    """
    if not calls:
        return 0.0
    limits = documented_limits()
    # Per caller and operation: the tokens left, and when that was.
    buckets: dict[tuple[str, str], tuple[float, float]] = {}
    began = now = float(calls[0]["time"])
    last = began
    for call in calls:
        now += max(0.0, call["time"] - last)
        last = max(last, call["time"])
        limit = limits.get(call["operation"])
        if limit is None:
            continue
        key = (call["caller"], call["operation"])
        tokens, since = buckets.get(key, (limit.burst, now))
        tokens = min(limit.burst, tokens + (now - since) * limit.rate)
        if tokens < 1:
            now += (1 - tokens) / limit.rate
            tokens = 1.0
        buckets[key] = (tokens - 1, now)
    return now - began
