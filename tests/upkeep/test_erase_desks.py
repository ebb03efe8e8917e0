"""Erasing with the desk as it really lies: a SQLite file of its own, and PostgreSQL; and cut off at any point."""

from __future__ import annotations

import os
import random
import shutil
import sqlite3
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from ..postgres.conftest import Desk
from .children import ERASE, GO_ON, MAKE, MAKE_UNBOOKED, cut_off, run
from .people import SPELLINGS, found

#: how often an erasure is cut off; more of them: HOLDFAST_KILLS=40
KILLS = int(os.environ.get("HOLDFAST_KILLS", "2"))


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home with Ada everywhere, its desk in SQLite; to be copied."""
    home = tmp_path_factory.mktemp("made") / "home"
    assert run(MAKE, home) == "ready"
    return home


@pytest.mark.slow
def test_nothing_stays_in_the_pages_of_sqlite(made: Path, tmp_path: Path) -> None:
    home = tmp_path / "home"
    shutil.copytree(made, home)
    # a process that was here before left its changes in the write-ahead log
    with closing(sqlite3.connect(home / "desk.sqlite3")) as db:
        db.execute("pragma journal_mode = wal")
    assert "desk.sqlite3" in {name.split(":")[0] for name in found(home)}
    run(ERASE, home)
    assert found(home) == []


@pytest.mark.slow
def test_an_erasure_cut_off_anywhere_is_finished_by_upkeep(made: Path, tmp_path: Path) -> None:
    """Killed at random moments: the next round of upkeep leaves nothing, and every row is there."""
    whole = tmp_path / "whole"
    shutil.copytree(made, whole)
    began = time.monotonic()
    run(ERASE, whole)
    took = time.monotonic() - began
    chance, cut = random.Random(7), 0
    for number in range(KILLS):
        home = tmp_path / f"home{number}"
        shutil.copytree(made, home)
        if not cut_off(ERASE, home, chance.uniform(0.0, took * 0.7)):
            continue
        cut += 1
        with closing(sqlite3.connect(home / "desk.sqlite3")) as db:
            waiting = db.execute("select count(*) from desk_erasure where done_at is null").fetchone()[0]
        if not waiting:  # it had not begun, or was done
            run(ERASE, home)
        assert run(GO_ON, home) == str(waiting)
        assert found(home) == []
        assert _rows(home) == _rows(whole)
        shutil.rmtree(home)
    assert cut, "at least one was cut off"


def _rows(home: Path) -> dict[str, list[str]]:
    import pyarrow.parquet as pq

    from holdfast.domain.facts import TABLES
    from holdfast.flows.home import open_home

    landing = open_home(home).landing
    return {
        table: sorted(
            repr({n: v for n, v in row.items() if n != "account_id" or not str(v).startswith("erased-")})
            for file in landing.files(table)
            for row in pq.ParquetFile(file).read().to_pylist()
            if not str(row.get("account_id")).startswith("events:")  # events may be told again
        )
        for table in TABLES
    }


@pytest.mark.slow
def test_nothing_is_left_in_postgresql(make_desk: Callable[[str], Desk]) -> None:
    desk = make_desk("erasing")
    url = {"HOLDFAST_DATABASE_URL": desk.url}
    assert run(MAKE_UNBOOKED, desk.home, **url) == "ready"
    assert _in_database(desk), "it was there"
    run(ERASE, desk.home, **url)
    assert _in_database(desk) == []
    assert found(desk.home) == []
    assert desk.rows("select count(*) from desk_mail") == [(2,)], "rows stay"


def _in_database(desk: Desk) -> list[str]:
    from .people import _without_others

    tables = desk.rows("select table_name from information_schema.tables where table_schema = 'public'")
    hits = []
    for (table,) in tables:
        for (text,) in desk.rows(f'select t::text from "{table}" t'):
            flat = _without_others(text.lower().encode()).decode()
            if any(spelling.lower() in flat for spelling in SPELLINGS):
                hits.append(table)
    return hits
