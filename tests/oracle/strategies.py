"""Companies and policies at random: drawn by Hypothesis, which shrinks them, or thrown by dice, far faster, where there are many."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import date, datetime, time, timedelta
from fractions import Fraction
from random import Random, randrange
from typing import Any, Protocol, TypeVar

from hypothesis import strategies as st

from holdfast.domain.facts import STATUSES
from holdfast.domain.policy import Policy

from .states import DAY, LONG_AGO, AccountState, Facts, ItemState, Line

T = TypeVar("T")

FIRST, LAST = date(2022, 1, 1), date(2024, 12, 31)
CURRENCIES = ("USD", "USD", "EUR", "JPY")
LIKELY_STATUSES = (*("active",) * 6, *("paused",) * 3, *("past_due",) * 2, *STATUSES)
LINE_KINDS = ("recurring", "metered", "metered", "proration", "refund", "refund", "one_off", "credit")


class Chance(Protocol):
    """Where chance comes from."""

    def one(self, some: Sequence[T]) -> T:
        """One of them."""

    def whole(self, least: int, most: int) -> int:
        """A whole number, the ends among them."""

    def mixed(self, some: list[T]) -> list[T]:
        """All of them in some order."""


class Drawn:
    """Chance from Hypothesis."""

    def __init__(self, draw: st.DrawFn) -> None:
        self.draw = draw

    def one(self, some: Sequence[T]) -> T:
        return self.draw(st.sampled_from(some))

    def whole(self, least: int, most: int) -> int:
        return self.draw(st.integers(least, most))

    def mixed(self, some: list[T]) -> list[T]:
        return self.draw(st.permutations(some))


class Thrown:
    """Chance from dice. The ends of a span come up more often than they would by themselves."""

    def __init__(self, dice: Random) -> None:
        self.dice = dice

    def one(self, some: Sequence[T]) -> T:
        return self.dice.choice(some)

    def whole(self, least: int, most: int) -> int:
        if most - least > 20 and self.dice.random() < 0.1:
            return self.dice.choice((least, least + 1, most))
        return self.dice.randint(least, most)

    def mixed(self, some: list[T]) -> list[T]:
        return self.dice.sample(some, len(some))


def either(by: Chance) -> bool:
    return by.one((False, True))


def day_between(by: Chance, first: date, last: date) -> date:
    return first + timedelta(days=by.whole(0, (last - first).days))


@contextmanager
def dice(seed: int | None = None) -> Iterator[Thrown]:
    """Dice; what fails within tells their seed, so that the same can be thrown again."""
    seed = randrange(2**32) if seed is None else seed
    try:
        yield Thrown(Random(seed))
    except Exception as error:
        error.add_note(f"thrown by dice({seed})")
        raise


def day(by: Chance, first: date = date(2022, 5, 1), last: date = date(2025, 7, 31)) -> date:
    """For `as_of`, `known_on` and the ends of windows; many are first days of months."""
    found = day_between(by, first, last)
    return found.replace(day=1) if either(by) else found


def days(first: date = date(2022, 5, 1), last: date = date(2025, 7, 31)) -> st.SearchStrategy[date]:
    """Days, drawn by Hypothesis."""
    return _days(first, last)


@st.composite
def _days(draw: st.DrawFn, first: date, last: date) -> date:
    return day(Drawn(draw), first, last)


@st.composite
def policies(draw: st.DrawFn) -> Policy:
    """Policies, drawn by Hypothesis."""
    return policy(Drawn(draw))


@st.composite
def companies(draw: st.DrawFn) -> Facts:
    """Companies, drawn by Hypothesis."""
    return company(Drawn(draw))


# --- policies ---------------------------------------------------------------------------------------------


def policy(by: Chance) -> Policy:
    """Every setting at random."""
    gaps = (0, 1, 7, 30, 60)
    return Policy(
        name="random",
        title="Random",
        grain=by.one(("account", "parent", "subscription")),
        week_factor=by.one((Fraction(52, 12), Fraction(4), Fraction(365, 84))),
        day_factor=by.one((Fraction(365, 12), Fraction(30), Fraction(487, 16))),
        rounding=by.one(("half_even", "down")),
        forever_discounts=either(by),
        repeating_discounts=either(by),
        once_discounts=either(by),
        pause_grace_days=by.one((90, None, 0, 1, 30)),
        past_due_counts=either(by),
        past_due_grace_days=by.one((30, None, 0, 1, 14)),
        unpaid_counts=either(by),
        cancel_at=by.one(("period_end", "click")),
        metered_months=by.one((0, 0, 1, 3)),
        basis=by.one(("subscription", "subscription", "subscription", "revenue")),
        month_measure=by.one(("closing", "closing", "daily_mean")),
        refund_backdates_churn=either(by),
        gap_days_billing=by.one(gaps),
        gap_days_contract=by.one(gaps),
        gap_days_file=by.one(gaps),
        new_after_days=by.one((None, 0, 31, 90, 365)),
        left_and_returned=by.one(("retained", "lost")),
        nrr=by.one(("point_to_point", "net_movements")),
        grr=by.one(("capped", "summed", "churn_only")),
        window_months=by.one((1, 3, 12)),
        shown_as=by.one(("mrr", "arr")),
    )


# --- companies --------------------------------------------------------------------------------------------


def company(by: Chance) -> Facts:
    """1 to 6 accounts, 1 to 4 subscriptions of 1 to 3 items, and the invoice lines for them."""
    accounts = [f"a{number}" for number in range(by.one((3, 2, 1, 4, 5, 6)))]
    items: list[ItemState] = []
    lines: list[Line] = []
    for subscription in range(by.whole(1, 4)):
        account = by.one(accounts)
        names = (account, f"s{subscription}")
        kind = by.one(("billing", "contract", "file", "crm"))
        for number in range(by.whole(1, 3)):
            items += items_of(by, (*names, f"s{subscription}-i{number}"), accounts, kind)
        lines += lines_of(by, names, items)
    items = [replace(row, arrival=place) for place, row in enumerate(by.mixed(items))]
    return Facts(items, account_rows(by, accounts), lines)


def items_of(by: Chance, names: tuple[str, str, str], accounts: list[str], kind: str) -> list[ItemState]:
    """The rows of one item: its history, and what was learned about it later."""
    rows = chains(by, names, accounts, kind)
    correction = by.one(("none", "none", "none", "price", "deleted", "replaced"))
    learned = rows[-1].learned_at + timedelta(days=by.whole(0, 200))
    if correction == "price":
        row = by.one(rows)
        price = by.whole(0, 50_000)
        rows.append(replace(row, unit_amount_minor=price, learned_at=max(learned, row.learned_at)))
    elif correction == "deleted":
        row = by.one(rows)
        rows.append(replace(row, deleted=True, learned_at=max(learned, row.learned_at)))
    elif correction == "replaced":
        told = chains(by, names, accounts, kind)
        rows += [replace(row, replaces_item=True, learned_at=learned) for row in told]
    return rows


def chains(by: Chance, names: tuple[str, str, str], accounts: list[str], kind: str) -> list[ItemState]:
    """The states of one item, one after the other: seamless, with gaps, or overlapping."""
    rows = []
    account, subscription, item = names
    begin = day_between(by, FIRST, FIRST + timedelta(days=600))
    price = {
        "currency": by.one(CURRENCIES),
        "unit_amount_minor": by.one((0, by.whole(1, 60_000), 10_000)),
        "interval": by.one(("month", "month", "year", "week", "day")),
        "interval_count": by.one((1, 1, 1, 2, 3, 7)),
        "usage_type": by.one(("licensed",) * 7 + ("metered",)),
    }
    for _ in range(by.whole(1, 7)):
        end = begin + timedelta(days=by.whole(1, by.one((60, 250))))
        step = by.one(("seamless", "seamless", "open", "gap", "overlap", "empty"))
        values: dict[str, Any] = {
            **price,
            **changing_values(by, begin),
            "valid_to": {"open": None, "overlap": end + 20 * DAY, "empty": begin}.get(step, end),
        }
        rows.append(
            ItemState(
                account_id=account,
                subscription_id=subscription,
                item_id=item,
                valid_from=begin,
                source_kind=kind,
                **values,
            )
        )
        change = by.one(("none",) * 5 + ("price", "currency", "account", "subscription"))
        if change == "price":
            price["unit_amount_minor"] = by.whole(0, 60_000)
        elif change == "currency":
            price["currency"] = by.one(CURRENCIES)
        elif change == "account":
            # a subscription belongs to one account, so it goes on under another name
            account = by.one(accounts)
            subscription = names[1] if account == names[0] else f"{names[1]}-of-{account}"
        elif change == "subscription":
            subscription += "-later"
        begin = end + timedelta(days=by.whole(1, 60)) if step == "gap" else end
    return rows


def changing_values(by: Chance, begin: date) -> dict[str, Any]:
    """What may differ from one state of an item to the next."""
    values: dict[str, Any] = {
        "status": by.one(LIKELY_STATUSES),
        "quantity": by.one((1, 1, 1, 2, 3, 25, 0)),
        "learned_at": learned_about(by, begin),
    }
    durations = by.mixed(["forever", "repeating", "once"])[: by.whole(0, 2)]
    for duration in durations:
        values[f"{duration}_off_ppm"] = by.one((0, 100_000, 333_333, 500_000, 1_000_000))
        values[f"{duration}_off_minor"] = by.one((0, 0, 1, 500, 9_999))
        if duration != "forever":
            values[f"{duration}_until"] = soon_after(by, begin)
    if by.whole(0, 3) == 0:
        values["cancel_requested_on"] = soon_after(by, begin)
    return values


def soon_after(by: Chance, begin: date) -> date | None:
    return begin + timedelta(days=by.whole(-10, 120)) if either(by) else None


def learned_about(by: Chance, day: date) -> datetime:
    """When we learned of something that holds from that day: long ago, before it, or up to 4 months late."""
    if either(by):
        return LONG_AGO
    hour = time(by.one((0, 9, 23)))
    return datetime.combine(day + timedelta(days=by.whole(-30, 120)), hour)


def account_rows(by: Chance, accounts: list[str]) -> list[AccountState]:
    """Mergers, un-mergers, parents and changes of parents; always towards later accounts: no circles."""
    rows: list[AccountState] = []
    for place, account in enumerate(accounts):
        others = accounts[place + 1 :]
        above = [*others, None]
        for number in range(by.one((0, 1, 2, 3))):
            since_ever = number == 0 and either(by)
            begin = None if since_ever else day(by, FIRST, LAST)
            parent, into = by.one(above), by.one((None, by.one(above)))
            learned = learned_about(by, begin or FIRST)
            rows.append(AccountState(account, parent, into, (), begin, learned, len(rows)))
    return rows


def lines_of(by: Chance, names: tuple[str, str], items: list[ItemState]) -> list[Line]:
    """Invoice lines of one subscription, refunds of its items among them."""
    account, subscription = names
    rows = [row for row in items if row.subscription_id == subscription]
    lines: list[Line] = []
    for number in range(by.whole(0, 6)):
        kind = by.one(LINE_KINDS)
        start = day_between(by, FIRST, LAST)
        item = None
        of_an_item = bool(rows) and either(by)
        if of_an_item:
            row = by.one(rows)
            item = row.item_id if either(by) else None
            # about the end of a state, so that a refund can meet it
            start = (row.valid_to or start) - timedelta(days=by.whole(0, 40))
        length = timedelta(days=by.one((by.one((28, 30, 31, 365, 366)), by.whole(0, 400))))
        amount = by.whole(0, 100_000)
        negative = kind in ("refund", "credit") or (kind == "proration" and either(by))
        periodless = by.whole(0, 9) == 0
        lines.append(
            Line(
                line_id=f"{subscription}-l{number}",
                invoice_id=f"{subscription}-v{number}",
                account_id=account,
                subscription_id=by.one((subscription, subscription, subscription, None)),
                item_id=item,
                kind=kind,
                amount_minor=-amount if negative else amount,
                currency=by.one(CURRENCIES),
                period_start=None if periodless else start,
                period_end=None if periodless and either(by) else start + length,
                issued_on=start,
                learned_at=learned_about(by, start),
            )
        )
    return lines
