"""No feature sees the future: whatever happens after a day, what was measured of it stays the same to the last bit."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pytest

from holdfast.flows.book import open_ledger, open_records
from holdfast.flows.home import Home
from holdfast.sources.demo import World
from holdfast.warehouse.features import dictionary, measure
from holdfast.warehouse.features.dictionary import text

from .futures import as_it_is, differs, ends, home_of, rows_of

WORLD = World(accounts=30, months=20)
#: in the middle of a month, with much to come
DAY = WORLD.end - timedelta(days=110)

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def rows() -> dict[str, pa.Table]:
    return rows_of(WORLD)


@pytest.fixture(scope="module")
def as_it_went(rows: dict[str, pa.Table], tmp_path_factory: pytest.TempPathFactory) -> Home:
    return home_of(tmp_path_factory.mktemp("went"), WORLD, rows, as_it_is(DAY))


@pytest.fixture(scope="module")
def otherwise(rows: dict[str, pa.Table], tmp_path_factory: pytest.TempPathFactory) -> Home:
    return home_of(tmp_path_factory.mktemp("otherwise"), WORLD, rows, differs(DAY))


def measured(home: Home, *back: int) -> pa.Table:
    with open_ledger(home) as ledger, open_records(home) as records:
        return measure(ledger, records, [DAY - timedelta(days=days) for days in back or (0,)])


def moved(one: pa.Table, other: pa.Table) -> set[str]:
    """The columns that are not the same."""
    assert one.column_names == other.column_names
    return {name for name in one.column_names if one[name] != other[name]}


def test_where_everything_goes_otherwise_after_the_day_no_feature_moves(as_it_went: Home, otherwise: Home) -> None:
    told = measured(as_it_went)
    assert told.num_rows > 25
    known = [f.name for f in dictionary() if told[f.name].null_count < told.num_rows]
    assert len(known) > 240, "a feature of which nothing is known proves nothing"
    assert moved(told, measured(otherwise)) == set()


def test_the_other_world_is_another_one(as_it_went: Home, otherwise: Home) -> None:
    later = moved(measured(as_it_went, -91), measured(otherwise, -91))
    assert len(later) > 150, sorted(later)


def test_where_nothing_more_happens_after_the_day_no_feature_moves(
    as_it_went: Home, rows: dict[str, pa.Table], tmp_path: Path
) -> None:
    assert moved(measured(as_it_went), measured(home_of(tmp_path, WORLD, rows, ends(DAY)))) == set()


def rating_of_tickets_closed_later(sql: str) -> str:
    return changed(sql, "case when closed_on <= spot.as_of then satisfaction end as rating", "satisfaction as rating")


def departures_not_noticed_yet(sql: str) -> str:
    return changed(sql, "coalesce(left_noticed_on, left_on, date '9999-12-31')", "coalesce(left_on, date '9999-12-31')")


def payments_that_come_later(sql: str) -> str:
    return changed(sql, "case when invoice.paid_on <= spot.as_of then invoice.paid_on end", "invoice.paid_on")


def answers_that_come_later(sql: str) -> str:
    return changed(sql, "case when answered_on <= spot.as_of then score end as score", "score")


def usage_that_comes_later(sql: str) -> str:
    return changed(sql, "month_sum.week_no <= spot.week_no", "true")


def changed(sql: str, honest: str, dishonest: str) -> str:
    assert sql.count(honest) == 1
    return sql.replace(honest, dishonest)


LOOKS_AHEAD = (
    ("support_mood", rating_of_tickets_closed_later, "satisfaction_180d"),
    ("known", departures_not_noticed_yet, "contacts"),
    ("billing_payments", payments_that_come_later, "failed_attempts_90d"),
    ("relationship_surveys", answers_that_come_later, "nps"),
    ("usage_trend", usage_that_comes_later, "usage_share_of_peak"),
)


@pytest.mark.parametrize(("file", "looking", "seen"), LOOKS_AHEAD, ids=lambda value: getattr(value, "__name__", ""))
def test_a_feature_that_looks_ahead_is_caught(
    as_it_went: Home,
    otherwise: Home,
    monkeypatch: pytest.MonkeyPatch,
    file: str,
    looking: Callable[[str], str],
    seen: str,
) -> None:
    def told(name: str) -> str:
        return looking(text(name)) if name == file else text(name)

    monkeypatch.setattr("holdfast.warehouse.features.measuring.text", told)
    # measured together with a later day, the day has that one's facts within reach
    assert seen in moved(of_the_day(measured(as_it_went, 0, -91)), of_the_day(measured(otherwise, 0, -91)))


def of_the_day(told: pa.Table) -> pa.Table:
    return told.filter(pc.equal(told["as_of"], DAY))


def test_several_days_at_once_are_the_same_as_each_alone(as_it_went: Home) -> None:
    back = (0, 28, 140)
    assert measured(as_it_went, *back).equals(
        pa.concat_tables([measured(as_it_went, days) for days in sorted(back, reverse=True)])
    )
