"""Random hierarchies are decided as a second, deliberately naive evaluator decides them."""

from __future__ import annotations

import json
import random
from typing import Any

import pytest
from naive_evaluator import answer

from org_constructs.evaluation import Request, decide
from org_constructs.evaluation._operators import OPERATORS

SEEDS = range(5)
PER_SEED = 150
REQUESTS = 6

# Few signs and few names, so that patterns fit about as often as they do not.
_ACTIONS = ("s3:GetObject", "s3:PutObject", "S3:getobject", "ec2:RunInstances", "iam:GetRole")
_PATTERNS = (
    *("*", "s3:*", "S3:GET*", "s3:?etObject", "ec2:*", "ec2:Run*s", "*:*", "iam:Get*", "i*:*"),
    *("s3:GetObject", "s3:*Object", "ec2:RunInstances?", "s3:[G]etObject", "??:*"),
)
_RESOURCES = (
    *("*", "arn:aws:s3:::red/a", "arn:aws:s3:::Red/a", "arn:aws:s3:::blue/a/b", "arn:aws:s3:::*/a"),
    *("arn:aws:ec2:eu-west-1:111122223333:instance/i-1", "arn:aws:iam::111122223333:role/red"),
)
_RESOURCE_PATTERNS = (
    *("*", "arn:aws:s3:::red/*", "arn:aws:s3:::*/a", "arn:*:s3:::?ed/?", "arn:aws:s3*", "arn:*"),
    *("arn:aws:s3:::${aws:PrincipalTag/team}/*", "arn:aws:s3:::${aws:username, 'red'}/a"),
    *("arn:aws:s3:::${*}/a", "arn:aws:ec2:*:instance/*", "arn:aws:iam::*:role/${aws:username}"),
    *("arn:aws:*:${aws:RequestedRegion}:*:instance/i-?", "arn:aws:s3:::${aws:RequestedRegion}/*"),
)
_TEXTS = ("red", "Red", "blue", "r*d", "", "*", "?", "eu-west-1", "a.b", "[r]ed", "${$}", "true")
_VALUES: dict[str, tuple[Any, ...]] = {
    "String": (
        *(*_TEXTS, "re?", "*e*", "${aws:username}", "${aws:PrincipalTag/team, 'red'}", True, 10),
        *("x${aws:username}*", "${*}", "${?}ed", "${aws:TagKeys}", "$", "${", "${aws:username"),
    ),
    "Numeric": ("10", 10, "10.0", "-3", 2.5, "1e1", "9", "11", "+10"),
    "Date": (
        *("2026-01-31", "2026", "2026-01", "2026-01-31T00:00:00Z", "2026-01-31T00:00:00"),
        *("2026-01-31T01:00:00+01:00", "1769817600", 1769817600, "2026-01-30T20:00:00-05:00"),
        *("2026-01-31T00:00:00.5Z", "2026-01-30T23:59:59Z"),
    ),
    "Bool": ("true", "false", True, False, "TRUE"),
    "Null": ("true", "false", True, False),
    "Binary": ("cmVk", "Ymx1ZQ==", ""),
    "IpAddress": ("10.0.0.0/8", "10.1.2.3", "10.1.2.3/16", "2001:db8::/32", "0.0.0.0/0", "::/0"),
    "Arn": (
        *("arn:aws:iam::111122223333:role/red", "arn:*:iam::*:role/*", "arn:aws:iam:*:role/red:x"),
        *("arn:aws:iam::${aws:username}:role/*", "${aws:PrincipalArn}", "arn:*:*:*:*:*"),
        *("arn:aws:iam::1111????3333:r*/r?d", "arn:aws:s3:::red/a"),
    ),
}
_KEYS = {
    "String": ("aws:PrincipalTag/team", "aws:username", "AWS:REQUESTEDREGION", "aws:TagKeys"),
    "Numeric": ("s3:max-keys", "aws:username"),
    "Date": ("aws:CurrentTime", "s3:max-keys"),
    "Bool": ("aws:SecureTransport", "aws:TagKeys"),
    "Null": ("aws:TokenIssueTime", "aws:TagKeys", "aws:username"),
    "Binary": ("x:blob", "aws:TagKeys"),
    "IpAddress": ("aws:SourceIp", "aws:username"),
    "Arn": ("aws:PrincipalArn", "aws:SourceArn"),
}
_GIVEN: dict[str, tuple[Any, ...]] = {
    "aws:PrincipalTag/team": _TEXTS,
    "aws:username": ("red", "111122223333", "10", "10.1.2.3", "", "r*d", ["red", "blue"]),
    "aws:requestedRegion": ("eu-west-1", "red", "true"),
    "aws:TagKeys": (["red"], ["red", "blue"], ["Red", "true"], [], [""], "red", ["cmVk", "x"]),
    "s3:max-keys": ("10", 9, 2.5, "x", "2026", ["9", "11"]),
    "aws:CurrentTime": (*_VALUES["Date"], "x", ["2026-01-31", "2020-01-01"]),
    "aws:SecureTransport": ("true", False, "no", ["true", "false"]),
    "aws:TokenIssueTime": ("2026-01-31T00:00:00Z",),
    "x:blob": ("cmVk", "Ymx1ZQ==", "!"),
    "aws:SourceIp": ("10.1.2.3", "192.0.2.1", "2001:db8::1", "x"),
    "aws:PrincipalArn": (
        *("arn:aws:iam::111122223333:role/red", "arn:aws:iam::111122223333:user/red", "red"),
        *("arn:aws:iam::111122223333:role/red:x", "arn:aws-cn:iam::444455556666:role/x"),
        "arn:aws:iam::111122223333:role/aws-service-role/x/AWSServiceRoleForX",
    ),
    "aws:SourceArn": ("arn:aws:iam::111122223333:role/red", "arn:aws:s3:::red/a"),
}
_NAMES = sorted(OPERATORS)


def _some(rng: random.Random, pool: tuple[Any, ...]) -> Any:
    if rng.random() < 0.5:
        return rng.choice(pool)
    return rng.choices(pool, k=rng.randint(1, 3))


def _condition(rng: random.Random) -> dict[str, Any]:
    condition: dict[str, Any] = {}
    for _ in range(rng.choice((1, 1, 1, 2, 3))):
        name = rng.choice(_NAMES)
        family = OPERATORS[name].family
        written = rng.choice(("", "", "ForAllValues:", "ForAnyValue:")) + name
        if name != "Null" and rng.random() < 0.25:
            written += "IfExists"
        keys = condition.setdefault(written, {})
        keys[rng.choice(_KEYS[family])] = _some(rng, _VALUES[family])
    return condition


def _statement(rng: random.Random, effect: str) -> dict[str, Any]:
    statement: dict[str, Any] = {"Effect": effect}
    statement[rng.choice(("Action", "Action", "Action", "NotAction"))] = _some(rng, _PATTERNS)
    element = rng.choice(("", "Resource", "Resource", "NotResource"))
    if element:
        statement[element] = _some(rng, _RESOURCE_PATTERNS)
    if rng.random() < (0.85 if effect == "Deny" else 0.3):
        statement["Condition"] = _condition(rng)
    return statement


def _policy(rng: random.Random) -> dict[str, Any]:
    version = "2012-10-17" if rng.random() < 0.93 else "2008-10-17"
    statements = [
        _statement(rng, rng.choice(("Allow", "Deny", "Deny"))) for _ in range(rng.randint(1, 3))
    ]
    if rng.random() < 0.5:
        statements.append({"Effect": "Allow", "Action": "*", "Resource": "*"})
    rng.shuffle(statements)
    if version == "2008-10-17":
        # Without variables it is no ARN.
        text = json.dumps(statements).replace("${aws:PrincipalArn}", "arn:aws:iam::*:role/r${*}")
        statements = json.loads(text)
    if len(statements) == 1 and rng.random() < 0.5:
        return {"Version": version, "Statement": statements[0]}
    return {"Version": version, "Statement": statements}


def _hierarchy(rng: random.Random) -> list[list[dict[str, Any]]]:
    full = {
        "Version": "2012-10-17",
        "Statement": {"Effect": "Allow", "Action": "*", "Resource": "*"},
    }
    return [
        [full] * (rng.random() < 0.8) + [_policy(rng) for _ in range(rng.choice((0, 1, 1, 2)))]
        for _ in range(rng.randint(1, 4))
    ]


def _request(rng: random.Random) -> dict[str, Any]:
    keys = rng.sample(sorted(_GIVEN), k=rng.randint(0, len(_GIVEN)))
    return {
        "action": rng.choice(_ACTIONS),
        "resource": rng.choice(_RESOURCES),
        "context": {key: rng.choice(_GIVEN[key]) for key in keys},
    }


@pytest.mark.parametrize("seed", SEEDS)
def test_agrees_with_the_naive_evaluator(seed: int) -> None:
    """Thousands of hierarchies get one and the same answer, and every answer occurs."""
    rng = random.Random(seed)  # noqa: S311 - what has to be the same in every run
    seen: dict[str, int] = {}
    for _ in range(PER_SEED):
        levels = _hierarchy(rng)
        for _ in range(REQUESTS):
            request = _request(rng)
            decision = decide(levels, Request(**request))
            assert decision.effect == answer(levels, request), (levels, request)
            seen[decision.effect] = seen.get(decision.effect, 0) + 1
    assert len(seen) == 3
    assert min(seen.values()) > PER_SEED * REQUESTS / 20, seen


@pytest.mark.parametrize("seed", SEEDS)
def test_only_missing_keys_change_an_answer(seed: int) -> None:
    """Whatever other keys are added to a request, one by one or together, its answer stays."""
    rng = random.Random(1000 + seed)  # noqa: S311 - what has to be the same in every run
    changed = 0
    for _ in range(PER_SEED):
        levels, request = _hierarchy(rng), _request(rng)
        given = {key.lower() for key, value in request["context"].items() if value != []}
        decision = decide(levels, Request(**request))
        named = {key.lower() for key in decision.missing_keys}
        assert not named & given, (levels, request)
        absent = [
            key
            for key in _GIVEN
            if key.lower() not in given
            # It can make the principal one whom no policy reaches.
            and key != "aws:PrincipalArn"
        ]
        context = {key: value for key, value in request["context"].items() if value != []}
        for _ in range(4):
            more = rng.sample(absent, k=rng.randint(0, len(absent)))
            others = {key: rng.choice(_GIVEN[key]) for key in more if key.lower() not in named}
            again = decide(levels, Request(**{**request, "context": {**context, **others}}))
            assert again.effect == decision.effect, (levels, request, others)
            every = {key: rng.choice(_GIVEN[key]) for key in more}
            again = decide(levels, Request(**{**request, "context": {**context, **every}}))
            changed += again.effect != decision.effect
    assert changed > PER_SEED / 10
