"""Where in the user's code something was written, for findings that appear at synthesis."""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from types import FrameType, TracebackType

# By where they are installed, never by name: an app has a folder `constructs` of its own.
_FOREIGN = (
    str(Path(__file__).parent) + os.sep,
    *(
        str(Path(spec.origin).parent) + os.sep
        for spec in map(find_spec, ("aws_cdk", "constructs", "jsii", "typeguard"))
        if spec is not None and spec.origin is not None
    ),
    "<",
)


@dataclass(frozen=True, slots=True)
class SourceLocation:
    """A line of the user's code."""

    file: str
    line: int

    def __str__(self) -> str:
        """Return `file:line`, relative to the current folder when the file is below it."""
        path = Path(self.file)
        try:
            shown = path.relative_to(Path.cwd())
        except ValueError:
            shown = path
        return f"{shown}:{self.line}"


def caller() -> SourceLocation | None:
    """Return the innermost line of the call stack that belongs to neither this library nor CDK."""
    frame: FrameType | None = sys._getframe(1)  # noqa: SLF001 - inspect.stack() reads files
    while frame is not None:
        if _is_users(frame.f_code.co_filename):
            return SourceLocation(frame.f_code.co_filename, frame.f_lineno)
        frame = frame.f_back
    return None


def raised_at(traceback: TracebackType | None) -> SourceLocation | None:
    """Return the innermost line of the user's code in a traceback."""
    found: SourceLocation | None = None
    while traceback is not None:
        if _is_users(traceback.tb_frame.f_code.co_filename):
            found = SourceLocation(traceback.tb_frame.f_code.co_filename, traceback.tb_lineno)
        traceback = traceback.tb_next
    return found


def _is_users(file: str) -> bool:
    return not file.startswith(_FOREIGN)
