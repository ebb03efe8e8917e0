"""From dated changes to month ends and movements (rules 17 and 19 to 21)."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date

from holdfast.domain.policy import Policy

from .changes import Change, changes_by_entity, month_of, next_month
from .states import Facts

Amounts = dict[str, int]  # currency -> amount


@dataclass
class Ledger:
    #: first days of months, from the month of the first change to the month of `as_of`
    months: list[date] = field(default_factory=list)
    #: (entity, currency, month) -> at that month's end; zeros are left out
    balance: dict[tuple[str, str, date], int] = field(default_factory=dict)
    held: dict[tuple[str, str, date], int] = field(default_factory=dict)
    #: (entity, currency, month, kind) -> signed amount; zeros are left out
    movements: dict[tuple[str, str, date, str], int] = field(default_factory=dict)
    trial: dict[tuple[str, str, date], int] = field(default_factory=dict)
    pending: dict[tuple[str, str, date], int] = field(default_factory=dict)


@dataclass
class Month:
    """What rule 20 looks at: one entity in one month."""

    prev: Amounts
    cur: Amounts
    held_before: Amounts
    held_after: Amounts
    #: net of what came in and went out by transfer
    transfer: Amounts
    #: had MRR, or was on hold ever since it last had, at the end of the month before
    alive: bool
    #: days from the end of the last month above 0 to the end of the month before; None: there was none
    days_away: int | None


def book(facts: Facts, policy: Policy, as_of: date, known_on: date | None = None) -> Ledger:
    """The ledger of a company as of a day, as known on a day."""
    entities, _ = changes_by_entity(facts, policy, as_of, known_on)
    return ledger_of(entities, policy, as_of)


def ledger_of(entities: dict[str, list[Change]], policy: Policy, as_of: date) -> Ledger:
    ledger = Ledger()
    first = min((change.day for changes in entities.values() for change in changes), default=None)
    month = month_of(first) if first else next_month(as_of)
    while month <= as_of:
        ledger.months.append(month)
        month = next_month(month)
    for entity, changes in entities.items():
        book_entity(ledger, entity, changes, policy)
    return ledger


def book_entity(ledger: Ledger, entity: str, changes: list[Change], policy: Policy) -> None:
    by_month: dict[date, list[Change]] = {}
    for change in changes:
        by_month.setdefault(month_of(change.day), []).append(change)
    first = min(by_month)
    # what stands at the end of the month, by measure and currency (rule 17)
    stand: dict[str, Amounts] = {"mrr": {}, "hold": {}, "trial": {}, "pending": {}}
    alive, last_above = False, None
    for month in ledger.months[ledger.months.index(first) :]:
        before = {measure: dict(amounts) for measure, amounts in stand.items()}
        transfer: Amounts = {}
        for change in by_month.get(month, []):
            add(stand[change.measure], change.currency, change.amount)
            if change.transfer and change.measure == "mrr":
                add(transfer, change.currency, change.amount)
        away = (month - next_month(last_above)).days if last_above else None
        seen = Month(before["mrr"], stand["mrr"], before["hold"], stand["hold"], transfer, alive, away)
        for (currency, kind), amount in movements_of(seen, policy).items():
            ledger.movements[entity, currency, month, kind] = amount
        # rule 20, "alive": has MRR, or is on hold and was alive
        alive = above(stand["mrr"]) or (alive and above(stand["hold"]))
        last_above = month if above(stand["mrr"]) else last_above
        write(ledger.balance, entity, month, stand["mrr"])
        write(ledger.held, entity, month, stand["hold"])
        write(ledger.trial, entity, month, stand["trial"])
        write(ledger.pending, entity, month, stand["pending"])


def add(amounts: Amounts, currency: str, amount: int) -> None:
    amounts[currency] = amounts.get(currency, 0) + amount


def write(table: dict[tuple[str, str, date], int], entity: str, month: date, amounts: Amounts) -> None:
    for currency, amount in amounts.items():
        if amount:
            table[entity, currency, month] = amount


def above(amounts: Amounts) -> bool:
    """With several currencies, "0" means 0 in every currency (rule 20)."""
    return any(amounts.values())


def movements_of(month: Month, policy: Policy) -> dict[tuple[str, str], int]:
    """Rule 20: (currency, kind) -> amount."""
    found: dict[tuple[str, str], int] = {}
    currencies = {**month.prev, **month.cur, **month.held_before, **month.transfer}
    for currency in currencies:
        transfer = month.transfer.get(currency, 0)
        rest = month.cur.get(currency, 0) - month.prev.get(currency, 0) - transfer
        held = month.held_before.get(currency, 0)
        found[currency, "transfer"] = transfer
        if ends_with_its_hold(month):
            # prev is 0, or its MRR and its hold end together
            found[currency, "churn"] = rest - held
            found[currency, "contraction"] = held
        elif rest:
            found[currency, kind_of(month, rest, policy)] = rest
    return {key: amount for key, amount in found.items() if amount}


def ends_with_its_hold(month: Month) -> bool:
    return (
        month.alive
        and above(month.held_before)
        and not above(month.cur)
        and not above(month.held_after)
        and not above(month.transfer)
    )


def kind_of(month: Month, rest: int, policy: Policy) -> str:
    by_sign = "expansion" if rest > 0 else "contraction"
    if above(month.transfer):
        received = any(amount > 0 for amount in month.transfer.values())
        return "churn" if received and not above(month.cur) else by_sign
    if above(month.prev) and above(month.cur):
        return by_sign
    if above(month.prev):
        return "contraction" if above(month.held_after) else "churn"
    if month.days_away is None:
        return "new"
    if month.alive:
        return "expansion"
    limit = policy.new_after_days
    return "new" if limit is not None and month.days_away > limit else "reactivation"
