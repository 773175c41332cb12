"""Laws of evaluation that hold for every organization."""

from __future__ import annotations

import random
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from org_constructs.evaluation import Effect, Request, decide
from org_constructs.evaluation._conditions import condition_holds
from org_constructs.evaluation._matching import action_matches, arn_like, resource_matches
from org_constructs.evaluation._operators import OPERATORS
from org_constructs.evaluation._syntax import Condition

FULL = {"Effect": "Allow", "Action": "*", "Resource": "*"}
ACTIONS = ["s3:GetObject", "s3:PutObject", "ec2:RunInstances"]

actions = st.sampled_from(["*", "s3:*", "s3:Get*", "ec2:*", "ec2:?unInstances", "s3:PutObject"])
conditions = st.dictionaries(
    st.sampled_from(["StringEquals", "StringNotLike", "ForAllValues:StringLike"]),
    st.dictionaries(
        st.sampled_from(["aws:RequestedRegion", "aws:username"]),
        st.lists(st.sampled_from(["a", "b", "a*", "${aws:username}"]), min_size=1, max_size=2),
        max_size=2,
    ),
    max_size=2,
)
statements = st.fixed_dictionaries(
    {
        "Effect": st.sampled_from(["Allow", "Deny"]),
        "Action": st.lists(actions, min_size=1, max_size=2),
        "Resource": st.just("*"),
        "Condition": conditions,
    }
)
policies = st.lists(st.one_of(st.just(FULL), statements), min_size=1, max_size=3).map(
    lambda listed: {"Version": "2012-10-17", "Statement": listed}
)
hierarchies = st.lists(st.lists(policies, max_size=3), min_size=1, max_size=3)
requests = st.builds(
    Request,
    action=st.sampled_from(ACTIONS),
    region=st.sampled_from([None, "a", "b"]),
    context=st.dictionaries(st.just("aws:username"), st.sampled_from(["a", "b", "ab"])),
)
patterns = st.text("ab:*?", max_size=8)
names = st.text("ab:", max_size=8)


@given(hierarchies, requests, st.randoms())
def test_order_has_no_meaning(levels: Any, request: Request, rng: random.Random) -> None:
    """Neither the order of policies and statements nor that of levels changes an effect."""
    before = decide(levels, request)
    shuffled = [[dict(policy) for policy in level] for level in levels]
    for level in shuffled:
        rng.shuffle(level)
        for policy in level:
            policy["Statement"] = rng.sample(policy["Statement"], k=len(policy["Statement"]))
    assert decide(shuffled, request).effect == before.effect
    assert decide(shuffled, request).missing_keys == before.missing_keys
    rng.shuffle(shuffled)
    assert decide(shuffled, request).effect == before.effect


@given(hierarchies, requests, statements, st.data())
def test_a_deny_never_allows(levels: Any, request: Request, added: Any, data: Any) -> None:
    """One more Deny anywhere leaves the effect or denies explicitly."""
    place = data.draw(st.integers(0, len(levels) - 1))
    document = {"Version": "2012-10-17", "Statement": {**added, "Effect": "Deny"}}
    more = [[*level, document] if i == place else level for i, level in enumerate(levels)]
    before, after = decide(levels, request).effect, decide(more, request).effect
    assert after in (before, Effect.EXPLICITLY_DENIED)


@given(hierarchies, requests, statements, st.data())
def test_an_allow_never_denies(levels: Any, request: Request, added: Any, data: Any) -> None:
    """One more Allow at a level that exists leaves the effect or allows what nothing allowed."""
    place = data.draw(st.integers(0, len(levels) - 1))
    document = {"Version": "2012-10-17", "Statement": {**added, "Effect": "Allow"}}
    more = [[*level, document] if i == place else level for i, level in enumerate(levels)]
    before, after = decide(levels, request).effect, decide(more, request).effect
    assert after == before or (before, after) == (Effect.IMPLICITLY_DENIED, Effect.ALLOWED)


@given(hierarchies, requests, st.lists(policies, max_size=2))
def test_a_level_never_adds_permissions(levels: Any, request: Request, level: Any) -> None:
    """What is denied stays denied below one more level, and a level equal to one says nothing new."""
    before = decide(levels, request).effect
    assert before is Effect.ALLOWED or decide([*levels, level], request).effect is not (
        Effect.ALLOWED
    )
    assert decide([*levels, levels[0]], request).effect == before


@given(hierarchies, requests)
def test_the_effect_follows_from_the_levels(levels: Any, request: Request) -> None:
    """What a decision says of its levels, its statements and its words agrees with its effect."""
    decision = decide(levels, request)
    effects = {level.effect for level in decision.levels}
    expected = next(
        (e for e in (Effect.EXPLICITLY_DENIED, Effect.IMPLICITLY_DENIED) if e in effects),
        Effect.ALLOWED,
    )
    assert decision.effect == expected
    assert decision.allowed == (decision.effect is Effect.ALLOWED)
    for reference in decision.decided_by:
        assert str(reference) in decision.explanation
    for level in decision.not_allowed_at if expected is Effect.IMPLICITLY_DENIED else ():
        assert str(level) in decision.explanation
    for key in decision.missing_keys:
        assert key in decision.explanation


VALUES = {
    "String": ["red", "Red", "r*", "?", ""],
    "Numeric": ["1", "1.0", "2", "-1"],
    "Date": ["2026", "2026-01-01T00:00:00Z", "1767225600", "2026-01-02"],
    "Bool": ["true", "false"],
    "Binary": ["cmVk", ""],
    "IpAddress": ["10.0.0.0/8", "10.1.2.3", "::1"],
    "Arn": ["arn:aws:iam::1:role/a", "arn:*:iam::*:role/*", "arn:aws:iam::1:role/?"],
}
GIVEN = st.one_of(
    st.sampled_from([value for values in VALUES.values() for value in values]), st.text(max_size=5)
)


@given(st.sampled_from(sorted(o.name for o in OPERATORS.values() if o.negated)), st.data())
def test_a_negated_operator_is_the_complement(name: str, data: Any) -> None:
    """Where the key is there, a negated operator holds exactly when its positive twin does not."""
    positive = name.replace("Not", "")
    pool = VALUES[OPERATORS[name].family]
    values = tuple(data.draw(st.lists(st.sampled_from(pool), min_size=1, max_size=3)))
    context = {"a:b": data.draw(GIVEN)}
    one, other = (Condition(operator=o, key="a:b", values=values) for o in (positive, name))
    assert condition_holds(one, context) is not condition_holds(other, context)
    context = {"a:b": data.draw(st.lists(GIVEN, min_size=1, max_size=3))}
    some, every = (
        Condition(operator=o, key="a:b", values=values, quantifier=q)  # type: ignore[arg-type]
        for o, q in ((positive, "ForAnyValue"), (name, "ForAllValues"))
    )
    assert condition_holds(some, context) is not condition_holds(every, context)


@given(st.sampled_from(sorted(OPERATORS)), st.data())
def test_if_exists_matters_for_missing_keys_only(name: str, data: Any) -> None:
    """With the key there, IfExists changes nothing; without it, the condition holds."""
    if name == "Null":
        return
    pool = VALUES[OPERATORS[name].family]
    values = tuple(data.draw(st.lists(st.sampled_from(pool), min_size=1, max_size=3)))
    strict, lenient = (
        Condition(operator=name, key="a:b", values=values, if_exists=flag) for flag in (False, True)
    )
    context = {"A:B": data.draw(GIVEN)}
    assert condition_holds(strict, context) is condition_holds(lenient, context)
    assert condition_holds(lenient, {}) is True


@given(patterns, names)
def test_patterns_match_as_their_definition_says(pattern: str, name: str) -> None:
    """A wildcard is some signs or one sign, in actions, in resources and in the parts of an ARN."""
    expected = _fits(pattern, name)
    assert resource_matches(pattern, name) is expected
    assert resource_matches(pattern, name, {}) is expected
    assert action_matches(pattern.upper(), name) is expected
    parts, texts = pattern.split(":", 5), name.split(":", 5)
    assert arn_like(pattern, name) is (
        len(parts) == len(texts) == 6 and all(map(_fits, parts, texts))
    )


def _fits(pattern: str, name: str) -> bool:
    if not pattern:
        return not name
    if pattern[0] == "*":
        return _fits(pattern[1:], name) or (bool(name) and _fits(pattern, name[1:]))
    return bool(name) and pattern[0] in ("?", name[0]) and _fits(pattern[1:], name[1:])
