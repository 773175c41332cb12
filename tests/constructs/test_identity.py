"""Identity: what an edit of the code changes in the template, and what it never changes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import aws_cdk as cdk
import pytest
from construct_harness import chain_of, of_type, resources_of, root_of

from org_constructs import (
    OrganizationalUnit,
    ProductionOu,
    Root,
    SandboxOu,
    ServiceControlPolicy,
)
from org_constructs.guardrails import DenyLeaveOrganization, DenyRootUser

NewStack = Callable[..., cdk.Stack]
Resources = dict[str, dict[str, Any]]


def _declare(
    stack: cdk.Stack,
    *,
    reverse: bool = False,
    home_of_b: str = "Production",
    name: str | None = None,
    accounts: tuple[str, ...] = ("a", "b", "c"),
    units: tuple[str, ...] = ("Production", "Sandbox"),
    policies: tuple[str, ...] = ("First", "Second"),
) -> Resources:
    root = root_of(stack)
    turn = (lambda values: list(reversed(values))) if reverse else list
    made: dict[str, OrganizationalUnit] = {}
    for id in turn(units):
        kind = {"Production": ProductionOu, "Sandbox": SandboxOu}.get(id, OrganizationalUnit)
        made[id] = kind(stack, id, parent=root, name=name if id == "Production" else None)
    for id in turn(accounts):
        home = made[home_of_b if id == "b" else "Production"]
        home.add_account(id, email=f"{id}.x@corp.com").attach(DenyRootUser())
    for guardrail in turn([DenyLeaveOrganization(), DenyRootUser()]):
        root.attach(guardrail)
    for id in turn(policies):
        ServiceControlPolicy(
            stack, id, guardrails=[DenyRootUser()], targets=turn(list(made.values()))
        )
    return resources_of(stack)


@pytest.fixture
def before(new_stack: NewStack) -> Resources:
    """Return the resources before an edit."""
    return _declare(new_stack())


def _changed(before: Resources, after: Resources) -> dict[str, list[str]]:
    """Return what differs in resources that are on both sides: properties, other keys by name."""
    found = {}
    for logical_id in before.keys() & after.keys():
        old, new = before[logical_id], after[logical_id]
        keys = {
            key
            for key in old["Properties"].keys() | new["Properties"].keys()
            if old["Properties"].get(key) != new["Properties"].get(key)
        } | {
            key
            for key in old.keys() | new.keys()
            if key != "Properties" and old.get(key) != new.get(key)
        }
        if keys:
            found[logical_id[:-8]] = sorted(keys)
    return found


def test_declaration_order_changes_nothing(before: Resources, new_stack: NewStack) -> None:
    """OUs, accounts, guardrails, policies and targets in reverse give the same template."""
    assert _declare(new_stack(), reverse=True) == before


def test_moving_an_account_changes_its_parent_only(before: Resources, new_stack: NewStack) -> None:
    """An account in another OU is the same resource with other ParentIds, in the same place."""
    after = _declare(new_stack(), home_of_b="Sandbox")
    assert after.keys() == before.keys()
    assert _changed(before, after) == {"Accountsb": ["ParentIds"]}


def test_renaming_an_ou_changes_its_name_only(before: Resources, new_stack: NewStack) -> None:
    """An OU with another name is the same resource."""
    after = _declare(new_stack(), name="Live")
    assert after.keys() == before.keys()
    assert _changed(before, after) == {"Production": ["Name"]}


@pytest.mark.parametrize(
    ("more", "added", "next_one"),
    [
        ({"accounts": ("a", "aa", "b", "c")}, ["Accountsaa", "AccountsaaGuardrails"], "Accountsb"),
        ({"accounts": ("a", "b", "c", "d")}, ["Accountsd", "AccountsdGuardrails"], None),
        ({"units": ("Production", "Audit", "Sandbox")}, ["Audit"], "Production"),
        ({"policies": ("First", "Middle", "Second")}, ["Middle"], "OrganizationRootGuardrails"),
    ],
    ids=["account", "last account", "ou", "policy"],
)
def test_adding_changes_one_link(
    before: Resources,
    new_stack: NewStack,
    more: dict[str, Any],
    added: list[str],
    next_one: str | None,
) -> None:
    """One more resource changes the DependsOn of the one that follows it, and nothing else."""
    after = _declare(new_stack(), **more)
    assert sorted(i[:-8] for i in after.keys() - before.keys()) == added
    assert not before.keys() - after.keys()
    changed = _changed(before, after)
    if added == ["Audit"]:
        # A policy that is shared over all OUs has one more target.
        assert changed.pop("First") == ["TargetIds"]
        assert changed.pop("Second") == ["TargetIds"]
    assert len(changed) <= 1
    assert all(keys == ["DependsOn"] for keys in changed.values())
    if next_one is not None and added != ["Middle"]:
        assert list(changed) == [next_one]
    chain_of(after)


def test_an_account_keeps_its_logical_id_in_any_ou(new_stack: NewStack) -> None:
    """The logical id of an account is that of the scope Accounts and its id."""
    found = set()
    for id in ("Production", "Elsewhere"):
        stack = new_stack()
        root_of(stack).add_organizational_unit(id).add_account("a", email="a.x@corp.com")
        found |= set(of_type(resources_of(stack), "Account"))
    assert len(found) == 1
    assert found.pop().startswith("Accountsa")


@pytest.mark.parametrize("nested", [True, False], ids=["nested", "in the stack"])
def test_an_ou_under_another_parent_has_another_logical_id(
    new_stack: NewStack, *, nested: bool
) -> None:
    """AWS cannot move an OU, so another parent is another OU, wherever it is declared."""
    found = []
    for which in ("One", "Two"):
        stack = new_stack()
        root = root_of(stack)
        parents = {id: OrganizationalUnit(stack, id, parent=root) for id in ("One", "Two")}
        parent = parents[which]
        OrganizationalUnit(parent if nested else stack, "Child", parent=parent)
        units = of_type(resources_of(stack), "OrganizationalUnit")
        found.append(next(i for i, r in units.items() if r["Properties"]["Name"] == "Child"))
    assert found[0] != found[1]


def test_a_grandparent_is_part_of_an_ous_identity(new_stack: NewStack) -> None:
    """An OU declared apart from its parents changes with any of them."""
    found = []
    for which in ("One", "Two"):
        stack = new_stack()
        root = root_of(stack)
        top = OrganizationalUnit(stack, which, parent=root)
        middle = OrganizationalUnit(stack, "Middle", parent=top)
        OrganizationalUnit(stack, "Child", parent=middle)
        middle.add_organizational_unit("Nested")
        units = of_type(resources_of(stack), "OrganizationalUnit")
        found.append({r["Properties"]["Name"]: i for i, r in units.items()})
    for id in ("Middle", "Child", "Nested"):
        assert found[0][id] != found[1][id]


def test_under_the_root_the_path_is_the_identity(new_stack: NewStack) -> None:
    """An OU of the root has CDK's own logical id, whichever reference to the root is its parent."""
    found = set()
    for token in (False, True):
        stack = new_stack()
        root_id = cdk.Fn.import_value("RootId") if token else "r-ab12"
        root = Root.from_root_id(stack, "Root", root_id)
        OrganizationalUnit(stack, "Unit", parent=root)
        found |= set(of_type(resources_of(stack), "OrganizationalUnit"))
    assert len(found) == 1


def test_parents_that_are_only_ids_are_told_apart(new_stack: NewStack) -> None:
    """An OU below another existing OU is another OU, though both references have one id."""
    found: dict[str, set[str]] = {"Unit": set(), "Nested": set(), "Inner": set()}
    for parent_id in ("ou-ab12-34cd56ef", "ou-ab12-99999999"):
        stack = new_stack()
        parent = OrganizationalUnit.from_organizational_unit_id(stack, "Existing", parent_id)
        OrganizationalUnit(stack, "Unit", parent=parent)
        parent.add_organizational_unit("Nested").add_organizational_unit("Inner")
        for logical_id, unit in of_type(resources_of(stack), "OrganizationalUnit").items():
            found[unit["Properties"]["Name"]].add(logical_id)
    assert {name: len(ids) for name, ids in found.items()} == {"Unit": 2, "Nested": 2, "Inner": 2}
