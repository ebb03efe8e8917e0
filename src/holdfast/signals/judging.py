"""Asking the signals: every account of a measured table, with evidence; many days at once, without; and the whole book."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from typing import Any

import pyarrow as pa

from holdfast.domain.judgement import URGENT, Evidence, Judgement, number
from holdfast.domain.scorecard import BANDS, Band
from holdfast.signals.book import Book
from holdfast.signals.evidence import rows_behind
from holdfast.signals.shelf import shelf
from holdfast.signals.signal import Columns, Seen, Signal, Verdict, known_rows
from holdfast.warehouse.features import dictionary
from holdfast.warehouse.records import Records

_NONE = 0
#: amounts stand beside each account anyway
_NOT_SAID = ("minor units",)


def columns_of(
    table: pa.Table, records: Records | None = None, signals: Sequence[Signal] | None = None
) -> dict[str, Sequence[Any]]:
    """The columns that signals look at: those of `warehouse.features.measure()` (any days), and what signals work out of them.

    The table may have `health` and `sentiment` beside. `records`: where signals find what is not a feature.
    """
    signals = shelf() if signals is None else signals
    wanted = {name for one in signals for name in (*one.observes, *one.also)}
    wanted |= {"account_id", "as_of", *(name for name in table.column_names if name.startswith("attribute."))}
    found: dict[str, Sequence[Any]] = {
        name: _listed(table[name]) for name in table.column_names if name in wanted or name == "mrr_minor"
    }
    # several signals share one way of observing: it is asked once
    for observe in dict.fromkeys(one.observe for one in signals if one.observe is not None):
        if all(name in table.column_names for name in ("as_of", "account_id")):
            found |= observe(table, records)
    return found


def fires(signal: Signal, columns: Columns) -> list[int]:
    """By row the severity; 0 where it is quiet, or where something that it observes is not known."""
    rows = len(columns["account_id"])
    found = [_NONE] * rows
    for row, verdict in _verdicts(signal, columns):
        found[row] = verdict.severity
    return found


def judge_all(
    table: pa.Table, records: Records | None = None, signals: Sequence[Signal] | None = None,
    bands: tuple[Band, ...] = BANDS,
) -> list[Judgement]:  # fmt: skip
    """What the signals say of the accounts of a measured table, gravest first. With records, the rows behind are named.

    bands: those in which the company tells health.
    """
    signals = shelf() if signals is None else signals
    columns = columns_of(table, records, signals)
    labels = {feature.name: (feature.sentence.rstrip("."), feature.unit) for feature in dictionary()}
    found = [one for signal in signals for one in _judged(signal, columns, labels, records, bands)]
    return sorted(found, key=lambda one: (one.as_of, -one.severity, one.account_id, one.signal))


def judge_book(book: Book, signals: Sequence[Signal] | None = None) -> list[Judgement]:
    """What the portfolio signals say of the whole book, gravest first."""
    found = []
    for signal in shelf() if signals is None else signals:
        for one in signal.judge_book(book) if signal.judge_book else ():
            _check(signal, one)
            named = (Evidence("Account", one.account_id, "account", one.account_id),) if one.account_id else ()
            found.append(
                Judgement(signal.name, "", signal.kind, one.severity, one.sentence, named, book.as_of, one.about)
            )
    return sorted(found, key=lambda one: (-one.severity, one.signal, one.about))


def _judged(
    signal: Signal, columns: Columns, labels: Mapping[str, tuple[str, str]], records: Records | None,
    bands: tuple[Band, ...],
) -> Iterable[Judgement]:  # fmt: skip
    verdicts = list(_verdicts(signal, columns, bands))
    behind = _behind(signal, columns, [row for row, _ in verdicts], records)
    for row, verdict in verdicts:
        account, day = columns["account_id"][row], columns["as_of"][row]
        evidence = (*_facts(signal, Seen(columns, row), labels), *behind.get((account, day), ()))
        yield Judgement(
            signal.name, account, signal.kind, verdict.severity, verdict.sentence, evidence, day, verdict.about
        )


def _verdicts(signal: Signal, columns: Columns, bands: tuple[Band, ...] = BANDS) -> Iterable[tuple[int, Verdict]]:
    if signal.judge is None:
        return
    seen = Seen(columns, bands=bands)
    for row in known_rows(signal, columns):
        seen.row = row
        verdict = signal.judge(seen)
        if verdict is not None:
            _check(signal, verdict)
            yield row, verdict


def _check(signal: Signal, verdict: Verdict) -> None:
    if not 1 <= verdict.severity <= URGENT:
        raise ValueError(f"signal '{signal.name}' gave severity {verdict.severity}; it is 1 to {URGENT}")


def _behind(
    signal: Signal, columns: Columns, rows: Sequence[int], records: Records | None
) -> Mapping[tuple[str, date], tuple[Evidence, ...]]:
    if records is None or not signal.evidence:
        return {}
    by_day: dict[date, list[str]] = {}
    for row in rows:
        by_day.setdefault(columns["as_of"][row], []).append(columns["account_id"][row])
    return {
        (account, day): evidence
        for day, accounts in by_day.items()
        for account, evidence in rows_behind(records, signal, accounts, day).items()
    }


def _facts(signal: Signal, seen: Seen, labels: Mapping[str, tuple[str, str]]) -> Iterable[Evidence]:
    """The features behind a judgement."""
    for name in (*signal.observes, *signal.also):
        value = seen.get(name)
        # what a signal works out by itself is in its sentence
        if value is not None and name in labels and labels[name][1] not in _NOT_SAID:
            yield Evidence(labels[name][0], _written(value, labels[name][1]))


def _written(value: float, unit: str) -> str:
    if unit == "flag":
        return "yes" if value else "no"
    return number(value, {"share": "%", "count": "", "ratio": "", "points": ""}.get(unit, unit))


def _listed(column: pa.ChunkedArray) -> list[Any]:
    found: list[Any] = column.to_pylist()
    return found
