"""The cohort triangle: accounts by the month or quarter of their first payment, and what is left of them by age."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from fractions import Fraction
from typing import Literal

from holdfast.domain.period import month_name, month_start, quarter_name
from holdfast.domain.retention import ratio
from holdfast.warehouse.ledger import Ledger
from holdfast.warehouse.sql import literal
from holdfast.warehouse.window import View

TITLE = "Cohorts"


@dataclass(frozen=True)
class Cell:
    """One cohort at one age in months; minor units at the exchange rates of each account's first month end."""

    cohort: str
    age: int
    accounts: int
    mrr: int
    #: against age 0, the end of the first month
    revenue_retention: Fraction | None
    logo_retention: Fraction | None


def count(ledger: Ledger, view: View) -> list[tuple[int, int, int, int]]:
    """(first month, month, entities above 0, MRR), one row per cohort month and month from it on."""
    months = range(ledger.first_month, ledger.last_month + 1)
    c = ledger.connection
    rates = [] if view.only else [code for code in ledger.currencies if code != view.reporting]
    c.execute(
        "create or replace temp table cohort_rate (currency varchar, first_month integer, num hugeint, den hugeint)"
    )
    for code in rates:
        for month in range(ledger.first_months.get(code, months.stop), months.stop):
            rate = ledger.rates.minor_rate(code, view.reporting, month_start(month + 1))
            c.execute("insert into cohort_rate values (?, ?, ?, ?)", [code, month, rate.numerator, rate.denominator])

    def at(column: str) -> str:
        return (
            f"case when num is null then {column} else half_even({column}::hugeint * num, den)::bigint end"
            if rates
            else column
        )

    only = f" where position.currency = {literal(view.only)}" if view.only else ""
    join = " left join cohort_rate using (currency, first_month)" if rates else ""
    several = ledger.rows("select 1 from position where not is_plain limit 1")
    columns = ", ".join(f"{at(f'm{m}::bigint')} as a{m}" for m in months)
    source = f"select entity_key, is_plain, position.first_month, {columns} from position{join}{only}"
    if several:
        sums = ", ".join(f"sum(a{m})::bigint as a{m}" for m in months)
        source = (
            f"with rated as ({source}) select * exclude (entity_key, is_plain) from rated where is_plain union all by name "
            f"select min(first_month)::smallint as first_month, {sums} from rated where not is_plain group by entity_key"
        )
    # a sum of ones is much quicker than a count with a filter
    totals = ", ".join(f"coalesce(sum((a{m} > 0)::tinyint), 0)::bigint, coalesce(sum(a{m}), 0)::bigint" for m in months)
    rows = ledger.rows(f"select first_month, {totals} from ({source}) group by first_month order by first_month")
    found = []
    for first, *values in rows:
        for place, month in enumerate(months):
            # an entity that never was above 0 at a month's end belongs to no cohort
            if month >= first and values[2 * (first - months.start)]:
                found.append((int(first), month, int(values[2 * place]), int(values[2 * place + 1])))
    return found


def measure(ledger: Ledger, view: View, size: Literal["month", "quarter"] = "month") -> list[Cell]:
    """The triangle by age. A quarter's cohort is its months' cohorts, each at the same age; ages not reached by all are left out."""
    by_cohort: dict[str, dict[int, list[tuple[int, int]]]] = defaultdict(lambda: defaultdict(list))
    members: dict[str, set[int]] = defaultdict(set)
    for first, month, accounts, mrr in count(ledger, view):
        name = month_name(first) if size == "month" else quarter_name(first)
        by_cohort[name][month - first].append((accounts, mrr))
        members[name].add(first)
    cells = []
    for name, ages in by_cohort.items():
        begun_accounts, begun_mrr = (sum(column) for column in zip(*ages[0], strict=True))
        for age, parts in sorted(ages.items()):
            if len(parts) < len(members[name]):
                continue
            accounts, mrr = (sum(column) for column in zip(*parts, strict=True))
            cells.append(Cell(name, age, accounts, mrr, ratio(mrr, begun_mrr), ratio(accounts, begun_accounts)))
    return cells
