"""How the server ends: soon, with everything it started, and whatever hangs."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

_PARENT_POLL = 0.2
_GRACE = 2.0
_FUNCTIONS_GRACE = 0.05
# Where the parent notes the groups of processes that it runs, each as a file named after its leader.
_GROUPS = "groups"


@contextlib.contextmanager
def noted(folder: Path, leader: int) -> Iterator[None]:
    """Note a group of processes that `end_as_orphan` ends, as long as it runs."""
    note = folder / _GROUPS / str(leader)
    note.parent.mkdir(exist_ok=True)
    note.touch()
    try:
        yield
    finally:
        note.unlink(missing_ok=True)


def watch_parent(parent: int, gone: Callable[[], object]) -> None:
    """Call `gone` when the parent is gone: a killed one cannot say so itself."""

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(_PARENT_POLL)
        gone()

    threading.Thread(target=watch, name="parent", daemon=True).start()


def end_soon(clean: Callable[[], object]) -> None:
    """Clean up and end the process in a moment, even while threads wait for something."""

    def end() -> None:
        time.sleep(_GRACE)
        try:
            clean()
        finally:
            os._exit(0)

    threading.Thread(target=end, name="end", daemon=True).start()


def end_as_orphan(folder: Path) -> None:
    """Do what the parent cannot do any more: end what it runs, then remove a folder.

    Only for a process that leads a group of its own, as `EmbeddedAws` starts it: the functions of
    the emulator are in that group. The CDK CLI and its app are in others: they would go on, and
    write into the folder that has been removed.
    """
    for note in (folder / _GROUPS).glob("*"):
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(int(note.name), signal.SIGKILL)
    if os.getpgrp() == os.getpid():
        # Threads other than the main one may not say so, but then its own handler still stands.
        with contextlib.suppress(ValueError):
            signal.signal(signal.SIGTERM, signal.SIG_IGN)
        os.killpg(0, signal.SIGTERM)
        time.sleep(_FUNCTIONS_GRACE)
    shutil.rmtree(folder, ignore_errors=True)
    if os.getpgrp() == os.getpid():
        # With this process itself, and any function that does not care for SIGTERM.
        os.killpg(0, signal.SIGKILL)
