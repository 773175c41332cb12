"""Every behaviour in `behaviours/`, through boto3 against the served API."""

from __future__ import annotations

from typing import Any

import pytest
from behaviour_driver import Player, behaviours, difference, givens, own_step, service_of

from org_constructs.rehearsal.backend.api_model import operations, reasons
from org_constructs.rehearsal.backend.other_services import OTHER_SERVICES

ALL = list(behaviours())


@pytest.mark.parametrize(
    "behaviour", [behaviour for _, behaviour in ALL], ids=[behaviour["id"] for _, behaviour in ALL]
)
def test_behaviour(player: Player, behaviour: dict[str, Any]) -> None:
    """AWS does what the behaviour says."""
    player.play(behaviour)


@pytest.mark.parametrize(
    "steps",
    [
        [{"call": "ListRoots"}],
        [{"call": "CreateOrganization", "expect": {"error": "AccessDeniedException"}}],
        [{"call": "ListRoots", "expect": {"error": "AccessDeniedException"}}],
        [
            {
                "call": "CreateOrganization",
                "params": {"FeatureSet": "X"},
                "expect": {"error": "InvalidInputException", "reason": "INVALID_PATTERN"},
            }
        ],
        [{"call": "CreateOrganization", "expect": {"answer": {"Organization": {"Id": "o"}}}}],
        [{"call": "CreateOrganization", "until": "AccessDeniedException", "most": 2}],
    ],
)
def test_a_behaviour_that_does_not_hold_fails(
    direct_player: Player, steps: list[dict[str, Any]]
) -> None:
    """Otherwise the others prove nothing."""
    with pytest.raises(AssertionError):
        direct_player.play({"steps": steps})


def test_ids_are_unique() -> None:
    """An id names one behaviour."""
    ids = [behaviour["id"] for _, behaviour in ALL]
    assert sorted(set(ids)) == sorted(ids)


def test_behaviours_speak_of_what_the_model_has() -> None:
    """Operations, the errors that they declare, the reasons that an error has."""
    for _, behaviour in ALL:
        id = behaviour["id"]
        assert behaviour["evidence"] in ("model", "documentation", "inference", "guess"), id
        assert behaviour["says"].endswith("."), id
        assert set(behaviour) <= {"id", "says", "evidence", "given", "steps"}, id
        assert set(behaviour.get("given", [])) <= set(givens()), id
        step = own_step(behaviour)
        expected = step.get("expect", {})
        error = expected.get("error") or step.get("until")
        others = OTHER_SERVICES.get(service_of(step["call"]))
        declared = others[step["call"]] if others else operations()[step["call"]].errors
        assert error is None or error in declared, id
        assert "reason" not in expected or expected["reason"] in reasons(error), id


def test_differences_are_found() -> None:
    """The driver would see an answer that is not the expected one."""
    assert difference({"a": [1, {"b": "…"}]}, {"a": [1, {"b": 2, "c": 3}], "d": 4}) is None
    assert difference({"a": 1}, {}) == "answer has no a: {}"
    assert difference({"a": [1]}, {"a": []}) == "answer.a has 0 elements, expected 1: []"
    assert difference({"a": [{"b": 1}]}, {"a": [{"b": 2}]}) == "answer.a.0.b is 2, expected 1"
