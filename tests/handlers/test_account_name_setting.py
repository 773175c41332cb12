from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from settings_harness import ACCOUNT_ID, Clock, Request, Serve, Services

PHYSICAL_ID = f"{ACCOUNT_ID}/name"
PUT = "put_account_name"
GET = "get_account_information"
TRUSTED = "account.amazonaws.com"

Rename = Callable[..., dict[str, Any]]


@pytest.fixture
def services() -> Iterator[Services]:
    """The services of AWS, with answers laid out by the test."""
    fake = Services()
    yield fake
    fake.close()


@pytest.fixture
def rename(request_of: Request, serve: Serve, services: Services) -> Rename:
    """Run the function on a request for a name and return its answer."""

    def run(
        kind: str = "Create",
        *,
        name: Any = "Log archive",
        previous: str | None = None,
        properties: dict[str, Any] | None = None,
        **changes: Any,
    ) -> dict[str, Any]:
        given = {"ServiceToken": "arn", "AccountId": ACCOUNT_ID, "Name": name}
        event = request_of(
            kind,
            ResourceType="Custom::AccountName",
            ResourceProperties=given if properties is None else properties,
        )
        if kind != "Create":
            event["PhysicalResourceId"] = PHYSICAL_ID
        if previous is not None:
            event["OldResourceProperties"] = {**given, "Name": previous}
        answer = serve(event, client=services.client, **changes)
        services.done()
        return answer

    return run


@pytest.mark.parametrize("kind", ["Create", "Update"])
def test_a_name_that_is_there_succeeds_without_a_write(
    kind: str, rename: Rename, services: Services
) -> None:
    """What is in force already is only read."""
    services.trusts("sso.amazonaws.com", TRUSTED)
    services.has_name("Log archive")
    answer = rename(kind)
    assert (answer["Status"], answer["PhysicalResourceId"]) == ("SUCCESS", PHYSICAL_ID)


def test_another_name_is_replaced(rename: Rename, services: Services) -> None:
    """One write, when the organization trusts Account Management already."""
    services.trusts(TRUSTED)
    services.has_name("audit")
    services.takes_name("Log archive")
    assert rename()["Status"] == "SUCCESS"


def test_another_case_is_another_name(rename: Rename, services: Services) -> None:
    """Names are compared as they are."""
    services.trusts(TRUSTED)
    services.has_name("LOG ARCHIVE")
    services.takes_name("Log archive")
    assert rename()["Status"] == "SUCCESS"


def test_trusted_access_is_enabled_first(rename: Rename, services: Services) -> None:
    """Without it the account API refuses the management account."""
    services.trusts()
    services.lets_in()
    services.has_name("audit")
    services.takes_name("Log archive")
    assert rename()["Status"] == "SUCCESS"


def test_trusted_services_are_read_to_the_last_page(rename: Rename, services: Services) -> None:
    """One on a later page is found."""
    services.trusts("sso.amazonaws.com", token="more")  # noqa: S106 - no secret
    services.trusts(TRUSTED)
    services.has_name("Log archive")
    assert rename()["Status"] == "SUCCESS"


def test_a_name_changed_in_code_is_always_written(rename: Rename, services: Services) -> None:
    """What is read may be four hours old: back at the first name, it would show that one still."""
    services.trusts(TRUSTED)
    services.takes_name("audit")
    assert rename("Update", name="audit", previous="Log archive")["Status"] == "SUCCESS"


def test_an_update_of_something_else_is_compared(rename: Rename, services: Services) -> None:
    """Such as another time-out of the resource."""
    services.trusts(TRUSTED)
    services.has_name("Log archive")
    assert rename("Update", previous="Log archive")["Status"] == "SUCCESS"


@pytest.mark.parametrize("code", ["TooManyRequestsException", "InternalServerException"])
def test_what_passes_is_retried(
    code: str, rename: Rename, services: Services, clock: Clock
) -> None:
    """With doubling pauses."""
    services.trusts(TRUSTED)
    services.refuses(GET, code)
    services.has_name("audit")
    for _ in range(3):
        services.refuses(PUT, code)
    services.takes_name("Log archive")
    assert rename()["Status"] == "SUCCESS"
    assert clock.naps == [1, 1, 2, 4]


def test_writes_of_others_are_waited_for(rename: Rename, services: Services) -> None:
    """Trusted access is a write to the organization, and those come one by one."""
    services.trusts()
    services.organizations.refuses(
        "ConcurrentModificationException", operation="enable_aws_service_access"
    )
    services.lets_in()
    services.has_name("Log archive")
    assert rename()["Status"] == "SUCCESS"


def test_trusted_access_may_take_a_moment(rename: Rename, services: Services) -> None:
    """A new role and a new trust are both unknown here and there in the first seconds."""
    services.organizations.refuses(
        "AccessDeniedException", operation="list_aws_service_access_for_organization"
    )
    services.trusts()
    services.lets_in()
    services.refuses(GET, "AccessDeniedException")
    services.has_name("audit")
    services.refuses(PUT, "AccessDeniedException")
    services.takes_name("Log archive")
    assert rename()["Status"] == "SUCCESS"


def test_a_refusal_that_lasts_ends_at_the_deadline(
    rename: Rename, services: Services, clock: Clock
) -> None:
    """Retries are bounded, and the last answer is in the reason."""
    services.trusts(TRUSTED)
    services.has_name("audit")
    for _ in range(6):
        services.refuses(PUT, "TooManyRequestsException")
    start = clock.now
    answer = rename(seconds=30)
    assert answer["Status"] == "FAILED"
    assert clock.now - start == 18
    assert f"for account '{ACCOUNT_ID}' to be renamed; deploy again" in answer["Reason"]
    assert "PutAccountName failed with TooManyRequestsException" in answer["Reason"]


@pytest.mark.parametrize(
    ("operation", "code", "parts"),
    [
        (
            GET,
            "AccessDeniedException",
            ["the name of account '222222222222' cannot be read", "must be an active member"],
        ),
        (
            PUT,
            "AccessDeniedException",
            [
                "account '222222222222' cannot be renamed to 'Log archive'",
                "PutAccountName failed with AccessDeniedException: Refused",
                "the bootstrap brings up to date",
                "the organization needs all features",
            ],
        ),
        (PUT, "ValidationException", ["cannot be renamed", "give a name that AWS accepts"]),
        (PUT, "SomethingNew", ["PutAccountName failed with SomethingNew: Refused"]),
    ],
)
def test_a_refusal_says_what_is_wrong_and_the_remedy(
    *, operation: str, code: str, parts: list[str], rename: Rename, services: Services, clock: Clock
) -> None:
    """Refusals that waiting does not change fail, those of something new after a grace."""
    services.trusts(TRUSTED)
    if operation == PUT:
        services.has_name("audit")
    for _ in range(6 if code == "AccessDeniedException" else 1):
        services.refuses(operation, code)
    answer = rename()
    assert answer["Status"] == "FAILED"
    assert all(part in answer["Reason"] for part in parts), answer["Reason"]
    assert not answer["Reason"].endswith(".")
    assert len(answer["Reason"]) < 1000
    assert sum(clock.naps) == (30 if code == "AccessDeniedException" else 0)


@pytest.mark.parametrize(
    ("code", "reason"),
    [
        ("AccessDeniedException", None),
        ("ConstraintViolationException", "ORGANIZATION_NOT_IN_ALL_FEATURES_MODE"),
        ("InvalidInputException", "UNRECOGNIZED_SERVICE_PRINCIPAL"),
        ("UnsupportedAPIEndpointException", None),
    ],
)
def test_trusted_access_that_is_refused_can_be_enabled_by_a_person(
    code: str, reason: str | None, rename: Rename, services: Services
) -> None:
    """The reason says for which service, and where."""
    services.trusts()
    for _ in range(6 if code == "AccessDeniedException" else 1):
        services.organizations.refuses(code, operation="enable_aws_service_access", reason=reason)
    answer = rename()
    assert answer["Status"] == "FAILED"
    assert "trusted access for 'account.amazonaws.com', which renaming" in answer["Reason"]
    assert f"EnableAWSServiceAccess failed with {code}" in answer["Reason"]
    assert "in the console of AWS Organizations" in answer["Reason"]


def test_another_failure_of_trusted_access_is_told_as_it_is(
    rename: Rename, services: Services
) -> None:
    """With the remedy that every setting has for it."""
    services.trusts()
    for _ in range(6):
        services.organizations.refuses(
            "AWSOrganizationsNotInUseException", operation="enable_aws_service_access"
        )
    assert "the account is in no organization" in rename()["Reason"]


@pytest.mark.parametrize(
    ("properties", "reason"),
    [
        ({}, "property AccountId is missing; give one such as '123456789012'"),
        (
            {"AccountId": "12", "Name": "a"},
            "property AccountId '12' does not have the form [0-9]{12}",
        ),
        ({"AccountId": ACCOUNT_ID}, "property Name is missing"),
        (
            {"AccountId": ACCOUNT_ID, "Name": "a<b"},
            (
                "property Name 'a<b' does not have the form [ -;=?-~]{1,50}; give one such as "
                "'payments-prod', without '<' and '>'"
            ),
        ),
        ({"AccountId": ACCOUNT_ID, "Name": ""}, "property Name '' does not have the form"),
        ({"AccountId": ACCOUNT_ID, "Name": "x" * 51}, "does not have the form"),
    ],
)
def test_broken_properties_fail_without_a_call(
    properties: dict[str, Any], reason: str, rename: Rename
) -> None:
    """What AWS would refuse is refused before AWS is asked."""
    answer = rename(properties=properties)
    assert answer["Status"] == "FAILED"
    assert reason in answer["Reason"]


def test_another_account_is_another_setting(rename: Rename, services: Services) -> None:
    """The physical id is the account's, whatever the name."""
    services.trusts(TRUSTED)
    services.takes_name("Two")
    answer = rename("Update", name="Two", previous="One")
    assert answer["PhysicalResourceId"] == PHYSICAL_ID


def test_deletion_keeps_the_name_and_says_so(
    rename: Rename, caplog: pytest.LogCaptureFixture
) -> None:
    """No call is made: neither a name nor trusted access is ever taken back."""
    caplog.set_level(logging.INFO)
    answer = rename("Delete")
    assert (answer["Status"], answer["PhysicalResourceId"]) == ("SUCCESS", PHYSICAL_ID)
    assert "the account keeps its last name" in caplog.text


def test_names_are_not_logged(
    rename: Rename, services: Services, caplog: pytest.LogCaptureFixture
) -> None:
    """The API's model calls them sensitive; only a failure tells which it could not give."""
    caplog.set_level(logging.INFO)
    services.trusts(TRUSTED)
    services.has_name("audit")
    services.takes_name("Log archive")
    rename()
    assert f"account {ACCOUNT_ID} is renamed" in caplog.text
    assert "Log archive" not in caplog.text
