"""Actions that a Region deny has to exempt, read from the cited data."""

from __future__ import annotations

import json
from collections.abc import Iterable
from functools import cache
from typing import Any


@cache
def exempt_actions(partition: str | None) -> tuple[str, ...]:
    """Return the exempt actions of a partition, of all partitions if it is not known.

    Both lists that AWS publishes are exempt everywhere: an entry that a partition lacks exempts
    nothing there. What only the SDK proves to be global is exempt where it is.
    """
    return without_covered(
        action
        for action, entry in _raw()["exemptions"].items()
        if "published" in entry or partition is None or partition in entry["global_in"]
    )


def without_covered(actions: Iterable[str]) -> tuple[str, ...]:
    """Return actions sorted, without those that another one covers by a `*` at its end."""
    distinct = sorted(set(actions))
    prefixes: list[str] = []
    for prefix in sorted(action[:-1] for action in distinct if action.endswith("*")):
        # What begins with a prefix sorts right behind it.
        if not prefixes or not prefix.startswith(prefixes[-1]):
            prefixes.append(prefix)
    widest = {f"{prefix}*" for prefix in prefixes}
    covered = tuple(prefixes)
    return tuple(
        action for action in distinct if action in widest or not action.startswith(covered)
    )


@cache
def _raw() -> dict[str, Any]:
    # Late, because it imports half of the standard library.
    from importlib import resources

    text = resources.files(__package__).joinpath("data/global_services.json").read_text("utf-8")
    raw: dict[str, Any] = json.loads(text)
    return raw
