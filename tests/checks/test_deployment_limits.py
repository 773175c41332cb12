"""What AWS would refuse in the middle of a deployment, or CloudFormation undo by itself."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import aws_cdk as cdk
import pytest
from aws_cdk import aws_organizations as organizations
from refusal_harness import (
    NewApp,
    NewStack,
    codes,
    deploy,
    refusal,
    refusals,
    report,
    root_of,
)

from org_constructs import (
    Organization,
    OrganizationalUnit,
    OrgError,
    Policy,
    Root,
    ServiceControlPolicy,
)
from org_constructs.guardrails import DenyRootUser, Guardrail


def _condition(construct: Any) -> None:
    stack = cdk.Stack.of(construct)
    condition = cdk.CfnCondition(
        stack, "IsProd", expression=cdk.Fn.condition_equals(cdk.Aws.REGION, "x")
    )
    construct.node.default_child.cfn_options.condition = condition


@pytest.mark.parametrize("which", ["ou", "account", "policy"])
def test_fails_for_a_condition(new_stack: NewStack, which: str) -> None:
    """A condition that turns false would remove what the code still declares."""
    stack = new_stack()
    unit = root_of(stack).add_organizational_unit("Unit")
    things = {
        "ou": unit,
        "account": unit.add_account("a", email="a.x@corp.com"),
        "policy": ServiceControlPolicy(stack, "Own", guardrails=[DenyRootUser()]),
    }
    _condition(things[which])
    found = refusal(stack, "ORG137")
    path = things[which].node.path
    assert found.message.startswith(f"'{path}' has the condition 'IsProd'")


def test_acknowledged_condition(new_stack: NewStack) -> None:
    """A condition that is wanted is acknowledged; conditions of other resources are free."""
    stack = new_stack()
    _condition(
        root_of(stack, acknowledge={"ORG137": "never false"}).add_organizational_unit("Unit")
    )
    assert codes(stack) == []


class _Unguarded(OrganizationalUnit):
    def default_guardrails(self) -> Sequence[Guardrail]:
        """Return none after all."""
        return []


@pytest.mark.parametrize("level", ["l1", "l2"])
def test_fails_for_a_dependency_on_a_policy_that_is_not_made(
    new_stack: NewStack, level: str
) -> None:
    """An OU that turns out to have no guardrails has no policy to wait for."""
    stack = new_stack()
    root = root_of(stack)
    unit = _Unguarded(stack, "Unit", parent=root)
    policy: Any = unit.node.find_child("Guardrails")
    raw = organizations.CfnOrganizationalUnit(stack, "Raw", name="raw", parent_id="r-ab12")
    raw.apply_removal_policy(cdk.RemovalPolicy.RETAIN)
    if level == "l1":
        raw.add_dependency(policy.node.default_child)
    else:
        raw.node.add_dependency(policy)
    found = refusals(stack)
    assert [f.code for f in found] == ["ORG138"], found
    assert found[0].message.startswith("'Org/Raw' depends on 'UnitGuardrails")
    assert "a target without guardrails has no policy" in found[0].remedy


def test_a_dependency_on_a_policy_that_is_made(new_stack: NewStack) -> None:
    """With a guardrail the same dependency is honoured."""
    stack = new_stack()
    unit = _Unguarded(stack, "Unit", parent=root_of(stack))
    unit.attach(DenyRootUser())
    raw = organizations.CfnOrganizationalUnit(stack, "Raw", name="raw", parent_id="r-ab12")
    raw.apply_removal_policy(cdk.RemovalPolicy.RETAIN)
    raw.node.add_dependency(unit.node.find_child("Guardrails"))
    assert codes(stack) == []


def _policies(stack: cdk.Stack, *ids: str) -> cdk.Stack:
    unit = root_of(stack).add_organizational_unit("Unit")
    for id in ids:
        ServiceControlPolicy(stack, id, guardrails=[DenyRootUser()], targets=[unit])
    return stack


NINE = [f"P{number}" for number in range(9)]


def test_fails_for_too_many_policies_during_the_deployment(new_stack: NewStack) -> None:
    """Nine before and nine after are ten while the new one is attached and the old one not gone."""
    deploy(_policies(new_stack(), *NINE))
    found = refusal(_policies(new_stack(), *NINE[1:], "P9"), "ORG105")
    assert "would have 10 policies of type SERVICE_CONTROL_POLICY during the deployment" in (
        found.message
    )
    assert "'Org/P0' is removed" in found.message
    deploy(_policies(new_stack(), *NINE[1:]))
    assert codes(_policies(new_stack(), *NINE[1:], "P9")) == []


def test_a_slot_is_enough_for_another_id(new_stack: NewStack) -> None:
    """With eight the same change fits."""
    deploy(_policies(new_stack(), *NINE[1:]))
    assert codes(_policies(new_stack(), *NINE[2:], "P9")) == []


def test_another_target_frees_a_slot(new_stack: NewStack) -> None:
    """A policy that stays is detached by its own update: the same nine are nine."""
    deploy(_policies(new_stack(), *NINE))
    assert codes(_policies(new_stack(), *reversed(NINE))) == []


def _units(stack: cdk.Stack, **names: str) -> cdk.Stack:
    root = root_of(stack)
    for id, name in names.items():
        root.add_organizational_unit(id, name=name)
    return stack


def test_fails_for_swapped_ou_names(new_stack: NewStack) -> None:
    """AWS renames one after the other, and the first new name is still the other's."""
    deploy(_units(new_stack(), One="a", Two="b"))
    found = refusals(_units(new_stack(), One="b", Two="a"))
    assert [f.code for f in found] == ["ORG102", "ORG102"]
    assert "takes the name 'b', which 'Org/Organization/Root/Two' still has" in found[0].message
    deploy(_units(new_stack(), One="c", Two="b"))
    deploy(_units(new_stack(), One="c", Two="a"))
    assert codes(_units(new_stack(), One="b", Two="a")) == []


def test_fails_for_the_name_of_an_ou_that_is_renamed(new_stack: NewStack) -> None:
    """A new OU is made before the old one gives up its name."""
    deploy(_units(new_stack(), One="a"))
    changed = _units(new_stack(), One="b", Two="a")
    assert "takes the name 'a'" in refusal(changed, "ORG102").message
    deploy(_units(new_stack(), One="b"))
    assert codes(_units(new_stack(), One="b", Two="a")) == []


def test_fails_for_two_organizations_in_one_account(new_app: NewApp, new_stack: NewStack) -> None:
    """An account creates one organization, in whatever stacks they stand."""
    app = new_app()
    Organization(new_stack(app, "A"), "Organization", policy_types=[])
    Organization(new_stack(app, "B"), "Organization", policy_types=[])
    found = refusal(app, "ORG130")
    assert "'A/Organization' and 'B/Organization' would both create" in found.message


def test_two_organizations_in_two_accounts(new_app: NewApp, new_stack: NewStack) -> None:
    """Two management accounts have an organization each."""
    app = new_app()
    for id, account in (("A", "246813579024"), ("B", "135792468024")):
        env = cdk.Environment(account=account, region="us-east-1")
        Organization(new_stack(app, id, env=env), "Organization", policy_types=[])
    assert codes(app) == []


def test_fails_for_a_mistyped_policy_type(new_stack: NewStack) -> None:
    """A type that AWS does not have is refused where it is written, with the nearest one."""
    with pytest.raises(OrgError, match="did you mean 'SERVICE_CONTROL_POLICY'") as caught:
        Policy(new_stack(), "Own", type="SERVICE_CONTROL_POLICI", content={})
    assert caught.value.code == "ORG015"
    with pytest.raises(OrgError, match="known are AISERVICES_OPT_OUT_POLICY, ") as caught:
        Policy(new_stack(), "Own", type="xyz", content={})
    assert caught.value.code == "ORG015"


def test_policy_types_of_every_name(new_stack: NewStack) -> None:
    """A type that the library knows only by name, or as a token, is accepted."""
    stack = new_stack()
    Policy(stack, "Own", type="S3_POLICY", content={"s3_attributes": {}})
    Policy(stack, "Other", type=cdk.Fn.import_value("Type"), content={})
    assert not [f for f in report(stack) if f.code == "ORG015"]


def _organization_with_an_account(stack: cdk.Stack, **properties: Any) -> None:
    root = Organization(stack, "Organization", policy_types=[], **properties).root
    root.add_account("a", email="a.x@corp.com")


def test_fails_for_accounts_beside_a_new_organization(new_stack: NewStack) -> None:
    """AWS can refuse accounts for up to an hour after it creates an organization."""
    stack = new_stack()
    _organization_with_an_account(stack)
    found = refusal(stack, "ORG114")
    assert "creates the organization and 1 account(s)" in found.message
    assert found.construct == "Org/Organization/Resource"


def test_accounts_beside_an_organization_that_is_deployed(new_stack: NewStack) -> None:
    """Once the organization exists, accounts may join it in the same stack."""
    stack = new_stack()
    Organization(stack, "Organization", policy_types=[])
    deploy(stack)
    stack = new_stack()
    _organization_with_an_account(stack)
    assert codes(stack) == []


def test_acknowledged_accounts_beside_a_new_organization(new_stack: NewStack) -> None:
    """A rehearsal does not have to wait for AWS."""
    stack = new_stack()
    _organization_with_an_account(stack, acknowledge={"ORG114": "a rehearsal"})
    assert codes(stack) == []


def test_accounts_in_a_stack_behind_a_new_organization(
    new_app: NewApp, new_stack: NewStack
) -> None:
    """An organization in a stack of its own is what is asked for."""
    app = new_app()
    organization = Organization(new_stack(app, "Base"), "Organization")
    root = Root.from_root_id(new_stack(app, "Accounts1"), "Root", organization.root.root_id)
    root.add_account("a", email="a.x@corp.com")
    assert codes(app) == []
