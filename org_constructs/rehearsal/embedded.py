"""The embedded AWS as a child process, for tests, tools and `make deploy-local`."""

from __future__ import annotations

import atexit
import contextlib
import importlib.util
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from .backend import Fault, Settings
from .backend.faults import Effect

_START_TIMEOUT = 30.0
_STOP_TIMEOUT = 3.0
_LOG_TAIL = 20
# How long one question for faults waits for the answer.
_WATCH_SECONDS = 0.2


class RehearsalError(RuntimeError):
    """The embedded AWS could not start, or could not do what it was told."""


class EmbeddedAws:
    """A running embedded AWS on loopback; make one with `EmbeddedAws.start()`.

    Attributes:
        endpoint: its URL, such as `http://127.0.0.1:40123`.
        account_id: the account for which `environment` and `client` sign by default.
        region: its Region.
        pid: the process that serves it.
        started_in: how many seconds it took until it answered.
    """

    def __init__(
        self, process: subprocess.Popen[bytes], folder: Path, *, account_id: str, region: str
    ) -> None:
        self._process = process
        self._folder = folder
        self._stopped = False
        self._kills = False
        # The machine's proxy, if any, has no business here.
        self._opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        self.endpoint = ""
        self.account_id = account_id
        self.region = region
        self.pid = process.pid
        self.started_in = 0.0

    @classmethod
    def start(
        cls,
        port: int | None = None,
        account_id: str = "111111111111",
        region: str = "us-east-1",
        *,
        settings: Settings | None = None,
    ) -> Self:
        """Start an embedded AWS and wait until it answers.

        Args:
            port: the port on loopback; a free one by default.
            account_id: the account that callers act in unless they say otherwise.
            region: the Region.
            settings: how Organizations behaves, such as raised quotas.

        Raises:
            RehearsalError: it did not start; the message ends with its log.
        """
        _require_extra()
        began = time.monotonic()
        folder = Path(tempfile.mkdtemp(prefix="org-constructs-rehearsal-"))
        for name in ("tmp", "home"):
            (folder / name).mkdir()
        (folder / "home" / ".cdk.json").write_text('{"notices": false}', "utf-8")
        announced = folder / "endpoint"
        command = [
            *(sys.executable, "-m", "org_constructs.rehearsal"),
            *("--port", str(port or 0)),
            *("--account-id", account_id),
            *("--region", region),
            *("--settings", json.dumps((settings or Settings()).to_json())),
            *("--announce", str(announced)),
            *("--parent", str(os.getpid())),
        ]
        with (folder / "server.log").open("wb") as log:
            process = subprocess.Popen(  # noqa: S603
                command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                cwd=folder,
                env=_server_environment(folder),
                start_new_session=True,
            )
        aws = cls(process, folder, account_id=account_id, region=region)
        try:
            aws.endpoint = aws._wait_for(announced)
        except BaseException:
            aws.stop()
            raise
        aws.started_in = time.monotonic() - began
        atexit.register(aws.stop)
        return aws

    def _wait_for(self, announced: Path) -> str:
        deadline = time.monotonic() + _START_TIMEOUT
        while not announced.exists():
            if self._process.poll() is not None:
                raise RehearsalError(f"the embedded AWS ended at start:\n{self._log_tail()}")
            if time.monotonic() > deadline:
                raise RehearsalError(
                    f"the embedded AWS did not start in {_START_TIMEOUT:.0f} s:\n{self._log_tail()}"
                )
            time.sleep(0.01)
        return announced.read_text("utf-8")

    def _log_tail(self) -> str:
        log = (self._folder / "server.log").read_text("utf-8", errors="replace")
        return "\n".join(log.splitlines()[-_LOG_TAIL:]) or "(its log is empty)"

    def act_as(self, account_id: str, region: str) -> None:
        """Sign for another account and Region from now on, unless a call says otherwise."""
        self.account_id = account_id
        self.region = region

    def make_folder(self) -> Path:
        """Make a folder that is removed with everything else, also when this process is killed."""
        return Path(tempfile.mkdtemp(dir=self._folder))

    def environment(self, account_id: str | None = None) -> dict[str, str]:
        """Return the environment in which the CDK CLI, an SDK or the AWS CLI talk to this AWS only.

        Nothing of the user's AWS set-up is in it: no profile, no credentials, no configuration.

        Args:
            account_id: the account to act in; the one of `start` by default.
        """
        account = account_id or self.account_id
        home = self._folder / "home"
        kept = {key: value for key, value in os.environ.items() if not key.startswith("AWS_")}
        return {
            **_jsii_cache(),
            **kept,
            "AWS_ENDPOINT_URL": self.endpoint,
            "AWS_ACCESS_KEY_ID": account,
            "AWS_SECRET_ACCESS_KEY": "rehearsal",
            "AWS_REGION": self.region,
            "AWS_DEFAULT_REGION": self.region,
            "AWS_CONFIG_FILE": os.devnull,
            "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
            "AWS_EC2_METADATA_DISABLED": "true",
            "AWS_PAGER": "",
            "CDK_DEFAULT_ACCOUNT": account,
            "CDK_DEFAULT_REGION": self.region,
            "CDK_DISABLE_CLI_TELEMETRY": "1",
            "CDK_DISABLE_VERSION_CHECK": "1",
            # The CLI remembers there which account a key belongs to.
            "CDK_HOME": str(home / ".cdk"),
            "HOME": str(home),
            "NO_PROXY": "127.0.0.1",
            "no_proxy": "127.0.0.1",
        }

    def client(
        self, service: str, account_id: str | None = None, *, region: str | None = None
    ) -> Any:
        """Return a boto3 client of a service.

        Args:
            service: its name in boto3, such as `organizations`.
            account_id: the account to act in; the one of `start` by default.
            region: the Region to call; the one of `start` by default.
        """
        import boto3
        import botocore.session
        from botocore.config import Config

        # The user's profile and configuration files are not even looked for.
        nothing = (None, None, os.devnull, None)
        own = botocore.session.Session(
            session_vars={
                "profile": (None, None, None, None),
                "config_file": nothing,
                "credentials_file": nothing,
            }
        )
        session = boto3.session.Session(
            botocore_session=own,
            aws_access_key_id=account_id or self.account_id,
            aws_secret_access_key="rehearsal",  # noqa: S106
            region_name=region or self.region,
        )
        # A refusal is shown at once: nothing here gets better by being repeated.
        config = Config(retries={"total_max_attempts": 1}, proxies={})
        return session.client(service, endpoint_url=self.endpoint, config=config)  # type: ignore[call-overload]

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

    def advance(self, seconds: float) -> float:
        """Move the clock of the embedded AWS forward, and return its time.

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
                raise RehearsalError(json.load(refused)["error"]) from None

    def stop(self) -> None:
        """Stop it with everything it started, and remove its folder; again does nothing."""
        if self._stopped:
            return
        self._stopped = True
        atexit.unregister(self.stop)
        self._process.terminate()
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(_STOP_TIMEOUT)
        # Functions that still run are in the server's own process group.
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self.pid, signal.SIGKILL)
        self._process.wait()
        shutil.rmtree(self._folder, ignore_errors=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.stop()


def _kill(process: subprocess.Popen[Any]) -> None:
    """Kill a process that has not been waited for, and its group when it leads one."""
    with contextlib.suppress(ProcessLookupError):
        if os.getpgid(process.pid) == process.pid:
            os.killpg(process.pid, signal.SIGKILL)
        else:
            process.kill()


def _require_extra() -> None:
    for module in ("ministack", "boto3"):
        if importlib.util.find_spec(module) is None:
            raise RehearsalError(
                f"the rehearsal needs {module!r}; pip install 'path/to/org-constructs[rehearsal]'"
            )


def _server_environment(folder: Path) -> dict[str, str]:
    """Return the environment of the server: the user's without anything of AWS's."""
    kept = {key: value for key, value in os.environ.items() if not key.startswith("AWS_")}
    package_root = str(Path(__file__).resolve().parents[2])
    paths = [package_root, *filter(None, [os.environ.get("PYTHONPATH")])]
    return {
        **kept,
        "PYTHONPATH": os.pathsep.join(paths),
        "TMPDIR": str(folder / "tmp"),
        "HOME": str(folder / "home"),
    }


def _jsii_cache() -> dict[str, str]:
    """Keep jsii's cache of unpacked libraries: without it each run unpacks aws-cdk-lib again."""
    home = Path.home()
    cache = (
        home / "Library/Caches/com.amazonaws.jsii"
        if sys.platform == "darwin"
        else home / ".cache/aws/jsii/package-cache"
    )
    return {"JSII_RUNTIME_PACKAGE_CACHE_ROOT": str(cache)}
