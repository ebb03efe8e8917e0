"""The whole book as portfolio signals see it: each account a year ago and now, and trailing retention by quarter.

Made of the measured days of the panel; amounts are in the reporting currency at one day's rates, so that exchange moves nothing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta

import pyarrow as pa

YEAR, QUARTER = timedelta(days=364), timedelta(days=91)
#: how far a measured day may lie from the wanted one
_NEAR = timedelta(days=14)
ATTRIBUTE = "attribute."


@dataclass(frozen=True)
class Member:
    """An account: MRR a year ago and now, in minor units; its attributes as they were first, and who carries it now."""

    account_id: str
    opening: int
    closing: int
    attributes: Mapping[str, str] = field(default_factory=dict)
    owner: str = ""

    @property
    def has_left(self) -> bool:
        return self.opening > 0 and self.closing <= 0


@dataclass(frozen=True)
class Book:
    """The book on a day. Members that joined in the year have no opening."""

    as_of: date
    #: the first day of the year that members are compared over; None: the history is too short
    since: date | None
    members: tuple[Member, ...]
    #: net revenue retention over the year up to each of the last quarters' ends, newest first
    quarters: tuple[tuple[date, float], ...] = ()


def book_of(measured: Mapping[date, pa.Table], as_of: date | None = None) -> Book:
    """The book from measured days (`warehouse.features.measure`, by day); `as_of`: a day of them, else the last."""
    last = as_of or max(measured)
    since = _nearest(measured, last - YEAR)
    quarters = []
    for back in range(4):
        end = last if back == 0 else _nearest(measured, last - back * QUARTER)
        start = _nearest(measured, end - YEAR) if end else None
        rate = _retention(measured[start], measured[end]) if start and end else None
        if end is None or rate is None:
            break
        quarters.append((end, rate))
    before = measured[since] if since else None
    return Book(last, since, _members(before, measured[last]), tuple(quarters))


def retention(members: Sequence[Member]) -> float | None:
    """Net revenue retention of members: one division. None: they had nothing."""
    opening = sum(one.opening for one in members)
    return sum(one.closing for one in members if one.opening) / opening if opening else None


def _nearest(measured: Mapping[date, pa.Table], wanted: date) -> date | None:
    near = min(measured, key=lambda day: (abs(day - wanted), day))
    return near if abs(near - wanted) <= _NEAR else None


def _amounts(table: pa.Table) -> dict[str, int]:
    return dict(zip(table["account_id"].to_pylist(), table["mrr_minor"].to_pylist(), strict=True))


def _retention(before: pa.Table, after: pa.Table) -> float | None:
    opening, closing = _amounts(before), _amounts(after)
    total = sum(opening.values())
    return sum(closing.get(account, 0) for account in opening) / total if total else None


def _members(before: pa.Table | None, after: pa.Table) -> tuple[Member, ...]:
    opening = {} if before is None else _amounts(before)
    closing = _amounts(after)
    now, then = _attributes(after), {} if before is None else _attributes(before)
    return tuple(
        Member(
            account,
            opening.get(account, 0),
            closing.get(account, 0),
            then.get(account, now.get(account, {})),
            now.get(account, then.get(account, {})).get("owner", ""),
        )
        for account in sorted({*then, *now})
    )


def _attributes(table: pa.Table) -> dict[str, dict[str, str]]:
    names = [name for name in table.column_names if name.startswith(ATTRIBUTE)]
    columns = [table[name].to_pylist() for name in names]
    short = [name.removeprefix(ATTRIBUTE) for name in names]
    return {
        account: {name: column[row] for name, column in zip(short, columns, strict=True) if column[row]}
        for row, account in enumerate(table["account_id"].to_pylist())
    }
