"""Templates for snapshots: what changes by itself is gone, what matters is there."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import aws_cdk as cdk
from aws_cdk.assertions import Template

from org_constructs import Organization, PolicyType
from org_constructs.testing import normalized_template

HASH = "0123456789abcdef" * 4


def test_what_changes_by_itself_is_gone() -> None:
    """Hashes of assets, CDK's metadata and its own checks are left out; order does not matter."""
    template: dict[str, Any] = {
        "Rules": {"CheckBootstrapVersion": {}},
        "Resources": {
            "F": {
                "Type": "AWS::Lambda::Function",
                "Properties": {"Code": {"S3Key": f"{HASH}.zip"}},
                "Metadata": {
                    "aws:cdk:path": "S/F/Resource",
                    "aws:asset:path": f"asset.{HASH}",
                    "cdk_nag": {"rules_to_suppress": []},
                },
                "DependsOn": ["B", "A"],
            },
            "A": {"Type": "T", "Metadata": {"aws:cdk:path": "S/A"}},
            "CDKMetadata": {"Type": "AWS::CDK::Metadata", "Condition": "CDKMetadataAvailable"},
            "Fn::ForEach::X": [],
        },
        "Parameters": {"BootstrapVersion": {}, "Own": {"Type": "String"}},
        "Conditions": {"CDKMetadataAvailable": {}},
    }
    before = json.dumps(template)
    found = normalized_template(template)
    assert json.dumps(template) == before
    assert found == {
        "Resources": {
            "A": {"Type": "T"},
            "F": {
                "Type": "AWS::Lambda::Function",
                "Properties": {"Code": {"S3Key": "<asset>.zip"}},
                "Metadata": {"cdk_nag": {"rules_to_suppress": []}},
                "DependsOn": ["B", "A"],
            },
            "Fn::ForEach::X": [],
        },
        "Parameters": {"Own": {"Type": "String"}},
    }
    assert list(found) == ["Parameters", "Resources"]
    assert list(found["Resources"]) == ["A", "F", "Fn::ForEach::X"]
    assert normalized_template({}) == {}


def test_all_forms(new_stack: Callable[..., cdk.Stack], tmp_path: Path) -> None:
    """A stack, what CDK's assertions have made of it, its file and its data give the same."""
    stack = new_stack()
    Organization(stack, "Organization", policy_types=[PolicyType.SERVICE_CONTROL_POLICY])
    found = normalized_template(stack)
    assert "BootstrapVersion" not in found.get("Parameters", {})
    assert "<asset>.zip" in json.dumps(found)
    template = Template.from_stack(stack)
    file = tmp_path / "t.json"
    file.write_text(json.dumps(template.to_json()), "utf-8")
    for other in (template, template.to_json(), file, str(file)):
        assert normalized_template(other) == found


def test_a_stack_of_a_stage(new_app: Callable[..., cdk.App]) -> None:
    """The template of a stack in a Stage, or within another stack, is found."""
    stack = cdk.Stack(cdk.Stage(new_app(), "Prod"), "S")
    cdk.CfnResource(stack, "X", type="AWS::SNS::Topic")
    nested = cdk.NestedStack(stack, "N")
    cdk.CfnResource(nested, "Y", type="AWS::SNS::Topic")
    assert "X" in normalized_template(stack)["Resources"]
    assert list(normalized_template(nested)["Resources"]) == ["Y"]


def test_the_pure_part_needs_neither_cdk_nor_pytest() -> None:
    """A synthesized organization is asserted, and a template normalized, without Node."""
    code = (
        "import sys; from org_constructs.testing import OrganizationAssertions, normalized_template;"
        "normalized_template({});"
        "print(*sys.modules.keys() & {'aws_cdk', 'jsii', 'boto3', 'pytest', 'yaml'})"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == []
