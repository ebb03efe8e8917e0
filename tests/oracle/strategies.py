"""Companies and policies at random, for Hypothesis."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime, time, timedelta
from fractions import Fraction
from typing import Any

from hypothesis import strategies as st

from holdfast.domain.facts import STATUSES
from holdfast.domain.policy import Policy

from .states import DAY, LONG_AGO, AccountState, Facts, ItemState, Line

FIRST, LAST = date(2022, 1, 1), date(2024, 12, 31)
CURRENCIES = ("USD", "USD", "EUR", "JPY")
LIKELY_STATUSES = (*("active",) * 6, *("paused",) * 3, *("past_due",) * 2, *STATUSES)
LINE_KINDS = ("recurring", "metered", "metered", "proration", "refund", "refund", "one_off", "credit")


def days(first: date = date(2022, 5, 1), last: date = date(2025, 7, 31)) -> st.SearchStrategy[date]:
    """Days for `as_of`, `known_on` and the ends of windows; many are first days of months."""
    any_day = st.dates(first, last)
    return st.one_of(any_day, any_day.map(lambda day: day.replace(day=1)))


# --- policies ---------------------------------------------------------------------------------------------


@st.composite
def policies(draw: st.DrawFn) -> Policy:
    """Every setting at random."""
    choose = st.sampled_from
    flag = st.booleans()
    gap = choose((0, 1, 7, 30, 60))
    return Policy(
        name="random",
        title="Random",
        grain=draw(choose(("account", "parent", "subscription"))),
        week_factor=draw(choose((Fraction(52, 12), Fraction(4), Fraction(365, 84)))),
        day_factor=draw(choose((Fraction(365, 12), Fraction(30), Fraction(487, 16)))),
        rounding=draw(choose(("half_even", "down"))),
        forever_discounts=draw(flag),
        repeating_discounts=draw(flag),
        once_discounts=draw(flag),
        pause_grace_days=draw(choose((90, None, 0, 1, 30))),
        past_due_counts=draw(flag),
        past_due_grace_days=draw(choose((30, None, 0, 1, 14))),
        unpaid_counts=draw(flag),
        cancel_at=draw(choose(("period_end", "click"))),
        metered_months=draw(choose((0, 0, 1, 3))),
        basis=draw(choose(("subscription", "subscription", "subscription", "revenue"))),
        month_measure=draw(choose(("closing", "closing", "daily_mean"))),
        refund_backdates_churn=draw(flag),
        gap_days_billing=draw(gap),
        gap_days_contract=draw(gap),
        gap_days_file=draw(gap),
        new_after_days=draw(choose((None, 0, 31, 90, 365))),
        left_and_returned=draw(choose(("retained", "lost"))),
        nrr=draw(choose(("point_to_point", "net_movements"))),
        grr=draw(choose(("capped", "summed", "churn_only"))),
        window_months=draw(choose((1, 3, 12))),
        shown_as=draw(choose(("mrr", "arr"))),
    )


# --- companies --------------------------------------------------------------------------------------------


@st.composite
def companies(draw: st.DrawFn) -> Facts:
    """1 to 6 accounts, 1 to 4 subscriptions of 1 to 3 items, and the invoice lines for them."""
    accounts = [f"a{number}" for number in range(draw(st.sampled_from((3, 2, 1, 4, 5, 6))))]
    items: list[ItemState] = []
    lines: list[Line] = []
    for subscription in range(draw(st.integers(1, 4))):
        account = draw(st.sampled_from(accounts))
        names = (account, f"s{subscription}")
        kind = draw(st.sampled_from(("billing", "contract", "file", "crm")))
        for number in range(draw(st.integers(1, 3))):
            items += draw(items_of((*names, f"s{subscription}-i{number}"), accounts, kind))
        lines += draw(lines_of(names, items))
    items = [replace(row, arrival=place) for place, row in enumerate(draw(st.permutations(items)))]
    return Facts(items, draw(account_rows(accounts)), lines)


@st.composite
def items_of(draw: st.DrawFn, names: tuple[str, str, str], accounts: list[str], kind: str) -> list[ItemState]:
    """The rows of one item: its history, and what was learned about it later."""
    rows = draw(chains(names, accounts, kind))
    correction = draw(st.sampled_from(("none", "none", "none", "price", "deleted", "replaced")))
    learned = rows[-1].learned_at + timedelta(days=draw(st.integers(0, 200)))
    if correction == "price":
        row = draw(st.sampled_from(rows))
        price = draw(st.integers(0, 50_000))
        rows.append(replace(row, unit_amount_minor=price, learned_at=max(learned, row.learned_at)))
    elif correction == "deleted":
        row = draw(st.sampled_from(rows))
        rows.append(replace(row, deleted=True, learned_at=max(learned, row.learned_at)))
    elif correction == "replaced":
        told = draw(chains(names, accounts, kind))
        rows += [replace(row, replaces_item=True, learned_at=learned) for row in told]
    return rows


@st.composite
def chains(draw: st.DrawFn, names: tuple[str, str, str], accounts: list[str], kind: str) -> list[ItemState]:
    """The states of one item, one after the other: seamless, with gaps, or overlapping."""
    rows = []
    account, subscription, item = names
    begin = draw(st.dates(FIRST, FIRST + timedelta(days=600)))
    price = {
        "currency": draw(st.sampled_from(CURRENCIES)),
        "unit_amount_minor": draw(st.one_of(st.just(0), st.integers(1, 60_000), st.just(10_000))),
        "interval": draw(st.sampled_from(("month", "month", "year", "week", "day"))),
        "interval_count": draw(st.sampled_from((1, 1, 1, 2, 3, 7))),
        "usage_type": draw(st.sampled_from(("licensed",) * 7 + ("metered",))),
    }
    for _ in range(draw(st.integers(1, 7))):
        end = begin + timedelta(days=draw(st.one_of(st.integers(1, 60), st.integers(1, 250))))
        step = draw(st.sampled_from(("seamless", "seamless", "open", "gap", "overlap", "empty")))
        values: dict[str, Any] = {
            **price,
            **draw(changing_values(begin)),
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
        change = draw(st.sampled_from(("none",) * 5 + ("price", "currency", "account", "subscription")))
        if change == "price":
            price["unit_amount_minor"] = draw(st.integers(0, 60_000))
        elif change == "currency":
            price["currency"] = draw(st.sampled_from(CURRENCIES))
        elif change == "account":
            # a subscription belongs to one account, so it goes on under another name
            account = draw(st.sampled_from(accounts))
            subscription = names[1] if account == names[0] else f"{names[1]}-of-{account}"
        elif change == "subscription":
            subscription += "-later"
        begin = end + timedelta(days=draw(st.integers(1, 60))) if step == "gap" else end
    return rows


@st.composite
def changing_values(draw: st.DrawFn, begin: date) -> dict[str, Any]:
    """What may differ from one state of an item to the next."""
    values: dict[str, Any] = {
        "status": draw(st.sampled_from(LIKELY_STATUSES)),
        "quantity": draw(st.sampled_from((1, 1, 1, 2, 3, 25, 0))),
        "learned_at": draw(learned_about(begin)),
    }
    soon = st.one_of(st.none(), st.integers(-10, 120).map(lambda number: begin + timedelta(days=number)))
    for duration in draw(st.sets(st.sampled_from(("forever", "repeating", "once")), max_size=2)):
        values[f"{duration}_off_ppm"] = draw(st.sampled_from((0, 100_000, 333_333, 500_000, 1_000_000)))
        values[f"{duration}_off_minor"] = draw(st.sampled_from((0, 0, 1, 500, 9_999)))
        if duration != "forever":
            values[f"{duration}_until"] = draw(soon)
    if draw(st.integers(0, 3)) == 0:
        values["cancel_requested_on"] = draw(soon)
    return values


@st.composite
def learned_about(draw: st.DrawFn, day: date) -> datetime:
    """When we learned of something that holds from that day: long ago, before it, or up to 4 months late."""
    if draw(st.booleans()):
        return LONG_AGO
    hour = time(draw(st.sampled_from((0, 9, 23))))
    return datetime.combine(day + timedelta(days=draw(st.integers(-30, 120))), hour)


@st.composite
def account_rows(draw: st.DrawFn, accounts: list[str]) -> list[AccountState]:
    """Mergers, un-mergers, parents and changes of parents; always towards later accounts: no circles."""
    rows: list[AccountState] = []
    for place, account in enumerate(accounts):
        others = accounts[place + 1 :]
        above = st.sampled_from([*others, None])
        for number in range(draw(st.sampled_from((0, 1, 2, 3)))):
            since_ever = number == 0 and draw(st.booleans())
            begin = None if since_ever else draw(days(FIRST, LAST))
            parent, into = draw(above), draw(st.one_of(st.none(), above))
            learned = draw(learned_about(begin or FIRST))
            rows.append(AccountState(account, parent, into, (), begin, learned, len(rows)))
    return rows


@st.composite
def lines_of(draw: st.DrawFn, names: tuple[str, str], items: list[ItemState]) -> list[Line]:
    """Invoice lines of one subscription, refunds of its items among them."""
    account, subscription = names
    rows = [row for row in items if row.subscription_id == subscription]
    lines: list[Line] = []
    for number in range(draw(st.integers(0, 6))):
        kind = draw(st.sampled_from(LINE_KINDS))
        start = draw(st.dates(FIRST, LAST))
        item = None
        of_an_item = bool(rows) and draw(st.booleans())
        if of_an_item:
            row = draw(st.sampled_from(rows))
            item = row.item_id if draw(st.booleans()) else None
            # about the end of a state, so that a refund can meet it
            start = (row.valid_to or start) - timedelta(days=draw(st.integers(0, 40)))
        length = timedelta(days=draw(st.one_of(st.sampled_from((28, 30, 31, 365, 366)), st.integers(0, 400))))
        amount = draw(st.integers(0, 100_000))
        negative = kind in ("refund", "credit") or (kind == "proration" and draw(st.booleans()))
        periodless = draw(st.integers(0, 9)) == 0
        lines.append(
            Line(
                line_id=f"{subscription}-l{number}",
                invoice_id=f"{subscription}-v{number}",
                account_id=account,
                subscription_id=draw(st.sampled_from((subscription, subscription, subscription, None))),
                item_id=item,
                kind=kind,
                amount_minor=-amount if negative else amount,
                currency=draw(st.sampled_from(CURRENCIES)),
                period_start=None if periodless else start,
                period_end=None if periodless and draw(st.booleans()) else start + length,
                issued_on=start,
                learned_at=draw(learned_about(start)),
            )
        )
    return lines
