"""The actions of one service are read without the rest of the catalogue."""

from __future__ import annotations

from org_constructs.evaluation.catalogue import actions_of_service, catalogue


def test_every_service_has_the_actions_of_the_catalogue() -> None:
    """The short way and the long way agree on all of them."""
    known = catalogue()
    assert known.services
    for service, actions in known.services.items():
        assert actions_of_service(service) == set(known.keys_of(actions))


def test_an_unknown_service_has_none() -> None:
    """Neither a misspelt prefix nor a part of one is found."""
    assert not actions_of_service("cloudtrial")
    assert not actions_of_service("c2")
