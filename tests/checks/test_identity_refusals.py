"""What has one name or one identity in an organization, within an app and against its lock."""

from __future__ import annotations

import aws_cdk as cdk
import pytest
from refusal_harness import (
    MANAGEMENT_ACCOUNT,
    NewApp,
    NewStack,
    deploy,
    organization_of,
    refusal,
    refusals,
    root_of,
)

from org_constructs import Organization, PolicyType, ServiceControlPolicy
from org_constructs.guardrails import DenyLeaveOrganization, DenyRootUser
from org_constructs.model import Lock, OrganizationModel

ENV = cdk.Environment(account=MANAGEMENT_ACCOUNT, region="us-east-1")


@pytest.mark.parametrize(("name", "refused"), [("other", False), ("same", True)])
def test_policies_with_one_name(new_stack: NewStack, name: str, *, refused: bool) -> None:
    """Two policies of one type need two names."""
    stack = new_stack()
    for id, given in (("A", "same"), ("B", name)):
        ServiceControlPolicy(stack, id, guardrails=[DenyLeaveOrganization()], name=given)
    if refused:
        assert "are both named 'same'" in refusal(stack, "ORG136").message
    else:
        assert refusals(stack) == []


def test_fails_when_a_new_policy_takes_a_deployed_name(new_stack: NewStack) -> None:
    """CloudFormation makes the new policy first, so AWS would refuse its name."""
    stack = new_stack()
    ServiceControlPolicy(stack, "Old", guardrails=[DenyLeaveOrganization()], name="leave")
    deploy(stack)
    changed = new_stack()
    ServiceControlPolicy(changed, "New", guardrails=[DenyLeaveOrganization()], name="leave")
    assert "as the deployed 'Org/Old'" in refusal(changed, "ORG136").message


@pytest.mark.parametrize(("id", "refused"), [("Organization", False), ("Company", True)])
def test_organization_under_another_id(new_stack: NewStack, id: str, *, refused: bool) -> None:
    """An organization that is deployed keeps its id: an account has only one organization."""
    stack = new_stack()
    Organization(stack, "Organization")
    deploy(stack)
    changed = new_stack()
    Organization(changed, id)
    if refused:
        assert "AWS would be asked to create another" in refusal(changed, "ORG130").message
    else:
        assert refusals(changed) == []


def test_enabling_a_type_twice_is_enabling_it_once(new_stack: NewStack) -> None:
    """Asking again returns the setting that there is."""
    organization = organization_of(new_stack())
    first = organization.enable_policy_type(PolicyType.SERVICE_CONTROL_POLICY)
    assert organization.enable_policy_type("SERVICE_CONTROL_POLICY") is first


def test_policy_types_come_before_policies_of_other_stacks(new_app: NewApp) -> None:
    """With an existing organization no reference orders the stacks, and policies need their type."""
    app = new_app()
    # By id alone the stack of the policies would come first.
    policies = cdk.Stack(app, "A", env=ENV)
    root = root_of(policies)
    root.attach(DenyRootUser())
    root.add_organizational_unit("Data")
    settings = cdk.Stack(app, "Z", env=ENV)
    organization_of(settings).enable_policy_type(PolicyType.SERVICE_CONTROL_POLICY)
    assert refusals(app) == []
    assert [stack.id for stack in OrganizationModel.from_assembly(app.outdir).assembly.stacks] == [
        "Z",
        "A",
    ]


def test_one_lock_holds_all_stages(new_app: NewApp) -> None:
    """Each Stage is compared with its own part of the lock, and the app with the rest."""

    def declare(*, beta: bool) -> cdk.App:
        app = new_app()
        root_of(cdk.Stack(app, "Org", env=ENV)).add_organizational_unit("Top")
        for name in ("Alpha", "Beta"):
            stage = cdk.Stage(app, name, env=ENV)
            root = root_of(cdk.Stack(stage, "Org"))
            root.add_organizational_unit("Data")
            if beta or name == "Alpha":
                root.add_account("Audit", email=f"{name}@corp.com")
        return app

    app = declare(beta=True)
    assert refusals(app) == []
    deploy(app)
    locked = Lock.of(OrganizationModel.from_assembly(app.outdir))
    assert sorted(locked.accounts) == ["Alpha/Org/Accounts/Audit", "Beta/Org/Accounts/Audit"]
    assert len(locked.organizational_units) == 3
    assert refusals(declare(beta=True)) == []
    assert "'Beta/Org/Accounts/Audit'" in refusal(declare(beta=False), "ORG121").message
