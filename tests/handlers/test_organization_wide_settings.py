"""Trusted access, delegated administrators, root access, contacts, tags and allow lists.

Each is created, found in force, changed, removed and refused.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Iterator
from typing import Any

import boto3
import pytest
from botocore.config import Config
from botocore.stub import Stubber
from settings_harness import ACCOUNT_ID, ROOT_ID, Clock, Request, Serve

SERVICE = "guardduty.amazonaws.com"
FULL = "p-FullAWSAccess"
LISTS = "list_aws_service_access_for_organization"
Apply = Callable[..., dict[str, Any]]


class Aws:
    """The clients of all services, with answers laid out in advance in the order of the calls."""

    def __init__(self) -> None:
        self.clients: dict[str, Any] = {}
        self.stubbers: dict[str, Stubber] = {}
        for service in ("organizations", "account", "iam"):
            self.clients[service] = boto3.client(
                service,
                region_name="us-east-1",
                aws_access_key_id="test",
                aws_secret_access_key="test",  # noqa: S106 - no secret
                config=Config(retries={"mode": "standard", "total_max_attempts": 1}),
            )
            self.stubbers[service] = Stubber(self.clients[service])
            self.stubbers[service].activate()

    def answers(
        self, operation: str, answer: dict[str, Any] | None = None, /, **expected: Any
    ) -> None:
        """Let the next call succeed; it must have these parameters."""
        self._of(operation).add_response(operation, answer or {}, expected)

    def refuses(
        self, operation: str, code: str, *, times: int = 1, reason: str | None = None
    ) -> None:
        """Let the next calls fail."""
        for _ in range(times):
            fields = {"Reason": reason} if reason else None
            self._of(operation).add_client_error(operation, code, "Refused.", modeled_fields=fields)

    def trusts(self, *principals: str) -> None:
        """Let the list of trusted services be this."""
        found = [{"ServicePrincipal": name} for name in principals]
        self.answers(LISTS, {"EnabledServicePrincipals": found})

    def done(self) -> None:
        """Check that every call laid out was made."""
        for stubber in self.stubbers.values():
            stubber.assert_no_pending_responses()

    def _of(self, operation: str) -> Stubber:
        service = next(name for name, client in self.clients.items() if hasattr(client, operation))
        return self.stubbers[service]


@pytest.fixture
def aws() -> Iterator[Aws]:
    """The services of AWS, with answers laid out by the test."""
    fake = Aws()
    yield fake
    for client in fake.clients.values():
        client.close()


@pytest.fixture
def apply(request_of: Request, serve: Serve, aws: Aws) -> Apply:
    """Run the function on a request for a setting and return its answer."""

    def run(
        setting: str,
        kind: str = "Create",
        *,
        previous: dict[str, Any] | None = None,
        **properties: Any,
    ) -> dict[str, Any]:
        given = {"ServiceToken": "arn", **properties}
        event = request_of(kind, ResourceType=f"Custom::{setting}", ResourceProperties=given)
        if kind != "Create":
            event["PhysicalResourceId"] = "made before"
        if previous is not None:
            event["OldResourceProperties"] = {"ServiceToken": "arn", **previous}
        answer = serve(event, client=aws.clients.__getitem__)
        aws.done()
        return answer

    return run


def _succeeded(answer: dict[str, Any], physical_id: str) -> None:
    assert (answer["Status"], answer["PhysicalResourceId"]) == ("SUCCESS", physical_id), answer


def _failed(answer: dict[str, Any], *parts: str) -> None:
    assert answer["Status"] == "FAILED"
    assert all(part in answer["Reason"] for part in parts), answer["Reason"]
    assert not answer["Reason"].endswith(".")


class TestTrustedService:
    """`Custom::TrustedService`."""

    def test_created(self, apply: Apply, aws: Aws) -> None:
        """It is enabled when it is not trusted yet."""
        aws.trusts("sso.amazonaws.com")
        aws.answers("enable_aws_service_access", ServicePrincipal=SERVICE)
        _succeeded(apply("TrustedService", ServicePrincipal=SERVICE), f"trusted/{SERVICE}")

    def test_already_there(self, apply: Apply, aws: Aws) -> None:
        """What is trusted is only read, on creation and on an update."""
        aws.trusts("sso.amazonaws.com", SERVICE)
        answer = apply("TrustedService", "Update", ServicePrincipal=SERVICE)
        _succeeded(answer, f"trusted/{SERVICE}")

    def test_what_passes_is_retried(self, apply: Apply, aws: Aws, clock: Clock) -> None:
        """The organization is busy, then it is not."""
        aws.trusts()
        aws.refuses("enable_aws_service_access", "ConcurrentModificationException", times=3)
        aws.answers("enable_aws_service_access", ServicePrincipal=SERVICE)
        _succeeded(apply("TrustedService", ServicePrincipal=SERVICE), f"trusted/{SERVICE}")
        assert clock.naps == [1, 2, 4]

    def test_removal_keeps_it(self, apply: Apply, caplog: pytest.LogCaptureFixture) -> None:
        """Without a call, and it says so."""
        caplog.set_level(logging.INFO)
        _succeeded(apply("TrustedService", "Delete", ServicePrincipal=SERVICE), "made before")
        assert "the service stays trusted" in caplog.text

    def test_removal_turns_it_off_when_asked(self, apply: Apply, aws: Aws) -> None:
        """By an explicit property."""
        aws.answers("disable_aws_service_access", ServicePrincipal=SERVICE)
        properties = {"ServicePrincipal": SERVICE, "TurnOffOnRemoval": "true"}
        _succeeded(apply("TrustedService", "Delete", **properties), "made before")

    @pytest.mark.parametrize(
        ("reason", "remedy"),
        [
            ("POLICY_TYPE_ENABLED_FOR_THIS_SERVICE", "call DisablePolicyType first"),
            ("DELEGATED_ADMINISTRATOR_EXISTS_FOR_THIS_SERVICE", "deregister the service's"),
            ("SOMETHING_NEW", "turn off first, in the service"),
        ],
    )
    def test_removal_refused(self, apply: Apply, aws: Aws, reason: str, remedy: str) -> None:
        """Something still needs the trust."""
        aws.refuses("disable_aws_service_access", "ConstraintViolationException", reason=reason)
        properties = {"ServicePrincipal": SERVICE, "TurnOffOnRemoval": "true"}
        _failed(apply("TrustedService", "Delete", **properties), SERVICE, remedy)

    def test_another_refusal_of_the_removal(self, apply: Apply, aws: Aws) -> None:
        """Is told as it is."""
        aws.refuses("disable_aws_service_access", "InvalidInputException")
        properties = {"ServicePrincipal": SERVICE, "TurnOffOnRemoval": "true"}
        answer = apply("TrustedService", "Delete", **properties)
        _failed(answer, "DisableAWSServiceAccess failed with InvalidInputException: Refused")

    def test_refused(self, apply: Apply, aws: Aws) -> None:
        """A service that AWS does not know."""
        aws.trusts()
        aws.refuses(
            "enable_aws_service_access",
            "InvalidInputException",
            reason="UNRECOGNIZED_SERVICE_PRINCIPAL",
        )
        answer = apply("TrustedService", ServicePrincipal="new.amazonaws.com")
        _failed(
            answer, "trusted access for 'new.amazonaws.com' cannot be enabled", "check the name"
        )

    @pytest.mark.parametrize(
        ("properties", "reason"),
        [
            ({}, "property ServicePrincipal is missing"),
            ({"ServicePrincipal": "guardduty"}, "'guardduty' does not have the form"),
            (
                {"ServicePrincipal": SERVICE, "TurnOffOnRemoval": "yes"},
                "property TurnOffOnRemoval is 'yes'; give 'true' or 'false'",
            ),
        ],
    )
    def test_broken_properties(self, apply: Apply, properties: dict[str, str], reason: str) -> None:
        """Fail before AWS is asked."""
        _failed(apply("TrustedService", **properties), reason)


class TestDelegatedAdministrator:
    """`Custom::DelegatedAdministrator`."""

    PROPERTIES = {"AccountId": ACCOUNT_ID, "ServicePrincipal": SERVICE}  # noqa: RUF012 - read only
    ID = f"{ACCOUNT_ID}/administers/{SERVICE}"

    def _lists(self, aws: Aws, *accounts: str) -> None:
        found = [{"Id": account} for account in accounts]
        aws.answers(
            "list_delegated_administrators",
            {"DelegatedAdministrators": found},
            ServicePrincipal=SERVICE,
        )

    def test_created(self, apply: Apply, aws: Aws) -> None:
        """Another account may be one too."""
        self._lists(aws, "333333333333")
        aws.answers("register_delegated_administrator", **self.PROPERTIES)
        _succeeded(apply("DelegatedAdministrator", **self.PROPERTIES), self.ID)

    def test_already_there(self, apply: Apply, aws: Aws) -> None:
        """It is only read."""
        self._lists(aws, ACCOUNT_ID)
        _succeeded(apply("DelegatedAdministrator", "Update", **self.PROPERTIES), self.ID)

    def test_registered_meanwhile(self, apply: Apply, aws: Aws) -> None:
        """By a run whose answer was lost."""
        self._lists(aws)
        aws.refuses("register_delegated_administrator", "AccountAlreadyRegisteredException")
        _succeeded(apply("DelegatedAdministrator", **self.PROPERTIES), self.ID)

    @pytest.mark.parametrize(
        ("code", "reason"),
        [
            ("AccountNotFoundException", None),
            ("ConstraintViolationException", "SERVICE_ACCESS_NOT_ENABLED"),
        ],
    )
    def test_what_is_new_may_take_a_moment(
        self, apply: Apply, aws: Aws, code: str, reason: str | None
    ) -> None:
        """The account and the trust are of the same deployment."""
        self._lists(aws)
        aws.refuses("register_delegated_administrator", code, times=2, reason=reason)
        aws.answers("register_delegated_administrator", **self.PROPERTIES)
        _succeeded(apply("DelegatedAdministrator", **self.PROPERTIES), self.ID)

    @pytest.mark.parametrize(
        ("reason", "remedy"),
        [
            ("CANNOT_REGISTER_MASTER_AS_DELEGATED_ADMINISTRATOR", "name a member account"),
            ("CANNOT_REGISTER_SUSPENDED_ACCOUNT_AS_DELEGATED_ADMINISTRATOR", "an active account"),
            ("MAX_DELEGATED_ADMINISTRATORS_FOR_SERVICE_LIMIT_EXCEEDED", "deregister another"),
        ],
    )
    def test_refused(self, apply: Apply, aws: Aws, reason: str, remedy: str) -> None:
        """Each with its remedy, at once."""
        self._lists(aws)
        aws.refuses(
            "register_delegated_administrator", "ConstraintViolationException", reason=reason
        )
        answer = apply("DelegatedAdministrator", **self.PROPERTIES)
        _failed(answer, f"account '{ACCOUNT_ID}' cannot administer '{SERVICE}'", remedy)

    def test_not_trusted(self, apply: Apply, aws: Aws) -> None:
        """After a grace, since trust may be new."""
        self._lists(aws)
        aws.refuses(
            "register_delegated_administrator",
            "ConstraintViolationException",
            times=6,
            reason="SERVICE_ACCESS_NOT_ENABLED",
        )
        _failed(apply("DelegatedAdministrator", **self.PROPERTIES), "trust the service first")

    def test_a_service_that_has_none(self, apply: Apply, aws: Aws) -> None:
        """AWS says so when it is asked for the list."""
        aws.refuses(
            "list_delegated_administrators",
            "InvalidInputException",
            reason="UNRECOGNIZED_SERVICE_PRINCIPAL",
        )
        _failed(apply("DelegatedAdministrator", **self.PROPERTIES), "cannot be read", "check the")

    def test_another_failure_is_told_as_it_is(self, apply: Apply, aws: Aws) -> None:
        """With the general remedy."""
        aws.refuses("list_delegated_administrators", "SomethingNew")
        _failed(apply("DelegatedAdministrator", **self.PROPERTIES), "failed with SomethingNew")

    def test_removal_keeps_it(self, apply: Apply) -> None:
        """Without a call."""
        _succeeded(apply("DelegatedAdministrator", "Delete", **self.PROPERTIES), "made before")

    @pytest.mark.parametrize(
        "code", [None, "AccountNotRegisteredException", "AccountNotFoundException"]
    )
    def test_removal_turns_it_off_when_asked(
        self, apply: Apply, aws: Aws, code: str | None
    ) -> None:
        """Also when somebody has done so already."""
        if code:
            aws.refuses("deregister_delegated_administrator", code)
        else:
            aws.answers("deregister_delegated_administrator", **self.PROPERTIES)
        properties = {**self.PROPERTIES, "TurnOffOnRemoval": "true"}
        _succeeded(apply("DelegatedAdministrator", "Delete", **properties), "made before")

    def test_removal_refused(self, apply: Apply, aws: Aws) -> None:
        """The service wants to be asked itself."""
        aws.refuses("deregister_delegated_administrator", "ConstraintViolationException")
        properties = {**self.PROPERTIES, "TurnOffOnRemoval": "true"}
        answer = apply("DelegatedAdministrator", "Delete", **properties)
        _failed(answer, "cannot be deregistered", "in the service itself")


class TestCentralRootAccess:
    """`Custom::CentralRootAccess`."""

    ID = "central-root-access"
    BOTH = {"RootCredentialsManagement": "true", "RootSessions": "true"}  # noqa: RUF012 - read only

    def _has(self, aws: Aws, *features: str) -> None:
        aws.answers(
            "list_organizations_features",
            {"OrganizationId": "o-a1b2c3d4e5", "EnabledFeatures": list(features)},
        )

    def test_created(self, apply: Apply, aws: Aws) -> None:
        """Both, credentials first."""
        self._has(aws)
        aws.answers("enable_organizations_root_credentials_management")
        aws.answers("enable_organizations_root_sessions")
        _succeeded(apply("CentralRootAccess", **self.BOTH), self.ID)

    def test_already_there(self, apply: Apply, aws: Aws) -> None:
        """What is on is only read; what is not asked for stays on."""
        self._has(aws, "RootCredentialsManagement", "RootSessions")
        answer = apply("CentralRootAccess", RootCredentialsManagement="true", RootSessions="false")
        _succeeded(answer, self.ID)

    def test_half_there(self, apply: Apply, aws: Aws) -> None:
        """Only the missing one is turned on."""
        self._has(aws, "RootCredentialsManagement")
        aws.answers("enable_organizations_root_sessions")
        _succeeded(apply("CentralRootAccess", **self.BOTH), self.ID)

    @pytest.mark.parametrize("asked", ["true", "false"])
    def test_changed(self, apply: Apply, aws: Aws, asked: str) -> None:
        """A feature that the code drops stays on, unless it asks for more."""
        self._has(aws, "RootCredentialsManagement", "RootSessions")
        if asked == "true":
            aws.answers("disable_organizations_root_sessions")
        now = {"RootCredentialsManagement": "true", "TurnOffOnRemoval": asked}
        answer = apply("CentralRootAccess", "Update", previous=self.BOTH, **now)
        _succeeded(answer, self.ID)

    def test_removal_keeps_it(self, apply: Apply) -> None:
        """Without a call."""
        _succeeded(apply("CentralRootAccess", "Delete", **self.BOTH), "made before")

    def test_removal_turns_it_off_when_asked(self, apply: Apply, aws: Aws) -> None:
        """In the other order."""
        aws.answers("disable_organizations_root_sessions")
        aws.answers("disable_organizations_root_credentials_management")
        properties = {**self.BOTH, "TurnOffOnRemoval": "true"}
        _succeeded(apply("CentralRootAccess", "Delete", **properties), "made before")

    def test_removal_after_trust_has_gone(self, apply: Apply, aws: Aws) -> None:
        """Whoever took it away by hand is not held up."""
        refused = ("disable_organizations_root_sessions", "ServiceAccessNotEnabledException")
        aws.refuses(*refused, times=6)
        properties = {**self.BOTH, "TurnOffOnRemoval": "true"}
        _succeeded(apply("CentralRootAccess", "Delete", **properties), "made before")

    def test_removal_that_is_refused(self, apply: Apply, aws: Aws) -> None:
        """Anything else is told."""
        aws.refuses("disable_organizations_root_sessions", "CallerIsNotManagementAccountException")
        properties = {**self.BOTH, "TurnOffOnRemoval": "true"}
        _failed(apply("CentralRootAccess", "Delete", **properties), "management account")

    def test_trust_may_take_a_moment(self, apply: Apply, aws: Aws) -> None:
        """It may be of the same deployment."""
        aws.refuses("list_organizations_features", "ServiceAccessNotEnabledException")
        self._has(aws, "RootCredentialsManagement")
        aws.refuses("enable_organizations_root_sessions", "ServiceAccessNotEnabledException")
        aws.answers("enable_organizations_root_sessions")
        _succeeded(apply("CentralRootAccess", **self.BOTH), self.ID)

    @pytest.mark.parametrize(
        ("code", "times", "remedy"),
        [
            ("ServiceAccessNotEnabledException", 6, "trust 'iam.amazonaws.com' first"),
            ("OrganizationNotInAllFeaturesModeException", 1, "enable all features"),
            ("CallerIsNotManagementAccountException", 1, "the organization's management account"),
            ("SomethingNew", 1, "EnableOrganizationsRootSessions failed with SomethingNew"),
        ],
    )
    def test_refused(self, apply: Apply, aws: Aws, code: str, times: int, remedy: str) -> None:
        """Each with its remedy."""
        self._has(aws, "RootCredentialsManagement")
        aws.refuses("enable_organizations_root_sessions", code, times=times)
        _failed(apply("CentralRootAccess", **self.BOTH), remedy)


class TestAlternateContact:
    """`Custom::AlternateContact`."""

    FIELDS = {  # noqa: RUF012 - read only
        "Name": "Security team",
        "Title": "Security",
        "EmailAddress": "security@corp.com",
        "PhoneNumber": "+49 30 1234567",
    }
    PROPERTIES = {"AccountId": ACCOUNT_ID, "Type": "SECURITY", **FIELDS}  # noqa: RUF012 - read only
    WHICH = {"AccountId": ACCOUNT_ID, "AlternateContactType": "SECURITY"}  # noqa: RUF012 - read only
    ID = f"{ACCOUNT_ID}/contact/SECURITY"

    def _has(self, aws: Aws, **changes: str) -> None:
        found = {"AlternateContactType": "SECURITY", **self.FIELDS, **changes}
        aws.answers("get_alternate_contact", {"AlternateContact": found}, **self.WHICH)

    def _takes(self, aws: Aws, **changes: str) -> None:
        aws.answers("put_alternate_contact", **self.WHICH, **{**self.FIELDS, **changes})

    def test_created(self, apply: Apply, aws: Aws) -> None:
        """Account Management is trusted first."""
        aws.trusts()
        aws.answers("enable_aws_service_access", ServicePrincipal="account.amazonaws.com")
        aws.refuses("get_alternate_contact", "ResourceNotFoundException")
        self._takes(aws)
        _succeeded(apply("AlternateContact", **self.PROPERTIES), self.ID)

    def test_already_there(self, apply: Apply, aws: Aws) -> None:
        """It is only read."""
        aws.trusts("account.amazonaws.com")
        self._has(aws)
        _succeeded(apply("AlternateContact", **self.PROPERTIES), self.ID)

    def test_another_one_is_there(self, apply: Apply, aws: Aws) -> None:
        """It is replaced."""
        aws.trusts("account.amazonaws.com")
        self._has(aws, Title="Somebody")
        self._takes(aws)
        _succeeded(apply("AlternateContact", **self.PROPERTIES), self.ID)

    def test_changed(self, apply: Apply, aws: Aws) -> None:
        """What the code has just changed is written without asking what is there."""
        aws.trusts("account.amazonaws.com")
        self._takes(aws, Title="CISO")
        now = {**self.PROPERTIES, "Title": "CISO"}
        answer = apply("AlternateContact", "Update", previous=self.PROPERTIES, **now)
        _succeeded(answer, self.ID)

    def test_of_the_management_account(self, apply: Apply, aws: Aws) -> None:
        """The API wants neither its id nor trusted access."""
        aws.refuses("get_alternate_contact", "ResourceNotFoundException")
        aws.answers("put_alternate_contact", AlternateContactType="SECURITY", **self.FIELDS)
        answer = apply("AlternateContact", Type="SECURITY", **self.FIELDS)
        _succeeded(answer, "management/contact/SECURITY")

    def test_removal_keeps_it(self, apply: Apply) -> None:
        """Without a call."""
        _succeeded(apply("AlternateContact", "Delete", **self.PROPERTIES), "made before")

    @pytest.mark.parametrize("there", [True, False])
    def test_removal_turns_it_off_when_asked(self, apply: Apply, aws: Aws, *, there: bool) -> None:
        """Also when it is gone already."""
        if there:
            aws.answers("delete_alternate_contact", **self.WHICH)
        else:
            aws.refuses("delete_alternate_contact", "ResourceNotFoundException")
        properties = {**self.PROPERTIES, "TurnOffOnRemoval": "true"}
        _succeeded(apply("AlternateContact", "Delete", **properties), "made before")

    @pytest.mark.parametrize(
        ("code", "times", "remedy"),
        [
            ("AccessDeniedException", 6, "must be an active member"),
            ("ValidationException", 1, "give values that AWS accepts"),
            ("SomethingNew", 1, "PutAlternateContact failed with SomethingNew"),
        ],
    )
    def test_refused(self, apply: Apply, aws: Aws, code: str, times: int, remedy: str) -> None:
        """Each with its remedy."""
        aws.trusts("account.amazonaws.com")
        self._has(aws, Title="Somebody")
        aws.refuses("put_alternate_contact", code, times=times)
        _failed(apply("AlternateContact", **self.PROPERTIES), remedy)

    def test_throttled(self, apply: Apply, aws: Aws, clock: Clock) -> None:
        """Reads and writes are repeated."""
        aws.trusts("account.amazonaws.com")
        aws.refuses("get_alternate_contact", "TooManyRequestsException")
        self._has(aws, Title="Somebody")
        aws.refuses("put_alternate_contact", "InternalServerException", times=2)
        self._takes(aws)
        _succeeded(apply("AlternateContact", **self.PROPERTIES), self.ID)
        assert clock.naps == [1, 1, 2]

    @pytest.mark.parametrize(
        ("changes", "reason"),
        [
            ({"Type": "LEGAL"}, "property Type 'LEGAL'"),
            ({"AccountId": "12"}, "property AccountId '12'"),
            ({"EmailAddress": "x" * 250 + "@a.com"}, "property EmailAddress"),
            ({"EmailAddress": "nobody"}, "property EmailAddress 'nobody'"),
            ({"PhoneNumber": "call me"}, "property PhoneNumber 'call me'"),
            ({"Name": "x" * 65}, "property Name"),
            ({"Title": ""}, "property Title ''"),
        ],
    )
    def test_broken_properties(self, apply: Apply, changes: dict[str, str], reason: str) -> None:
        """Fail before AWS is asked."""
        _failed(apply("AlternateContact", **{**self.PROPERTIES, **changes}), reason)


class TestRootTags:
    """`Custom::RootTags`."""

    ID = f"{ROOT_ID}/tags"

    def _has(self, aws: Aws, **tags: str) -> None:
        found = [{"Key": key, "Value": value} for key, value in tags.items()]
        aws.answers("list_tags_for_resource", {"Tags": found}, ResourceId=ROOT_ID)

    def _tags(self, aws: Aws, **tags: str) -> None:
        listed = [{"Key": key, "Value": value} for key, value in tags.items()]
        aws.answers("tag_resource", ResourceId=ROOT_ID, Tags=listed)

    def test_created(self, apply: Apply, aws: Aws) -> None:
        """Others' tags are left alone; a value that differs is replaced."""
        self._has(aws, other="theirs", team="old")
        self._tags(aws, cost="1", team="platform")
        tags = {"team": "platform", "cost": "1"}
        _succeeded(apply("RootTags", RootId=ROOT_ID, Tags=tags), self.ID)

    def test_already_there(self, apply: Apply, aws: Aws) -> None:
        """They are only read."""
        self._has(aws, other="theirs", team="platform")
        _succeeded(apply("RootTags", RootId=ROOT_ID, Tags={"team": "platform"}), self.ID)

    def test_changed(self, apply: Apply, aws: Aws) -> None:
        """Removed is what was declared before and is there, and nothing else."""
        self._has(aws, other="theirs", team="platform", cost="1")
        self._tags(aws, team="core")
        aws.answers("untag_resource", ResourceId=ROOT_ID, TagKeys=["cost"])
        before = {"RootId": ROOT_ID, "Tags": {"team": "platform", "cost": "1", "gone": "2"}}
        answer = apply("RootTags", "Update", previous=before, RootId=ROOT_ID, Tags={"team": "core"})
        _succeeded(answer, self.ID)

    def test_another_root(self, apply: Apply, aws: Aws) -> None:
        """What was declared for another root is removed from this one in no case."""
        self._has(aws, cost="1")
        before = {"RootId": "r-zz99", "Tags": {"cost": "1"}}
        _succeeded(apply("RootTags", "Update", previous=before, RootId=ROOT_ID, Tags={}), self.ID)

    def test_removal_keeps_them(self, apply: Apply) -> None:
        """Without a call."""
        answer = apply("RootTags", "Delete", RootId=ROOT_ID, Tags={"team": "platform"})
        _succeeded(answer, "made before")

    @pytest.mark.parametrize("there", [True, False])
    def test_removal_takes_them_away_when_asked(
        self, apply: Apply, aws: Aws, *, there: bool
    ) -> None:
        """The declared ones, if they are there."""
        self._has(aws, other="theirs", **({"team": "x"} if there else {}))
        if there:
            aws.answers("untag_resource", ResourceId=ROOT_ID, TagKeys=["team"])
        properties = {"RootId": ROOT_ID, "Tags": {"team": "x"}, "TurnOffOnRemoval": "true"}
        _succeeded(apply("RootTags", "Delete", **properties), "made before")

    def test_refused(self, apply: Apply, aws: Aws) -> None:
        """Too many tags."""
        self._has(aws)
        aws.refuses("tag_resource", "ConstraintViolationException", reason="MAX_TAG_LIMIT_EXCEEDED")
        answer = apply("RootTags", RootId=ROOT_ID, Tags={"team": "x"})
        _failed(answer, "cannot be written", "remove tags of the root that nobody needs")

    def test_another_organization(self, apply: Apply, aws: Aws) -> None:
        """After a grace: the root may be as new as the organization."""
        aws.refuses("list_tags_for_resource", "TargetNotFoundException", times=6)
        _failed(apply("RootTags", RootId=ROOT_ID, Tags={"a": "b"}), "cannot be read", "list-roots")

    @pytest.mark.parametrize("operation", ["list_tags_for_resource", "tag_resource"])
    def test_another_failure_is_told_as_it_is(self, apply: Apply, aws: Aws, operation: str) -> None:
        """With AWS's own words."""
        if operation == "tag_resource":
            self._has(aws)
        aws.refuses(operation, "SomethingNew")
        _failed(apply("RootTags", RootId=ROOT_ID, Tags={"a": "b"}), "failed with SomethingNew")

    def test_broken_properties(self, apply: Apply) -> None:
        """Fail before AWS is asked."""
        _failed(apply("RootTags", RootId=ROOT_ID, Tags="a=b"), "property Tags is 'a=b'")


class TestAllowList:
    """`Custom::AllowList`."""

    TARGET = "ou-ab12-34cd56ef"
    ID = f"{TARGET}/allow-list"
    DETACH = {"PolicyId": FULL, "TargetId": TARGET}  # noqa: RUF012 - read only

    def _has(self, aws: Aws, *policies: str) -> None:
        found = [{"Id": policy} for policy in policies]
        aws.answers(
            "list_policies_for_target",
            {"Policies": found},
            TargetId=self.TARGET,
            Filter="SERVICE_CONTROL_POLICY",
        )

    def _says(self, aws: Aws, policy: str, effect: str, *, alone: bool = False) -> None:
        statement = {"Effect": effect, "Action": "s3:*", "Resource": "*"}
        content = json.dumps({"Statement": statement if alone else [statement]})
        aws.answers("describe_policy", {"Policy": {"Content": content}}, PolicyId=policy)

    @pytest.mark.parametrize("alone", [True, False])
    def test_created(self, apply: Apply, aws: Aws, *, alone: bool) -> None:
        """FullAWSAccess goes when another policy of the target allows something."""
        self._has(aws, "p-denies000", FULL, "p-allows000")
        self._says(aws, "p-denies000", "Deny")
        self._says(aws, "p-allows000", "Allow", alone=alone)
        aws.answers("detach_policy", **self.DETACH)
        _succeeded(apply("AllowList", TargetId=self.TARGET), self.ID)

    def test_already_there(self, apply: Apply, aws: Aws) -> None:
        """It is only read, whatever the policies say."""
        self._has(aws, "p-allows000")
        _succeeded(apply("AllowList", "Update", TargetId=self.TARGET), self.ID)

    def test_detached_meanwhile(self, apply: Apply, aws: Aws) -> None:
        """By a run whose answer was lost."""
        self._has(aws, FULL, "p-allows000")
        self._says(aws, "p-allows000", "Allow")
        aws.refuses("detach_policy", "PolicyNotAttachedException")
        _succeeded(apply("AllowList", TargetId=self.TARGET), self.ID)

    def test_a_new_policy_may_take_a_moment(self, apply: Apply, aws: Aws) -> None:
        """The list is read again before anything is said."""
        self._has(aws, FULL)
        self._has(aws, FULL, "p-allows000")
        self._says(aws, "p-allows000", "Allow")
        aws.answers("detach_policy", **self.DETACH)
        _succeeded(apply("AllowList", TargetId=self.TARGET), self.ID)

    def test_never_without_a_policy_that_allows(self, apply: Apply, aws: Aws) -> None:
        """FullAWSAccess stays, and the reason says what would have happened."""
        for _ in range(6):
            self._has(aws, FULL, "p-denies000")
            self._says(aws, "p-denies000", "Deny")
        answer = apply("AllowList", TargetId=self.TARGET)
        _failed(answer, "FullAWSAccess stays attached", "every request would be denied")

    def test_refused(self, apply: Apply, aws: Aws) -> None:
        """A target keeps one policy."""
        self._has(aws, FULL, "p-allows000")
        self._says(aws, "p-allows000", "Allow")
        aws.refuses("detach_policy", "ConstraintViolationException")
        _failed(apply("AllowList", TargetId=self.TARGET), "keeps at least one policy")

    def test_busy(self, apply: Apply, aws: Aws, clock: Clock) -> None:
        """Detaching is a write like others."""
        self._has(aws, FULL, "p-allows000")
        self._says(aws, "p-allows000", "Allow")
        aws.refuses("detach_policy", "PolicyChangesInProgressException", times=2)
        aws.answers("detach_policy", **self.DETACH)
        _succeeded(apply("AllowList", TargetId=self.TARGET), self.ID)
        assert clock.naps == [1, 2]

    def test_an_unknown_target(self, apply: Apply, aws: Aws) -> None:
        """After a grace: an account may be new."""
        aws.refuses("list_policies_for_target", "TargetNotFoundException", times=6)
        _failed(apply("AllowList", TargetId=self.TARGET), "is not in this organization")

    def test_removal_attaches_full_access_again(self, apply: Apply, aws: Aws) -> None:
        """Nobody asks for it: without it the accounts would be locked out."""
        aws.answers("attach_policy", **self.DETACH)
        _succeeded(apply("AllowList", "Delete", TargetId=self.TARGET), "made before")

    @pytest.mark.parametrize(
        "code",
        [
            "DuplicatePolicyAttachmentException",
            "TargetNotFoundException",
            "PolicyTypeNotEnabledException",
        ],
    )
    def test_removal_of_what_is_done_or_gone(self, apply: Apply, aws: Aws, code: str) -> None:
        """Succeeds."""
        aws.refuses("attach_policy", code)
        _succeeded(apply("AllowList", "Delete", TargetId=self.TARGET), "made before")

    def test_removal_without_a_free_slot(self, apply: Apply, aws: Aws) -> None:
        """Fails with the remedy; only a policy that others have attached can take the last slot."""
        aws.refuses(
            "attach_policy",
            "ConstraintViolationException",
            reason="MAX_POLICY_TYPE_ATTACHMENT_LIMIT_EXCEEDED",
        )
        answer = apply("AllowList", "Delete", TargetId=self.TARGET)
        _failed(answer, "cannot be attached", "detach a policy from it")

    @pytest.mark.parametrize("target", ["", "OU", "ou-1", "12"])
    def test_broken_properties(self, apply: Apply, target: str) -> None:
        """Fail before AWS is asked."""
        _failed(apply("AllowList", TargetId=target), "property TargetId")
