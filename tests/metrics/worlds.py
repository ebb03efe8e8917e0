"""Companies booked by the product together with their exchange rates, open for the metrics to read; and the oracle's view of the same."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from fractions import Fraction
from pathlib import Path
from typing import Any

import pyarrow as pa

from holdfast.domain.money import decimals
from holdfast.domain.period import Window
from holdfast.domain.policy import Policy
from holdfast.metrics import retention
from holdfast.metrics.retention import Row
from holdfast.warehouse.booking import Booking
from holdfast.warehouse.build import build
from holdfast.warehouse.landing import Landing
from holdfast.warehouse.ledger import Ledger
from holdfast.warehouse.window import View

from ..ledger.booked import files_of, land
from ..oracle.ledger import AccountState, Facts, ItemState
from ..oracle.ledger import Window as OracleWindow
from ..oracle.pencil import DEFAULT, item

DOLLARS = View("USD")
#: what one major unit was worth in dollars from a day on; learned on that day
RATES: dict[str, list[tuple[date, str]]] = {
    "EUR": [(date(2020, 1, 1), "1.0837"), (date(2023, 2, 10), "1.1203"), (date(2024, 1, 1), "0.9871")],
    "JPY": [(date(2020, 1, 1), "0.0067"), (date(2023, 6, 1), "0.0081"), (date(2024, 6, 15), "0.00723")],
}


def rate(currency: str, day: date) -> Fraction:
    """Cents for one minor unit of a currency, written without the product: the newest rate on or before the day."""
    if currency == "USD":
        return Fraction(1)
    newest = [value for begin, value in RATES[currency] if begin <= day][-1]
    return Fraction(newest) * Fraction(10) ** (2 - decimals(currency))


def land_rates(landing: Landing, rates: dict[str, list[tuple[date, str]]] | None = None) -> None:
    """Land rates to the dollar as fx_rate facts."""
    rows = [
        (code, day, float(value)) for code, days in (RATES if rates is None else rates).items() for day, value in days
    ]
    if not rows:
        return
    table = pa.table(
        {
            "currency": [row[0] for row in rows],
            "quote": ["USD"] * len(rows),
            "day": pa.array([row[1] for row in rows], pa.date32()),
            "rate": [row[2] for row in rows],
            "learned_at": pa.array([datetime.combine(row[1], datetime.min.time()) for row in rows], pa.timestamp("us")),
        }
    )
    landing.append("fx_rate", [table], source="test", source_kind="billing", loaded_at=datetime(2026, 1, 1, tzinfo=UTC))


@contextmanager
def ledger_of(
    facts: Facts,
    policy: Policy = DEFAULT,
    as_of: date = date(2025, 12, 31),
    known_on: date | None = None,
    rates: dict[str, list[tuple[date, str]]] | None = None,
) -> Iterator[Ledger]:
    """The facts landed, booked and opened."""
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        landing = land(home, facts)
        land_rates(landing, rates)
        before = datetime.combine(known_on + timedelta(days=1), datetime.min.time()) if known_on else None
        path = home / "ledger.duckdb"
        build(path, files_of(landing), Booking(policy, as_of, before))
        with Ledger(path, policy) as ledger:
            yield ledger


def path(name: str, *amounts: int, **values: Any) -> list[ItemState]:
    """A customer's MRR from 1 January, 1 February … 2024 on; 0 is a cancelled month, and the last one stays."""
    return [
        item(
            f"{2024 + place // 12}-{place % 12 + 1:02}-01", amount, name, f"{name}-i",
            status="active" if amount else "canceled", **values,
        )
        for place, amount in enumerate(amounts)
    ]  # fmt: skip


#: what is compared of a window, under the names that product and oracle share
MOVED = ("opening", "expansion", "contraction", "churn", "reactivation", "fx", "closing")
RATIOS = ("nrr", "grr", "logo_retention")


def figures(found: Row | OracleWindow) -> dict[str, Any]:
    """A window's figures by name, whoever worked them out."""
    counts = found.counts if isinstance(found, Row) else found
    return {name: getattr(counts, name) for name in ("accounts", *MOVED)} | {
        name: getattr(found, name) for name in RATIOS
    }


def measured(ledger: Ledger, start: str, end: str, by: tuple[str, ...] = (), view: View = DOLLARS) -> list[Row]:
    """Retention from a day up to another, by the product."""
    return retention.measure(ledger, Window(date.fromisoformat(start), date.fromisoformat(end)), view, by)


def with_attributes(facts: Facts, values: dict[str, str]) -> Facts:
    """Every account carries the attributes, since ever and in every state of its own."""
    pairs = tuple(values.items())
    rows = [replace(row, attributes=pairs) for row in facts.accounts]
    since_ever = {row.account_id for row in rows if row.valid_from is None}
    named = {row.account_id for row in [*facts.items, *facts.accounts, *facts.lines]}
    named |= {other for row in rows for other in (row.parent_id, row.merged_into) if other}
    rows += [AccountState(account_id, attributes=pairs) for account_id in sorted(named - since_ever)]
    return Facts(facts.items, [replace(row, arrival=place) for place, row in enumerate(rows)], facts.lines)
