"""One account, from its first payment to today: overview, timeline, people, usage, support and billing, each an address."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from itertools import groupby
from typing import Any

from django.http import Http404, HttpRequest, HttpResponseBase
from django.views.decorators.http import require_safe

from holdfast.desk.models import Cta, Handover, Note, Sentiment
from holdfast.flows import ctas_listed as listed
from holdfast.flows import ctas_sentiment, handover, notes, source_row
from holdfast.metrics import account, timeline
from holdfast.metrics import account_facts as facts
from holdfast.metrics.account import Header, Item
from holdfast.metrics.accounts import AccountRow
from holdfast.web import answers, errors, panels, rights, show
from holdfast.web.lens import Lens
from holdfast.web.pages import account_charts as charts
from holdfast.web.pages import account_timeline as lines
from holdfast.web.pages.account_columns import ago, until
from holdfast.web.pages.account_filters import attribute_title
from holdfast.web.pages.account_reach import Reach, reach_of
from holdfast.web.rights import page

#: the tabs: address, title; the first one is the account's own address
TABS = (
    ("account", "Overview"), ("account_health", "Health"), ("account_timeline", "Timeline"), ("account_people", "People"), ("account_usage", "Usage"),
    ("account_support", "Support"), ("account_billing", "Billing"),
)  # fmt: skip
#: entries of the timeline, and movements, on the overview
RECENT, MOVED = 12, 8
#: invoices and tickets shown before all are asked for
MANY = 50


@dataclass(frozen=True)
class Opened:
    """The account that a page is about, as far as its reader may see."""

    account_id: str
    header: Header
    reach: Reach
    sees_notes: bool
    sees_ctas: bool
    #: may work on its CTAs, and read what people wrote there
    works: bool

    @property
    def row(self) -> AccountRow:
        return self.header.row

    @property
    def arr_minor(self) -> int:
        return 12 * self.row.mrr_minor

    @property
    def changed_minor(self) -> int:
        return self.row.mrr_minor - self.row.mrr_month_ago_minor

    @property
    def renewal_in(self) -> str:
        return until(self.row.renewal_on, answers.today()) if self.row.renewal_on else ""

    @property
    def touched(self) -> str:
        return ago(self.row.last_touch_at, answers.today())

    @cached_property
    def notes(self) -> list[Note]:
        """What people wrote of it, newest first; nothing for those who may not read it."""
        return notes.of_account(self.account_id) if self.sees_notes else []

    @cached_property
    def ctas(self) -> list[Cta]:
        """Its CTAs, open and closed; nothing for those who may not see them."""
        return (
            [row for rows in answers.looked(listed.of_account, self.account_id) for row in rows]
            if self.sees_ctas
            else []
        )

    @cached_property
    def said(self) -> list[Sentiment]:
        """How people said it stands, newest first."""
        return answers.looked(ctas_sentiment.of_account, self.account_id) if self.sees_ctas else []

    @cached_property
    def handovers(self) -> list[Handover]:
        """Its hand-overs at the desk, newest first."""
        return handover.of_account(self.account_id)

    @property
    def pills(self) -> list[tuple[str, str]]:
        """The company's own attributes that say something."""
        return [(attribute_title(name), value) for name, value in self.row.segments.items() if value]


def opened(request: HttpRequest, account_id: str) -> Opened:
    """Http404: there is no such account, or none for this reader."""
    reach = reach_of(request)
    header = answers.ask_records(account.header, account_id, reach.owners, reach.owner_in)
    if header is None:
        raise Http404(f"there is no account '{account_id}'")
    notes, ctas, works = (rights.may(request.user, right, account_id) for right in ("notes", "cta", "cta.work"))
    return Opened(account_id, header, reach, notes, ctas, works)


Tab = Callable[[HttpRequest, Lens, Opened], dict[str, Any]]


def tab(name: str, template: str) -> Callable[[Tab], Callable[..., HttpResponseBase]]:
    """A view of one tab: a whole page, or the tab alone where a part is asked for."""

    def made(context_of: Tab) -> Callable[..., HttpResponseBase]:
        @require_safe
        @show.with_lens
        def view(request: HttpRequest, lens: Lens, account_id: str) -> HttpResponseBase:
            one = opened(request, account_id)
            try:
                told = context_of(request, lens, one)
            except timeline.CursorError as error:
                return errors.shown(request, 400, "That cannot be answered", str(error))
            frame = "web/account/fragment.html" if show.is_fragment(request) else "web/account/page.html"
            told = {"part": template, **told}
            if show.is_fragment(request) and request.headers.get("HX-Target") == "older":
                frame = "web/account/lines.html"
            return show.page(
                request, frame, section="accounts", one=one, row=one.row, account_id=account_id, tabs=TABS, tab=name,
                tab_title="" if name == "account" else dict(TABS)[name],
                currency=answers.records().currency, as_of=answers.today(),
                may_hand_over=rights.may(request.user, "owners"), **told,
            )  # fmt: skip

        return view

    return made


@tab("account", "web/account/overview.html")
def overview(request: HttpRequest, lens: Lens, one: Opened) -> dict[str, Any]:
    """What matters at a glance."""
    told = lines.told(lens, one, request.user, limit=RECENT)
    moved = lens.ask(account.movements, one.account_id)
    people = _contacts(one)
    return {
        "history": charts.mrr_history(request, lens, one.account_id), "usage": charts.active_people(request, lens, one.account_id),
        "moved": moved[:MOVED], "moved_more": len(moved) > MOVED, "lines": told.lines, "has_older": bool(told.older),
        "items": items(lens, one), "pinned": [note for note in one.notes if note.is_pinned],
        "people": [person for person in people if person.is_present and person.role in ("champion", "sponsor")],
        "planned": [order for order in one.handovers if order.from_day > answers.today()],
        "panels": panels.of_account(request, one.account_id),
    }  # fmt: skip


@tab("account_timeline", "web/account/timeline.html")
def life(request: HttpRequest, lens: Lens, one: Opened) -> dict[str, Any]:
    """Everything that happened, newest first."""
    sees = {"note": one.sees_notes, "cta": one.sees_ctas, "sentiment": one.sees_ctas}
    offered = {kind: title for kind, title in lines.KINDS.items() if sees.get(kind, True)}
    kinds = tuple(kind for kind in offered if kind in request.GET.getlist("kind"))
    before = timeline.Cursor.parse(request.GET["before"]) if request.GET.get("before") else None
    told = lines.told(lens, one, request.user, kinds, before)
    chips = [
        (title, kind in kinds, [k for k in offered if (k in kinds) != (k == kind)]) for kind, title in offered.items()
    ]
    return {"lines": told.lines, "older": told.older, "kinds": kinds, "chips": chips, "before": before}


@tab("account_people", "web/account/people.html")
def people(request: HttpRequest, lens: Lens, one: Opened) -> dict[str, Any]:
    """Contacts by department, and who left."""
    told = _contacts(one)
    departments = [
        (department or "No department", list(some))
        for department, some in groupby(told, lambda person: person.department)
    ]
    present = sum(person.is_present for person in told)
    return {"departments": departments, "present": present, "left": len(told) - present}


def _contacts(one: Opened) -> list[facts.Contact]:
    told: list[facts.Contact] = answers.ask_records(facts.contacts, one.account_id)
    return told


@tab("account_usage", "web/account/usage.html")
def usage(request: HttpRequest, lens: Lens, one: Opened) -> dict[str, Any]:
    """Who uses the product, and what of it."""
    told = charts.usage_of(one.account_id)
    last = [week.start for week in told.weeks[-4:]]
    used = charts.features_of(one.account_id)
    most = max((sum(weeks.values()) for weeks in used.values()), default=0)
    features = [
        (
            feature,
            total := sum(weeks.values()),
            sum(weeks.get(start, 0) for start in last),
            100 * total // most if most else 0,
        )
        for feature, weeks in used.items()
    ]
    return {
        "usage": told, "features": features, "people_chart": charts.active_people(request, lens, one.account_id),
        "events_chart": charts.events(request, lens, one.account_id),
    }  # fmt: skip


@tab("account_support", "web/account/support.html")
def support(request: HttpRequest, lens: Lens, one: Opened) -> dict[str, Any]:
    """Tickets and surveys."""
    tickets = answers.ask_records(facts.tickets, one.account_id)
    everything = bool(request.GET.get("all"))
    return {
        "tickets": tickets if everything else tickets[:MANY], "tickets_in_all": len(tickets),
        "open_tickets": [ticket for ticket in tickets if ticket.is_open],
        "surveys": answers.ask_records(facts.surveys, one.account_id),
    }  # fmt: skip


@tab("account_billing", "web/account/billing.html")
def billing(request: HttpRequest, lens: Lens, one: Opened) -> dict[str, Any]:
    """What is in force, what moved MRR, what was invoiced, and the deals under way."""
    invoices = answers.ask_records(facts.invoices, one.account_id)
    everything = bool(request.GET.get("all"))
    return {
        "items": items(lens, one), "moved": lens.ask(account.movements, one.account_id),
        "invoices": invoices if everything else invoices[:MANY], "invoices_in_all": len(invoices),
        "deals": answers.ask_records(facts.opportunities, one.account_id),
    }  # fmt: skip


def items(lens: Lens, one: Opened) -> list[Item]:
    """The priced lines in force."""
    told: list[Item] = lens.ask(_items, one.account_id)
    return told


def _items(ledger: Any, account_id: str) -> list[Item]:
    return account.items(answers.records(), ledger, account_id)


@require_safe
@show.with_lens
def source(request: HttpRequest, lens: Lens, account_id: str) -> HttpResponseBase:
    """The landed row behind an entry: for the drawer, or as a page of its own."""
    one = opened(request, account_id)
    related = {account_id, *(link.account_id for link in [*one.header.merged, *one.header.children])}
    table, load, row = request.GET.get("table", ""), request.GET.get("load", ""), request.GET.get("row", "")
    if not (load.isdigit() and row.isdigit() and len(load) < 19 and len(row) < 19):
        raise Http404("a source row has a load and a row number")
    landed = source_row.find(answers.home(), related, table, int(load), int(row))
    if landed is None:
        raise Http404("there is no such row")
    template = "web/account/source.html" if show.is_fragment(request) else "web/account/source_page.html"
    return show.page(
        request, template, section="accounts", one=one, row=one.row, account_id=account_id, landed=landed,
        currency=str(landed.values.get("currency") or ""),
    )  # fmt: skip


urls = [
    page("accounts/<account:account_id>/", overview, "account", needs="account"),
    page("accounts/<account:account_id>/timeline/", life, "account_timeline", needs="account"),
    page("accounts/<account:account_id>/people/", people, "account_people", needs="account"),
    page("accounts/<account:account_id>/usage/", usage, "account_usage", needs="account"),
    page("accounts/<account:account_id>/support/", support, "account_support", needs="account"),
    page("accounts/<account:account_id>/billing/", billing, "account_billing", needs="account"),
    page("accounts/<account:account_id>/source/", source, "account_source", needs="account"),
]
