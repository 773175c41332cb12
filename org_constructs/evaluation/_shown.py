"""Values in messages."""

from __future__ import annotations

_LONGEST = 200


def shown(value: object) -> str:
    """Return how a message shows a value, whatever it is: short, and never an error of its own."""
    try:
        text = repr(value)
    except (RecursionError, ValueError):
        # Nested too deeply, or a number of thousands of digits.
        return f"a {type(value).__name__} that is too large to be shown"
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}…"
