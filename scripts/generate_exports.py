"""Write the names that a lazily loaded package exports, for type checkers and `import *`.

Each public module of such a package holds one public class of the same name in CamelCase. At run
time the package finds it by listing its folder; type checkers need the import written out, which
this does between two marks. `make generate` runs it; `--check` changes nothing and exits 1 when a
package is stale.
"""

from __future__ import annotations

import argparse
import ast
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
# Folder of the package, and the modules whose name is private though their class is not.
PACKAGES = {"org_constructs/guardrails": ("_guardrail",)}
BEGIN = "# begin: written by scripts/generate_exports.py\n"
END = "# end: written by scripts/generate_exports.py\n"


def main() -> int:
    """Write every package, or compare it with what would be written.

    Returns:
        The exit code: 1 when `--check` finds a stale package.
    """
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--check", action="store_true", help="exit 1 when a package is stale")
    check = parser.parse_args().check
    stale = 0
    for folder, private in PACKAGES.items():
        path = ROOT / folder / "__init__.py"
        text = path.read_text("utf-8")
        wanted = render(text, exports(path.parent, private))
        if text == wanted:
            continue
        if check:
            print(f"{path.relative_to(ROOT)} is stale; run: make generate", file=sys.stderr)
            stale = 1
        else:
            path.write_text(wanted, "utf-8")
            print(f"wrote {path.relative_to(ROOT)}")
    return stale


def exports(folder: Path, private: tuple[str, ...]) -> dict[str, str]:
    """Return the module of every public class by its name.

    Raises:
        SystemExit: when a module has no class of its name.
    """
    found = {}
    for path in sorted(folder.glob("*.py")):
        if path.stem.startswith("_") and path.stem not in private:
            continue
        name = "".join(word.capitalize() for word in path.stem.split("_"))
        tree = ast.parse(path.read_text("utf-8"))
        if name not in {node.name for node in tree.body if isinstance(node, ast.ClassDef)}:
            raise SystemExit(
                f"{path.relative_to(ROOT)} has no class {name}; name it after its file"
            )
        found[name] = path.stem
    return found


def render(text: str, found: dict[str, str]) -> str:
    """Return the package's source with the names between the marks."""
    imports = [f"    from .{module} import {name}\n" for name, module in found.items()]
    names = [f'    "{name}",\n' for name in sorted(found)]
    before, _, rest = text.partition(BEGIN)
    after = rest.partition(END)[2]
    block = ["if TYPE_CHECKING:\n", *imports, "\n__all__ = [\n", *names, "]\n"]
    return "".join([before, BEGIN, *block, END, after])


if __name__ == "__main__":
    sys.exit(main())
