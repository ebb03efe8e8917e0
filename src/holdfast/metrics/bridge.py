"""The movement bridge: opening MRR, what moved it by kind, closing MRR, month by month, by segment where asked.

Where an account changes its segment, its MRR leaves the one and enters the other; what exchange rates did is one line.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

from holdfast.domain.period import month_start
from holdfast.domain.retention import quick_ratio
from holdfast.metrics.retention import Segment
from holdfast.warehouse.ledger import Ledger, segment_column
from holdfast.warehouse.sql import literal
from holdfast.warehouse.window import View

TITLE = "Bridge"

KINDS = ("new", "expansion", "contraction", "churn", "reactivation", "transfer")


@dataclass
class Row:
    """One month of one segment, minor units; contraction, churn and leaving are negative."""

    months: range
    segment: Segment
    opening: int = 0
    moved: dict[str, int] = field(default_factory=lambda: dict.fromkeys(KINDS, 0))
    entering: int = 0
    leaving: int = 0
    closing: int = 0
    #: entities with a movement of the kind
    entities: dict[str, int] = field(default_factory=lambda: dict.fromkeys(KINDS, 0))

    @property
    def fx(self) -> int:
        """What is left when everything else is told: the exchange rates, and the rounding of conversion."""
        return self.closing - self.opening - sum(self.moved.values()) - self.entering - self.leaving

    @property
    def net_new(self) -> int:
        return self.closing - self.opening

    @property
    def quick_ratio(self) -> Fraction | None:
        return quick_ratio(self.moved["new"], self.moved["expansion"], self.moved["contraction"], self.moved["churn"])

    @property
    def quick_ratio_with_reactivation(self) -> Fraction | None:
        new = self.moved["new"] + self.moved["reactivation"]
        return quick_ratio(new, self.moved["expansion"], self.moved["contraction"], self.moved["churn"])


#: finds the row of a segment's values and a month
Teller = Callable[[Sequence[str | None], int], Row]


def measure(ledger: Ledger, months: range, view: View, by: Sequence[str] = (), size: int = 1) -> list[Row]:
    """The bridge of consecutive periods of `size` months each (1 month, 3 a quarter, 12 a year), by segment."""
    by = [ledger.attribute(name) for name in by]
    monthly = _monthly(ledger, months, view, by)
    found: list[Row] = []
    for segment in sorted({segment for segment, _ in monthly}, key=lambda s: [(v is None, v or "") for _, v in s]):
        for start in range(months.start, months.stop, size):
            span = range(start, min(start + size, months.stop))
            found.append(_together([monthly[segment, m] for m in span if (segment, m) in monthly], span, segment))
    return found


def _together(rows: Sequence[Row], months: range, segment: Segment) -> Row:
    """Consecutive months as one: opening of the first, closing of the last."""
    whole = Row(months, segment)
    if not rows:
        return whole
    whole.opening, whole.closing = rows[0].opening, rows[-1].closing
    for row in rows:
        whole.entering += row.entering
        whole.leaving += row.leaving
        for kind in KINDS:
            whole.moved[kind] += row.moved[kind]
            whole.entities[kind] += row.entities[kind]
    return whole


def _monthly(ledger: Ledger, months: range, view: View, by: Sequence[str]) -> dict[tuple[Segment, int], Row]:
    has_moved = place(ledger, months, by)
    rows: dict[tuple[Segment, int], Row] = {}

    def row(values: Sequence[str | None], month: int) -> Row:
        segment = tuple(zip(by, values, strict=True))
        return rows.setdefault((segment, month), Row(range(month, month + 1), segment))

    _balances(ledger, months, view, by, row)
    if has_moved:
        _placed(ledger, months, view, by, row)
    for line in _movements(ledger, months, view, by):
        month, kind, amount, entities = line[len(by) :]
        told = row(line[: len(by)], month)
        told.moved[kind] += int(amount)
        told.entities[kind] += int(entities)
    return rows


def place(ledger: Ledger, months: range, by: Sequence[str]) -> bool:
    """Temp table place: month by month the segment of the entities that ever changed theirs; whether there are any."""
    columns = "".join(f", null::varchar as seg_{n}" for n in range(1, len(by) + 1))
    dated = [attribute for attribute in by if ledger.changes_dated(attribute)]
    if not dated:
        ledger.connection.execute(
            f"create or replace temp table place as select 0 as entity_key, 0 as month_no{columns} where false"
        )
        return False
    values = "".join(f", {_value_at_month_end(attribute)} as seg_{n}" for n, attribute in enumerate(by, 1))
    listed = ", ".join(literal(attribute) for attribute in dated)
    ledger.connection.execute(
        "create or replace temp table place as "
        "with changed as (select distinct entity_key, entity.account_id from entity join attribute_change using (account_id) "
        f"where attribute in ({listed})), "
        "grid as (select changed.*, month_no from changed, "
        f"(select unnest(range({months.start - 1}, {months.stop}))::integer as month_no)) "
        f"select grid.entity_key, grid.month_no{values} from grid join account using (account_id)"
    )
    return bool(ledger.rows("select exists (from place)")[0][0])


def _value_at_month_end(attribute: str) -> str:
    """SQL: the attribute of grid's account at the end of grid's month."""
    later = (
        f"select min_by(before, day) from attribute_change as later where later.account_id = grid.account_id "
        f"and later.attribute = {literal(attribute)} and later.day >= month_start(grid.month_no + 1)"
    )
    any_later = later.replace("min_by(before, day)", "count(*)")
    return f"case when ({any_later}) > 0 then ({later}) else account.{segment_column(attribute)} end"


def rated(ledger: Ledger, view: View, amount: str, month: int) -> str:
    """SQL: an amount at the rates of a month's first day."""
    return amount if view.only else ledger.converted(amount, month_start(month), view.reporting)


def only_currency(view: View) -> str:
    return f" and position.currency = {literal(view.only)}" if view.only else ""


def _balances(ledger: Ledger, months: range, view: View, by: Sequence[str], row: Teller) -> None:
    """Closing of each month, which at the next month's rates is the opening of the next."""
    ends = range(months.start - 1, months.stop)
    sums = ", ".join(f"sum({rated(ledger, view, ledger.month_column(m), m + 1)})::bigint" for m in ends)
    columns = [segment_column(attribute) for attribute in by]
    group = ", ".join(columns)
    found = ledger.rows(
        f"select {group + ', ' if group else ''}{sums} from position "
        f"where entity_key not in (select entity_key from place){only_currency(view)}{' group by ' + group if group else ''}"
    )
    for line in found:
        _tell(line[: len(by)], line[len(by) :], ends, months, row)


def _placed(ledger: Ledger, months: range, view: View, by: Sequence[str], row: Teller) -> None:
    """The same of entities that changed their segment, month by month where they were; and what they brought with them when they did."""
    write_placed(ledger, months, view)
    names = ", ".join(f"seg_{n}" for n in range(1, len(by) + 1))
    for *values, month, amount in ledger.rows(
        f"select {names}, month_no, sum(amount)::bigint from placed group by {names}, month_no"
    ):
        _tell(values, [amount], range(month, month + 1), months, row)
    _crossings(ledger, by, row)


def _tell(values: Sequence[str | None], amounts: Iterable[int | None], ends: range, months: range, row: Teller) -> None:
    for month, amount in zip(ends, amounts, strict=True):
        if month in months:
            row(values, month).closing += int(amount or 0)
        if month + 1 in months:
            row(values, month + 1).opening += int(amount or 0)


def write_placed(ledger: Ledger, months: range, view: View) -> None:
    """Temp table placed: place with the balances of its entities at the month's end, at the rates of the next day, one row a currency."""
    ends = range(months.start - 1, months.stop)
    amounts = ", ".join(rated(ledger, view, ledger.month_column(m), m + 1) for m in ends)
    ledger.connection.execute(
        f"create or replace temp table placed as select place.*, amounts[month_no - {ends.start} + 1] as amount from place join ("
        f"select entity_key, [{amounts}]::bigint[] as amounts from position "
        f"where entity_key in (select entity_key from place){only_currency(view)}) using (entity_key)"
    )


def _crossings(ledger: Ledger, by: Sequence[str], row: Teller) -> None:
    """What entities brought with them when they changed their segment: the balance at the month's beginning."""
    names, width = [f"seg_{n}" for n in range(1, len(by) + 1)], len(by)
    before = ", ".join(f"placed.{name}" for name in names)
    after = ", ".join(f"after.{name}" for name in names)
    differs = " or ".join(f"placed.{name} is distinct from after.{name}" for name in names)
    for *values, month, amount in ledger.rows(
        f"select {before}, {after}, after.month_no, sum(amount)::bigint from placed join place as after "
        "on after.entity_key = placed.entity_key and after.month_no = placed.month_no + 1 "
        f"where {differs} group by {before}, {after}, after.month_no"
    ):
        row(values[:width], month).leaving -= int(amount or 0)
        row(values[width:], month).entering += int(amount or 0)


def _movements(ledger: Ledger, months: range, view: View, by: Sequence[str]) -> list[tuple[Any, ...]]:
    """Movements by segment, month and kind, with the entities that made them."""
    group = ", ".join([*(f"seg_{n}" for n in range(1, len(by) + 1)), "month_no", "kind"])
    return ledger.rows(
        f"select {group}, sum(amount)::bigint, count(distinct entity_key) from ({moved_source(ledger, months, view, by)}) group by {group}"
    )


def moved_source(ledger: Ledger, months: range, view: View, by: Sequence[str]) -> str:
    """SQL of the movements: entity_key, month_no, kind, amount, seg_1 … seg_n, converted at each month's first day.

    The segment is that of the month's end. An entity that moved in several currencies is netted to one expansion or
    contraction. Needs the temp table of `place`; the temp table of rates it reads is made.
    """
    c = ledger.connection
    rates = [] if view.only else [code for code in ledger.currencies if code != view.reporting]
    month_rates = [
        (code, month, ledger.rates.minor_rate(code, view.reporting, month_start(month)))
        for code in rates
        for month in months
        if month >= ledger.first_months.get(code, month)
    ]
    c.execute("create or replace temp table month_rate (currency varchar, month_no integer, num hugeint, den hugeint)")
    if month_rates:
        c.executemany(
            "insert into month_rate values (?, ?, ?, ?)",
            [[code, month, rate.numerator, rate.denominator] for code, month, rate in month_rates],
        )

    def at(amount: str) -> str:
        return (
            f"case when num is null then {amount} else half_even({amount}::hugeint * num, den)::bigint end"
            if rates
            else amount
        )

    only = f" and movement.currency = {literal(view.only)}" if view.only else ""
    several = "entity_key in (select entity_key from position where not is_plain)"
    chosen = "".join(
        f", case when place.entity_key is not null then place.seg_{n} else attributes.{segment_column(attribute)} end as seg_{n}"
        for n, attribute in enumerate(by, 1)
    )
    joins = ""
    if by:
        held = ", ".join(segment_column(attribute) for attribute in by)
        joins = (
            f" left join (select distinct entity_key, {held} from position) as attributes using (entity_key)"
            " left join place on place.entity_key = told.entity_key and place.month_no = told.month_no"
        )
    return (
        "with rated as (select entity_key, movement.month_no, kind, "
        f"case when kind <> 'transfer' and amount_minor = closing_minor - opening_minor "
        f"then {at('closing_minor')} - {at('opening_minor')} else {at('amount_minor')} end as amount "
        f"from movement {'left join month_rate using (currency, month_no)' if rates else ''} "
        f"where movement.month_no between {months.start} and {months.stop - 1}{only}), "
        "netted as (select entity_key, month_no, sum(amount) as amount from rated "
        f"where {several} and kind in ('expansion', 'contraction') group by all), "
        f"told as (select entity_key, month_no, kind::varchar as kind, amount from rated "
        f"where not ({several} and kind in ('expansion', 'contraction')) "
        "union all select entity_key, month_no, case when amount > 0 then 'expansion' else 'contraction' end, amount "
        "from netted where amount <> 0) "
        f"select told.entity_key, told.month_no, told.kind, told.amount{chosen} from told{joins}"
    )
