"""Every variable of the environment that Holdfast reads stands in the operator's table, and the table has no other."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

from .pages import DOCS, ROOT

SOURCE = ROOT / "src" / "holdfast"
NAME = re.compile(r"HOLDFAST_[A-Z_]*[A-Z]")
#: read by the tests' own server alone
OURS = {"HOLDFAST_TESTING"}


@cache
def read_anywhere() -> frozenset[str]:
    """The variables that the code reads: os.environ["…"], os.environ.get("…"), os.getenv("…"), and typer's envvar="…"."""
    return frozenset(name for path in SOURCE.rglob("*.py") for name in read_in(path.read_text()))


def read_in(code: str) -> Iterator[str]:
    for node in ast.walk(ast.parse(code)):
        asked: list[ast.expr] = []
        if isinstance(node, ast.Subscript) and isinstance(node.ctx, ast.Load) and _is_environment(node.value):
            asked = [node.slice]
        elif isinstance(node, ast.Call):
            asked = [keyword.value for keyword in node.keywords if keyword.arg == "envvar"]
            called = node.func
            if isinstance(called, ast.Attribute) and (called.attr == "getenv" or _is_environment(called.value)):
                asked += node.args[:1]
        for one in asked:
            yield from (name.value for name in ast.walk(one) if isinstance(name, ast.Constant) and _is_ours(name.value))


def _is_environment(node: ast.expr) -> bool:
    return (isinstance(node, ast.Attribute) and node.attr == "environ") or (
        isinstance(node, ast.Name) and node.id == "environ"
    )


def _is_ours(value: object) -> bool:
    return isinstance(value, str) and NAME.fullmatch(value) is not None


def table_of(page: Path) -> set[str]:
    """The variables in the first columns of a page's tables."""
    rows = [line for line in page.read_text().splitlines() if line.startswith("| ")]
    return {name for row in rows for name in NAME.findall(row.split("|")[1])}


@pytest.mark.parametrize(
    "code",
    [
        'os.environ.get("HOLDFAST_X", "1")', 'os.environ["HOLDFAST_X"]', 'os.getenv("HOLDFAST_X")', 'environ.get("HOLDFAST_X")',
        'typer.Option(envvar="HOLDFAST_X")', 'typer.Option(envvar=["HOLDFAST_X"])',
    ],
)  # fmt: skip
def test_every_way_of_reading_is_found(code: str) -> None:
    assert set(read_in(code)) == {"HOLDFAST_X"}


def test_writing_and_naming_are_not_reading() -> None:
    assert not set(read_in('os.environ["HOLDFAST_X"] = "1"; print("HOLDFAST_X")'))


def test_what_is_read_is_described_and_nothing_else() -> None:
    assert len(read_anywhere()) > 10
    assert table_of(DOCS / "operating.md") == read_anywhere() - OURS


def test_the_settings_of_the_desk_name_all_that_they_read() -> None:
    code = (SOURCE / "desk" / "settings.py").read_text()
    told = ast.get_docstring(ast.parse(code)) or ""
    assert "HOLDFAST_OIDC_…" in told
    for name in set(read_in(code)) - OURS:
        assert re.search(rf"\b{name.replace('HOLDFAST_OIDC_', '')}\b", told), f"{name} is not named"
    assert set(NAME.findall(told.replace("HOLDFAST_OIDC_…", ""))) <= read_anywhere()


@pytest.mark.parametrize("page", sorted(DOCS.rglob("*.md")), ids=lambda page: str(page.relative_to(DOCS)))
def test_no_page_names_a_variable_that_is_not_read(page: Path) -> None:
    named = set(re.findall(r"`(HOLDFAST_[A-Z_]*[A-Z])\b", page.read_text()))
    assert named <= read_anywhere()
