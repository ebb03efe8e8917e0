"""The pages hold together: links lead somewhere, and nothing of the place where they were written is left in the repository."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

from .pages import DOCS, ROOT, anchors, links, pages, prose

#: put together here, so that this file does not hold them itself
HOSTS = [
    "pypi." + "org", "python" + "hosted.org", "proxy.golang" + ".org", "registry." + "npmjs", "crates" + ".io/api", "index." + "crates",
    "deb." + "debian.org", "archive." + "ubuntu.com", "arti" + "factory", "/simp" + "le/",
]  # fmt: skip
PATHS = ["/wo" + "rk/", "/ho" + "me/", "/Us" + "ers/", "/ro" + "ot/"]
WORDS = ["sess" + "ion", "help" + "er"]
TEXTS = {".md", ".py", ".sql", ".toml", ".lock", ".sh", ".svg", ".yml", ".yaml", ".json", ".cfg", ".txt", ""}


def files_of_the_repository() -> list[Path]:
    """What is, or would be, committed."""
    try:
        told = subprocess.run(
            ["git", "ls-files", "--cached", "--others", "--exclude-standard"],
            cwd=ROOT,
            capture_output=True,
            text=True,
            check=True,
        ).stdout.split("\n")
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("not a git repository")
    found = [ROOT / name for name in told if name]
    return [path for path in found if path.is_file() and path.suffix in TEXTS]


@pytest.mark.parametrize("page", pages(), ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_somewhere(page: Path) -> None:
    for link in links(page):
        if re.match(r"[a-z]+:", link):
            continue
        target, _, anchor = link.partition("#")
        place = (page.parent / target).resolve() if target else page
        assert place.exists(), f"{page.name}: {link} leads nowhere"
        assert place.is_relative_to(ROOT), f"{page.name}: {link} leads out of the repository"
        if anchor and place.suffix == ".md":
            assert anchor in anchors(place), f"{page.name}: {link}: there is no such heading"


def test_nothing_of_the_place_is_left() -> None:
    for path in files_of_the_repository():
        text = path.read_text(errors="replace")
        for trace in [*HOSTS, *PATHS]:
            assert trace not in text, f"{path.relative_to(ROOT)} names {trace}"


def test_the_prose_names_no_way_of_working() -> None:
    for page in pages():
        for word in WORDS:
            assert not re.search(rf"\b{word}s?\b", page.read_text(), flags=re.I), f"{page.name} says '{word}'"


def test_each_record_is_listed_and_below_a_page() -> None:
    listed = (DOCS / "decisions" / "README.md").read_text()
    records = sorted((DOCS / "decisions").glob("0*.md"))
    assert [int(path.name[:4]) for path in records] == list(range(1, len(records) + 1))
    for path in records:
        assert f"({path.name})" in listed, path.name
        assert path.read_text().startswith(f"# {path.name[:4]} ")
        assert len(path.read_text().split()) < 420, f"{path.name} is longer than a page"
        assert all(word in prose(path) for word in ("**Decision.**", "**Evidence.**", "**What follows.**")), path.name


def test_the_picture_is_light_and_fetches_nothing() -> None:
    picture = (DOCS / "picture.svg").read_text()
    assert len(picture) < 60_000
    assert "url(http" not in picture and "@import" not in picture
