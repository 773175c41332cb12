"""What is attached while CDK synthesizes: by Aspects and defaults it counts, afterwards it is refused."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import aws_cdk as cdk
import jsii
import pytest
from aws_cdk.assertions import Template
from construct_harness import chain_of, of_type, only, resources_of, root_of
from constructs import IConstruct

from org_constructs import OrganizationalUnit, OrgError, ServiceControlPolicy
from org_constructs.guardrails import (
    DenyCloseAccount,
    DenyLeaveOrganization,
    DenyRootUser,
    Guardrail,
)

NewApp = Callable[..., cdk.App]
NewStack = Callable[..., cdk.Stack]


@jsii.implements(cdk.IAspect)
class _NoRootUser:
    """Denies the root user in every OU."""

    def visit(self, node: IConstruct) -> None:
        """Attach to OUs."""
        if isinstance(node, OrganizationalUnit):
            node.attach(DenyRootUser())


def _sids(policy: dict[str, Any]) -> list[str]:
    return [statement["Sid"] for statement in policy["Properties"]["Content"]["Statement"]]


@pytest.mark.parametrize("flags", [True, False], ids=["flags", "no flags"])
@pytest.mark.parametrize("guarded", [True, False], ids=["has a policy", "has none"])
@pytest.mark.parametrize("around", ["app", "stacks", "ous"])
def test_an_aspect_reaches_every_stack(
    new_app: NewApp, new_stack: NewStack, around: str, *, guarded: bool, flags: bool
) -> None:
    """The library finishes after the Aspects of the last stack, not after those of the first."""
    app = new_app(flags=flags)
    stacks = []
    for id in ("C", "A", "B"):
        stack = new_stack(app, id)
        unit = root_of(stack).add_organizational_unit("Unit", name=id)
        if guarded:
            unit.attach(DenyCloseAccount())
        unit.add_account(f"{id}Account", email=f"{id}.x@corp.com")
        stacks.append(stack)
        if around != "app":
            cdk.Aspects.of(stack if around == "stacks" else unit).add(_NoRootUser())
    if around == "app":
        cdk.Aspects.of(app).add(_NoRootUser())
    app.synth()
    for stack in stacks:
        resources = Template.from_stack(stack).to_json()["Resources"]
        policy = only(resources, "Policy")
        assert _sids(policy) == [*(["DenyCloseAccount"] if guarded else []), "DenyRootUser"]
        assert len(policy["Properties"]["TargetIds"]) == 1
        order = [resources[logical_id]["Type"] for logical_id in chain_of(resources)]
        kinds = ["OrganizationalUnit", "Policy", "Account"]
        assert order == [f"AWS::Organizations::{kind}" for kind in kinds]


def test_an_aspect_may_declare(new_stack: NewStack) -> None:
    """An OU that an Aspect makes is in the chain as any other."""
    stack = new_stack()
    root = root_of(stack)
    root.add_organizational_unit("One")

    @jsii.implements(cdk.IAspect)
    class Twin:
        def visit(self, node: IConstruct) -> None:
            if isinstance(node, OrganizationalUnit) and node.node.id == "One":
                root.add_organizational_unit("Two").add_account("a", email="a.x@corp.com")

    cdk.Aspects.of(stack).add(Twin())
    assert [logical_id[:-8] for logical_id in chain_of(resources_of(stack))] == [
        "OrganizationRootOne",
        "OrganizationRootTwo",
        "Accountsa",
    ]


class _Attaching(OrganizationalUnit):
    """Attaches to another target too when it is asked for its defaults."""

    others: Sequence[Any] = ()

    def default_guardrails(self) -> Sequence[Guardrail]:
        """Return one guardrail."""
        for other in self.others:
            other.attach(DenyRootUser())
        return [DenyCloseAccount()]


@pytest.mark.parametrize("guarded", [True, False], ids=["has a policy", "has none"])
def test_defaults_that_attach_elsewhere(new_stack: NewStack, *, guarded: bool) -> None:
    """What default_guardrails() attaches elsewhere is kept, wherever that is in the tree."""
    stack = new_stack()
    root = root_of(stack)
    before = root.add_organizational_unit("Before")
    unit = _Attaching(stack, "Unit", parent=root)
    after = root.add_organizational_unit("ZAfter")
    if guarded:
        for target in (root, before, after):
            target.attach(DenyLeaveOrganization())
    unit.others = [root, before, after]
    resources = resources_of(stack)
    chain_of(resources)
    policies = of_type(resources, "Policy")
    assert len(policies) == 4
    kept = ["DenyLeaveOrganization"] if guarded else []
    assert sorted(map(_sids, policies.values())) == sorted(
        [["DenyCloseAccount"], *[[*kept, "DenyRootUser"]] * 3]
    )


def test_defaults_that_declare_a_child(new_stack: NewStack) -> None:
    """Defaults of an OU that another OU's defaults declare are asked for as well."""

    class Outer(OrganizationalUnit):
        def default_guardrails(self) -> Sequence[Guardrail]:
            _Attaching(self, "Inner", parent=self)
            return []

    stack = new_stack()
    Outer(stack, "Outer", parent=root_of(stack))
    assert _sids(only(resources_of(stack), "Policy")) == ["DenyCloseAccount"]


LATE: dict[str, Callable[[Any, Any, Any], object]] = {
    "guardrail": lambda _, unit, __: unit.attach(DenyRootUser()),
    "policy": lambda _, unit, policy: unit.attach(policy),
    "account": lambda _, unit, __: unit.add_account("late", email="late.x@corp.com"),
    "ou": lambda _, unit, __: unit.add_organizational_unit("Late"),
    "shared policy": lambda stack, unit, __: ServiceControlPolicy(
        stack, "Late", guardrails=[DenyRootUser()], targets=[unit]
    ),
}


@pytest.mark.parametrize("late", list(LATE))
def test_fails_after_the_synthesis(new_stack: NewStack, late: str) -> None:
    """What comes too late is refused, not lost without a word."""
    stack = new_stack()
    unit = root_of(stack).add_organizational_unit("Unit")
    unit.attach(DenyCloseAccount())
    policy = ServiceControlPolicy(stack, "Own", guardrails=[DenyRootUser()])
    resources_of(stack)
    with pytest.raises(OrgError, match="is changed after the organization has been") as caught:
        LATE[late](stack, unit, policy)
    assert caught.value.code == "ORG140"


def test_a_second_synthesis_is_the_first(new_stack: NewStack) -> None:
    """Synthesizing again finds everything done."""
    stack = new_stack()
    root_of(stack).add_organizational_unit("Unit").attach(DenyCloseAccount())
    app: Any = stack.node.root
    first = app.synth(force=True).get_stack_by_name("Org").template
    assert app.synth(force=True).get_stack_by_name("Org").template == first
