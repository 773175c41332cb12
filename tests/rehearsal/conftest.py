"""Fixtures: the backend alone, and the served embedded AWS (one per process, reset per test)."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from stack_harness import BASE, Cloud

from org_constructs.rehearsal import EmbeddedAws
from org_constructs.rehearsal.backend import ApiError, Clock, Organizations, Settings

MANAGEMENT = "111111111111"
SCP = "SERVICE_CONTROL_POLICY"
DENY_LEAVING = (
    '{"Version":"2012-10-17","Statement":'
    '[{"Effect":"Deny","Action":"organizations:LeaveOrganization","Resource":"*"}]}'
)


class Backend:
    """The backend on a clock that stands still, with short names for what tests repeat."""

    def __init__(self, settings: Settings | None = None) -> None:
        self.service = Organizations(settings, Clock(source=lambda: 1_700_000_000.0))

    def call(self, operation: str, /, *, account: str = MANAGEMENT, **params: Any) -> Any:
        """Make one call, as the management account unless said otherwise."""
        return self.service.call(operation, params, account)

    def refused(self, operation: str, /, *, account: str = MANAGEMENT, **params: Any) -> ApiError:
        """Make one call that must be refused, and return the error."""
        with pytest.raises(ApiError) as caught:
            self.service.call(operation, params, account)
        return caught.value

    def create_organization(self, *, policy_type: str | None = SCP) -> str:
        """Create the organization with one policy type on and return the id of its root."""
        self.call("CreateOrganization")
        root: str = self.call("ListRoots")["Roots"][0]["Id"]
        if policy_type is not None:
            self.enable(root, policy_type)
        return root

    def enable(self, root: str, policy_type: str) -> None:
        """Enable a policy type and wait for it."""
        self.call("EnablePolicyType", RootId=root, PolicyType=policy_type)
        self.service.clock.advance(60)

    def create_unit(self, parent: str, name: str) -> str:
        """Create an OU and return its id."""
        answer = self.call("CreateOrganizationalUnit", ParentId=parent, Name=name)
        unit: str = answer["OrganizationalUnit"]["Id"]
        return unit

    def create_account(self, name: str = "audit", **params: Any) -> str:
        """Create an account, wait for it and return its id."""
        params = {"AccountName": name, "Email": f"{name}@corp.com", **params}
        request = self.call("CreateAccount", **params)["CreateAccountStatus"]["Id"]
        self.service.clock.advance(60)
        answer = self.call("DescribeCreateAccountStatus", CreateAccountRequestId=request)
        account: str = answer["CreateAccountStatus"]["AccountId"]
        return account

    def create_policy(
        self, name: str = "deny-leaving", policy_type: str = SCP, content: str = DENY_LEAVING
    ) -> str:
        """Create a policy and return its id."""
        answer = self.call(
            "CreatePolicy", Name=name, Type=policy_type, Content=content, Description=""
        )
        policy: str = answer["Policy"]["PolicySummary"]["Id"]
        return policy

    def attached(self, target: str, policy_type: str = SCP) -> list[str]:
        """Return the names of the policies attached to a target."""
        answer = self.call("ListPoliciesForTarget", TargetId=target, Filter=policy_type)
        return [policy["Name"] for policy in answer["Policies"]]

    def writes(self, since: int = 0) -> list[str]:
        """Return the names of the writes after a number, AWS's own events left out."""
        return [
            entry["operation"]
            for entry in self.service.calls(since)
            if not entry["read"] and entry["caller"] == MANAGEMENT
        ]


@pytest.fixture
def backend() -> Backend:
    """A backend without an organization."""
    return Backend()


@pytest.fixture
def make_backend() -> Callable[..., Backend]:
    """A maker of backends with settings of their own."""
    return lambda **settings: Backend(Settings(**settings))


@pytest.fixture(scope="session")
def served() -> Iterator[EmbeddedAws]:
    """An embedded AWS for all tests of this process."""
    settings = Settings(
        account_creation_seconds=0.05, account_closure_seconds=0, policy_type_seconds=0.05
    )
    with EmbeddedAws.start(settings=settings) as aws:
        yield aws


@pytest.fixture
def aws(served: EmbeddedAws) -> EmbeddedAws:
    """The embedded AWS, with nothing in it."""
    served.reset()
    return served


@pytest.fixture
def cloud(aws: EmbeddedAws) -> Cloud:
    """An embedded AWS with stacks, without anything in it."""
    return Cloud(aws)


@pytest.fixture
def organization(cloud: Cloud) -> Cloud:
    """A stack with an organization, two OUs, and SCPs enabled."""
    assert cloud.deploy(BASE) == "CREATE_COMPLETE"
    cloud.enable_scps()
    return cloud
