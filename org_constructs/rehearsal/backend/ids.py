"""Identifiers in AWS's forms, the same for the same seed and the same order of calls."""

from __future__ import annotations

import random
import string
from typing import Any

_ALPHANUMERIC = string.ascii_lowercase + string.digits


class Ids:
    """Deals out identifiers that look random and are not."""

    def __init__(self, seed: int) -> None:
        # Reproducibility is the purpose; nothing here is a secret.
        self._random = random.Random(seed)  # noqa: S311

    def organization(self) -> str:
        """Return the id of an organization."""
        return f"o-{self._text(10)}"

    def root(self) -> str:
        """Return the id of a root."""
        return f"r-{self._text(4)}"

    def organizational_unit(self, root_id: str) -> str:
        """Return the id of an OU; AWS repeats the root's letters in it."""
        return f"ou-{root_id.removeprefix('r-')}-{self._text(8)}"

    def account(self) -> str:
        """Return an account id, sometimes with leading zeros as AWS's have."""
        return f"{self._random.randrange(10**12):012d}"

    def policy(self) -> str:
        """Return the id of a customer's policy."""
        return f"p-{self._text(8)}"

    def resource_policy(self) -> str:
        """Return the id of the resource policy."""
        return f"rp-{self._text(8)}"

    def create_account_request(self) -> str:
        """Return the id of a request to create an account."""
        return f"car-{self._text(32)}"

    def handshake(self) -> str:
        """Return the id of a handshake."""
        return f"h-{self._text(32)}"

    def state(self) -> list[Any]:
        """Return where the sequence is, as plain data."""
        version, numbers, gauss = self._random.getstate()
        return [version, list(numbers), gauss]

    def restore(self, state: list[Any]) -> None:
        """Go on where a sequence was."""
        version, numbers, gauss = state
        self._random.setstate((version, tuple(numbers), gauss))

    def _text(self, length: int) -> str:
        return "".join(self._random.choices(_ALPHANUMERIC, k=length))
