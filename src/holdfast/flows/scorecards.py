"""The scorecards of a home: their text, what a changed one would do to which accounts and to past predictions, and keeping it.

HOME/scorecards.toml holds a company's own; without it those that come along are in force. A change shows from the next watch on.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Any

import numpy as np
import pyarrow as pa

from holdfast.desk.models import AuditEntry
from holdfast.domain.health import score_columns
from holdfast.domain.scorecard import BANDS, Band, Scorecard, ScorecardError, band
from holdfast.domain.scorecard_file import parse, shipped_text
from holdfast.flows import panel
from holdfast.flows.home import Home, write_whole
from holdfast.learning.scores import auc
from holdfast.warehouse.features import dictionary
from holdfast.warehouse.ledger import Ledger
from holdfast.warehouse.outcomes import outcomes
from holdfast.warehouse.records import Records
from holdfast.warehouse.sql import literal, quoted

FILE = "scorecards.toml"
#: changed accounts that are told one by one
MANY = 200
#: days ahead that past scores are held against; past days looked at
HORIZON, DAYS = 90, 13

_PREFIX = "attribute."


@dataclass(frozen=True)
class Changed:
    """What a scorecard would make of an account that has another score under the one in force."""

    account_id: str
    name: str
    mrr_minor: int
    before: float | None
    after: float | None
    band_before: str | None
    band_after: str | None


@dataclass(frozen=True)
class Backtest:
    """How well both would have told who leaves within 90 days, over past days: 0.5 is chance, 1 is never wrong."""

    before: float | None
    after: float | None
    days: int
    rows: int
    events: int


@dataclass(frozen=True)
class Preview:
    """What a text would change."""

    accounts: int
    #: with another score, and with another band
    rescored: int
    rebanded: int
    #: the largest changes of band first
    changes: tuple[Changed, ...]
    #: band, accounts now, accounts then; "" where there is no score
    bands: tuple[tuple[str, int, int], ...]
    #: None: no past day is measured yet
    backtest: Backtest | None


def text(home: Home) -> str:
    """The scorecards in force, as they are written."""
    own = home.path / FILE
    return own.read_text() if own.exists() else shipped_text()


def is_own(home: Home) -> bool:
    """Whether the company has scorecards of its own."""
    return (home.path / FILE).exists()


def cards(home: Home) -> tuple[Scorecard, ...]:
    """The scorecards in force. ScorecardError: the file cannot be used."""
    return read(text(home))


@lru_cache(8)
def read(given: str) -> tuple[Scorecard, ...]:
    """The scorecards of a text. ScorecardError: it cannot be used."""
    return parse(given, {one.name for one in dictionary()}, FILE)


def bands(home: Home) -> tuple[Band, ...]:
    """The bands in force, best first; those that come along where the file cannot be used."""
    try:
        return cards(home)[0].bands
    except ScorecardError:
        return BANDS


def line_of(given: str, error: str) -> int | None:
    """The line of a text that an error is about, as far as it can be told."""
    if told := re.search(r"at line (\d+)", error):
        return int(told[1])
    lines = list(enumerate(given.splitlines(), 1))
    for word in reversed(re.findall(r"'([^']+)'", error)):
        found = [number for number, line in lines if f'"{word}"' in line or f"'{word}'" in line]
        if found:
            # a measure has no name of its own: it is counted within its group
            measure = re.search(r"measure (\d+): (?!feature)", error)
            there = [number for number, line in lines if number > found[0] and re.search(r"\bfeature\s*=", line)]
            return there[int(measure[1]) - 1] if measure and len(there) >= int(measure[1]) else found[0]
    return None


def preview(home: Home, given: str, records: Records, ledger: Ledger) -> Preview:
    """What a text would change if it were in force. ScorecardError: it cannot be used. The records see a watch."""
    now, then = cards(home), read(given)
    ids, names, amounts, attributes, columns = _today(
        records, {one.feature for card in (*now, *then) for one in card.measures}
    )
    before, after = (score_columns(some, attributes, columns, len(ids))[1] for some in (now, then))
    found = [
        Changed(one, name, mrr, was, will, _band(was, now), _band(will, then))
        for one, name, mrr, was, will in zip(ids, names, amounts, before, after, strict=True)
    ]
    changed = [one for one in found if one.before != one.after or one.band_before != one.band_after]
    changed.sort(
        key=lambda one: (one.band_before == one.band_after, -abs((one.after or 0) - (one.before or 0)), -one.mrr_minor)
    )
    rebanded = sum(one.band_before != one.band_after for one in changed)
    return Preview(
        len(ids),
        len(changed),
        rebanded,
        tuple(changed[:MANY]),
        _bands(found, now, then),
        backtest(home, ledger, now, then),
    )


def save(home: Home, given: str, who: Any, now: datetime, address: str = "") -> None:
    """Put a text in force. ScorecardError: it cannot be used, and nothing is changed."""
    read(given)
    write_whole(home.path / FILE, given if given.endswith("\n") else given + "\n")
    AuditEntry.add("changed scorecards", FILE, now, user=who, address=address)


def reset(home: Home, who: Any, now: datetime, address: str = "") -> None:
    """Go back to the scorecards that come along."""
    (home.path / FILE).unlink(missing_ok=True)
    AuditEntry.add("took back scorecards", FILE, now, user=who, address=address)


def backtest(home: Home, ledger: Ledger, now: Sequence[Scorecard], then: Sequence[Scorecard]) -> Backtest | None:
    """Both scorecards on past days whose next 90 days are known; None: there is none."""
    ends = ledger.as_of.toordinal() - HORIZON
    days = [day for day in panel.kept(home) if day.toordinal() <= ends and day.toordinal() % 28 == 0][-DAYS:]
    if not days:
        return None
    rows = panel.read(home, days)
    came = outcomes(ledger, days, [HORIZON])
    left = {
        (one, day): after == 0
        for one, day, after in zip(
            *(came[name].to_pylist() for name in ("account_id", "as_of", "after_minor")), strict=True
        )
        if after is not None
    }
    known = [left.get(key) for key in zip(rows["account_id"].to_pylist(), rows["as_of"].to_pylist(), strict=True)]
    attributes = {
        name.removeprefix(_PREFIX): rows[name].to_pylist() for name in rows.column_names if name.startswith(_PREFIX)
    }
    used = {one.feature for card in (*now, *then) for one in card.measures} & set(rows.column_names)
    columns = {name: rows[name].to_pylist() for name in used}
    told = [_auc(score_columns(some, attributes, columns, rows.num_rows)[1], known) for some in (now, then)]
    return Backtest(told[0], told[1], len(days), sum(one is not None for one in known), sum(bool(one) for one in known))


def _auc(scores: Sequence[float | None], left: Sequence[bool | None]) -> float | None:
    """The chance that of two accounts the one that left had the lower score; ties count half."""
    pairs = [(score, gone) for score, gone in zip(scores, left, strict=True) if score is not None and gone is not None]
    values, gone = np.array([one for one, _ in pairs], float), np.array([one for _, one in pairs], float)
    return auc(-values, gone) if 0 < gone.sum() < len(gone) else None


def _today(
    records: Records, features: set[str]
) -> tuple[list[str], list[str], list[int], dict[str, list[str | None]], dict[str, list[float | None]]]:
    """The accounts that are watched, with their attributes and the features that are named."""
    used = sorted(features)
    values = "".join(f", max(value) filter (where name = {literal(name)}) as {quoted(name)}" for name in used)
    attributes = "".join(f", summary.{quoted(f'seg_{name}')}" for name in records.segments)
    found = records.connection.sql(
        f"with told as (select account_id{values} from feature group by account_id) "
        f"select summary.account_id, summary.name, summary.mrr_minor{attributes}, told.* exclude (account_id) "
        "from standing join summary using (account_id) join told using (account_id) order by summary.account_id"
    )
    told: pa.Table = found.to_arrow_table()
    columns = [column.to_pylist() for column in told.columns]
    own = dict(zip(records.segments, columns[3:], strict=False))
    return columns[0], columns[1], columns[2], own, dict(zip(used, columns[3 + len(own) :], strict=True))


def _band(score: float | None, some: Sequence[Scorecard]) -> str | None:
    return band(score, some[0].bands).name if score is not None else None


def _bands(
    found: Sequence[Changed], now: Sequence[Scorecard], then: Sequence[Scorecard]
) -> tuple[tuple[str, int, int], ...]:
    before, after = Counter(one.band_before or "" for one in found), Counter(one.band_after or "" for one in found)
    names = dict.fromkeys([*(one.name for one in then[0].bands), *(one.name for one in now[0].bands), ""])
    return tuple((name, before[name], after[name]) for name in names if before[name] or after[name])
