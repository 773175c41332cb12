"""Whatever a document holds, it is judged or left alone: a rule that raised would stop a synthesis."""

from __future__ import annotations

import random
from typing import Any

import pytest

from org_constructs.checks import CheckContext, Finding, judge_policies, run_checks
from org_constructs.checks.region_partition import _allowed_regions
from org_constructs.model import OrganizationModel

ODD = [
    "",
    "*",
    "?*",
    "arn:aws:s3:::",
    "arn:*",
    "arn:aws:iam::*:role/${aws:PrincipalTag/team, 'x'}",
    "${",
    "${}",
    "${*}",
    "s3:${aws:username}",
    "nobody:*",
    ":",
    "EU-WEST-1",
    "é*",
    {"Ref": "AWS::Region"},
    {"Fn::Sub": "arn:${AWS::Partition}:s3:::a"},
    "${Token[AWS.Region.4]}",
    5,
    True,
    None,
    [],
    ["s3:*", {"Ref": "X"}],
    {"a": 1},
]
ELEMENTS = ["Action", "NotAction", "Resource", "NotResource", "Condition", "Effect", "Sid"]
OPERATORS = [
    "StringEquals",
    "ForAllValues:StringNotLike",
    "Null",
    "ArnNotLike",
    "Bool",
    "NumericLessThan",
    "IpAddress",
    "NoSuchOperator",
]
KEYS = ["aws:RequestedRegion", "aws:PrincipalArn", "aws:TagKeys", ""]


def _judged(content: Any, kind: str = "SERVICE_CONTROL_POLICY") -> list[Finding]:
    policy = {
        "Type": "AWS::Organizations::Policy",
        "Properties": {"Name": "odd", "Type": kind, "Content": content, "TargetIds": ["ou-a"]},
    }
    template = {"Resources": {"Odd": policy, "Same": policy}}
    return judge_policies(CheckContext(model=OrganizationModel.from_templates({"Org": template})))


def _statement(chance: random.Random) -> Any:
    statement: dict[str, Any] = {
        "Effect": "Deny",
        "Action": ["s3:*", "iam:PassRole"],
        "Resource": "*",
    }
    for element in chance.sample(ELEMENTS, chance.randint(0, 3)):
        statement[element] = chance.choice(ODD)
    if chance.random() < 0.6:
        statement["Condition"] = {
            chance.choice(OPERATORS): {chance.choice(KEYS): chance.choice(ODD)} for _ in range(2)
        }
    for element in chance.sample(ELEMENTS, chance.randint(0, 2)):
        statement.pop(element, None)
    return statement


def test_odd_documents_are_judged() -> None:
    """No rule raises, and each document that none can read is said to be that."""
    chance = random.Random(7)  # noqa: S311
    kinds = ["SERVICE_CONTROL_POLICY", "RESOURCE_CONTROL_POLICY"]
    for _ in range(1500):
        statements = [_statement(chance) for _ in range(chance.randint(0, 3))]
        found = _judged({"Version": "2012-10-17", "Statement": statements}, chance.choice(kinds))
        assert all(finding.message and finding.remedy for finding in found)


@pytest.mark.parametrize(
    "content",
    [
        None,
        5,
        "",
        "{}",
        "not JSON",
        [],
        {},
        {"Ref": "Content"},
        {"Statement": "x"},
        {"Statement": [None]},
    ],
)
def test_what_is_no_document(content: Any) -> None:
    """What is none is left to the grammar, or said not to be read."""
    assert {finding.code for finding in _judged(content)} <= {"ORG119", "ORG200"}


def test_a_document_given_as_text() -> None:
    """A string is read as the object that it holds."""
    statement = '{"Effect": "Deny", "Action": "ec2:RunInstance", "Resource": "*"}'
    text = f'{{"Version": "2012-10-17", "Statement": {statement}}}'
    # The second policy has the same target and text, so it adds nothing.
    assert {finding.code for finding in _judged(text)} == {"ORG207", "ORG208"}


@pytest.mark.parametrize("odd", [5, True, None, [], [[]], {}, [{"Ref": "Elsewhere"}], "Nowhere"])
@pytest.mark.parametrize(
    "place", ["DependsOn", "TargetIds", "GetAtt", "PolicyType", "Content", "Statement"]
)
def test_odd_elements_of_a_template_are_judged(place: str, odd: object) -> None:
    """CloudFormation refuses what is written where it cannot stand; the rules do not raise."""
    properties = {"Name": "odd", "Type": "SERVICE_CONTROL_POLICY", "Content": {}, "TargetIds": []}
    policy: dict[str, Any] = {"Type": "AWS::Organizations::Policy", "Properties": properties}
    enabled: dict[str, Any] = {"Type": "Custom::OrganizationPolicyType", "Properties": {}}
    if place == "GetAtt":
        properties["TargetIds"] = [{"Fn::GetAtt": [odd, "RootId"]}]
    elif place == "PolicyType":
        enabled["Properties"][place] = odd
    elif place == "Statement":
        properties["Content"] = {"Version": "2012-10-17", "Statement": odd}
    else:
        (policy if place == "DependsOn" else properties)[place] = odd
    template = {"Resources": {"Policy": policy, "Enabled": enabled}}
    found = run_checks(CheckContext(model=OrganizationModel.from_templates({"Org": template})))
    assert all(finding.remedy for finding in found)


@pytest.mark.parametrize(
    "condition",
    [
        *(5, "x", True, ["a"], None),
        *({"StringNotEquals": keys} for keys in (5, "x", ["a"], None)),
        *({"StringNotEquals": {"aws:RequestedRegion": odd}} for odd in (5, [], [5], {"Ref": "X"})),
    ],
)
def test_odd_conditions_allow_no_regions(condition: object) -> None:
    """Whether a fence is of another partition is asked of Regions only."""
    statement = {"Effect": "Deny", "Action": "*", "Resource": "*", "Condition": condition}
    assert list(_allowed_regions({"Statement": statement})) == []
