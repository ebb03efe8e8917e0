"""What is usual among all accounts on the same day: the season, an outage and a plan's typical use show in everybody's figures."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from statistics import median
from typing import Any

import pyarrow as pa

from holdfast.warehouse.records import Records

#: accounts below which what is usual cannot be told from chance
ENOUGH = 20
#: events in the eight weeks before, from which on an account's pace says something
_EVENTS = 50.0
DAYS_LATE, DAYS_EARLY = 28, 56

Floats = list[float | None]


def usual_pace(table: pa.Table, records: Records | None) -> dict[str, Floats]:
    """`usual_pace`: events of the last four weeks as a share of the pace of the eight weeks before, of the middle account.

    `usual_people`: the same of active people, against the four weeks before. A holiday lowers them for everybody. With few accounts
    nothing is known to be usual, and both are 1; days on which nothing was tracked are made up for in the features themselves.
    """
    late, all_ = _column(table, "events_28d"), _column(table, "events_84d")
    days = table["as_of"].to_pylist()
    paces = [
        now * (DAYS_EARLY / DAYS_LATE) / (whole - now)
        if now is not None and whole is not None and whole - now >= _EVENTS
        else None
        for now, whole in zip(late, all_, strict=True)
    ]
    people = [None if change is None else 1 + change for change in _column(table, "users_change_28d")]
    pace_on, people_on = _middle(days, paces), _middle(days, people)
    return {
        "usual_pace": [pace_on.get(day, 1.0) for day in days],
        "usual_people": [people_on.get(day, 1.0) for day in days],
    }


def _middle(days: Sequence[Any], values: Floats) -> dict[Any, float]:
    """By day the middle of the values, where there are enough."""
    found: dict[Any, list[float]] = defaultdict(list)
    for day, value in zip(days, values, strict=True):
        if value is not None:
            found[day].append(value)
    return {day: median(told) for day, told in found.items() if len(told) >= ENOUGH}


def plan_use(table: pa.Table, records: Records | None) -> dict[str, Floats]:
    """Use of a seat against that of other plans on the same day, where accounts have an attribute `plan`.

    `seat_use`: events of a seat in four weeks. `plan_seat_use`: the middle of the account's plan. `higher_plan_seat_use`,
    `lower_plan_seat_use`: the middle of the next plan that costs more, or less, a seat. `plan_use_rank`: share of the plan that uses less.
    """
    plans = _plans(table)
    events, seats = _column(table, "events_28d"), _column(table, "seats")
    use = [now / n if now is not None and n else None for now, n in zip(events, seats, strict=True)]
    mrr = _column(table, "mrr_minor")
    price = [amount / n if amount is not None and n else None for amount, n in zip(mrr, seats, strict=True)]
    found: dict[str, Floats] = {"seat_use": use}
    names = ("plan_seat_use", "higher_plan_seat_use", "lower_plan_seat_use", "plan_use_rank")
    found |= {name: [None] * table.num_rows for name in names}
    if plans is None:
        return found
    for rows in _by(table["as_of"].to_pylist()).values():
        ladder = _ladder(rows, plans, use, price)
        for place, (_, told, inside) in enumerate(ladder):
            middles = {
                "plan_seat_use": told,
                "higher_plan_seat_use": ladder[place + 1][1] if place + 1 < len(ladder) else None,
                "lower_plan_seat_use": ladder[place - 1][1] if place else None,
            }
            ranks = _ranks(inside, use)
            for row in inside:
                for name, middle in middles.items():
                    found[name][row] = middle
                found["plan_use_rank"][row] = ranks[row]
    return found


def _ladder(
    rows: Sequence[int], plans: Sequence[str | None], use: Floats, price: Floats
) -> list[tuple[float, float, list[int]]]:
    """Plans with enough accounts, cheapest seat first: median price, median use, rows."""
    inside: dict[str, list[int]] = defaultdict(list)
    for row in rows:
        plan = plans[row]
        if plan and use[row] is not None and price[row] is not None:
            inside[plan].append(row)
    return sorted(
        (
            (median(price[row] or 0.0 for row in members), median(use[row] or 0.0 for row in members), members)
            for members in inside.values()
            if len(members) >= ENOUGH
        ),
        key=lambda told: told[0],
    )


def _ranks(rows: Sequence[int], use: Floats) -> dict[int, float]:
    ordered = sorted(rows, key=lambda row: use[row] or 0.0)
    return {row: place / len(ordered) for place, row in enumerate(ordered)}


def _plans(table: pa.Table) -> list[str | None] | None:
    for name in table.column_names:
        if name.startswith("attribute.") and "plan" in name.removeprefix("attribute.").lower().split("_"):
            found: list[str | None] = table[name].to_pylist()
            return found
    return None


def _by(keys: Iterable[Any]) -> Mapping[Any, list[int]]:
    found: dict[Any, list[int]] = defaultdict(list)
    for row, key in enumerate(keys):
        found[key].append(row)
    return found


def _column(table: pa.Table, name: str) -> Floats:
    """A column; nothing known where the table has it not."""
    if name not in table.column_names:
        return [None] * table.num_rows
    found: Floats = table[name].to_pylist()
    return found


#: what an observe function looks like
Observe = Callable[[pa.Table, Records | None], dict[str, Floats]]
