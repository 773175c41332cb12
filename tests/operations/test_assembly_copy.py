"""An edited copy of an assembly leaves out what is asked for, and nothing that exists."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from org_constructs.operations.assembly_copy import LeftOutError, copy_for_import, copy_without

OLD_HASH = "0" * 64


def write(folder: Path, **stacks: dict[str, Any]) -> Path:
    """Write an assembly with templates as assets, as CDK does."""
    folder.mkdir()
    artifacts = {}
    for name, template in stacks.items():
        (folder / f"{name}.template.json").write_text(json.dumps(template), "utf-8")
        assets = {"files": {OLD_HASH: {"source": {"path": f"{name}.template.json"}}}}
        (folder / f"{name}.assets.json").write_text(json.dumps(assets), "utf-8")
        artifacts[name] = {
            "type": "aws:cloudformation:stack",
            "environment": "aws://111111111111/us-east-1",
            "properties": {
                "templateFile": f"{name}.template.json",
                "stackTemplateAssetObjectUrl": f"s3://bucket/{OLD_HASH}.json",
            },
        }
    manifest = {"version": "36.0.0", "artifacts": artifacts}
    (folder / "manifest.json").write_text(json.dumps(manifest), "utf-8")
    return folder


def template_of(folder: Path, name: str = "Org") -> dict[str, Any]:
    """Read a template of an assembly."""
    template: dict[str, Any] = json.loads((folder / f"{name}.template.json").read_text("utf-8"))
    return template


def resource(kind: str, *after: str, **properties: Any) -> dict[str, Any]:
    """Return a resource that waits for others."""
    found: dict[str, Any] = {"Type": f"AWS::Organizations::{kind}", "Properties": properties}
    return found | ({"DependsOn": list(after)} if after else {})


TEMPLATE = {
    "Resources": {
        "Unit": resource("OrganizationalUnit", Name="Apps", ParentId="r-ab12"),
        "First": resource("Account", "Unit", AccountName="first", ParentIds=[{"Ref": "Unit"}]),
        "App": resource("Account", "First", AccountName="app", ParentIds=[{"Ref": "Unit"}]),
        "Shared": resource("Policy", TargetIds=[{"Ref": "Unit"}, {"Ref": "App"}]),
        "Last": resource("Account", "App", AccountName="last", ParentIds=[{"Ref": "Unit"}]),
    },
    "Outputs": {"AppId": {"Value": {"Ref": "App"}}, "UnitId": {"Value": {"Ref": "Unit"}}},
}
APP = ("Org", "App")


def held(*logical_ids: str) -> set[tuple[str, str]]:
    """Return resources that exist."""
    return {("Org", logical_id) for logical_id in logical_ids}


def test_what_waits_and_does_not_exist_is_left_out(tmp_path: Path) -> None:
    """Nothing is created earlier than in the whole assembly."""
    source = write(tmp_path / "cdk.out", Org=TEMPLATE)
    left_out = copy_without(source, tmp_path / "copy", [APP], held("Unit", "First"))
    assert left_out == {APP, ("Org", "Last"), ("Org", "Shared")}
    template = template_of(tmp_path / "copy")
    assert set(template["Resources"]) == {"Unit", "First"}
    assert set(template["Outputs"]) == {"UnitId"}
    assert template_of(source) == TEMPLATE


def test_what_exists_stays_without_the_reference(tmp_path: Path) -> None:
    """A target goes from the list; who waited for the orphan waits for what that waited for."""
    source = write(tmp_path / "cdk.out", Org=TEMPLATE)
    copy_without(source, tmp_path / "copy", [APP], held("Unit", "First", "Shared", "Last"))
    resources = template_of(tmp_path / "copy")["Resources"]
    assert resources["Shared"]["Properties"]["TargetIds"] == [{"Ref": "Unit"}]
    assert resources["Last"]["DependsOn"] == ["First"]


def test_what_exists_and_cannot_be_without_it_is_refused(tmp_path: Path) -> None:
    """Leaving it out would delete it."""
    source = write(tmp_path / "cdk.out", Org=TEMPLATE)
    with pytest.raises(LeftOutError, match="resource 'First' of stack 'Org' exists"):
        copy_without(source, tmp_path / "copy", [("Org", "Unit")], held("First"))


def test_an_account_never_loses_its_parent(tmp_path: Path) -> None:
    """It would be created in the root, where less is denied."""
    source = write(tmp_path / "cdk.out", Org=TEMPLATE)
    left_out = copy_without(source, tmp_path / "copy", [("Org", "Unit")], set())
    assert {("Org", "First"), APP, ("Org", "Last")} <= left_out


def test_a_stack_of_nothing_has_a_placeholder(tmp_path: Path) -> None:
    """CloudFormation knows no empty stack."""
    source = write(tmp_path / "cdk.out", Org={"Resources": {"App": resource("Account")}})
    copy_without(source, tmp_path / "copy", [APP], set())
    (placeholder,) = template_of(tmp_path / "copy")["Resources"].values()
    assert placeholder["Type"] == "AWS::CloudFormation::WaitConditionHandle"


def test_a_reference_from_another_stack(tmp_path: Path) -> None:
    """By an output, which goes as well."""
    value = {"Fn::GetStackOutput": {"StackName": "Org", "OutputName": "AppId"}}
    other = {"Resources": {"P": resource("Policy", TargetIds=[value, "r-ab12"])}}
    source = write(tmp_path / "cdk.out", Org=TEMPLATE, Other=other)
    copy_without(source, tmp_path / "copy", [APP], {("Other", "P")})
    policy = template_of(tmp_path / "copy", "Other")["Resources"]["P"]
    assert policy["Properties"]["TargetIds"] == ["r-ab12"]


def test_the_import_adds_the_orphan_alone(tmp_path: Path) -> None:
    """Retained, waiting for nothing, with the properties that AWS really has."""
    source = write(tmp_path / "cdk.out", Org=TEMPLATE)
    copy_without(source, tmp_path / "without", [APP], held("Unit", "First"))
    copy_for_import(
        source, tmp_path / "import", tmp_path / "without", {APP: {"ParentIds": ["r-ab12"]}}
    )
    before, after = template_of(tmp_path / "without"), template_of(tmp_path / "import")
    added = after["Resources"].pop("App")
    assert after == before
    assert added["DeletionPolicy"] == "Retain"
    assert added["Properties"] == {"AccountName": "app", "ParentIds": ["r-ab12"]}
    assert "DependsOn" not in added


def test_an_edited_template_has_a_name_of_its_own(tmp_path: Path) -> None:
    """The CDK CLI uploads nothing whose name is there already, and would deploy the old one."""
    source = write(tmp_path / "cdk.out", Org=TEMPLATE)
    copy_without(source, tmp_path / "copy", [APP], set())
    for name in ("manifest.json", "Org.assets.json"):
        assert OLD_HASH not in (tmp_path / "copy" / name).read_text("utf-8")
        assert OLD_HASH in (source / name).read_text("utf-8")
