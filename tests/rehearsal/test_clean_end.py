"""Nothing is left behind: no process, no function, no folder, however it ends."""

from __future__ import annotations

import contextlib
import io
import json
import os
import signal
import subprocess
import sys
import textwrap
import time
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from org_constructs.rehearsal import EmbeddedAws

FUNCTION = textwrap.dedent(
    """
    import os, pathlib, signal, time

    def handler(event, context):
        if event.get("stubborn"):
            signal.signal(signal.SIGTERM, signal.SIG_IGN)
        pathlib.Path(event["file"]).write_text(str(os.getpid()))
        time.sleep(event["seconds"])
    """
)


def start_function(aws: EmbeddedAws, folder: Path, *, stubborn: bool = False) -> int:
    """Let a function run for a minute, and return its process id."""
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as code:
        code.writestr("index.py", FUNCTION)
    functions = aws.client("lambda")
    functions.create_function(
        FunctionName="slow",
        Runtime="python3.13",
        Role=f"arn:aws:iam::{aws.account_id}:role/any",
        Handler="index.handler",
        Code={"ZipFile": archive.getvalue()},
        Timeout=60,
    )
    file = folder / "pid"
    event = {"file": str(file), "seconds": 60, "stubborn": stubborn}
    functions.invoke(FunctionName="slow", InvocationType="Event", Payload=json.dumps(event))
    assert holds(lambda: file.exists() and file.read_text("utf-8") != "")
    return int(file.read_text("utf-8"))


def is_alive(pid: int) -> bool:
    """Tell whether a process runs; a zombie does not."""
    done = subprocess.run(["ps", "-o", "stat=", "-p", str(pid)], capture_output=True, check=False)
    state = done.stdout.strip()
    return bool(state) and not state.startswith(b"Z")


def holds(condition: Callable[[], bool], seconds: float = 10) -> bool:
    """Wait until something is so."""
    deadline = time.monotonic() + seconds
    while not condition() and time.monotonic() < deadline:
        time.sleep(0.02)
    return condition()


def folder_of(aws: EmbeddedAws) -> Path:
    """Return the folder in which everything of it is."""
    return Path(aws.environment()["HOME"]).parent


@pytest.mark.parametrize("stubborn", [False, True])
def test_stop_ends_functions(tmp_path: Path, *, stubborn: bool) -> None:
    """One that still runs, also one that does not care for SIGTERM."""
    aws = EmbeddedAws.start()
    try:
        function = start_function(aws, tmp_path, stubborn=stubborn)
    finally:
        aws.stop()
    assert holds(lambda: not is_alive(function))
    assert not folder_of(aws).exists()


@pytest.mark.parametrize("stubborn", [False, True])
def test_a_killed_parent_leaves_nothing(tmp_path: Path, *, stubborn: bool) -> None:
    """Neither the server nor its running function, nor a folder."""
    script = textwrap.dedent(
        f"""
        import pathlib, sys, time
        sys.path.insert(0, {str(Path(__file__).parent)!r})
        from test_clean_end import folder_of, start_function
        from org_constructs.rehearsal import EmbeddedAws
        aws = EmbeddedAws.start()
        function = start_function(aws, pathlib.Path({str(tmp_path)!r}), stubborn={stubborn})
        assert folder_of(aws) in aws.make_folder().parents
        print(aws.pid, function, folder_of(aws), flush=True)
        time.sleep(60)
        """
    )
    with subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE) as parent:
        assert parent.stdout is not None
        server, function, folder = parent.stdout.readline().decode().split()
        assert is_alive(int(server))
        assert is_alive(int(function))
        parent.kill()
    assert holds(lambda: not is_alive(int(server)))
    assert holds(lambda: not is_alive(int(function)))
    assert holds(lambda: not Path(folder).exists())


def test_a_killed_parent_leaves_no_cli(tmp_path: Path) -> None:
    """Neither the CDK CLI that it runs, nor what that would write after the folder is removed."""
    cdk = tmp_path / "node_modules" / ".bin" / "cdk"
    cdk.parent.mkdir(parents=True)
    cdk.write_text(
        '#!/bin/sh\necho $$\nwhile :; do mkdir -p "$TMPDIR/written"; sleep 0.05; done\n', "utf-8"
    )
    cdk.chmod(0o755)
    script = textwrap.dedent(
        f"""
        import pathlib, sys
        sys.path.insert(0, {str(Path(__file__).parent)!r})
        from test_clean_end import folder_of
        from org_constructs.rehearsal import EmbeddedAws
        from org_constructs.rehearsal.cdk_cli import CdkCli
        aws = EmbeddedAws.start()
        print(folder_of(aws), flush=True)
        CdkCli(aws, pathlib.Path({str(tmp_path)!r})).synth()
        """
    )
    with subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE) as parent:
        assert parent.stdout is not None
        folder, cli = (parent.stdout.readline().decode().strip() for _ in range(2))
        is_writing = holds(lambda: any(Path(folder).rglob("written")))
        parent.kill()
    assert is_writing
    try:
        assert holds(lambda: not is_alive(int(cli)))
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(int(cli), signal.SIGKILL)
    assert holds(lambda: not Path(folder).exists())
    # Nothing brings it back.
    time.sleep(0.2)
    assert not Path(folder).exists()


def test_a_killed_server_leaves_nothing(tmp_path: Path) -> None:
    """Its function is ended, and its folder removed, by `stop`."""
    aws = EmbeddedAws.start()
    try:
        function = start_function(aws, tmp_path)
        os.kill(aws.pid, signal.SIGKILL)
    finally:
        aws.stop()
    assert holds(lambda: not is_alive(function))
    assert not folder_of(aws).exists()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_the_foreground_ends_functions(tmp_path: Path, number: signal.Signals) -> None:
    """Ctrl-C does not wait a minute for a function, and leaves no temporary folder."""
    command = [sys.executable, "-m", "org_constructs.rehearsal", "--port", "0"]
    environment = {**os.environ, "TMPDIR": str(tmp_path)}
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment
    ) as server:
        assert server.stdout is not None
        endpoint = server.stdout.readline().decode().split()[-1]
        aws = EmbeddedAws(server, tmp_path, account_id="111111111111", region="us-east-1")
        aws.endpoint = endpoint
        function = start_function(aws, tmp_path)
        began = time.monotonic()
        server.send_signal(number)
        assert server.wait(15) == 0
        assert time.monotonic() - began < 10
    assert holds(lambda: not is_alive(function))
    assert [path.name for path in tmp_path.iterdir()] == ["pid"]


def test_wrong_settings_are_refused_at_once() -> None:
    """With what there is."""
    command = [
        sys.executable,
        "-m",
        "org_constructs.rehearsal",
        "--settings",
        '{"no_such_setting": 1}',
    ]
    done = subprocess.run(command, capture_output=True, check=False, text=True)
    assert done.returncode == 2
    assert "there is no setting 'no_such_setting'; give one of seed, " in done.stderr
