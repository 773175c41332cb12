"""Write docs/reference/mistakes.md from the table of the tests that try every row.

`make generate` runs it; a test compares the page with the table.
"""

from __future__ import annotations

import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
TESTS = ROOT / "tests" / "rehearsal"


def main() -> None:
    """Write the page."""
    # The tests' folders are no packages.
    sys.path[:0] = [str(TESTS), str(TESTS / "mistakes")]
    from mistakes_table import PAGE, render  # type: ignore[import-not-found]

    (ROOT / PAGE).write_text(render(), "utf-8")
    print(f"wrote {PAGE}")


if __name__ == "__main__":
    main()
