"""Faults: written as text, refused when they cannot be, and what they do."""

from __future__ import annotations

import contextlib
import subprocess
import sys
import threading
import time
from typing import Any

import pytest
from botocore.exceptions import ClientError

from org_constructs.rehearsal import EmbeddedAws, RehearsalError
from org_constructs.rehearsal.backend import ApiError, Fault, FaultError
from org_constructs.rehearsal.cloudformation import RESOURCE_TYPES, Api, HandlerError

MANAGEMENT = "111111111111"


def inject(backend: Any, *specs: str) -> None:
    """Inject faults into a backend."""
    backend.service.faults.inject(specs)


def create_account(backend: Any) -> str:
    """Create an account as CloudFormation does, and return its id."""
    account_type = next(t for t in RESOURCE_TYPES if t.name.endswith("::Account"))
    properties = {"AccountName": "audit", "Email": "audit@corp.com"}
    return account_type.create(Api(backend.service, MANAGEMENT), properties).physical_id


class TestSpecs:
    """How they are written."""

    @pytest.mark.parametrize(
        ("spec", "message"),
        [
            ("AttachPolicy", r"is not written as one; write OPERATION:WHEN:ERROR, .*Lambda:WHEN"),
            ("", "is not written as one"),
            ("AttachPolicy:3", "is not written as one"),
            ("CLI:2:kill", "is not written as one"),
            ("Attach:3:ServiceException", "has no operation 'Attach'; name one such as"),
            ("AttachPolicy:0:ServiceException", "'0' names no call; the first one has number 1"),
            ("AttachPolicy:5-3:ServiceException", "'5-3' names no call"),
            ("AttachPolicy:-1:ServiceException", "'-1' says not when; write 3 for the third"),
            ("AttachPolicy:2.0:ServiceException", "'2.0' says not when"),
            ("AttachPolicy:0.0:ServiceException", "'0.0' says not when"),
            ("*:nan:ServiceException", "'nan' says not when"),
            ("*:0.5:ServiceException@x", "seed 'x' is no number; write @7"),
            ("AttachPolicy:3:ServiceException@7", "only a probability takes a seed"),
            (
                "AttachPolicy:3:AccountNotFoundException",
                r"AttachPolicy never answers 'AccountNotFoundException'; give one of AWSOrg.*, \w+",
            ),
            ("*:3:NoSuchException", r"\* never answers 'NoSuchException'"),
            (
                "AttachPolicy:1:ConstraintViolationException=NONE",
                "has no reason 'NONE'; give one of .*MAX_POLICY_TYPE_ATTACHMENT_LIMIT_EXCEEDED",
            ),
            ("AttachPolicy:1:ServiceException=X", "no reason 'X'; write ServiceException alone"),
            ("CreateAccount:1:FAILED=NONE", "never fails with 'NONE'; give one of .*EMAIL_ALREADY"),
            ("CreateAccount:1:SLOW=soon", "'soon' is no time; write seconds as SLOW=3600"),
            ("CreateAccount:1:SLOW=-1", "'-1' is no time"),
            ("CreateAccount:1:SLOW=inf", "'inf' is no time"),
            ("AttachPolicy:1:SLOW=3", "write CreateAccount:1:SLOW="),
            ("CreateAccount:1:SLOW=3:after", "without ':after'"),
            ("Lambda:1:ServiceException", "can only end in ':dies'"),
            ("CLI:AttachPolicy:1:dies", "can only end in ':kill'"),
            ("CLI:Attach:1:kill", "has no operation 'Attach'"),
            ("CLI:AttachPolicy:1:kill:after", "can only end in ':kill'"),
        ],
    )
    def test_fails_with_what_is_allowed(self, spec: str, message: str) -> None:
        """The message shows the fault and what to write instead."""
        with pytest.raises(FaultError, match=f"(?s)^fault '.*{message}"):
            Fault.parse(spec)

    def test_a_wrong_one_injects_none(self, backend: Any) -> None:
        """Not the right ones before it either."""
        with pytest.raises(FaultError):
            inject(backend, "AttachPolicy:1:ServiceException", "nonsense")
        assert backend.service.faults.state() == []


class TestErrors:
    """Calls that are answered with an error."""

    def test_the_third_call_fails(self, backend: Any) -> None:
        """That one only, by whomever, without effect, and the log says why."""
        root = backend.create_organization()
        inject(backend, "CreateOrganizationalUnit:3:TooManyRequestsException")
        backend.create_unit(root, "a")
        backend.create_unit(root, "b")
        refused = backend.refused("CreateOrganizationalUnit", ParentId=root, Name="c")
        assert refused.code == "TooManyRequestsException"
        entry = backend.service.calls()[-1]
        assert entry["fault"] == "CreateOrganizationalUnit:3:TooManyRequestsException"
        assert entry["result"] is None
        backend.create_unit(root, "c")
        assert backend.service.calls()[-1]["fault"] is None

    def test_counting_begins_with_the_injection(self, backend: Any) -> None:
        """What was called before does not count."""
        root = backend.create_organization()
        backend.create_unit(root, "a")
        inject(backend, "CreateOrganizationalUnit:1:ServiceException")
        backend.refused("CreateOrganizationalUnit", ParentId=root, Name="b")

    def test_a_range_fails_several(self, backend: Any) -> None:
        """As when AWS is down for a while."""
        backend.create_organization()
        inject(backend, "ListRoots:2-3:ServiceException")
        backend.call("ListRoots")
        backend.refused("ListRoots")
        backend.refused("ListRoots")
        backend.call("ListRoots")
        (state,) = backend.service.faults.state()
        assert (state["seen"], state["happened"]) == (4, 2)

    def test_a_lost_answer(self, backend: Any) -> None:
        """The call has taken effect, so the repeated one meets what the first one made."""
        root = backend.create_organization()
        inject(backend, "CreateOrganizationalUnit:1:ServiceException:after")
        params = {"ParentId": root, "Name": "a"}
        assert backend.refused("CreateOrganizationalUnit", **params).code == "ServiceException"
        entry = backend.service.calls()[-1]
        assert entry["result"]["OrganizationalUnit"]["Name"] == "a"
        assert entry["error"]["code"] == "ServiceException"
        again = backend.refused("CreateOrganizationalUnit", **params)
        assert again.code == "DuplicateOrganizationalUnitException"

    def test_a_refused_call_has_no_answer_to_lose(self, backend: Any) -> None:
        """Its own error is answered."""
        backend.create_organization()
        inject(backend, "CreateOrganizationalUnit:1:ServiceException:after")
        refused = backend.refused("CreateOrganizationalUnit", ParentId="r-none", Name="a")
        assert refused.code != "ServiceException"

    def test_a_reason(self, backend: Any) -> None:
        """Errors that have reasons carry the one that is named."""
        inject(
            backend, "CreateAccount:1:ConstraintViolationException=ACCOUNT_NUMBER_LIMIT_EXCEEDED"
        )
        refused = backend.refused("CreateAccount", AccountName="a", Email="aaaa@corp.com")
        assert refused.reason == "ACCOUNT_NUMBER_LIMIT_EXCEEDED"
        assert "injected" in refused.message

    def test_chance_is_repeatable(self, make_backend: Any) -> None:
        """The same seed fails the same calls, about as many as it says; only those that can."""

        def fails(seed: int) -> list[bool]:
            backend = make_backend()
            root = backend.create_organization()
            inject(backend, f"*:0.25:ConcurrentModificationException@{seed}")
            for _ in range(200):
                # Reads never answer with it, so they neither fail nor count.
                backend.call("ListRoots")
                params = {"ResourceId": root, "Tags": [{"Key": "a", "Value": "b"}]}
                with contextlib.suppress(ApiError):
                    backend.call("TagResource", **params)
            return [
                entry["error"] is not None
                for entry in backend.service.calls()
                if entry["operation"] == "TagResource"
            ]

        first = fails(7)
        assert first == fails(7)
        assert first != fails(8)
        assert 25 < sum(first) < 75

    def test_a_reset_forgets_them(self, backend: Any) -> None:
        """With their events."""
        inject(backend, "CreateOrganization:1:ServiceException")
        backend.refused("CreateOrganization")
        backend.service.reset()
        assert backend.service.faults.state() == []
        assert backend.service.faults.events() == []
        backend.call("CreateOrganization")


class TestAccounts:
    """Creations that end badly, as CloudFormation meets them."""

    def test_one_fails_later(self, backend: Any) -> None:
        """The call is accepted; the failure is in the status, with its reason."""
        backend.create_organization()
        inject(backend, "CreateAccount:1:FAILED=INTERNAL_FAILURE")
        with pytest.raises(HandlerError, match="INTERNAL_FAILURE"):
            create_account(backend)
        assert len(backend.call("ListAccounts")["Accounts"]) == 1
        create_account(backend)

    def test_one_takes_too_long(self, backend: Any) -> None:
        """CloudFormation gives up; the account appears an hour later and is nobody's."""
        backend.create_organization()
        inject(backend, "CreateAccount:1:SLOW=3600")
        with pytest.raises(HandlerError, match="IN_PROGRESS state before time out"):
            create_account(backend)
        assert len(backend.call("ListAccounts")["Accounts"]) == 1
        backend.service.clock.advance(3600)
        assert [account["Name"] for account in backend.call("ListAccounts")["Accounts"]] == [
            "Management",
            "audit",
        ]
        # The next attempt of the same template.
        with pytest.raises(HandlerError, match="already exists"):
            create_account(backend)


class TestServed:
    """Over the control paths."""

    def test_a_client_meets_it(self, aws: EmbeddedAws) -> None:
        """And it can be seen and cleared."""
        client = aws.client("organizations")
        client.create_organization()
        aws.inject("ListRoots:1-9:ServiceException")
        with pytest.raises(client.exceptions.ServiceException, match="injected"):
            client.list_roots()
        assert aws.faults()["faults"] == [
            {"fault": "ListRoots:1-9:ServiceException", "seen": 1, "happened": 1}
        ]
        assert aws.faults()["events"] == [
            {"n": 1, "effect": "ERROR", "fault": "ListRoots:1-9:ServiceException"}
        ]
        assert aws.faults(since=1)["events"] == []
        aws.clear_faults()
        client.list_roots()
        assert aws.faults()["faults"] == []

    def test_a_wrong_one_is_refused_before_it_is_sent(self, aws: EmbeddedAws) -> None:
        """With the message that says what to write."""
        with pytest.raises(FaultError, match="name one such as AttachPolicy"):
            aws.inject("Attach:1:ServiceException")
        assert aws.faults()["faults"] == []

    def test_the_command_line_is_killed_when_the_call_arrives(self, aws: EmbeddedAws) -> None:
        """Which still takes effect: CloudFormation goes on without the CLI."""
        client = aws.client("organizations")
        client.create_organization()
        aws.inject("CLI:ListRoots:2:kill")
        sleep = [sys.executable, "-c", "import time; time.sleep(60)"]
        with subprocess.Popen(sleep, process_group=0) as process, aws.killing(process):
            client.list_roots()
            time.sleep(0.1)
            assert process.poll() is None
            assert client.list_roots()["Roots"]
            assert process.wait(5) == -9

    def test_the_next_event_can_be_waited_for(self, aws: EmbeddedAws) -> None:
        """It is answered as soon as it happens, or when the time is over."""
        assert aws._control("GET", "faults?wait=0.05")["events"] == []
        aws.inject("ListRoots:1:ServiceException")
        client = aws.client("organizations")

        def meet() -> None:
            with contextlib.suppress(ClientError):
                client.list_roots()

        later = threading.Timer(0.1, meet)
        later.start()
        began = time.monotonic()
        (event,) = aws._control("GET", "faults?wait=25")["events"]
        assert time.monotonic() - began < 20
        assert event["fault"] == "ListRoots:1:ServiceException"
        later.join()
        with pytest.raises(RehearsalError, match="wait='soon' is not a number of seconds"):
            aws._control("GET", "faults?wait=soon")

    def test_nobody_is_killed_after_it_was_waited_for(self, aws: EmbeddedAws) -> None:
        """The fault comes too late, and another process may have the number by then."""
        client = aws.client("organizations")
        client.create_organization()
        aws.inject("CLI:ListRoots:1:kill")
        with (
            subprocess.Popen([sys.executable, "-c", ""]) as process,
            aws.killing(process),
        ):
            assert process.wait(10) == 0
            client.list_roots()
            time.sleep(0.3)
            assert process.returncode == 0
