"""Compaction: many small loads become few files, and nothing that can be asked gives another answer."""

from __future__ import annotations

import os
import random
import shutil
import time
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from holdfast.domain.policy import load_policies
from holdfast.flows import source_row, upkeep
from holdfast.flows.book import book, open_ledger, published
from holdfast.flows.home import Home, open_home
from holdfast.warehouse.booking import Booking
from holdfast.warehouse.booking import Facts as Files
from holdfast.warehouse.build import build
from holdfast.warehouse.compaction import GRACE, compact, plan
from holdfast.warehouse.landing import Landing
from holdfast.warehouse.ledger import Ledger
from holdfast.warehouse.update import update

from ..flows.homes import home_of
from ..ledger.booked import files_of, read, rows_of
from ..oracle.ledger import Facts, ItemState
from ..oracle.pencil import item
from ..oracle.strategies import companies
from .children import cut_off

pytestmark = pytest.mark.slow

POLICY = load_policies()["holdfast-1"]
NOW = datetime(2026, 1, 1, tzinfo=UTC)
#: how often a compaction is cut off; more of them: HOLDFAST_KILLS=40
KILLS = int(os.environ.get("HOLDFAST_KILLS", "2"))


def land_one_by_one(home: Path, items: list[ItemState], days: list[int]) -> Landing:
    """Every item row a load of its own, learned so many days after the first."""
    landing = Landing(home)
    for row, day in zip(items, days, strict=False):
        told = rows_of("subscription_item", [row])
        landing.append(
            "subscription_item", [told], source="test", source_kind="billing", loaded_at=NOW + timedelta(days=day)
        )
    return landing


def every_row(landing: Landing, table: str) -> list[str]:
    return sorted(repr(row) for file in landing.files(table) for row in pq.ParquetFile(file).read().to_pylist())


def booked(landing: Landing, path: Path, booking: Booking) -> Any:
    build(path, files_of(landing), booking)
    with Ledger(path, booking.policy) as ledger:
        return read(ledger)


@pytest.mark.slow
@settings(
    max_examples=int(os.environ.get("HOLDFAST_HISTORIES", "4")), deadline=None, suppress_health_check=list(HealthCheck)
)
@given(
    company=companies(),
    news=companies(),
    days=st.lists(st.integers(0, 3), min_size=60, max_size=60),
    as_of=st.dates(date(2023, 1, 1), date(2025, 3, 28)),
    known=st.integers(0, 3),
    upto=st.integers(1, 60),
)
def test_booking_what_is_put_together_gives_the_same_ledger(
    tmp_path_factory: pytest.TempPathFactory, company: Facts, news: Facts, days: list[int], as_of: date, known: int, upto: int
) -> None:  # fmt: skip
    """Any history, learned row by row in any order: whole, as known on a past day, and brought up to date."""
    home = tmp_path_factory.mktemp("home")
    items = sorted(company.items, key=lambda row: row.arrival)
    landing = land_one_by_one(home, items, days)
    if company.accounts:
        for n, row in enumerate(company.accounts):
            landing.append(
                "account",
                [rows_of("account", [row])],
                source="test",
                source_kind="crm",
                loaded_at=NOW + timedelta(hours=n),
            )
    asked = [Booking(POLICY, as_of), Booking(POLICY, as_of, datetime(2026, 1, 1 + known, 12))]  # noqa: DTZ001
    before = [booked(landing, home / f"before{n}.duckdb", one) for n, one in enumerate(asked)]
    rows, loads = {t: every_row(landing, t) for t in ("subscription_item", "account")}, landing.loads()
    limit = min(upto, landing.last_load_no())
    compact(landing, limit, NOW)
    after = [booked(landing, home / f"after{n}.duckdb", one) for n, one in enumerate(asked)]
    assert after == before
    assert {t: every_row(landing, t) for t in rows} == rows
    assert [replace(one, parts=()) for one in landing.loads()] == [replace(one, parts=()) for one in loads]
    assert compact(landing, limit, NOW) == []
    _up_to_date(home, landing, news, as_of)


def _up_to_date(home: Path, landing: Landing, news: Facts, as_of: date) -> None:
    """What comes after a compaction of everything published brings the ledger to where a full booking brings it."""
    last, published_ = landing.last_load_no(), home / "published.duckdb"
    build(published_, files_of(landing), Booking(POLICY, as_of))
    compact(landing, last, NOW)
    landing.append(
        "subscription_item", [rows_of("subscription_item", news.items)], source="test", source_kind="billing",
        loaded_at=NOW + timedelta(days=9),
    )  # fmt: skip
    tables = ("subscription_item", "account", "invoice_line", "fx_rate")
    since = Files(*(tuple(landing.files(table, since_load=last)) for table in tables))
    assert len(since.items) == 1 and since.accounts == ()
    whole = booked(landing, home / "whole.duckdb", Booking(POLICY, as_of))
    if update(published_, home / "updated.duckdb", files_of(landing), since, Booking(POLICY, as_of)):
        with Ledger(home / "updated.duckdb", POLICY) as ledger:
            assert read(ledger) == whole


def small_loads(landing: Landing, count: int, rows: int = 20, seed: int = 1) -> None:
    """Loads of a few item rows each, as a sync every five minutes makes them."""
    chance = random.Random(seed)
    for number in range(count):
        told = [
            item(
                str(date(2024, 1, 1) + timedelta(days=chance.randrange(700))), chance.randrange(1, 90) * 100,
                account=f"A{chance.randrange(400):03d}", name=f"i{chance.randrange(900)}", arrival=number,
            )
            for _ in range(rows)
        ]  # fmt: skip
        landing.append(
            "subscription_item", [rows_of("subscription_item", told)], source="test", source_kind="billing",
            loaded_at=datetime(2025, 1, 1, tzinfo=UTC) + timedelta(minutes=5 * number),
        )  # fmt: skip


def test_a_published_home_answers_the_same_after_its_loads_are_put_together(tmp_path: Path) -> None:
    """Through the flows: a row is found by its load, another policy and a past day are booked beside, news are booked on top."""
    home = home_of(tmp_path, Facts([item("2024-01-01", 900)], [], []), rates=False)
    small_loads(home.landing, 30)
    book(home, NOW)
    current = published(home)
    assert current is not None
    before = answers(home)
    small_loads(home.landing, 1, seed=5)
    ids = [f"A{n:03d}" for n in range(400)]
    row = source_row.find(home, ids, "subscription_item", 9, 3)
    assert compact(home.landing, current.last_load_no, NOW)[0].files_after == 1
    assert len(home.landing.files("subscription_item")) == 2, "what is not published stays by itself"
    assert row is not None and source_row.find(home, ids, "subscription_item", 9, 3) == row
    for asked in (home.warehouse / current.folder).glob("asked-*"):
        asked.unlink()
    assert answers(home) == before
    book(home, NOW)
    updated = answers(home)
    book(home, NOW, full=True)
    assert answers(home) == updated != before, "the last load is in it"


def answers(home: Home) -> list[Any]:
    """Every month's MRR: as published, as known on a past day, and under another policy."""
    asked: list[dict[str, Any]] = [{}, {"known_on": date(2025, 1, 1)}, {"policy": home.policy("chartmogul")}]
    found = []
    for more in asked:
        with open_ledger(home, **more) as ledger:
            sums = [f"sum({ledger.month_column(m)})" for m in range(ledger.first_month, ledger.last_month + 1)]
            found.append(ledger.rows(f"select currency, {', '.join(sums)} from position group by 1 order by 1"))
    return found


def test_replaced_files_stay_for_those_who_are_about_to_read_them(tmp_path: Path) -> None:
    landing = Landing(tmp_path)
    small_loads(landing, 5)
    held = landing.files("subscription_item")
    compact(landing, 5, NOW)
    small_loads(landing, 1)
    compact(landing, 5, NOW + GRACE - timedelta(seconds=1))
    assert all(path.exists() for path in held), "neither the next load nor the next compaction takes them away"
    compact(landing, 5, NOW + GRACE + timedelta(seconds=1))
    assert not any(path.exists() for path in held)
    assert len(every_row(landing, "subscription_item")) == 120


def test_a_large_load_is_not_rewritten_for_a_few_small_ones(tmp_path: Path) -> None:
    landing = Landing(tmp_path)
    days = pa.array([date(2025, 1, 1)] * 200_000)
    usage = pa.table(
        {
            "account_id": [f"a{n}" for n in range(200_000)],
            "day": days,
            "feature": ["*"] * 200_000,
            "events": [1] * 200_000,
        }
    )
    for part in (usage, usage.slice(0, 5), usage.slice(0, 5)):
        landing.append("usage_day", [part], source="t", source_kind="usage", loaded_at=NOW)
    run = plan(landing, "usage_day", 3)
    assert run is not None and [load.load_no for load in run.loads] == [2, 3]
    compact(landing, 3, NOW)
    assert [path.name for path in landing.files("usage_day")] == ["00000001-0001.parquet", "00000003-c1-0001.parquet"]


def test_it_is_due_when_many_published_files_would_become_few(desk: Path) -> None:
    home = open_home(desk)
    small_loads(home.landing, upkeep.MOST_FILES + 1, rows=1)
    assert not upkeep.due(home, NOW), "nothing is published"
    book(home, NOW)
    assert upkeep.due(home, NOW)
    assert upkeep.run(home, NOW).count == 1
    assert not upkeep.due(home, NOW)
    assert upkeep.run(home, NOW).count == 0


AGAIN = """
import sys
from datetime import UTC, datetime
from pathlib import Path
from holdfast.warehouse.compaction import compact
from holdfast.warehouse.landing import Landing
print("ready", flush=True)
compact(Landing(Path(sys.argv[1])), 10**6, datetime(2026, 1, 1, tzinfo=UTC))
"""


@pytest.mark.slow
def test_a_compaction_cut_off_anywhere_loses_and_repeats_nothing(tmp_path: Path) -> None:
    made = tmp_path / "made"
    small_loads(Landing(made), 200)
    whole, loads = every_row(Landing(made), "subscription_item"), Landing(made).loads()
    shutil.copytree(made, tmp_path / "timed")
    began = time.monotonic()
    compact(Landing(tmp_path / "timed"), 10**6, NOW)
    took, chance, cut = time.monotonic() - began, random.Random(3), 0
    for number in range(KILLS):
        home = tmp_path / f"home{number}"
        shutil.copytree(made, home)
        cut += cut_off(AGAIN, home, chance.uniform(0, took * 1.5))
        landing = Landing(home)
        assert every_row(landing, "subscription_item") == whole
        small_loads(landing, 1)
        compact(landing, len(loads), NOW)
        assert len(landing.files("subscription_item")) == 2
        assert len(every_row(landing, "subscription_item")) == len(whole) + 20
        assert len(landing.loads()) == len(loads) + 1
        shutil.rmtree(home)
    assert cut or KILLS < 10, "at least one was cut off"
