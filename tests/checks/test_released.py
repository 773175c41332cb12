"""What was let go is still in AWS, and is not asked for again."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import aws_cdk as cdk
import pytest
from refusal_harness import NewApp, NewStack, codes, refusal, refusals, root_of

from org_constructs import OrganizationalUnit, ServiceControlPolicy
from org_constructs.guardrails import DenyRootUser
from org_constructs.model import Lock, OrganizationModel
from org_constructs.model.alignment import lock_after
from org_constructs.validation import LOCK_FILE_KEY

Declare = Callable[[cdk.Stack], None]
GONE = {"ORG121": "let go", "ORG122": "let go"}


def _deploy(stack: cdk.Stack, *, allowed: tuple[str, ...] = ()) -> None:
    """Pretend that the app is deployed, as `make deploy` ends."""
    app: Any = stack.node.root
    assert set(codes(stack)) <= set(allowed)
    file = Path(app.node.try_get_context(LOCK_FILE_KEY))
    lock_after(OrganizationModel.from_assembly(app.outdir), Lock.read(file)).write(file)


def _release(stack: cdk.Stack, *paths: str) -> None:
    file = Path(stack.node.try_get_context(LOCK_FILE_KEY))
    lock = Lock.read(file)
    assert lock is not None
    for path in paths:
        lock = lock.without(path)
    lock.write(file)


def _tree(
    stack: cdk.Stack,
    *,
    unit: str | None = None,
    unit_name: str = "security",
    account: str | None = None,
    email: str = "a.x@corp.com",
    policy: str | None = None,
    **properties: Any,
) -> cdk.Stack:
    root = root_of(stack, **properties)
    root.add_organizational_unit("Stays")
    if unit:
        OrganizationalUnit(stack, unit, parent=root, name=unit_name)
    if account:
        root.add_account(account, email=email)
    if policy:
        ServiceControlPolicy(
            stack,
            policy,
            guardrails=[DenyRootUser()],
            name="fence",
            removal_policy=cdk.RemovalPolicy.RETAIN,
        )
    return stack


@pytest.mark.parametrize("released", [True, False], ids=["released", "acknowledged"])
@pytest.mark.parametrize(
    ("thing", "again", "message", "remedy"),
    [
        (
            {"account": "A"},
            {"account": "A"},
            "account 'Org/Accounts/A': email 'a.x@corp.com' is that of the account 'Org/Accounts/A'",
            "Account.from_account_id",
        ),
        (
            {"account": "A"},
            {"account": "B", "email": "A.X@corp.com"},
            "account 'Org/Accounts/B': email 'A.X@corp.com' is that of the account 'Org/Accounts/A'",
            "`cdk import`, with ORG141 acknowledged at this path",
        ),
        (
            {"unit": "Unit"},
            {"unit": "Unit"},
            "organizational unit 'Org/Unit': 'Org/Unit' with the name 'security' under 'Root' was",
            "OrganizationalUnit.from_organizational_unit_id",
        ),
        (
            {"unit": "Unit"},
            {"unit": "Other"},
            "organizational unit 'Org/Other': 'Org/Unit' with the name 'security' under 'Root' was",
            "then run orgctl lock",
        ),
    ],
    ids=["account", "its e-mail", "ou", "its name"],
)
def test_fails_for_what_is_still_there(
    new_stack: NewStack,
    thing: dict[str, Any],
    again: dict[str, Any],
    message: str,
    remedy: str,
    *,
    released: bool,
) -> None:
    """An account or OU that was let go, and is declared again, is brought back by an import."""
    _deploy(_tree(new_stack(), **thing))
    if released:
        path = "Org/Accounts/A" if "account" in thing else "Org/Unit"
        _release(new_stack(), path)
    _deploy(_tree(new_stack(), acknowledge=None if released else GONE))
    found = refusal(_tree(new_stack(), **again), "ORG141")
    assert message in found.message
    assert remedy in found.remedy


@pytest.mark.parametrize(
    ("thing", "again"),
    [
        ({"account": "A"}, {"account": "A", "email": "b.x@corp.com"}),
        ({"unit": "Unit"}, {"unit": "Unit", "unit_name": "Security"}),
        ({"account": "A"}, {"unit": "Unit"}),
    ],
    ids=["another e-mail", "another name", "something else"],
)
def test_accepted_when_nothing_is_taken(
    new_stack: NewStack, thing: dict[str, Any], again: dict[str, Any]
) -> None:
    """What AWS does not have may be declared, even at the path of what was let go."""
    _deploy(_tree(new_stack(), **thing))
    _deploy(_tree(new_stack(), acknowledge=GONE))
    assert codes(_tree(new_stack(), **again)) == []


def test_an_import_ends_it(new_stack: NewStack) -> None:
    """Acknowledged for the import, and locked, it is as if it had never been let go."""
    both = {"unit": "Unit", "account": "A"}
    _deploy(_tree(new_stack(), **both))
    _deploy(_tree(new_stack(), acknowledge=GONE))
    assert codes(_tree(new_stack(), **both)) == ["ORG141", "ORG141"]
    half = {"ORG141@Org/Unit": "imported"}
    assert codes(_tree(new_stack(), acknowledge=half, **both)) == ["ORG141"]
    _deploy(_tree(new_stack(), acknowledge={"ORG141": "imported"}, **both))
    assert codes(_tree(new_stack(), **both)) == []
    lock = Lock.read(new_stack().node.try_get_context(LOCK_FILE_KEY))
    assert lock is not None
    assert not lock.released.to_json()


def test_released_before_its_removal(new_stack: NewStack) -> None:
    """Between the release and the deployment without it, the code still declares it."""
    _deploy(_tree(new_stack(), unit="Unit", account="A"))
    _release(new_stack(), "Org/Unit", "Org/Accounts/A")
    assert codes(_tree(new_stack(), unit="Unit", account="A")) == []


@pytest.mark.parametrize(
    ("path", "again"),
    [
        ("Org/Accounts/A", {"account": "B"}),
        ("Org/Unit", {"unit": "Other"}),
    ],
    ids=["account", "ou"],
)
def test_fails_for_another_declaration_of_what_is_released(
    new_stack: NewStack, path: str, again: dict[str, str]
) -> None:
    """A release lets the code go: it does not let AWS make the same thing under another id."""
    _deploy(_tree(new_stack(), unit="Unit", account="A"))
    _release(new_stack(), path)
    assert "ORG141" in codes(_tree(new_stack(), **{"unit": "Unit", "account": "A", **again}))


def test_released_in_a_stack_with_another_construct_id(
    new_app: NewApp, new_stack: NewStack
) -> None:
    """What is released and still declared is recognised by its stack's name."""

    def declare(id: str) -> cdk.Stack:
        stack = new_stack(new_app(), id, stack_name="organization")
        return _tree(stack, unit="Unit", account="A")

    _deploy(declare("Org"))
    _release(declare("Org"), "Org/Unit", "Org/Accounts/A")
    assert codes(declare("Renamed")) == []


def test_fails_for_the_name_of_one_that_was_let_go(new_stack: NewStack) -> None:
    """An OU that is deployed cannot be renamed to a name that AWS still has."""
    _deploy(_tree(new_stack(), unit="Unit"))
    _deploy(_tree(new_stack(), acknowledge=GONE))
    _deploy(_tree(new_stack(), unit="Other", unit_name="other"))
    assert refusal(_tree(new_stack(), unit="Other"), "ORG141").construct == "Org/Other/Resource"


def test_a_renamed_ou_is_not_let_go(new_stack: NewStack) -> None:
    """The old name of an OU that was renamed is free."""
    _deploy(_tree(new_stack(), unit="Unit"))
    _deploy(_tree(new_stack(), unit="Unit", unit_name="watch"))
    stack = _tree(new_stack(), unit="Unit", unit_name="watch")
    root: Any = stack.node.find_child("Organization").node.find_child("Root")
    OrganizationalUnit(stack, "New", parent=root, name="security")
    assert codes(stack) == []


@pytest.mark.parametrize(("id", "expected"), [("P", ["ORG141"]), ("Q", ["ORG141"])])
def test_a_retained_policy(new_stack: NewStack, id: str, expected: list[str]) -> None:
    """A policy that was retained keeps its name."""
    _deploy(_tree(new_stack(), policy="P"))
    assert codes(_tree(new_stack(), policy="P")) == []
    _deploy(_tree(new_stack()))
    found = refusals(_tree(new_stack(), policy=id))
    assert [finding.code for finding in found] == expected
    assert "'Org/P' with the name 'fence' was retained and is still in AWS" in found[0].message


def test_another_organization_has_names_of_its_own(new_app: NewApp, new_stack: NewStack) -> None:
    """A name that one organization still has is free in another of the same app."""

    def app(**first: Any) -> cdk.Stack:
        made = new_app()
        one = _tree(new_stack(made, "One"), **first)
        env = cdk.Environment(account="135792468024", region="us-east-1")
        two = root_of(
            new_stack(made, "Two", env=env),
            management_account_id="135792468024",
            root_id="r-cd34",
        )
        if not first.get("unit"):
            OrganizationalUnit(two, "Unit", parent=two, name="security")
        else:
            two.add_organizational_unit("Other")
        return one

    _deploy(app(unit="Unit"))
    stack = app(acknowledge=GONE)
    assert "ORG141" not in codes(stack)
    _deploy(stack)
    assert codes(app()) == []
