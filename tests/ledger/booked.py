"""Booking the oracle's facts with the product: landed as Parquet, through the SQL models, read back as the oracle's dictionaries."""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields, replace
from datetime import UTC, date, datetime, timedelta
from operator import attrgetter
from pathlib import Path
from typing import Any

import pyarrow as pa

from holdfast.domain.facts import TABLES
from holdfast.domain.period import month_start
from holdfast.domain.policy import Policy
from holdfast.warehouse.booking import Booking
from holdfast.warehouse.booking import Facts as Files
from holdfast.warehouse.build import build
from holdfast.warehouse.landing import Landing, landing_schema
from holdfast.warehouse.ledger import Ledger

from ..oracle.ledger import AccountState, Facts, ItemState, Line

NOW = datetime(2026, 1, 1, tzinfo=UTC)


def rows_of(table: str, rows: Sequence[Any]) -> pa.Table:
    """Arrow rows of a fact table from the oracle's dataclasses."""
    schema = landing_schema(TABLES[table])
    names = [field.name for field in fields(rows[0]) if field.name in schema.names]
    columns = {name: list(map(attrgetter(name), rows)) for name in names}
    if "attributes" in columns:
        columns["attributes"] = [list(value) for value in columns["attributes"]]
    return pa.table({name: pa.array(values, schema.field(name).type) for name, values in columns.items()})


def land(home: Path, facts: Facts, parts: int = 1) -> Landing:
    """Land the facts; item rows in `parts` loads one after the other, so that what arrived later is in a later load."""
    landing = Landing(home)
    items = sorted(facts.items, key=lambda row: row.arrival)
    size = -(-len(items) // parts) or 1
    dealt = [items[start : start + size] for start in range(0, len(items), size)]
    for table, portions in (
        ("subscription_item", dealt),
        ("account", [facts.accounts]),
        ("invoice_line", [facts.lines]),
    ):
        for rows in portions:
            if rows:
                landing.append(table, [rows_of(table, rows)], source="test", source_kind="billing", loaded_at=NOW)
    return landing


@dataclass
class Booked:
    """What the product made of the facts, in the oracle's words."""

    balance: dict[tuple[str, str, date], int]
    movements: dict[tuple[str, str, date, str], int]
    trial: dict[tuple[str, str, date], int]
    pending: dict[tuple[str, str, date], int]
    held: dict[tuple[str, str, date], int]


def files_of(landing: Landing) -> Files:
    tables = ("subscription_item", "account", "invoice_line", "fx_rate")
    return Files(*(tuple(landing.files(table)) for table in tables))


def booked(facts: Facts, policy: Policy, as_of: date, known_on: date | None = None, parts: int = 1) -> Booked:
    """Book the facts with the product."""
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        path = home / "ledger.duckdb"
        before = datetime.combine(known_on + timedelta(days=1), datetime.min.time()) if known_on else None
        build(path, files_of(land(home, facts, parts)), Booking(policy, as_of, before))
        with Ledger(path, policy) as ledger:
            return read(ledger)


def read(ledger: Ledger) -> Booked:
    """The whole ledger as dictionaries; zeros are left out."""
    months = range(ledger.first_month, ledger.last_month + 1)
    columns = ", ".join(f"m{month}" for month in months)
    balance = {
        (entity, currency, month_start(month)): amount
        for entity, currency, *amounts in ledger.rows(
            f"select entity_id, currency, {columns} from position join entity using (entity_key)"
        )
        for month, amount in zip(months, amounts, strict=True)
        if amount
    }
    movements: dict[tuple[str, str, date, str], int] = {}
    for entity, currency, month, kind, amount in ledger.rows(
        "select entity_id, currency, month_no, kind::varchar, amount_minor from movement join entity using (entity_key)"
    ):
        assert (entity, currency, month_start(month), kind) not in movements
        movements[entity, currency, month_start(month), kind] = amount
    lanes: dict[str, dict[tuple[str, str, date], int]] = {"trial": {}, "pending": {}, "held": {}}
    for month in months:
        end = month_start(month + 1)
        last = min(end - timedelta(days=1), ledger.as_of)
        for lane, entity, currency, amount in ledger.rows(
            "select lane::varchar, entity_id, currency, sum(amount_minor)::bigint from aside join entity using (entity_key) "
            f"where lane in ('trial', 'pending', 'held') and from_day <= date '{last}' and to_day > date '{last}' group by all"
        ):
            lanes[lane][entity, currency, month_start(month)] = amount
    return Booked(balance, movements, lanes["trial"], lanes["pending"], lanes["held"])


def renamed(facts: Facts, prefix: str) -> Facts:
    """The same facts with every id prefixed, so that many companies can be booked as one."""

    def put(value: str | None) -> str | None:
        return value and f"{prefix}{value}"

    return Facts(
        [
            replace(r, account_id=put(r.account_id), subscription_id=put(r.subscription_id), item_id=put(r.item_id))
            for r in facts.items
        ],
        [
            replace(a, account_id=put(a.account_id), parent_id=put(a.parent_id), merged_into=put(a.merged_into))
            for a in facts.accounts
        ],
        [
            replace(
                line,
                line_id=put(line.line_id),
                account_id=put(line.account_id),
                subscription_id=put(line.subscription_id),
                item_id=put(line.item_id),
            )
            for line in facts.lines
        ],
    )


def together(companies: Iterable[Facts]) -> Facts:
    """Companies put side by side; arrival stays in order within each."""
    whole = Facts([], [], [])
    for company in companies:
        items = sorted(company.items, key=lambda row: row.arrival)
        whole.items += [replace(row, arrival=len(whole.items) + n) for n, row in enumerate(items)]
        whole.accounts += company.accounts
        whole.lines += company.lines
    return whole


__all__ = ["AccountState", "Booked", "ItemState", "Line", "booked", "land", "read", "renamed", "together"]
