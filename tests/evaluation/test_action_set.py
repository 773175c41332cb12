"""Sets of actions as values."""

from __future__ import annotations

import pytest

from org_constructs.evaluation.action_set import ActionSet
from org_constructs.evaluation.catalogue import AccessLevel, Catalogue, catalogue

KNOWN = Catalogue(["s3:GetObject", "s3:PutObject", "ec2:RunInstances"])


def of(*patterns: str) -> ActionSet:
    """Return a set of the small catalogue."""
    return ActionSet.matching(*patterns, catalogue=KNOWN)


def test_behaves_as_a_set() -> None:
    """Length, membership in any case, order."""
    objects = of("s3:*object")
    assert list(objects) == ["s3:GetObject", "s3:PutObject"]
    assert (len(objects), bool(objects), bool(of())) == (2, True, False)
    assert "S3:getobject" in objects
    assert "ec2:RunInstances" not in objects
    assert "s3:Nope" not in objects
    assert 1 not in objects
    assert of("s3:put*") <= objects
    assert not objects <= of("s3:put*")
    assert objects == of("s3:*")
    assert hash(objects) == hash(of("s3:*"))


def test_operations() -> None:
    """Union, intersection, difference, complement."""
    assert of("s3:Get*") | of("ec2:*") == of("s3:get*", "ec2:*")
    assert of("s3:*") & of("*:Get*") == of("s3:GetObject")
    assert of("s3:*") - of("*:Get*") == of("s3:PutObject")
    assert of("s3:*") ^ of("*:*e*Object", "ec2:*") == of("s3:Put*", "ec2:*")
    assert of("s3:*").complement() == of("ec2:*")


def test_is_told() -> None:
    """Patterns for reading, numbers by service."""
    assert of("s3:*").patterns() == ["s3:*"]
    assert str(of("s3:*")) == "s3:*"
    assert str(of("*")) == "*"
    assert str(of()) == "nothing"
    assert of("s3:*").services() == {"s3": 2}
    assert KNOWN.levels == {}
    assert not of("*").of_level(AccessLevel.WRITE)


def test_of_level() -> None:
    """What is worst is found by its level."""
    grants = ActionSet.matching("s3:*").of_level(AccessLevel.PERMISSIONS_MANAGEMENT)
    assert "s3:PutBucketPolicy" in grants
    assert "s3:GetObject" not in grants
    assert grants.catalogue is catalogue()


def test_fails_for_sets_of_two_catalogues() -> None:
    """Bits of different catalogues mean different actions."""
    other = ActionSet(1, Catalogue(["x:Do"]))
    with pytest.raises(ValueError, match="make both with one catalogue"):
        _ = of("s3:*") | other


def test_fails_for_bits_without_an_action() -> None:
    """A mask of another catalogue is refused where it can be seen."""
    with pytest.raises(ValueError, match="beyond the 3 actions"):
        ActionSet(1 << 3, KNOWN)
