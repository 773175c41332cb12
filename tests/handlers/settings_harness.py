"""What stands in for CloudFormation, Lambda and Organizations around the settings function."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import boto3
from botocore.config import Config
from botocore.stub import Stubber

ROOT_ID = "r-ab12"

Request = Callable[..., dict[str, Any]]
Serve = Callable[..., dict[str, Any]]


@dataclass
class Inbox:
    """The address that CloudFormation gives: what was PUT there, and how it answers."""

    url: str = ""
    statuses: list[int] = field(default_factory=list)
    content_types: list[str | None] = field(default_factory=list)
    bodies: list[bytes] = field(default_factory=list)

    @property
    def answers(self) -> list[dict[str, Any]]:
        """Every answer, decoded."""
        return [json.loads(body) for body in self.bodies]


class Clock:
    """Time that passes only while somebody sleeps."""

    def __init__(self) -> None:
        self.now = 1000.0
        self.naps: list[float] = []

    def __call__(self) -> float:
        """Return the time."""
        return self.now

    def sleep(self, seconds: float) -> None:
        """Let time pass, and remember it."""
        self.naps.append(seconds)
        self.now += seconds


@dataclass
class Context:
    """Lambda's context, with the time that is left by `clock`."""

    clock: Clock
    deadline: float
    log_group_name: str = "/aws/lambda/org-constructs-settings"
    log_stream_name: str = "2026/11/23/[1]abc"

    def get_remaining_time_in_millis(self) -> int:
        """Answer as Lambda does."""
        return int((self.deadline - self.clock()) * 1000)


class Organizations:
    """The Organizations client with answers laid out in advance, in the order of the calls."""

    def __init__(self) -> None:
        self.client = boto3.client(
            "organizations",
            region_name="us-east-1",
            aws_access_key_id="test",
            aws_secret_access_key="test",  # noqa: S106 - no secret
            config=Config(retries={"mode": "standard", "total_max_attempts": 1}),
        )
        self.stubber = Stubber(self.client)
        self.stubber.activate()

    def lists(self, status: str | None, *, policy_type: str = "SERVICE_CONTROL_POLICY") -> None:
        """Let ListRoots show this status; `None` leaves the type out, as AWS does when disabled."""
        types = [{"Type": policy_type, "Status": status}] if status else []
        self.stubber.add_response(
            "list_roots", {"Roots": [{"Id": ROOT_ID, "Name": "Root", "PolicyTypes": types}]}
        )

    def accepts(self, policy_type: str = "SERVICE_CONTROL_POLICY") -> None:
        """Let EnablePolicyType succeed; it must be asked for this type."""
        self.stubber.add_response(
            "enable_policy_type",
            {"Root": {"Id": ROOT_ID}},
            {"RootId": ROOT_ID, "PolicyType": policy_type},
        )

    def refuses(
        self,
        code: str,
        *,
        operation: str = "enable_policy_type",
        message: str = "Refused.",
        reason: str | None = None,
    ) -> None:
        """Let the next call fail."""
        fields = {"Reason": reason} if reason else None
        self.stubber.add_client_error(operation, code, message, modeled_fields=fields)

    def done(self) -> None:
        """Check that every call laid out was made."""
        self.stubber.assert_no_pending_responses()


ACCOUNT_ID = "222222222222"
ACCOUNT_SERVICE = "account.amazonaws.com"


class Services:
    """The two clients of a rename, with answers laid out in advance; each in its own order."""

    def __init__(self) -> None:
        self.organizations = Organizations()
        self.account = boto3.client(
            "account",
            region_name="us-east-1",
            aws_access_key_id="test",
            aws_secret_access_key="test",  # noqa: S106 - no secret
            config=Config(retries={"mode": "standard", "total_max_attempts": 1}),
        )
        self.stubber = Stubber(self.account)
        self.stubber.activate()

    def client(self, service: str) -> Any:
        """Return the client of a service."""
        return {"organizations": self.organizations.client, "account": self.account}[service]

    def trusts(self, *principals: str, token: str | None = None) -> None:
        """Let a page of the trusted services show these."""
        page: dict[str, Any] = {"EnabledServicePrincipals": []}
        page["EnabledServicePrincipals"] = [{"ServicePrincipal": name} for name in principals]
        self.organizations.stubber.add_response(
            "list_aws_service_access_for_organization",
            page | ({"NextToken": token} if token else {}),
        )

    def lets_in(self) -> None:
        """Let EnableAWSServiceAccess succeed; it must be asked for Account Management."""
        self.organizations.stubber.add_response(
            "enable_aws_service_access", {}, {"ServicePrincipal": ACCOUNT_SERVICE}
        )

    def has_name(self, name: str) -> None:
        """Let GetAccountInformation show this name."""
        self.stubber.add_response(
            "get_account_information",
            {"AccountId": ACCOUNT_ID, "AccountName": name},
            {"AccountId": ACCOUNT_ID},
        )

    def takes_name(self, name: str) -> None:
        """Let PutAccountName succeed; it must be asked for this name."""
        self.stubber.add_response(
            "put_account_name", {}, {"AccountId": ACCOUNT_ID, "AccountName": name}
        )

    def refuses(self, operation: str, code: str, *, message: str = "Refused.") -> None:
        """Let the next call of Account Management fail."""
        self.stubber.add_client_error(operation, code, message)

    def done(self) -> None:
        """Check that every call laid out was made."""
        self.organizations.done()
        self.stubber.assert_no_pending_responses()

    def close(self) -> None:
        """Close the clients."""
        self.organizations.client.close()
        self.account.close()
