"""What published policies commonly do is not found fault with, and what is found is a fault.

The idioms are those of https://github.com/aws-samples/service-control-policy-examples (the comments
name the folders) and of the AWS Organizations user guide, written anew. All samples of both that
were stored in 2026-11 have been judged as a whole; what was found then stands in FAULTS.
"""

from __future__ import annotations

from typing import Any

import pytest

from org_constructs.checks import CheckContext, Finding, judge_policies
from org_constructs.guardrails._global_services import exempt_actions
from org_constructs.model import OrganizationModel

PRIVILEGED = {"ArnNotLike": {"aws:PrincipalARN": "arn:aws:iam::*:role/Privileged"}}


def _deny(action: Any, condition: Any = None, resource: Any = "*", **elements: Any) -> Any:
    statement = {"Effect": "Deny", "Action": action, "Resource": resource, **elements}
    if "NotAction" in elements:
        del statement["Action"]
    if "NotResource" in elements:
        del statement["Resource"]
    return {**statement, "Condition": condition} if condition else statement


IDIOMS: dict[str, list[Any]] = {
    # Deny-changes-to-security-services
    "a wildcard for all changes": [_deny(["identitystore:Create*", "identitystore:Delete*"])],
    "everything on one kind of resource": [_deny("sso:*", None, "arn:aws:sso:::permissionSet/*/*")],
    "alarms and dashboards": [
        _deny(
            ["cloudwatch:DeleteAlarms", "cloudwatch:PutDashboard"],
            PRIVILEGED,
            ["arn:aws:cloudwatch::*:dashboard/Ours", "arn:aws:cloudwatch:*:*:alarm:Ours"],
        )
    ],
    # Privileged-access-controls
    "actions in another case": [_deny(["ec2:CreateVPNGateway", "ec2:DetachVpnGateway"])],
    "roles that are protected": [
        _deny(["iam:DeleteRole", "sts:AssumeRole"], PRIVILEGED, "arn:aws:iam::*:role/Protected*")
    ],
    "access keys of root users": [_deny("iam:CreateAccessKey", None, "arn:aws:iam::*:root")],
    "root users but for bucket policies": [
        _deny(
            None,
            {"ArnLike": {"aws:PrincipalArn": "arn:aws:iam::*:root"}},
            NotAction=["s3:GetBucketPolicy", "s3:PutBucketPolicy"],
        )
    ],
    "root users without sessions": [
        _deny(
            "*",
            {
                "ArnLike": {"aws:PrincipalArn": ["arn:aws:iam::*:root"]},
                "Null": {"aws:AssumedRoot": "true"},
            },
        )
    ],
    # Protect-cloud-platform-resource
    "log groups and streams": [
        _deny(
            ["logs:DeleteLogGroup", "logs:DeleteLogStream"],
            PRIVILEGED,
            ["arn:aws:logs:*:*:log-group:a", "arn:aws:logs:*:*:log-group:a:log-stream:b"],
        )
    ],
    "credentials from other networks": [
        _deny(
            None,
            {
                "BoolIfExists": {"aws:ViaAWSService": "false"},
                "NotIpAddressIfExists": {"aws:SourceIp": ["203.0.113.0/24"]},
                "StringNotEqualsIfExists": {"aws:SourceVpc": ["vpc-0a"]},
                "ArnLike": {"aws:PrincipalArn": "arn:aws:iam::*:user/*"},
            },
            NotAction=["es:ES*", "dax:GetItem", "elasticfilesystem:client*", "rds-db:connect"],
        )
    ],
    "metadata service": [
        _deny("ec2:RunInstances", {"StringNotEquals": {"ec2:MetadataHttpTokens": "required"}}),
        _deny(
            "ec2:RunInstances", {"NumericGreaterThan": {"ec2:MetadataHttpPutResponseHopLimit": "3"}}
        ),
        _deny("*", {"NumericLessThan": {"ec2:RoleDelivery": "2.0"}}),
    ],
    # Region-controls
    "a fence with inference of Bedrock": [
        _deny(
            None,
            {"StringNotEquals": {"aws:RequestedRegion": ["eu-west-1", "us-east-1"]}, **PRIVILEGED},
            NotAction=[*exempt_actions("aws"), "bedrock:InvokeModel"],
        ),
        _deny(
            "bedrock:InvokeModel",
            {
                "StringNotEquals": {"aws:RequestedRegion": ["eu-west-1", "us-east-1"]},
                "ArnNotLike": {
                    "bedrock:InferenceProfileArn": "arn:aws:bedrock:*:*:inference-profile/eu.*"
                },
            },
        ),
    ],
    # Sensitive-data-protection
    "a bucket and its objects": [
        _deny(["s3:DeleteBucket", "s3:DeleteObject"], None, ["arn:aws:s3:::a", "arn:aws:s3:::a/*"])
    ],
    "a setting of one service": [
        _deny("ssm:UpdateServiceSetting", None, "arn:aws:ssm:*:*:servicesetting/ssm/documents/x")
    ],
    # Service-specific-controls
    "tags by any of several names": [
        _deny(
            "iam:TagRole", {"ForAnyValue:StringLike": {"aws:TagKeys": ["x509Issuer*", "x509SAN*"]}}
        )
    ],
    "one statement for each tag": [
        _deny("iam:TagRole", {"Null": {f"aws:RequestTag/{key}": "false"}}) for key in ("a", "b")
    ],
    "all models but some": [
        _deny("bedrock:InvokeModel", NotResource="arn:aws:bedrock:*::foundation-model/a.*")
    ],
    # Services-in-scope-compliance
    "all services but a list": [
        _deny(
            None,
            NotAction=[
                "iam:*",
                "sts:*",
                "organizations:*",
                "cloudformation:*",
                "s3:*",
                "ssm:*",
                "iotevents:*",
            ],
        )
    ],
}

# What was found in the samples themselves, and why it is right.
FAULTS: list[tuple[str, str, Any]] = [
    # Protect-cloud-platform-resource: the ARN of a stack ends in an id, so the name alone is none.
    (
        "ORG206",
        "Resource 'arn:aws:cloudformation:*:*:stack/Ours'",
        _deny(
            "cloudformation:DeleteStack",
            PRIVILEGED,
            ["arn:aws:cloudformation:*:*:stack/Ours*", "arn:aws:cloudformation:*:*:stack/Ours"],
        ),
    ),
    # Deny-modification-to-Lambda-URL-Config: a function's ARN has a colon before the name.
    (
        "ORG206",
        "never acts on 'arn:aws:lambda:*:*:function/*'",
        _deny("lambda:CreateFunctionUrlConfig", None, "arn:aws:lambda:*:*:function/*"),
    ),
    # Deny-billing-modification-action: challenge questions are no more.
    ("ORG207", "'account:PutChallengeQuestions'", _deny("account:PutChallengeQuestions")),
    # Deny-unwanted-cancellation…: the action is not in AWS's reference any more.
    (
        "ORG207",
        "'aws-marketplace:CreatePrivateMarketplace'",
        _deny("aws-marketplace:CreatePrivateMarketplace"),
    ),
    # Most samples: an account and a role to fill in.
    (
        "ORG209",
        "'${Account}' reads as a policy variable",
        _deny(
            "kms:DeleteAlias",
            {"ArnNotLike": {"aws:PrincipalArn": "arn:aws:iam::${Account}:role/A"}},
        ),
    ),
    # SCP syntax page: a fence that leaves delegated administrators without AWS Organizations.
    (
        "ORG205",
        "does not exempt 'organizations:*'",
        _deny(
            None,
            {"StringNotEquals": {"aws:RequestedRegion": ["eu-west-1"]}},
            NotAction=["iam:*", "sts:*", "cloudfront:*"],
        ),
    ),
    # SCP syntax page: CDK, and CloudFormation at large, pass roles.
    ("ORG210", "denies 'iam:PassRole'", _deny(["iam:*", "ec2:*", "rds:*"])),
]


def _judged(statements: list[Any]) -> list[Finding]:
    policy = {
        "Type": "AWS::Organizations::Policy",
        "Properties": {
            "Name": "published",
            "Type": "SERVICE_CONTROL_POLICY",
            "Content": {"Version": "2012-10-17", "Statement": statements},
        },
    }
    model = OrganizationModel.from_templates({"Org": {"Resources": {"Published": policy}}})
    return judge_policies(CheckContext(model=model))


@pytest.mark.parametrize("statements", IDIOMS.values(), ids=IDIOMS)
def test_no_false_alarm(statements: list[Any]) -> None:
    """What works is left alone."""
    assert _judged(statements) == []


@pytest.mark.parametrize(("code", "said", "statement"), FAULTS)
def test_what_is_wrong_with_samples(code: str, said: str, statement: Any) -> None:
    """Where a sample does not do what it says, that is said."""
    (found,) = _judged([statement])
    assert found.code == code
    assert said in found.message
