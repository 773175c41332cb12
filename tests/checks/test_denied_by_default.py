"""Targets without FullAWSAccess, and the organization's one delegation policy."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import aws_cdk as cdk
import pytest
from aws_cdk import aws_organizations as organizations
from refusal_harness import (
    MANAGEMENT_ACCOUNT,
    NewApp,
    NewStack,
    deploy,
    refusal,
    refusals,
    report,
    root_of,
)

from org_constructs import Organization, Root, ServiceControlPolicy
from org_constructs.guardrails import DenyRootUser
from org_constructs.model import Lock


def _content(effect: str = "Allow") -> dict[str, Any]:
    statement = {"Sid": "S", "Effect": effect, "Action": ["ec2:RunInstances"], "Resource": "*"}
    return {"Version": "2012-10-17", "Statement": [statement]}


def _codes(stack: cdk.Stack) -> set[str]:
    return {finding.code for finding in report(stack)}


def test_an_allow_list_is_complete(new_stack: NewStack) -> None:
    """A policy that allows, and FullAWSAccess gone: nothing is to be said of either."""
    stack = new_stack()
    unit = root_of(stack).add_organizational_unit("Unit")
    unit.deny_by_default()
    ServiceControlPolicy(stack, "Allowed", content=_content(), targets=[unit])
    assert not _codes(stack) & {"ORG155", "ORG211"}


@pytest.mark.parametrize("attached", ["nothing", "denial", "guardrail", "elsewhere"])
def test_fails_where_nothing_would_be_allowed(new_stack: NewStack, attached: str) -> None:
    """Everybody below would be locked out."""
    stack = new_stack()
    root = root_of(stack, acknowledge={"ORG211": "a test"})
    unit = root.add_organizational_unit("Unit")
    unit.deny_by_default()
    if attached == "denial":
        ServiceControlPolicy(stack, "Denied", content=_content("Deny"), targets=[unit])
    elif attached == "guardrail":
        unit.attach(DenyRootUser())
    elif attached == "elsewhere":
        ServiceControlPolicy(stack, "Allowed", content=_content(), targets=[root])
    found = refusal(stack, "ORG155")
    assert found.construct == "Org/Organization/Root/Unit/AllowList/Resource"
    assert "'Org/Organization/Root/Unit' denies by default" in found.message


def test_fails_for_a_policy_that_comes_later(new_app: NewApp) -> None:
    """FullAWSAccess would be gone, or the deployment fail, before that stack is deployed."""
    app = new_app()
    env = cdk.Environment(account=MANAGEMENT_ACCOUNT, region="us-east-1")
    first, second = cdk.Stack(app, "A", env=env), cdk.Stack(app, "B", env=env)
    root_of(first).deny_by_default()
    root = Root.from_root_id(second, "Root", "r-ab12")
    ServiceControlPolicy(second, "Allowed", content=_content(), targets=[root])
    found = refusal(app, "ORG155")
    assert "('B/Allowed' does, in another stack, which comes later)" in found.message


def test_a_document_that_only_aws_knows_is_taken(new_stack: NewStack) -> None:
    """It may allow something."""
    stack = new_stack()
    root = root_of(stack)
    root.deny_by_default()
    content: Any = cdk.Fn.import_value("Document")
    organizations.CfnPolicy(
        stack,
        "Raw",
        name="Raw",
        type="SERVICE_CONTROL_POLICY",
        content=content,
        target_ids=[root.root_id],
    )
    assert "ORG155" not in _codes(stack)


def test_an_allow_beside_full_access_is_still_told(new_stack: NewStack) -> None:
    """On the one target of two that keeps FullAWSAccess it restricts nothing."""
    stack = new_stack()
    root = root_of(stack)
    one, two = [root.add_organizational_unit(id) for id in ("One", "Two")]
    one.deny_by_default()
    ServiceControlPolicy(stack, "Allowed", content=_content(), targets=[one, two])
    assert "ORG211" in _codes(stack)


def test_fails_for_a_second_delegation_policy(new_stack: NewStack) -> None:
    """Also when two references to one organization each declare one."""
    stack = new_stack()
    for id in ("One", "Two"):
        Organization.from_organization_attributes(
            stack,
            id,
            organization_id="o-a1b2c3d4e5",
            root_id="r-ab12",
            management_account_id=MANAGEMENT_ACCOUNT,
            delegation_policy=_content(),
        )
    found = refusal(stack, "ORG154")
    assert "'Org/Two/DelegationPolicy' is a second delegation policy" in found.message


Declare = Callable[[cdk.Stack], None]


def _allowing(
    *, by_default: bool, content: dict[str, Any] | None = None, home: str = "Unit"
) -> Declare:
    def declare(stack: cdk.Stack) -> None:
        root = root_of(stack)
        units = {id: root.add_organizational_unit(id) for id in ("Unit", "Other")}
        if by_default:
            units["Unit"].deny_by_default()
        if content is not None:
            ServiceControlPolicy(stack, "Allowed", content=content, targets=[units[home]])

    return declare


LESS = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Action": "ec2:StopInstances", "Resource": "*"}],
}
SAME = {
    "Version": "2012-10-17",
    "Statement": {"Effect": "Allow", "Action": "ec2:RunInstances", "Resource": "*"},
}


@pytest.mark.parametrize(
    ("after", "expected"),
    [
        (_allowing(by_default=False, content=_content()), []),
        (_allowing(by_default=False, content=SAME), []),
        (_allowing(by_default=False), []),
        (_allowing(by_default=True, content=LESS), []),
        (_allowing(by_default=False, content=LESS), ["ORG156"]),
        (_allowing(by_default=False, content=_content(), home="Other"), ["ORG156"]),
    ],
    ids=["alone", "written otherwise", "with the policy", "kept", "less", "leaves"],
)
def test_taking_an_allow_list_away(
    new_stack: NewStack, after: Declare, expected: list[str]
) -> None:
    """Alone, or with the whole policy; not while the policy changes, which comes first."""
    before = new_stack()
    _allowing(by_default=True, content=_content())(before)
    lock = deploy(before)
    assert lock == Lock._parse(json.loads(lock.to_json()))
    changed = new_stack()
    after(changed)
    found = [finding for finding in refusals(changed) if finding.code != "ORG211"]
    assert [finding.code for finding in found] == expected
    for finding in found:
        assert "FullAWSAccess back to 'Org/Organization/Root/Unit'" in finding.message
