"""The API over HTTP: what boto3 sees."""

from __future__ import annotations

import time
import urllib.error
import urllib.request
from datetime import datetime
from typing import Any

import pytest
from botocore.exceptions import ClientError

from org_constructs.rehearsal import EmbeddedAws


def test_boto3_creates_an_account(aws: EmbeddedAws) -> None:
    """With AWS's times, paginators and typed errors."""
    organizations = aws.client("organizations")
    organizations.create_organization(FeatureSet="ALL")
    request = organizations.create_account(AccountName="audit", Email="audit@corp.com")
    request_id = request["CreateAccountStatus"]["Id"]
    status: dict[str, Any] = {"State": "IN_PROGRESS"}
    while status["State"] == "IN_PROGRESS":
        time.sleep(0.02)
        answer = organizations.describe_create_account_status(CreateAccountRequestId=request_id)
        status = answer["CreateAccountStatus"]
    assert isinstance(status["CompletedTimestamp"], datetime)
    pages = organizations.get_paginator("list_accounts").paginate(PaginationConfig={"PageSize": 1})
    assert [account["Name"] for page in pages for account in page["Accounts"]] == [
        "Management",
        "audit",
    ]
    with pytest.raises(organizations.exceptions.AlreadyInOrganizationException):
        organizations.create_organization()
    with pytest.raises(organizations.exceptions.ConstraintViolationException) as caught:
        organizations.close_account(AccountId=aws.account_id)
    assert caught.value.response["Reason"] == "CANNOT_CLOSE_MANAGEMENT_ACCOUNT"


def test_the_access_key_says_which_account_calls(aws: EmbeddedAws) -> None:
    """An account outside is in no organization, a member may not write."""
    aws.client("organizations").create_organization()
    stranger = aws.client("organizations", account_id="222222222222")
    with pytest.raises(stranger.exceptions.AWSOrganizationsNotInUseException):
        stranger.describe_organization()
    assert aws.calls()[-1]["caller"] == "222222222222"


def test_an_assumed_role_calls_as_its_account(aws: EmbeddedAws) -> None:
    """As deployment roles do."""
    import boto3

    iam = aws.client("iam")
    trust = '{"Version":"2012-10-17","Statement":[]}'
    allowed = (
        '{"Version":"2012-10-17","Statement":'
        '[{"Effect":"Allow","Action":"organizations:*","Resource":"*"}]}'
    )
    role = iam.create_role(RoleName="deployer", AssumeRolePolicyDocument=trust)["Role"]["Arn"]
    iam.put_role_policy(RoleName="deployer", PolicyName="own", PolicyDocument=allowed)
    session = aws.client("sts").assume_role(RoleArn=role, RoleSessionName="deploy")["Credentials"]
    client = boto3.client(
        "organizations",
        endpoint_url=aws.endpoint,
        region_name=aws.region,
        aws_access_key_id=session["AccessKeyId"],
        aws_secret_access_key=session["SecretAccessKey"],
        aws_session_token=session["SessionToken"],
    )
    organization = client.create_organization()["Organization"]
    assert organization["MasterAccountId"] == aws.account_id


def test_what_is_not_rehearsed_says_so(aws: EmbeddedAws) -> None:
    """At once, without the SDK's repetitions."""
    aws.client("organizations").create_organization()
    with pytest.raises(ClientError, match="ListInboundResponsibilityTransfers is not rehearsed"):
        aws.client("organizations").list_inbound_responsibility_transfers(Type="BILLING")
    assert aws.calls()[-1]["error"]["code"] == "NotRehearsedException"


def test_calls_are_read_from_where_one_left_off(aws: EmbeddedAws) -> None:
    """And a reset forgets them with everything else."""
    organizations = aws.client("organizations")
    organizations.create_organization()
    organizations.list_roots()
    assert [call["operation"] for call in aws.calls(since=1)] == ["ListRoots"]
    aws.client("s3").create_bucket(Bucket="some-bucket")
    aws.reset()
    assert aws.calls() == []
    assert aws.client("s3").list_buckets()["Buckets"] == []


@pytest.mark.parametrize(("path", "status"), [("calls?since=x", 400), ("nothing", 404)])
def test_control_paths_explain_themselves(aws: EmbeddedAws, path: str, status: int) -> None:
    """A wrong one is answered with what there is."""
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with pytest.raises(urllib.error.HTTPError) as caught:
        opener.open(f"{aws.endpoint}/_rehearsal/{path}", timeout=10)
    with caught.value as answer:
        assert answer.code == status
        assert b"error" in answer.read()
