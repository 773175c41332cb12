"""The same behaviours without HTTP: every answer and every error is one that the model has."""

from __future__ import annotations

from typing import Any

import pytest
from behaviour_driver import Player, behaviours

ALL = list(behaviours())


@pytest.mark.parametrize(
    "behaviour", [behaviour for _, behaviour in ALL], ids=[behaviour["id"] for _, behaviour in ALL]
)
def test_answers_are_the_models(direct_player: Player, behaviour: dict[str, Any]) -> None:
    """Members, types, enumerations and patterns of answers; declared codes of errors."""
    direct_player.play(behaviour)
