"""Signals of a watch: what they say of every account today and since when, what they say of the book, and what each is worth."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from typing import Any

import pyarrow as pa

from holdfast.domain.health import Health
from holdfast.domain.judgement import Judgement
from holdfast.domain.scorecard import Scorecard
from holdfast.flows import ctas_sentiment, panel, scored, watched
from holdfast.flows.home import Home, HomeError
from holdfast.flows.scored import rows_of
from holdfast.signals.book import book_of
from holdfast.signals.foretellable import foretellable
from holdfast.signals.judging import columns_of, fires, judge_all, judge_book
from holdfast.signals.record import QUIET, Panel, Record, records
from holdfast.signals.shelf import shelf
from holdfast.signals.signal import Columns, Signal
from holdfast.warehouse.ledger import Ledger
from holdfast.warehouse.records import Records

#: rows of the past that signals are asked of: they look at them one by one
MOST_ROWS = 500_000
#: columns that judgements of the book look at, beside attributes
OF_BOOK = ("account_id", "as_of", "mrr_minor")

#: the record of a signal that was not tried on the past
UNTRIED: dict[str, Any] = dict.fromkeys(
    ("alerts", "hits", "precision", "precision_low", "precision_high", "base_rate", "lift", "recall", "lead_days", "per_week")
) | {"verdict": "too few to tell", "why": "It was not tried on the past."}  # fmt: skip

_HELD = "select signal, account_id, max(since) from judgement group by all"


@dataclass(frozen=True)
class Signalled:
    """What the signals say today. Judgements of the whole book have no account."""

    judgements: tuple[Judgement, ...]
    #: (signal, account) → the first day of its spell
    since: Mapping[tuple[str, str], date]
    #: as signals.json tells it
    record: list[dict[str, Any]]
    sentiments: Mapping[str, int]
    by_account: Mapping[str, list[Judgement]] = field(default_factory=dict)

    @property
    def table(self) -> pa.Table:
        return rows_of("judgement", [self._row(one) for one in self.judgements])

    def _row(self, one: Judgement) -> dict[str, object]:
        evidence = [
            {"label": fact.label, "value": fact.value, "table": fact.table, "row_id": fact.row_id}
            for fact in one.evidence
        ]
        return {
            "account_id": one.account_id, "signal": one.signal, "kind": one.kind, "severity": one.severity, "sentence": one.sentence,
            "evidence": json.dumps(evidence), "since": self.since.get((one.signal, one.account_id), one.as_of), "about": one.about,
        }  # fmt: skip


def signals(
    home: Home, ledger: Ledger, facts: Records, today: pa.Table, days: Sequence[date], health: Mapping[str, Health],
    cards: Sequence[Scorecard],
) -> Signalled:  # fmt: skip
    """Ask every signal, of every account today, of the book, and of the past."""
    sentiments = {account: spoken.value for account, spoken in ctas_sentiment.said().items()}
    seen = _with_health(today, [health[one].score for one in today["account_id"].to_pylist()], sentiments)
    judged = judge_all(seen, facts, bands=cards[0].bands)
    before = [day for day in days if day < ledger.as_of]
    share = panel.share(home, before, MOST_ROWS)
    past = panel.read(home, before, share=share)
    whole = past if share == 1 else panel.read(home, before, _of_book(today))
    book = judge_book(book_of(_by_day(whole, today), ledger.as_of))
    # what the CSM felt on past days is not asked: the signal that needs it has no record before it was said
    alike, scores = scored.scores(cards, past) if past.num_rows else ([], [])
    columns = columns_of(_with_health(past, scores, {}), facts) if past.num_rows else {}
    fired = {one.name: fires(one, columns) for one in shelf() if one.judge is not None} if columns else {}
    held = _held_before(home) if share < 1 else {}
    by_account: dict[str, list[Judgement]] = defaultdict(list)
    for one in judged:
        by_account[one.account_id].append(one)
    return Signalled(
        (*book, *judged),
        _since(judged, columns, fired, held),
        _record(home, ledger, columns, fired, alike, past.num_rows / max(whole.num_rows, 1)),
        sentiments,
        dict(by_account),
    )


def _with_health(table: pa.Table, scores: Sequence[float | None], sentiments: Mapping[str, int]) -> pa.Table:
    felt = [sentiments.get(account) for account in table["account_id"].to_pylist()] if table.num_rows else []
    return table.append_column("health", pa.array(scores, pa.float64())).append_column(
        "sentiment", pa.array(felt, pa.float64())
    )


def _of_book(today: pa.Table) -> list[str]:
    """The columns that the book is made of."""
    return [name for name in today.column_names if name in OF_BOOK or name.startswith("attribute.")]


def _held_before(home: Home) -> dict[tuple[str, str], date]:
    """By signal and account since when it was held at the last watch; nothing before the first."""
    try:
        with watched.open_watched(home) as seen:
            return {(signal, account): since for signal, account, since in seen.rows(_HELD)}
    except HomeError:
        return {}


def _by_day(past: pa.Table, today: pa.Table) -> dict[date, pa.Table]:
    """What the book is made of, by measured day."""
    found = {}
    for table in (past, today):
        for day in sorted(set(table["as_of"].to_pylist())) if table.num_rows else []:
            rows = table.filter(pa.compute.equal(table["as_of"], pa.scalar(day)))
            found[day] = rows.select(_of_book(rows))
    return found


def _since(
    judged: Sequence[Judgement],
    columns: Columns,
    fired: Mapping[str, Sequence[int]],
    held: Mapping[tuple[str, str], date],
) -> dict[tuple[str, str], date]:
    """By signal and account the first day of the spell that lasts till today. `held`: what the last watch said of it, where not every past is read."""
    rows: dict[str, list[tuple[date, int]]] = defaultdict(list)
    for place, (account, day) in enumerate(zip(columns.get("account_id", ()), columns.get("as_of", ()), strict=True)):
        rows[account].append((day, place))
    found = {}
    for one in judged:
        key, first = (one.signal, one.account_id), one.as_of
        if key in held:
            found[key] = held[key]
            continue
        for day, place in sorted(rows.get(one.account_id, ()), reverse=True):
            if first - day > QUIET:
                break
            if fired.get(one.signal, ())[place : place + 1] not in ([], [0]):
                first = day
        found[key] = first
    return found


def _record(
    home: Home, ledger: Ledger, columns: Columns, fired: Mapping[str, Sequence[int]], alike: Sequence[str], share: float
) -> list[dict[str, Any]]:
    """`alike`: by row the scorecard, within which accounts are compared: a signal must not look good for the size of its accounts.

    `share`: the part of the accounts whose past this is; what a week brings is told for all of them.
    """
    known = {}
    if columns:
        looked_at = Panel(columns, foretellable(ledger, home.settings.currency), ledger.as_of, alike)
        known = {
            one.signal: replace(one, alerts_a_week=one.alerts_a_week / share)
            for one in records([(s, fired[s.name]) for s in shelf() if s.name in fired], looked_at)
        }
    return [_told(signal, known.get(signal.name)) for signal in shelf()]


def _told(signal: Signal, one: Record | None) -> dict[str, Any]:
    """A signal's record as signals.json has it."""
    plain = {
        "signal": signal.name, "title": signal.title, "kind": signal.kind, "sentence": signal.sentence, "next": signal.next,
        "outcome": signal.outcome or None, "horizon_days": signal.horizon_days,
    }  # fmt: skip
    if one is None:
        return plain | UNTRIED | {"why": "It foretells nothing that can be counted."}
    low, high = one.interval if one.precision is not None else (None, None)
    return plain | {
        "alerts": one.alerts, "judged": one.judged, "hits": one.right, "precision": one.precision, "precision_low": low,
        "precision_high": high, "base_rate": one.base_rate, "lift": one.lift, "recall": one.recall, "lead_days": one.lead_days,
        "per_week": one.alerts_a_week, "mrr_minor": one.mrr_minor, "verdict": one.verdict, "why": one.sentence,
    }  # fmt: skip
