"""What CloudFormation refuses of a template before a handler of Organizations runs."""

from __future__ import annotations

import subprocess
import sys
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError
from stack_harness import BASE, CONTENT, ROOT, SCP, Cloud, after, get, resource, scp

from org_constructs.rehearsal.cloudformation import RESOURCE_TYPES
from org_constructs.rehearsal.cloudformation import schema as schemas
from org_constructs.rehearsal.cloudformation.schema import PropertyError, checked

REPOSITORY = Path(__file__).resolve().parents[2]
UNIT = {"Name": "x", "ParentId": "r-1234"}
POLICY = {"Name": "x", "Type": SCP, "Content": CONTENT}
ACCOUNT = {"AccountName": "x", "Email": "x@corp.com"}


def test_the_data_is_what_the_script_makes() -> None:
    """From the cfn-lint that it names, which is the one that is installed."""
    made_with = schemas._document()["cfn-lint"]
    assert made_with == version("cfn-lint"), "another cfn-lint; run: make generate"
    run = subprocess.run(
        [sys.executable, "scripts/generate_resource_schemas.py", "--check"],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert run.returncode == 0, run.stderr


def test_every_type_has_a_schema() -> None:
    """With what its handler cannot change, reads and takes tags by."""
    for kind in RESOURCE_TYPES:
        assert schemas.is_known(kind.name)
        assert ("Tags" in schemas._types()[kind.name]["properties"]) is kind.taggable
        assert kind.readable <= set(schemas._types()[kind.name]["properties"])
        assert kind.identifier in schemas.attributes(kind.name)
    assert not schemas.is_known("AWS::S3::Bucket")


@pytest.mark.parametrize(
    ("kind", "properties", "problem"),
    [
        ("OrganizationalUnit", {**UNIT, "Foo": 1}, "#: extraneous key [Foo] is not permitted"),
        ("OrganizationalUnit", {**UNIT, "Id": "ou-1"}, "#: extraneous key [Id] is not permitted"),
        ("OrganizationalUnit", {"Name": "x"}, "#: required key [ParentId] not found"),
        (
            "OrganizationalUnit",
            {**UNIT, "Name": ["x"]},
            "#/Name: expected type: String, found: JSONArray",
        ),
        (
            "OrganizationalUnit",
            {**UNIT, "Name": None},
            "#/Name: expected type: String, found: Null",
        ),
        ("OrganizationalUnit", {**UNIT, "Name": ""}, "#/Name: expected minLength: 1, actual: 0"),
        (
            "OrganizationalUnit",
            {**UNIT, "Name": "x" * 129},
            "#/Name: expected maxLength: 128, actual: 129",
        ),
        ("OrganizationalUnit", {**UNIT, "ParentId": "x"}, "#/ParentId: string [x] does not match"),
        (
            "OrganizationalUnit",
            {**UNIT, "Tags": {"a": "b"}},
            "#/Tags: expected type: JSONArray, found: JSONObject",
        ),
        (
            "OrganizationalUnit",
            {**UNIT, "Tags": [{"Key": "a"}]},
            "#/Tags/0: required key [Value] not found",
        ),
        (
            "OrganizationalUnit",
            {**UNIT, "Tags": [{"Key": "a#", "Value": ""}]},
            "#/Tags/0/Key: string [a#] does not match",
        ),
        ("Account", {**ACCOUNT, "Tags": [{"Key": "aws:a", "Value": ""}]}, "aws:a begins with aws:"),
        (
            "Account",
            {**ACCOUNT, "ParentIds": "r-1234"},
            "#/ParentIds: expected type: JSONArray, found: String",
        ),
        ("Account", {**ACCOUNT, "ParentIds": [{}]}, "#/ParentIds/0: expected type: String"),
        ("Policy", {**POLICY, "Type": "X"}, "#/Type: X is not a valid enum value"),
        (
            "Policy",
            {**POLICY, "Content": 5},
            "#/Content: expected type: JSONObject or String, found: Number",
        ),
        (
            "Policy",
            {**POLICY, "TargetIds": ["r-1234", "r-1234"]},
            "#/TargetIds: array items are not unique",
        ),
        ("Organization", {"FeatureSet": "SOME"}, "#/FeatureSet: SOME is not a valid enum value"),
        ("Organization", {"Tags": []}, "#: extraneous key [Tags] is not permitted"),
        ("ResourcePolicy", {}, "#: required key [Content] not found"),
    ],
)
def test_properties_have_the_form_of_the_schema(
    kind: str, properties: dict[str, Any], problem: str
) -> None:
    """All problems of a resource are named at once, with where they are."""
    with pytest.raises(PropertyError) as refused:
        checked(f"AWS::Organizations::{kind}", "X", properties)
    text = str(refused.value)
    assert text.startswith("Properties validation failed for resource X with message:\n#")
    assert problem in text


def test_numbers_and_booleans_become_text() -> None:
    """A template may give them where the schema has text; documents stay as they are."""
    tags = [{"Key": "cost", "Value": 5}, {"Key": "critical", "Value": True}]
    properties = {**POLICY, "Name": 7, "Tags": tags, "Content": {"Version": 1}}
    got = checked("AWS::Organizations::Policy", "X", properties)
    assert got["Name"] == "7"
    assert [tag["Value"] for tag in got["Tags"]] == ["5", "true"]
    assert got["Content"] == {"Version": 1}


class TestStacks:
    """Through a served CloudFormation."""

    def test_a_wrong_property_fails_before_the_handler(self, organization: Cloud) -> None:
        """Nothing is called, and the event says what is wrong; mended, the update passes."""
        wrong = resource("OrganizationalUnit", Name="C", ParentId=ROOT, Naem2="C")
        seen = len(organization.aws.calls())
        assert organization.deploy({**BASE, "C": wrong}) == "UPDATE_FAILED"
        assert "CreateOrganizationalUnit" not in {
            call["operation"] for call in organization.aws.calls(seen)
        }
        events = organization.cloudformation.describe_stack_events(StackName="Org")["StackEvents"]
        reasons = [event.get("ResourceStatusReason", "") for event in events]
        assert any("extraneous key [Naem2] is not permitted" in reason for reason in reasons)
        del wrong["Properties"]["Naem2"]
        assert organization.deploy({**BASE, "C": wrong}) == "UPDATE_COMPLETE"

    def test_a_wrong_update_is_rolled_back(self, organization: Cloud) -> None:
        """What was changed before it goes back, what it is about was never touched."""
        renamed = resource("OrganizationalUnit", Name="A2", ParentId=ROOT)
        wrong = after("A", resource("OrganizationalUnit", Name="", ParentId=ROOT))
        update = {**BASE, "A": renamed, "B": wrong}
        assert organization.deploy(update, rollback=True) == "UPDATE_ROLLBACK_COMPLETE"
        root = organization.organizations.list_roots()["Roots"][0]["Id"]
        units = organization.organizations.list_organizational_units_for_parent(ParentId=root)
        assert {unit["Name"] for unit in units["OrganizationalUnits"]} == {"A", "B"}

    @pytest.mark.parametrize(
        ("resources", "message"),
        [
            (
                {"X": after("Y", scp(name="a")), "Y": after("X", scp(name="b"))},
                "Circular dependency",
            ),
            (
                {"X": scp(get("A", "Name"))},
                "resource A does not support attribute type Name in Fn::GetAtt",
            ),
        ],
    )
    def test_a_wrong_template_makes_no_change_set(
        self, organization: Cloud, resources: dict[str, Any], message: str
    ) -> None:
        """A template that cannot be worked off is refused at once."""
        with pytest.raises(ClientError, match=message):
            organization.plan({**BASE, **resources})
