"""Gaps for accounts that no code declares, between statements, and of accounts beside the chain."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import aws_cdk as cdk
import pytest
from aws_cdk import aws_organizations as organizations
from refusal_harness import NewStack, codes, deploy, refusal, refusals, root_of

from org_constructs import OrganizationalUnit, ServiceControlPolicy
from org_constructs.guardrails import (
    DenyCloseAccount,
    DenyLeaveOrganization,
    DenyRootUser,
    Guardrail,
)

Declare = Callable[[cdk.Stack], None]


def _play(new_stack: NewStack, *steps: Declare) -> cdk.Stack:
    """Deploy all steps but the last, and return the stack of the last."""
    for step in steps[:-1]:
        stack = new_stack()
        step(stack)
        deploy(stack)
    stack = new_stack()
    steps[-1](stack)
    return stack


def _two_on_root(first: Sequence[Guardrail], second: Sequence[Guardrail]) -> Declare:
    def declare(stack: cdk.Stack) -> None:
        root = root_of(stack)
        ServiceControlPolicy(stack, "P1", guardrails=first, targets=[root])
        ServiceControlPolicy(stack, "P2", guardrails=second, targets=[root])

    return declare


CLOSE, LEAVE, USER = DenyCloseAccount(), DenyLeaveOrganization(), DenyRootUser()


def test_fails_between_policies_of_the_root(new_stack: NewStack) -> None:
    """An organization without declared accounts has accounts all the same."""
    before = _two_on_root([CLOSE, USER], [LEAVE])
    after = _two_on_root([CLOSE], [LEAVE, USER])
    found = refusal(_play(new_stack, before, after), "ORG131")
    assert found.message.startswith(
        "any account in 'Root' would lose a denial in the middle of the deployment: "
        "when 'Org/P1' has its new content"
    )


def test_accepted_between_policies_of_the_root(new_stack: NewStack) -> None:
    """In two deployments the guardrail is in one of the policies all the time."""
    steps = [
        _two_on_root([CLOSE, USER], [LEAVE]),
        _two_on_root([CLOSE, USER], [LEAVE, USER]),
        _two_on_root([CLOSE], [LEAVE, USER]),
    ]
    assert codes(_play(new_stack, *steps)) == []


def test_accepted_into_an_earlier_policy(new_stack: NewStack) -> None:
    """What comes before it goes needs one deployment."""
    steps = [_two_on_root([CLOSE], [LEAVE, USER]), _two_on_root([CLOSE, USER], [LEAVE])]
    assert codes(_play(new_stack, *steps)) == []


def _parent_and_child(parent: Sequence[Guardrail], child: Sequence[Guardrail]) -> Declare:
    def declare(stack: cdk.Stack) -> None:
        top = OrganizationalUnit(stack, "Top", parent=root_of(stack))
        top.attach(*parent)
        top.add_organizational_unit("Under").attach(*child)

    return declare


def test_fails_from_an_ou_to_its_child(new_stack: NewStack) -> None:
    """Accounts in the child OU are bare between the two policies."""
    before, after = _parent_and_child([CLOSE, USER], []), _parent_and_child([CLOSE], [USER])
    found = refusal(_play(new_stack, before, after), "ORG131")
    assert found.message.startswith("any account in 'Org/Top/Under' would lose a denial")


@pytest.mark.parametrize(
    "steps",
    [
        [([CLOSE, USER], []), ([CLOSE, USER], [USER]), ([CLOSE], [USER])],
        [([CLOSE], [USER]), ([CLOSE, USER], [])],
        [([USER], []), ([], [USER])],
    ],
    ids=["two steps", "upwards", "the last one, which is deleted at the end"],
)
def test_accepted_between_ou_and_child(
    new_stack: NewStack, steps: list[tuple[list[Guardrail], list[Guardrail]]]
) -> None:
    """What overlaps is accepted."""
    assert codes(_play(new_stack, *(_parent_and_child(*step) for step in steps))) == []


def test_an_existing_ou_is_watched(new_stack: NewStack) -> None:
    """An OU that another tool declared has accounts that no lock knows."""

    def declare(first: Sequence[Guardrail], second: Sequence[Guardrail]) -> Declare:
        def of(stack: cdk.Stack) -> None:
            unit: Any = OrganizationalUnit.from_organizational_unit_id(
                stack, "Ou", "ou-ab12-34cd56ef"
            )
            ServiceControlPolicy(stack, "P1", guardrails=first, targets=[unit])
            ServiceControlPolicy(stack, "P2", guardrails=second, targets=[unit])

        return of

    found = refusal(
        _play(new_stack, declare([CLOSE, USER], [LEAVE]), declare([CLOSE], [LEAVE, USER])),
        "ORG131",
    )
    assert found.message.startswith("any account in 'ou-ab12-34cd56ef' would lose a denial")


def _deny(*actions: str, **more: Any) -> dict[str, Any]:
    return {"Effect": "Deny", "Action": list(actions), "Resource": "*", **more}


def _content(*statements: dict[str, Any]) -> dict[str, Any]:
    return {"Version": "2012-10-17", "Statement": list(statements)}


def _documents(*contents: dict[str, Any], account: bool = False) -> Declare:
    def declare(stack: cdk.Stack) -> None:
        root = root_of(stack)
        if account:
            root.add_account("a", email="a.x@corp.com")
        for number, content in enumerate(contents):
            ServiceControlPolicy(stack, f"P{number}", content=content, targets=[root])

    return declare


A, B, C = "s3:DeleteBucket", "ec2:RunInstances", "iam:CreateUser"


@pytest.mark.parametrize(
    "after",
    [
        [_deny(A), _deny(C, B)],
        [_deny(A, B, C)],
        [_deny(C), _deny(B), _deny(A)],
        [_deny(B, A, Sid="Renamed"), _deny(C)],
    ],
    ids=["moved", "merged", "split", "turned"],
)
def test_an_action_between_statements_is_no_gap(
    new_stack: NewStack, after: list[dict[str, Any]]
) -> None:
    """A policy's document is replaced at once: how its statements are cut does not matter."""
    before = _documents(_content(_deny(A, B), _deny(C)))
    assert codes(_play(new_stack, before, _documents(_content(*after)))) == []


@pytest.mark.parametrize("account", [True, False], ids=["declared account", "any account"])
def test_fails_for_an_action_between_policies(new_stack: NewStack, *, account: bool) -> None:
    """Over two policies the same change leaves a moment without it."""
    before = _documents(_content(_deny(A, B)), _content(_deny(C)), account=account)
    after = _documents(_content(_deny(A)), _content(_deny(C, B)), account=account)
    found = refusal(_play(new_stack, before, after), "ORG131")
    who = "account 'Org/Accounts/a'" if account else "any account in 'Root'"
    assert found.message.startswith(f"{who} would lose a denial")
    assert "when 'Org/P0' has its new content" in found.message
    both = _documents(_content(_deny(A, B)), _content(_deny(C, B)), account=account)
    assert codes(_play(new_stack, before, both, after)) == []


@pytest.mark.parametrize("waits", [False, True], ids=["side by side", "waits"])
def test_an_account_beside_the_chain(new_stack: NewStack, *, waits: bool) -> None:
    """An L1 account that does not wait for its OU's policy may be made before that is attached."""
    stack = new_stack()
    unit = root_of(stack).add_organizational_unit("Unit")
    unit.attach(USER)
    raw = organizations.CfnAccount(
        stack,
        "Raw",
        account_name="raw",
        email="raw.x@corp.com",
        parent_ids=[unit.organizational_unit_id],
    )
    raw.apply_removal_policy(cdk.RemovalPolicy.RETAIN)
    if waits:
        policy: Any = unit.node.find_child("Guardrails").node.default_child
        raw.add_dependency(policy)
        assert refusals(stack) == []
        return
    found = refusal(stack, "ORG131")
    assert "'Org/Raw' is created in 'Org/Organization/Root/Unit'" in found.message
