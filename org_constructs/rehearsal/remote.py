"""What can be asked of a running embedded AWS, and done to it, over its control paths."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from typing import Any

from .backend import Fault, Settings
from .backend.faults import Effect

# How long one question for faults waits for the answer.
_WATCH_SECONDS = 0.2
# The same for one question whether functions have ended.
_WAIT_SECONDS = 5.0


class RehearsalError(RuntimeError):
    """The embedded AWS could not start, or could not do what it was told."""


class RemoteControl:
    """The control paths of an embedded AWS that runs, whoever has started it.

    Attributes:
        endpoint: its URL, such as `http://127.0.0.1:4566`.
    """

    def __init__(self, endpoint: str) -> None:
        self.endpoint = endpoint
        self._kills = False
        # The machine's proxy, if any, has no business here.
        self._opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))

    def calls(self, since: int = 0) -> list[dict[str, Any]]:
        """Return the calls to Organizations after number `since`, refused ones included.

        Each has `n`, `time`, `caller`, `operation`, `params`, `read`, `result` (of writes that took
        effect), `error` (`code`, `message`, `reason`, or None) and `fault` (what was injected at
        it, or None).
        """
        calls: list[dict[str, Any]] = self._control("GET", f"calls?since={since}")
        return calls

    def inject(self, *faults: str) -> None:
        """Let something go wrong; `reset` and `clear_faults` end it.

        Args:
            faults: such as `AttachPolicy:3:TooManyRequestsException` (the third such call from
                now on), `*:0.05:ConcurrentModificationException@7` (by chance, seed 7),
                `CreateAccount:1:FAILED=EMAIL_ALREADY_EXISTS`, `CreateAccount:2:SLOW=3600`,
                `Lambda:1:dies`, `CLI:AttachPolicy:2:kill`. An error that ends in `:after` is
                answered to a call that has taken effect.

        Raises:
            FaultError: one of them cannot be; nothing is injected.
        """
        parsed = [Fault.parse(fault) for fault in faults]
        self._control("POST", "faults", {"specs": list(faults)})
        self._kills = self._kills or any(fault.effect is Effect.KILL for fault in parsed)

    def clear_faults(self) -> None:
        """Let nothing more go wrong."""
        self._control("DELETE", "faults")

    def faults(self, since: int = 0) -> dict[str, list[dict[str, Any]]]:
        """Return the injected faults, and what has happened after event number `since`.

        `faults` has `fault`, `seen` (calls counted) and `happened` of each; `events` has `n`,
        `effect` and `fault` of each time one happened.
        """
        faults: dict[str, list[dict[str, Any]]] = self._control("GET", f"faults?since={since}")
        return faults

    @contextlib.contextmanager
    def killing(self, process: subprocess.Popen[Any]) -> Iterator[None]:
        """Kill a process that runs the CDK CLI, with its process group, when a fault says so."""
        if not self._kills:
            yield
            return
        seen = len(self.faults()["events"])
        ended = threading.Event()
        # Nobody waits for it: it ends with its last question.
        threading.Thread(
            target=self._watch, args=(process, ended, seen), name="faults", daemon=True
        ).start()
        try:
            yield
        finally:
            ended.set()

    def _watch(self, process: subprocess.Popen[Any], ended: threading.Event, seen: int) -> None:
        # The embedded AWS may stop at any time, which ends the watch too.
        with contextlib.suppress(OSError, RehearsalError):
            while not ended.is_set():
                action = f"faults?since={seen}&wait={_WATCH_SECONDS}"
                events = self._control("GET", action)["events"]
                seen += len(events)
                is_told = any(event["effect"] == Effect.KILL.name for event in events)
                if is_told and not ended.is_set() and process.poll() is None:
                    _kill(process)
                    return

    def run_schedules(self) -> list[str]:
        """Let each enabled EventBridge rule with a schedule fire now, and return their names."""
        names: list[str] = self._control("POST", "schedules")["rules"]
        return names

    def invocations(self, since: int = 0) -> list[dict[str, Any]]:
        """Return what EventBridge rules have invoked after number `since`.

        Each has `n`, `time`, `rule`, `function` (its ARN), `event`, `attempts`, `running`, and
        `error` (why it failed in the end, or was not allowed, or None).
        """
        invocations: list[dict[str, Any]] = self._control("GET", f"invocations?since={since}")
        return invocations

    def wait_for_functions(self, since: int = 0, *, seconds: float = 60.0) -> list[dict[str, Any]]:
        """Wait until no function that a rule has invoked runs any more, and return `invocations`.

        Raises:
            RehearsalError: one still runs after that many seconds of real time.
        """
        deadline = time.monotonic() + seconds
        while True:
            wait = max(0.0, min(deadline - time.monotonic(), _WAIT_SECONDS))
            action = f"invocations?since={since}&wait={wait}"
            invocations: list[dict[str, Any]] = self._control("GET", action)
            running = [entry["function"] for entry in invocations if entry["running"]]
            if not running:
                return invocations
            if time.monotonic() > deadline:
                raise RehearsalError(f"{running[0]} still runs after {seconds:g} s")

    def advance(self, seconds: float) -> float:
        """Move the clock of the embedded AWS forward, and return its time.

        EventBridge rules whose time has come in between fire, each once.

        Raises:
            RehearsalError: `seconds` is negative.
        """
        return float(self._control("POST", "clock", {"advance": seconds})["now"])

    def now(self) -> float:
        """Return the time on the clock of the embedded AWS, in seconds since the epoch."""
        return float(self._control("GET", "clock")["now"])

    def configure(self, **changes: Any) -> Settings:
        """Change settings until the next `reset`, and return all of them.

        Args:
            changes: settings by name, such as `throttling=True` or `write_seconds=0.5`.

        Raises:
            RehearsalError: a setting does not exist or its value is none.
        """
        return Settings().changed(self._control("POST", "settings", changes))

    def save(self) -> dict[str, Any]:
        """Return every organization as plain data, for `load`; stacks and buckets are not in it."""
        state: dict[str, Any] = self._control("GET", "state")
        return state

    def load(self, state: Mapping[str, Any]) -> None:
        """Take over what `save` returned, in place of every organization that exists.

        Raises:
            RehearsalError: it is nothing that `save` returned.
        """
        self._control("POST", "state", dict(state))

    def seed_from(self, snapshot: Mapping[str, Any]) -> None:
        """Add a copy of a live organization.

        Args:
            snapshot: what `org_constructs.operations.snapshot.take_snapshot` returned.

        Raises:
            RehearsalError: the snapshot is incomplete, or an account of it exists already.
        """
        self._control("POST", "seed", dict(snapshot))

    def add_account(self, account_id: str, *, email: str, name: str | None = None) -> None:
        """Let there be an account outside of any organization, which can be invited.

        An account that is not added exists once it is named or calls, with an address of its own.

        Raises:
            RehearsalError: it exists already, or its address does.
        """
        account = {"id": account_id, "name": name or f"Account {account_id}", "email": email}
        self._control("POST", "accounts", account)

    def reset(self) -> None:
        """Forget everything: no organization, no stacks, no buckets, no faults; settings as at start."""
        self._control("POST", "reset")
        self._kills = False

    def _control(self, method: str, action: str, content: Any = None) -> Any:
        request = urllib.request.Request(  # noqa: S310
            f"{self.endpoint}/_rehearsal/{action}",
            data=None if content is None else json.dumps(content).encode(),
            method=method,
        )
        try:
            with self._opener.open(request, timeout=30) as answer:
                return json.load(answer)
        except urllib.error.HTTPError as refused:
            with refused:
                raise RehearsalError(_reason(refused.read())) from None
        except urllib.error.URLError as error:
            raise RehearsalError(
                f"no embedded AWS answers at {self.endpoint}: {error.reason}"
            ) from error


def _reason(body: bytes) -> str:
    try:
        return str(json.loads(body)["error"])
    except (ValueError, TypeError, KeyError):
        return f"the answer is not one of an embedded AWS: {body[:200]!r}"


def _kill(process: subprocess.Popen[Any]) -> None:
    """Kill a process that has not been waited for, and its group when it leads one."""
    with contextlib.suppress(ProcessLookupError):
        if os.getpgid(process.pid) == process.pid:
            os.killpg(process.pid, signal.SIGKILL)
        else:
            process.kill()
