"""The pages of the documentation: their fenced blocks, headings and links, with the lines they stand on."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]

#: pages that this folder answers for; others may lie in docs/ and are checked for links alone
README = ROOT / "README.md"
DOCS = ROOT / "docs"


@dataclass(frozen=True)
class Block:
    """A fenced block: what stands behind the fence, its text without the page's indentation, and where it begins."""

    page: Path
    line: int
    info: str
    text: str

    @property
    def kind(self) -> str:
        return self.info.split(" ")[0]

    @property
    def where(self) -> str:
        return f"{self.page.name}:{self.line}"


def pages() -> list[Path]:
    """Every page a reader may open."""
    return [*sorted(ROOT.glob("*.md")), *sorted(DOCS.rglob("*.md"))]


def blocks(page: Path, kind: str | None = None) -> list[Block]:
    """The fenced blocks of a page, in order."""
    found: list[Block] = []
    lines = page.read_text().split("\n")
    opened: tuple[int, str, str] | None = None
    for number, line in enumerate(lines, 1):
        fence = re.match(r"( *)```(.*)$", line)
        if not fence:
            continue
        if opened is None:
            opened = (number, fence[1], fence[2].strip())
            continue
        at, indent, info = opened
        text = "\n".join(one.removeprefix(indent) for one in lines[at : number - 1])
        found.append(Block(page, at, info, text))
        opened = None
    assert opened is None, f"{page.name}:{opened[0]}: a fenced block is not closed" if opened else ""
    return [block for block in found if kind is None or block.kind == kind]


def prose(page: Path) -> str:
    """A page without its fenced blocks."""
    return re.sub(r"^ *```.*?^ *```", "", page.read_text(), flags=re.M | re.S)


def anchors(page: Path) -> set[str]:
    """The anchors that a page's headings make."""
    heads = re.findall(r"^#+ +(.+?) *$", prose(page), flags=re.M)
    return {re.sub(r"[^\w\- ]", "", head.lower()).replace(" ", "-") for head in heads}


def links(page: Path) -> list[str]:
    """Where a page's links and pictures lead."""
    return re.findall(r"\]\(([^)\s]+)\)", prose(page)) + re.findall(r'(?:src|href)="([^"]+)"', prose(page))
