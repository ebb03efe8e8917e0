"""What the pages show of the terminal is what the product does."""

from __future__ import annotations

from pathlib import Path

import pytest

from .consoles import commands, run_page
from .pages import blocks, pages

PAGES = [page for page in pages() if blocks(page, "console")]


@pytest.mark.slow
@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_the_commands_of_the_page_run(
    page: Path, demo_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = run_page(page, tmp_path, demo_folder, monkeypatch)
    assert not found, "\n".join(found)


def test_the_pages_that_show_the_product_have_commands() -> None:
    shown = {page.name: sum(len(commands(block)) for block in blocks(page, "console")) for page in PAGES}
    assert shown["tour.md"] >= 15 and shown["README.md"] >= 1 and shown["commands.md"] >= 1
