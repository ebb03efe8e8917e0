"""A watch is published whole, adds up, says the same again, and fails without a trace."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from holdfast.flows import watched as read
from holdfast.flows.book import open_records
from holdfast.flows.home import Home, open_home
from holdfast.warehouse.watched import TABLES, Watched

pytestmark = pytest.mark.slow

NOW = datetime(2026, 11, 2, 8, tzinfo=UTC)


@pytest.fixture
def home(watched: Path, settings: Any, db: None) -> Home:
    """The watched company with an empty desk."""
    settings.HOME = watched
    return open_home(watched)


def rows(path: Path, table: str) -> list[tuple[Any, ...]]:
    with Watched(path) as seen:
        return seen.rows(f"from {table} order by all")


def test_every_paying_account_stands_in_it_with_all_its_mrr(first_watch: Path) -> None:
    home = open_home(first_watch)
    with read.open_watched(home) as seen, open_records(home) as facts:
        paying = facts.rows("select account_id, mrr_minor from summary where mrr_minor > 0 order by account_id")
        assert seen.rows("select account_id, mrr_minor from standing order by account_id") == paying


def test_parts_sum_to_the_score_and_moves_to_the_difference(first_watch: Path) -> None:
    with read.open_watched(open_home(first_watch)) as seen:
        off = seen.rows(
            "select account_id from standing join (select account_id, sum(points) as points from health_part group by all) using (account_id) "
            "where abs(points - health) > 0.01"
        )
        moved = seen.rows(
            "select account_id from standing join (select account_id, sum(points) as points from health_move group by all) using (account_id) "
            "where abs(points - (health - health_before)) > 0.01"
        )
        scored = seen.rows("select count(*) from standing where health is not null")[0][0]
    assert off == [] and moved == [] and scored > 100


def test_chances_are_chances_and_expected_mrr_lies_where_it_may(told: Callable[..., Any]) -> None:
    accounts = told("risk")["accounts"]
    assert len(accounts) > 100
    for one in accounts:
        for horizons in one["probabilities"].values():
            assert list(horizons) == ["30", "90", "180"] and all(0 <= chance <= 1 for chance in horizons.values())
        for expected in one["expected"].values():
            assert 0 <= expected["low_minor"] <= expected["high_minor"]
            assert 0 <= expected["expected_minor"] <= 5 * one["mrr_minor"]
    at_stake = [one["mrr_minor"] * one["probabilities"]["churn"]["90"] for one in accounts]
    assert at_stake == sorted(at_stake, reverse=True), "most money at risk first"


def test_what_is_told_stands_in_an_order_of_its_own_whatever_the_order_of_rows() -> None:
    from holdfast.flows.looked_at import _rows

    keys = [(account, days) for account in ("b", "a") for days in (180, 30, 90)]
    worth = {"mrr_minor": 100, "expected_minor": 90, "low_minor": 50, "high_minor": 100}
    tables = {
        "expected": pa.Table.from_pylist([{"account_id": a, "horizon_days": d, **worth} for a, d in keys]),
        "risk": pa.Table.from_pylist(
            [
                {"account_id": a, "target": target, "horizon_days": d, "probability": 0.1}
                for a, d in keys
                for target in ("expansion", "churn")
            ]
        ),
        "reason": pa.table({"account_id": pa.array([], pa.string())}),
    }
    rows = _rows(tables)
    assert [one["account_id"] for one in rows] == ["a", "b"]
    assert all(list(one["expected"]) == ["30", "90", "180"] for one in rows)
    assert all(list(chances) == ["30", "90", "180"] for one in rows for chances in one["probabilities"].values())


def test_the_track_record_has_every_head_and_no_number_that_is_none(told: Callable[..., Any]) -> None:
    record = told("trackrecord")
    heads = {(one["target"], one["horizon_days"]) for one in record["targets"]}
    assert heads == {(target, days) for target in ("churn", "contraction", "expansion") for days in (30, 90, 180)}
    assert {one["verdict"] for one in record["targets"]} <= {"better", "not better", "not enough history"}
    for one in record["targets"]:
        used = next(
            m for m in record["models"] if (m["target"], m["horizon_days"]) == (one["target"], one["horizon_days"])
        )
        assert used["used"] == (one["verdict"] == "better"), "only what is better is used"
        assert one["needs"] is None or one["verdict"] == "not enough history"


def test_the_same_again_says_the_same_and_opens_nothing_twice(home: Home) -> None:
    from holdfast.desk.models import Cta
    from holdfast.flows import watch

    first = watch.watch(home, NOW)
    opened = Cta.objects.count()
    second = watch.watch(home, NOW + timedelta(minutes=5))
    assert second.number == first.number + 1 and not read.is_due(home)
    assert opened == Cta.objects.count() > 0
    before, after = (read.folder(home, one.number) / read.WATCH_FILE for one in (first, second))
    for table in set(TABLES) - {"setting"}:
        assert rows(before, table) == rows(after, table), table


def test_a_watch_that_fails_leaves_the_last_one(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    from holdfast.flows import signalled, watch

    last = read.current(home)
    assert last is not None

    def broken(*_: Any) -> None:
        raise RuntimeError("a signal is broken")

    monkeypatch.setattr(signalled, "signals", broken)
    with pytest.raises(RuntimeError, match="a signal is broken"):
        watch.watch(home, NOW)
    assert read.current(home) == last and not read.folder(home, last.number + 1).exists()


def test_predictions_are_kept_and_scored_when_their_time_has_passed(home: Home) -> None:
    """What was said on a day long ago is in the record; nothing newer than its horizon is."""
    from holdfast.flows.back_then import foretell_then
    from holdfast.flows.book import open_ledger
    from holdfast.flows.foretold import Foretold
    from holdfast.flows.trackrecord import _live, remember
    from holdfast.warehouse.features import measure

    seen = read.current(home)
    assert seen is not None
    day = seen.day - timedelta(days=100)
    with open_ledger(home) as ledger, open_records(home) as records:
        then = measure(ledger, records, [day]).sort_by("account_id")
        told = Foretold(foretell_then(home, day, NOW), {}, {}, {}, frozenset())
        remember(home, day, told, then, [None] * then.num_rows)
        live = {(one["target"], one["horizon_days"]): one for one in _live(home, ledger)}
    assert {horizon for _, horizon in live} == {30, 90}
    churn = live["churn", 90]
    assert churn["n"] == then.num_rows and churn["from"] == churn["to"] == str(day)
    assert 0 < churn["events"] == churn["observed"] and churn["predicted"] > 0


def test_of_very_many_accounts_some_are_learned_from_with_their_whole_past(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    from holdfast.flows import panel, past, signalled, watch

    days = panel.kept(home)
    everyone = panel.read(home, days, ["account_id", "as_of"]).to_pylist()
    share = panel.share(home, days, len(everyone) // 2)
    assert share == pytest.approx(0.5, abs=0.001) and panel.share(home, days, len(everyone)) == 1.0
    some = panel.read(home, days, ["account_id", "as_of"], share).to_pylist()
    chosen = {one["account_id"] for one in some}
    assert some == [one for one in everyone if one["account_id"] in chosen], "an account is there with all its days"
    assert 0.3 < len(chosen) / len({one["account_id"] for one in everyone}) < 0.7

    full = {one["signal"]: one for one in read.signal_record(home)["signals"]}
    monkeypatch.setattr(past, "MOST_ROWS", len(everyone) // 4)
    monkeypatch.setattr(signalled, "MOST_ROWS", len(everyone) // 2)
    with read.open_watched(home) as seen:
        before = seen.rows("select signal, account_id, since from judgement order by all")
        standing = seen.rows("select account_id, health, signals from standing order by all")
    watch.watch(home, NOW + timedelta(days=1), retrain=True)
    with read.open_watched(home) as seen:
        assert seen.rows("select signal, account_id, since from judgement order by all") == before
        assert seen.rows("select account_id, health, signals from standing order by all") == standing
    record = read.track_record(home)
    assert 0 < record["accounts_share"] < 0.6 and len(record["targets"]) == 9
    often = [one for one in full.values() if (one.get("alerts") or 0) >= 60]
    now = {one["signal"]: one for one in read.signal_record(home)["signals"]}
    assert often and all(now[one["signal"]]["alerts"] < one["alerts"] for one in often)
    # what a week brings is told for all accounts: half of them alone would bring about half of it
    weekly, wanted = (sum(known[one["signal"]]["per_week"] for one in often) for known in (now, full))
    assert weekly == pytest.approx(wanted, rel=0.3)


def test_signals_tell_since_when_and_show_rows(told: Callable[..., Any]) -> None:
    judged = told("signals")["judgements"]
    assert judged and all(one["sentence"].endswith(".") for one in judged)
    assert all(one["since"] <= "2026-10-31" for one in judged)
    assert any(fact["table"] and fact["row_id"] for one in judged for fact in one["evidence"])


def test_what_was_published_is_plain_files(first_watch: Path) -> None:
    current = json.loads((first_watch / "watch" / "CURRENT").read_text())
    folder = first_watch / "watch" / f"{current['number']:06d}"
    assert {path.name for path in folder.iterdir()} == {"watch.duckdb", "trackrecord.json", "signals.json"}
    assert (first_watch / "watch" / "past" / f"{current['as_of']}-features.parquet").exists()


def test_what_is_forgotten_is_due_again_and_keeps_what_was_learned(watched: Path) -> None:
    home = open_home(watched)
    assert not read.is_due(home)
    read.forget(home)
    assert read.current(home) is None and read.is_due(home)
    left = {path.name for path in (watched / "watch").iterdir()}
    assert left == {".lock", "features", "models", "past"}


def test_what_is_behind_every_judgement_can_be_opened(first_watch: Path) -> None:
    from holdfast.metrics import signalled

    home = open_home(first_watch)
    last = read.current(home)
    assert last is not None
    with open_records(home) as facts:
        facts.see(read.folder(home, last.number) / read.WATCH_FILE)
        accounts = [row[0] for row in facts.rows("select distinct account_id from judgement where account_id <> ''")]
        behind = [one for account in accounts for told in signalled.of_account(facts, account) for one in told.evidence]
    assert {"usage_day", "contact"} <= {one.evidence.table for one in behind}, "added up, and row by row"
    assert any(one.source for one in behind)
