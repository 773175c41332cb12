"""How patterns relate agrees with every text that they match; what documents show, proof confirms."""

from __future__ import annotations

import random
import re
from itertools import product
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from org_constructs.checks._coverage import does_all_of
from org_constructs.checks._patterns import covers, covers_arn, meet
from org_constructs.evaluation import parse_policy
from org_constructs.evaluation.equivalence import Equal, compare

# The sign c stands for any that no pattern names.
TEXTS = ["".join(signs) for size in range(7) for signs in product("abc", repeat=size)]
patterns = st.text(alphabet="ab*?", max_size=3)


def _matched(pattern: str) -> set[str]:
    text = "".join(".*" if s == "*" else "." if s == "?" else re.escape(s) for s in pattern)
    return {text_ for text_ in TEXTS if re.fullmatch(text, text_)}


@given(patterns, patterns)
def test_covers_is_certain(one: str, other: str) -> None:
    """Where one pattern is said to cover another, it matches all that the other does."""
    if covers(one, other):
        assert _matched(one) >= _matched(other)
    assert covers(one, one)
    assert covers("*", one)


@given(patterns, patterns)
def test_meet_is_exact(one: str, other: str) -> None:
    """Two patterns meet if and only if there is a text that both match."""
    assert meet(one, other) is bool(_matched(one) & _matched(other))
    assert meet(one, other) is meet(other, one)


def test_many_wildcards_take_no_time() -> None:
    """Neither question grows with the number of ways to match."""
    assert not covers("a*" * 60 + "b", "a" * 2000)
    assert not meet("a*" * 60 + "b", "a" * 500)


def test_parts_of_arns() -> None:
    """A wildcard stays in its part, as the ARN operators have it."""
    assert covers_arn("arn:*:iam::*:role/*", "arn:aws:iam::123456789012:role/team/*")
    assert not covers_arn("arn:aws:iam:*", "arn:aws:iam::123456789012:role/a")
    assert covers_arn("*", "arn:aws:iam::123456789012:role/a")
    assert not covers_arn("arn:aws:iam::1*:role/a", "arn:aws:iam::*:role/a")


ACTIONS = ["s3:*", "s3:Delete*", "s3:DeleteObject", "ec2:*", "*"]
RESOURCES = ["*", "arn:aws:s3:::a/*", "arn:aws:s3:::a/b"]
REGIONS = [["eu-west-1"], ["eu-west-1", "us-east-1"], ["us-east-1"]]
CONDITIONS: list[dict[str, Any]] = [
    {},
    *({"StringNotEquals": {"aws:RequestedRegion": regions}} for regions in REGIONS),
    *({"StringEqualsIfExists": {"aws:RequestedRegion": regions}} for regions in REGIONS),
    {"StringLike": {"aws:RequestedRegion": "eu-*"}},
    {"StringLike": {"aws:RequestedRegion": "*"}},
    {"ArnNotLike": {"aws:PrincipalArn": "arn:*:iam::*:role/A"}},
    {"ArnNotLike": {"aws:PrincipalArn": ["arn:*:iam::*:role/A", "arn:*:iam::*:role/B*"]}},
    {"ForAllValues:StringEquals": {"aws:TagKeys": ["a"]}},
    {"ForAllValues:StringEquals": {"aws:TagKeys": ["a", "b"]}},
    {"ForAnyValue:StringNotEquals": {"aws:TagKeys": ["a"]}},
    {"ForAnyValue:StringNotEquals": {"aws:TagKeys": ["a", "b"]}},
    {"Null": {"aws:TagKeys": "true"}},
]


def _statement(chance: random.Random) -> dict[str, Any]:
    actions = chance.sample(ACTIONS, chance.randint(1, 2))
    resources = chance.sample(RESOURCES, chance.randint(1, 2))
    condition: dict[str, Any] = {}
    for _ in range(2):
        condition |= chance.choice(CONDITIONS)
    return {
        "Effect": "Deny",
        ("NotAction" if chance.random() < 0.3 else "Action"): actions,
        ("NotResource" if chance.random() < 0.3 else "Resource"): resources,
        "Condition": condition,
    }


def test_what_documents_show_is_proved() -> None:
    """Of many random pairs, each that is said to be covered is redundant by proof as well."""
    chance = random.Random(20261124)  # noqa: S311
    everything = {"Effect": "Allow", "Action": "*", "Resource": "*"}
    covered = 0
    for _ in range(9000):
        wide, narrow = _statement(chance), _statement(chance)
        both = parse_policy({"Version": "2012-10-17", "Statement": [wide, narrow]})
        if not does_all_of(*both.statements):
            continue
        covered += 1
        with_one, with_both = (
            {"Version": "2012-10-17", "Statement": [everything, *statements]}
            for statements in ([wide], [wide, narrow])
        )
        assert isinstance(compare([[with_one]], [[with_both]]), Equal), (wide, narrow)
    assert covered > 100
