"""Effective permissions in bulk: equal to exact decisions, cell by cell."""

from __future__ import annotations

import itertools
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from org_constructs.evaluation import Effect, Level, NamedPolicy, PolicySyntaxError, Request, decide
from org_constructs.evaluation.action_set import ActionSet
from org_constructs.evaluation.catalogue import Catalogue, catalogue
from org_constructs.evaluation.permissions import EffectivePermissions, PermissionMatrix, Place
from org_constructs.guardrails import DenyRootUser, ProtectCloudTrail, RegionDeny
from org_constructs.model import OrgError
from org_constructs.policies import Document

FULL_ACCESS = {
    "Version": "2012-10-17",
    "Statement": {"Effect": "Allow", "Action": "*", "Resource": "*"},
}
SMALL = Catalogue(
    [
        "ec2:DescribeInstances", "ec2:RunInstances", "ec2:TerminateInstances", "iam:CreateUser",
        "iam:PassRole", "kms:Decrypt", "kms:RetireGrant", "s3:GetObject", "s3:PutObject",
        "s3-outposts:GetObject", "sts:AssumeRole",
    ]
)  # fmt: skip
ROLE = "arn:aws:iam::111122223333:role/admin"
SERVICE_LINKED = (
    "arn:aws:iam::111122223333:role/aws-service-role/x.amazonaws.com/AWSServiceRoleForX"
)
REGIONS = [None, "us-east-1", "eu-west-1"]
PRINCIPALS = [None, ROLE, SERVICE_LINKED, "arn:aws:iam::444455556666:user/bob"]
RESOURCES = [
    "*",
    "arn:aws:s3:::logs/a",
    "arn:aws:iam::111122223333:role/admin",
    "arn:aws:s3:::Logs",
]
CONTEXTS: list[dict[str, Any]] = [
    {},
    {"aws:PrincipalOrgID": "o-a1b2c3d4e5", "aws:ViaAWSService": True},
    {"aws:principaltag/team": "logs", "aws:TagKeys": ["a", "b"], "aws:ResourceAccount": "1"},
    {"aws:TagKeys": [], "AWS:VIAAWSSERVICE": "false"},
]
reached = st.lists(
    st.sampled_from(["ec2:*", "s3:?etObject", "S3:*", "kms:*", "sts:*Role", "iam:*", "s3:Put*"]),
    min_size=1,
    max_size=3,
)
actions = st.lists(
    st.sampled_from(
        ["*", "ec2:*", "EC2:run*", "s3:?etObject", "*:Get*", "iam:PassRole", "s*:*", "kms:*", "a:b"]
    ),
    min_size=1,
    max_size=3,
)
resources = st.lists(
    st.sampled_from(
        [
            "*", "arn:aws:s3:::logs/*", "arn:*:s3:::*", "arn:aws:iam::*:role/${aws:username}",
            "arn:aws:s3:::${aws:PrincipalTag/team}/*", "arn:aws:s3:::${aws:username, 'logs'}/a",
        ]
    ),
    min_size=1,
    max_size=2,
)  # fmt: skip
conditions = st.dictionaries(
    st.sampled_from(["StringEquals", "StringNotEquals", "StringLike", "ForAllValues:StringLike",
                     "ForAnyValue:StringNotEquals", "StringNotEqualsIfExists", "StringNotLike"]),
    st.dictionaries(
        st.sampled_from(["aws:RequestedRegion", "aws:PrincipalArn", "aws:TagKeys",
                         "aws:PrincipalOrgID", "aws:PrincipalTag/team"]),
        st.lists(st.sampled_from(["us-east-1", "eu-*", ROLE, "o-a1b2c3d4e5", "a", "logs",
                                  "${aws:PrincipalTag/team}", "${aws:PrincipalTag/x}"]),
                 min_size=1, max_size=2, unique=True),
        min_size=1, max_size=2,
    ),
    max_size=2,
)  # fmt: skip


@st.composite
def statements(draw: st.DrawFn, *, rcp: bool = False) -> dict[str, Any]:
    """Return a statement of any form that the language has."""
    negated = not rcp and draw(st.booleans())
    statement: dict[str, Any] = {
        "Effect": "Deny" if rcp else draw(st.sampled_from(["Allow", "Deny", "Allow"])),
        "NotAction" if negated else "Action": draw(reached if rcp else actions),
        draw(st.sampled_from(["Resource", "Resource", "NotResource"])): draw(resources),
    }
    if rcp:
        statement["Principal"] = "*"
    if condition := draw(conditions):
        statement["Condition"] = condition
    return statement


def documents(*, rcp: bool = False) -> st.SearchStrategy[dict[str, Any]]:
    """Return documents of one to three statements."""
    return st.builds(
        lambda listed: {"Version": "2012-10-17", "Statement": listed},
        st.lists(statements(rcp=rcp), min_size=1, max_size=3),
    )


paths = st.lists(
    st.lists(st.one_of(documents(), st.just(FULL_ACCESS)), max_size=3), max_size=3
)  # fmt: skip
resource_paths = st.lists(st.lists(documents(rcp=True), max_size=2), max_size=2)


def assert_equal_to_decide(
    levels: Any,
    resource_levels: Any,
    known: Catalogue,
    cell: dict[str, Any],
    management_account: str | None = None,
) -> None:
    """Compare all actions of one place with exact decisions."""
    permissions = EffectivePermissions(
        levels,
        resource_levels=resource_levels,
        catalogue=known,
        management_account=management_account,
    )
    allowed, denied = permissions.allowed(**cell), permissions.explicitly_denied(**cell)
    for action in known.actions:
        effect = decide(
            levels,
            Request(action=action, **cell),
            resource_levels=resource_levels,
            management_account=management_account,
        ).effect
        found = (
            Effect.EXPLICITLY_DENIED
            if action in denied
            else Effect.ALLOWED
            if action in allowed
            else Effect.IMPLICITLY_DENIED
        )
        assert found == effect == permissions.effect(action, **cell), (action, cell)
    assert not allowed & denied


cells = st.fixed_dictionaries(
    {
        "region": st.sampled_from(REGIONS),
        "principal_arn": st.sampled_from(PRINCIPALS),
        "resource": st.sampled_from(RESOURCES),
        "context": st.sampled_from(CONTEXTS),
    }
)


@settings(max_examples=100)
@given(paths, resource_paths, cells, st.sampled_from([None, "444455556666", "1"]))
def test_equals_exact_decisions(
    levels: Any, resource_levels: Any, cell: dict[str, Any], management_account: str | None
) -> None:
    """Every known action, any policies, any place: the bulk answer is the exact one."""
    assert_equal_to_decide(levels, resource_levels, SMALL, cell, management_account)


@settings(max_examples=60)
@given(levels=paths, resource_levels=resource_paths)
def test_one_value_answers_for_all_places(levels: Any, resource_levels: Any) -> None:
    """What is kept from one place is never the answer of another."""
    permissions = EffectivePermissions(levels, resource_levels=resource_levels, catalogue=SMALL)
    for region, principal, resource, context in itertools.product(
        REGIONS, PRINCIPALS, RESOURCES[:2], CONTEXTS[:3]
    ):
        cell = {
            "region": region,
            "principal_arn": principal,
            "resource": resource,
            "context": context,
        }
        once = EffectivePermissions(levels, resource_levels=resource_levels, catalogue=SMALL)
        assert permissions.allowed(**cell) == once.allowed(**cell)


def guardrails() -> list[dict[str, Any]]:
    """Return the policies of this library's guardrails."""
    return [
        Document(statements=guardrail.statements()).to_json()
        for guardrail in (
            RegionDeny(allowed_regions=["eu-west-1"], exempt_principals=[ROLE]),
            ProtectCloudTrail(),
            DenyRootUser(),
        )
    ]


@pytest.mark.parametrize("principal_arn", [None, ROLE, SERVICE_LINKED])
@pytest.mark.parametrize("region", ["us-east-1", "eu-west-1"])
def test_equals_exact_decisions_on_real_policies(region: str, principal_arn: str | None) -> None:
    """A sample of the real catalogue under the guardrails of this library."""
    levels = [[FULL_ACCESS, *guardrails()], [FULL_ACCESS], [FULL_ACCESS]]
    permissions = EffectivePermissions(levels)
    known = catalogue()
    allowed = permissions.allowed(region=region, principal_arn=principal_arn)
    for action in [*known.actions[::41], *known.actions_of(known.mask("cloudtrail:*"))]:
        request = Request(action=action, region=region, principal_arn=principal_arn)
        assert (action in allowed) is decide(levels, request).allowed, action


class TestEffectivePermissions:
    """One path."""

    def test_nothing_restricts_without_levels(self) -> None:
        """Without a path, as in the management account, everything is open."""
        assert EffectivePermissions([]).allowed().mask == catalogue().every

    def test_a_level_without_policy_allows_nothing(self) -> None:
        """A level has to allow; denied by no statement, the rest is denied implicitly."""
        permissions = EffectivePermissions([[FULL_ACCESS], []])
        assert not permissions.allowed()
        assert not permissions.explicitly_denied()
        assert permissions.effect("s3:GetObject") == Effect.IMPLICITLY_DENIED

    def test_an_unknown_action_is_decided_exactly(self) -> None:
        """What AWS adds tomorrow has an answer today."""
        deny = {
            "Version": "2012-10-17",
            "Statement": {"Effect": "Deny", "Action": "s3:New*", "Resource": "*"},
        }
        permissions = EffectivePermissions([[FULL_ACCESS, deny]], catalogue=SMALL)
        assert permissions.effect("s3:NewThing") == Effect.EXPLICITLY_DENIED
        assert permissions.effect("s3:OldThing", region="us-east-1") == Effect.ALLOWED
        assert "s3:OldThing" not in permissions.allowed()

    def test_takes_levels_with_names_and_generators(self) -> None:
        """The same forms as `decide`, each read once."""
        level = Level(name="Root", policies=[NamedPolicy(name="all", content=FULL_ACCESS)])
        permissions = EffectivePermissions((item for item in [level]), catalogue=SMALL)
        assert permissions.allowed().mask == SMALL.every
        assert permissions.effect("new:Thing") == Effect.ALLOWED

    def test_fails_for_levels_that_are_none(self) -> None:
        """The same refusals as `decide`."""
        with pytest.raises(OrgError, match="give a list of levels") as raised:
            EffectivePermissions(FULL_ACCESS)  # type: ignore[arg-type]
        assert raised.value.code == "ORG032"
        with pytest.raises(PolicySyntaxError):
            EffectivePermissions([[{"Version": "2012-10-17", "Statement": []}]])

    def test_fails_for_a_request_that_cannot_be(self) -> None:
        """The same refusals as `Request`."""
        permissions = EffectivePermissions([[FULL_ACCESS]], catalogue=SMALL)
        with pytest.raises(OrgError, match="is not an ARN"):
            permissions.allowed(resource="logs")
        with pytest.raises(OrgError, match="is not one action"):
            permissions.effect("s3:*")

    def test_answers_are_kept_within_bounds(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Many principals do not fill the memory, and stay right."""
        monkeypatch.setattr("org_constructs.evaluation.permissions._ANSWERS_KEPT", 3)
        deny = {
            "Version": "2012-10-17",
            "Statement": {
                "Effect": "Deny",
                "Action": "*",
                "Resource": "*",
                "Condition": {"StringLike": {"aws:PrincipalArn": "*/p7"}},
            },
        }
        permissions = EffectivePermissions([[FULL_ACCESS, deny]], catalogue=SMALL)
        principals = [f"arn:aws:iam::111122223333:role/p{number}" for number in range(12)]
        matrix = permissions.matrix(principals=principals)
        assert [place for place in matrix if not matrix.cells[place]] == [
            Place(None, principals[7])
        ]


class TestPermissionMatrix:
    """Many places."""

    def matrix(self, *policies: dict[str, Any]) -> PermissionMatrix:
        """Return what policies at one level leave open in two Regions."""
        permissions = EffectivePermissions([[FULL_ACCESS, *policies]])
        return permissions.matrix(["us-east-1", "eu-west-1"], principals=[None, ROLE])

    def test_has_a_cell_for_each_place(self) -> None:
        """Regions times principals."""
        matrix = self.matrix(*guardrails())
        assert len(matrix) == 4
        assert list(matrix) == [
            Place("us-east-1"), Place("eu-west-1"), Place("us-east-1", ROLE), Place("eu-west-1", ROLE),
        ]  # fmt: skip
        assert "ec2:RunInstances" not in matrix.at("us-east-1")
        assert "ec2:RunInstances" in matrix.at("eu-west-1")
        assert matrix.places_of("ec2:RunInstances") == [
            Place("eu-west-1"), Place("us-east-1", ROLE), Place("eu-west-1", ROLE),
        ]  # fmt: skip
        with pytest.raises(KeyError):
            matrix.at("ap-northeast-1")

    def test_a_difference_says_what_one_may_that_the_other_may_not(self) -> None:
        """Place by place, for a review of a change."""
        region, trail, _ = guardrails()
        lost = self.matrix(trail) - self.matrix(trail, region)
        assert "ec2:RunInstances" in lost.at("us-east-1")
        assert not lost.at("eu-west-1")
        assert not lost.at("us-east-1", ROLE)
        assert lost
        assert not self.matrix(trail, region) - self.matrix(trail)

    def test_operations(self) -> None:
        """Union and intersection, place by place and over all places."""
        region, trail, _ = guardrails()
        one, two = self.matrix(region), self.matrix(trail)
        assert (one | two).at("us-east-1") == one.at("us-east-1") | two.at("us-east-1")
        assert (one & two).at("eu-west-1") == one.at("eu-west-1") & two.at("eu-west-1")
        assert one.everywhere() == one.at("us-east-1")
        assert one.anywhere() == one.at("eu-west-1")
        assert PermissionMatrix().everywhere() == PermissionMatrix().anywhere() == ActionSet(0)

    def test_equal_places_stand_together(self) -> None:
        """A report says once what holds in many places."""
        region, _, _ = guardrails()
        groups = self.matrix(region).grouped()
        assert [len(places) for places, _ in groups] == [1, 3]
        assert groups[0][0] == [Place("us-east-1")]

    def test_fails_for_matrices_of_other_places(self) -> None:
        """A missing Region is no empty Region."""
        permissions = EffectivePermissions([[FULL_ACCESS]])
        with pytest.raises(KeyError, match="make both of the same Regions"):
            _ = permissions.matrix(["us-east-1"]) - permissions.matrix(["eu-west-1"])
