"""One embedded AWS for all tests of operations in a process; each test resets it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from org_constructs.rehearsal import EmbeddedAws


@pytest.fixture(scope="session")
def served() -> Iterator[EmbeddedAws]:
    """An embedded AWS."""
    with EmbeddedAws.start() as aws:
        yield aws
