from __future__ import annotations

import logging
from typing import Any

import pytest
from settings_harness import Clock, Organizations, Request, Serve

SUCCESS_ID = "r-ab12/SERVICE_CONTROL_POLICY"
PENDING = "PolicyChangesInProgressException"


@pytest.mark.parametrize("kind", ["Create", "Update"])
def test_an_enabled_type_succeeds_without_a_write(
    kind: str, request_of: Request, serve: Serve, organizations: Organizations
) -> None:
    """What is in force already is only read."""
    organizations.lists("ENABLED")
    answer = serve(request_of(kind))
    assert answer == {
        "Status": "SUCCESS",
        "PhysicalResourceId": SUCCESS_ID,
        "StackId": "arn:aws:cloudformation:us-east-1:111122223333:stack/Organization/1",
        "RequestId": "request-1",
        "LogicalResourceId": "ScpType",
    }


def test_a_disabled_type_is_enabled_and_waited_for(
    request_of: Request, serve: Serve, organizations: Organizations, clock: Clock
) -> None:
    """The answer comes when ListRoots says ENABLED, not when the request is accepted."""
    organizations.lists(None)
    organizations.accepts()
    organizations.lists("PENDING_ENABLE")
    organizations.lists("ENABLED")
    assert serve(request_of())["Status"] == "SUCCESS"
    assert clock.naps == [1, 2]


def test_a_pending_type_is_waited_for_without_a_write(
    request_of: Request, serve: Serve, organizations: Organizations
) -> None:
    """Somebody else's request is as good as ours."""
    organizations.lists("PENDING_ENABLE")
    organizations.lists("ENABLED")
    assert serve(request_of())["Status"] == "SUCCESS"


def test_a_type_being_disabled_settles_before_it_is_enabled(
    request_of: Request, serve: Serve, organizations: Organizations
) -> None:
    """EnablePolicyType is called only after PENDING_DISABLE has become disabled."""
    organizations.lists("PENDING_DISABLE")
    organizations.lists("PENDING_DISABLE")
    organizations.lists(None)
    organizations.accepts()
    organizations.lists("ENABLED")
    assert serve(request_of())["Status"] == "SUCCESS"


def test_enabled_already_is_success(
    request_of: Request, serve: Serve, organizations: Organizations
) -> None:
    """A race with another request is no failure."""
    organizations.lists(None)
    organizations.refuses("PolicyTypeAlreadyEnabledException")
    organizations.lists("ENABLED")
    assert serve(request_of())["Status"] == "SUCCESS"


def test_another_type_of_the_root_does_not_count(
    request_of: Request, serve: Serve, organizations: Organizations
) -> None:
    """Only the status of the asked type is looked at."""
    organizations.lists("ENABLED", policy_type="TAG_POLICY")
    organizations.accepts()
    organizations.lists("ENABLED")
    assert serve(request_of())["Status"] == "SUCCESS"


def test_roots_are_read_to_the_last_page(
    request_of: Request, serve: Serve, organizations: Organizations
) -> None:
    """A root on a later page is found."""
    organizations.stubber.add_response(
        "list_roots", {"Roots": [{"Id": "r-zz99", "PolicyTypes": []}], "NextToken": "more"}
    )
    organizations.lists("ENABLED")
    assert serve(request_of())["Status"] == "SUCCESS"


@pytest.mark.parametrize(
    "code",
    [
        PENDING,
        "ConcurrentModificationException",
        "TooManyRequestsException",
        "ServiceException",
    ],
)
def test_what_passes_is_retried_with_doubling_pauses(
    code: str, request_of: Request, serve: Serve, organizations: Organizations, clock: Clock
) -> None:
    """AWS serialises changes of an organization; a refusal for that reason is repeated."""
    organizations.lists(None)
    for _ in range(6):
        organizations.refuses(code)
    organizations.accepts()
    organizations.lists("ENABLED")
    assert serve(request_of())["Status"] == "SUCCESS"
    assert clock.naps == [1, 2, 4, 8, 15, 15, 1]


def test_throttled_reads_are_retried(
    request_of: Request, serve: Serve, organizations: Organizations
) -> None:
    """ListRoots has a rate of one a second, so it is throttled too."""
    organizations.refuses("TooManyRequestsException", operation="list_roots")
    organizations.lists("ENABLED")
    assert serve(request_of())["Status"] == "SUCCESS"


def test_the_pause_is_drawn_from_the_whole_range(
    request_of: Request, serve: Serve, organizations: Organizations, clock: Clock
) -> None:
    """Full jitter: between nothing and the back-off, so that callers spread."""
    drawn: list[tuple[float, float]] = []

    def jitter(lowest: float, highest: float) -> float:
        drawn.append((lowest, highest))
        return 0.25

    organizations.lists("PENDING_ENABLE")
    organizations.lists("PENDING_ENABLE")
    organizations.lists("ENABLED")
    assert serve(request_of(), jitter=jitter)["Status"] == "SUCCESS"
    assert drawn == [(0, 1), (0, 2)]
    assert clock.naps == [0.25, 0.25]


def test_a_refusal_that_lasts_ends_at_the_deadline(
    request_of: Request, serve: Serve, organizations: Organizations, clock: Clock
) -> None:
    """Retries are bounded by the function's time, less a reserve for the answer."""
    organizations.lists(None)
    # The pauses are 1, 2, 4, 8, seventeen times 15, and the 10 seconds that are left.
    for _ in range(23):
        organizations.refuses(PENDING, message="Changes are in progress.")
    start = clock.now
    answer = serve(request_of())
    assert answer["Status"] == "FAILED"
    assert clock.now - start == 280
    assert answer["Reason"].startswith(
        "waited 280 seconds for policy type SERVICE_CONTROL_POLICY to be accepted for enabling in "
        "root 'r-ab12'; deploy again"
    )
    assert "EnablePolicyType failed with PolicyChangesInProgressException" in answer["Reason"]


def test_a_type_that_never_becomes_enabled_fails_at_the_deadline(
    request_of: Request, serve: Serve, organizations: Organizations, clock: Clock
) -> None:
    """Polling is bounded, and the reason says what the state was."""
    organizations.lists(None)
    organizations.accepts()
    for _ in range(4):
        organizations.lists("PENDING_ENABLE")
    answer = serve(request_of(), seconds=20)
    assert answer["Status"] == "FAILED"
    assert "to be enabled in root 'r-ab12' (it is PENDING_ENABLE)" in answer["Reason"]
    assert sum(clock.naps) == 12


def test_an_unknown_root_fails_after_a_grace_and_names_the_known_ones(
    request_of: Request, serve: Serve, organizations: Organizations, clock: Clock
) -> None:
    """A root may be a few seconds old, so it is looked for a little longer."""
    for _ in range(6):
        organizations.lists(None)
    event = request_of(
        ResourceProperties={"RootId": "r-zz99", "PolicyType": "SERVICE_CONTROL_POLICY"}
    )
    answer = serve(event)
    assert answer["Status"] == "FAILED"
    assert answer["Reason"] == (
        "root 'r-zz99' is not a root of this organization, which has 'r-ab12'; use that id, or "
        "deploy with credentials of the other organization's management account"
    )
    assert sum(clock.naps) == 30


@pytest.mark.parametrize(
    ("refusal", "policy_type", "parts"),
    [
        (
            {
                "code": "ConstraintViolationException",
                "reason": "SERVICE_ACCESS_NOT_ENABLED",
                "message": "Trusted access is not enabled.",
            },
            "SECURITYHUB_POLICY",
            ["SERVICE_ACCESS_NOT_ENABLED", "enable trusted access for 'securityhub.amazonaws.com'"],
        ),
        (
            {
                "code": "ConstraintViolationException",
                "message": "SERVICE_ACCESS_NOT_ENABLED: enable it.",
            },
            "NETWORK_SECURITY_DIRECTOR_POLICY",
            ["needs trusted access first", "for the service that the type belongs to"],
        ),
        (
            {"code": "PolicyTypeNotAvailableForOrganizationException"},
            "BEDROCK_POLICY",
            ["BEDROCK_POLICY is not available to this organization", "all features"],
        ),
        (
            {"code": "InvalidInputException", "reason": "INVALID_ENUM_POLICY_TYPE"},
            "SERVICE_KONTROL_POLICY",
            ["refuses policy type 'SERVICE_KONTROL_POLICY'", "check its spelling"],
        ),
        (
            {"code": "ConstraintViolationException", "reason": "SOMETHING_NEW", "message": "No."},
            "TAG_POLICY",
            ["EnablePolicyType failed with ConstraintViolationException: No"],
        ),
        (
            {"code": "UnsupportedAPIEndpointException"},
            "S3_POLICY",
            ["this partition or Region does not offer the operation"],
        ),
    ],
)
def test_a_refusal_says_what_is_wrong_and_the_remedy(
    *,
    refusal: dict[str, Any],
    policy_type: str,
    parts: list[str],
    request_of: Request,
    serve: Serve,
    organizations: Organizations,
) -> None:
    """Refusals that waiting does not change fail at once."""
    organizations.lists(None)
    organizations.refuses(**refusal)
    event = request_of(ResourceProperties={"RootId": "r-ab12", "PolicyType": policy_type})
    answer = serve(event)
    assert answer["Status"] == "FAILED"
    assert all(part in answer["Reason"] for part in parts), answer["Reason"]
    assert not answer["Reason"].endswith(".")
    assert len(answer["Reason"]) <= 1000


@pytest.mark.parametrize(
    ("code", "remedy"),
    [
        ("AccessDeniedException", "credentials of the organization's management account"),
        ("AWSOrganizationsNotInUseException", "the account is in no organization"),
        ("FinalizingOrganizationException", "takes up to an hour; wait and deploy again"),
        ("RootNotFoundException", "use the id of this organization's root"),
    ],
)
def test_what_may_only_be_new_fails_after_a_grace(
    *,
    code: str,
    remedy: str,
    request_of: Request,
    serve: Serve,
    organizations: Organizations,
    clock: Clock,
) -> None:
    """A role or an organization of the same deployment is not known everywhere at once."""
    organizations.lists(None)
    for _ in range(6):
        organizations.refuses(code)
    answer = serve(request_of())
    assert answer["Status"] == "FAILED"
    assert code in answer["Reason"]
    assert remedy in answer["Reason"]
    assert sum(clock.naps) == 30


def test_a_new_role_may_be_denied_at_first(
    request_of: Request, serve: Serve, organizations: Organizations
) -> None:
    """IAM is eventually consistent: the function runs seconds after its role was made."""
    organizations.refuses("AccessDeniedException", operation="list_roots")
    organizations.lists("ENABLED")
    assert serve(request_of())["Status"] == "SUCCESS"


@pytest.mark.parametrize(
    ("properties", "reason"),
    [
        ({}, "property RootId is missing; give one such as 'r-ab12'"),
        (None, "property RootId is missing; give one such as 'r-ab12'"),
        (
            {"RootId": "ou-ab12-34cd56ef", "PolicyType": "TAG_POLICY"},
            (
                "property RootId 'ou-ab12-34cd56ef' does not have the form r-[0-9a-z]{4,32}; give one "
                "such as 'r-ab12'"
            ),
        ),
        (
            {"RootId": "r-ab12", "PolicyType": "Tag"},
            (
                "property PolicyType 'Tag' does not have the form [A-Z][A-Z0-9_]{2,63}; give one such "
                "as 'SERVICE_CONTROL_POLICY'"
            ),
        ),
    ],
)
def test_broken_properties_fail_without_a_call(
    properties: dict[str, Any] | None, reason: str, request_of: Request, serve: Serve
) -> None:
    """What AWS would refuse is refused before AWS is asked."""
    answer = serve(request_of(ResourceProperties=properties))
    assert (answer["Status"], answer["Reason"]) == ("FAILED", reason)


def test_another_type_or_root_is_a_replacement(
    request_of: Request, serve: Serve, organizations: Organizations
) -> None:
    """The new physical id makes CloudFormation delete the old one, which does nothing."""
    organizations.lists("ENABLED", policy_type="TAG_POLICY")
    event = request_of(
        "Update",
        ResourceProperties={"RootId": "r-ab12", "PolicyType": "TAG_POLICY"},
        OldResourceProperties={"RootId": "r-ab12", "PolicyType": "SERVICE_CONTROL_POLICY"},
    )
    assert serve(event)["PhysicalResourceId"] == "r-ab12/TAG_POLICY"


def test_a_failed_update_keeps_the_physical_id(request_of: Request, serve: Serve) -> None:
    """Another id would count as a replacement."""
    event = request_of("Update", ResourceProperties={"RootId": "r-ab12"})
    answer = serve(event)
    assert answer["Status"] == "FAILED"
    assert answer["PhysicalResourceId"] == SUCCESS_ID


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"ResourceProperties": {}},
        {"ResourceProperties": None},
        {"ResourceProperties": "broken"},
        {"ResourceType": "Custom::Unknown"},
        {"ResourceType": None},
    ],
)
def test_deletion_does_nothing_and_always_succeeds(
    changes: dict[str, Any], request_of: Request, serve: Serve, caplog: pytest.LogCaptureFixture
) -> None:
    """No call is made, and what could not be created can be deleted."""
    caplog.set_level(logging.INFO)
    answer = serve(request_of("Delete", **changes))
    assert answer["Status"] == "SUCCESS"
    assert answer["PhysicalResourceId"] == SUCCESS_ID
    assert f"deleted {SUCCESS_ID}: " in caplog.text


def test_deletion_says_what_stays(
    request_of: Request, serve: Serve, caplog: pytest.LogCaptureFixture
) -> None:
    """The log tells why the type is still enabled and how to disable it."""
    caplog.set_level(logging.INFO)
    serve(request_of("Delete"))
    assert "the policy type stays enabled" in caplog.text
    assert "call DisablePolicyType yourself" in caplog.text
