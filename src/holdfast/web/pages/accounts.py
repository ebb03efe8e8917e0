"""Accounts: the table with its filters, columns and saved views; quick search; the CSV file; hand-overs of many at once."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from django.contrib import messages
from django.http import (
    HttpRequest,
    HttpResponse,
    HttpResponseBase,
    HttpResponseRedirect,
    QueryDict,
    StreamingHttpResponse,
)
from django.urls import reverse
from django.views.decorators.http import require_safe

from holdfast.charts import numbers
from holdfast.desk.models import AuditEntry, SavedView, User
from holdfast.domain.period import PeriodError, parse_day
from holdfast.flows import handover
from holdfast.metrics import accounts, signalled, standing
from holdfast.web import answers, rights, show
from holdfast.web.pages import account_columns as columns
from holdfast.web.pages import account_filters as filters
from holdfast.web.pages.account_filters import Asked
from holdfast.web.pages.account_reach import Reach, reach_of, with_records
from holdfast.web.pages.watch_room import signal_title
from holdfast.web.rights import page

#: values of an attribute that are offered to choose from
OFFERED = 60
#: accounts that quick search tells
FOUND = 8


@require_safe
@with_records
def table(request: HttpRequest) -> HttpResponseBase:
    """The list, as its address asks for it."""
    reach, records = reach_of(request), answers.records()
    asked = asked_of(request.GET, reach)
    shown = columns.chosen(asked, records.segments, is_watched=records.watch is not None)
    told = _page(asked, reach)
    setting = columns.Setting(told.currency, records.as_of)
    views = _views(request, asked)
    return show.page(
        request, "web/accounts/list.html", section="accounts", asked=asked, told=told, shown=shown, as_of=records.as_of,
        name_head=columns.heads([columns.NAME], asked)[0], heads=columns.heads(shown, asked),
        rows=columns.table(told.rows, shown, setting), chips=asked.chips(told.currency), pager=pager(asked, told.total),
        groups=groups(asked, reach), all_columns=columns.columns(records.segments).values(), views=views,
        current=next((tab for tab in views if tab.is_current and tab.view), views[0]),
        may_hand_over=rights.may(request.user, "owners"), is_own_book=reach.owner_in is not None,
        renews=filters.RENEWS, sizes=filters.SIZES, risks=filters.RISKS, watch=answers.watch() if records.watch else None,
        shows_watch=any(column in columns.WATCHED for column in shown),
    )  # fmt: skip


def asked_of(given: QueryDict, reach: Reach) -> Asked:
    """What an address asks for. AskedError: it cannot be read."""
    records = answers.records()
    return filters.read(given, records.segments, records.currency, reach.owner_in)


def _page(asked: Asked, reach: Reach) -> accounts.Page:
    told: accounts.Page = answers.ask_records(
        accounts.page, asked.query, reach.owners, asked.size, (asked.page - 1) * asked.size
    )
    return told


@dataclass(frozen=True)
class Pager:
    """Which rows are shown, of how many, and where the others are; an empty address leads nowhere."""

    first: int
    last: int
    total: int
    before: str
    after: str


def pager(asked: Asked, total: int) -> Pager:
    """The place in the list."""
    first, last = (asked.page - 1) * asked.size + 1, min(asked.page * asked.size, total)
    return Pager(
        min(first, total), last, total,
        asked.address(page=min(asked.page - 1, -(-total // asked.size) or 1)) if asked.page > 1 else "",
        asked.address(page=asked.page + 1) if last < total else "",
    )  # fmt: skip


@dataclass(frozen=True)
class Option:
    """A value to filter by: what is sent, how it reads, how many accounts have it, and whether it is chosen."""

    value: str
    title: str
    accounts: int | None
    is_chosen: bool


@dataclass(frozen=True)
class Group:
    """Values of one filter."""

    name: str
    title: str
    options: list[Option]


def groups(asked: Asked, reach: Reach) -> list[Group]:
    """The filters with values to choose from."""
    segments = answers.records().segments
    made = (
        []
        if reach.owner_in is not None and len(reach.owner_in) < 2
        else [_group("owner", "Owner", "owner", asked, reach)]
    )
    made.append(_group("status", "Status", "status", asked, reach))
    changed = [Option(kind, kind.capitalize(), None, kind in asked.query.changed) for kind in filters.MOVEMENTS]
    made.append(Group("changed", "Changed this month", changed))
    made += _watched(asked, reach)
    return made + [_group(f"seg_{name}", filters.attribute_title(name), name, asked, reach) for name in segments]


def _watched(asked: Asked, reach: Reach) -> list[Group]:
    """Bands of health, and the signals that somebody has now."""
    if answers.records().watch is None:
        return []
    told = answers.ask_records(signalled.counts, reach.owners, reach.owner_in)
    options = [Option(standing.ANY, "Any signal", None, standing.ANY in asked.query.signals)]
    options += [
        Option(name, signal_title(name), one.accounts, name in asked.query.signals) for name, one in told.items()
    ]
    return [_group("band", "Health", "band", asked, reach), Group("signal", "Signals", options)]


def _group(name: str, title: str, column: str, asked: Asked, reach: Reach) -> Group:
    chosen = asked.values.get(name, ())
    told = answers.ask_records(accounts.choices, column, reach.owners, reach.owner_in)
    options = [
        Option(choice.value or "", choice.value or "none", choice.accounts, (choice.value or "") in chosen)
        for choice in told
    ]
    # what is chosen stands first, where it can be seen and taken away
    offered = sorted(
        options[:OFFERED] + [one for one in options[OFFERED:] if one.is_chosen], key=lambda one: not one.is_chosen
    )
    return Group(name, title, offered)


@dataclass(frozen=True)
class Tab:
    """A saved view among the tabs."""

    view: SavedView | None
    title: str
    href: str
    is_current: bool
    is_own: bool = False


def _views(request: HttpRequest, asked: Asked) -> list[Tab]:
    kept, here = asked.kept(), reverse("accounts")
    tabs = [Tab(None, "All accounts" if rights.book_of(request.user) is None else "My book", here, not kept)]
    for view in SavedView.seen_by(request.user, "accounts").select_related("user"):  # type: ignore[arg-type]
        own = view.user_id == request.user.pk
        title = view.name if own else f"{view.name} · {view.user}"
        tabs.append(Tab(view, title, f"{here}?{view.query}", bool(kept) and view.query == kept, own))
    return tabs


@require_safe
@with_records
def search(request: HttpRequest) -> HttpResponseBase:
    """Accounts by a part of their name: for the search field of every page, or as a page of its own."""
    reach, text = reach_of(request), request.GET.get("q", "")[:200].strip().replace("\0", "")
    found = accounts.search(answers.records(), text, FOUND, reach.owners, reach.owner_in)
    template = "web/accounts/found.html" if show.is_fragment(request) else "web/accounts/search.html"
    return show.page(
        request, template, section="accounts", found=found, text=text, currency=answers.records().currency, limit=FOUND
    )


@require_safe
@with_records
def export(request: HttpRequest) -> HttpResponseBase:
    """All accounts that fit, with every column, row by row as they are read."""
    reach, records = reach_of(request), answers.records()
    asked = asked_of(request.GET, reach)
    # an error in the order or the filters shows before the file begins
    accounts.page(records, asked.query, reach.owners, 1)
    AuditEntry.add(
        "exported", "accounts", answers.now(), user=request.user, address=request.META.get("REMOTE_ADDR", ""),
        query=asked.kept(),
    )  # fmt: skip
    names, currency = accounts.columns(records), records.currency
    batches = accounts.export(records, asked.query, reach.owners)
    response = StreamingHttpResponse(_lines(names, batches, currency), content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = f'attachment; filename="accounts-{records.as_of}.csv"'
    return response


class _Echo:
    """What a csv writer writes to: it gives the line back."""

    def write(self, line: str) -> str:
        return line


def _lines(names: tuple[str, ...], batches: Iterable[list[tuple[Any, ...]]], currency: str) -> Iterator[str]:
    writer = csv.writer(_Echo())
    is_money = [name.endswith("_minor") for name in names]
    yield writer.writerow([*(show.safe(name.removesuffix("_minor")) for name in names), "currency"])
    for batch in batches:
        yield "".join(
            writer.writerow([*(_plain(v, m, currency) for v, m in zip(row, is_money, strict=True)), currency])
            for row in batch
        )


def _plain(value: Any, is_money: bool, currency: str) -> Any:
    """Money in major units; texts that no spreadsheet runs."""
    if value is None:
        return ""
    if is_money:
        return numbers.major(value, currency)
    return value.isoformat() if isinstance(value, date | datetime) else show.safe(value)


@with_records
def hand_over(request: HttpRequest) -> HttpResponseBase:
    """The form that hands accounts over, and what it does."""
    given = request.POST if request.method == "POST" else request.GET
    reach = reach_of(request)
    ids = _chosen(given, reach)
    if not ids:
        messages.warning(request, "Choose accounts first: tick their boxes in the table.", extra_tags="warn")
        return _back(given)
    if request.method != "POST":
        return _form(request, reach, ids, given)
    try:
        order = _order(given, reach)
        count = handover.hand_over(
            ids, order, answers.now(), user=request.user, address=request.META.get("REMOTE_ADDR", "")
        )
    except (handover.HandoverError, PeriodError) as error:
        return _form(request, reach, ids, given, str(error))
    many = "1 account" if count == 1 else f"{count:,} accounts"
    whom = order.owner or "nobody"
    messages.success(request, f"{many} handed over to {whom} from {numbers.day(order.from_day)} on.", extra_tags="good")
    return _back(given)


def _chosen(given: QueryDict, reach: Reach) -> list[str]:
    """The ids of accounts that are there; with `all`, of every one that fits the filters."""
    records = answers.records()
    if given.get("all"):
        asked = asked_of(QueryDict(given.get("filter", "")), reach)
        return [row[0] for batch in accounts.export(records, asked.query, reach.owners) for row in batch]
    told = given.getlist("id")
    known = accounts.names(records, told, reach.owners, reach.owner_in)
    return [account_id for account_id in dict.fromkeys(told) if account_id in known]


def _order(given: QueryDict, reach: Reach) -> handover.Order:
    owner = given.get("owner", "").strip()
    if given.get("nobody"):
        owner = ""
    elif not owner:
        raise handover.HandoverError("Say who carries them from now on, or that nobody does.")
    elif owner not in known_owners(reach):
        raise handover.HandoverError(
            f"Nobody is called “{owner}” here. Under Setup, people are given their owner name."
        )
    return handover.Order(owner, parse_day(given.get("from_day", "")), given.get("reason", "").strip())


def known_owners(reach: Reach) -> list[str]:
    """Who carries accounts, or could: the owners of today, and the people who have an owner name."""
    told = answers.ask_records(accounts.choices, "owner", reach.owners, reach.owner_in)
    people = User.objects.filter(is_active=True).exclude(owner_name="").values_list("owner_name", flat=True)
    return sorted({choice.value for choice in told if choice.value} | set(people), key=str.casefold)


def _form(request: HttpRequest, reach: Reach, ids: list[str], given: QueryDict, error: str = "") -> HttpResponse:
    named = accounts.names(answers.records(), ids[:20], reach.owners, reach.owner_in)
    return show.page(
        request, "web/accounts/hand_over.html", section="accounts", ids=[] if given.get("all") else ids, count=len(ids),
        names=[(account_id, named[account_id]) for account_id in ids[:20]], more=max(0, len(ids) - 20), error=error,
        filter=given.get("filter", ""), is_all=bool(given.get("all")), owners=known_owners(reach), given=given,
        from_day=given.get("from_day") or answers.today().isoformat(), back=given.get("back", ""), back_to=_address(given),
    )  # fmt: skip


def _address(given: QueryDict) -> str:
    """Where one came from: an account, or the list with its query."""
    back = given.get("back", "")
    if back.startswith("account:"):
        return reverse("account", args=[back.removeprefix("account:")])
    return reverse("accounts") + (f"?{QueryDict(back).urlencode()}" if back else "")


def _back(given: QueryDict) -> HttpResponse:
    return HttpResponseRedirect(_address(given), status=303)


urls = [
    page("accounts/", table, "accounts", needs="accounts"),
    page("accounts/search", search, "quick_search", needs="accounts"),
    page("accounts/export.csv", export, "accounts_csv", needs="accounts"),
    # without a slash at the end, so that no account's id can stand for it
    page("accounts/hand-over", hand_over, "hand_over", needs="owners"),
]
