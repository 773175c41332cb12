"""Invitations that would be refused by AWS, or lose one that is pending."""

from __future__ import annotations

import json

import pytest
from refusal_harness import (
    MANAGEMENT_ACCOUNT,
    NewApp,
    NewStack,
    codes,
    deploy,
    refusal,
    root_of,
)

from org_constructs import ServiceControlPolicy
from org_constructs.guardrails import DenyRootUser
from org_constructs.model import Lock

LEGACY = "135792468013"


def test_different_accounts(new_stack: NewStack) -> None:
    """Invitations of different accounts are accepted, by id and by address."""
    root = root_of(new_stack())
    root.add_account("Made", email="made@corp.com")
    root.invite_account("One", account_id=LEGACY)
    root.invite_account("Two", account_id="135792468014")
    root.invite_account("Three", email="three@corp.com")
    assert codes(root._place.stack) == []


@pytest.mark.parametrize("who", [{"account_id": LEGACY}, {"email": "Boss@corp.com"}])
def test_fails_for_one_account_twice(
    new_app: NewApp, new_stack: NewStack, who: dict[str, str]
) -> None:
    """Also across stacks, and with another case of the address."""
    app = new_app()
    root_of(new_stack(app, "A")).invite_account("One", **who)
    again = {key: value.lower() for key, value in who.items()}
    root_of(new_stack(app, "B")).invite_account("Two", **again)
    message = refusal(app, "ORG144").message
    assert "'A/Invitations/One' and 'B/Invitations/Two' are both of" in message
    assert "test_invitation_refusals.py:" in message


def test_fails_for_an_account_that_is_made_here(new_stack: NewStack) -> None:
    """It is a member already."""
    root = root_of(new_stack())
    root.add_account("Made", email="made@corp.com")
    root.invite_account("Invited", email="MADE@corp.com")
    assert "which this app makes" in refusal(root._place.stack, "ORG144").message


def test_fails_for_the_management_account(new_stack: NewStack) -> None:
    """It is in the root, and stays there."""
    root = root_of(new_stack())
    root.invite_account("Invited", account_id=MANAGEMENT_ACCOUNT)
    assert "the management account" in refusal(root._place.stack, "ORG144").message


def test_fails_under_another_id(new_stack: NewStack) -> None:
    """CloudFormation would send the new one first, and then withdraw it with the old one."""
    before = root_of(new_stack())
    before.invite_account("Legacy", account_id=LEGACY)
    deploy(before._place.stack)
    after = root_of(new_stack())
    after.invite_account("LegacyBilling", account_id=LEGACY)
    found = refusal(after._place.stack, "ORG146")
    assert "'Org/Invitations/Legacy'" in found.message
    assert found.construct.startswith("Org/Invitations/LegacyBilling")


@pytest.mark.parametrize("kept", [True, False])
def test_the_same_id_or_none(new_stack: NewStack, *, kept: bool) -> None:
    """Another OU moves it, and removing the code withdraws it: both are accepted."""
    before = root_of(new_stack())
    before.invite_account("Legacy", account_id=LEGACY)
    lock = deploy(before._place.stack)
    assert lock == Lock._parse(json.loads(lock.to_json()))
    after = root_of(new_stack())
    unit = after.add_organizational_unit("Unit")
    if kept:
        unit.invite_account("Legacy", account_id=LEGACY)
    assert codes(after._place.stack) == []


def test_fails_for_a_gap(new_stack: NewStack) -> None:
    """A shared policy that changes its OU together with an invited account leaves it bare."""

    def declare(home: str) -> None:
        root = root_of(stack := new_stack())
        units = {id: root.add_organizational_unit(id) for id in ("Old", "New")}
        ServiceControlPolicy(stack, "Shared", guardrails=[DenyRootUser()], targets=[units[home]])
        units[home].invite_account("Legacy", account_id=LEGACY)
        stacks.append(stack)

    stacks: list[object] = []
    declare("Old")
    deploy(stacks[0])  # type: ignore[arg-type]
    declare("New")
    message = refusal(stacks[1], "ORG131").message  # type: ignore[arg-type]
    assert "account 'Org/Invitations/Legacy' would lose a denial" in message
