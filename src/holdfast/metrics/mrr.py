"""MRR on a day: the run rate, ARR, committed and trial MRR, what is past due and on hold, by segment."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from holdfast.domain.period import Window
from holdfast.metrics.retention import Segment
from holdfast.warehouse.ledger import Ledger
from holdfast.warehouse.window import View, create_window, segments_on

TITLE = "MRR"

LANES = ("trial", "held", "past_due", "pending")


@dataclass(frozen=True)
class Row:
    """What stands at the end of a day, minor units."""

    on: date
    segment: Segment
    accounts: int
    mrr: int
    trial: int
    held: int
    past_due: int
    #: MRR whose cancellation has been asked for and is still to come
    pending: int

    @property
    def arr(self) -> int:
        return 12 * self.mrr

    @property
    def committed(self) -> int:
        return self.mrr - self.pending


def measure(ledger: Ledger, on: date, view: View, by: Sequence[str] = ()) -> list[Row]:
    """MRR and what stands beside it at the end of a day; a policy of daily means shows the month's figure so far."""
    by = [ledger.attribute(name) for name in by]
    after = on + timedelta(days=1)
    if ledger.policy.month_measure == "daily_mean":
        after = Window.month((after.year - 1970) * 12 + after.month - 1).start
    names = [f"seg_{n}" for n in range(1, len(by) + 1)]
    create_window(ledger, Window(after, after + timedelta(days=31)) if after.day > 1 else _one_month(after), view, by)
    lanes = _lanes(ledger, on, view, names, by)
    group = ", ".join(names)
    rows = ledger.rows(
        f"select {group + ', ' if group else ''}count(*) filter (where opening > 0), coalesce(sum(opening), 0)::bigint "
        f"from entity_window {'group by ' + group + ' order by ' + group if group else ''}"
    )
    found: dict[tuple[str | None, ...], tuple[int, int]] = {row[: len(by)]: (row[-2], row[-1]) for row in rows}
    told = []
    for values in dict.fromkeys([*found, *lanes]):
        accounts, mrr = found.get(values, (0, 0))
        beside = lanes.get(values, dict.fromkeys(LANES, 0))
        if accounts or any(beside.values()) or not by:
            told.append(Row(on, tuple(zip(by, values, strict=True)), accounts, mrr, **beside))
    return told


def _one_month(start: date) -> Window:
    return Window.month((start.year - 1970) * 12 + start.month - 1)


def _lanes(
    ledger: Ledger, on: date, view: View, names: list[str], by: Sequence[str]
) -> dict[tuple[str | None, ...], dict[str, int]]:
    # as MRR: at the rates of the next day, in the segment that holds on it
    after = on + timedelta(days=1)
    amount = "amount_minor" if view.only else ledger.converted("amount_minor", after, view.reporting, "aside.currency")
    only = f" and aside.currency = '{view.only}'" if view.only else ""
    columns, joins = segments_on(ledger, by, after)
    group = "".join(f", {name}" for name in names)
    rows = ledger.rows(
        f"select lane::varchar, sum(amount)::bigint{group} from (select lane, {amount} as amount{columns} from aside join "
        "(select entity.entity_key, account.* from entity left join account using (account_id)) as position using (entity_key)"
        f"{joins} where from_day <= date '{on}' and to_day > date '{on}'{only}) group by lane{group}"
    )
    found: dict[tuple[str | None, ...], dict[str, int]] = {}
    for lane, amount_minor, *values in rows:
        found.setdefault(tuple(values), dict.fromkeys(LANES, 0))[lane] = int(amount_minor)
    return found
