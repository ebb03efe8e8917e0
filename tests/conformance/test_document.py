"""docs/conformance.md says of every case file what is reproduced and where ours differs."""

from __future__ import annotations

from pathlib import Path

import pytest

from .conftest import ABSENT, CONFORMANCE

DOCUMENT = Path(__file__).resolve().parents[2] / "docs" / "conformance.md"


def rows() -> dict[str, list[str]]:
    """The table's cells, by case file."""
    lines = [line.strip().strip("|").split("|") for line in DOCUMENT.read_text().splitlines() if line.startswith("| `")]
    return {cells[0].strip().strip("`"): [cell.strip() for cell in cells[1:]] for cells in lines}


def test_every_case_file_has_its_row() -> None:
    if not CONFORMANCE.is_dir():
        pytest.skip(ABSENT)
    assert sorted(rows()) == sorted(path.name for path in CONFORMANCE.glob("*.json"))


def test_every_row_names_source_what_is_reproduced_and_where_ours_differs() -> None:
    for name, cells in rows().items():
        assert len(cells) == 4, name
        assert all(cells), name


def test_every_row_names_a_test_that_reads_the_file() -> None:
    tests = {path.name: path.read_text() for path in Path(__file__).parent.glob("test_*.py")}
    for name, (*_, test) in rows().items():
        file = test.strip("`")
        assert name in tests[file], f"{file} does not read {name}"
