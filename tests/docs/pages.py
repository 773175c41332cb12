"""The Markdown pages of this repository, and the code blocks in them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
PAGES = sorted(
    [
        ROOT / "README.md",
        ROOT / "CHANGELOG.md",
        *ROOT.glob("docs/**/*.md"),
        *ROOT.glob("examples/*/*.md"),
    ]
)
_BLOCK = re.compile(
    r"^(?P<indent> *)```(?P<language>\w*)\n(?P<text>.*?)^ *```$", re.MULTILINE | re.DOTALL
)


@dataclass(frozen=True, slots=True)
class Block:
    """A code block: where it stands and what is in it."""

    page: Path
    line: int
    language: str
    text: str

    def __str__(self) -> str:
        """Return its place, as the name of a test."""
        return f"{name_of(self.page)}:{self.line}"


def blocks(*languages: str) -> list[Block]:
    """Return the blocks of these languages on all pages, unindented."""
    return [
        Block(
            page=page,
            line=text[: match.start()].count("\n") + 1,
            language=match["language"],
            text="".join(
                line.removeprefix(match["indent"])
                for line in match["text"].splitlines(keepends=True)
            ),
        )
        for page in PAGES
        for text in [page.read_text("utf-8")]
        for match in _BLOCK.finditer(text)
        if match["language"] in languages
    ]


def prose(page: Path) -> str:
    """Return a page's text without its code blocks."""
    return _BLOCK.sub("", page.read_text("utf-8"))


def name_of(page: Path) -> str:
    """Return a page's path in the repository."""
    return page.relative_to(ROOT).as_posix()
