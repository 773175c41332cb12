"""One embedded AWS for all behaviours."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from behaviour_driver import Player

from org_constructs.rehearsal import EmbeddedAws
from org_constructs.rehearsal.backend import Settings


@pytest.fixture(scope="module")
def player() -> Iterator[Player]:
    """A player on an embedded AWS in which all that is in the background waits for the clock."""
    settings = Settings(
        account_creation_seconds=30, account_closure_seconds=30, policy_type_seconds=30
    )
    with EmbeddedAws.start(settings=settings) as aws:
        yield Player(aws)
