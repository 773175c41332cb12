"""Advice: findings that are shown and stop nothing."""

from __future__ import annotations

from typing import Any

import pytest
from aws_cdk import aws_organizations as organizations
from refusal_harness import (
    NewApp,
    NewStack,
    Reported,
    organization_of,
    report,
    root_of,
)

from org_constructs import Policy, PolicyType
from org_constructs.guardrails import DenyLeaveOrganization
from org_constructs.validation import ALLOW_PLACEHOLDERS_KEY


def _guarded_unit(stack: Any) -> Any:
    """Return an OU in an organization about which there is nothing else to say."""
    organization = organization_of(stack)
    organization.enable_policy_type(PolicyType.SERVICE_CONTROL_POLICY)
    organization.root.attach(DenyLeaveOrganization())
    return organization.root.add_organizational_unit("Unit")


def _advice(found: list[Reported], code: str) -> list[Reported]:
    assert all(finding.severity == "warning" for finding in found), found
    return [finding for finding in found if finding.code == code]


@pytest.mark.parametrize("domain", ["example.com", "mail.example.org", "corp.test", "x.invalid"])
def test_reserved_emails(new_stack: NewStack, domain: str) -> None:
    """An address that no mail reaches is advised against."""
    stack = new_stack()
    root_of(stack).add_account("a", email=f"a.x@{domain}")
    found = _advice(report(stack), "ORG116")
    assert len(found) == 1
    assert f"email 'a.x@{domain}' is in a reserved domain, no mail reaches it" in found[0].message


def test_reserved_emails_in_a_rehearsal(new_app: NewApp, new_stack: NewStack) -> None:
    """Where placeholders are allowed, nothing is said."""
    for value in (True, "true", "TRUE"):
        stack = new_stack(new_app({ALLOW_PLACEHOLDERS_KEY: value}))
        _guarded_unit(stack).add_account("a", email="a.x@example.com")
        assert not report(stack)
    stack = new_stack(new_app({ALLOW_PLACEHOLDERS_KEY: "no"}))
    _guarded_unit(stack).add_account("a", email="a.x@example.com")
    assert len(report(stack)) == 1


def test_policy_type_that_nothing_turns_on(new_stack: NewStack) -> None:
    """Each type that is attached and not turned on is named once."""
    stack = new_stack()
    root = root_of(stack)
    unit = root.add_organizational_unit("Unit")
    for target in (root, unit):
        target.attach(DenyLeaveOrganization())
    unit.attach(Policy(stack, "Tags", type=PolicyType.TAG_POLICY, content={"tags": {}}))
    Policy(stack, "Free", type=PolicyType.BACKUP_POLICY, content={"plans": {}})
    found = _advice(report(stack), "ORG134")
    assert [f.remedy.split(";")[0] for f in found] == [
        "call organization.enable_policy_type(PolicyType.SERVICE_CONTROL_POLICY)",
        "call organization.enable_policy_type(PolicyType.TAG_POLICY)",
    ]


def test_policy_type_that_is_turned_on(new_stack: NewStack) -> None:
    """What the app turns on is not named."""
    stack = new_stack()
    organization = organization_of(stack)
    organization.enable_policy_type(PolicyType.SERVICE_CONTROL_POLICY)
    organization.root.attach(DenyLeaveOrganization())
    assert not report(stack)


def test_l1s_beside_the_chain(new_stack: NewStack) -> None:
    """An L1 that nothing orders is advised against: AWS takes one write at a time."""
    stack = new_stack()
    root = root_of(stack)
    root.add_organizational_unit("Unit")
    l1 = organizations.CfnOrganizationalUnit(stack, "L1", name="l1", parent_id="r-ab12")
    l1.cfn_options.deletion_policy = l1.cfn_options.update_replace_policy = _retain()
    found = _advice(report(stack), "ORG135")
    assert len(found) == 1
    assert "may be written side by side" in found[0].message


def test_l1s_in_the_chain(new_stack: NewStack) -> None:
    """An L1 that waits for the library's resources is in order."""
    stack = new_stack()
    unit = root_of(stack).add_organizational_unit("Unit")
    l1 = organizations.CfnOrganizationalUnit(stack, "L1", name="l1", parent_id="r-ab12")
    l1.cfn_options.deletion_policy = l1.cfn_options.update_replace_policy = _retain()
    l1.node.add_dependency(unit)
    assert not _advice(report(stack), "ORG135")


@pytest.mark.parametrize("code", ["ORG116", "ORG134"])
def test_acknowledged_advice(new_stack: NewStack, code: str) -> None:
    """Advice that is not followed for a reason is not repeated."""
    stack = new_stack()
    root = root_of(stack, acknowledge={code: "a rehearsal"})
    root.attach(DenyLeaveOrganization())
    root.add_organizational_unit("Unit").add_account("a", email="a.x@example.com")
    assert {f.code for f in report(stack)} == {"ORG116", "ORG134"} - {code}


def _retain() -> Any:
    import aws_cdk as cdk

    return cdk.CfnDeletionPolicy.RETAIN
