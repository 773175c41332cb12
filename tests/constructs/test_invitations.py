"""Invited accounts: one resource each, and a handful for what places them."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import aws_cdk as cdk
import pytest
from aws_cdk import assertions

from org_constructs import AccountInvitation, Organization, OrganizationalUnit, OrgError, Root
from org_constructs.guardrails import DenyRootUser

NewStack = Callable[..., cdk.Stack]
LEGACY, OTHER = "135792468013", "135792468014"
INVITATION = "Custom::AccountInvitation"


def root_of(stack: cdk.Stack) -> Root:
    """Return the root of an existing organization."""
    return Root.from_root_id(stack, "Root", "r-ab12")


def resources(stack: cdk.Stack) -> dict[str, Any]:
    """Return the resources of a stack's template."""
    template: dict[str, Any] = assertions.Template.from_stack(stack).to_json()
    return template.get("Resources", {})


def of_type(found: dict[str, Any], kind: str) -> dict[str, Any]:
    """Return the resources of one type."""
    return {key: value for key, value in found.items() if value["Type"] == kind}


def declare(stack: cdk.Stack, *, home: str = "Old", order: int = 1) -> cdk.Stack:
    """Declare two invitations in one of two OUs."""
    root = root_of(stack)
    units = {id: root.add_organizational_unit(id) for id in ("Old", "New")}
    for unit in units.values():
        unit.attach(DenyRootUser())
    for id, account_id in (("Legacy", LEGACY), ("Other", OTHER))[::order]:
        units[home if id == "Legacy" else "Old"].invite_account(id, account_id=account_id)
    return stack


def test_what_it_takes(new_stack: NewStack) -> None:
    """One resource an invitation; two functions, two rules that may run the sweep, and a right."""
    found = resources(declare(new_stack()))
    kinds = sorted(value["Type"] for value in found.values())
    assert kinds == sorted(
        ["AWS::Organizations::OrganizationalUnit", "AWS::Organizations::Policy", INVITATION] * 2
        + ["AWS::Lambda::Function", "AWS::IAM::Role", "AWS::Logs::LogGroup"] * 2
        + ["AWS::Events::Rule", "AWS::Lambda::Permission"] * 2
        # What withdraws an invitation whose code has gone; all of them share it.
        + ["AWS::IAM::Policy"]
        # The sweep is never repeated with what is no longer so.
        + ["AWS::Lambda::EventInvokeConfig"]
    )
    invited = found["InvitationsLegacy34999DF9"]
    assert invited["Properties"]["AccountId"] == LEGACY
    assert invited["Properties"]["Notes"] == (
        "The account will be placed in the organizational unit Old."
    )
    assert "DeletionPolicy" not in invited


def test_guardrails_first_then_rules_then_invitations(new_stack: NewStack) -> None:
    """Nothing that moves an account knows of an OU before its policies are attached.

    The rules come before the invitations: a sweep that still has the old OU would take an account
    back there, and the policies of the old OU go at the end of the deployment.
    """
    found = resources(declare(new_stack()))
    invitations = sorted(of_type(found, INVITATION))
    rules = of_type(found, "AWS::Events::Rule")
    policies = of_type(found, "AWS::Organizations::Policy")
    (removal,) = of_type(found, "AWS::IAM::Policy")
    first = next(key for key in rules if "Acceptance" in key)
    second = next(key for key in rules if "Schedule" in key)
    assert set(found[first]["DependsOn"]) <= policies.keys()
    assert len(found[first]["DependsOn"]) == 1
    assert found[second]["DependsOn"] == [first]
    assert set(found[invitations[0]]["DependsOn"]) == {removal, second}
    assert set(found[invitations[1]]["DependsOn"]) == {removal, invitations[0]}
    assert all(len(rule["Properties"]["Name"]) <= 64 for rule in rules.values())


def test_the_rules_hand_over_who_belongs_where(new_stack: NewStack) -> None:
    """On a schedule, and in both known forms of the event."""
    rules = of_type(resources(declare(new_stack(), home="New")), "AWS::Events::Rule")
    schedule = next(value["Properties"] for key, value in rules.items() if "Schedule" in key)
    accepted = next(value["Properties"] for key, value in rules.items() if "Acceptance" in key)
    assert schedule["ScheduleExpression"] == "rate(10 minutes)"
    assert accepted["EventPattern"]["detail-type"] == [
        "AWS API Call via CloudTrail",
        "AWS Service Event via CloudTrail",
    ]
    assert schedule["Targets"] == accepted["Targets"]
    assert schedule["Targets"][0]["RetryPolicy"]["MaximumRetryAttempts"] == 0
    (target,) = schedule["Targets"]
    parts = target["Input"]["Fn::Join"][1]
    text = "".join(p if isinstance(p, str) else p["Fn::GetAtt"][0] for p in parts)
    wanted = {entry["AccountId"]: entry["ParentId"] for entry in json.loads(text)["Invitations"]}
    assert wanted[LEGACY].startswith("RootNew")
    assert wanted[OTHER].startswith("RootOld")


def test_another_ou_moves_it(new_stack: NewStack) -> None:
    """Only where it belongs changes: in the invitation, and in what the rules hand over."""
    before, after = (resources(declare(new_stack(), home=home)) for home in ("Old", "New"))
    assert before.keys() == after.keys()
    changed = {key for key in before if before[key] != after[key]}
    rules = set(of_type(before, "AWS::Events::Rule"))
    assert changed == {"InvitationsLegacy34999DF9"} | rules


def test_the_order_of_declaration_does_not_matter(new_stack: NewStack) -> None:
    """The same organization is the same template."""
    assert resources(declare(new_stack())) == resources(declare(new_stack(), order=-1))


def test_many(new_stack: NewStack) -> None:
    """A rule's target takes 8,192 characters, and a rule five targets; more are refused."""
    stack = new_stack()
    unit = root_of(stack).add_organizational_unit("Unit")
    for number in range(225):
        unit.invite_account(f"A{number}", email=f"{'x' * 50}{number:03}@corp.com")
    rules = of_type(resources(stack), "AWS::Events::Rule")
    longest_id = "ou-" + "a" * 32 + "-" + "b" * 32
    for rule in rules.values():
        targets = rule["Properties"]["Targets"]
        assert len({target["Id"] for target in targets}) == 5
        for target in targets:
            parts = target["Input"]["Fn::Join"][1]
            text = "".join(p if isinstance(p, str) else longest_id for p in parts)
            assert len(json.loads(text)["Invitations"]) == 45
            assert len(text) <= 8192


def test_fails_for_more(new_stack: NewStack) -> None:
    """Another stack takes them."""
    stack = new_stack()
    unit = root_of(stack).add_organizational_unit("Unit")
    for number in range(226):
        unit.invite_account(f"A{number}", account_id=f"{135792468000 + number}")
    with pytest.raises(RuntimeError, match="has 226 invitations, at most 225 are allowed"):
        resources(stack)


@pytest.mark.parametrize(
    ("given", "code", "text"),
    [
        ({}, "ORG143", "neither account_id nor email are given"),
        ({"account_id": LEGACY, "email": "a@corp.com"}, "ORG143", "both account_id and email"),
        ({"account_id": "1357"}, "ORG004", "has 4 digits, an account id has 12"),
        ({"email": "boss"}, "ORG001", "email 'boss' "),
        ({"account_id": LEGACY, "notes": "x" * 1025}, "ORG143", "the notes have 1025 characters"),
        ({"account_id": LEGACY, "notes": 5}, "ORG143", "notes is 5, not a text"),
    ],
)
def test_fails_for_wrong_values(
    new_stack: NewStack, given: dict[str, Any], code: str, text: str
) -> None:
    """Where they are written, and nothing is declared."""
    root = root_of(new_stack())
    with pytest.raises(OrgError, match=text) as caught:
        root.invite_account("Legacy", **given)
    assert caught.value.code == code
    assert not of_type(resources(root._place.stack), INVITATION)


def test_just_accepted(new_stack: NewStack) -> None:
    """The longest notes, none, and values that only the deployment knows."""
    root = root_of(stack := new_stack())
    parameter = cdk.CfnParameter(stack, "Account")
    root.invite_account("Long", account_id=LEGACY, notes="x" * 1024)
    root.invite_account("Silent", account_id=OTHER, notes="")
    root.invite_account("Later", account_id=parameter.value_as_string)
    found = of_type(resources(stack), INVITATION)
    notes = sorted(len(value["Properties"].get("Notes", "")) for value in found.values())
    assert notes[0] == 0
    assert notes[-1] == 1024


def test_fails_for_a_taken_id(new_stack: NewStack) -> None:
    """Ids are unique in a stack, whatever the OU."""
    root = root_of(new_stack())
    root.invite_account("Legacy", account_id=LEGACY)
    unit = root.add_organizational_unit("Unit")
    with pytest.raises(
        OrgError, match="invitation id 'Legacy' is taken in stack 'Org' at"
    ) as caught:
        unit.invite_account("Legacy", account_id=OTHER)
    assert caught.value.code == "ORG005"


def test_parents_of_any_kind(new_app: Callable[..., cdk.App], new_stack: NewStack) -> None:
    """OUs of this app, existing ones, those of another stack, and the root."""
    app = new_app()
    base, other = new_stack(app, "Base"), new_stack(app, "Other")
    organization = Organization(base, "Organization")
    unit = organization.root.add_organizational_unit("Unit")
    AccountInvitation(other, "Far", parent=unit, account_id=LEGACY)
    existing = OrganizationalUnit.from_organizational_unit_id(other, "Existing", "ou-ab12-34cd56ef")
    existing.invite_account("Near", account_id=OTHER)
    found = of_type(resources(other), INVITATION)
    parents = {
        value["Properties"]["AccountId"]: value["Properties"]["ParentId"]
        for value in found.values()
    }
    assert parents[OTHER] == "ou-ab12-34cd56ef"
    assert parents[LEGACY]["Fn::GetStackOutput"]["StackName"] == "Base"


def test_its_attributes(new_stack: NewStack) -> None:
    """What the deployment found can be an output, which is how people see it."""
    stack = new_stack()
    invitation = root_of(stack).invite_account("Legacy", account_id=LEGACY)
    for name in ("invitation_state", "handshake_id", "account_id"):
        cdk.CfnOutput(stack, name.replace("_", ""), value=getattr(invitation, name))
    outputs = assertions.Template.from_stack(stack).to_json()["Outputs"]
    attributes = {value["Value"]["Fn::GetAtt"][1] for value in outputs.values()}
    assert attributes == {"State", "HandshakeId", "AccountId"}
