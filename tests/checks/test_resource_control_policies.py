"""Resource control policies declared with the generic `Policy` are checked as service control policies are."""

from __future__ import annotations

import json
from datetime import date
from importlib import resources
from typing import Any

import aws_cdk as cdk
import pytest
from refusal_harness import MANAGEMENT_ACCOUNT, NewStack, codes, refusal, report, root_of

from org_constructs import Account, Policy, PolicyType
from org_constructs.policies.types.resource_control_policy import supported_services

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


@pytest.mark.parametrize(
    ("actions", "named"),
    [
        ("s3:*", ""),
        (["S3:Get*", "kms:Decrypt", "sts:AssumeRole"], ""),
        ("s*s:*", ""),
        (["s3:*", "lambda:InvokeFunction", "ec2:RunInstances"], "ec2, lambda"),
        ("lamb*:*", "lamb*"),
        (None, ""),
    ],
)
def test_services_that_no_policy_reaches(new_stack: NewStack, actions: Any, named: str) -> None:
    """A service that AWS does not list is pointed out; what only deployment knows is not."""
    stack = new_stack()
    root_of(stack)
    actions = cdk.Fn.import_value("Actions") if actions is None else actions
    _policy(stack, "P", {**TLS, "Action": actions})
    found = [finding for finding in report(stack) if finding.code == "ORG142"]
    assert [finding.severity for finding in found] == (["warning"] if named else [])
    assert all(f"policy 'Org/P' names {named}, whose" in finding.message for finding in found)


def test_the_list_of_services_has_a_date() -> None:
    """The list is data, from a page of AWS as it was on a day."""
    file = resources.files("org_constructs.policies").joinpath(
        "data/resource_control_policy_services.json"
    )
    data = json.loads(file.read_text("utf-8"))
    assert data["source"].startswith("https://docs.aws.amazon.com/")
    assert date.fromisoformat(data["date"])
    assert len(data["services"]) == len(supported_services()) > 60


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
