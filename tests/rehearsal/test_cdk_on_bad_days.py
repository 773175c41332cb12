"""The real CDK CLI where AWS is slow to accept, and where the CLI is killed in the middle."""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path

import pytest
from quick_cli import AppInProcess

from org_constructs.rehearsal import EmbeddedAws

APP = """
import aws_cdk as cdk
from aws_cdk import aws_organizations

app = cdk.App()
stack = cdk.Stack(
    app,
    "Org",
    env=cdk.Environment(account="111111111111", region="us-east-1"),
    # What needs no assets needs no bootstrapping.
    synthesizer=cdk.BootstraplessSynthesizer(),
)
organization = aws_organizations.CfnOrganization(stack, "Organization")
before = organization
for name in ("A", "B", "C"):
    unit = aws_organizations.CfnOrganizationalUnit(
        stack, name, name=name, parent_id=organization.attr_root_id
    )
    unit.node.add_dependency(before)
    before = unit
app.synth()
"""


@pytest.fixture
def app(tmp_path: Path) -> Path:
    """A CDK app with an organization and three OUs."""
    (tmp_path / "app.py").write_text(APP, "utf-8")
    (tmp_path / "cdk.json").write_text(json.dumps({"app": f"{sys.executable} app.py"}), "utf-8")
    return tmp_path


@pytest.mark.e2e
def test_a_deployment_gets_through(aws: EmbeddedAws, app: Path) -> None:
    """Throttled at AWS's rates, and against two writes of somebody else: handlers try again."""
    aws.configure(throttling=True, write_seconds=0.02)
    aws.inject("CreateOrganizationalUnit:2-3:ConcurrentModificationException")
    with AppInProcess(aws, app, quiet=True) as cdk:
        step = cdk.deploy()
        assert step.exit_code == 0, step.output
    refused = {call["error"]["code"] for call in aws.calls() if call["error"]}
    assert "ConcurrentModificationException" in refused
    root = aws.client("organizations").list_roots()["Roots"][0]["Id"]
    units = aws.client("organizations").list_organizational_units_for_parent(ParentId=root)
    assert {unit["Name"] for unit in units["OrganizationalUnits"]} == {"A", "B", "C"}


@pytest.mark.e2e
def test_cloudformation_goes_on_without_the_cli(aws: EmbeddedAws, app: Path) -> None:
    """As at AWS: what was begun is finished, and the same command again finds nothing to do."""
    with AppInProcess(aws, app, quiet=True) as cdk:
        aws.inject("CLI:CreateOrganizationalUnit:2:kill")
        killed = cdk.deploy()
        assert killed.exit_code == -9, killed.output
        formation = aws.client("cloudformation")
        deadline = time.monotonic() + 10
        status = ""
        while status != "CREATE_COMPLETE" and time.monotonic() < deadline:
            (stack,) = formation.describe_stacks(StackName="Org")["Stacks"]
            status = stack["StackStatus"]
            time.sleep(0.05)
        assert status == "CREATE_COMPLETE"
        seen = len(aws.calls())
        again = cdk.deploy()
        assert again.exit_code == 0, again.output
        assert [call for call in aws.calls(seen) if not call["read"]] == []
        (event,) = aws.faults()["events"]
        assert event["effect"] == "KILL"
