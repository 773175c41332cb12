"""`orgctl rehearse`: it says what went wrong, and nothing stays running, however it ends."""

from __future__ import annotations

import json
import os
import shlex
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

ORGCTL = str(Path(sys.executable).parent / "orgctl")
ROOT = Path(__file__).parents[2]
ACCOUNT = "111111111111"


def processes(holds: Callable[[list[str], list[str]], bool]) -> set[int]:
    """Return running processes by their arguments and the fields of /proc/PID/stat after the name."""
    found = set()
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            arguments = (entry / "cmdline").read_bytes().decode(errors="replace").split("\0")
            fields = (entry / "stat").read_text("utf-8").rpartition(")")[2].split()
        except (FileNotFoundError, ProcessLookupError):
            continue
        if fields[0] != "Z" and holds(arguments, fields):
            found.add(int(entry.name))
    return found


def left_of(pid: int) -> set[int]:
    """Return what a run of `orgctl`, started apart by `start`, has left running."""

    def belongs(arguments: list[str], fields: list[str]) -> bool:
        # The embedded AWS is started apart too, and is told whose child it is.
        served = "--parent" in arguments and arguments[arguments.index("--parent") + 1] == str(pid)
        return served or fields[3] == str(pid)

    return processes(belongs)


def wait_for(condition: Callable[[], object], seconds: float = 10) -> bool:
    """Wait until a condition holds; return whether it does."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.02)
    return True


@pytest.fixture
def start() -> Iterator[Callable[..., subprocess.Popen[str]]]:
    """Return a function that starts `orgctl` apart from the tests; what is left is ended."""
    started: list[subprocess.Popen[str]] = []

    def run(
        *arguments: str, stderr: int = subprocess.STDOUT, **environment: str
    ) -> subprocess.Popen[str]:
        process = subprocess.Popen(
            [ORGCTL, *arguments],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=stderr,
            text=True,
            env={**os.environ, **environment},
            start_new_session=True,
        )
        started.append(process)
        return process

    yield run
    for process in started:
        for pid in left_of(process.pid) | ({process.pid} if process.poll() is None else set()):
            os.kill(pid, signal.SIGKILL)
        process.communicate()


def app_of(folder: Path, script: str) -> Path:
    """Write a CDK app whose program is this script."""
    (folder / "main.py").write_text(script, "utf-8")
    command = f"{shlex.quote(sys.executable)} main.py"
    (folder / "cdk.json").write_text(json.dumps({"app": command}), "utf-8")
    return folder


def free_port() -> int:
    """Return a port on which nobody listens."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def answers(port: int) -> bool:
    """Tell whether somebody listens on a port."""
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def test_a_folder_without_an_app(tmp_path: Path, start: Callable[..., Any]) -> None:
    """It ends with 2 and names the folder, before anything is started."""
    process = start("rehearse", "--app", str(tmp_path), COLUMNS="1000")
    output, _ = process.communicate(timeout=30)
    assert process.returncode == 2
    assert f"'{tmp_path}' has no cdk.json; give the folder of a CDK app" in output


@pytest.mark.e2e
def test_a_failing_app(tmp_path: Path, start: Callable[..., Any]) -> None:
    """Its message is shown, the exit code is not 0, and the embedded AWS is gone."""
    app = app_of(tmp_path, "raise SystemExit('the app is broken')\n")
    process = start("rehearse", "--app", str(app))
    output, _ = process.communicate(timeout=60)
    assert process.returncode == 1
    assert "the app is broken" in output
    assert "`cdk synth` ended with 1" in output
    assert left_of(process.pid) == set()


@pytest.mark.e2e
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_rehearsal_that_is_stopped(
    tmp_path: Path, start: Callable[..., Any], number: signal.Signals
) -> None:
    """Stopped in the middle of a deployment it ends CLI, app and embedded AWS."""
    mark = tmp_path / "runs"
    app = app_of(tmp_path, f"import time\nopen({str(mark)!r}, 'w').close()\ntime.sleep(300)\n")
    process = start("rehearse", "--app", str(app))
    assert wait_for(mark.exists, 60), process.communicate(timeout=1)
    assert len(left_of(process.pid)) > 2
    process.send_signal(number)
    process.wait(timeout=60)
    assert process.returncode == 128 + number
    assert wait_for(lambda: left_of(process.pid) == set())


class TestServe:
    """`orgctl rehearse --serve`."""

    def test_it_answers_on_the_port(self, start: Callable[..., Any]) -> None:
        """It prints the endpoint, at once also into a pipe, and boto3 works with it."""
        import boto3

        port = free_port()
        process = start("rehearse", "--serve", "--port", str(port), stderr=subprocess.DEVNULL)
        assert f"http://127.0.0.1:{port}" in process.stdout.readline()
        client = boto3.session.Session(
            aws_access_key_id=ACCOUNT,
            aws_secret_access_key="rehearsal",  # noqa: S106
            region_name="us-east-1",
        ).client("organizations", endpoint_url=f"http://127.0.0.1:{port}")
        made = client.create_organization(FeatureSet="ALL")["Organization"]
        assert made["MasterAccountId"] == ACCOUNT

    def test_a_port_that_is_taken(self, start: Callable[..., Any]) -> None:
        """It says so in a line and does not end with 0."""
        with socket.socket() as taken:
            taken.bind(("127.0.0.1", 0))
            taken.listen()
            port = taken.getsockname()[1]
            process = start("rehearse", "--serve", "--port", str(port))
            output, _ = process.communicate(timeout=30)
        assert process.returncode == 1
        assert str(port) in output
        assert "Traceback" not in output

    @pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
    def test_a_signal_leaves_nothing_running(
        self, start: Callable[..., Any], number: signal.Signals
    ) -> None:
        """Neither a process nor the port is left; asked to stop, it ends in good order."""
        port = free_port()
        process = start("rehearse", "--serve", "--port", str(port), stderr=subprocess.DEVNULL)
        assert f"http://127.0.0.1:{port}" in process.stdout.readline()
        assert answers(port)
        process.send_signal(number)
        process.wait(timeout=10)
        assert process.returncode == (-number if number is signal.SIGKILL else 0)
        assert wait_for(lambda: left_of(process.pid) == set())
        assert not answers(port)


@pytest.mark.e2e
def test_make_deploy_local(tmp_path: Path) -> None:
    """From any folder: the reference organization is deployed and shown, with the times it took."""
    # What set-up makes is there, or no test would run; made anew, it would pull away the ground
    # from under the tests that run beside this one.
    ready = (".venv/.packages", ".venv/.ready", "node_modules/.ready")
    old = [part for file in ready for part in ("-o", str(ROOT / file))]
    done = subprocess.run(
        ["make", "-C", str(ROOT), *old, "deploy-local", "ARGS="],
        cwd=tmp_path,
        check=False,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    assert done.returncode == 0, done.stdout
    shown = done.stdout.partition("as deployed")[2]
    for name in ("Root", "Security", "Workloads", "Production", "Staging", "Sandbox"):
        assert f" {name} " in shown, shown
    accounts = ("LogArchive", "SecurityTooling", "payments-prod", "payments-staging", "playground")
    for name in accounts:
        assert f" {name} " in shown, shown
    assert len([line for line in shown.splitlines() if " policy " in line]) == 3
    for step in ("start", "bootstrap", "deploy", "read back", "all"):
        assert [line for line in shown.splitlines() if line.strip().startswith(step)], shown
    assert "deploy: converged, no gap" in shown
    assert list(tmp_path.iterdir()) == []
