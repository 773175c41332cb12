"""Resource control policies declared with the generic `Policy` are checked as service control policies are."""

from __future__ import annotations

from typing import Any

import pytest
from refusal_harness import MANAGEMENT_ACCOUNT, NewStack, codes, refusal, report, root_of

from org_constructs import Account, Policy, PolicyType

TLS: dict[str, Any] = {
    "Effect": "Deny",
    "Principal": "*",
    "Action": "s3:*",
    "Resource": "*",
    "Condition": {"BoolIfExists": {"aws:SecureTransport": "false"}},
}


def _policy(scope: Any, id: str, statement: dict[str, Any] = TLS, **properties: Any) -> Policy:
    return Policy(
        scope,
        id,
        type=PolicyType.RESOURCE_CONTROL_POLICY,
        content={"Version": "2012-10-17", "Statement": [statement]},
        **properties,
    )


@pytest.mark.parametrize(("number", "expected"), [(4, []), (5, ["ORG105"])])
def test_policies_per_target(new_stack: NewStack, number: int, expected: list[str]) -> None:
    """Five attach to a target, of which RCPFullAWSAccess is one."""
    stack = new_stack()
    unit = root_of(stack).add_organizational_unit("Unit")
    for index in range(number):
        _policy(stack, f"P{index}", targets=[unit])
    assert codes(stack) == expected


@pytest.mark.parametrize(("characters", "expected"), [(5120, []), (5121, ["ORG104"])])
def test_size(new_stack: NewStack, characters: int, expected: list[str]) -> None:
    """A document has at most 5,120 characters, half of what a service control policy has."""
    import json

    def size(padding: int) -> dict[str, Any]:
        return {**TLS, "Resource": f"arn:aws:s3:::{'a' * padding}"}

    empty = json.dumps({"Version": "2012-10-17", "Statement": [size(0)]}, separators=(",", ":"))
    stack = new_stack()
    root_of(stack)
    _policy(stack, "P", size(characters - len(empty)))
    assert codes(stack) == expected


def test_fails_for_a_malformed_document(new_stack: NewStack) -> None:
    """The document of a service control policy is not one of a resource control policy."""
    stack = new_stack()
    root_of(stack)
    _policy(stack, "P", {key: value for key, value in TLS.items() if key != "Principal"})
    found = refusal(stack, "ORG119")
    assert found.message.startswith("policy 'Org/P': statement 1: Principal is missing; write")
    assert found.remedy.endswith("orgs_manage_policies_rcps_syntax.html")


@pytest.mark.parametrize("enabled", [True, False])
def test_the_type_is_turned_on(new_stack: NewStack, *, enabled: bool) -> None:
    """An attached policy whose type nothing turns on is pointed out."""
    from refusal_harness import organization_of

    stack = new_stack()
    organization = organization_of(stack)
    if enabled:
        organization.enable_policy_type(PolicyType.RESOURCE_CONTROL_POLICY)
    _policy(stack, "P", targets=[organization.root])
    found = [finding.message for finding in report(stack) if finding.code == "ORG134"]
    assert len(found) == (0 if enabled else 1)
    assert all("turns RESOURCE_CONTROL_POLICY on" in message for message in found)


def test_advice_on_one_of_the_management_account(new_stack: NewStack) -> None:
    """Resources of the management account are not bound by resource control policies either."""
    stack = new_stack()
    root_of(stack)
    target = Account.from_account_id(stack, "Management", MANAGEMENT_ACCOUNT)
    _policy(stack, "P", targets=[target])
    found = [finding.message for finding in report(stack) if finding.code == "ORG139"]
    assert found[0].startswith(
        f"policy 'Org/P' is attached to the management account '{MANAGEMENT_ACCOUNT}', "
        "which no resource control policy binds"
    )
