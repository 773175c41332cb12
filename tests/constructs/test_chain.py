"""The chain in templates: every write of the organization waits for the one before it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import aws_cdk as cdk
import jsii
import pytest
from aws_cdk import aws_iam as iam
from construct_harness import chain_of, organization_of, resources_of, root_of
from constructs import Construct

from org_constructs import (
    Account,
    Organization,
    OrganizationalUnit,
    PolicyType,
    ProductionOu,
    Root,
    ServiceControlPolicy,
)
from org_constructs.guardrails import DenyLeaveOrganization, DenyRootUser, RegionDeny

NewStack = Callable[..., cdk.Stack]


def test_every_resource_is_in_one_chain(new_stack: NewStack) -> None:
    """Organization, OUs, policy types, policies and accounts follow one another, in this order."""
    stack = new_stack()
    organization = Organization(stack, "Organization", acknowledge={"ORG114": "a test"})
    root = organization.root
    # Declared the other way round on purpose.
    sandbox = OrganizationalUnit(stack, "Sandbox", parent=root)
    zed = sandbox.add_account("Zed", email="zed@corp.com")
    production = ProductionOu(stack, "Production", parent=root)
    production.add_account("Abe", email="abe@corp.com")
    zed.attach(DenyRootUser())
    sandbox.attach(RegionDeny(allowed_regions=["us-east-1"]))
    sandbox.add_organizational_unit("Inner")
    root.attach(DenyLeaveOrganization())
    order = [logical_id[:-8] for logical_id in chain_of(resources_of(stack))]
    assert order == [
        "Organization",
        "Production",
        "Sandbox",
        "SandboxInner",
        "OrganizationServiceControlPolicy",
        "OrganizationRootGuardrails",
        "ProductionGuardrails",
        "SandboxGuardrails",
        "AccountsAbe",
        "AccountsZed",
        "AccountsZedGuardrails",
    ]


def test_shared_policies_keep_their_place(new_stack: NewStack) -> None:
    """A policy of OUs precedes all accounts; one of accounts follows the last of them."""
    stack = new_stack()
    root = root_of(stack)
    unit = root.add_organizational_unit("Unit")
    accounts = [unit.add_account(id, email=f"{id}.x@corp.com") for id in ("a", "b", "c")]
    ServiceControlPolicy(
        stack, "OfAccounts", guardrails=[DenyRootUser()], targets=[accounts[1], accounts[0]]
    )
    ServiceControlPolicy(stack, "OfUnits", guardrails=[DenyLeaveOrganization()], targets=[unit])
    ServiceControlPolicy(stack, "OfNone", guardrails=[DenyLeaveOrganization()])
    order = [logical_id[:-8] for logical_id in chain_of(resources_of(stack))]
    assert order == [
        "OrganizationRootUnit",
        "OfUnits",
        "Accountsa",
        "Accountsb",
        "OfAccounts",
        "Accountsc",
        "OfNone",
    ]


def test_stacks_follow_one_another(new_app: Callable[..., cdk.App], new_stack: NewStack) -> None:
    """Stacks of one organization deploy one after another, each with a chain of its own."""
    app = new_app()
    base = new_stack(app, "Base")
    organization = Organization(base, "Organization")
    stacks = []
    for id in ("TeamB", "TeamA"):
        team = new_stack(app, id)
        root = Root.from_root_id(team, "Root", organization.root.root_id)
        root.add_organizational_unit(id).add_account(f"{id}Prod", email=f"{id}@corp.com")
        stacks.append(team)
    chain_of(resources_of(base))
    for team in stacks:
        chain_of(resources_of(team))
    assembly = app.synth()
    needs = {
        stack.stack_name: sorted(d.id for d in stack.dependencies if not d.id.endswith(".assets"))
        for stack in assembly.stacks
    }
    assert needs["Base"] == []
    assert needs["TeamA"] == ["Base"]
    assert "TeamA" in needs["TeamB"]


def _stack_order(app: cdk.App) -> list[str]:
    return [stack.stack_name for stack in app.synth().stacks]


def test_a_stack_dependency_through_another_is_honoured(
    new_app: Callable[..., cdk.App], new_stack: NewStack
) -> None:
    """A1 waits for B2 by way of a stack without organization resources; its name says otherwise."""
    app = new_app()
    first, between, second = (new_stack(app, id) for id in ("A1", "X", "B2"))
    for stack in (first, second):
        root_of(stack).add_organizational_unit(stack.node.id)
    between.template_options.description = "nothing of the organization"
    first.add_stack_dependency(between)
    between.add_stack_dependency(second)
    assert _stack_order(app) == ["B2", "X", "A1"]


@pytest.mark.parametrize("flags", [True, False], ids=["flags", "no flags"])
def test_stack_tags_are_dropped_in_every_stack(
    new_app: Callable[..., cdk.App], new_stack: NewStack, *, flags: bool
) -> None:
    """A key on the stack and on the account fails the creation, in whatever stack."""
    app = new_app(flags=flags)
    cdk.Tags.of(app).add("team", "platform")
    stacks = []
    # One after another: what the library adds to the app stands before the second stack.
    for id in ("B", "A", "C"):
        stack = new_stack(app, id, **({"tags": {"team": "platform"}} if flags else {}))
        unit = root_of(stack).add_organizational_unit("Unit", name=id)
        unit.add_account(f"{id}1", email=f"{id}.x@corp.com")
        stacks.append(stack)
    assembly = app.synth()
    for stack in stacks:
        artifact = assembly.get_stack_by_name(stack.node.id)
        assert dict(artifact.tags) == {"team": "platform"}
        for resource in artifact.template["Resources"].values():
            assert "Tags" not in resource.get("Properties", {}), resource


def test_an_ou_of_another_stack_is_a_parent_and_a_target(
    new_app: Callable[..., cdk.App], new_stack: NewStack
) -> None:
    """An OU of one stack holds accounts and bears policies of another."""
    app = new_app()
    base, team = new_stack(app, "Base"), new_stack(app, "Team")
    unit = root_of(base).add_organizational_unit("Shared")
    Account(team, "Prod", parent=unit, email="prod@corp.com")
    ServiceControlPolicy(team, "Own", guardrails=[DenyRootUser()], targets=[unit])
    resources = resources_of(team)
    output = {"Fn::GetStackOutput"}
    account = next(r for r in resources.values() if r["Type"].endswith("::Account"))
    policy = next(r for r in resources.values() if r["Type"].endswith("::Policy"))
    assert set(account["Properties"]["ParentIds"][0]) == output
    assert set(policy["Properties"]["TargetIds"][0]) == output
    assert [d.id for d in app.synth().get_stack_by_name("Team").dependencies if d.id == "Base"]


def _three_accounts(stack: cdk.Stack) -> tuple[OrganizationalUnit, list[Account]]:
    unit = root_of(stack).add_organizational_unit("Unit")
    return unit, [unit.add_account(id, email=f"{id}.x@corp.com") for id in ("a", "b", "c")]


def _order(stack: cdk.Stack) -> list[str]:
    return [i[:-8].removeprefix("Accounts") for i in chain_of(resources_of(stack))]


def test_dependency_on_an_l2_is_honoured(new_stack: NewStack) -> None:
    """What user code makes an account depend on comes first; the others keep their places."""
    stack = new_stack()
    _, (a, _, c) = _three_accounts(stack)
    a.node.add_dependency(c)
    assert _order(stack) == ["OrganizationRootUnit", "b", "c", "a"]


def test_dependency_on_an_l1_is_honoured(new_stack: NewStack) -> None:
    """A dependency between L1s, the escape hatch, is read as well."""
    stack = new_stack()
    _, (a, b, _) = _three_accounts(stack)
    a.node.default_child.add_dependency(b.node.default_child)  # type: ignore[union-attr,attr-defined]
    assert _order(stack) == ["OrganizationRootUnit", "b", "a", "c"]


def test_dependency_of_an_l1_found_by_walking_is_honoured(new_stack: NewStack) -> None:
    """A dependency is read even when the L1 was reached through the tree."""
    stack = new_stack()
    _, (_, _, c) = _three_accounts(stack)
    for construct in stack.node.find_all():
        if construct.node.path.endswith("/a/Resource"):
            construct.node.add_dependency(c)
    assert _order(stack) == ["OrganizationRootUnit", "b", "c", "a"]


@pytest.mark.parametrize("outer", [False, True])
def test_dependency_of_a_scope_is_honoured(new_stack: NewStack, *, outer: bool) -> None:
    """What a scope, or one around it, depends on comes before all that it holds."""
    stack = new_stack()
    root = root_of(stack)
    unit = root.add_organizational_unit("Unit")
    late = unit.add_account("z", email="z.x@corp.com")
    around = Construct(stack, "Around")
    group = Construct(around, "Group")
    Account(group, "a", parent=unit, email="a.x@corp.com")
    Account(group, "b", parent=unit, email="b.x@corp.com")
    (around if outer else group).node.add_dependency(late)
    resources = resources_of(stack)
    waits = {i[:-8]: [d[:-8] for d in r.get("DependsOn", [])] for i, r in resources.items()}
    assert waits == {
        "OrganizationRootUnit": [],
        "Accountsz": ["OrganizationRootUnit"],
        "AroundGroupa": ["Accountsz"],
        # The first is CDK's own rendering of the user's dependency.
        "AroundGroupb": ["Accountsz", "AroundGroupa"],
    }


def test_dependency_through_a_foreign_resource_is_honoured(new_stack: NewStack) -> None:
    """An account that waits for a role that waits for an account comes after that account."""
    stack = new_stack()
    organization_of(stack, acknowledge={"ORG106": "a test of foreign resources"})
    unit = Root.from_root_id(stack, "Root", "r-ab12").add_organizational_unit("Unit")
    a = unit.add_account("a", email="a.x@corp.com")
    c = unit.add_account("c", email="c.x@corp.com")
    role = iam.Role(stack, "Role", assumed_by=iam.AccountRootPrincipal())  # type: ignore[arg-type]
    role.node.add_dependency(c)
    a.node.add_dependency(role)
    resources = resources_of(stack)
    account = next(r for i, r in resources.items() if i.startswith("Accountsa"))
    assert any(i.startswith("Accountsc") for i in account["DependsOn"])
    assert any(i.startswith("Role") for i in account["DependsOn"])


REFERENCES: dict[str, Callable[[Account], Any]] = {
    "attribute": lambda account: account.account_id,
    "inside a string": lambda account: f"arn:aws:iam::{account.account_id}:root",
    "join": lambda account: cdk.Fn.join("-", ["a", account.account_id]),
    "lazy": lambda account: cdk.Lazy.any(_Produced({"Id": [account.account_id]})),
    "by name": lambda account: {"Ref": _logical_id(account)},
    "sub": lambda account: cdk.Fn.sub(f"${{{_logical_id(account)}.Arn}}/x"),
}


@jsii.implements(cdk.IStableAnyProducer)
class _Produced:
    def __init__(self, value: Any) -> None:
        self._value = value

    def produce(self) -> Any:
        """Return what was given."""
        return self._value


def _logical_id(account: Account) -> str:
    l1: Any = account.node.default_child
    return str(cdk.Stack.of(account).resolve(l1.logical_id))


@pytest.mark.parametrize("reference", list(REFERENCES))
@pytest.mark.parametrize("steps", [1, 2])
def test_a_reference_of_a_foreign_resource_is_honoured(
    new_stack: NewStack, reference: str, steps: int
) -> None:
    """An account that waits for what refers to a later account comes after that account."""
    stack = new_stack()
    organization_of(stack, acknowledge={"ORG106": "a test of foreign resources"})
    unit = Root.from_root_id(stack, "Root", "r-ab12").add_organizational_unit("Unit")
    a, _, c = (unit.add_account(id, email=f"{id}.x@corp.com") for id in ("a", "b", "c"))
    foreign = cdk.CfnResource(
        stack, "Foreign", type="AWS::X::Y", properties={"Id": REFERENCES[reference](c)}
    )
    if steps == 2:
        foreign = cdk.CfnResource(
            stack, "Second", type="AWS::X::Y", properties={"Id": foreign.get_att("Id")}
        )
    a.node.add_dependency(foreign)
    waits = {
        i.removeprefix("Accounts")[0]: {d.removeprefix("Accounts")[0] for d in r["DependsOn"]}
        for i, r in resources_of(stack).items()
        if i.startswith("Accounts")
    }
    assert waits == {"a": {"c", "F" if steps == 1 else "S"}, "b": {"R"}, "c": {"b"}}


def test_fails_for_a_reference_that_contradicts(new_stack: NewStack) -> None:
    """An OU that waits for what refers to its own account is refused once."""
    stack = new_stack()
    organization_of(stack, acknowledge={"ORG106": "a test of foreign resources"})
    unit = Root.from_root_id(stack, "Root", "r-ab12").add_organizational_unit("Unit")
    account = unit.add_account("a", email="a.x@corp.com")
    foreign = cdk.CfnResource(
        stack, "Foreign", type="AWS::X::Y", properties={"Id": account.account_id}
    )
    unit.node.add_dependency(foreign)
    with pytest.raises(RuntimeError, match="dependencies form a cycle") as caught:
        resources_of(stack)
    assert str(caught.value).count("Rule org-constructs::ORG112") == 1


def test_a_reference_to_another_stack(new_app: Callable[..., cdk.App], new_stack: NewStack) -> None:
    """The stack of what a foreign resource refers to is deployed before."""
    app = new_app()
    first, second = new_stack(app, "A"), new_stack(app, "Z")
    organization_of(first, acknowledge={"ORG106": "a test of foreign resources"})
    a = Root.from_root_id(first, "Root", "r-ab12").add_account("a", email="a.x@corp.com")
    z = Root.from_root_id(second, "Root", "r-ab12").add_account("z", email="z.x@corp.com")
    foreign = cdk.CfnResource(first, "Foreign", type="AWS::X::Y", properties={"Id": z.account_id})
    a.node.add_dependency(foreign)
    assert _stack_order(app) == ["Z", "A"]


def test_depending_on_an_ou_is_not_depending_on_what_is_below(new_stack: NewStack) -> None:
    """A role that waits for an OU waits for that OU alone, so an account below can wait for it."""
    stack = new_stack()
    organization_of(stack, acknowledge={"ORG106": "a test of foreign resources"})
    root = Root.from_root_id(stack, "Root", "r-ab12")
    unit = root.add_organizational_unit("Unit")
    unit.attach(DenyRootUser())
    inner = unit.add_organizational_unit("Inner")
    account = unit.add_account("a", email="a.x@corp.com")
    role = iam.Role(stack, "Role", assumed_by=iam.AccountRootPrincipal())  # type: ignore[arg-type]
    role.node.add_dependency(unit)
    account.node.add_dependency(role)
    resources = resources_of(stack)
    found = next(r for r in resources.values() if r["Type"] == "AWS::IAM::Role")
    unit_id = stack.get_logical_id(unit.node.default_child)  # type: ignore[arg-type]
    assert found["DependsOn"] == [unit_id]
    assert inner.node.path == "Org/Root/Unit/Inner"


def test_depending_on_the_organization_is_not_depending_on_its_accounts(
    new_stack: NewStack,
) -> None:
    """A role that waits for a new organization waits for the organization alone."""
    stack = new_stack()
    organization = Organization(
        stack, "Organization", policy_types=[], acknowledge={"ORG106": "a test", "ORG114": "a test"}
    )
    organization.root.add_organizational_unit("Unit").add_account("a", email="a.x@corp.com")
    for index, whole in enumerate((organization, organization.root)):
        role = iam.Role(stack, f"Role{index}", assumed_by=iam.AccountRootPrincipal())  # type: ignore[arg-type]
        role.node.add_dependency(whole)
    resources = resources_of(stack)
    roles = [r for r in resources.values() if r["Type"] == "AWS::IAM::Role"]
    expected = [stack.get_logical_id(organization.node.default_child)]  # type: ignore[arg-type]
    assert [role["DependsOn"] for role in roles] == [expected, expected]


@pytest.mark.parametrize("level", ["l2", "l1", "scope"])
def test_fails_for_a_contradicting_dependency(new_stack: NewStack, level: str) -> None:
    """An OU that waits for its own account is refused; the message names the circle."""
    stack = new_stack()
    root = root_of(stack)
    group = Construct(stack, "Group")
    unit = OrganizationalUnit(group, "Unit", parent=root)
    account = unit.add_account("a", email="a.x@corp.com")
    dependent: Any = {"l2": unit, "l1": unit.node.default_child, "scope": group}[level]
    dependent.node.add_dependency(account)
    with pytest.raises(RuntimeError, match="dependencies form a cycle") as caught:
        resources_of(stack)
    text = str(caught.value)
    assert text.count("Rule org-constructs::ORG112") == 1
    assert "'Org/Group/Unit'" in text
    assert "'Org/Accounts/a'" in text


def test_fails_for_a_policy_that_names_an_account_below_it(new_stack: NewStack) -> None:
    """A token of an account in a policy of its OU closes a circle, which is refused."""
    stack = new_stack()
    unit = root_of(stack).add_organizational_unit("Unit")
    account = unit.add_account("a", email="a.x@corp.com")
    unit.attach(
        DenyRootUser(exempt_principals=[f"arn:*:iam::{account.account_id}:role/BreakGlass"])
    )
    with pytest.raises(RuntimeError, match="dependencies form a cycle") as caught:
        resources_of(stack)
    assert "write the 12 digits" in str(caught.value)


def test_fails_for_stacks_that_need_each_other(
    new_app: Callable[..., cdk.App], new_stack: NewStack
) -> None:
    """Two stacks whose accounts are in OUs of each other are refused with both names."""
    app = new_app()
    stacks = {id: new_stack(app, id) for id in ("A", "B")}
    units = {id: root_of(stack).add_organizational_unit(id) for id, stack in stacks.items()}
    Account(stacks["A"], "a", parent=units["B"], email="a.x@corp.com")
    Account(stacks["B"], "b", parent=units["A"], email="b.x@corp.com")
    with pytest.raises(RuntimeError, match="'A' depends on 'B'"):
        app.synth()


def test_policy_types_precede_policies(new_stack: NewStack) -> None:
    """A policy type is on before the first policy of any type is attached."""
    stack = new_stack()
    organization = organization_of(stack)
    organization.root.attach(DenyLeaveOrganization())
    organization.enable_policy_type(PolicyType.SERVICE_CONTROL_POLICY)
    assert _order(stack) == ["OrganizationServiceControlPolicy", "OrganizationRootGuardrails"]
