"""The real CDK CLI with an app of L1 constructs, without this library, against the embedded AWS."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from quick_cli import bootstrap

from org_constructs.rehearsal import EmbeddedAws

HANDLER = """
import json
import time
import urllib.request

import boto3


def handler(event, _context):
    answer = {key: event[key] for key in ("StackId", "RequestId", "LogicalResourceId")}
    answer |= {"Status": "SUCCESS", "PhysicalResourceId": "policy-type"}
    try:
        if event["RequestType"] == "Create":
            enable(event["ResourceProperties"]["PolicyType"])
    except Exception as error:
        answer |= {"Status": "FAILED", "Reason": str(error)}
    request = urllib.request.Request(
        event["ResponseURL"], data=json.dumps(answer).encode(), method="PUT"
    )
    urllib.request.urlopen(request)


def enable(policy_type):
    client = boto3.client("organizations")
    root = client.list_roots()["Roots"][0]["Id"]
    client.enable_policy_type(RootId=root, PolicyType=policy_type)
    while {"Type": policy_type, "Status": "ENABLED"} not in (
        client.list_roots()["Roots"][0]["PolicyTypes"]
    ):
        time.sleep(0.05)
"""


def synthesize(folder: Path, account_id: str) -> Path:
    """Synthesize a small organization out of L1 constructs and return the assembly."""
    import aws_cdk as cdk
    from aws_cdk import aws_lambda, aws_organizations

    source = folder / "handler"
    source.mkdir()
    (source / "index.py").write_text(HANDLER, "utf-8")
    assembly = folder / "assembly"
    app = cdk.App(outdir=str(assembly))
    environment = cdk.Environment(account=account_id, region="us-east-1")
    stack = cdk.Stack(app, "Org", env=environment, termination_protection=True)
    organization = aws_organizations.CfnOrganization(stack, "Organization")
    function = aws_lambda.Function(
        stack,
        "Settings",
        runtime=aws_lambda.Runtime.PYTHON_3_13,
        handler="index.handler",
        code=aws_lambda.Code.from_asset(str(source)),
        timeout=cdk.Duration.seconds(30),
    )
    policy_type = cdk.CustomResource(
        stack,
        "ServiceControlPolicies",
        service_token=function.function_arn,
        resource_type="Custom::OrganizationPolicyType",
        properties={"PolicyType": "SERVICE_CONTROL_POLICY"},
        service_timeout=cdk.Duration.seconds(30),
    )
    units = {
        name: aws_organizations.CfnOrganizationalUnit(
            stack, name, name=name, parent_id=organization.attr_root_id
        )
        for name in ("Workloads", "Sandbox")
    }
    # AWS serialises writes to an organization, so each resource waits for the one before.
    units["Sandbox"].node.add_dependency(units["Workloads"])
    policy_type.node.add_dependency(units["Sandbox"])
    policy = aws_organizations.CfnPolicy(
        stack,
        "DenyLeaving",
        name="deny-leaving",
        type="SERVICE_CONTROL_POLICY",
        content={
            "Version": "2012-10-17",
            "Statement": [
                {"Effect": "Deny", "Action": "organizations:LeaveOrganization", "Resource": "*"}
            ],
        },
        target_ids=[units["Workloads"].attr_id],
    )
    policy.node.add_dependency(policy_type)
    account = aws_organizations.CfnAccount(
        stack,
        "Payments",
        account_name="payments",
        email="payments@corp.com",
        parent_ids=[units["Workloads"].attr_id],
    )
    account.node.add_dependency(policy)
    for retained in (organization, account, *units.values()):
        retained.apply_removal_policy(cdk.RemovalPolicy.RETAIN)
    cdk.CfnOutput(stack, "PaymentsId", value=account.attr_account_id)
    app.synth()
    return assembly


def cdk_cli(aws: EmbeddedAws, folder: Path, *arguments: str) -> str:
    """Run the CDK CLI and return what it printed."""
    answer = subprocess.run(
        ["cdk", *arguments],
        cwd=folder,
        env=aws.environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=60,
        check=False,
    )
    assert answer.returncode == 0, answer.stdout
    return answer.stdout


@pytest.mark.e2e
def test_an_organization_is_deployed(aws: EmbeddedAws, tmp_path: Path) -> None:
    """By the CLI's own means, with assets, a custom resource, outputs and protection."""
    assembly = synthesize(tmp_path, aws.account_id)
    execution_policy = f"arn:aws:iam::{aws.account_id}:policy/organization-deployment"
    bootstrap(aws, execution_policy)
    deploy = ("deploy", "--no-rollback", "--require-approval", "never", "--app")
    printed = cdk_cli(aws, tmp_path, *deploy, str(assembly))
    account_id = printed.partition("Org.PaymentsId = ")[2][:12]
    assert [call["operation"] for call in aws.calls() if not call["read"]] == [
        "CreateOrganization",
        "CreateOrganizationalUnit",
        "CreateOrganizationalUnit",
        "EnablePolicyType",
        "CreatePolicy",
        "AttachPolicy",
        "CreateAccount",
        "CreateAccountResult",
        "MoveAccount",
    ]
    account = aws.client("organizations").describe_account(AccountId=account_id)["Account"]
    assert account["Name"] == "payments"
    assert {call["caller"] for call in aws.calls()} == {
        aws.account_id,
        "organizations.amazonaws.com",
    }

    cloudformation = aws.client("cloudformation")
    (stack,) = cloudformation.describe_stacks(StackName="Org")["Stacks"]
    assert stack["EnableTerminationProtection"]
