"""Retention of a window (rules 22 to 27)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from fractions import Fraction

from holdfast.domain.policy import Policy

from .bridge import Amounts, ledger_of
from .changes import Change, Owners, changes_by_entity, month_of, next_month
from .states import DAY, Facts

Rates = Callable[[str, date], Fraction]
Movements = dict[tuple[str, str, date, str], int]


@dataclass
class Window:
    """Cohort, its opening, its movements net over the window, its closing, and the rates."""

    accounts: int = 0
    opening: int = 0
    expansion: int = 0
    contraction: int = 0
    churn: int = 0
    reactivation: int = 0
    fx: int = 0
    closing: int = 0
    nrr: Fraction | None = None
    grr: Fraction | None = None
    logo_retention: Fraction | None = None


@dataclass
class Member:
    """An entity over the window, with those merged into it."""

    opening: Amounts
    closing: Amounts
    held_at_end: bool
    #: a month inside the window ended at 0, not on hold
    left: bool
    #: at the rates of the window's start, as the policy counts it
    opening_at_start: int = 0
    closing_at_start: int = 0
    closing_at_end: int = 0


def by_day(
    facts: Facts, policy: Policy, as_of: date, day: date, known_on: date | None = None, measure: str = "mrr"
) -> dict[tuple[str, str], int]:
    """(entity, currency) -> balance just before that day (rule 22); zeros are left out."""
    entities, _ = changes_by_entity(facts, policy, as_of, known_on)
    return {
        (entity, currency): amount
        for entity, changes in entities.items()
        for currency, amount in balances_before(changes, day, measure).items()
    }


def balances_before(changes: list[Change], day: date, measure: str = "mrr") -> Amounts:
    """One entity's balance by currency just before that day; zeros are left out."""
    found: Amounts = {}
    for change in changes:
        if change.day < day and change.measure == measure:
            found[change.currency] = found.get(change.currency, 0) + change.amount
    return {currency: amount for currency, amount in found.items() if amount}


def retention(
    facts: Facts,
    policy: Policy,
    start: date,
    end: date,
    as_of: date,
    rates: Rates,
    known_on: date | None = None,
    segment: Callable[[str], str | None] | None = None,
) -> dict[str | None, Window]:
    """Windows by segment of the (surviving) entity; without segments one window under None."""
    entities, owners = changes_by_entity(facts, policy, as_of, known_on)
    survivor = {entity: survivor_of(entity, owners, policy, min(end - DAY, as_of)) for entity in entities}
    together: dict[str, list[Change]] = {}
    for entity, changes in entities.items():
        together.setdefault(survivor[entity], []).extend(changes)
    segment_of = {entity: segment(entity) if segment else None for entity in together}
    movements = ledger_of(entities, policy, as_of).movements

    windows: dict[str | None, Window] = {}
    for name in {None: None} if segment is None else dict.fromkeys(segment_of.values()):
        cohort = {
            entity: member
            for entity, changes in together.items()
            if segment_of[entity] == name
            and above_zero((member := member_of(changes, start, end, policy, rates)).opening)
        }
        ours = {
            key: round(amount * rates(key[1], start))  # rule 23: at the rates of the window's start
            for key, amount in movements.items()
            if segment_of[survivor[key[0]]] == name and start < next_month(key[2]) <= end
        }
        of_cohort = {key: amount for key, amount in ours.items() if survivor[key[0]] in cohort}
        windows[name] = window_of(list(cohort.values()), ours, of_cohort, policy)
    return windows


def survivor_of(entity: str, owners: Owners, policy: Policy, day: date) -> str:
    """Rule 22: an entity merged into another inside the window is counted with it from the start."""
    return entity if policy.grain == "subscription" else owners.account(entity, day)


def member_of(changes: list[Change], start: date, end: date, policy: Policy, rates: Rates) -> Member:
    member = Member(
        opening=balances_before(changes, start),
        closing=balances_before(changes, end),
        held_at_end=bool(balances_before(changes, end, "hold")),
        left=False,
    )
    month_end = next_month(month_of(start))
    while month_end < end:
        if not balances_before(changes, month_end) and not balances_before(changes, month_end, "hold"):
            member.left = True
        month_end = next_month(month_end)
    if member.left and policy.left_and_returned == "lost" and member.closing:
        member.closing, member.held_at_end = {}, False  # rule 25: such an entity closes at 0
    member.opening_at_start = converted(member.opening, start, rates)
    member.closing_at_start = converted(member.closing, start, rates)
    member.closing_at_end = converted(member.closing, end, rates)
    return member


def above_zero(amounts: Amounts) -> bool:
    return any(amount > 0 for amount in amounts.values())


def converted(amounts: Amounts, day: date, rates: Rates) -> int:
    """Rule 23: each entity's balance in a currency is converted and rounded half-even by itself."""
    return sum(round(amount * rates(currency, day)) for currency, amount in amounts.items())


def window_of(members: list[Member], ours: Movements, of_cohort: Movements, policy: Policy) -> Window:
    window = Window(accounts=len(members))
    kept = 0
    for member in members:
        opening, closing = member.opening_at_start, member.closing_at_start
        window.opening += opening
        window.closing += member.closing_at_end
        window.fx += member.closing_at_end - closing
        kept += min(opening, closing)
        # rule 25: net over the window
        if not member.closing:
            window.churn -= opening
        elif member.left:
            window.churn -= opening
            window.reactivation += closing
        elif closing > opening:
            window.expansion += closing - opening
        else:
            window.contraction += closing - opening
    retained = sum(1 for member in members if member.closing or member.held_at_end)
    if members:
        window.logo_retention = Fraction(retained, len(members))
    if window.opening:  # rule 27: else undefined
        window.nrr = nrr_of(window, ours, policy)
        window.grr = grr_of(window, kept, of_cohort, policy)
    return window


def total(movements: Movements, *kinds: str) -> int:
    return sum(amount for (_, _, _, kind), amount in movements.items() if kind in kinds)


def nrr_of(window: Window, ours: Movements, policy: Policy) -> Fraction:
    if policy.nrr == "net_movements":  # rule 26; contraction and churn are negative
        change = total(ours, "expansion", "reactivation", "contraction", "churn")
        return Fraction(window.opening + change, window.opening)
    return Fraction(window.closing - window.fx, window.opening)  # rule 24


def grr_of(window: Window, kept: int, of_cohort: Movements, policy: Policy) -> Fraction:
    if policy.grr == "summed":
        return 1 + Fraction(total(of_cohort, "contraction", "churn"), window.opening)
    if policy.grr == "churn_only":
        return 1 + Fraction(total(of_cohort, "churn"), window.opening)
    return Fraction(kept, window.opening)
