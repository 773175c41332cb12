"""Custom resources whose function ends without an answer."""

from __future__ import annotations

import io
import time
import zipfile
from typing import Any

import pytest
from stack_harness import Cloud, after, resource, scp

ENABLES = """
import boto3, json, time, urllib.request

def handler(event, context):
    client = boto3.client("organizations")
    root = client.list_roots()["Roots"][0]
    if not root["PolicyTypes"]:
        client.enable_policy_type(RootId=root["Id"], PolicyType="SERVICE_CONTROL_POLICY")
        time.sleep(0.2)
    answer = {key: event[key] for key in ("StackId", "RequestId", "LogicalResourceId")}
    answer |= {"Status": "SUCCESS", "PhysicalResourceId": "x"}
    data = json.dumps(answer).encode()
    urllib.request.urlopen(urllib.request.Request(event["ResponseURL"], data=data, method="PUT"))
"""
ANSWERS = """
import json, urllib.request

def handler(event, context):
    answer = {key: event[key] for key in ("StackId", "RequestId", "LogicalResourceId")}
    answer |= {"Status": "SUCCESS", "PhysicalResourceId": "x"}
    data = json.dumps(answer).encode()
    urllib.request.urlopen(urllib.request.Request(event["ResponseURL"], data=data, method="PUT"))
"""
DIES = "import os\n\ndef handler(event, context):\n    os._exit(1)\n"
RAISES = "def handler(event, context):\n    raise ValueError('broken')\n"


def function(cloud: Cloud, source: str) -> str:
    """Create a function and return its ARN."""
    code = io.BytesIO()
    with zipfile.ZipFile(code, "w") as archive:
        archive.writestr("index.py", source)
    created = cloud.aws.client("lambda").create_function(
        FunctionName="settings",
        Runtime="python3.13",
        Handler="index.handler",
        Role=f"arn:aws:iam::{cloud.aws.account_id}:role/any",
        Code={"ZipFile": code.getvalue()},
    )
    return str(created["FunctionArn"])


def setting(arn: str, **properties: str) -> dict[str, Any]:
    """Return a template with one custom resource."""
    properties = {"ServiceToken": arn, "ServiceTimeout": "900", **properties}
    return {"Setting": {"Type": "Custom::Setting", "Properties": properties}}


def test_an_answer_is_waited_for(cloud: Cloud) -> None:
    """As long as the function runs."""
    assert cloud.deploy(setting(function(cloud, ANSWERS))) == "CREATE_COMPLETE"


@pytest.mark.parametrize("source", [DIES, RAISES])
def test_a_function_that_dies_fails_its_resource(cloud: Cloud, source: str) -> None:
    """After ServiceTimeout on the clock, at once for who waits."""
    began, clock = time.monotonic(), cloud.aws.now()
    assert cloud.deploy(setting(function(cloud, source))) == "CREATE_FAILED"
    assert any("timed out" in reason for reason in cloud.reasons())
    assert cloud.aws.now() - clock > 900
    assert time.monotonic() - began < 15


def test_a_function_can_be_made_to_die(cloud: Cloud) -> None:
    """The first run of it; the same command again succeeds."""
    arn = function(cloud, ANSWERS)
    cloud.aws.inject("Lambda:1:dies")
    assert cloud.deploy(setting(arn)) == "CREATE_FAILED"
    assert any("timed out" in reason for reason in cloud.reasons())
    assert cloud.deploy(setting(arn)) in ("CREATE_COMPLETE", "UPDATE_COMPLETE")


@pytest.mark.parametrize("ordered", [False, True])
def test_a_policy_that_does_not_wait_for_its_type_is_too_early(
    cloud: Cloud, *, ordered: bool
) -> None:
    """Whatever the resources are called: the function has only begun when it is attached."""
    cloud.deploy({"Organization": resource("Organization")}, stack="First")
    root = cloud.organizations.list_roots()["Roots"][0]["Id"]
    resources = {**setting(function(cloud, ENABLES)), "Wanted": scp(root)}
    if ordered:
        resources["Wanted"] = after("Setting", resources["Wanted"])
    assert cloud.deploy(resources) == ("CREATE_COMPLETE" if ordered else "CREATE_FAILED")
    assert ordered or any("isn't currently enabled" in reason for reason in cloud.reasons())
