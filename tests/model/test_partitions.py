"""Regions and partitions: what is known, what is refused, what is suggested."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from org_constructs.model.errors import OrgError
from org_constructs.model.partitions import check_region, partition_of, partitions

REGIONS = [region for partition in partitions().values() for region in partition.regions]


@pytest.mark.parametrize(
    ("name", "region"),
    [
        ("aws", "us-east-1"),
        ("aws-cn", "cn-northwest-1"),
        ("aws-eusc", "eusc-de-east-1"),
        ("aws-iso", "us-iso-east-1"),
        ("aws-iso-b", "us-isob-east-1"),
        ("aws-iso-e", "eu-isoe-west-1"),
        ("aws-iso-f", "us-isof-south-1"),
        ("aws-us-gov", "us-gov-west-1"),
    ],
)
def test_organizations_region(name: str, region: str) -> None:
    """Each partition has one Region in which AWS Organizations lives."""
    assert partitions()[name].organizations_region == region
    assert region in partitions()[name].regions


def test_partitions_share_no_region() -> None:
    """A Region belongs to one partition."""
    assert len(REGIONS) == len(set(REGIONS))


def test_no_pseudo_region() -> None:
    """`aws-global` and its like are no Regions that a request could name."""
    assert not [region for region in REGIONS if "global" in region]


@given(st.sampled_from(REGIONS))
def test_every_region_is_known(region: str) -> None:
    """Every listed Region is accepted, and belongs to the partition that lists it."""
    assert check_region(region, what="x") == region
    partition = partition_of(region)
    assert partition is not None
    assert region in partition.regions


@pytest.mark.parametrize(
    ("region", "name"),
    [
        ("eu-west-9", "aws"),
        ("us-gov-north-1", "aws-us-gov"),
        ("us-iso-south-1", "aws-iso"),
        ("cn-south-1", "aws-cn"),
        ("me-west-1", "aws"),
    ],
)
def test_partition_of_a_newer_region(region: str, name: str) -> None:
    """A Region that the data do not have belongs where Regions are named like it."""
    partition = partition_of(region)
    assert partition is not None
    assert partition.name == name


@pytest.mark.parametrize("region", ["eu-west1", "", "mars-1", "aws-global", "eu-west-1a"])
def test_no_partition(region: str) -> None:
    """What is no Region has no partition."""
    assert partition_of(region) is None


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("eu-west1", "eu-west-1"),
        ("us-east1", "us-east-1"),
        ("EU-WEST-1", "eu-west-1"),
        ("eu_west_1", "eu-west-1"),
        ("euwest1", "eu-west-1"),
        ("eu-west-1a", "eu-west-1"),
        (" us-east-1 ", "us-east-1"),
        ("us-gov-west1", "us-gov-west-1"),
        ("ap-southest-2", "ap-southeast-2"),
    ],
)
def test_fails_with_a_suggestion(written: str, meant: str) -> None:
    """A mistyped Region is refused, and the one that was meant is named."""
    with pytest.raises(OrgError, match=f"did you mean '{meant}'") as caught:
        check_region(written, what="allowed_regions")
    assert caught.value.code == "ORG006"
    assert repr(written)[1:-1] in str(caught.value)


def test_fails_without_a_suggestion() -> None:
    """What resembles no Region is refused with the form of one."""
    with pytest.raises(OrgError) as caught:
        check_region("mars", what="allowed_regions")
    assert str(caught.value).endswith("; give one such as 'eu-west-1'")


def test_fails_for_what_is_no_string() -> None:
    """A value of another type is refused."""
    with pytest.raises(OrgError, match="allowed_regions: 7 is not a string"):
        check_region(7, what="allowed_regions")  # type: ignore[arg-type]


def test_unlisted_region() -> None:
    """A Region that is newer than the data is accepted when it is named as such."""
    assert check_region("eu-west-9", what="x", unlisted=["eu-west-9"]) == "eu-west-9"


def test_fails_to_hint_at_the_argument_for_newer_regions() -> None:
    """A well-formed unknown Region is refused with the argument that would allow it."""
    with pytest.raises(OrgError, match=r"is named in unlisted_regions= as well"):
        check_region("eu-west-9", what="x", unlisted_name="unlisted_regions")


def test_fails_for_a_malformed_unlisted_region() -> None:
    """Naming a Region as newer does not excuse its form."""
    with pytest.raises(OrgError, match="did you mean 'eu-west-1'"):
        check_region("eu-west1", what="x", unlisted=["eu-west1"])


@pytest.mark.parametrize("token", ["${Token[AWS.Region.4]}", "#{Token[TOKEN.12]}"])
def test_token_is_not_refused(token: str) -> None:
    """What only deployment knows is no finding."""
    assert check_region(token, what="x") == token


@given(st.text(max_size=20))
def test_anything_else_is_refused(text: str) -> None:
    """A text is a known Region, or refused with code ORG006."""
    try:
        assert check_region(text, what="x") in REGIONS
    except OrgError as error:
        assert error.code == "ORG006"  # noqa: PT017
