"""The server: the emulator with Organizations in it, and its control paths."""

from __future__ import annotations

import asyncio
import contextlib
import importlib
import logging
import os
import shutil
import signal
import socket
import sys
import tempfile
import threading
from collections.abc import Callable, MutableMapping
from pathlib import Path
from typing import Any

from .backend import Organizations, Settings
from .control import Application, Receive, Scope, Send, reset, with_control
from .lifetime import end_as_orphan, end_soon, watch_parent

HOST = "127.0.0.1"


def serve(
    port: int,
    *,
    account_id: str = "111111111111",
    region: str = "us-east-1",
    settings: Settings | None = None,
    announce: Callable[[str], None] = print,
    parent: int | None = None,
    folder: Path | None = None,
) -> None:
    """Serve the embedded AWS on loopback until SIGINT or SIGTERM.

    Args:
        port: the port; 0 takes a free one.
        account_id: the account of callers whose access key is not an account id.
        region: the Region of callers that name none.
        settings: how Organizations behaves; by default, writes at the same time conflict.
        announce: gets the endpoint as soon as it answers.
        parent: a process without which the server shall not live.
        folder: what that process prepared; removed when it is gone and cannot do so itself.

    Raises:
        EmulatorError: the emulator is missing or another version.
        OSError: the port is taken.
    """
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    organizations = Organizations(settings or Settings.served())
    with listener, tempfile.TemporaryDirectory(prefix="rehearsal-") as scratch:
        listener.bind((HOST, port))
        # Whoever reads the announcement may call at once; the server begins to listen only later.
        listener.listen()
        endpoint = f"http://{HOST}:{listener.getsockname()[1]}"
        _prepare_environment(endpoint, account_id, region, Path(scratch))

        def clean() -> None:
            shutil.rmtree(scratch, ignore_errors=True)
            if folder is not None and os.getppid() != parent:
                end_as_orphan(folder)

        asyncio.run(
            _serve(listener, endpoint, organizations, announce=announce, parent=parent, clean=clean)
        )
        clean()


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
    *,
    announce: Callable[[str], None],
    parent: int | None,
    clean: Callable[[], None],
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
        watch_parent(parent, lambda: loop.call_soon_threadsafe(stop.set))

    config = Config()
    config.bind = [f"fd://{os.dup(listener.fileno())}"]
    config.loglevel = "WARNING"
    config.graceful_timeout = 0.2
    config.keep_alive_timeout = 75
    installed = install(organizations)
    emulator = installed.application
    application = with_control(emulator, organizations, installed.announcer, installed.rules)

    def started() -> None:
        announce(endpoint)
        threading.Thread(target=_import_late, name="imports", daemon=True).start()

    ready = _when_started(application, started)

    async def stopped() -> None:
        await stop.wait()
        # Threads may wait for a function that hangs, and nobody interrupts a thread.
        end_soon(clean)
        # The emulator ends its functions when it forgets everything, not when it is shut down.
        with contextlib.suppress(Exception):
            await reset(emulator)

    await hypercorn_serve(ready, config, shutdown_trigger=stopped)  # type: ignore[arg-type]


def _import_late() -> None:
    """Import what the emulator imports at its first reset, which would take a tenth of a second."""
    with contextlib.suppress(ImportError):
        importlib.import_module("graphql")


def _when_started(application: Application, announce: Callable[[], None]) -> Application:
    async def run(scope: Scope, receive: Receive, send: Send) -> None:
        async def watched(message: MutableMapping[str, Any]) -> None:
            await send(message)
            if message["type"] == "lifespan.startup.complete":
                announce()

        await application(scope, receive, watched if scope["type"] == "lifespan" else send)

    return run


logging.getLogger("hypercorn.error").setLevel(logging.WARNING)
