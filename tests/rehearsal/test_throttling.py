"""Throttling: AWS's documented rates, on the backend's clock."""

from __future__ import annotations

import json
from typing import Any

import pytest

from org_constructs.rehearsal.backend import OPERATIONS
from org_constructs.rehearsal.backend.api_model import operations
from org_constructs.rehearsal.backend.throttling import documented_limits
from org_constructs.rehearsal.cloudformation import Api

MANAGEMENT = "111111111111"


@pytest.fixture
def throttled(make_backend: Any) -> Any:
    """A backend that throttles, with an organization."""
    backend = make_backend(throttling=True)
    backend.create_organization(policy_type=None)
    return backend


def test_nothing_is_throttled_by_default(backend: Any) -> None:
    """A hundred calls in no time pass."""
    root = backend.create_organization()
    for n in range(100):
        backend.create_unit(root, f"unit {n}")


def test_a_burst_passes_and_one_more_is_refused(throttled: Any) -> None:
    """CreatePolicy: three at once, then two a second (documentation)."""
    statement = {"Effect": "Deny", "Action": "organizations:LeaveOrganization", "Resource": "*"}
    params = {
        "Type": "SERVICE_CONTROL_POLICY",
        "Content": json.dumps({"Version": "2012-10-17", "Statement": statement}),
        "Description": "",
    }

    def is_throttled(name: str) -> bool:
        refused = throttled.refused("CreatePolicy", Name=name, **params)
        return str(refused.code) == "TooManyRequestsException"

    for n in range(3):
        throttled.call("CreatePolicy", Name=f"p{n}", **params)
    assert is_throttled("p3")
    throttled.service.clock.advance(0.4)
    assert is_throttled("p3")
    throttled.service.clock.advance(0.2)
    throttled.call("CreatePolicy", Name="p3", **params)
    assert is_throttled("p4")


def test_rest_never_gives_more_than_a_burst(throttled: Any) -> None:
    """A day without calls allows two OUs at once, as a second does."""
    root = throttled.call("ListRoots")["Roots"][0]["Id"]
    throttled.service.clock.advance(86_400)
    throttled.create_unit(root, "a")
    throttled.create_unit(root, "b")
    refused = throttled.refused("CreateOrganizationalUnit", ParentId=root, Name="c")
    assert refused.code == "TooManyRequestsException"


def test_operations_and_accounts_have_buckets_of_their_own(throttled: Any) -> None:
    """Who is throttled at one operation calls another one, and another account calls both."""
    member = throttled.create_account()
    # DescribeOrganization: two at once.
    for _ in range(2):
        throttled.call("DescribeOrganization")
    assert throttled.refused("DescribeOrganization").code == "TooManyRequestsException"
    throttled.call("ListAccounts")
    throttled.call("DescribeOrganization", account=member)


def test_handlers_get_through(throttled: Any) -> None:
    """The retries of CloudFormation's handlers move the clock, which fills the buckets."""
    api = Api(throttled.service, MANAGEMENT)
    root = throttled.call("ListRoots")["Roots"][0]["Id"]
    units = [throttled.create_unit(root, name) for name in ("a", "b")]
    account = throttled.create_account()
    for n in range(12):
        api.write(
            "MoveAccount",
            AccountId=account,
            SourceParentId=units[(n + 1) % 2] if n else root,
            DestinationParentId=units[n % 2],
        )
    refused = [entry for entry in throttled.service.calls() if entry["error"]]
    assert {entry["error"]["code"] for entry in refused} == {"TooManyRequestsException"}


def test_a_reset_fills_the_buckets(throttled: Any) -> None:
    """With everything else that it forgets."""
    for _ in range(2):
        throttled.call("DescribeOrganization")
    throttled.service.reset()
    throttled.call("CreateOrganization")
    throttled.call("DescribeOrganization")


def test_every_figure_is_that_of_an_operation() -> None:
    """A misspelt name would throttle nothing; what is rehearsed and slow is covered."""
    limits = documented_limits()
    assert set(limits) <= set(operations())
    writes = {"CreateAccount", "MoveAccount", "CreatePolicy", "AttachPolicy", "TagResource"}
    assert writes <= set(limits) & set(OPERATIONS)
    assert all(limit.rate > 0 and limit.burst >= 1 for limit in limits.values())
