"""One embedded AWS for all behaviours."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from behaviour_driver import SETTINGS, Direct, Player, Served

from org_constructs.rehearsal import EmbeddedAws


@pytest.fixture(scope="module")
def player() -> Iterator[Player]:
    """A player on a served AWS."""
    with EmbeddedAws.start(settings=SETTINGS) as aws:
        yield Player(Served(aws))


@pytest.fixture(scope="module")
def direct_player() -> Player:
    """A player on the backend alone."""
    return Player(Direct(SETTINGS))
