from __future__ import annotations

import json
import urllib.error
import urllib.request
from typing import Any

import pytest
from settings_harness import Clock, Inbox, Organizations, Request, Serve

from org_constructs.handlers.function.organization_settings.errors import SettingError
from org_constructs.handlers.function.organization_settings.response import Response
from org_constructs.handlers.function.organization_settings.settings import Outcome


def test_the_answer_is_put_with_the_signed_content_type(
    request_of: Request, serve: Serve, organizations: Organizations, inbox: Inbox
) -> None:
    """The address is signed for an empty content type."""
    organizations.lists("ENABLED")
    serve(request_of())
    assert inbox.content_types == [""]


def test_a_failing_delivery_is_repeated(
    request_of: Request, serve: Serve, organizations: Organizations, inbox: Inbox
) -> None:
    """S3 may be unavailable for a moment."""
    inbox.statuses = [503, 500]
    organizations.lists("ENABLED")
    assert serve(request_of())["Status"] == "SUCCESS"


def test_a_broken_connection_is_repeated(
    request_of: Request, serve: Serve, organizations: Organizations, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The network may fail before there is an answer."""
    failures: list[Exception] = [
        urllib.error.URLError(ConnectionRefusedError()),
        TimeoutError(),
        ConnectionResetError(),
    ]
    real = urllib.request.urlopen

    def flaky(*arguments: Any, **options: Any) -> Any:
        if failures:
            raise failures.pop(0)
        return real(*arguments, **options)

    monkeypatch.setattr(urllib.request, "urlopen", flaky)
    organizations.lists("ENABLED")
    assert serve(request_of())["Status"] == "SUCCESS"
    assert not failures


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_a_refused_delivery_fails_the_invocation(
    request_of: Request, serve: Serve, organizations: Organizations, inbox: Inbox, clock: Clock
) -> None:
    """An expired address stays expired; Lambda then shows the error and runs it again."""
    inbox.statuses = [403]
    organizations.lists("ENABLED")
    with pytest.raises(urllib.error.HTTPError) as refusal:
        serve(request_of())
    refusal.value.close()
    assert not clock.naps


def test_a_delivery_that_keeps_failing_ends(
    request_of: Request, serve: Serve, organizations: Organizations, clock: Clock
) -> None:
    """It is repeated for a minute, then the invocation fails."""
    organizations.lists("ENABLED")
    with pytest.raises(Exception, match="waited 60 seconds for the delivery of the answer"):
        serve(request_of(ResponseURL="http://127.0.0.1:9/nobody"))
    assert sum(clock.naps) == 60


def test_an_address_that_is_no_web_address_is_refused(
    request_of: Request, serve: Serve, organizations: Organizations
) -> None:
    """A file is never read or written by a request."""
    organizations.lists("ENABLED")
    with pytest.raises(ValueError, match="not an HTTP address"):
        serve(request_of(ResponseURL="file:///etc/hostname"))


def test_a_reason_is_cut_to_a_thousand_characters() -> None:
    """Longer reasons are not shown by the console."""
    response = Response(status="FAILED", physical_id="x", reason="a" * 5000)
    reason = json.loads(response.body({}))["Reason"]
    assert len(reason) == 1000
    assert reason.endswith("a…")


def test_the_answer_is_cut_to_four_kilobytes() -> None:
    """CloudFormation ignores a longer answer, which would be a silent time-out."""
    response = Response(
        status="FAILED", physical_id="x", reason="🜁" * 1000, attributes={"Name": "b" * 2000}
    )
    body = response.body({"StackId": "c" * 200})
    assert len(body) <= 4096
    assert json.loads(body)["Reason"].startswith("🜁")


def test_attributes_that_do_not_fit_fail_the_request(request_of: Request, serve: Serve) -> None:
    """Half of an attribute would be a wrong value, so it is a failure that says so."""

    class Wordy:
        resource_type = "Custom::Wordy"

        def apply(self, *_: object) -> Outcome:
            return Outcome(physical_id="x", attributes={"Text": "b" * 5000})

    answer = serve(
        request_of(ResourceType="Custom::Wordy"), settings=lambda: {"Custom::Wordy": Wordy()}
    )
    assert answer["Status"] == "FAILED"
    assert "at most 4096 are allowed; return fewer attributes" in answer["Reason"]


def test_a_physical_id_over_a_kilobyte_is_refused() -> None:
    """CloudFormation takes a kilobyte."""
    with pytest.raises(SettingError, match="has 1025 bytes, at most 1024"):
        Response(status="SUCCESS", physical_id="x" * 1025).body({})
