"""The trailing series: NRR and GRR of the months up to every month end, in one pass over the month-end matrix."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from fractions import Fraction

from holdfast.domain.period import month_start
from holdfast.domain.retention import ratio
from holdfast.warehouse.ledger import Ledger
from holdfast.warehouse.sql import literal
from holdfast.warehouse.window import View, WindowError

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
    parts = [_plain(ledger, months, view, size)]
    if ledger.rows("select 1 from position where not is_plain limit 1"):
        parts += [_several(ledger, months, view, size), _linked(ledger, months, view, size)]
    found = [
        Row(month, *(sum(numbers) for numbers in zip(*sums, strict=True)))
        for month, *sums in zip(months, *parts, strict=True)
    ]
    return [row for row in found if row.opening]


#: accounts, opening, closing and kept of one window
Sums = tuple[int, int, int, int]


#: a product of this size and its double still fit in 64 bits
LARGE = 2**61


def _sides(ledger: Ledger, months: range, view: View, size: int) -> tuple[str, str]:
    """SQL of every window's opening and closing as two lists, at the rates of each window's start.

    One lambda over a list is planned once, where an expression for every month is planned once for every month.
    """
    days = [month_start(month + 1 - size) for month in months]
    openings = [ledger.month_column(month - size) for month in months]
    closings = [ledger.month_column(month) for month in months]
    return _converted(ledger, openings, days, view), _converted(ledger, closings, days, view)


def _converted(ledger: Ledger, columns: list[str], days: list[date], view: View) -> str:
    amounts = f"[{', '.join(columns)}]"
    cases = []
    for code in ledger.currencies if not view.only else ():
        if code != view.reporting:
            rates = [ledger.rate_on(code, view.reporting, day) for day in days]
            num = _listed([rate.numerator if rate else None for rate in rates])
            den = _listed([rate.denominator if rate else None for rate in rates])
            most = _listed([LARGE // max(rate.numerator, rate.denominator) if rate else None for rate in rates])
            cases.append(
                f"when '{code}' then list_transform({amounts}, lambda x, i: case when x = 0 then 0 "
                f"when x between 0 and {most}[i] then half_even_small(x * {num}[i], {den}[i]) "
                f"else half_even(x::hugeint * {num}[i], {den}[i]::hugeint)::bigint end)"
            )
    return f"case currency {' '.join(cases)} else {amounts} end" if cases else amounts


def _listed(numbers: list[int | None]) -> str:
    """A list in SQL; where nothing can be converted for lack of a rate, only nothing is there to convert."""
    return f"([{', '.join('null' if n is None else str(n) for n in numbers)}]::bigint[])"


def _four(months: range) -> str:
    """SQL of the four sums of every window, over the lists a and b."""
    return ", ".join(_sums(f"a[{n}]", f"b[{n}]") for n in range(1, len(months) + 1))


def _sums(opening: str, closing: str) -> str:
    kept, ended = f"least({opening}, {closing})", f"if({opening} > 0, {closing}, 0)"
    return f"count_if({opening} > 0), sum({opening}), sum({ended}), sum({kept})"


def _only(view: View) -> str:
    return f" and position.currency = {literal(view.only)}" if view.only else ""


def _by_four(row: tuple[int | None, ...]) -> list[Sums]:
    numbers = [int(value or 0) for value in row]
    return [(numbers[n], numbers[n + 1], numbers[n + 2], numbers[n + 3]) for n in range(0, len(numbers), 4)]


def _plain(ledger: Ledger, months: range, view: View, size: int) -> list[Sums]:
    """Entities of one row, in one pass."""
    if view.only or set(ledger.currencies) <= {view.reporting}:
        # nothing to convert: the columns themselves are half the work of lists
        sums = ", ".join(_sums(ledger.month_column(month - size), ledger.month_column(month)) for month in months)
        return _by_four(ledger.rows(f"select {sums} from position where is_plain{_only(view)}")[0])
    a, b = _sides(ledger, months, view, size)
    rows = ledger.rows(
        f"select {_four(months)} from (select {a} as a, {b} as b from position where is_plain{_only(view)})"
    )
    return _by_four(rows[0])


def _several(ledger: Ledger, months: range, view: View, size: int) -> list[Sums]:
    """Entities that stand alone with several currencies: their rows summed after conversion."""
    a, b = _sides(ledger, months, view, size)
    where = f"not is_plain and entity_key not in (select entity_key from belonging){_only(view)}"
    return _by_four(ledger.rows(f"select {_four(months)} from ({_summed(a, b, 'position', where, months)})")[0])


def _summed(a: str, b: str, source: str, where: str, months: range) -> str:
    """SQL that sums the lists by entity_key, element by element."""
    sums = ", ".join(
        f"[{', '.join(f'sum({side}[{n}])::bigint' for n in range(1, len(months) + 1))}] as {side}" for side in "ab"
    )
    return f"select {sums} from (select {source}.entity_key, {a} as a, {b} as b from {source} where {where}) group by entity_key"


def _linked(ledger: Ledger, months: range, view: View, size: int) -> list[Sums]:
    """Linked entities, counted with the one they belong to at each window's end (rule 22)."""
    if not ledger.rows("select 1 from belonging limit 1"):
        return [(0, 0, 0, 0)] * len(months)
    a, b = _sides(ledger, months, view, size)
    ends = [min(month_start(month + 1), ledger.as_of + timedelta(days=1)) for month in months]
    listed = ", ".join(f"({n}, date '{end}')" for n, end in enumerate(ends, 1))
    rows = ledger.rows(
        f"with side as (select entity_key, {a} as a, {b} as b from position where not is_plain{_only(view)}), "
        f"ending (n, day) as (values {listed}), "
        "counted as (select n, belonging.entity_key, sum(a[n])::bigint as opening, sum(b[n])::bigint as closing from side "
        "join entity on entity.entity_key = side.entity_key join belonging on belonging.account_id = entity.entity_id "
        "join ending on from_day < day and to_day >= day group by n, belonging.entity_key) "
        "select n, count_if(opening > 0), sum(opening), sum(closing) filter (where opening > 0), sum(least(opening, closing)) "
        "from counted group by n"
    )
    found = {n: _by_four(tuple(sums))[0] for n, *sums in rows}
    return [found.get(n, (0, 0, 0, 0)) for n in range(1, len(months) + 1)]
