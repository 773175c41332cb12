"""What is deployed stays what it is: the app is changed after a deployment, and compared."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import aws_cdk as cdk
import pytest
from aws_cdk import aws_organizations as organizations
from constructs import Construct
from refusal_harness import (
    MANAGEMENT_ACCOUNT,
    NewApp,
    NewStack,
    codes,
    deploy,
    refusal,
    refusals,
    root_of,
)

from org_constructs import Account, Organization, OrganizationalUnit, ServiceControlPolicy
from org_constructs.guardrails import DenyLeaveOrganization
from org_constructs.model import Lock
from org_constructs.validation import LOCK_FILE_KEY

Declare = Callable[..., None]
PATH = "Org/Accounts/Audit"
UNIT = "Org/Organization/Root/Security"


def _declare(
    stack: cdk.Stack,
    *,
    id: str = "Audit",
    account: bool = True,
    unit: bool = True,
    unit_id: str = "Security",
    unit_name: str = "security",
    unit_parent: bool = False,
    own_scope: bool = False,
    home: str = "Security",
    **properties: Any,
) -> None:
    arguments = {"email": "Audit.x@corp.com", "name": "audit", "role_name": "Admin", **properties}
    acknowledge = arguments.pop("acknowledge", None)
    root = root_of(stack, acknowledge=acknowledge)
    other = root.add_organizational_unit("Other")
    units = {"Other": other, "root": root}
    if unit:
        outer = other if unit_parent else root
        units["Security"] = OrganizationalUnit(
            outer, unit_id, parent=outer, name=unit_name, guardrails=[DenyLeaveOrganization()]
        )
    if not account:
        return
    parent = units[home if unit else "root"]
    if own_scope:
        Account(Construct(stack, "Mine"), id, parent=parent, **arguments)
    else:
        parent.add_account(id, **arguments)


@pytest.fixture
def deployed(new_stack: NewStack) -> Callable[..., cdk.Stack]:
    """Return a function that makes a stack of an app whose organization is deployed."""

    def make(**properties: Any) -> cdk.Stack:
        stack = new_stack()
        _declare(stack, **properties)
        deploy(stack)
        return new_stack()

    return make


Deployed = Callable[..., cdk.Stack]


@pytest.mark.parametrize(
    "change",
    [
        {},
        {"email": "audit.X@CORP.com"},
        {"home": "Other"},
        {"home": "root"},
        {"unit_name": "Watchers"},
        {"tags": {"a": "1"}},
        {"name": "log archive"},
        {"name": "Audit", "home": "Other"},
    ],
    ids=[
        "nothing",
        "e-mail case",
        "other ou",
        "root",
        "name of the ou",
        "tags",
        "name of the account",
        "case of its name and ou",
    ],
)
def test_accepted_changes(deployed: Deployed, change: dict[str, Any]) -> None:
    """What AWS does in place is accepted: moves, renames, tags, the case of an e-mail."""
    stack = deployed()
    _declare(stack, **change)
    assert codes(stack) == []


@pytest.mark.parametrize(
    ("change", "code", "message", "remedy"),
    [
        (
            {"account": False},
            "ORG121",
            f"account '{PATH}' ('Audit.x@corp.com') is deployed and no longer declared",
            f"orgctl lock --release '{PATH}'",
        ),
        (
            {"email": "other.x@corp.com"},
            "ORG123",
            "email 'Audit.x@corp.com' cannot become 'other.x@corp.com' through CloudFormation",
            "write 'Audit.x@corp.com' again",
        ),
        (
            {"role_name": "Operator"},
            "ORG124",
            "role name 'Admin' cannot become 'Operator'; the role is made with the account",
            "write role_name='Admin' again",
        ),
        ({"role_name": None}, "ORG124", "'Admin' cannot become None", "role_name='Admin'"),
        (
            {"name": "log <archive>"},
            "ORG128",
            "name 'audit' cannot become 'log <archive>'; AWS creates accounts with '<' or '>'",
            "choose a name without '<' and '>'",
        ),
        (
            {"id": "Auditor"},
            "ORG125",
            "here ('Org/Accounts/Auditor'); AWS would be asked to create it again",
            f"give it the id and scope of '{PATH}' again",
        ),
        (
            {"own_scope": True},
            "ORG125",
            "here ('Org/Mine/Audit'); AWS would be asked to create it again",
            f"give it the id and scope of '{PATH}' again",
        ),
        (
            {"unit": False},
            "ORG122",
            f"organizational unit '{UNIT}' ('security') is deployed and no longer declared",
            f"orgctl lock --release '{UNIT}'",
        ),
        (
            {"unit_id": "Watch", "unit_name": "security2"},
            "ORG122",
            "is deployed and no longer declared",
            "declare it again, or move its accounts",
        ),
    ],
    ids=[
        "vanished account",
        "e-mail",
        "role",
        "no role",
        "name",
        "other id",
        "other scope",
        "vanished ou",
        "other id of the ou",
    ],
)
def test_fails_for_what_aws_cannot_do(
    deployed: Deployed, change: dict[str, Any], code: str, message: str, remedy: str
) -> None:
    """What AWS refuses, or would do by making another one, is refused with the remedy."""
    stack = deployed()
    _declare(stack, **change)
    found = refusal(stack, code)
    assert message in found.message
    assert remedy in found.remedy


def test_fails_for_an_added_role(deployed: Deployed) -> None:
    """A role that is named later is refused too, the default's own name included."""
    for role in ("Admin", "OrganizationAccountAccessRole"):
        stack = deployed(role_name=None)
        _declare(stack, role_name=role)
        assert refusal(stack, "ORG124").remedy.startswith("write role_name=None again")


def test_fails_for_another_parent_of_an_ou(deployed: Deployed) -> None:
    """AWS cannot move an OU: the old one is gone and a new one is made."""
    stack = deployed()
    _declare(stack, unit_parent=True)
    assert refusal(stack, "ORG122").message.startswith(f"organizational unit '{UNIT}'")


def test_fails_for_another_parent_of_an_ou_with_the_same_path(new_stack: NewStack) -> None:
    """An OU in the stack's scope keeps its path, and is refused for its parent all the same."""

    def declare(stack: cdk.Stack, parent: str) -> None:
        root = root_of(stack)
        units = {id: OrganizationalUnit(stack, id, parent=root) for id in ("One", "Two")}
        OrganizationalUnit(stack, "Child", parent=units[parent])

    stack = new_stack()
    declare(stack, "One")
    deploy(stack)
    stack = new_stack()
    declare(stack, "Two")
    found = refusal(stack, "ORG126")
    assert "organizational unit 'Org/Child'" in found.message
    assert "another OU would be made" in found.message
    assert "move them" in found.remedy


def test_fails_for_another_existing_parent(new_stack: NewStack) -> None:
    """An OU below another existing OU is another OU."""

    def declare(stack: cdk.Stack, parent_id: str) -> None:
        parent = OrganizationalUnit.from_organizational_unit_id(stack, "Existing", parent_id)
        parent.add_organizational_unit("Child").add_organizational_unit("Inner")

    stack = new_stack()
    declare(stack, "ou-ab12-34cd56ef")
    deploy(stack)
    stack = new_stack()
    declare(stack, "ou-ab12-99999999")
    assert codes(stack) == ["ORG126", "ORG126"]


def test_fails_for_another_stack(new_app: NewApp, new_stack: NewStack) -> None:
    """An account that moves to another stack would be created again."""

    def declare(home: str) -> cdk.App:
        app = new_app()
        for id in ("One", "Two"):
            root = root_of(new_stack(app, id))
            root.add_organizational_unit("Unit", name=id)
            if id == home:
                root.add_account("Audit", email="audit.x@corp.com")
        return app

    app = declare("One")
    deploy(app)
    found = refusal(declare("Two"), "ORG127")
    assert "is deployed by stack 'One' and now declared in 'Two'" in found.message
    assert "cdk import" in found.remedy


def test_fails_for_another_management_account(deployed: Deployed, new_stack: NewStack) -> None:
    """A lock of another organization is refused, not compared in silence."""
    deployed()
    environment = cdk.Environment(account="135792468024", region="us-east-1")
    stack = new_stack(env=environment)
    root = Organization.from_organization_attributes(
        stack,
        "Organization",
        organization_id="o-a1b2c3d4e5",
        root_id="r-ab12",
        management_account_id="135792468024",
    ).root
    root.add_organizational_unit("Other")
    found = refusals(stack)
    assert "ORG129" in [f.code for f in found]
    message = next(f for f in found if f.code == "ORG129").message
    assert f"that of management account '{MANAGEMENT_ACCOUNT}'" in message


@pytest.mark.parametrize(
    ("change", "path", "code"),
    [({"account": False}, PATH, "ORG121"), ({"unit": False, "home": "root"}, UNIT, "ORG122")],
)
def test_release(deployed: Deployed, change: dict[str, Any], path: str, code: str) -> None:
    """What is let go on purpose is no longer asked for."""
    stack = deployed()
    file = Path(stack.node.try_get_context(LOCK_FILE_KEY))
    lock = Lock.read(file)
    assert lock is not None
    lock.without(path).write(file)
    _declare(stack, **change)
    assert code not in codes(stack)


@pytest.mark.parametrize(
    ("change", "code"), [({"account": False}, "ORG121"), ({"unit": False}, "ORG122")]
)
def test_acknowledged(deployed: Deployed, change: dict[str, Any], code: str) -> None:
    """What has vanished can be acknowledged with a reason."""
    stack = deployed()
    _declare(stack, acknowledge={code: "handed over to another team"}, **change)
    assert codes(stack) == []


def test_what_cannot_be_undone_cannot_be_acknowledged(deployed: Deployed) -> None:
    """A changed e-mail fails at AWS whatever the reason."""
    stack = deployed()
    with pytest.raises(ValueError, match="'ORG123' cannot be acknowledged"):
        _declare(stack, email="other.x@corp.com", acknowledge={"ORG123": "a reason"})


def test_fails_for_everything_that_has_vanished(deployed: Deployed) -> None:
    """Each account and OU is named."""
    stack = deployed()
    _declare(stack, unit=False, account=False)
    assert codes(stack) == ["ORG121", "ORG122"]


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "[]",
        "null",
        "{}",
        '{"version": 1}',
        '{"version": 2}',
        (
            '{"version": 1, "management_account_id": null, "organizational_units": {}, '
            '"accounts": {"a": {"stack": "x"}}, "policies": {}}'
        ),
    ],
)
def test_fails_for_a_lock_that_cannot_be_understood(new_stack: NewStack, text: str) -> None:
    """A broken lock is a refusal, never ignored: it would protect nothing."""
    stack = new_stack()
    root_of(stack).add_organizational_unit("Unit")
    Path(stack.node.try_get_context(LOCK_FILE_KEY)).write_text(text, "utf-8")
    assert "lock file" in refusal(stack, "ORG120").message


def test_fails_for_a_lock_that_cannot_be_read(new_stack: NewStack) -> None:
    """A lock that is a folder is a refusal too."""
    stack = new_stack()
    root_of(stack).add_organizational_unit("Unit")
    Path(stack.node.try_get_context(LOCK_FILE_KEY)).mkdir()
    assert "cannot be read" in refusal(stack, "ORG120").message


def test_the_locks_order_does_not_matter(deployed: Deployed) -> None:
    """A lock with other order of keys is the same lock."""
    stack = deployed()
    file = Path(stack.node.try_get_context(LOCK_FILE_KEY))
    data = json.loads(file.read_text("utf-8"))
    turned = {key: data[key] for key in reversed(list(data))}
    file.write_text(json.dumps(turned), "utf-8")
    _declare(stack)
    assert codes(stack) == []


def test_new_accounts_are_accepted(deployed: Deployed) -> None:
    """A lock does not keep an organization from growing."""
    stack = deployed()
    _declare(stack)
    from org_constructs import Root

    Root.from_root_id(stack, "Root", "r-ab12").add_organizational_unit("New").add_account(
        "New", email="new.x@corp.com"
    )
    assert codes(stack) == []


def test_lock_of_an_unknown_account(new_stack: NewStack) -> None:
    """A lock without management account, of stacks for any account, refuses no account."""
    stack = new_stack()
    _declare(stack)
    deploy(stack, lambda lock: replace(lock, management_account_id=None))
    stack = new_stack()
    _declare(stack)
    assert codes(stack) == []


def test_fails_for_another_parent_of_an_l1(new_stack: NewStack) -> None:
    """An OU that is declared as CDK's own L1 is replaced under one logical id, and refused."""

    def declare(stack: cdk.Stack, parent_id: str) -> None:
        root_of(stack)
        l1 = organizations.CfnOrganizationalUnit(stack, "L1", name="l1", parent_id=parent_id)
        l1.apply_removal_policy(cdk.RemovalPolicy.RETAIN)
        ServiceControlPolicy(stack, "P", guardrails=[DenyLeaveOrganization()], targets=[l1])

    stack = new_stack()
    declare(stack, "r-ab12")
    deploy(stack)
    stack = new_stack()
    declare(stack, "ou-ab12-34cd56ef")
    found = refusal(stack, "ORG126")
    assert (
        "has parent 'Root' in AWS and 'ou-ab12-34cd56ef' here: AWS cannot move an OU"
        in found.message
    )


def test_fails_for_another_logical_id(new_stack: NewStack) -> None:
    """An escape hatch that changes the logical id of an account is refused."""
    stack = new_stack()
    _declare(stack)
    deploy(stack)
    stack = new_stack()
    _declare(stack)
    account = stack.node.find_child("Accounts").node.find_child("Audit")
    account.node.default_child.override_logical_id("Other")  # type: ignore[union-attr,attr-defined]
    found = refusal(stack, "ORG125")
    assert "and 'Other' here" in found.message


def test_fails_when_nothing_is_declared_any_more(deployed: Deployed) -> None:
    """A bare reference to the organization is enough to compare with the lock."""
    stack = deployed()
    root_of(stack)
    assert "ORG121" in codes(stack)
    assert "ORG122" in codes(stack)
