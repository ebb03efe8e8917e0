"""HOLDFAST_DATABASE_URL: how it is read, and what is said where it cannot be; no PostgreSQL is needed for that."""

from __future__ import annotations

import sys

import pytest
from django.core.exceptions import ImproperlyConfigured

from holdfast.desk.settings import HOME, database


def test_without_one_the_desk_lies_in_the_home() -> None:
    assert database("")["NAME"] == HOME / "desk.sqlite3"


@pytest.mark.parametrize("scheme", ["postgres", "postgresql"])
def test_each_part_is_read_with_signs_that_mean_something(scheme: str) -> None:
    told = database(f"{scheme}://al%40ice:p%2Fw%3A%40@db.example:6432/hold%20fast")
    assert (told["USER"], told["PASSWORD"], told["HOST"], told["PORT"], told["NAME"]) == (
        "al@ice",
        "p/w:@",
        "db.example",
        "6432",
        "hold fast",
    )


def test_another_database_is_refused() -> None:
    with pytest.raises(ImproperlyConfigured, match="must begin with postgresql://"):
        database("mysql://db.example/holdfast")


def test_without_the_driver_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "psycopg", None)
    with pytest.raises(ImproperlyConfigured, match=r"pip install 'holdfast\[postgres\]'"):
        database("postgresql://db.example/holdfast")
