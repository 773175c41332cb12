"""The server: the emulator with Organizations in it, and a few paths to look inside."""

from __future__ import annotations

import asyncio
import json
import logging
import os
import signal
import socket
import sys
import tempfile
import threading
import time
from collections.abc import Awaitable, Callable, MutableMapping
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

from .backend import Organizations, Settings

HOST = "127.0.0.1"
CONTROL = "/_rehearsal/"
_PARENT_POLL = 0.2

_Scope = MutableMapping[str, Any]
_Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
_Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
_Application = Callable[[_Scope, _Receive, _Send], Awaitable[None]]


def serve(
    port: int,
    *,
    account_id: str = "111111111111",
    region: str = "us-east-1",
    settings: Settings | None = None,
    announce: Callable[[str], None] = print,
    parent: int | None = None,
) -> None:
    """Serve the embedded AWS on loopback until SIGINT or SIGTERM.

    Args:
        port: the port; 0 takes a free one.
        account_id: the account of callers whose access key is not an account id.
        region: the Region of callers that name none.
        settings: how Organizations behaves.
        announce: gets the endpoint as soon as it answers.
        parent: a process without which the server shall not live.

    Raises:
        EmulatorError: the emulator is missing or another version.
        OSError: the port is taken.
    """
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    with listener, tempfile.TemporaryDirectory(prefix="rehearsal-") as scratch:
        listener.bind((HOST, port))
        # Whoever reads the announcement may call at once; the server begins to listen only later.
        listener.listen()
        endpoint = f"http://{HOST}:{listener.getsockname()[1]}"
        _prepare_environment(endpoint, account_id, region, Path(scratch))
        asyncio.run(_serve(listener, endpoint, Organizations(settings), announce, parent))


def _prepare_environment(endpoint: str, account_id: str, region: str, scratch: Path) -> None:
    """Set what the emulator reads when it is imported; its defaults listen to the world."""
    tempfile.tempdir = None
    os.environ.update(
        {
            "GATEWAY_PORT": endpoint.rpartition(":")[2],
            "BIND_HOST": HOST,
            "MINISTACK_HOST": HOST,
            "MINISTACK_ACCOUNT_ID": account_id,
            "MINISTACK_REGION": region,
            "AWS_DEFAULT_REGION": region,
            # Functions run as children of this process and call back.
            "AWS_ENDPOINT_URL": endpoint,
            "IOT_MTLS_ENABLED": "0",
            "SFTP_ENABLED": "0",
            "PERSIST_STATE": "0",
            "TMPDIR": str(scratch),
            "STATE_DIR": str(scratch / "state"),
            "S3_DATA_DIR": str(scratch / "s3"),
            "LOG_LEVEL": os.environ.get("LOG_LEVEL", "ERROR"),
            # Functions start `python3`: it must be this one, which has the SDK.
            "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', '')}",
        }
    )


async def _serve(
    listener: socket.socket,
    endpoint: str,
    organizations: Organizations,
    announce: Callable[[str], None],
    parent: int | None,
) -> None:
    from .adapter import install
    from .emulator import check_emulator

    check_emulator()
    from hypercorn.asyncio import serve as hypercorn_serve
    from hypercorn.config import Config

    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    if parent is not None:
        _watch(parent, lambda: loop.call_soon_threadsafe(stop.set))

    config = Config()
    config.bind = [f"fd://{os.dup(listener.fileno())}"]
    config.loglevel = "WARNING"
    config.graceful_timeout = 0.2
    config.keep_alive_timeout = 75
    application = _with_control(install(organizations), organizations)
    ready = _when_started(application, lambda: announce(endpoint))
    await hypercorn_serve(ready, config, shutdown_trigger=stop.wait)  # type: ignore[arg-type]


def _watch(parent: int, stop: Callable[[], object]) -> None:
    """Stop when the parent is gone: a killed one cannot say so itself."""

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(_PARENT_POLL)
        stop()
        # Whatever hangs, nothing is left running.
        time.sleep(2)
        os._exit(1)

    threading.Thread(target=watch, name="parent", daemon=True).start()


def _when_started(application: _Application, announce: Callable[[], None]) -> _Application:
    async def run(scope: _Scope, receive: _Receive, send: _Send) -> None:
        async def watched(message: MutableMapping[str, Any]) -> None:
            await send(message)
            if message["type"] == "lifespan.startup.complete":
                announce()

        await application(scope, receive, watched if scope["type"] == "lifespan" else send)

    return run


def _with_control(emulator: _Application, organizations: Organizations) -> _Application:
    """Answer the paths under `/_rehearsal/` and pass everything else on."""

    async def application(scope: _Scope, receive: _Receive, send: _Send) -> None:
        if scope["type"] != "http" or not scope["path"].startswith(CONTROL):
            await emulator(scope, receive, send)
            return
        status, answer = await _control(scope, emulator, organizations)
        body = json.dumps(answer).encode()
        headers = [
            (b"content-type", b"application/json"),
            (b"content-length", str(len(body)).encode()),
        ]
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": body})

    return application


async def _control(
    scope: _Scope, emulator: _Application, organizations: Organizations
) -> tuple[int, Any]:
    action = scope["path"].removeprefix(CONTROL)
    request = (scope["method"], action)
    if request == ("GET", "health"):
        return 200, {"status": "ok", "pid": os.getpid()}
    if request == ("GET", "calls"):
        query = parse_qs(scope.get("query_string", b"").decode())
        since = query.get("since", ["0"])[0]
        if not since.isdigit():
            return 400, {"error": f"since={since!r} is not a number; give the last n you have"}
        return 200, organizations.calls(int(since))
    if request == ("POST", "reset"):
        await _reset(scope, emulator)
        return 200, {"status": "ok"}
    return 404, {"error": f"no {scope['method']} {scope['path']}; there are health, calls, reset"}


async def _reset(scope: _Scope, emulator: _Application) -> None:
    """Let the emulator forget everything, Organizations included."""
    inner = {**scope, "path": "/_ministack/reset", "raw_path": b"/_ministack/reset"}

    async def receive() -> MutableMapping[str, Any]:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(_message: MutableMapping[str, Any]) -> None:
        return

    await emulator(inner, receive, send)


logging.getLogger("hypercorn.error").setLevel(logging.WARNING)
