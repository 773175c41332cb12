"""How the server ends: soon, with everything it started, and whatever hangs."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path

_PARENT_POLL = 0.2
_GRACE = 2.0
_FUNCTIONS_GRACE = 0.05
# Where each group of processes is noted that the parent runs, as a file named after its leader.
_GROUPS = "groups"
# The leader notes itself, and only then becomes the command: nobody can be killed in between.
_NOTE_AND_RUN = ': > "$0/$$" && exec "$@"'


def noting(folder: Path, command: Sequence[str]) -> list[str]:
    """Return a command that runs only if `end_as_orphan` will end the group that it leads.

    `forget` it when it has ended.
    """
    groups = folder / _GROUPS
    groups.mkdir(exist_ok=True)
    return ["/bin/sh", "-c", _NOTE_AND_RUN, str(groups), *command]


def forget(folder: Path, leader: int) -> None:
    """Forget a group of processes that has ended."""
    (folder / _GROUPS / str(leader)).unlink(missing_ok=True)


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
    noted = folder / f"{_GROUPS}.ended"
    with contextlib.suppress(FileNotFoundError):
        # What has not noted itself by now cannot any more, and does not run.
        (folder / _GROUPS).rename(noted)
    for note in noted.glob("*"):
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
