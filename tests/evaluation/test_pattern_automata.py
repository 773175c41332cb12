"""Every combination of patterns that a string can match is found, with a string that does."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from org_constructs.evaluation._matching import action_matches, arn_like, resource_matches
from org_constructs.evaluation._pattern_automata import (
    Glob,
    TooManyStatesError,
    arn_pattern,
    matched_sets,
    text,
    wildcards,
)

PATTERNS = st.lists(st.text("ab*?", max_size=5), min_size=1, max_size=5)
WORDS = ["".join(word) for n in range(6) for word in itertools.product("abx", repeat=n)]


@given(PATTERNS)
def test_agrees_with_trying_all_short_words(patterns: list[str]) -> None:
    """What short words match is found, and every example matches what it stands for."""
    found = matched_sets([wildcards(pattern) for pattern in patterns])
    for matched, example in found.items():
        assert matched == _matched(patterns, example)
    assert {_matched(patterns, word) for word in WORDS} <= set(found)


def _matched(patterns: list[str], word: str) -> frozenset[int]:
    return frozenset(i for i, p in enumerate(patterns) if resource_matches(p, word))


@given(st.lists(st.text("aB*?:", max_size=12), min_size=1, max_size=3))
def test_arn_patterns_agree_with_the_evaluator(patterns: list[str]) -> None:
    """Wildcards stay within their part, and what has too few parts matches nothing."""
    patterns = [*patterns, "a:*:B:?:*:*", "*", "*:a*:B:*:?:b:*"]
    for matched, example in matched_sets([arn_pattern(pattern) for pattern in patterns]).items():
        assert matched == {i for i, p in enumerate(patterns) if arn_like(p, example)}


def test_parts_are_told_apart() -> None:
    """A wildcard in a part of an ARN does not take a colon; in a resource it does."""
    globs = [arn_pattern("arn:*:s3:::b"), wildcards("arn:*:s3:::b")]
    assert set(matched_sets(globs)) == {frozenset(), frozenset({1}), frozenset({0, 1})}


def test_actions() -> None:
    """Case has no meaning, and an action is a service and a name."""
    patterns = ["ec2:*", "EC2:run*", "*:RunInstances", "ec2:?*", "nothing"]
    found = matched_sets(
        [wildcards(pattern, fold=True) for pattern in patterns],
        among=arn_free_action(),
        signs="abcdefghijklmnopqrstuvwxyz0123456789-:",
    )
    for matched, example in found.items():
        assert matched == {i for i, p in enumerate(patterns) if action_matches(p, example)}
    assert set(map(frozenset, [(), (0, 3), (0, 1, 3), (2,), (0, 1, 2, 3)])) == set(found)


def arn_free_action() -> Glob:
    """Return the shape of an action: one colon with something on both sides."""
    first = arn_pattern("?*:?*:::: ").tokens or ()
    colon = first.index(":")
    return Glob((*first[:colon], ":", *first[:colon]))


@given(st.lists(st.text("aAbB", max_size=4), min_size=1, max_size=4))
def test_texts(values: list[str]) -> None:
    """With and without case; one text may be written in both ways at once."""
    globs = [*(text(v) for v in values), *(text(v, fold=True) for v in values)]
    for matched, example in matched_sets(globs).items():
        same = {i for i, v in enumerate(values) if v == example}
        alike = {i + len(values) for i, v in enumerate(values) if v.lower() == example.lower()}
        assert matched == same | alike


def test_pattern_that_nothing_matches() -> None:
    """It is in no set."""
    assert set(matched_sets([Glob(None), wildcards("a")])) == {frozenset(), frozenset({1})}


def test_fails_above_the_limit() -> None:
    """What would take too long is told, not tried."""
    many = [wildcards(f"*{sign}{sign}*") for sign in "abcdefghijklmnop"]
    with pytest.raises(TooManyStatesError, match="more than 100 states"):
        matched_sets(many, limit=100)


def test_a_long_list_is_quick() -> None:
    """As many patterns as a real guardrail has are a matter of moments."""
    patterns = [f"service{n}:{verb}*" for n in range(40) for verb in ("Get", "List", "*Put")]
    assert len(matched_sets([wildcards(p, fold=True) for p in patterns])) > 100
