"""Behind a cell of the bridge, of the cohort triangle or of a rate: the accounts that make it, and what each adds.

The parts sum to the cell to the minor unit, because they are the same rows, summed by entity instead of by segment.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from holdfast.domain.period import Window, month_start
from holdfast.metrics import bridge, renewal
from holdfast.metrics.retention import Segment
from holdfast.warehouse.ledger import Ledger, segment_column
from holdfast.warehouse.sql import literal
from holdfast.warehouse.window import View, create_window

TITLE = "Behind"

#: movements proper; the other parts of a bridge's column
MOVED = bridge.KINDS
BALANCES = ("opening", "closing")
CROSSED = ("entering", "leaving")
KINDS = (*MOVED, "fx", *CROSSED, *BALANCES)

#: how lists can be ordered, as SQL over entity_id, name, kind, amount, opening, closing
SORTS = {
    "size": "abs(amount) desc, entity_id, kind",
    "amount": "amount, entity_id, kind",
    "-amount": "amount desc, entity_id, kind",
    "name": "lower(coalesce(name, entity_id)), entity_id, kind",
    "-name": "lower(coalesce(name, entity_id)) desc, entity_id, kind",
    "opening": "opening, entity_id, kind",
    "-opening": "opening desc, entity_id, kind",
    "closing": "closing, entity_id, kind",
    "-closing": "closing desc, entity_id, kind",
    "kind": "kind, abs(amount) desc, entity_id",
}


@dataclass(frozen=True)
class Line:
    """One entity's part; minor units of the view's currency."""

    entity: str
    account_id: str
    name: str | None
    kind: str
    amount: int
    opening: int
    closing: int


@dataclass(frozen=True)
class Found:
    """A page of lines, with how many there are and what all of them sum to."""

    lines: tuple[Line, ...]
    count: int
    amount: int
    opening: int
    closing: int
    entities: int


def movements(
    ledger: Ledger, months: range, view: View, kind: str = "", segment: Segment = (),
    sort: str = "size", limit: int | None = 50, offset: int = 0, entity: str = "",
) -> Found:  # fmt: skip
    """The accounts of a bridge's cell: consecutive months, a kind or several, a segment; or one entity's.

    kind is one of KINDS, or several with commas between them; empty for all that moved.
    opening and closing are the entity's in that segment, at the ends of the period. KeyError: no such kind or order.
    """
    kinds = kind.split(",") if kind else []
    for one in kinds:
        if one not in KINDS:
            raise KeyError(one)
    _parts(ledger, months, view, segment)
    listed = ", ".join(map(literal, kinds or [one for one in KINDS if one not in BALANCES]))
    wanted = f"kind in ({listed})"
    if entity:
        wanted += f" and entity_id = {literal(entity)}"
    source = (
        "with balance as (select entity_key, coalesce(sum(amount) filter (where kind = 'opening'), 0)::bigint as opening, "
        "coalesce(sum(amount) filter (where kind = 'closing'), 0)::bigint as closing from part group by entity_key) "
        "select entity.entity_id, entity.account_id, account.name, kind, amount, opening, closing from part "
        f"join balance using (entity_key) join entity using (entity_key) left join account using (account_id) "
        f"where {wanted} and amount <> 0"
    )
    return _found(ledger, source, sort, limit, offset)


def _parts(ledger: Ledger, months: range, view: View, segment: Segment) -> None:
    """Temp table part: what each entity adds to each line of the segment's bridge; exchange rates are what is left."""
    by = [ledger.attribute(name) for name, _ in segment]
    values = [value for _, value in segment]
    has_moved = bridge.place(ledger, months, by)
    parts = [
        f"select entity_key, kind, sum(amount)::bigint as amount from ({bridge.moved_source(ledger, months, view, by)}) as moved "
        f"where {_is_in('moved', values)} group by entity_key, kind",
        _balance(ledger, months.start - 1, view, by, values, "opening"),
        _balance(ledger, months.stop - 1, view, by, values, "closing"),
    ]
    if has_moved:
        bridge.write_placed(ledger, months, view)
        parts += [_placed(months.start - 1, values, "opening"), _placed(months.stop - 1, values, "closing")]
        parts += [_crossed(values, kind) for kind in CROSSED]
    ledger.connection.execute(
        f"create or replace temp table part as select entity_key, kind, sum(amount)::bigint as amount from ({' union all '.join(f'({p})' for p in parts)}) "
        "group by all"
    )
    ledger.connection.execute(
        "insert into part select entity_key, 'fx', sum(case when kind = 'closing' then amount else -amount end)::bigint as left_over "
        "from part group by entity_key having left_over <> 0"
    )


def _balance(ledger: Ledger, month: int, view: View, by: Sequence[str], values: Sequence[str | None], kind: str) -> str:
    """SQL of the balances at a month's end in a segment, of entities that never changed theirs, at the rates of the next day."""
    amount = bridge.rated(ledger, view, ledger.month_column(month), month + 1)
    today = "".join(
        f" and {segment_column(a)} is not distinct from {literal(v)}" for a, v in zip(by, values, strict=True)
    )
    return (
        f"select entity_key, '{kind}' as kind, sum({amount})::bigint as amount from position "
        f"where entity_key not in (select entity_key from place){bridge.only_currency(view)}{today} group by entity_key"
    )


def _placed(month: int, values: Sequence[str | None], kind: str) -> str:
    """SQL of the same of entities that did, where they were then."""
    return (
        f"select entity_key, '{kind}' as kind, sum(amount)::bigint as amount from placed "
        f"where month_no = {month} and {_is_in('placed', values)} group by entity_key"
    )


def _is_in(table: str, values: Sequence[str | None]) -> str:
    """SQL: whether a row's place is the segment; every place is where there is none."""
    return " and ".join(f"{table}.seg_{n} is not distinct from {literal(v)}" for n, v in enumerate(values, 1)) or "true"


def _crossed(values: Sequence[str | None], kind: str) -> str:
    """SQL of what entered or left the segment with its entity in the months, at the beginning of each."""
    before, after = _is_in("placed", values), _is_in("after", values)
    here, there = (after, before) if kind == "entering" else (before, after)
    sign = "" if kind == "entering" else "-"
    return (
        f"select placed.entity_key, '{kind}' as kind, {sign}sum(amount)::bigint as amount from placed join place as after "
        "on after.entity_key = placed.entity_key and after.month_no = placed.month_no + 1 "
        f"where {here} and not ({there}) group by placed.entity_key"
    )


def window(
    ledger: Ledger, span: Window, view: View, segment: Segment = (), cohort_only: bool = True,
    sort: str = "size", limit: int | None = 50, offset: int = 0,
) -> Found:  # fmt: skip
    """The entities of a window: opening, closing at the rates of the start, and what moved, as retention counts them."""
    by = [ledger.attribute(name) for name, _ in segment]
    create_window(ledger, span, view, by)
    lost = "has_returned" if ledger.policy.left_and_returned == "lost" else "false"
    where = "opening > 0" if cohort_only else "(opening <> 0 or closing <> 0)"
    where += "".join(f" and seg_{n} is not distinct from {literal(v)}" for n, (_, v) in enumerate(segment, 1))
    source = (
        f"with kept as (select * exclude (closing), case when {lost} then 0 else closing_fixed end as closing from entity_window where {where}) "
        "select entity_id, entity.account_id, account.name, "
        f"case when opening = 0 then 'new or back' when closing = 0 then 'churn' when has_returned then 'left and returned' "
        "when closing > opening then 'expansion' when closing < opening then 'contraction' else 'same' end as kind, "
        "closing - opening as amount, opening, closing from kept join entity using (entity_key) left join account using (account_id)"
    )
    return _found(ledger, source, sort, limit, offset)


def renewals(
    ledger: Ledger, span: Window, view: View, segment: Segment = (),
    sort: str = "-opening", limit: int | None = 50, offset: int = 0,
) -> Found:  # fmt: skip
    """What was due in a window, by entity: opening is what was due, closing what went on."""
    where = " and ".join(f"{segment_column(ledger.attribute(n))} is not distinct from {literal(v)}" for n, v in segment)
    source = (
        "select entity_id, entity.account_id, account.name, "
        "case when renewed = 0 then 'not renewed' when renewed < due then 'renewed in part' else 'renewed' end as kind, "
        f"(renewed - due)::bigint as amount, due::bigint as opening, renewed::bigint as closing from ({renewal.due_source(ledger, span, view)}) as due "
        f"join entity using (entity_key) left join account using (account_id) where {where or 'true'}"
    )
    return _found(ledger, source, sort, limit, offset)


def cohort(
    ledger: Ledger, firsts: Sequence[int], age: int, view: View,
    sort: str = "-opening", limit: int | None = 50, offset: int = 0,
) -> Found:  # fmt: skip
    """The accounts whose first month is one of `firsts`: opening is their first month end, closing the one `age` months on.

    Both at the rates of each row's first month end, as the triangle counts them.
    """
    rates, joined = _first_rates(ledger, view)
    only = f" where position.currency = {literal(view.only)}" if view.only else ""
    parts = []
    for first in firsts:
        a, b = (_at_first(ledger.month_column(month), joined) for month in (first, first + age))
        parts.append(
            f"select entity_key, sum({a})::bigint as opening, sum({b})::bigint as closing from position{joined} "
            f"join (select entity_key, min(first_month) as begun from position{only} group by entity_key) using (entity_key) "
            f"where begun = {first}{bridge.only_currency(view)} group by entity_key"
        )
    source = (
        f"{rates}select entity_id, entity.account_id, account.name, "
        "case when closing = 0 then 'gone' when closing > opening then 'grown' when closing < opening then 'shrunk' else 'same' end as kind, "
        f"closing - opening as amount, opening, closing from ({' union all '.join(parts)}) "
        "join entity using (entity_key) left join account using (account_id) where opening > 0"
    )
    return _found(ledger, source, sort, limit, offset)


def _first_rates(ledger: Ledger, view: View) -> tuple[str, str]:
    """SQL of the rates at each first month end, and the join to them; nothing where nothing is converted."""
    codes = [] if view.only else [code for code in ledger.currencies if code != view.reporting]
    values = []
    for code in codes:
        for month in range(ledger.first_months.get(code, ledger.last_month + 1), ledger.last_month + 1):
            rate = ledger.rates.minor_rate(code, view.reporting, month_start(month + 1))
            values.append(f"({literal(code)}, {month}, {rate.numerator}::hugeint, {rate.denominator}::hugeint)")
    if not values:
        return "", ""
    told = f"with first_rate(currency, first_month, num, den) as (values {', '.join(values)}) "
    return told, " left join first_rate using (currency, first_month)"


def _at_first(column: str, joined: str) -> str:
    """SQL: a month's balance at the rates of its row's first month end."""
    return (
        f"case when num is null then {column} else half_even({column}::hugeint * num, den)::bigint end"
        if joined
        else column
    )


def _found(ledger: Ledger, source: str, sort: str, limit: int | None, offset: int) -> Found:
    ledger.connection.execute(f"create or replace temp table behind as {source}")
    totals: tuple[Any, ...] = ledger.rows(
        "select count(*), coalesce(sum(amount), 0)::bigint, coalesce(sum(opening), 0)::bigint, coalesce(sum(closing), 0)::bigint, "
        "count(distinct entity_id) from behind"
    )[0]
    paged = f" limit {limit} offset {offset}" if limit is not None else ""
    rows = ledger.rows(
        f"select entity_id, account_id, name, kind, amount, opening, closing from behind order by {SORTS[sort]}{paged}"
    )
    count, amount, opening, closing, entities = (int(value) for value in totals)
    return Found(tuple(Line(*row) for row in rows), count, amount, opening, closing, entities)
