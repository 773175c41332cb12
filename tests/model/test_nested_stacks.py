"""Nested stacks of a cloud assembly: what is in them belongs to the organization."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import aws_cdk as cdk
import pytest
from aws_cdk import aws_organizations as organizations

from org_constructs.model import Lock, OrganizationModel
from org_constructs.model.changes import find_gaps

SCP = "SERVICE_CONTROL_POLICY"


class Team(cdk.NestedStack):
    """An OU with an account and a nested stack of its own."""

    def __init__(self, scope: cdk.Stack, id: str, parent: str, depth: int = 1) -> None:
        super().__init__(scope, id)
        # The same logical ids as in the stack around it.
        self.unit = organizations.CfnOrganizationalUnit(self, "U", name=id, parent_id=parent)
        self.member = organizations.CfnAccount(
            self,
            "A",
            account_name=f"account-{id}",
            email=f"aws+{id}@corp.com",
            parent_ids=[self.unit.attr_id],
        )
        if depth:
            self.inner = Team(self, f"{id}Inner", self.unit.attr_id, depth - 1)


@pytest.fixture(params=["weak", "strong"])
def folder(request: pytest.FixtureRequest, new_app: Callable[..., cdk.App]) -> Path:
    """Return the assembly of an app with nested stacks, and a stack that refers into them."""
    strength = {"@aws-cdk/core:defaultCrossStackReferences": request.param}
    app = new_app(strength)
    env = cdk.Environment(account="246813579024", region="us-east-1")
    outer = cdk.Stack(app, "Org", env=env)
    unit = organizations.CfnOrganizationalUnit(outer, "U", name="Workloads", parent_id="r-ab12")
    team = Team(outer, "Payments", unit.attr_id)
    content: dict[str, Any] = {
        "Version": "2012-10-17",
        "Statement": [{"Effect": "Deny", "Action": "s3:*", "Resource": "*"}],
    }
    organizations.CfnPolicy(
        outer, "P", name="p", type=SCP, content=content, target_ids=[team.inner.member.ref]
    )
    other = cdk.Stack(app, "Other", env=env)
    organizations.CfnOrganizationalUnit(other, "X", name="x", parent_id=team.unit.attr_id)
    return Path(app.synth().directory)


def test_paths_parents_and_targets(folder: Path) -> None:
    """Parameters lead in, outputs lead out, whatever the strength of the references."""
    model = OrganizationModel.from_assembly(folder)
    assert {
        unit.path: model.name_path(unit.key) for unit in model.organizational_units.values()
    } == {
        "Org/U": "Workloads",
        "Org/Payments/U": "Workloads/Payments",
        "Org/Payments/PaymentsInner/U": "Workloads/Payments/PaymentsInner",
        "Other/X": "Workloads/Payments/x",
    }
    inner = model.account("account-PaymentsInner")
    assert inner.path == "Org/Payments/PaymentsInner/A"
    assert model.policies["Org/P"].targets == (inner.key,)
    assert model.unknowns == ()
    assert [stack.name for stack in model.assembly.stacks] == ["Org", "Other"]


def test_stages(new_app: Callable[..., cdk.App]) -> None:
    """The nested stacks of a Stage are its own."""
    app = new_app()
    for name in ("Dev", "Prod"):
        stack = cdk.Stack(cdk.Stage(app, name), "Org")
        Team(stack, "Team", "r-ab12", 0)
    model = OrganizationModel.from_assembly(app.synth().directory)
    assert sorted(unit.path for unit in model.organizational_units.values()) == [
        "Dev/Org/Team/U",
        "Prod/Org/Team/U",
    ]
    stages = {stack.folder for stack in model.assembly.nested}
    assert len(stages) == 2
    for stage in stages:
        assert stage is not None
        assert len(model.assembly.within(stage).nested) == 1


def test_the_lock_has_them(folder: Path) -> None:
    """What is in nested stacks is locked, and the same deployment again opens no gap."""
    model = OrganizationModel.from_assembly(folder)
    lock = Lock.of(model)
    locked = lock.accounts["Org/Payments/A"]
    assert locked.stack.startswith("Org/Payments")
    assert locked.parent == "Org/Payments/U"
    assert find_gaps(lock, model) == []


def test_a_template_that_is_not_there(folder: Path) -> None:
    """A nested template that the assembly lacks is unknown; nothing is made up."""
    for file in folder.glob("*.assets.json"):
        manifest = json.loads(file.read_text("utf-8"))
        manifest["files"] = {}
        file.write_text(json.dumps(manifest), "utf-8")
    model = OrganizationModel.from_assembly(folder)
    assert [unit.path for unit in model.organizational_units.values()] == ["Org/U", "Other/X"]
    assert {unknown.what for unknown in model.unknowns} == {"template", "target", "parent"}


def test_asset_metadata_of_the_cli(folder: Path) -> None:
    """Where CDK wrote down which asset it is, that is enough."""
    file = folder / "Org.template.json"
    template = json.loads(file.read_text("utf-8"))
    nested = next(path.name for path in folder.glob("OrgPayments????????.nested.template.json"))
    for resource in template["Resources"].values():
        if resource["Type"] == "AWS::CloudFormation::Stack":
            resource["Properties"]["TemplateURL"] = "https://elsewhere"
            resource["Metadata"] = {
                "aws:asset:path": nested,
                "aws:asset:property": "TemplateURL",
            }
    file.write_text(json.dumps(template), "utf-8")
    assert "Org/Payments/U" in OrganizationModel.from_assembly(folder).units_by_path


def test_checks_look_into_nested_stacks(new_app: Callable[..., cdk.App]) -> None:
    """What a nested stack declares is checked with all else, and named with its own template."""
    from org_constructs import Root

    app = new_app()
    env = cdk.Environment(account="246813579024", region="us-east-1")
    outer = cdk.Stack(app, "Org", env=env)
    root = Root.from_root_id(outer, "Root", "r-ab12")
    root.add_account("a", email="aws+Payments@corp.com")
    Team(outer, "Payments", "r-ab12", 0)
    with pytest.raises(RuntimeError) as refused:
        app.synth()
    assert "accounts 'Org/Accounts/a' and 'Org/Payments/A' have one email" in str(refused.value)
    assert "Org/Payments/A (A)" in str(refused.value)
