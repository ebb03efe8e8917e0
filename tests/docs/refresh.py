"""Say which lines of the pages the product no longer shows: `python -m tests.docs.refresh`."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

import pytest

from holdfast.flows.book import book
from holdfast.flows.demo import demo
from holdfast.sources.demo import World

from ..flows.homes import BOOKED_TABLES, NOW
from .consoles import run_page
from .pages import blocks, pages


def main() -> int:
    """Run every page; print what it promises and the product does not do."""
    found: list[str] = []
    with tempfile.TemporaryDirectory() as folder:
        home = demo(Path(folder) / "demo-home", World(tables=BOOKED_TABLES | {"spend"}), NOW)
        book(home, NOW)
        for number, page in enumerate(page for page in pages() if blocks(page, "console")):
            place = Path(folder) / str(number)
            place.mkdir()
            with pytest.MonkeyPatch.context() as patch:
                found += run_page(page, place, home.path, patch)
    print("\n".join(found) or "every line is shown")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
