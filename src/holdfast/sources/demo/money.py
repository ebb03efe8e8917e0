"""Invoices and their lines: what each billing day asked for, what was paid, failed, retried and credited."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from holdfast.sources.demo import columns as col
from holdfast.sources.demo import settings as cfg
from holdfast.sources.demo.items import DIGITS, LETTERS, Rows, item_key
from holdfast.sources.demo.state import STATUS, State
from holdfast.sources.demo.traits import CURRENCIES, WORTH, Traits
from holdfast.sources.demo.world import MONEY, NONE, SMB, F, I, World

KINDS = ("recurring", "proration", "metered", "one_off", "credit", "refund")
RECURRING, PRORATION, METERED, ONE_OFF, CREDIT, REFUND = range(len(KINDS))
#: Columns of a line before it becomes an arrow row.
LINE = ("bill", "slot", "kind", "amount", "start", "end", "issued")
STATUSES = ("open", "paid", "uncollectible")
OPEN, PAID, UNCOLLECTIBLE = range(3)


@dataclass(frozen=True)
class Bills:
    """Invoices of a chunk, sorted by account and day."""

    who: I
    day: I
    end: I  # first day after the period
    before: I  # the same day a month ago
    kind: I

    @property
    def key(self) -> I:
        return self.who * 100_000 + self.day


#: Kinds of bill: a period begins; a month in which only use is billed; a change inside a period.
PERIOD, USE, CHANGE = range(3)


def invoices(world: World, chunk: int, who: Traits, state: State, rows: Rows) -> tuple[pa.Table, pa.Table]:
    """The two fact tables."""
    rng = world.rng(MONEY, chunk)
    bills, changes = _bills(world, who, state, rows)
    parts = [_recurring(rng, world, who, rows, bills, slot) for slot in range(cfg.SLOTS)]
    parts.append(_prorations(who, rows, bills, changes))
    parts.append(_setup(who, bills))
    line = np.concatenate(parts, axis=1)
    line = line[:, line[3] != 0]
    used = np.unique(line[0])
    extra = _credits(rng, state, bills, line)
    line = np.concatenate([line, extra], axis=1)
    line = line[:, line[6] < world.end_day]
    line = line[:, np.lexsort((line[1], line[2], line[6], bills.who[line[0]]))]
    total = np.bincount(line[0], weights=np.where(line[2] < CREDIT, line[3], 0), minlength=bills.who.size)
    serial = col.running(bills.who)
    return (
        _invoice_table(world, rng, who, state, bills, total, used, serial),
        _line_table(world, who, bills, line, serial),
    )


def _bills(world: World, who: Traits, state: State, rows: Rows) -> tuple[Bills, I]:
    """Every billing day of every account, and the item states billed on their own inside a period."""
    account, month, kind = _cycles(world, who, state, rows)
    first = _first(world, month)
    day = first + who.day[account]
    changes = _changes(who, rows, (account * 100_000 + day)[kind == PERIOD])
    late, late_day = rows.who[changes], rows.day[changes]
    pair = np.unique(late * 100_000 + late_day)
    late, late_day = pair // 100_000, pair % 100_000
    account, day = np.concatenate([account, late]), np.concatenate([day, late_day])
    kind = np.concatenate([kind, np.full(late.size, CHANGE)])
    order = np.lexsort((kind, day, account))
    account, day, kind = account[order], day[order], kind[order]
    end = _next_cycle(world, who, state, account, day)
    return Bills(account, day, end, _month_before(day), kind), changes


def _cycles(world: World, who: Traits, state: State, rows: Rows) -> tuple[I, I, I]:
    """(account, month, kind) of billing by the calendar; what runs at the start was billed before it."""
    months = np.arange(world.months)
    day = world.firsts[: world.months] + who.day[:, None]
    per = who.per[:, None]
    metered = np.bincount(rows.who, rows.slot == cfg.METERED, len(who)) > 0
    gone = np.where(state.gone_day == NONE, 1 << 30, state.gone_day)[:, None]
    gone_again = np.where(state.gone_again == NONE, 1 << 30, state.gone_again)[:, None]
    back = np.where(state.back_day == NONE, 1 << 30, state.back_day)[:, None]
    returned = np.searchsorted(world.firsts, state.back_day, "right") - 1
    there = (day >= who.start_day[:, None]) & (day < gone) & ~who.lost[:, None]
    for index, begun, resumed in state.pauses:
        for one, a, b in zip(index.tolist(), begun.tolist(), resumed.tolist(), strict=True):
            there[one] &= (day[one] < a) | (day[one] >= b)
    cycle = there & ((months - who.renewal[:, None]) % per == 0)
    cycle |= (day >= back) & (day < gone_again) & ((months - returned[:, None]) % per == 0)
    account, month = np.nonzero(cycle)
    using, use_month = np.nonzero(there & metered[:, None] & ~cycle)
    opening = np.flatnonzero((who.started == 0) & ~who.lost)
    before = who.renewal[opening] % who.per[opening] - who.per[opening]
    kinds = np.repeat([PERIOD, USE, PERIOD], [account.size, using.size, opening.size])
    return np.concatenate([account, using, opening]), np.concatenate([month, use_month, before]), kinds


def _first(world: World, month: I) -> I:
    """The first day of a month of the world; months before its beginning are negative."""
    start = np.datetime64(world.start_day, "D").astype("datetime64[M]").astype(np.int64)
    days: I = (start + month).astype("datetime64[M]").astype("datetime64[D]").astype(np.int64)
    return days


def _month_before(day: I) -> I:
    """The same day a month earlier (billing days are among the first 28)."""
    first = day.astype("datetime64[D]").astype("datetime64[M]")
    into = day - first.astype("datetime64[D]").astype(np.int64)
    earlier: I = (first - 1).astype("datetime64[D]").astype(np.int64) + into
    return earlier


def _next_cycle(world: World, who: Traits, state: State, account: I, day: I) -> I:
    """The next day on which a period begins."""
    start = np.datetime64(world.start_day, "D").astype("datetime64[M]").astype(np.int64)
    month = day.astype("datetime64[D]").astype("datetime64[M]").astype(np.int64) - start
    month = month + (_first(world, month) + who.day[account] <= day)
    back = state.back_day[account]
    returned = np.searchsorted(world.firsts, back, "right") - 1
    anchor = np.where((back != NONE) & (day >= back), returned, who.renewal[account])
    return _first(world, month + (anchor - month) % who.per[account]) + who.day[account]


def _changes(who: Traits, rows: Rows, periods: I) -> I:
    """Positions of states that cost more than before, or are new, inside a period."""
    same = np.r_[False, (rows.who[1:] == rows.who[:-1]) & (rows.slot[1:] == rows.slot[:-1])]
    worth = rows.qty * rows.unit
    active = (rows.status == STATUS["active"]) & (rows.asked == NONE) & (rows.slot != cfg.METERED)
    more = same & np.r_[False, active[:-1]] & np.r_[False, worth[1:] > worth[:-1]]
    bought = ~same & (rows.slot > cfg.MAIN) & (rows.slot < cfg.RETURN) & (rows.day > who.start_day[rows.who])
    inside = ~np.isin(rows.who * 100_000 + rows.day, periods)
    return np.flatnonzero(active & (more | bought) & inside)


def _amount(who: Traits, rows: Rows, at: I, day: I) -> I:
    """One billing of a state, after its discounts."""
    account = rows.who[at]
    amount: F = (rows.qty[at] * rows.unit[at]).astype(np.float64)
    main = rows.slot[at] == cfg.MAIN
    repeats = main & (day < who.repeating_until[account])
    once = main & (day < who.once_until[account])
    amount *= np.where(main, 1 - who.forever_ppm[account] / 1e6, 1.0)
    amount *= np.where(repeats, 1 - who.repeating_ppm[account] / 1e6, 1.0)
    amount *= np.where(once, 1 - who.once_ppm[account] / 1e6, 1.0)
    amount = np.maximum(amount - np.where(main, who.forever_minor[account], 0), 0.0)
    out: I = np.rint(amount).astype(np.int64)
    return out


def _recurring(rng: np.random.Generator, world: World, who: Traits, rows: Rows, bills: Bills, slot: int) -> I:
    """A line for each item in force on the billing day; metered use is billed for the month before."""
    day = np.maximum(bills.day, world.start_day)
    at = np.searchsorted(rows.key, item_key(bills.who, np.full(day.size, slot), day), side="right") - 1
    at = np.maximum(at, 0)
    there = (rows.who[at] == bills.who) & (rows.slot[at] == slot) & (rows.day[at] <= day)
    there &= (rows.end[at] == NONE) | (day < rows.end[at])
    there &= (rows.status[at] == STATUS["active"]) | (rows.status[at] == STATUS["past_due"])
    if slot == cfg.METERED:
        bill = np.flatnonzero(there & (rows.day[at] <= bills.before) & (bills.kind != CHANGE))
        month = who.mrr[bills.who[bill]] / WORTH[who.currency[bills.who[bill]]] * 100
        used = np.rint(month * 0.08 * rng.lognormal(0.0, 0.35, bill.size)).astype(np.int64)
        kind, day = np.full(bill.size, METERED), bills.day[bill]
        return np.stack([bill, np.full(bill.size, slot), kind, used, bills.before[bill], day, day])
    bill = np.flatnonzero(there & (bills.kind == PERIOD))
    day = bills.day[bill]
    kind, amount = np.full(bill.size, RECURRING), _amount(who, rows, at[bill], day)
    return np.stack([bill, np.full(bill.size, slot), kind, amount, day, bills.end[bill], day])


def _prorations(who: Traits, rows: Rows, bills: Bills, changes: I) -> I:
    """What a change inside a period adds for the rest of it, on an invoice of its own."""
    account, day = rows.who[changes], rows.day[changes]
    own = np.flatnonzero(bills.kind == CHANGE)
    at = own[np.searchsorted(bills.key[own], account * 100_000 + day)]
    before = np.maximum(changes - 1, 0)
    had = (rows.who[before] == account) & (rows.slot[before] == rows.slot[changes]) & (before < changes)
    more = _amount(who, rows, changes, day) - np.where(had, _amount(who, rows, before, day), 0)
    rest = np.clip((bills.end[at] - day) / (who.per[account] * 30.4375), 0.0, 1.0)
    amount = np.rint(more * rest).astype(np.int64)
    return np.stack([at, rows.slot[changes], np.full(at.size, PRORATION), amount, day, bills.end[at], day])


def _setup(who: Traits, bills: Bills) -> I:
    """A one-off fee on the first invoice of larger new customers."""
    first = col.running(bills.who) == 0
    index = np.flatnonzero(first & (who.segment[bills.who] != SMB) & (who.started[bills.who] > 0))
    amount = np.rint(who.mrr[bills.who[index]] * 0.8).astype(np.int64) * 100
    day = bills.day[index]
    slot, kind = np.full(index.size, cfg.MAIN), np.full(index.size, ONE_OFF)
    return np.stack([index, slot, kind, amount, day, day + 1, day])


def _credits(rng: np.random.Generator, state: State, bills: Bills, line: I) -> I:
    """Credit notes for trouble; refunds of the last bill to a few who left."""
    main = line[:, (line[1] == cfg.MAIN) & (line[2] == RECURRING)]
    credited = main[:, rng.random(main.shape[1]) < 0.012]
    share: F = rng.uniform(0.1, 0.3, (credited.shape[1],))
    later = credited[6] + rng.integers(5, 21, credited.shape[1])
    credit = np.stack(
        [
            credited[0],
            credited[1],
            np.full(share.size, CREDIT),
            -np.rint(credited[3] * share).astype(np.int64),
            credited[4],
            credited[5],
            later,
        ]
    )
    last = np.r_[main[0][1:] != main[0][:-1], True] if main.size else np.zeros(0, bool)
    account = bills.who[main[0]]
    last &= np.r_[account[1:] != account[:-1], True] if account.size else np.zeros(0, bool)
    gone = state.gone_day[account]
    ended = last & (gone != NONE) & (gone <= main[5]) & (rng.random(account.size) < 0.015)
    given = main[:, ended]
    refund = np.stack(
        [
            given[0],
            given[1],
            np.full(given.shape[1], REFUND),
            -given[3],
            given[4],
            given[5],
            np.maximum(gone[ended], given[6] + 1),
        ]
    )
    return np.concatenate([credit, refund], axis=1)


def _invoice_table(
    world: World, rng: np.random.Generator, who: Traits, state: State, bills: Bills, total: I, used: I, serial: I
) -> pa.Table:
    """Each invoice as it was issued and, where that came later, as it was settled."""
    account, day = bills.who[used], bills.day[used]
    due, paid, status, attempts, settled = _payments(world, rng, who, state, account, day)
    tax = np.rint(total[used] * np.array([0.0, 0.21, 0.20])[who.currency[account]]).astype(np.int64)
    later = np.flatnonzero((settled > day) & (status != OPEN))
    both = np.concatenate([np.arange(used.size), later])
    second = np.concatenate([np.zeros(used.size, bool), np.ones(later.size, bool)])
    order = np.lexsort((second, both))
    both, second = both[order], second[order]
    waits = ~second & (settled[both] > day[both])
    seen = np.where(second, settled[both], day[both])
    learned = col.known(seen, rng.uniform(0.1, 0.95, both.size), world.end_day)
    shown = np.where(waits, OPEN, status[both])
    number = who.number[account[both]]
    columns = {
        "invoice_id": col.text(both.size, "in", (number, 7), "-", (serial[used][both], 3)),
        "account_id": col.account_ids(number),
        "currency": col.pick(CURRENCIES, who.currency[account[both]]),
        "issued_on": col.days(day[both]),
        "due_on": col.days(due[both]),
        "paid_on": col.days(np.where(shown == PAID, paid[both], NONE)),
        "status": col.pick(STATUSES, shown),
        "total_minor": col.ints(np.rint(total[used]).astype(np.int64)[both] + tax[both]),
        "tax_minor": col.ints(tax[both]),
        "attempts": col.ints(np.where(waits, 0, attempts[both])),
    }
    return col.table("invoice", columns, learned)


def _payments(
    world: World, rng: np.random.Generator, who: Traits, state: State, account: I, day: I
) -> tuple[I, I, I, I, I]:
    """Due day, day paid, status, attempts and the day on which that was settled."""
    n = account.size
    card = who.card[account]
    due = np.where(card, day, day + 30)
    lag = np.where(card, 0, np.maximum(np.rint(rng.gamma(6.0, 5.0, n)), 1)).astype(np.int64)
    paid, attempts, lost = day + lag, np.ones(n, np.int64), np.zeros(n, bool)
    key = account * 100_000 + day
    for index, begun, until in state.failures:
        wanted = index * 100_000 + begun - 2
        at = np.minimum(np.searchsorted(key, wanted), n - 1)
        hit = key[at] == wanted
        paid[at[hit]] = until[hit]
        attempts[at[hit]] = 2 + index[hit] % 3
        lost[at[hit]] = until[hit] == NONE
    paid = np.where(lost, day + 23, paid)
    known = paid < world.end_day
    status = np.where(known, np.where(lost, UNCOLLECTIBLE, PAID), OPEN)
    return due, paid, status, attempts, np.where(known, paid, day)


def _line_table(world: World, who: Traits, bills: Bills, line: I, serial: I) -> pa.Table:
    bill, slot, kind, amount, start, end, issued = line
    account = bills.who[bill]
    number, n = who.number[account], bill.size
    # Numbered within the invoice, whatever the order in which its lines were issued.
    order = np.argsort(bill, kind="stable")
    within = np.empty(n, np.int64)
    within[order] = col.running(bill[order])
    columns = {
        "line_id": col.text(n, "il", (number, 7), "-", (serial[bill], 3), "-", (within, 2)),
        "invoice_id": col.text(n, "in", (number, 7), "-", (serial[bill], 3)),
        "account_id": col.account_ids(number),
        "subscription_id": col.text(n, "su", (number, 7), "-", LETTERS[slot]),
        "item_id": col.text(n, "it", (number, 7), "-", DIGITS[slot]),
        "kind": col.pick(KINDS, kind),
        "amount_minor": col.ints(amount),
        "currency": col.pick(CURRENCIES, who.currency[account]),
        "period_start": col.days(start),
        "period_end": col.days(end),
        "issued_on": col.days(issued),
    }
    return col.table("invoice_line", columns, col.known(issued, np.full(n, 0.5), world.end_day))
