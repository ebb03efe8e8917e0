"""Evidence: any number opened down to accounts, movements, changes and the landed rows that say so."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

from holdfast.domain.period import Window, month_name
from holdfast.metrics.retention import Segment
from holdfast.warehouse.booking import scan
from holdfast.warehouse.ledger import Ledger
from holdfast.warehouse.sql import literal
from holdfast.warehouse.window import View, create_window

TITLE = "Evidence"


@dataclass(frozen=True)
class AccountLine:
    """One entity's part in a window; minor units of the view's currency, movement at the rates of the start."""

    entity: str
    name: str | None
    opening: int
    closing_fixed: int
    closing: int
    kind: str

    @property
    def moved(self) -> int:
        return self.closing_fixed - self.opening


@dataclass(frozen=True)
class MovementLine:
    """One movement; minor units of its currency."""

    month: str
    currency: str
    kind: str
    amount: int
    opening: int
    closing: int
    #: what the changes of the month say, by cause
    causes: dict[str, int]


@dataclass(frozen=True)
class ChangeLine:
    """One dated change, and the landed row behind it."""

    day: date
    currency: str
    delta: int
    held_delta: int
    cause: str
    load_no: int | None
    source_row: int | None
    row: dict[str, Any] | None


def accounts(
    ledger: Ledger,
    window: Window,
    view: View,
    segment: Segment = (),
    limit: int | None = None,
    cohort_only: bool = True,
) -> list[AccountLine]:
    """Entities of a window by how much they moved it; with `cohort_only` those with an opening (what NRR is made of)."""
    by = [ledger.attribute(name) for name, _ in segment]
    create_window(ledger, window, view, by)
    clauses = ["opening > 0" if cohort_only else "(opening <> 0 or closing <> 0)"]
    clauses += [f"seg_{n} is not distinct from {literal(value)}" for n, (_, value) in enumerate(segment, 1)]
    lost = "has_returned" if ledger.policy.left_and_returned == "lost" else "false"
    rows = ledger.rows(
        f"select entity.entity_id, account.name, opening, case when {lost} then 0 else closing_fixed end as closing_fixed, "
        f"case when {lost} then 0 else closing end as closing, "
        f"case when opening = 0 then 'new or back' when {lost} or closing_fixed = 0 then 'churn' when has_returned then 'left and returned' "
        "when closing_fixed > opening then 'expansion' when closing_fixed < opening then 'contraction' else 'same' end "
        "from entity_window join entity using (entity_key) left join account using (account_id) "
        f"where {' and '.join(clauses)} "
        f"order by abs(closing_fixed - opening) desc, opening desc, entity.entity_id{f' limit {limit}' if limit else ''}"
    )
    return [AccountLine(*row) for row in rows]


def movements(ledger: Ledger, entity: str, window: Window | None = None) -> list[MovementLine]:
    """An entity's movements by month, each with its causes."""
    where = "entity_id = ?"
    if window is not None:
        where += f" and month_no between {window.months[0]} and {window.months[-1]}"
    rows = ledger.rows(
        "select month_no, currency, kind::varchar, amount_minor, opening_minor, closing_minor, entity_key "
        f"from movement join entity using (entity_key) where {where} order by month_no, currency, kind",
        [entity],
    )
    causes: dict[tuple[int, str], dict[str, int]] = {}
    for month, currency, cause, amount in ledger.rows(
        "select (year(day) - 1970) * 12 + month(day) - 1, currency, cause::varchar, sum(delta_minor)::bigint "
        "from change join entity using (entity_key) where entity_id = ? "
        f"and day <= date '{ledger.as_of}' group by all having sum(delta_minor) <> 0 order by 1, 2, abs(sum(delta_minor)) desc",
        [entity],
    ):
        causes.setdefault((month, currency), {})[cause] = amount
    return [
        MovementLine(
            month_name(month), currency, kind, amount, opening, closing, _told(kind, causes.get((month, currency), {}))
        )
        for month, currency, kind, amount, opening, closing, _ in rows
    ]


def _told(kind: str, causes: dict[str, int]) -> dict[str, int]:
    """Beside other subscriptions, one more or one less is cross-sell."""
    if kind not in ("expansion", "contraction"):
        return causes
    told: dict[str, int] = {}
    for cause, amount in causes.items():
        name = "cross_sell" if cause in ("start", "cancel") else cause
        told[name] = told.get(name, 0) + amount
    return told


def changes(
    ledger: Ledger, entity: str, window: Window | None, landing: Sequence[Path], lines: Sequence[Path]
) -> list[ChangeLine]:
    """An entity's dated changes with the landed rows behind them."""
    where = "entity_id = ?"
    if window is not None:
        where += f" and day >= date '{window.start}' and day < date '{window.end}'"
    rows = ledger.rows(
        "select day, currency, delta_minor, held_delta_minor, cause::varchar, load_no, source_row "
        f"from change join entity using (entity_key) where {where} order by day, currency, cause",
        [entity],
    )
    landed = _landed(ledger, {(row[5], row[6]) for row in rows if row[5] is not None}, [*landing, *lines])
    return [
        ChangeLine(day, currency, delta, held, cause, load, number, landed.get((load, number, cause == "usage")))
        for day, currency, delta, held, cause, load, number in rows
    ]


def _landed(
    ledger: Ledger, wanted: set[tuple[int, int]], files: Sequence[Path]
) -> dict[tuple[int, int, bool], dict[str, Any]]:
    """The landed rows by load, row, and whether they are invoice lines; only the loads in question are read."""
    found: dict[tuple[int, int, bool], dict[str, Any]] = {}
    for load_no in {load for load, _ in wanted}:
        of_load = [file for file in files if int(file.name.split("-")[0]) == load_no]
        numbers = ", ".join(str(row) for load, row in sorted(wanted) if load == load_no)
        if not of_load:
            continue
        result = ledger.connection.execute(f"select * from {scan(of_load)} where source_row in ({numbers})")
        names = [column[0] for column in result.description or []]
        is_line = of_load[0].parent.name == "invoice_line"
        for values in result.fetchall():
            row = dict(zip(names, values, strict=True))
            found[load_no, row["source_row"], is_line] = row
    return found


def causes(ledger: Ledger, window: Window, view: View) -> dict[str, dict[str, int]]:
    """Expansion and contraction of the window's months by cause: what was seats, price, plan…; minor units.

    Taken from the changes of entities that were above 0 before and after the month, at the rates of the window's start.
    """
    amount = (
        "delta_minor" if view.only else ledger.converted("delta_minor", window.start, view.reporting, "change.currency")
    )
    only = f" and change.currency = {literal(view.only)}" if view.only else ""
    rows = ledger.rows(
        "select kind::varchar, case when cause in ('start', 'cancel') then 'cross_sell' else cause::varchar end as cause, "
        f"sum({amount})::bigint from change "
        "join movement on movement.entity_key = change.entity_key and movement.currency = change.currency "
        "and movement.month_no = (year(day) - 1970) * 12 + month(day) - 1 "
        "where kind in ('expansion', 'contraction') "
        f"and day >= date '{window.start}' and day < date '{window.end}'{only} group by all order by 1, 3 desc"
    )
    found: dict[str, dict[str, int]] = {}
    for kind, cause, total in rows:
        found.setdefault(kind, {})[cause] = int(total)
    return found
