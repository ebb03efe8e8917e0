"""Letters: the weekly digest of a book, that of all books, and the board pack's cover. Plain words, and the pages' own numbers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from holdfast.charts import numbers
from holdfast.desk.models import Cta, User
from holdfast.flows import answers, owners
from holdfast.flows import ctas_listed as listed
from holdfast.flows.board import Pack
from holdfast.flows.home import Home
from holdfast.flows.letter import Letter, Part, written
from holdfast.metrics import accounts, book

#: days that a digest looks back, ahead for renewals, and without a touch
BACK, AHEAD, UNTOUCHED = 7, 60, 45
#: lines in each part of a letter
LINES = 8


@dataclass(frozen=True)
class Told:
    """A book as the digest tells it."""

    totals: book.Totals
    renewals: Sequence[book.Renewal]
    happened: Sequence[book.Happened]
    untouched: Sequence[accounts.AccountRow]
    week: listed.Week


def told_of(home: Home, owner: str | None) -> Told:
    """What stands in a book today: of an owner, or of everyone (None)."""
    owner_in = None if owner is None else frozenset({owner})
    records, ledger, standing = answers.records(), answers.Source(home.policy()).ledger(), owners.standing()
    week = listed.week(owner, listed.Eyes(standing, owner_in, owner or ""), records.as_of, LINES)
    return Told(
        book.totals(records, ledger, standing, owner_in),
        book.renewals(records, AHEAD, standing, owner_in),
        book.happened(records, ledger, BACK, standing, owner_in, LINES),
        book.untouched(records, UNTOUCHED, standing, owner_in, LINES), week,
    )  # fmt: skip


def of_book(home: Home, user: User, now: datetime) -> Letter:
    """The weekly digest of one person's own book."""
    numbers.use(numbers.locale_for(user.locale))
    told = told_of(home, user.owner_name)
    title = f"Your book this week: {numbers.money_short(told.totals.mrr_minor, told.totals.currency)} MRR"
    return written(
        "csm_digest", title, f"{home.settings.company} · {numbers.day(answers.today())}", _parts(told), "/today/"
    )


def of_all_books(home: Home, user: User, now: datetime) -> Letter:
    """The weekly digest for those who look after all books."""
    numbers.use(numbers.locale_for(user.locale))
    told = told_of(home, None)
    rate = f", NRR {numbers.percent(told.totals.nrr)}" if told.totals.nrr is not None else ""
    title = f"All books this week: {numbers.money_short(told.totals.mrr_minor, told.totals.currency)} MRR{rate}"
    parts = [*_parts(told), _owners(told)]
    return written(
        "manager_digest", title, f"{home.settings.company} · {numbers.day(answers.today())}", parts, "/today/"
    )


def of_board(pack: Pack) -> Letter:
    """The cover of the board pack that is attached."""
    moved = {**pack.moved.moved, "fx": pack.moved.fx}
    rows = [
        (kind.capitalize() if kind != "fx" else "Exchange rates", numbers.money_whole(amount, pack.currency))
        for kind, amount in moved.items()
        if amount
    ]
    rows = [
        ("Opening MRR", numbers.money_whole(pack.moved.opening, pack.currency)),
        *rows,
        ("Closing MRR", numbers.money_whole(pack.moved.closing, pack.currency)),
    ]
    parts = [
        Part("", [(pack.headline, "")]),
        Part(f"MRR in {pack.period.name}", rows),
        Part("Close", [("; ".join(pack.signed) or "not signed yet", "")]),
    ]
    return written(
        "board",
        f"{pack.company}: board pack for {pack.period.name}",
        f"policy {pack.policy} · {pack.currency}",
        parts,
        "/board/",
    )


def _parts(told: Told) -> list[Part]:
    totals, code = told.totals, told.totals.currency
    change = totals.mrr_minor - totals.mrr_month_ago_minor
    return [
        Part(
            "",
            [
                ("MRR", f"{numbers.money_whole(totals.mrr_minor, code)} ({'+' if change > 0 else ''}{numbers.money_whole(change, code)} in a month)"),
                ("Customers", numbers.count(totals.customers)),
                ("NRR over 12 months", numbers.percent(totals.nrr)),
                ("GRR over 12 months", numbers.percent(totals.grr)),
            ],
        ),
        Part(
            "To do this week",
            [(f"{name}: {cta.title}{_due(cta)}", numbers.money_whole(cta.at_stake_minor, cta.currency or code)) for cta, name in told.week.rows],
            "Nothing.", _more(told.week.here.count, told.week.waiting),
        ),
        Part(f"What happened in the last {BACK} days", [_happening(one) for one in told.happened[:LINES]], "Nothing moved."),
        Part(
            f"Renewals in the next {AHEAD} days",
            [(f"{one.name}, {numbers.day(one.renewal_on)}", numbers.money_whole(one.renewal_minor, code)) for one in told.renewals[:LINES]],
            "None.", _more(len(told.renewals)),
        ),
        Part(
            f"No touch for {UNTOUCHED} days",
            [(f"{row.name}, last {_day(row.last_touch_at)}", numbers.money_whole(row.mrr_minor, code)) for row in told.untouched],
            "Everyone was spoken to.",
        ),
    ]  # fmt: skip


def _happening(one: book.Happened) -> tuple[str, str]:
    what = one.kind.replace("_", " ")
    amount = (
        numbers.money_whole(one.amount_minor, one.currency) if one.amount_minor is not None and one.currency else ""
    )
    return f"{one.name}: {what}{f' ({one.detail})' if one.detail else ''}", amount


def _day(at: date | datetime | None) -> str:
    return "never" if at is None else numbers.day(at)


def _due(cta: Cta) -> str:
    return f", due {numbers.day(cta.due_on)}" if cta.due_on else ""


def _more(count: int, waiting: listed.Sum | None = None) -> str:
    more = [f"and {count - LINES} more"] if count > LINES else []
    more += [f"{waiting.count} wait behind them"] if waiting and waiting.count else []
    return "; ".join(more)


def _owners(told: Told) -> Part:
    """Renewals ahead by owner: who has how much at stake."""
    by_owner: dict[str, Any] = {}
    for one in told.renewals:
        count, amount = by_owner.get(one.owner or "nobody", (0, 0))
        by_owner[one.owner or "nobody"] = (count + 1, amount + one.renewal_minor)
    rows = sorted(by_owner.items(), key=lambda item: -item[1][1])
    return Part(
        "Renewals ahead by owner",
        [(f"{name}: {count}", numbers.money_whole(amount, told.totals.currency)) for name, (count, amount) in rows],
        "None.",
    )
