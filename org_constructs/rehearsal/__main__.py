"""Serve the embedded AWS in the foreground: `python -m org_constructs.rehearsal --port 4566`."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

from .backend import Settings
from .emulator import EmulatorError
from .server import serve


def main() -> int:
    """Parse the arguments and serve until Ctrl-C or SIGTERM."""
    parser = argparse.ArgumentParser(prog="python -m org_constructs.rehearsal")
    parser.add_argument("--port", type=int, default=4566, help="0 takes a free one")
    parser.add_argument("--account-id", default="111111111111")
    parser.add_argument("--region", default="us-east-1")
    parser.add_argument("--settings", help='how it behaves, such as {"throttling": true}')
    parser.add_argument("--announce", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--parent", type=int, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    settings = Settings.served()
    if arguments.settings is not None:
        try:
            settings = settings.changed(json.loads(arguments.settings))
        except ValueError as error:
            parser.error(f"--settings: {error}")

    def announce(endpoint: str) -> None:
        if arguments.announce is None:
            print(f"embedded AWS at {endpoint}", flush=True)  # noqa: T201
            return
        # Written aside and renamed: a reader never sees half of it.
        aside = arguments.announce.with_suffix(".part")
        aside.write_text(endpoint, "utf-8")
        aside.replace(arguments.announce)

    try:
        serve(
            arguments.port,
            account_id=arguments.account_id,
            region=arguments.region,
            settings=settings,
            announce=announce,
            parent=arguments.parent,
            folder=arguments.announce and arguments.announce.parent,
        )
    except EmulatorError as error:
        print(f"the embedded AWS cannot start: {error}", file=sys.stderr)  # noqa: T201
        return 1
    except OSError as error:
        print(  # noqa: T201
            f"the embedded AWS cannot start on port {arguments.port}: {error.strerror or error}; "
            "give another --port, or none for a free one",
            file=sys.stderr,
        )
        return 1
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
