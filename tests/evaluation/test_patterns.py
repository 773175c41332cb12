"""Sets of actions as readable patterns."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from org_constructs.evaluation.catalogue import AccessLevel, Catalogue, catalogue
from org_constructs.evaluation.patterns import Grouping, grouping_of, patterns_of

S3 = [
    "s3:CreateBucket", "s3:DeleteBucket", "s3:DeleteObject", "s3:GetBucketAcl", "s3:GetObject",
    "s3:GetObjectAcl", "s3:PutBucketAcl", "s3:PutObject", "s3:PutObjectAcl",
]  # fmt: skip
SMALL = Catalogue(
    [*S3, "ec2:RunInstances", "ec2:StopInstances", "ec2:StartInstances", "ec2:RunX", "x:Do"]
)


def covered(patterns: list[str], known: Catalogue) -> int:
    """Return what patterns match."""
    mask = 0
    for pattern in patterns:
        mask |= known.mask(pattern)
    return mask


@pytest.mark.parametrize(
    ("actions", "patterns"),
    [
        ([], []),
        (S3, ["s3:*"]),
        (["x:Do"], ["x:*"]),
        (["s3:GetObject"], ["s3:GetObject"]),
        (["s3:PutBucketAcl", "s3:PutObject", "s3:PutObjectAcl"], ["s3:Put*"]),
        (["s3:PutObject", "s3:PutObjectAcl"], ["s3:PutObject*"]),
        (["s3:DeleteBucket", "s3:PutObject", "s3:PutObjectAcl"], ["s3:DeleteBucket", "s3:PutObject*"]),
        (["s3:GetBucketAcl", "s3:GetObjectAcl", "s3:PutBucketAcl", "s3:PutObjectAcl"], ["s3:*Acl"]),
        (["ec2:RunInstances", "ec2:StopInstances", "ec2:StartInstances"], ["ec2:*Instances"]),
        (list(SMALL.actions), ["*"]),
    ],
)  # fmt: skip
def test_reads_as_a_person_would_write(actions: list[str], patterns: list[str]) -> None:
    """Whole services, first words, last words, names."""
    assert patterns_of(SMALL.mask_of(actions), SMALL) == patterns


@given(st.integers(min_value=0, max_value=SMALL.every))
def test_covers_exactly_any_set_of_a_small_catalogue(mask: int) -> None:
    """All of the set and nothing else."""
    patterns = patterns_of(mask, SMALL)
    assert covered(patterns, SMALL) == mask
    assert len(patterns) <= mask.bit_count()
    assert len(set(patterns)) == len(patterns)


@pytest.mark.parametrize("density", [1, 2, 3, 4])
def test_covers_exactly_sets_of_the_real_catalogue(density: int) -> None:
    """All of the set and nothing else, dense or sparse, the same every time."""
    known = catalogue()
    chance = random.Random(density)  # noqa: S311 - nothing secret
    mask = known.every
    for _ in range(density - 1):
        mask &= chance.getrandbits(len(known))
    mask |= known.mask("ec2:Describe*") | known.mask("iam:*")
    mask &= ~known.mask("s3:Put*")
    patterns = patterns_of(mask)
    assert covered(patterns, known) == mask
    assert patterns == patterns_of(mask)
    assert "iam:*" in patterns


def test_shortens_what_people_meet() -> None:
    """Common sets become few lines."""
    known = catalogue()
    reads = known.levels[AccessLevel.READ] | known.levels[AccessLevel.LIST]
    assert len(patterns_of(reads & known.mask("ec2:*"))) <= 10
    tags = known.levels[AccessLevel.TAGGING]
    assert "*:TagResource" in patterns_of(tags)
    assert len(patterns_of(tags)) < tags.bit_count() / 4
    without = known.every & ~known.mask("organizations:Leave*")
    assert grouping_of(without) == Grouping(("organizations:LeaveOrganization",), all_but=True)


@pytest.mark.parametrize(
    ("patterns", "text"),
    [
        ([], "nothing"),
        (["*"], "*"),
        (["s3:Put*"], "s3:Put*"),
        (["s3:*", "ec2:*"], "* except x:*"),
        (["s3:*", "ec2:Run*", "x:*"], "* except ec2:StartInstances, ec2:StopInstances"),
        (["s3:Create*", "ec2:Run*"], "ec2:Run*, s3:CreateBucket"),
    ],
)
def test_says_what_is_shorter(patterns: list[str], text: str) -> None:
    """A large set is told by what it lacks where that is shorter."""
    assert str(grouping_of(covered(patterns, SMALL), SMALL)) == text
