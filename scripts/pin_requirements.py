"""Write requirements.txt and requirements-dev.txt from what is installed in this environment.

Install the versions that are wanted, run the tests, then pin them: `make requirements`.
"""

from __future__ import annotations

import re
import tomllib
from importlib.metadata import PackageNotFoundError, distribution, distributions
from pathlib import Path

ROOT = Path(__file__).parent.parent
# pip and setuptools come with the virtual environment itself.
NOT_PINNED = {"pip", "setuptools", "org-constructs"}


def normal(name: str) -> str:
    """Return a distribution's name in the form in which names are compared."""
    return re.sub(r"[-_.]+", "-", name).lower()


def closure(names: list[str]) -> set[str]:
    """Return distributions and all that they need here, by normal name."""
    found: set[str] = set()
    waiting = [normal(name) for name in names]
    while waiting:
        name = waiting.pop()
        if name in found:
            continue
        try:
            needs = distribution(name).requires or []
        except PackageNotFoundError:
            continue
        found.add(name)
        waiting += [
            normal(match[0])
            for need in needs
            if "extra ==" not in need and (match := re.match(r"[\w.-]+", need))
        ]
    return found


def main() -> None:
    """Write both files."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    names = [match[0] for need in project["dependencies"] if (match := re.match(r"[\w.-]+", need))]
    runtime = closure(names)
    lines: dict[str, str] = {}
    for installed in distributions():
        name = installed.metadata["Name"]
        if normal(name) not in NOT_PINNED:
            lines[normal(name)] = f"{name}=={installed.version}"
    (ROOT / "requirements.txt").write_text(
        "# Pinned runtime dependencies of the app: what `cdk synth` needs. Written by `make requirements`.\n"
        + "".join(f"{lines[name]}\n" for name in sorted(lines) if name in runtime),
        "utf-8",
    )
    (ROOT / "requirements-dev.txt").write_text(
        "# Everything that tests and tools need, pinned. Written by `make requirements`.\n"
        "-r requirements.txt\n"
        + "".join(f"{lines[name]}\n" for name in sorted(lines) if name not in runtime),
        "utf-8",
    )


if __name__ == "__main__":
    main()
