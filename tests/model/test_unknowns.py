"""What a model does not know is named, with its place and its expression."""

from __future__ import annotations

from typing import Any

from org_constructs.model import OrganizationModel


def _resource(kind: str, **properties: Any) -> dict[str, Any]:
    return {"Type": f"AWS::Organizations::{kind}", "Properties": properties}


def _unknowns(resources: dict[str, Any], **template: Any) -> list[str]:
    templates = {"S": {"Resources": resources, **template}}
    return [str(found) for found in OrganizationModel.from_templates(templates).unknowns]


def test_everything_known() -> None:
    """Where templates tell all, nothing is unknown; other resources do not matter."""
    resources = {
        "U": _resource("OrganizationalUnit", Name="u", ParentId="r-ab12"),
        "V": _resource("OrganizationalUnit", Name="v", ParentId="ou-ab12-34cd56ef"),
        "P": _resource(
            "Policy",
            Name="p",
            Type="SERVICE_CONTROL_POLICY",
            Content='{"Version": "2012-10-17", "Statement": []}',
            TargetIds=["135792468013", {"Ref": "U"}],
        ),
        "B": {"Type": "AWS::S3::Bucket", "Properties": {"Name": {"Ref": "Gone"}}},
    }
    assert _unknowns(resources, Transform="AWS::LanguageExtensions") == []


def test_values() -> None:
    """Parents, targets, names and contents, each with its expression."""
    open_value = {"Ref": "Open"}
    statement = {"Effect": "Deny", "Action": "s3:*", "Resource": ["a", open_value]}
    resources = {
        "U": _resource("OrganizationalUnit", Name=open_value, ParentId=open_value),
        "A": _resource(
            "Account", AccountName="a", Email=open_value, ParentIds=[{"Fn::GetAtt": ["X", "Id"]}]
        ),
        "P": _resource(
            "Policy", Name="p", Type="T", Content={"Statement": [statement]}, TargetIds=[open_value]
        ),
        "Q": _resource("Policy", Name="q", Type=open_value, Content=open_value, TargetIds=[]),
        "X": {"Type": "Custom::Unit"},
    }
    shown = '{"Ref": "Open"}'
    assert _unknowns(resources) == [
        f"the parent of 'S/U', {shown}",
        f"the Name of 'S/U', {shown}",
        "the parent of 'S/A', what 'S/X' returns",
        f"the Email of 'S/A', {shown}",
        f"the target of 'S/P', {shown}",
        f"the Content.Statement[0].Resource[1] of 'S/P', {shown}",
        f"the Type of 'S/Q', {shown}",
        f"the Content of 'S/Q', {shown}",
    ]


def test_what_may_be_there() -> None:
    """Transforms, loops, nested stacks and conditions may make what is not seen."""
    kind = "AWS::Organizations::Account"
    resources = {
        "Fn::ForEach::Accounts": ["Name", ["a"], {"A${Name}": {"Type": kind}}],
        "Fn::ForEach::Buckets": ["Name", ["a"], {"B${Name}": {"Type": "AWS::S3::Bucket"}}],
        "Inner": {"Type": "AWS::CloudFormation::Stack", "Properties": {"TemplateURL": "x"}},
        "A": {**_resource("Account", AccountName="a", Email="a@corp.com"), "Condition": "Open"},
    }
    conditions = {"Open": {"Fn::Equals": [{"Ref": "Gone"}, "x"]}}
    found = _unknowns(resources, Conditions=conditions, Transform=["Macro"])
    assert found == [
        "the result of 'S', transform Macro",
        "the resources of 'S', Fn::ForEach::Accounts",
        "the template of 'S/Inner', a nested stack whose template is not here",
        "the existence of 'S/A', condition Open",
    ]
