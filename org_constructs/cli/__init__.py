"""`orgctl`: arguments, output and exit codes; the work is done in the rooms below."""

from __future__ import annotations


def main() -> None:
    """Run `orgctl`; the entry point of the installed command."""
    try:
        from ._app import app
    except ImportError as error:
        raise SystemExit(
            f"orgctl needs its extra ({error.name} is missing): pip install 'path/to/org-constructs[cli]'"
        ) from error
    app()
