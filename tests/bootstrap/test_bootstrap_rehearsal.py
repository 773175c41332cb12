from __future__ import annotations

import json
from collections.abc import Iterator

import boto3
import pytest

from org_constructs.operations.bootstrap import (
    FORBIDDEN_ACTIONS,
    QUALIFIER,
    check_execution_role,
    deploy_execution_policy,
)
from org_constructs.rehearsal import EmbeddedAws

REGION = "us-east-1"


@pytest.fixture
def aws(monkeypatch: pytest.MonkeyPatch) -> Iterator[EmbeddedAws]:
    """An embedded AWS that this process's sessions talk to."""
    embedded = EmbeddedAws.start()
    for name, value in embedded.environment().items():
        monkeypatch.setenv(name, value)
    yield embedded
    embedded.stop()


def test_the_policies_are_deployed_and_judged(aws: EmbeddedAws) -> None:
    """CloudFormation takes the template, and IAM denies what the policy denies."""
    session = boto3.session.Session(region_name=REGION)
    first = deploy_execution_policy(session)
    again = deploy_execution_policy(session)
    assert (first.changed, again.changed) == (True, False)
    assert first.policy_arn == again.policy_arn

    iam = session.client("iam")
    role = f"cdk-{QUALIFIER}-cfn-exec-role-{aws.account_id}-{REGION}"
    trust = {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Effect": "Allow",
                "Action": "sts:AssumeRole",
                "Principal": {"Service": "cloudformation.amazonaws.com"},
            }
        ],
    }
    iam.create_role(RoleName=role, AssumeRolePolicyDocument=json.dumps(trust))
    iam.attach_role_policy(RoleName=role, PolicyArn=first.policy_arn)
    assert check_execution_role(session, account_id=aws.account_id, region=REGION) == ()

    iam.attach_role_policy(RoleName=role, PolicyArn="arn:aws:iam::aws:policy/AdministratorAccess")
    (danger,) = check_execution_role(session, account_id=aws.account_id, region=REGION)
    assert "also has policy 'AdministratorAccess'" in danger

    iam.detach_role_policy(RoleName=role, PolicyArn=first.policy_arn)
    dangers = check_execution_role(session, account_id=aws.account_id, region=REGION)
    assert all(action in danger for action, danger in zip(FORBIDDEN_ACTIONS, dangers, strict=False))
    assert len(dangers) == 4
