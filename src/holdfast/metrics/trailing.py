"""The trailing series: NRR and GRR of the months up to every month end, in one pass over the month-end matrix."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

from holdfast.domain.period import Window, month_start
from holdfast.domain.retention import ratio
from holdfast.warehouse.ledger import Ledger
from holdfast.warehouse.sql import literal
from holdfast.warehouse.window import View, WindowError, create_window

TITLE = "Trailing retention"


@dataclass(frozen=True)
class Row:
    """The window of so many months that ends with a month; minor units at the rates of the window's start."""

    month: int
    accounts: int
    opening: int
    closing: int
    kept: int

    @property
    def nrr(self) -> Fraction | None:
        return ratio(self.closing, self.opening)

    @property
    def grr(self) -> Fraction | None:
        return ratio(self.kept, self.opening)


def measure(ledger: Ledger, months: range, view: View, size: int = 12) -> list[Row]:
    """One row for each month at whose end a window of `size` months is asked for.

    WindowError: the policy makes its ratios of movements, or counts who left and returned as lost; ask window by window then.
    """
    policy = ledger.policy
    if (policy.nrr, policy.grr, policy.left_and_returned) != ("point_to_point", "capped", "retained"):
        raise WindowError(f"policy '{policy.name}' is not measured from point to point; ask for each window by itself")
    found = {
        month: Row(month, *counts) for month, counts in zip(months, _plain(ledger, months, view, size), strict=True)
    }
    others = "select 1 from position where not is_plain limit 1"
    if ledger.rows(others):
        for month in months:
            found[month] = _with_others(ledger, found[month], view, size)
    return [row for row in found.values() if row.opening]


def _plain(ledger: Ledger, months: range, view: View, size: int) -> list[tuple[int, int, int, int]]:
    sums = []
    for month in months:
        start = month_start(month + 1 - size)
        a, b = ledger.month_column(month - size), ledger.month_column(month)
        opening = a if view.only else ledger.converted(a, start, view.reporting)
        closing = b if view.only else ledger.converted(b, start, view.reporting)
        there = f"({a} > 0)::integer"
        sums += [f"sum({there})", f"sum({opening})", f"sum({closing} * {there})", f"sum(least({opening}, {closing}))"]
    only = f" and currency = {literal(view.only)}" if view.only else ""
    row = [int(value or 0) for value in ledger.rows(f"select {', '.join(sums)} from position where is_plain{only}")[0]]
    return [(row[n], row[n + 1], row[n + 2], row[n + 3]) for n in range(0, len(row), 4)]


def _with_others(ledger: Ledger, row: Row, view: View, size: int) -> Row:
    """The few entities that are put together from several rows, added."""
    create_window(ledger, Window.months_to(month_start(row.month + 1), size), view, (), plain=False)
    accounts, opening, closing, kept = ledger.rows(
        "select count(*), coalesce(sum(opening), 0)::bigint, coalesce(sum(closing_fixed), 0)::bigint, "
        "coalesce(sum(least(opening, closing_fixed)), 0)::bigint from entity_window where opening > 0"
    )[0]
    return Row(row.month, row.accounts + accounts, row.opening + opening, row.closing + closing, row.kept + kept)
