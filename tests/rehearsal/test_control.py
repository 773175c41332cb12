"""The control paths: clock, settings, state."""

from __future__ import annotations

import json
import socket
import time
import urllib.error
import urllib.request
from typing import Any

import pytest

from org_constructs.rehearsal import EmbeddedAws, RehearsalError, RemoteControl, Settings


def post(aws: EmbeddedAws, action: str, body: bytes) -> dict[str, Any]:
    """Send a body that must be refused, and return the answer."""
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    url = f"{aws.endpoint}/_rehearsal/{action}"
    request = urllib.request.Request(url, data=body, method="POST")  # noqa: S310 - loopback
    with pytest.raises(urllib.error.HTTPError) as caught:
        opener.open(request, timeout=10)
    with caught.value as answer:
        assert answer.code == 400
        content: dict[str, Any] = json.load(answer)
    return content


class TestClock:
    """Time that is skipped."""

    def test_what_takes_long_is_over(self, aws: EmbeddedAws) -> None:
        """An account that takes an hour is there after an hour was skipped."""
        aws.configure(account_creation_seconds=3600)
        client = aws.client("organizations")
        client.create_organization()
        client.create_account(AccountName="audit", Email="audit@corp.com")
        assert len(client.list_accounts()["Accounts"]) == 1
        before = aws.now()
        assert aws.advance(3601) - before >= 3601
        assert [call["operation"] for call in aws.calls()][-1] == "CreateAccountResult"
        assert len(client.list_accounts()["Accounts"]) == 2

    def test_a_reset_brings_it_back(self, aws: EmbeddedAws) -> None:
        """The next test begins now, not in a year."""
        aws.advance(365 * 86_400)
        aws.reset()
        assert abs(aws.now() - time.time()) < 60

    def test_it_only_goes_forward(self, aws: EmbeddedAws) -> None:
        """A negative number is refused, so is what is none."""
        with pytest.raises(RehearsalError, match="only goes forward; -1 is not"):
            aws.advance(-1)
        for body in (b'{"advance": true}', b'{"advance": "1"}', b"{}"):
            assert "names no seconds" in post(aws, "clock", body)["error"]
        assert "only goes forward" in post(aws, "clock", b'{"advance": Infinity}')["error"]


class TestSettings:
    """Behaviour that changes while it runs."""

    def test_throttling_on_and_off(self, aws: EmbeddedAws) -> None:
        """At once; a reset turns it off again."""
        client = aws.client("organizations")
        client.create_organization()
        assert aws.configure(throttling=True).throttling
        client.describe_organization()
        client.describe_organization()
        with pytest.raises(client.exceptions.TooManyRequestsException):
            client.describe_organization()
        aws.reset()
        client.create_organization()
        for _ in range(5):
            client.describe_organization()

    @pytest.mark.parametrize(
        ("changes", "message"),
        [
            (
                {"no_such_setting": True},
                "there is no setting 'no_such_setting'; give one of seed, ",
            ),
            ({"throttling": 1}, "throttling=1: it is true or false"),
            ({"write_seconds": -1}, "write_seconds=-1: it is a number from 0"),
            ({"write_seconds": "1"}, "write_seconds='1': it is a number from 0"),
            ({"seed": 1.5}, "seed=1.5: it is a number from 0"),
            ({"partition": ""}, "partition='': it is a text"),
            ({"quotas": {"accounts": "many"}}, "it is numbers by name"),
            (
                {"quotas": {"no_such_quota": 1}},
                "there is no quota 'no_such_quota'; give one of accounts, ",
            ),
        ],
    )
    def test_fails_for_what_does_not_exist(
        self, aws: EmbeddedAws, changes: dict[str, Any], message: str
    ) -> None:
        """With what there is; nothing is changed."""
        before = aws.configure()
        with pytest.raises(RehearsalError, match=message):
            aws.configure(**changes)
        assert aws.configure() == before

    def test_they_survive_the_way(self, aws: EmbeddedAws) -> None:
        """What is set is what is answered, quotas included."""
        assert aws.configure(quotas={"accounts": 3}, write_seconds=1).quotas == {"accounts": 3}
        assert Settings().changed(Settings().to_json()) == Settings()

    def test_a_body_that_is_no_object(self, aws: EmbeddedAws) -> None:
        """Is refused with an example."""
        for action in ("settings", "faults", "clock", "state"):
            assert "is no JSON object" in post(aws, action, b"[")["error"]
        assert "is no list of faults" in post(aws, "faults", b'{"specs": "x"}')["error"]


class TestState:
    """Organizations that outlive a reset."""

    def test_what_was_saved_is_there_again(self, aws: EmbeddedAws) -> None:
        """With its ids."""
        client = aws.client("organizations")
        organization = client.create_organization()["Organization"]["Id"]
        saved = json.loads(json.dumps(aws.save()))
        aws.reset()
        with pytest.raises(client.exceptions.AWSOrganizationsNotInUseException):
            client.describe_organization()
        aws.load(saved)
        assert client.describe_organization()["Organization"]["Id"] == organization

    def test_fails_for_anything_else(self, aws: EmbeddedAws) -> None:
        """Without touching what exists."""
        client = aws.client("organizations")
        client.create_organization()
        with pytest.raises(RehearsalError):
            aws.load({"version": 99})
        client.describe_organization()


class TestRemoteControl:
    """Anybody who knows where it is can use it."""

    def test_one_that_somebody_else_started(self, aws: EmbeddedAws) -> None:
        """By its address alone."""
        remote = RemoteControl(aws.endpoint)
        remote.inject("CreateOrganization:1:ServiceException")
        assert aws.faults() == remote.faults()
        assert remote.advance(5) <= aws.now()

    def test_fails_where_none_is(self) -> None:
        """With the address."""
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            endpoint = f"http://127.0.0.1:{free.getsockname()[1]}"
            with pytest.raises(RehearsalError, match=f"no embedded AWS answers at {endpoint}: "):
                RemoteControl(endpoint).now()

    def test_fails_for_an_answer_of_something_else(self, aws: EmbeddedAws) -> None:
        """Which is shown."""
        with pytest.raises(RehearsalError, match="the answer is not one of an embedded AWS: b"):
            RemoteControl(f"{aws.endpoint}/no-such-bucket/key").now()


def test_a_reset_is_quick(aws: EmbeddedAws) -> None:
    """A test that resets pays next to nothing: the best of five is far below 50 ms."""
    times = []
    for _ in range(5):
        began = time.monotonic()
        aws.reset()
        times.append(time.monotonic() - began)
    assert min(times) < 0.05


class TestAccounts:
    """Accounts outside of any organization."""

    def test_one_is_invited_by_its_address(self, aws: EmbeddedAws) -> None:
        """It accepts as itself and is a member under its own name."""
        aws.add_account("222222222222", email="owner@legacy.example", name="Legacy")
        client = aws.client("organizations")
        client.create_organization()
        target = {"Type": "EMAIL", "Id": "owner@legacy.example"}
        invited = client.invite_account_to_organization(Target=target)["Handshake"]
        theirs = aws.client("organizations", "222222222222")
        theirs.accept_handshake(HandshakeId=invited["Id"])
        member = client.describe_account(AccountId="222222222222")["Account"]
        assert (member["Name"], member["Email"]) == ("Legacy", "owner@legacy.example")

    def test_what_cannot_be_one_is_refused(self, aws: EmbeddedAws) -> None:
        """An id or address that is taken or none."""
        aws.add_account("222222222222", email="owner@legacy.example")
        for id, email, message in (
            ("222222222222", "other@legacy.example", "'222222222222' exists already"),
            ("333333333333", "Owner@legacy.example", "belongs to another account"),
            ("333", "other@legacy.example", "give 12 digits"),
            ("333333333333", "other", "are not those of an account"),
        ):
            with pytest.raises(RehearsalError, match=message):
                aws.add_account(id, email=email)
        assert "no account" in post(aws, "accounts", b'{"id": 1}')["error"]
