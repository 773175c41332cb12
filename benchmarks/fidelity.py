"""How faithful, and how quick: the embedded AWS beside plain ministack and moto, in one run.

Each is asked every behaviour of `tests/conformance/behaviours` through boto3. The others have no
clock to advance and nothing to configure: they need not wait, so advancing is left out for them;
a behaviour that has to be configured (a full quota, a creation that fails) counts as not there.
Errors are compared by their code.
moto is installed into an environment of its own below the system's folder for temporary files.

Usage: python benchmarks/fidelity.py [--only NAME] [--failures NAME]
"""

from __future__ import annotations

import argparse
import contextlib
import http.client
import os
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import venv
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, cast
from urllib.request import Request, urlopen

FOLDER = Path(__file__).parent.parent
sys.path.insert(0, str(FOLDER / "tests" / "conformance"))

from behaviour_driver import Player, Served, behaviours  # noqa: E402

if TYPE_CHECKING:
    from org_constructs.rehearsal import EmbeddedAws

MOTO = "moto[server]==5.2.5"
STARTS = 5
RESETS = 30
START_LIMIT = 1.0
RESET_LIMIT = 0.050


class NotThereError(Exception):
    """The emulator has no means to be asked this."""


class Codes(Served):
    """The served API, judged by its error codes: only the embedded AWS tells reasons apart."""

    def send(
        self, operation: str, params: dict[str, Any], account: str
    ) -> tuple[dict[str, Any], dict[str, str]]:
        """Make a call; return the answer, or the error."""
        answer, error = super().send(operation, params, account)
        return answer, {key: error[key] for key in error if key != "reason"}


class Peer(Codes):
    """Another emulator, which can be reset and no more."""

    def __init__(self, endpoint: str, reset_path: str) -> None:
        super().__init__(cast("EmbeddedAws", SimpleNamespace(endpoint=endpoint)))
        self._reset = Request(f"{endpoint}{reset_path}", method="POST")  # noqa: S310

    def reset(self) -> None:
        """Let nothing exist."""
        urlopen(self._reset).close()  # noqa: S310

    def advance(self, seconds: float) -> None:
        """Do nothing: what AWS does after a while, these do at once."""

    def configure(self, changes: dict[str, Any]) -> None:
        """Refuse: there is nothing to configure."""
        raise NotThereError(", ".join(changes))

    def send(
        self, operation: str, params: dict[str, Any], account: str
    ) -> tuple[dict[str, Any], dict[str, str]]:
        """Make a call; what is there from the start, where AWS wants it made, is taken as made."""
        answer, error = super().send(operation, params, account)
        if operation == "CreateOrganization" and error.get("error") == "InvalidAction":
            return super().send("DescribeOrganization", {}, account)
        if operation == "EnablePolicyType" and error.get("error") == "InvalidAction":
            return {}, {}
        return answer, error

    def number_of_calls(self) -> int:
        """Refuse: no call can be seen on its way."""
        raise NotThereError("calls")


def _free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
        return port


@contextlib.contextmanager
def _served(
    command: list[str], port: int, health: str, environment: dict[str, str]
) -> Iterator[float]:
    """Run a server until it answers; yield how many seconds that took."""
    began = time.monotonic()
    process = subprocess.Popen(
        command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        while True:
            connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
            with contextlib.suppress(OSError):
                connection.request("GET", health)
                if connection.getresponse().status < http.client.BAD_REQUEST:
                    break
            assert process.poll() is None, f"{command} ended"
            time.sleep(0.01)
        yield time.monotonic() - began
    finally:
        process.terminate()
        process.wait(10)


@contextlib.contextmanager
def embedded() -> Iterator[tuple[Served, float]]:
    """The embedded AWS of this project, with the clock in the test's hands."""
    from org_constructs.rehearsal import EmbeddedAws
    from org_constructs.rehearsal.backend import Settings

    settings = Settings(
        account_creation_seconds=30, account_closure_seconds=30, policy_type_seconds=30
    )
    with EmbeddedAws.start(settings=settings) as aws:
        yield Codes(aws), aws.started_in


@contextlib.contextmanager
def ministack() -> Iterator[tuple[Served, float]]:
    """Plain ministack."""
    port = _free_port()
    with tempfile.TemporaryDirectory() as folder:
        environment = {
            **os.environ,
            "GATEWAY_PORT": str(port),
            "BIND_HOST": "127.0.0.1",
            "MINISTACK_HOST": "127.0.0.1",
            "IOT_MTLS_ENABLED": "0",
            "SFTP_ENABLED": "0",
            "TMPDIR": folder,
            "STATE_DIR": folder,
        }
        command = [str(Path(sys.executable).with_name("ministack"))]
        with _served(command, port, "/_ministack/health", environment) as seconds:
            yield Peer(f"http://127.0.0.1:{port}", "/_ministack/reset"), seconds


@contextlib.contextmanager
def moto() -> Iterator[tuple[Served, float]]:
    """Moto's server."""
    home = Path(tempfile.gettempdir()) / f"fidelity-{MOTO.partition('==')[2]}"
    server = home / "bin" / "moto_server"
    if not server.exists():
        venv.create(home, with_pip=True)
        install = [str(home / "bin" / "pip"), "install", "--quiet", MOTO]
        subprocess.run(install, check=True, stderr=subprocess.DEVNULL)
    port = _free_port()
    command = [str(server), "-H", "127.0.0.1", "-p", str(port)]
    with _served(command, port, "/moto-api/", dict(os.environ)) as seconds:
        yield Peer(f"http://127.0.0.1:{port}", "/moto-api/reset"), seconds


SUBJECTS: dict[str, Callable[[], contextlib.AbstractContextManager[tuple[Served, float]]]] = {
    "embedded AWS": embedded,
    "ministack": ministack,
    "moto": moto,
}


def _by_code(behaviour: dict[str, Any]) -> dict[str, Any]:
    """Return a behaviour without the reasons that errors have."""
    steps = [
        {**step, "expect": {k: v for k, v in step["expect"].items() if k != "reason"}}
        if "expect" in step
        else step
        for step in behaviour["steps"]
    ]
    return {**behaviour, "steps": steps}


def score(transport: Served, *, show_failures: bool) -> tuple[Counter[str], int]:
    """Return how many behaviours hold, by the strength of their evidence, and how many there are."""
    passed: Counter[str] = Counter()
    every = list(behaviours())
    for file, behaviour in every:
        try:
            Player(transport).play(_by_code(behaviour))
        # Whatever an emulator answers instead is a behaviour that does not hold.
        except Exception as error:  # noqa: BLE001
            if show_failures:
                print(f"{file}/{behaviour['id']}: {type(error).__name__}: {str(error)[:160]}")
        else:
            passed[behaviour["evidence"]] += 1
    return passed, len(every)


def main() -> int:
    """Score all and print a table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--only", choices=SUBJECTS)
    parser.add_argument("--failures", choices=SUBJECTS, help="show what does not hold")
    arguments = parser.parse_args()
    names = [arguments.only] if arguments.only else list(SUBJECTS)
    evidence = Counter(behaviour["evidence"] for _, behaviour in behaviours())
    kinds = sorted(evidence)
    print(f"{'':14}{'behaviours':>12}", *(f"{kind:>15}" for kind in kinds), sep="", end="")
    print(f"{'start, s':>10}{'reset, ms':>11}")
    ours_hold = True
    for name in names:
        starts = []
        for _ in range(STARTS - 1):
            with SUBJECTS[name]() as (_aws, seconds):
                starts.append(seconds)
        with SUBJECTS[name]() as (aws, seconds):
            starts.append(seconds)
            passed, total = score(aws, show_failures=arguments.failures == name)
            resets = []
            for _ in range(RESETS):
                began = time.perf_counter()
                aws.reset()
                resets.append(time.perf_counter() - began)
        start, reset = statistics.median(starts), statistics.median(resets)
        print(f"{name:14}{passed.total():>5} of {total:<4}", end="")
        print(*(f"{passed[kind]:>8} of {evidence[kind]:<4}" for kind in kinds), sep="", end="")
        print(f"{start:>9.2f}{reset * 1000:>11.1f}", flush=True)
        if name == "embedded AWS":
            ours_hold = passed.total() == total and start < START_LIMIT and reset < RESET_LIMIT
    return 0 if ours_hold else 1


if __name__ == "__main__":
    sys.exit(main())
