"""One write at a time: calls made at the same time conflict, calls made one after another never do."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from botocore.exceptions import ClientError

from org_constructs.rehearsal import EmbeddedAws, Settings
from org_constructs.rehearsal.backend import ApiError

AT_ONCE = 6
CONFLICT = "ConcurrentModificationException"


def at_once(calls: list[Callable[[], object]]) -> Counter[str]:
    """Make calls at the same time, and count how they end."""
    barrier = threading.Barrier(len(calls))

    def make(call: Callable[[], object]) -> str:
        barrier.wait()
        try:
            call()
        except ApiError as error:
            return error.code
        except ClientError as error:
            return str(error.response["Error"]["Code"])
        return "passed"

    with ThreadPoolExecutor(len(calls)) as threads:
        return Counter(threads.map(make, calls))


@pytest.fixture
def slow(make_backend: Any) -> Any:
    """A backend whose writes take half a second, on any machine long enough."""
    return make_backend(write_seconds=0.5)


@pytest.fixture(scope="module")
def busy() -> Iterator[EmbeddedAws]:
    """An embedded AWS whose writes take long enough for any machine."""
    with EmbeddedAws.start(settings=Settings(write_seconds=0.4)) as aws:
        yield aws


class TestBackend:
    """The service itself, as CloudFormation's handlers use it: on threads."""

    def test_one_of_six_passes(self, slow: Any) -> None:
        """The others are refused at once and change nothing."""
        root = slow.create_organization(policy_type=None)
        ends = at_once([lambda n=n: slow.create_unit(root, f"unit {n}") for n in range(AT_ONCE)])
        assert ends == {"passed": 1, CONFLICT: AT_ONCE - 1}
        units = slow.call("ListOrganizationalUnitsForParent", ParentId=root)
        assert len(units["OrganizationalUnits"]) == 1

    def test_who_has_the_answer_writes_again(self, make_backend: Any) -> None:
        """However soon, and also while the clock of the embedded AWS stands still."""
        backend = make_backend(write_seconds=0.01)
        root = backend.create_organization(policy_type=None)
        for n in range(5):
            backend.create_unit(root, f"unit {n}")

    def test_reads_are_answered_meanwhile(self, slow: Any) -> None:
        """They neither wait nor conflict."""
        root = slow.create_organization(policy_type=None)
        writer = threading.Thread(target=slow.create_unit, args=(root, "unit"))
        writer.start()
        time.sleep(0.05)
        slow.call("ListRoots")
        assert writer.is_alive()
        writer.join()

    def test_a_refused_write_is_no_write_in_progress(self, slow: Any) -> None:
        """It is answered at once, and others pass."""
        slow.create_organization(policy_type=None)
        began = time.monotonic()
        for _ in range(3):
            refused = slow.refused("CreateOrganizationalUnit", ParentId="r-none", Name="unit")
            assert refused.code != CONFLICT
        assert time.monotonic() - began < 0.5

    def test_an_account_in_creation_blocks_nothing(self, make_backend: Any) -> None:
        """Only the call that begins it is a write (inference)."""
        backend = make_backend(write_seconds=0.01, account_creation_seconds=3600)
        root = backend.create_organization(policy_type=None)
        backend.call("CreateAccount", AccountName="audit", Email="audit@corp.com")
        backend.create_unit(root, "unit")

    def test_other_organizations_do_not_matter(self, slow: Any) -> None:
        """Two organizations are written at the same time."""
        other = "222222222222"
        roots = {}
        for account in ("111111111111", other):
            slow.call("CreateOrganization", account=account)
            roots[account] = slow.call("ListRoots", account=account)["Roots"][0]["Id"]
        ends = at_once(
            [
                lambda account=account, root=root: slow.call(
                    "CreateOrganizationalUnit", account=account, ParentId=root, Name="unit"
                )
                for account, root in roots.items()
            ]
        )
        assert ends == {"passed": 2}

    def test_a_handlers_pause_is_long_enough(self, slow: Any) -> None:
        """The clock moves on by the seconds it sleeps, which ends the other write."""
        root = slow.create_organization(policy_type=None)
        writer = threading.Thread(target=slow.create_unit, args=(root, "first"))
        writer.start()
        time.sleep(0.05)
        refused = slow.refused("CreateOrganizationalUnit", ParentId=root, Name="second")
        assert refused.code == CONFLICT
        slow.service.clock.advance(15)
        slow.create_unit(root, "second")
        writer.join()


class TestServed:
    """Over HTTP, with boto3."""

    def test_one_of_six_passes(self, busy: EmbeddedAws) -> None:
        """Each with a client of its own, as parallel tools are."""
        busy.reset()
        clients = [busy.client("organizations") for _ in range(AT_ONCE)]
        clients[0].create_organization()
        root = clients[0].list_roots()["Roots"][0]["Id"]
        ends = at_once(
            [
                lambda n=n, client=client: client.create_organizational_unit(
                    ParentId=root, Name=f"unit {n}"
                )
                for n, client in enumerate(clients)
            ]
        )
        assert ends == {"passed": 1, CONFLICT: AT_ONCE - 1}

    def test_callers_who_wait_pass(self, busy: EmbeddedAws) -> None:
        """One after another, whoever calls; also when it is made quick at run time."""
        busy.reset()
        busy.configure(write_seconds=0.01)
        first, second = (busy.client("organizations") for _ in range(2))
        first.create_organization()
        root = first.list_roots()["Roots"][0]["Id"]
        for n in range(10):
            client = (first, second)[n % 2]
            client.create_organizational_unit(ParentId=root, Name=f"unit {n}")

    def test_it_is_on_for_people(self) -> None:
        """An embedded AWS that is served by hand rehearses conflicts, one of a test does not."""
        assert Settings.served().write_seconds > 0
        assert Settings().write_seconds == 0
