"""What roles may do: CloudFormation's role and assumed roles are judged by their policies."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest

from org_constructs.rehearsal import EmbeddedAws

TRUST = json.dumps({"Version": "2012-10-17", "Statement": []})
ACCOUNT = {
    "Type": "AWS::Organizations::Account",
    "DeletionPolicy": "Delete",
    "Properties": {"AccountName": "audit", "Email": "audit@corp.com"},
}
ORGANIZATION = {"Type": "AWS::Organizations::Organization", "DeletionPolicy": "Retain"}


def role(aws: EmbeddedAws, *statements: dict[str, Any], attached: str | None = None) -> str:
    """Create a role with an inline policy and return its ARN."""
    iam = aws.client("iam")
    arn: str = iam.create_role(RoleName="deployer", AssumeRolePolicyDocument=TRUST)["Role"]["Arn"]
    if statements:
        document = json.dumps({"Version": "2012-10-17", "Statement": list(statements)})
        iam.put_role_policy(RoleName="deployer", PolicyName="own", PolicyDocument=document)
    if attached is not None:
        iam.attach_role_policy(RoleName="deployer", PolicyArn=attached)
    return arn


def statement(effect: str, *actions: str) -> dict[str, Any]:
    """Return a statement about all resources."""
    return {"Effect": effect, "Action": list(actions), "Resource": "*"}


def deploy(aws: EmbeddedAws, role_arn: str | None, **resources: Any) -> str:
    """Create or update the stack, wait and return its status."""
    cloudformation = aws.client("cloudformation")
    template = json.dumps({"Resources": {"Organization": ORGANIZATION, **resources}})
    exists = bool(cloudformation.list_stacks()["StackSummaries"])
    change = {"StackName": "Org", "ChangeSetName": f"change-{time.monotonic_ns()}"}
    with_role = {} if role_arn is None else {"RoleARN": role_arn}
    cloudformation.create_change_set(
        **change,
        TemplateBody=template,
        ChangeSetType="UPDATE" if exists else "CREATE",
        **with_role,
    )
    cloudformation.execute_change_set(**change, DisableRollback=True)
    status: str = cloudformation.describe_stacks(StackName="Org")["Stacks"][0]["StackStatus"]
    return status


def test_a_deny_keeps_accounts_open(aws: EmbeddedAws) -> None:
    """Even when the template says to close one: the role that deploys may not."""
    arn = role(aws, statement("Allow", "*"), statement("Deny", "organizations:CloseAccount"))
    account = {**ACCOUNT, "DependsOn": "Organization"}
    assert deploy(aws, arn, Account=account) == "CREATE_COMPLETE"
    # The stack keeps its role when a later operation names none.
    deploy(aws, None, Marker={"Type": "AWS::CloudFormation::WaitConditionHandle"})
    (refused,) = [call for call in aws.calls() if call["operation"] == "CloseAccount"]
    assert refused["error"]["code"] == "AccessDeniedException"
    assert "explicit deny" in refused["error"]["message"]
    states = [a["State"] for a in aws.client("organizations").list_accounts()["Accounts"]]
    assert states == ["ACTIVE", "ACTIVE"]


def test_what_is_not_allowed_is_refused(aws: EmbeddedAws) -> None:
    """A scoped role that forgets a permission fails as it fails in AWS."""
    arn = role(aws, statement("Allow", "organizations:Describe*", "organizations:List*"))
    assert deploy(aws, arn) == "CREATE_FAILED"
    assert aws.calls()[-1]["error"]["code"] == "AccessDeniedException"


@pytest.mark.parametrize("attached", ["arn:aws:iam::aws:policy/AdministratorAccess", None])
def test_an_administrator_may_do_everything(aws: EmbeddedAws, attached: str | None) -> None:
    """Through AWS's managed policy or its own."""
    own = () if attached else (statement("Allow", "organizations:*"),)
    assert deploy(aws, role(aws, *own, attached=attached)) == "CREATE_COMPLETE"


def test_unknown_policies_refuse_nothing(aws: EmbeddedAws) -> None:
    """A policy that exists only in AWS may allow it."""
    unknown = f"arn:aws:iam::{aws.account_id}:policy/exists-elsewhere"
    assert deploy(aws, role(aws, attached=unknown)) == "CREATE_COMPLETE"


def test_an_assumed_role_is_judged_too(aws: EmbeddedAws) -> None:
    """As a person who signs in with one."""
    import boto3

    arn = role(aws, statement("Allow", "organizations:CreateOrganization"))
    session = aws.client("sts").assume_role(RoleArn=arn, RoleSessionName="settings")["Credentials"]
    client = boto3.client(
        "organizations",
        endpoint_url=aws.endpoint,
        region_name=aws.region,
        aws_access_key_id=session["AccessKeyId"],
        aws_secret_access_key=session["SecretAccessKey"],
        aws_session_token=session["SessionToken"],
    )
    client.create_organization()
    with pytest.raises(client.exceptions.AccessDeniedException, match="organizations:ListRoots"):
        client.list_roots()
