"""The embedded AWS as a child process, for tests, tools and `make deploy-local`."""

from __future__ import annotations

import atexit
import contextlib
import functools
import importlib.util
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from .backend import Settings
from .lifetime import forget, noting
from .remote import RehearsalError, RemoteControl

__all__ = ["EmbeddedAws", "RehearsalError"]

_START_TIMEOUT = 30.0
_STOP_TIMEOUT = 3.0
_LOG_TAIL = 20


class EmbeddedAws(RemoteControl):
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
        # Where it answers is known when it does.
        super().__init__("")
        self._process = process
        self._folder = folder
        self._stopped = False
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

    def noting(self, command: Sequence[str]) -> list[str]:
        """Return a command that ends with everything else when this process is killed.

        It has to lead a group of processes; `forget` it when it has ended.
        """
        return noting(self._folder, command)

    def forget(self, process: subprocess.Popen[Any]) -> None:
        """Forget a process that was started by `noting`, and has ended."""
        forget(self._folder, process.pid)

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
        own.register_component("data_loader", _loader())
        session = boto3.session.Session(
            botocore_session=own,
            aws_access_key_id=account_id or self.account_id,
            aws_secret_access_key="rehearsal",  # noqa: S106
            region_name=region or self.region,
        )
        # A refusal is shown at once: nothing here gets better by being repeated.
        config = Config(retries={"total_max_attempts": 1}, proxies={})
        return session.client(service, endpoint_url=self.endpoint, config=config)  # type: ignore[call-overload]

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


@functools.cache
def _loader() -> Any:
    """Return what has read the services' models once: each session of its own reads them again."""
    from botocore.loaders import create_loader

    return create_loader(os.environ.get("AWS_DATA_PATH"))


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
