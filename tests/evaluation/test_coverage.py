"""What a moment lacks of what is denied before and after: by what it means, shown by a request."""

from __future__ import annotations

import json
import random
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from org_constructs.evaluation import Request, decide
from org_constructs.evaluation.coverage import lost_denials
from org_constructs.guardrails import DenyRootUser, ProtectCloudTrail, RegionDeny
from org_constructs.model.denials import Denials, Lost, as_documents, denials_of

ALLOW_ALL = {"Effect": "Allow", "Action": "*", "Resource": "*"}


def deny(*actions: str, **more: Any) -> dict[str, Any]:
    """Return a statement that denies these actions."""
    return {"Effect": "Deny", "Action": list(actions), "Resource": "*", **more}


def where(operator: str, **values: Any) -> dict[str, Any]:
    """Return a condition."""
    return {"Condition": {operator: values}}


def bound(*statements: dict[str, Any]) -> dict[str, str]:
    """Return denials by themselves, as the rehearsal has them."""
    return {text: text for text in denials_of({"Statement": list(statements)})}


def guard(*guardrails: Any) -> dict[str, str]:
    """Return what guardrails deny."""
    return bound(*(s.to_json() for guardrail in guardrails for s in guardrail.statements()))


def lost(before: Denials[str], after: Denials[str], now: Denials[str]) -> set[str]:
    """Return the actions of what is lost, of which there is no doubt."""
    found = lost_denials(before, after, now)
    assert found.undecided == ""
    assert all(found.denials.values())
    return {json.loads(denial).get("Action", "others") for denial in found.denials}


class TestLost:
    """What is denied at both ends, and not now."""

    def test_nothing_at_all_is_denied_now(self) -> None:
        """Every denial that holds at both ends is named."""
        assert lost(bound(deny("s3:*", "ec2:*")), bound(deny("s3:*", "iam:*")), {}) == {"s3:*"}

    def test_part_of_what_is_denied_before(self) -> None:
        """It is named as it is written before."""
        assert lost(bound(deny("s3:*")), bound(deny("s3:Get*")), bound(deny("s3:Put*"))) == {"s3:*"}

    def test_several_denials_together(self) -> None:
        """Two fences are one around what both allow."""
        fences = [
            guard(RegionDeny(allowed_regions=regions)) for regions in (["eu-west-1"], ["eu-west-2"])
        ]
        both = guard(RegionDeny(allowed_regions=["eu-west-1", "eu-west-2"]))
        everywhere = fences[0] | fences[1]
        assert lost(everywhere, everywhere, both) == {"others"}
        assert lost(both, both, fences[0]) == set()

    def test_a_condition_less(self) -> None:
        """What is exempt now and at neither end is lost."""
        exempt = guard(ProtectCloudTrail(exempt_principals=["arn:*:iam::*:role/Admin"]))
        found = lost_denials(guard(ProtectCloudTrail()), guard(ProtectCloudTrail()), exempt)
        assert len(found.denials) == len(exempt)
        assert found.example.endswith("aws:PrincipalArn=arn:aws:iam::111122223333:role/Admin")

    def test_resource_control_policies_are_judged_alone(self) -> None:
        """They bind strangers, whom no service control policy binds; and the other way round."""
        scp, rcp = bound(deny("s3:*")), bound(deny("s3:*", Principal="*"))
        assert lost(rcp, rcp, scp) == {"s3:*"}
        assert lost(scp, scp, rcp) == {"s3:*"}
        assert lost(scp | rcp, scp | rcp, rcp) == {"s3:*"}

    def test_services_out_of_reach_of_resource_control_policies(self) -> None:
        """A denial without effect is no loss."""
        rcp = bound(deny("iam:*", "kms:RetireGrant", Principal="*"))
        assert lost(rcp, rcp, {}) == set()

    def test_many(self) -> None:
        """Some hundred denials, none of which is there, are told in a moment."""
        many = bound(
            *(
                deny(
                    f"s{n}:Put*",
                    f"s{n}:Get*",
                    **where("ArnNotLike", **{"aws:PrincipalArn": f"arn:*:iam::*:role/r{n}"}),
                )
                for n in range(50)
            )
        )
        assert len(lost(many, many, {})) == 100
        few = dict(list(many.items())[:-1])
        assert len(lost(many, many, few)) == 1


OTHERWISE = {
    "wider": ([deny("s3:Get*", "s3:Put*")], [deny("s3:*")]),
    "another operator": (
        [deny("s3:*", **where("StringEquals", a=["x", "y"]))],
        [deny("s3:*", **where("StringLike", a=["y", "x"]))],
    ),
    "in two halves": (
        [deny("s3:*")],
        [
            deny("s3:*", **where("Bool", a="true")),
            deny("s3:*", **where("BoolIfExists", a="false")),
        ],
    ),
    "without a condition": ([deny("s3:*", **where("Null", a="true"))], [deny("s3:*")]),
    "by its resources": (
        [deny("s3:*", Resource=["arn:aws:s3:::a", "arn:aws:s3:::b"])],
        [deny("s3:*", Resource="arn:aws:s3:::?")],
    ),
    "of everybody and not of root alone": (
        [s.to_json() for s in DenyRootUser().statements()],
        [deny("*")],
    ),
}


class TestNothingLost:
    """What makes no difference."""

    @pytest.mark.parametrize("case", OTHERWISE)
    def test_written_otherwise(self, case: str) -> None:
        """The documents differ, and what they deny is there."""
        first, second = (bound(*side) for side in OTHERWISE[case])
        assert as_documents(first, first, second).denials
        assert lost_denials(first, first, second) == Lost()

    def test_what_one_end_denies(self) -> None:
        """It need not be denied meanwhile."""
        assert lost_denials(bound(deny("s3:*")), bound(deny("ec2:*")), {}) == Lost()
        assert lost_denials(bound(deny("s3:*")), {}, {}) == Lost()


OWN = {"a": "${aws:username}"}


class TestNotDecided:
    """Documents are compared, and the result says why."""

    def test_variables(self) -> None:
        """They are the same only where they are written the same."""
        equals, like, case = (
            bound(deny("s3:*", **where(operator, **OWN)))
            for operator in ("StringEquals", "StringLike", "StringEqualsIgnoreCase")
        )
        found = lost_denials(equals, equals, like)
        assert found.denials == dict.fromkeys(equals, "")
        assert "policy variables" in found.undecided
        found = lost_denials(equals, case, like)
        assert found.denials == {}
        assert found.undecided

    def test_what_is_certain_beside_it(self) -> None:
        """A loss that is known is no doubt."""
        equals, like = (
            bound(deny("s3:*", **where(operator, **OWN)), *more)
            for operator, more in (("StringEquals", [deny("ec2:*")]), ("StringLike", []))
        )
        found = lost_denials(equals, equals, like)
        examples = {json.loads(key)["Action"]: value for key, value in found.denials.items()}
        assert examples == {"s3:*": "", "ec2:*": found.example}
        assert found.example.startswith("ec2:")

    def test_what_only_deployment_knows(self) -> None:
        """Two references may be to one thing."""
        one, other = (bound(deny("s3:*", Resource={"Ref": name})) for name in ("A", "B"))
        assert lost_denials(one, one, other).undecided
        assert lost_denials(one, one, one) == Lost()
        assert set(lost_denials(one, one, {}).denials) <= set(one)

    def test_hashes_only(self) -> None:
        """As lock files of old have them."""
        found = lost_denials({"h": None}, {"h": None}, {"i": None})
        assert found.denials == {"h": ""}
        assert "hashes only" in found.undecided

    def test_what_is_no_policy(self) -> None:
        """What AWS would reject is compared as a document."""
        wrong = bound({"Effect": "Deny", "Action": "s3", "Resource": "*"})
        found = lost_denials(wrong, wrong, {})
        assert set(found.denials) == set(wrong)
        assert "'s3' is no action" in found.undecided


ACTIONS = ["s3:*", "s3:Get*", "s3:GetObject", "ec2:*", "s3:Put*", "*"]
CONDITIONS = [
    {},
    {},
    where("StringEquals", a="x"),
    where("StringNotEquals", a=["x", "y"]),
    where("StringLikeIfExists", a="x*"),
    where("Null", a="true"),
    where("Bool", b="true"),
    where("ForAnyValue:StringEquals", t=["x", "y"]),
    where("ArnNotLike", **{"aws:PrincipalArn": "arn:*:iam::*:role/A*"}),
]
RESOURCES = ["*", "*", "arn:aws:s3:::a*", "arn:aws:s3:::ab"]
VALUES: dict[str, list[Any]] = {
    "a": ["x", "y", "xy", "z"],
    "b": ["true", "false"],
    "t": [["x"], ["x", "z"], ["z"]],
    "aws:PrincipalArn": ["arn:aws:iam::1:role/A", "arn:aws:iam::1:role/B", "arn:aws:iam::1:root"],
}
STATEMENTS = st.builds(
    lambda actions, condition, resource, kind: deny(
        *actions, **condition, Resource=resource, **kind
    ),
    st.lists(st.sampled_from(ACTIONS[:-1]), min_size=1, max_size=2, unique=True),
    st.sampled_from(CONDITIONS),
    st.sampled_from(RESOURCES),
    st.sampled_from([{}, {}, {"Principal": "*"}]),
)
SIDES = st.lists(STATEMENTS, min_size=1, max_size=3).map(lambda statements: bound(*statements))
many_examples = settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)


def denies(side: dict[str, str], request: Request, *, rcp: bool) -> bool:
    """Tell whether denials of one kind deny a request."""
    documents = [
        {"Version": "2012-10-17", "Statement": [json.loads(text)]}
        for text in side.values()
        if ("Principal" in json.loads(text)) is rcp
    ]
    if rcp:
        return not decide([], request, resource_levels=[documents]).allowed
    full = {"Version": "2012-10-17", "Statement": [ALLOW_ALL]}
    return not decide([[full, *documents]], request).allowed


def any_request(chance: random.Random) -> Request:
    """Return some request that the vocabulary can tell apart."""
    return Request(
        action=chance.choice(
            ["s3:GetObject", "s3:GetX", "s3:PutObject", "s3:X", "ec2:RunInstances"]
        ),
        resource=chance.choice(["*", "arn:aws:s3:::a", "arn:aws:s3:::ab", "arn:aws:s3:::b"]),
        context={key: chance.choice(v) for key, v in VALUES.items() if chance.random() < 0.75},
    )


class TestProperties:
    """For any denials."""

    @many_examples
    @given(SIDES, SIDES, SIDES, st.sampled_from(["before", "after"]))
    def test_no_loss_where_one_end_is_there(
        self, before: dict[str, str], after: dict[str, str], now: dict[str, str], end: str
    ) -> None:
        """Whatever else is denied now."""
        assert lost_denials(before, after, now | (before if end == "before" else after)) == Lost()

    @many_examples
    @given(SIDES, SIDES, SIDES, st.integers(0, 2**32))
    def test_it_agrees_with_requests(
        self,
        before: dict[str, str],
        after: dict[str, str],
        now: dict[str, str],
        seed: int,
    ) -> None:
        """A request that only now passes is of a denial that is lost, if there is one at all."""
        chance = random.Random(seed)  # noqa: S311 - no secret
        found = lost_denials(before, after, now)
        assert found.undecided == ""
        for _ in range(100):
            request = any_request(chance)
            for rcp in (False, True):
                ends = [denies(side, request, rcp=rcp) for side in (before, after)]
                if not all(ends) or denies(now, request, rcp=rcp):
                    continue
                mine = {d: d for d in before if denies({d: d}, request, rcp=rcp)}
                assert mine
                assert mine.keys() <= found.denials.keys()

    @many_examples
    @given(SIDES, SIDES, SIDES)
    def test_examples_pass_only_now(
        self, before: dict[str, str], after: dict[str, str], now: dict[str, str]
    ) -> None:
        """The request of a loss is denied by it, before and after, and not now."""
        for denial, example in lost_denials(before, after, now).denials.items():
            request, rcp = _read(example), "Principal" in json.loads(denial)
            assert denies({denial: denial}, request, rcp=rcp)
            assert denies(before, request, rcp=rcp)
            assert denies(after, request, rcp=rcp)
            assert not denies(now, request, rcp=rcp)

    @many_examples
    @given(SIDES, SIDES, SIDES)
    def test_less_now_is_no_less_lost(
        self, before: dict[str, str], after: dict[str, str], now: dict[str, str]
    ) -> None:
        """What is lost while something is denied is lost when nothing is."""
        some, all_of_it = (lost_denials(before, after, side).denials for side in (now, {}))
        assert some.keys() <= all_of_it.keys()


def _read(example: str) -> Request:
    """Return the request that is written as an example."""
    action, _, rest = example.partition(" ")
    resource = "*"
    if rest.startswith("on "):
        resource, _, rest = rest.removeprefix("on ").partition(" ")
    context: dict[str, Any] = {}
    for word in rest.split(" ") if rest else []:
        if "=" in word:
            key, _, value = word.partition("=")
            context[key] = [value[:-1]] if value.endswith(",") else value
        else:
            context[key].append(word.removesuffix(","))
    return Request(action=action, resource=resource, context=context)
