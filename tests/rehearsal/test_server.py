"""The server's life: quick to start, nothing left behind."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import pytest

from org_constructs.rehearsal import EmbeddedAws, RehearsalError, emulator


def is_alive(pid: int) -> bool:
    """Tell whether a process runs; a zombie does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text("utf-8").rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def wait_until_gone(pid: int) -> bool:
    """Wait a little for a process to end."""
    deadline = time.monotonic() + 5
    while is_alive(pid) and time.monotonic() < deadline:
        time.sleep(0.02)
    return not is_alive(pid)


def test_start_and_stop() -> None:
    """It says where it is and how long it took; stopping removes everything, also twice."""
    aws = EmbeddedAws.start()
    folder = Path(aws.environment()["HOME"]).parent
    assert aws.endpoint.startswith("http://127.0.0.1:")
    assert is_alive(aws.pid)
    assert 0 < aws.started_in < 10
    aws.stop()
    aws.stop()
    assert not is_alive(aws.pid)
    assert not folder.exists()


def test_it_listens_on_loopback_only() -> None:
    """On one port."""
    with EmbeddedAws.start() as aws:
        port = int(aws.endpoint.rpartition(":")[2])
        listening = set()
        for name in ("tcp", "tcp6"):
            inodes = set()
            for entry in Path(f"/proc/{aws.pid}/fd").iterdir():
                # A file that has just been closed is none that listens.
                with contextlib.suppress(FileNotFoundError):
                    link = str(entry.readlink())
                    if link.startswith("socket:["):
                        inodes.add(link.removeprefix("socket:[").rstrip("]"))
            for line in Path(f"/proc/{aws.pid}/net/{name}").read_text("utf-8").splitlines()[1:]:
                fields = line.split()
                if fields[3] == "0A" and fields[9] in inodes:
                    listening.add(fields[1])
        assert listening == {f"0100007F:{port:04X}"}


def test_an_exception_stops_it() -> None:
    """Leaving the block in any way does."""
    started = []

    def fail() -> None:
        with EmbeddedAws.start() as aws:
            started.append(aws.pid)
            raise ValueError("oops")

    with pytest.raises(ValueError, match="oops"):
        fail()
    assert not is_alive(started[0])


def test_it_ends_when_its_parent_is_killed() -> None:
    """Even by SIGKILL, which nobody can handle."""
    script = textwrap.dedent(
        """
        import time
        from org_constructs.rehearsal import EmbeddedAws
        aws = EmbeddedAws.start()
        print(aws.pid, aws.environment()["HOME"], flush=True)
        time.sleep(60)
        """
    )
    with subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE) as parent:
        assert parent.stdout is not None
        pid, home = parent.stdout.readline().decode().split()
        assert is_alive(int(pid))
        parent.kill()
    assert wait_until_gone(int(pid))
    assert not Path(home).parent.exists()


def test_a_taken_port_is_an_error_with_the_log() -> None:
    """The message ends with what the server said."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        with pytest.raises(RehearsalError, match=r"(?s)cannot start.*in use"):
            EmbeddedAws.start(port=taken.getsockname()[1])


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_it_serves_in_the_foreground(number: signal.Signals) -> None:
    """`python -m org_constructs.rehearsal` says where it is and ends on Ctrl-C or SIGTERM."""
    command = [sys.executable, "-m", "org_constructs.rehearsal", "--port", "0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as server:
        assert server.stdout is not None
        assert server.stdout.readline().startswith(b"embedded AWS at http://127.0.0.1:")
        server.send_signal(number)
        assert server.wait(10) == 0


def test_the_environment_has_nothing_of_the_users(monkeypatch: pytest.MonkeyPatch) -> None:
    """No profile, no session token, no configuration; the path is kept."""
    monkeypatch.setenv("AWS_PROFILE", "production")
    monkeypatch.setenv("AWS_SESSION_TOKEN", "real")
    with EmbeddedAws.start() as aws:
        environment = aws.environment("222222222222")
        assert aws.client("sts").get_caller_identity()["Account"] == aws.account_id
        identity = aws.client("sts", "222222222222").get_caller_identity()
        assert identity["Account"] == "222222222222"
    assert "AWS_PROFILE" not in environment
    assert "AWS_SESSION_TOKEN" not in environment
    assert environment["AWS_ACCESS_KEY_ID"] == "222222222222"
    assert environment["AWS_CONFIG_FILE"] == os.devnull
    assert environment["PATH"] == os.environ["PATH"]
    assert environment["HOME"] != os.environ.get("HOME")


def test_importing_it_needs_no_extra() -> None:
    """Neither the emulator nor the SDK is imported, and the CDK is not either."""
    script = (
        "import sys, org_constructs.rehearsal;"
        "print([m for m in ('ministack', 'boto3', 'aws_cdk', 'hypercorn') if m in sys.modules])"
    )
    answer = subprocess.run([sys.executable, "-c", script], capture_output=True, check=True)
    assert answer.stdout.strip() == b"[]"


def test_without_the_extra_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    """Before it starts anything."""
    monkeypatch.setattr("importlib.util.find_spec", lambda _name: None)
    with pytest.raises(RehearsalError, match=r"pip install 'path/to/org-constructs\[rehearsal\]'"):
        EmbeddedAws.start()


def test_every_taken_name_exists() -> None:
    """In the version of the emulator that is installed."""
    emulator.check_emulator()


@pytest.mark.parametrize(
    "names", [{"ministack.app": ("no_such_name",)}, {"ministack.no_such_module": ()}]
)
def test_another_emulator_is_refused(
    monkeypatch: pytest.MonkeyPatch, names: dict[str, tuple[str, ...]]
) -> None:
    """With the name that it lacks, and the remedy."""
    monkeypatch.setattr(emulator, "TAKEN_NAMES", names)
    with pytest.raises(emulator.EmulatorError, match=r"no_such_.*pip install"):
        emulator.check_emulator()
