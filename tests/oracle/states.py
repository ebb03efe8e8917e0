"""The facts, and what each priced line is worth on each day (rules 3 to 13)."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from fractions import Fraction
from functools import lru_cache
from itertools import pairwise
from math import trunc

from holdfast.domain.policy import Policy

LONG_AGO = datetime(2000, 1, 1)  # noqa: DTZ001 - the clock of the facts is the company's own
DAY = timedelta(days=1)


@dataclass(frozen=True, kw_only=True)
class ItemState:
    """A row of `subscription_item`."""

    account_id: str
    subscription_id: str
    item_id: str
    product_id: str | None = None
    plan_id: str | None = None
    quantity: int = 1
    unit_amount_minor: int
    currency: str
    interval: str = "month"
    interval_count: int = 1
    usage_type: str = "licensed"
    forever_off_ppm: int = 0
    forever_off_minor: int = 0
    repeating_off_ppm: int = 0
    repeating_off_minor: int = 0
    repeating_until: date | None = None
    once_off_ppm: int = 0
    once_off_minor: int = 0
    once_until: date | None = None
    status: str = "active"
    valid_from: date
    valid_to: date | None = None
    cancel_requested_on: date | None = None
    term_end: date | None = None
    auto_renew: bool | None = None
    replaces_item: bool = False
    deleted: bool = False
    learned_at: datetime = LONG_AGO
    source_kind: str = "billing"
    arrival: int = 0


@dataclass(frozen=True)
class AccountState:
    """A row of `account`, as far as the ledger looks at it."""

    account_id: str
    parent_id: str | None = None
    merged_into: str | None = None
    attributes: tuple[tuple[str, str], ...] = ()
    valid_from: date | None = None
    learned_at: datetime = LONG_AGO
    arrival: int = 0


@dataclass(frozen=True, kw_only=True)
class Line:
    """A row of `invoice_line`."""

    line_id: str
    invoice_id: str
    account_id: str
    subscription_id: str | None = None
    item_id: str | None = None
    kind: str = "recurring"
    amount_minor: int
    currency: str
    period_start: date | None = None
    period_end: date | None = None
    issued_on: date
    learned_at: datetime = LONG_AGO


@dataclass
class Facts:
    items: list[ItemState] = field(default_factory=list)
    accounts: list[AccountState] = field(default_factory=list)
    lines: list[Line] = field(default_factory=list)


@dataclass(frozen=True)
class State:
    """A row that holds, with the days on which it is in force: [begin, end)."""

    row: ItemState
    begin: date
    end: date | None
    #: first day of the chain of states of the same status this state is part of (rule 11)
    run_begin: date
    #: the state that ended where that chain begins
    before: State | None


@dataclass(frozen=True)
class Piece:
    """Days [begin, end) on which nothing about a priced line changes."""

    account_id: str
    subscription_id: str | None
    source_kind: str
    begin: date
    end: date | None
    #: (measure, currency) -> amount; the measures are mrr, hold, trial and pending; no zeros
    amounts: dict[tuple[str, str], int]


def known(facts: Facts, known_on: date | None) -> Facts:
    """Rule 3: only the rows learned before the end of that day."""
    if known_on is None:
        return facts
    end_of_day = datetime(known_on.year, known_on.month, known_on.day) + DAY  # noqa: DTZ001
    return Facts(
        [row for row in facts.items if row.learned_at < end_of_day],
        [row for row in facts.accounts if row.learned_at < end_of_day],
        [row for row in facts.lines if row.learned_at < end_of_day],
    )


def lines_that_hold(lines: list[Line]) -> list[Line]:
    """Of the rows of one line the newest learned holds (rule 4; ties: the later row)."""
    newest = {}
    for line in sorted(lines, key=lambda line: line.learned_at):
        newest[line.line_id] = line
    return list(newest.values())


def by_item(rows: list[ItemState]) -> dict[tuple[str, str, str], list[ItemState]]:
    """Rule 4: account, subscription and item id together name an item."""
    items: dict[tuple[str, str, str], list[ItemState]] = {}
    for row in rows:
        items.setdefault((row.account_id, row.subscription_id, row.item_id), []).append(row)
    return items


def rows_that_hold(rows: list[ItemState]) -> list[ItemState]:
    """Rule 4, for the rows of one item; in order of `valid_from`."""
    rows = sorted(rows, key=lambda row: (row.learned_at, row.arrival))
    # "A row with replaces_item supersedes every row of its item learned earlier."
    cut = max((row.learned_at for row in rows if row.replaces_item), default=datetime.min)  # noqa: DTZ901
    newest = {}
    for row in rows:
        if row.learned_at >= cut:
            newest[row.valid_from] = row  # the newest learned; at the same moment the later of the file
    return [newest[day] for day in sorted(newest) if not newest[day].deleted]


def states_of_item(rows: list[ItemState], refunds: list[Line], policy: Policy) -> list[State]:
    """Rules 4, 5, 11 (runs) and 13, for the rows of one item."""
    spans: list[tuple[ItemState, date, date | None]] = []
    held = rows_that_hold(rows)
    for number, row in enumerate(held):
        following = held[number + 1].valid_from if number + 1 < len(held) else None
        spans.append((row, row.valid_from, earlier(row.valid_to, following)))  # rule 5
    spans = [span for span in spans if not_empty(span)]
    if policy.refund_backdates_churn:
        begins = {begin for _, begin, _ in spans}
        spans = [(row, begin, end if end in begins else refunded_end(row, end, refunds)) for row, begin, end in spans]
        spans = [span for span in spans if not_empty(span)]
    states: list[State] = []
    for row, begin, end in spans:
        last = states[-1] if states and states[-1].end == begin else None
        if last is not None and last.row.status == row.status:
            states.append(State(row, begin, end, last.run_begin, last.before))
        else:
            states.append(State(row, begin, end, begin, last))
    return states


def earlier(one: date | None, other: date | None) -> date | None:
    if one is None or other is None:
        return one or other
    return min(one, other)


def not_empty(span: tuple[ItemState, date, date | None]) -> bool:
    """Rule 5: "a state whose end is not after its beginning is empty and is left out"."""
    return span[2] is None or span[2] > span[1]


def refunded_end(row: ItemState, end: date | None, refunds: list[Line]) -> date | None:
    """Rule 13: the end of a state after which nothing follows, moved to the start of the refunded period."""
    if end is None:
        return None
    ends = [end]
    for line in refunds:
        same_item, same_subscription = line.item_id == row.item_id, line.subscription_id == row.subscription_id
        concerned = same_item if line.item_id else same_subscription
        start, until = line.period_start, line.period_end
        if concerned and start and until and start < end <= until:
            ends.append(start)
    return min(ends)


# --- the worth of a state on a day ------------------------------------------------------------------------


def full_mrr(row: ItemState, day: date, policy: Policy) -> int:
    """Rules 7 to 10: the MRR of a state at its price, whatever its status."""
    if row.usage_type == "metered":
        return 0  # rule 10
    percentages, amounts = [], []
    if policy.forever_discounts:
        percentages.append(row.forever_off_ppm)
        amounts.append(row.forever_off_minor)
    if policy.repeating_discounts and (row.repeating_until is None or day < row.repeating_until):
        percentages.append(row.repeating_off_ppm)
        amounts.append(row.repeating_off_minor)
    if policy.once_discounts and (row.once_until is None or day < row.once_until):
        percentages.append(row.once_off_ppm)
        amounts.append(row.once_off_minor)
    factor = {"week": policy.week_factor, "day": policy.day_factor}.get(row.interval)
    billing = row.quantity * row.unit_amount_minor  # rule 7
    length = (row.interval, row.interval_count, factor)
    return per_month(billing, tuple(percentages), sum(amounts), length, policy.rounding)


@lru_cache(maxsize=100_000)
def per_month(
    billing: int, percentages: tuple[int, ...], off: int, length: tuple[str, int, Fraction | None], rounding: str
) -> int:
    """Rules 8 and 9: percentages, then amounts, never below 0; by the months of an interval; rounded once."""
    interval, count, factor = length
    months = count * ({"month": Fraction(1), "year": Fraction(12)}[interval] if factor is None else 1 / factor)
    amount = Fraction(billing)
    for ppm in percentages:
        amount *= 1 - Fraction(ppm, 1_000_000)
    amount = max(amount - off, Fraction(0))
    exact = amount / months
    return round(exact) if rounding == "half_even" else trunc(exact)


def cancel_asked(row: ItemState, day: date) -> bool:
    return row.cancel_requested_on is not None and day >= row.cancel_requested_on


def mrr_on(state: State, day: date, policy: Policy) -> int:
    """Rules 11 and 12: what a state in force on that day adds to MRR."""
    status = state.row.status
    if policy.cancel_at == "click" and cancel_asked(state.row, day):
        return 0
    if status == "past_due":
        grace = policy.past_due_grace_days
        counts = policy.past_due_counts and (grace is None or day < state.run_begin + grace * DAY)
    else:
        counts = status == "active" or (status == "unpaid" and policy.unpaid_counts)
    return full_mrr(state.row, day, policy) if counts else 0


def amounts_on(state: State, day: date, policy: Policy) -> dict[tuple[str, str], int]:
    """MRR, on hold, trial MRR and pending MRR of a state in force on that day; zeros left out."""
    row = state.row
    mrr = mrr_on(state, day, policy)
    amounts = {("mrr", row.currency): mrr}
    if row.status == "trialing":
        amounts["trial", row.currency] = full_mrr(row, day, policy)
    if cancel_asked(row, day):
        amounts["pending", row.currency] = mrr  # rule 12; with "click" the MRR is 0 already
    grace = policy.pause_grace_days
    in_grace = grace is None or day < state.run_begin + grace * DAY
    if row.status == "paused" and state.before is not None and in_grace:
        before = mrr_on(state.before, state.run_begin - DAY, policy)
        amounts["hold", state.before.row.currency] = before
    return {key: amount for key, amount in amounts.items() if amount}


def days_of_change(state: State, policy: Policy) -> list[date]:
    """The days on which the worth of a state may change."""
    row = state.row
    days = {state.begin, row.repeating_until, row.once_until, row.cancel_requested_on}
    if row.status == "past_due" and policy.past_due_grace_days is not None:
        days.add(state.run_begin + policy.past_due_grace_days * DAY)
    if row.status == "paused" and policy.pause_grace_days is not None:
        days.add(state.run_begin + policy.pause_grace_days * DAY)
    return sorted(day for day in days if day and state.begin <= day and (state.end is None or day < state.end))


def pieces_of_item(rows: list[ItemState], refunds: list[Line], policy: Policy) -> list[Piece]:
    """One item's life, cut at every day on which something changes."""
    pieces = []
    for state in states_of_item(rows, refunds, policy):
        days: list[date | None] = [*days_of_change(state, policy), state.end]
        for begin, end in pairwise(days):
            assert begin is not None
            row, amounts = state.row, amounts_on(state, begin, policy)
            pieces.append(Piece(row.account_id, row.subscription_id, row.source_kind, begin, end, amounts))
    return pieces
