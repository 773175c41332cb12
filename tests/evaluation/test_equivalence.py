"""Two sets of policies mean the same, or a request shows that they do not; nothing is guessed."""

from __future__ import annotations

import copy
import json
import random
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from org_constructs.evaluation import (
    Effect,
    Level,
    NamedPolicy,
    Request,
    decide,
    equivalence,
    parse_policy,
)
from org_constructs.evaluation.catalogue import Catalogue
from org_constructs.evaluation.equivalence import (
    AtMost,
    Different,
    Equal,
    NotDecided,
    PolicySet,
    compare,
    compare_documents,
    is_at_most,
)
from org_constructs.guardrails import (
    DenyCloseAccount,
    DenyLeaveOrganization,
    DenyRootUser,
    ProtectCloudTrail,
    RegionDeny,
)

ALLOW_ALL = {"Effect": "Allow", "Action": "*", "Resource": "*"}


def doc(*statements: dict[str, Any]) -> dict[str, Any]:
    """Return a document of these statements."""
    return {"Version": "2012-10-17", "Statement": list(statements)}


def deny(action: Any = "*", resource: Any = "*", **conditions: Any) -> dict[str, Any]:
    """Return a Deny; conditions are given by operator."""
    statement = {"Effect": "Deny", "Action": action, "Resource": resource}
    return statement | ({"Condition": conditions} if conditions else {})


def deny_others(action: Any, **conditions: Any) -> dict[str, Any]:
    """Return a Deny of everything but some actions."""
    statement = deny(**conditions)
    del statement["Action"]
    return statement | {"NotAction": action}


def guard(*guardrails: Any) -> dict[str, Any]:
    """Return the document of some guardrails."""
    return doc(*(s.to_json() for guardrail in guardrails for s in guardrail.statements()))


FULL = doc(ALLOW_ALL)
ARN = "aws:PrincipalArn"
ADMIN = "arn:*:iam::*:role/Admin"
EVERYTHING = [
    RegionDeny(allowed_regions=["eu-west-1"]),
    DenyLeaveOrganization(),
    DenyCloseAccount(exempt_principals=[ADMIN]),
    ProtectCloudTrail(),
    DenyRootUser(),
]

SAME = {
    "order": ([deny("s3:*"), deny("ec2:*")], [deny("ec2:*"), deny("s3:*")]),
    "case of actions": ([deny("S3:getObject")], [deny("s3:GetObject")]),
    "one statement in two": ([deny(["s3:*", "ec2:*"])], [deny("s3:*"), deny("ec2:*")]),
    "an action that another covers": ([deny(["ec2:*", "ec2:Run*"])], [deny("ec2:*")]),
    "a statement that another covers": (
        [deny("ec2:*"), deny("ec2:Run*", StringEquals={"aws:PrincipalOrgID": "o-a1b2c3d4e5"})],
        [deny("ec2:*")],
    ),
    "an action has a name": ([deny("ec2:*")], [deny("ec2:?*")]),
    "everything has a service": ([deny("*")], [deny("*:*")]),
    "everything but all": ([deny("s3:*"), deny_others(["*"])], [deny("s3:*")]),
    "two halves": ([deny("s3:*"), deny_others("s3:*")], [deny("*")]),
    "NotAction of another statement": (
        [deny_others(["s3:*", "ec2:*"]), deny("s3:Get*")],
        [deny_others(["s3:*", "ec2:*"]), deny(["s3:Get*", "iam:*"])],
    ),
    "values of one condition": (
        [deny("s3:*", StringEquals={"aws:SourceVpc": ["vpc-1", "vpc-2"]})],
        [
            deny("s3:*", StringEquals={"aws:SourceVpc": "vpc-2"}),
            deny("s3:*", StringEquals={"aws:SourceVpc": "vpc-1"}),
        ],
    ),
    "case of a key": (
        [deny(StringEquals={"aws:SourceVpc": "vpc-1"})],
        [deny(StringEquals={"AWS:sourcevpc": "vpc-1"})],
    ),
    "a pattern without wildcards": (
        [deny(StringEquals={"aws:SourceVpc": "vpc-1"})],
        [deny(StringLike={"aws:SourceVpc": "vpc-1"})],
    ),
    "both sides of a condition": (
        [
            deny("s3:*", StringEquals={"aws:SourceVpc": "vpc-1"}),
            deny("s3:*", StringNotEquals={"aws:SourceVpc": "vpc-1"}),
        ],
        [deny("s3:*")],
    ),
    "conditions that never hold together": (
        [deny(StringEquals={"a": "1"}, StringLike={"a": "2*"}), deny("s3:*")],
        [deny("s3:*")],
    ),
    "negated with and without IfExists": (
        [deny(StringNotEquals={"aws:SourceVpc": "vpc-1"})],
        [deny(StringNotEqualsIfExists={"aws:SourceVpc": "vpc-1"})],
    ),
    "numbers": (
        [deny(NumericLessThan={"n": "5"}), deny(NumericEquals={"n": "5"})],
        [deny(NumericLessThanEquals={"n": "5.0"})],
    ),
    "dates": (
        [deny(DateLessThan={"aws:CurrentTime": "2026-01-01T00:00:00Z"})],
        [deny(DateLessThan={"aws:CurrentTime": "2026-01-01T01:00:00+01:00"})],
    ),
    "networks": (
        [deny(IpAddress={"aws:SourceIp": ["10.0.0.0/9", "10.128.0.0/9"]})],
        [deny(IpAddress={"aws:SourceIp": "10.0.0.0/8"})],
    ),
    "true or not": (
        [
            deny(Bool={"aws:SecureTransport": "false"}),
            deny(Bool={"aws:SecureTransport": "true"}),
            deny(Null={"aws:SecureTransport": "true"}),
        ],
        [deny()],
    ),
    "resources": (
        [deny("s3:*", ["arn:aws:s3:::a", "arn:aws:s3:::b*", "arn:aws:s3:::bc"])],
        [deny("s3:*", "arn:aws:s3:::b*"), deny("s3:*", "arn:aws:s3:::a")],
    ),
    "any tag of two": (
        [deny(**{"ForAnyValue:StringEquals": {"aws:TagKeys": ["a", "b"]}})],
        [
            deny(**{"ForAnyValue:StringEquals": {"aws:TagKeys": "a"}}),
            deny(**{"ForAnyValue:StringEquals": {"aws:TagKeys": "b"}}),
        ],
    ),
    "all tags, or another": (
        [
            deny(**{"ForAllValues:StringEquals": {"aws:TagKeys": ["a", "b"]}}),
            deny(**{"ForAnyValue:StringNotEquals": {"aws:TagKeys": ["a", "b"]}}),
        ],
        [deny()],
    ),
    "a role of a service is exempt anyway": (
        [deny("s3:*", ArnNotLike={ARN: [ADMIN, "arn:*:iam::*:role/aws-service-role/?*"]})],
        [deny("s3:*", ArnNotLike={ARN: [ADMIN]})],
    ),
    "an allow list": (
        [{**ALLOW_ALL, "Action": ["s3:*", "ec2:*"]}],
        [{**ALLOW_ALL, "Action": "ec2:*"}, {**ALLOW_ALL, "Action": "s3:*"}],
    ),
    "an allowed action that is denied": (
        [{**ALLOW_ALL, "Action": ["s3:*", "ec2:*"]}, deny("ec2:*")],
        [{**ALLOW_ALL, "Action": "s3:*"}, deny("ec2:*")],
    ),
    "the same variable": (
        [deny("s3:*", StringEquals={"a": "${aws:username}"})],
        [deny(["s3:*", "s3:Get*"], StringEquals={"a": ["${aws:username}"]})],
    ),
    "what only deployment knows": (
        [deny("s3:*", {"Fn::GetAtt": ["Bucket", "Arn"]})],
        [
            deny("s3:Put*", {"Fn::GetAtt": ["Bucket", "Arn"]}),
            deny("s3:*", [{"Fn::GetAtt": ["Bucket", "Arn"]}]),
        ],
    ),
    "a session of a service's role, too": (
        [deny("s3:*", ArnNotLike={ARN: [ADMIN, "arn:*:sts::*:assumed-role/AWSServiceRoleFor?*"]})],
        [deny("s3:*", ArnNotLike={ARN: [ADMIN]})],
    ),
    "guardrails": (
        guard(*EVERYTHING)["Statement"],
        guard(*reversed(EVERYTHING), DenyRootUser(sid_suffix="Two"))["Statement"],
    ),
}

DIFFERENT = {
    "an action fewer": ([deny(["s3:*", "ec2:*"])], [deny("s3:*")]),
    "a prefix that is longer": ([deny("ec2:R*")], [deny("ec2:Ru*")]),
    "signs that no action has": ([deny("s3:a_b.c/*")], [deny("s3:A")]),
    "another NotAction": ([deny_others(["s3:*", "ec2:*"])], [deny_others("s3:*")]),
    "a statement's NotActions united": (
        [deny_others("s3:*"), deny_others("ec2:*")],
        [deny_others(["s3:*", "ec2:*"])],
    ),
    "Action and NotAction": ([deny("s3:*")], [deny_others("s3:*")]),
    "resources": ([deny("s3:*", "arn:aws:s3:::a*")], [deny("s3:*", "arn:aws:s3:::*")]),
    "case of a resource": ([deny("s3:*", "arn:aws:s3:::a")], [deny("s3:*", "arn:aws:s3:::A")]),
    "no condition": ([deny(StringEquals={"a": "1"})], [deny()]),
    "another operator": (
        [deny(StringEquals={"a": "x*"})],
        [deny(StringLike={"a": "x*"})],
    ),
    "case": ([deny(StringEquals={"a": "b"})], [deny(StringEqualsIgnoreCase={"a": "b"})]),
    "a missing key": (
        [deny(StringEquals={"a": "1"})],
        [deny(StringEqualsIfExists={"a": "1"})],
    ),
    "both and either": (
        [deny(StringEquals={"a": "1", "b": "1"})],
        [deny(StringEquals={"a": "1"}), deny(StringEquals={"b": "1"})],
    ),
    "numbers": ([deny(NumericLessThan={"n": "5"})], [deny(NumericLessThanEquals={"n": "5"})]),
    "a moment": (
        [deny(DateGreaterThan={"aws:CurrentTime": "2026-01-01"})],
        [deny(DateGreaterThanEquals={"aws:CurrentTime": "2026-01-01"})],
    ),
    "a network": (
        [deny(NotIpAddress={"aws:SourceIp": "10.0.0.0/8"})],
        [deny(NotIpAddress={"aws:SourceIp": "10.0.0.0/9"})],
    ),
    "arn parts": (
        [deny(ArnLike={ARN: "arn:aws:iam::*:role/A"})],
        [deny(StringLike={ARN: "arn:aws:iam::*:role/A"})],
    ),
    "quantifiers": (
        [deny(**{"ForAllValues:StringEquals": {"aws:TagKeys": "a"}})],
        [deny(**{"ForAnyValue:StringEquals": {"aws:TagKeys": "a"}})],
    ),
    "a service on behalf of somebody": (
        [deny("s3:*", BoolIfExists={"aws:PrincipalIsAWSService": "false"})],
        [deny("s3:*")],
    ),
    "allowed or denied by nobody": ([ALLOW_ALL], []),
    "allowed by nobody or denied": ([], [deny("s3:*")]),
    "regions": (
        guard(RegionDeny(allowed_regions=["eu-west-1"]))["Statement"],
        guard(RegionDeny(allowed_regions=["eu-west-1", "eu-central-1"]))["Statement"],
    ),
    "a guardrail fewer": (
        guard(*EVERYTHING)["Statement"],
        guard(*EVERYTHING[1:])["Statement"],
    ),
}


def documents(statements: list[Any]) -> list[Any]:
    """Return the statements as one document, none for none."""
    return [doc(*statements)] if statements else []


@pytest.mark.parametrize("case", SAME)
def test_same(case: str) -> None:
    """What is written otherwise and means the same is proved to."""
    first, second = map(documents, SAME[case])
    assert compare_documents(first, second) == Equal()
    assert compare([[FULL], first], [[FULL], second]) == Equal()
    assert is_at_most([first], [second]) == is_at_most([second], [first]) == AtMost()


@pytest.mark.parametrize("case", DIFFERENT)
def test_different(case: str) -> None:
    """What means something else is shown by a request that `decide` decides differently."""
    first, second = map(documents, DIFFERENT[case])
    found = compare_documents(first, second)
    assert isinstance(found, Different)
    effects = tuple(decide([side], found.counterexample.request).effect for side in (first, second))
    assert effects[0] != effects[1]
    assert effects == found.counterexample.effects


def test_wider_and_narrower() -> None:
    """At most means in one direction only."""
    tight = guard(RegionDeny(allowed_regions=["eu-west-1"]))
    loose = guard(RegionDeny(allowed_regions=["eu-west-1", "eu-central-1"]))
    assert is_at_most([[FULL, tight]], [[FULL, loose]]) == AtMost()
    found = is_at_most([[FULL, loose]], [[FULL, tight]])
    assert isinstance(found, Different)
    assert found.holds is False
    assert str(found.counterexample) == "ec2:RunInstances aws:RequestedRegion=eu-central-1"
    assert found.counterexample.is_known_action


def test_at_most_one_of_several() -> None:
    """What is allowed may be allowed by either, request by request."""
    first, second = (guard(RegionDeny(allowed_regions=[r])) for r in ("eu-west-1", "eu-west-2"))
    both = guard(RegionDeny(allowed_regions=["eu-west-1", "eu-west-2"]))
    assert is_at_most([[FULL, both]], [[FULL, first]], [[FULL, second]]) == AtMost()
    assert isinstance(is_at_most([[FULL]], [[FULL, first]], [[FULL, second]]), Different)


def test_levels() -> None:
    """Every level has to allow; a denial is one at any level."""
    some = doc({**ALLOW_ALL, "Action": "s3:*"})
    assert compare([[FULL], [some]], [[some], [FULL]]) == Equal()
    assert compare([[FULL], [some]], [[some]]) == Equal()
    assert isinstance(compare([[FULL], [some]], [[FULL, some]]), Different)
    other = doc({**ALLOW_ALL, "Action": "ec2:*"})
    assert compare([[some], [other]], [[FULL], []]) == Equal()
    denied = doc(deny("iam:*"))
    assert compare([[FULL, denied], [FULL]], [[FULL], [FULL, denied]]) == Equal()


def test_kinds_of_denial() -> None:
    """Explicit and implicit denials are one unless asked."""
    allowing, denying = [[doc({**ALLOW_ALL, "Action": "s3:*"})]], [[FULL, doc(deny_others("s3:*"))]]
    assert compare(allowing, denying) == Equal()
    found = compare(allowing, denying, kinds_of_denial=True)
    assert isinstance(found, Different)
    assert found.counterexample.effects == (Effect.IMPLICITLY_DENIED, Effect.EXPLICITLY_DENIED)


def test_no_levels() -> None:
    """Nothing restricts the management account."""
    assert compare([], [[FULL]]) == Equal()
    assert isinstance(compare([], [[]]), Different)


def test_actions_that_nobody_knows() -> None:
    """They count unless only some do; the answer says whether a known one is concerned."""
    known = Catalogue(["s3:GetObject", "s3:GetObjectAcl", "s3:PutObject", "s3:ListBucket"])
    listed, wild = [doc(deny(["s3:GetObject", "s3:GetObjectAcl"]))], [doc(deny("s3:Get*"))]
    assert compare_documents(listed, wild, actions=known) == Equal()
    found = compare_documents([doc(deny("s3:GetObject"))], wild, actions=known)
    assert isinstance(found, Different)
    assert found.counterexample.request.action == "s3:GetObjectAcl"
    unknown = compare_documents([doc(deny("s3:Zz*"))], [doc(deny("s3:Zzz*"))])
    assert isinstance(unknown, Different)
    assert not unknown.counterexample.is_known_action


class TestResourceControlPolicies:
    """They only deny, and only in the services that they reach."""

    @staticmethod
    def rcp(action: Any, resource: Any = "*") -> dict[str, Any]:
        """Return a resource control policy."""
        return doc({**deny(action, resource), "Principal": "*"})

    def sides(self, first: Any, second: Any) -> tuple[PolicySet, PolicySet]:
        """Return two sets that have these on the resource's path."""
        return (
            PolicySet(levels=[[FULL]], resource_levels=[[self.rcp(first)]]),
            PolicySet(levels=[[FULL]], resource_levels=[[self.rcp(second)]]),
        )

    def test_same(self) -> None:
        """Nothing else allows, and nothing has to."""
        first, second = self.sides(["s3:*", "s3:Get*"], "s3:*")
        assert compare(first, second) == Equal()

    def test_services_out_of_reach(self) -> None:
        """What no such policy reaches makes no difference."""
        first, second = self.sides(["s3:*", "iam:*", "kms:RetireGrant"], "s3:*")
        assert compare(first, second) == Equal()

    def test_different(self) -> None:
        """The request is one that they reach."""
        found = compare(*self.sides(["s3:*", "sqs:*"], "s3:*"))
        assert isinstance(found, Different)
        assert found.counterexample.effects == (Effect.EXPLICITLY_DENIED, Effect.ALLOWED)

    def test_against_a_service_control_policy(self) -> None:
        """Either way to deny counts; a service by itself is reached by one of them only."""
        reached = PolicySet(levels=[[FULL]], resource_levels=[[self.rcp("s3:*")]])
        assert is_at_most(reached, [[FULL, doc(deny("s3:*"))]]) == AtMost()
        found = is_at_most([[FULL, doc(deny("s3:Get*"))]], reached)
        assert isinstance(found, Different)
        found = compare(reached, [[FULL, doc(deny("s3:*"))]])
        assert isinstance(found, Different)
        assert found.counterexample.request.context == {"aws:PrincipalIsAWSService": "true"}

    def test_services_that_ask_by_themselves(self) -> None:
        """They have no ARN, and no service control policy reaches them; the other kind does."""
        service = {"Bool": {"aws:PrincipalIsAWSService": "true"}, "Null": {ARN: "true"}}
        assert compare([[FULL, doc(deny(**service))]], [[FULL]]) == Equal()
        nothing = doc(deny(Null={ARN: "true"}), deny(Null={ARN: "false"}))
        by_service = doc(
            {**deny("s3:*", Bool={"aws:PrincipalIsAWSService": "true"}), "Principal": "*"}
        )
        first = PolicySet(levels=[[nothing]], resource_levels=[[by_service]])
        found = compare(first, PolicySet(levels=[[nothing]], resource_levels=[[]]))
        assert isinstance(found, Different)
        assert found.counterexample.effects == (Effect.EXPLICITLY_DENIED, Effect.ALLOWED)


class TestExamples:
    """A request that shows a difference is one that may be met."""

    @staticmethod
    def example(first: dict[str, Any], second: dict[str, Any]) -> str:
        """Return what tells two denials apart."""
        found = compare_documents([doc(first)], [doc(second)])
        assert isinstance(found, Different)
        return str(found.counterexample)

    def test_variables_have_sample_values(self) -> None:
        """A data perimeter that forgets its own organization denies it."""
        own = {"aws:ResourceOrgID": "${aws:PrincipalOrgID}"}
        assert self.example(deny("s3:Get*", StringNotEquals=own), deny("s3:Get*")) == (
            "s3:GetAccelerateConfiguration aws:PrincipalOrgID=o-a1b2c3d4e5 "
            "aws:ResourceOrgID=o-a1b2c3d4e5"
        )

    @pytest.mark.parametrize(
        "other", ["${aws:userid}", "${aws:PrincipalTag/a}x", "x-${aws:userid}"]
    )
    def test_two_variables(self, other: str) -> None:
        """Two variables differ for some values."""
        one = deny(StringEquals={"a": "${aws:username}"})
        self.example(one, deny(StringEquals={"a": other}))

    def test_resources_with_variables(self) -> None:
        """A home folder is nobody else's."""
        home = deny("s3:Put*", "arn:aws:s3:::home/${aws:username}/*")
        assert "on arn:aws:s3:::home/example/" in self.example(
            home, deny("s3:Put*", "arn:aws:ec2*")
        )

    def test_arns_as_aws_has_them(self) -> None:
        """Partition, account and name are filled in where the policies leave them open."""
        one = deny(ArnLike={ARN: "arn:*:iam::*:role/team/*"})
        assert self.example(one, deny("iam:Zz*")) == (
            "ec2:RunInstances aws:PrincipalArn=arn:aws:iam::111122223333:role/team/Example"
        )
        china = deny(ArnLike={ARN: "arn:aws:iam::*:root"})
        assert "=arn:aws-cn:iam::111122223333:root" in self.example(
            china, deny(ArnLike={ARN: "arn:*:iam::*:root"})
        )

    def test_keys_as_the_policies_write_them(self) -> None:
        """As a person would search for them."""
        one = deny(StringEquals={"aws:RequestTag/CostCenter": "1"})
        assert "aws:RequestTag/CostCenter=1" in self.example(one, deny("iam:Zz*"))

    def test_a_key_in_two_spellings(self) -> None:
        """A variable and a condition, or two variables, may write one key in two cases."""
        home = deny("s3:*", "arn:aws:s3:::${aws:PrincipalTag/team}")
        others = deny("s3:*", StringNotEquals={"aws:principaltag/TEAM": "a"})
        levels = [[FULL, doc(home, others)]], [[FULL, doc(others)]]
        found = compare(*levels)
        assert isinstance(found, Different)
        assert str(found.counterexample).endswith(" on arn:aws:s3:::a aws:principaltag/TEAM=a")
        two = {"aws:userid": "x${aws:username}", "s3:prefix": "${AWS:userName}"}
        self.example(deny("s3:*", StringEquals=two), deny("iam:Zz*"))


def test_true_false_and_other_types() -> None:
    """Numbers beside true and false are values of their own; text beside them is not."""
    number = doc(
        deny(NumericEquals={"a": "1"}, BoolIfExists={"b": "true"}), deny(Bool={"a": "true"})
    )
    without = doc(deny(Bool={"a": "true"}))
    assert isinstance(compare_documents([number], [without]), Different)
    texts = [doc(deny(StringEquals={"a": ["true", "x"]})), doc(deny(Bool={"a": "true"}))]
    assert compare_documents(texts, texts[1:]) == Equal()


def test_keys_that_have_several_values() -> None:
    """Without a quantifier nothing holds for two values, neither way."""
    either = [
        doc(deny(StringEquals={"aws:TagKeys": "x"}), deny(StringNotEquals={"aws:TagKeys": "x"}))
    ]
    found = compare_documents(either, [doc(deny())])
    assert isinstance(found, Different)
    assert len(found.counterexample.request.context["aws:TagKeys"]) == 2


class TestNotDecided:
    """What cannot be followed exactly is no guess."""

    def test_variables_in_other_operators(self) -> None:
        """They mean the same as far as samples show, which proves nothing."""
        found = compare_documents(
            [doc(deny(StringEquals={"a": "${aws:username}"}))],
            [doc(deny(StringLike={"a": "${aws:username}"}))],
        )
        assert isinstance(found, NotDecided)
        assert found.holds is None
        assert "policy variables" in found.why

    def test_another_difference_is_found_beside_a_variable(self) -> None:
        """A request that has not got the key shows it."""
        variable = deny("s3:*", StringEquals={"a": "${aws:username}"})
        found = compare_documents([doc(variable)], [doc(variable, deny("s3:Get*"))])
        assert isinstance(found, Different)

    def test_what_only_deployment_knows(self) -> None:
        """Different expressions may give the same value."""
        found = compare_documents([doc(deny("*", {"Ref": "A"}))], [doc(deny("*", {"Ref": "B"}))])
        assert isinstance(found, NotDecided)

    def test_too_many(self) -> None:
        """The number of combinations is capped, and said."""
        many = [deny(StringLike={"a": f"*{a}{b}*"}) for a in "abcdefgh" for b in "abcdefgh"]
        found = compare_documents([doc(*many)], [doc(*many, deny(StringLike={"a": "*aab*"}))])
        assert isinstance(found, NotDecided)
        assert "50000 states" in found.why
        arns = [f"arn:aws:s3:::*{a}{b}*" for a in "abcdefgh" for b in "abcdefgh"]
        found = compare_documents(
            [doc(deny("s3:*", arns))], [doc(deny("s3:*", [*arns, "arn:aws:s3:::*aab*"]))]
        )
        assert isinstance(found, NotDecided)
        assert "50000 states" in found.why
        apart = [deny(StringEquals={f"k{n}": "1", f"m{n}": "2"}) for n in range(12)]
        other = [deny(StringLike={f"k{n}": "1*", f"m{n}": "2*"}) for n in range(12)]
        found = compare_documents([doc(*apart)], [doc(*apart, *other)], limit=3)
        assert isinstance(found, NotDecided)
        assert "more than 3 steps" in found.why

    def test_many_patterns_of_which_few_concern_one_action(self) -> None:
        """Each action is asked for by itself where all together are too many."""
        teams = [
            deny(
                f"svc{n}:*",
                ArnNotLike={ARN: [f"arn:*:iam::*:role/*team{n}*", f"arn:*:iam::{n}:root"]},
            )
            for n in range(14)
        ]
        apart = [deny(["svc0:Get*", "svc0:*"], **teams[0]["Condition"]), *teams[1:]]
        assert compare_documents([doc(*teams)], [doc(*reversed(apart))]) == Equal()
        found = compare_documents([doc(*teams)], [doc(*teams[1:])])
        assert isinstance(found, Different)
        assert found.counterexample.request.action.startswith("svc0:")
        wider = deny("svc0:*", ArnNotLike={ARN: ["arn:*:iam::*:role/*team0*"]})
        assert is_at_most([[FULL, doc(wider, *teams)]], [[FULL, doc(*teams)]]) == AtMost()
        assert isinstance(is_at_most([[FULL, doc(*teams)]], [[FULL, doc(wider)]]), Different)

    def test_too_many_and_the_same(self) -> None:
        """Requirements that are equal need no cells, and one pattern may show a difference."""
        many = [f"*{a}{b}*" for a in "abcdefgh" for b in "abcdefgh"]
        one, other = (deny("s3:*", StringNotLike={"a": some}) for some in (many, many[::-1]))
        assert compare_documents([doc(one)], [doc(other, deny("s3:Get*", **one["Condition"]))]) == (
            Equal()
        )
        found = compare_documents([doc(one)], [doc(deny("s3:*", StringNotLike={"a": many[1:]}))])
        assert isinstance(found, Different)
        assert found.counterexample.request.context == {"a": "aa"}
        arns = [f"arn:aws:s3:::{name}" for name in many]
        both = [doc(deny("s3:*", arns)), doc(deny(["s3:*", "s3:Get*"], arns[::-1]))]
        assert compare_documents(both[:1], both[1:]) == Equal()
        found = compare_documents(both[:1], [doc(deny("s3:*", arns[1:]))])
        assert isinstance(found, Different)
        assert found.counterexample.request.resource == "arn:aws:s3:::aa"

    def test_it_gives_up(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """What would cost more than it may is not decided, whatever the policies are."""
        # A tenth of what users wait for.
        monkeypatch.setattr(equivalence, "_STEPS", 10_000)
        monkeypatch.setattr(equivalence, "_CELLS", 5_000)
        apart = [deny(StringEquals={f"k{n}": "1", f"m{n}": "2"}) for n in range(14)]
        like = [deny(StringLike={f"k{n}": "1*", f"m{n}": "2*"}) for n in range(14)]
        tags = [
            deny(**{"ForAnyValue:StringLike": {"aws:TagKeys": [f"*{sign}*", f"{sign}*"]}})
            for sign in "abcdefgh"
        ]
        covered = deny(**{"ForAnyValue:StringLike": {"aws:TagKeys": "*aa*"}})
        for first, second in ((apart + like, like), (tags, [*tags, covered])):
            assert isinstance(compare_documents([doc(*first)], [doc(*second)]), NotDecided)

    def test_values_of_two_types(self) -> None:
        """They are proved equal where they are equal anyway."""
        mixed = [
            deny("s3:*", StringEquals={"a": "5"}, NumericLessThan={"a": "6"}),
            deny("ec2:*", NumericLessThan={"a": "7"}),
        ]
        assert compare_documents([doc(*mixed)], [doc(*reversed(mixed))]) == Equal()
        assert isinstance(compare_documents([doc(*mixed)], [doc(mixed[0])]), Different)
        lists = {"ForAnyValue:StringEquals": {"a": "5"}, "NumericLessThan": {"a": "6"}}
        assert (
            compare_documents(
                [doc(deny("s3:*", **lists))], [doc(deny("s3:Get*", **lists), deny("s3:*", **lists))]
            )
            == Equal()
        )


def test_forms_in_which_policies_are_given() -> None:
    """As `decide` takes them."""
    content = doc(deny("s3:*"))
    forms: list[Any] = [
        content,
        json.dumps(content),
        parse_policy(content),
        NamedPolicy(name="p", content=content),
    ]
    for form in forms:
        assert compare([Level(name="Root", policies=[FULL, form])], [[FULL, content]]) == Equal()


# Random policies over a small vocabulary, so that they often mean the same.

ACTIONS = ["*", "s3:*", "s3:Get*", "s3:GetObject", "ec2:*", "*:Get*", "s3:?etObject"]
RESOURCES = ["*", "arn:aws:s3:::a", "arn:aws:s3:::a*", "arn:aws:s3:::*/b", "arn:aws:ec2:*:*:*"]
KEYS: dict[str, dict[str, list[Any]]] = {
    "a": {
        operator: [["x"], ["x", "y"], ["X"], ["x*"], ["*y"]]
        for operator in (
            "StringEquals",
            "StringNotEquals",
            "StringLike",
            "StringNotLike",
            "StringEqualsIgnoreCase",
            "StringEqualsIfExists",
            "StringNotLikeIfExists",
        )
    }
    | {"Null": [["true"], ["false"]]},
    "n": {
        operator: [["1"], ["1", "3"], ["2.5"]]
        for operator in (
            "NumericEquals",
            "NumericNotEquals",
            "NumericLessThan",
            "NumericGreaterThanEquals",
            "NumericLessThanEqualsIfExists",
        )
    },
    "b": {"Bool": [["true"], ["false"]], "BoolIfExists": [["true"]], "Null": [["true"]]},
    "ip": {
        operator: [["10.0.0.0/8"], ["10.0.0.0/9", "2001:db8::/32"], ["10.128.0.0/9"]]
        for operator in ("IpAddress", "NotIpAddress")
    },
    "tags": {
        operator: [["x"], ["x", "y"]]
        for operator in (
            "ForAnyValue:StringEquals",
            "ForAllValues:StringEquals",
            "ForAnyValue:StringNotEquals",
            "ForAllValues:StringLike",
        )
    },
    "arn": {
        operator: [["arn:aws:iam::1:role/A"], ["arn:*:iam::*:role/*"]]
        for operator in ("ArnLike", "ArnNotLike", "ArnEquals")
    },
    ARN: {
        operator: [["arn:aws:iam::1:role/A"], ["arn:*:iam::*:role/*"]]
        for operator in ("ArnNotLike", "StringLikeIfExists")
    }
    | {"Null": [["true"], ["false"]]},
    "aws:PrincipalIsAWSService": {
        operator: [["true"], ["false"]] for operator in ("Bool", "BoolIfExists", "Null")
    },
}
CONDITIONS = [
    (operator, key, value)
    for key, operators in KEYS.items()
    for operator, values in operators.items()
    for value in values
]


@st.composite
def statements(draw: st.DrawFn) -> dict[str, Any]:
    """Draw a statement."""
    actions = draw(st.lists(st.sampled_from(ACTIONS), min_size=1, max_size=2))
    resources = draw(st.lists(st.sampled_from(RESOURCES), min_size=1, max_size=2))
    conditions = draw(st.lists(st.sampled_from(CONDITIONS), max_size=2))
    found: dict[str, Any] = {"Effect": draw(st.sampled_from(["Deny", "Deny", "Allow"]))}
    found[draw(st.sampled_from(["Action", "Action", "NotAction"]))] = actions
    found[draw(st.sampled_from(["Resource", "Resource", "NotResource"]))] = resources
    if conditions:
        found["Condition"] = {}
        for operator, key, value in conditions:
            found["Condition"].setdefault(operator, {})[key] = value
    return found


LEVELS = st.lists(
    st.lists(statements(), min_size=1, max_size=3).map(lambda s: [FULL, doc(*s)])
    | st.lists(statements(), min_size=1, max_size=3).map(lambda s: [doc(*s)]),
    min_size=1,
    max_size=2,
)
VALUES: dict[str, list[Any]] = {
    "a": ["x", "y", "X", "xy", "z", ""],
    "n": ["0", "1", "2", "2.5", "3", "9"],
    "b": ["true", "false"],
    "ip": ["10.1.2.3", "10.200.0.1", "192.0.2.1", "2001:db8::1", "::1"],
    "tags": [["x"], ["y"], ["x", "y"], ["x", "z"], ["z"], []],
    "arn": ["arn:aws:iam::1:role/A", "arn:aws:iam::2:role/B", "arn:aws:iam::1:user/A"],
    ARN: [
        "arn:aws:iam::1:role/A",
        "arn:aws:iam::1:user/A",
        "arn:aws:iam::1:role/aws-service-role/x",
    ],
    "aws:PrincipalIsAWSService": ["true", "false"],
}


def any_request(chance: random.Random) -> Request:
    """Return some request that the vocabulary can tell apart."""
    return Request(
        action=chance.choice(["s3:GetObject", "s3:GetX", "s3:Put", "ec2:GetX", "ec2:Run", "x:Y"]),
        resource=chance.choice(
            ["*", "arn:aws:s3:::a", "arn:aws:s3:::ab", "arn:aws:s3:::a/b", "arn:aws:ec2:r:1:i/b"]
        ),
        context={key: chance.choice(v) for key, v in VALUES.items() if chance.random() < 0.75},
    )


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(LEVELS, st.data(), st.integers(0, 2**32))
def test_agrees_with_requests(first: list[Any], data: st.DataObject, seed: int) -> None:
    """Equal sets agree on every request that is tried; different ones do not on the one named."""
    second = data.draw(LEVELS) if seed % 3 == 0 else _mutated(first, data)
    found = compare(first, second, kinds_of_denial=True)
    at_most = is_at_most(first, second)
    if isinstance(found, Different):
        request = found.counterexample.request
        assert decide(first, request).effect != decide(second, request).effect
    else:
        assert found == Equal()
        assert at_most == AtMost()
    if isinstance(at_most, Different):
        request = at_most.counterexample.request
        assert (decide(first, request).allowed, decide(second, request).allowed) == (True, False)
    chance = random.Random(seed)  # noqa: S311 - no secret
    for _ in range(100):
        request = any_request(chance)
        one, two = decide(first, request), decide(second, request)
        if found == Equal():
            assert one.effect == two.effect
        if at_most == AtMost():
            assert two.allowed or not one.allowed


RESOURCE_LEVELS = st.lists(
    statements()
    .filter(lambda s: "Action" in s and not {"*", "*:Get*"} & set(s["Action"]))
    .map(lambda s: doc({**s, "Effect": "Deny", "Principal": "*"})),
    max_size=2,
).map(lambda policies: [policies])
SETS = st.builds(
    lambda levels, resource_levels: PolicySet(levels=levels, resource_levels=resource_levels),
    LEVELS,
    RESOURCE_LEVELS,
)


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(SETS, SETS, st.sampled_from(["first", "second", "both"]), st.integers(0, 2**32))
def test_both_kinds_agree_with_requests(
    first: PolicySet, second: PolicySet, levels: str, seed: int
) -> None:
    """Also with resource control policies, and for services that ask by themselves."""
    if levels != "both":
        shared = (first if levels == "first" else second).levels
        first, second = (
            PolicySet(levels=shared, resource_levels=one.resource_levels) for one in (first, second)
        )

    def allowed(one: PolicySet, request: Request) -> bool:
        return decide(one.levels, request, resource_levels=one.resource_levels).allowed

    same, at_most = compare(first, second), is_at_most(first, second)
    if isinstance(same, Different):
        request = same.counterexample.request
        assert allowed(first, request) is not allowed(second, request)
    if isinstance(at_most, Different):
        request = at_most.counterexample.request
        assert allowed(first, request)
        assert not allowed(second, request)
    chance = random.Random(seed)  # noqa: S311 - no secret
    for _ in range(100):
        request = any_request(chance)
        one, two = allowed(first, request), allowed(second, request)
        assert same != Equal() or one is two
        assert at_most != AtMost() or two or not one


def _mutated(levels: list[Any], data: st.DataObject) -> list[Any]:
    """Return the policies with one thing changed, which may or may not make a difference."""
    levels = copy.deepcopy(levels)
    all_statements = [s for level in levels for policy in level for s in policy["Statement"]]
    statement = data.draw(st.sampled_from(all_statements))
    what = data.draw(st.sampled_from(["action", "resource", "drop", "split", "condition"]))
    if what == "action" and isinstance(statement.get("Action"), list):
        statement["Action"].append(data.draw(st.sampled_from(ACTIONS)))
    elif what == "resource" and isinstance(statement.get("Resource"), list):
        statement["Resource"].append(data.draw(st.sampled_from(RESOURCES)))
    elif what == "condition":
        statement.pop("Condition", None)
    elif what == "split" and isinstance(statement.get("Action"), list):
        action = statement["Action"].pop()
        more = copy.deepcopy(statement) | {"Action": [action]}
        levels[-1][-1]["Statement"].append(more)
        if not statement["Action"]:
            statement["Action"] = [action]
    else:
        levels[-1][-1]["Statement"].append(copy.deepcopy(statement))
    return levels


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(statements(), min_size=1, max_size=4), st.randoms(use_true_random=False))
def test_written_otherwise(written: list[Any], chance: random.Random) -> None:
    """Order, Sids, one document or several, each action alone: all of it is the same."""
    apart = []
    for number, statement in enumerate(written):
        actions = statement.get("Action")
        for action in actions or [None]:
            alone = copy.deepcopy(statement) | {"Sid": f"S{number}"}
            apart.append(alone | ({"Action": action} if action else {}))
    chance.shuffle(apart)
    assert compare_documents([doc(*written)], [doc(s) for s in apart]) == Equal()
