"""No deployment opens a gap: what one update cannot do without one is refused, two can do."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import aws_cdk as cdk
import pytest
from refusal_harness import NewStack, codes, deploy, refusal, refusals, root_of

from org_constructs import Account, OrganizationalUnit, ServiceControlPolicy
from org_constructs.guardrails import DenyCloseAccount, DenyLeaveOrganization, DenyRootUser

Declare = Callable[["Organization"], None]


class Organization:
    """Two OUs and two accounts, and what a case attaches where."""

    def __init__(self, stack: cdk.Stack, *, home: str = "Old", **properties: Any) -> None:
        self.stack = stack
        self.root = root_of(stack, **properties)
        self.old = OrganizationalUnit(stack, "Old", parent=self.root)
        self.new = OrganizationalUnit(stack, "New", parent=self.root)
        unit = self.new if home == "New" else self.old
        self.a: Account = unit.add_account("a", email="a.x@corp.com")
        self.b: Account = unit.add_account("b", email="b.x@corp.com")

    def share(self, id: str, targets: Sequence[Any], *guardrails: Any) -> None:
        """Declare a policy of its own."""
        ServiceControlPolicy(
            self.stack, id, guardrails=guardrails or [DenyRootUser()], targets=targets
        )


def _play(new_stack: NewStack, *steps: Callable[[cdk.Stack], None]) -> cdk.Stack:
    """Deploy all steps but the last, and return the stack of the last."""
    for step in steps[:-1]:
        stack = new_stack()
        step(stack)
        deploy(stack)
    stack = new_stack()
    steps[-1](stack)
    return stack


# A shared policy goes with the accounts to another OU.


def _shared_on_old(stack: cdk.Stack) -> None:
    organization = Organization(stack)
    organization.share("Shared", [organization.old])


def _shared_on_both(stack: cdk.Stack) -> None:
    organization = Organization(stack, home="Old")
    organization.share("Shared", [organization.old, organization.new])


def _moved_under_both(stack: cdk.Stack) -> None:
    organization = Organization(stack, home="New")
    organization.share("Shared", [organization.old, organization.new])


def _shared_on_new(stack: cdk.Stack) -> None:
    organization = Organization(stack, home="New")
    organization.share("Shared", [organization.new])


# A guardrail goes from an OU to the accounts in it.


def _on_unit(stack: cdk.Stack) -> None:
    Organization(stack).old.attach(DenyRootUser())


def _on_both(stack: cdk.Stack) -> None:
    organization = Organization(stack)
    for target in (organization.old, organization.a, organization.b):
        target.attach(DenyRootUser())


def _on_accounts(stack: cdk.Stack) -> None:
    organization = Organization(stack)
    for target in (organization.a, organization.b):
        target.attach(DenyRootUser())


# A statement goes from one policy to another.


def _two_in_one(stack: cdk.Stack) -> None:
    organization = Organization(stack)
    organization.share("A", [organization.old], DenyCloseAccount(), DenyRootUser())
    organization.share("B", [organization.old], DenyLeaveOrganization())


def _in_both(stack: cdk.Stack) -> None:
    organization = Organization(stack)
    organization.share("A", [organization.old], DenyCloseAccount(), DenyRootUser())
    organization.share("B", [organization.old], DenyLeaveOrganization(), DenyRootUser())


def _one_in_each(stack: cdk.Stack) -> None:
    organization = Organization(stack)
    organization.share("A", [organization.old], DenyCloseAccount())
    organization.share("B", [organization.old], DenyLeaveOrganization(), DenyRootUser())


# A policy is replaced by one with another id that comes later or earlier in the chain.


def _named(*ids: str) -> Callable[[cdk.Stack], None]:
    def declare(stack: cdk.Stack) -> None:
        organization = Organization(stack)
        for id in ids:
            organization.share(id, [organization.old])

    return declare


def _empty(stack: cdk.Stack) -> None:
    Organization(stack)


def _root_guarded(stack: cdk.Stack) -> None:
    Organization(stack).root.attach(DenyRootUser())


def _moved(stack: cdk.Stack) -> None:
    Organization(stack, home="New").root.attach(DenyRootUser())


def _own_guardrails(home: str) -> Callable[[cdk.Stack], None]:
    """Return a declaration in which either OU has the same guardrail as a policy of its own."""

    def declare(stack: cdk.Stack) -> None:
        organization = Organization(stack, home=home)
        organization.old.attach(DenyRootUser())
        organization.new.attach(DenyRootUser())

    return declare


@pytest.mark.parametrize(
    ("steps", "step"),
    [
        ([_shared_on_old, _shared_on_new], "'Org/Shared' is detached from 'Org/Old'"),
        ([_two_in_one, _one_in_each], "'Org/A' has its new content"),
    ],
    ids=["shared policy with its accounts", "statement between policies"],
)
def test_fails_in_one_step(
    new_stack: NewStack, steps: list[Callable[[cdk.Stack], None]], step: str
) -> None:
    """What leaves an account bare for a moment is refused, and the moment is named."""
    found = refusals(_play(new_stack, *steps))
    for finding, account in zip(found, ("a", "b"), strict=True):
        assert finding.code == "ORG131"
        assert finding.message.startswith(
            f"account 'Org/Accounts/{account}' would lose a denial in the middle of the "
            f"deployment: when {step}, what replaces it is not in force yet"
        )
        assert "deploy twice" in finding.remedy


@pytest.mark.parametrize(
    "steps",
    [
        [_shared_on_old, _shared_on_both, _moved_under_both, _shared_on_new],
        [_on_unit, _on_both, _on_accounts],
        [_two_in_one, _in_both, _one_in_each],
        [_named("One"), _named("One", "Two"), _named("Two")],
        [_named("One"), _named("Two")],
        [_named("Two"), _named("One")],
        [_empty, _root_guarded, _moved, _empty],
        [_own_guardrails("Old"), _own_guardrails("New")],
        [_on_unit, _on_accounts],
        [_on_accounts, _on_both, _on_unit],
        [_on_accounts, _on_unit],
    ],
    ids=[
        "shared policy with its accounts",
        "guardrail from ou to account",
        "statement between policies",
        "policy with another id, slowly",
        "policy with a later id",
        "policy with an earlier id",
        "guardrail of the root",
        "move between guarded ous",
        "last guardrail of an ou to its accounts, at once",
        "guardrail from account to ou",
        "guardrail from account to ou at once",
    ],
)
def test_accepted_steps(new_stack: NewStack, steps: list[Callable[[cdk.Stack], None]]) -> None:
    """What overlaps is accepted, in as many deployments as it takes."""
    assert codes(_play(new_stack, *steps)) == []


def test_fails_for_a_guardrail_from_an_ou_to_an_account(new_stack: NewStack) -> None:
    """An OU's policy is written before those of its accounts: the guardrail goes before it comes."""

    def with_another(stack: cdk.Stack) -> None:
        organization = Organization(stack)
        organization.old.attach(DenyRootUser(), DenyCloseAccount())

    def moved(stack: cdk.Stack) -> None:
        organization = Organization(stack)
        organization.old.attach(DenyCloseAccount())
        for target in (organization.a, organization.b):
            target.attach(DenyRootUser())

    stack = _play(new_stack, with_another, moved)
    assert codes(stack) == ["ORG131", "ORG131"]


def test_acknowledged_gap(new_stack: NewStack) -> None:
    """A gap that is wanted is acknowledged with a reason."""

    def shared_on_new(stack: cdk.Stack) -> None:
        acknowledge = {"ORG131": "the accounts are empty"}
        organization = Organization(stack, home="New", acknowledge=acknowledge)
        organization.share("Shared", [organization.new])

    assert codes(_play(new_stack, _shared_on_old, shared_on_new)) == []


def test_a_removed_guardrail_is_no_gap(new_stack: NewStack) -> None:
    """A guardrail that is gone afterwards is a change, which the difference shows, not a gap."""
    assert codes(_play(new_stack, _on_unit, _empty)) == []


def test_another_sid_is_the_same_denial(new_stack: NewStack) -> None:
    """What is denied counts, not what the statement is called."""

    def renamed(stack: cdk.Stack) -> None:
        Organization(stack).old.attach(DenyRootUser(sid_suffix="Old"))

    assert codes(_play(new_stack, _on_unit, renamed)) == []


def test_a_new_account_enters_a_guarded_ou(new_stack: NewStack) -> None:
    """An account is created after the policies of its OU, on the first deployment and later."""

    def more(stack: cdk.Stack) -> None:
        organization = Organization(stack)
        organization.old.attach(DenyRootUser())
        organization.new.attach(DenyCloseAccount())
        organization.new.add_account("c", email="c.x@corp.com")

    assert codes(_play(new_stack, more)) == []
    assert codes(_play(new_stack, _on_unit, more)) == []


def test_fails_for_a_new_account_before_its_policies(new_stack: NewStack) -> None:
    """A dependency by which an OU's policy waits for an account in it is refused as a gap."""

    def turned(stack: cdk.Stack) -> None:
        organization = Organization(stack)
        organization.share("Shared", [organization.old])
        stack.node.find_child("Shared").node.add_dependency(organization.a)

    found = refusal(_play(new_stack, turned), "ORG131")
    assert "'Org/Accounts/a' is created in 'Org/Old'" in found.message
