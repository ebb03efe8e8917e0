"""Watch: what was published is looked at as a whole: health, learned risk and signals of every account, published in one step.

HOME/watch/CURRENT                     which folder is shown
HOME/watch/<number>/watch.duckdb       what is said of each account (warehouse/watched.py)
HOME/watch/<number>/*.json             the track records of predictions and signals
HOME/watch/past/<day>.parquet          predictions as they were made, with the features that they were made of
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Mapping
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa

from holdfast.domain.health import Health
from holdfast.domain.scorecard import Scorecard
from holdfast.flows import (
    foretold,
    learned,
    panel,
    scorecards,
    scored,
    signalled,
    trackrecord,
    watch_ctas,
    watch_news,
    watched,
)
from holdfast.flows.book import open_ledger, open_records, published
from holdfast.flows.home import Home, HomeError, locked
from holdfast.flows.labels import CHURN
from holdfast.flows.learned import Learned
from holdfast.flows.past import name_of
from holdfast.flows.scored import rows_of
from holdfast.flows.watched import Current
from holdfast.warehouse.features import dictionary, measure
from holdfast.warehouse.ledger import Ledger
from holdfast.warehouse.records import Records
from holdfast.warehouse.watched import Watched, write_watch

#: says what is being done, and how far it is
Progress = Callable[[str, int, int], None]

#: watches kept besides the published one, for readers that opened them
KEPT = 1
#: weeks of which the health is shown
HISTORY = 52


def watch(
    home: Home, now: datetime, *, full: bool = False, retrain: bool = False, progress: Progress | None = None
) -> Current:
    """Watch what is published and publish what was seen. `full`: measure every past day anew; `retrain`: learn anew though it is not due.

    HomeError: nothing is booked yet.
    """
    told: Progress = progress or (lambda what, done, of: None)
    booked = published(home)
    if booked is None:
        raise HomeError("nothing is booked yet; run: holdfast book")
    with locked(watched.root(home)), open_ledger(home) as ledger, open_records(home) as records:
        days = panel.bring(
            home, booked, ledger, records, now, full=full, progress=lambda done, of: told("measuring", done, of)
        )
        cards = scorecards.cards(home)
        today = measure(ledger, records, [ledger.as_of]).sort_by("account_id")
        told("learning", 0, 1)
        wise = learned.learn(home, ledger, cards, days, now, retrain=retrain)
        told("looking", 0, 1)
        current = _publish(home, now, booked.generation, ledger, records, cards, days, today, wise)
        told("looking", 1, 1)
    return current


def _publish(
    home: Home, now: datetime, generation: int, ledger: Ledger, records: Records, cards: tuple[Scorecard, ...],
    days: list[date], today: pa.Table, wise: Learned,
) -> Current:  # fmt: skip
    last = watched.current(home)
    current = Current((last.number if last else 0) + 1, str(ledger.as_of), generation, now.isoformat())
    place = watched.folder(home, current.number)
    shutil.rmtree(place, ignore_errors=True)
    place.mkdir(parents=True)
    try:
        health, before, health_tables = _health(home, cards, days, today, ledger.as_of)
        scores = [health[one].score for one in today["account_id"].to_pylist()]
        told = foretold.foretell(wise, today, scores)
        seen = signalled.signals(home, ledger, records, today, days, health, cards)
        tables = {
            **health_tables,
            **told.tables,
            "judgement": seen.table,
            "feature": _features(today),
            "standing": _standing(today, cards, health, before, told.by_account, seen),
        }
        settings = {
            "as_of": str(ledger.as_of), "watched_at": now.isoformat(), "currency": home.settings.currency,
            "policy": home.settings.policy, "generation": str(generation),
        }  # fmt: skip
        write_watch(place / watched.WATCH_FILE, tables, settings)
        _write(place / watched.TRACK_FILE, trackrecord.track_record(home, ledger, wise, today, now))
        _write(place / watched.SIGNALS_FILE, {"as_of": str(ledger.as_of), "signals": seen.record})
        trackrecord.remember(home, ledger.as_of, told, today, scores)
    except BaseException:
        shutil.rmtree(place, ignore_errors=True)
        raise
    watched.publish(home, current)
    _sweep(home, current)
    stakes = watch_ctas.stakes_of(records, told)
    learned_it = wise.heads[name_of(CHURN, foretold.SHOWN)].is_used
    watch_ctas.ask(home, seen, stakes, ledger.as_of, now, learned=learned_it)
    _news(home, last, current, now)
    return current


def _news(home: Home, last: Current | None, current: Current, now: datetime) -> None:
    before = watched.folder(home, last.number) / watched.WATCH_FILE if last else None
    with Watched(watched.folder(home, current.number) / watched.WATCH_FILE) as seen:
        if before is None or not before.exists():
            watch_news.tell(None, seen, now)
            return
        with Watched(before) as old:
            watch_news.tell(old, seen, now)


def _health(
    home: Home, cards: tuple[Scorecard, ...], days: list[date], today: pa.Table, as_of: date
) -> tuple[dict[str, Health], dict[str, Health], dict[str, pa.Table]]:
    """Health today and four weeks ago by account, and the tables of parts, moves and history."""
    now = scored.each(cards, today)
    since = as_of - timedelta(days=scored.MOVED_OVER)
    near = min((day for day in days if day < as_of), key=lambda day: abs(day - since), default=None)
    columns = ["account_id", "as_of", *scored.columns_needed(cards)]
    before = scored.each(cards, panel.read(home, [near], columns)) if near else {}
    tables = scored.health_tables(cards, now, before, near)
    weeks = [day for day in days if as_of - timedelta(weeks=HISTORY) < day < as_of]
    past = panel.read(home, weeks, columns)
    told = scored.scores(cards, past)[1] if weeks else []
    history = pa.table(
        {
            "account_id": [*(past["account_id"].to_pylist() if weeks else []), *now],
            "day": pa.array([*(past["as_of"].to_pylist() if weeks else []), *[as_of] * len(now)], pa.date32()),
            "score": pa.array([*told, *(one.score for one in now.values())], pa.float64()),
        }
    )
    return now, before, tables | {"health_day": history.filter(pa.compute.is_valid(history["score"]))}


def _standing(
    today: pa.Table, cards: tuple[Scorecard, ...], health: dict[str, Health], before: dict[str, Health],
    told: Mapping[str, dict[str, Any]], seen: signalled.Signalled,
) -> pa.Table:  # fmt: skip
    """One row per account: what a table of accounts shows."""
    rows: list[dict[str, object]] = []
    for account, mrr in zip(today["account_id"].to_pylist(), today["mrr_minor"].to_pylist(), strict=True):
        one = health[account]
        judged = seen.by_account.get(account, [])
        rows.append(
            {
                "account_id": account, "mrr_minor": mrr, "health": one.score, "health_before": before[account].score if account in before else None,
                "band": scored.band_of(cards, one.score), "scorecard": one.scorecard, "known_share": one.known_share,
                "sentiment": seen.sentiments.get(account), "severity": max((j.severity for j in judged), default=None),
                "signals": len({j.signal for j in judged}), **told.get(account, {}),
            }
        )  # fmt: skip
    return rows_of("standing", rows)


def _features(today: pa.Table) -> pa.Table:
    """The features of today, one row for each that is known."""
    tables = []
    for name in (feature.name for feature in dictionary()):
        known = today.select(["account_id", name]).filter(pa.compute.is_valid(today[name]))
        names = pa.array([name] * known.num_rows, pa.string())
        tables.append(pa.table({"account_id": known["account_id"], "name": names, "value": known[name]}))
    return pa.concat_tables(tables)


def _write(path: Path, told: dict[str, Any]) -> None:
    path.write_text(json.dumps(told, indent=1, default=str))


def _sweep(home: Home, current: Current) -> None:
    """Remove watches that nobody can have open for long any more."""
    for folder in watched.root(home).iterdir():
        if folder.is_dir() and folder.name.isdigit() and int(folder.name) < current.number - KEPT:
            shutil.rmtree(folder, ignore_errors=True)
