"""Today: what a book holds and kept, what comes due, what changed, and whom nobody spoke to. It reads in one minute."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from itertools import groupby
from typing import Any
from urllib.parse import urlencode

from django.http import HttpRequest, HttpResponseBase
from django.views.decorators.http import require_safe

from holdfast.metrics import accounts, book
from holdfast.metrics.accounts import Owners
from holdfast.metrics.book import Happened, Renewal, Totals
from holdfast.warehouse.records import Records
from holdfast.web import answers, rights, show
from holdfast.web.lens import Lens
from holdfast.web.pages.account_columns import ago, until
from holdfast.web.pages.account_reach import Reach, reach_of
from holdfast.web.pages.account_timeline import source_address
from holdfast.web.pages.cta_today import of_book
from holdfast.web.rights import page

#: days ahead that renewals are told for; days after which an account counts as untouched; the spans of what changed
AHEAD, UNTOUCHED, SPANS = 90, 45, (7, 30)
#: lines of each list before the rest is left to the table of accounts
CHANGES, SOME, NAMED = 15, 8, 6
#: stands for everybody's accounts in the address
EVERYBODY = "*"

#: what happened, how it is called, and the colour of its pill
KINDS = {
    "new": ("new", "new"), "expansion": ("expansion", "expansion"), "reactivation": ("reactivation", "reactivation"),
    "contraction": ("contraction", "contraction"), "churn": ("churn", "churn"), "pause": ("paused", "fx"),
    "champion_left": ("champion left", "bad"), "urgent_ticket": ("urgent ticket", "warn"), "overdue": ("overdue", "bad"),
}  # fmt: skip


@dataclass(frozen=True)
class Book:
    """Whose accounts the page is about; an empty name is everybody's."""

    owner: str
    reach: Reach
    is_own: bool


@dataclass(frozen=True)
class Month:
    """Renewals of a month: the first few, and how many there are with their sum."""

    name: str
    renewals: list[tuple[Renewal, str]]
    count: int
    minor: int

    @property
    def more(self) -> int:
        return self.count - len(self.renewals)


@dataclass(frozen=True)
class Line:
    """Something that happened, as the page tells it."""

    one: Happened
    on: date
    title: str
    pill: str
    source: str


@require_safe
@show.with_lens
def today(request: HttpRequest, lens: Lens) -> HttpResponseBase:
    """The day's page of a book."""
    mine, user = book_of(request), _user(request)
    told: dict[str, Any] = {
        "mine": mine,
        "section": "today",
        "as_of": answers.today(),
        "ahead": AHEAD,
        "untouched_days": UNTOUCHED,
    }
    if not rights.may(user, "owners") and not user.owner_name:
        return show.page(request, "web/today/today.html", totals=None, **told)
    totals = lens.ask(_totals, mine.reach.owners, mine.reach.owner_in)
    if rights.may(user, "owners"):
        told["owners"] = answers.ask_records(accounts.choices, "owner", mine.reach.owners, None)
    if not totals.accounts:
        return show.page(request, "web/today/today.html", totals=totals, **told)
    told["ctas"] = of_book(request, mine.owner, mine.reach)
    span = SPANS[1] if request.GET.get("days") == str(SPANS[1]) else SPANS[0]
    happened = lens.ask(_happened, span, mine.reach.owners, mine.reach.owner_in)
    lists = {"owner": mine.owner} if mine.owner and mine.reach.owner_in else {}
    return show.page(
        request, "web/today/today.html", totals=totals, renewals=answers.ask_records(_months, mine.reach.owners, mine.reach.owner_in), span=span, spans=SPANS,
        changes=[_line(one) for one in (happened if request.GET.get("all") else happened[:CHANGES])], changes_in_all=len(happened),
        untouched=_touched(mine.reach), largest=answers.ask_records(book.largest, mine.reach.owners, mine.reach.owner_in, SOME),
        mrr_change=totals.mrr_minor - totals.mrr_month_ago_minor, policy=lens.policy,
        all_renewals=urlencode({**lists, "renews": AHEAD, "sort": "renewal_on"}),
        all_untouched=urlencode({**lists, "status": "customer", "sort": "last_touch_at"}),
        all_largest=urlencode(lists), **told,
    )  # fmt: skip


def _user(request: HttpRequest) -> Any:
    """The person, whom the gate has let in."""
    return request.user


def book_of(request: HttpRequest) -> Book:
    """A CSM's own book; for whoever arranges the books any owner's, or everybody's."""
    user, reach = _user(request), reach_of(request)
    own: str = user.owner_name
    chosen = request.GET.get("owner") or own or EVERYBODY if rights.may(user, "owners") else own
    if chosen == EVERYBODY:
        return Book("", reach, is_own=False)
    return Book(chosen, reach.within(frozenset({chosen} - {""})), is_own=chosen == own)


def _totals(ledger: Any, owners: Owners, owner_in: frozenset[str] | None) -> Totals:
    return book.totals(answers.records(), ledger, owners, owner_in)


def _happened(ledger: Any, days: int, owners: Owners, owner_in: frozenset[str] | None) -> list[Happened]:
    return book.happened(answers.records(), ledger, days, owners, owner_in)


def _months(records: Records, owners: Owners, owner_in: frozenset[str] | None) -> list[Month]:
    """Renewals of the days ahead, by month; the next few of each by name."""
    due = book.renewals(records, AHEAD, owners, owner_in)
    told = []
    for _, some in groupby(due, lambda one: (one.renewal_on.year, one.renewal_on.month)):
        found = list(some)
        named = [(one, until(one.renewal_on, records.as_of)) for one in found[:NAMED]]
        total = sum(one.renewal_minor or 0 for one in found)
        told.append(Month(f"{found[0].renewal_on:%B %Y}", named, len(found), total))
    return told


def _touched(reach: Reach) -> list[tuple[accounts.AccountRow, str]]:
    found = answers.ask_records(book.untouched, UNTOUCHED, reach.owners, reach.owner_in, SOME)
    return [(row, ago(row.last_touch_at, answers.today())) for row in found]


def _line(one: Happened) -> Line:
    title, pill = KINDS.get(one.kind, (one.kind.replace("_", " "), ""))
    on = one.at.date() if isinstance(one.at, datetime) else one.at
    return Line(one, on, title, pill, source_address(one.account_id, one.source))


urls = [page("today/", today, "today", needs="today")]
