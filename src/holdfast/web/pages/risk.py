"""Risk: how much MRR may leave, whose and when; which accounts; and what is left of the book in the days ahead."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from fractions import Fraction
from typing import Any
from urllib.parse import urlencode

from django.http import HttpRequest, HttpResponseBase
from django.urls import reverse

from holdfast.charts import numbers, options, watching
from holdfast.charts.charted import Charted, Column
from holdfast.metrics import accounts
from holdfast.metrics import risk as metrics
from holdfast.metrics.risk import Outlook, Share
from holdfast.web import answers
from holdfast.web.charted import book_charted
from holdfast.web.pages import watch_room as room
from holdfast.web.pages.account_filters import AskedError, attribute_title
from holdfast.web.pages.account_reach import Reach, reach_of
from holdfast.web.rights import page

#: accounts of the list, and bars of a chart
TOP, BARS, MONTHS = 15, 18, 12
#: values of an attribute up to which it makes segments
MOST_SEGMENTS = 20
RANKS = {"money": "By money at risk", "chance": "By probability"}
ORDERS = {
    "money": "at_risk_minor desc nulls last, churn_90 desc",
    "chance": "churn_90 desc nulls last, at_risk_minor desc",
}


@dataclass(frozen=True)
class Predicted:
    """A line of the forecast: what is left of MRR, with its interval of 90 %."""

    title: str
    outlook: Outlook
    low_minor: int
    high_minor: int

    @property
    def nrr(self) -> Fraction | None:
        return self._share(self.outlook.expected_minor)

    @property
    def low(self) -> Fraction | None:
        return self._share(self.low_minor)

    @property
    def high(self) -> Fraction | None:
        return self._share(self.high_minor)

    def _share(self, minor: int) -> Fraction | None:
        return Fraction(minor, self.outlook.mrr_minor) if self.outlook.mrr_minor else None


@room.with_watch("risk")
def risk(request: HttpRequest) -> HttpResponseBase:
    """The page."""
    reach, records, track = reach_of(request), answers.records(), room.track_record()
    rank, horizon = one_of(request, "rank", RANKS, "money"), int(one_of(request, "days", ("30", "90", "180"), "90"))
    segments = answers.ask_records(_segments)
    by = one_of(request, "by", segments, segments[0]) if segments else ""
    whole = answers.ask_records(metrics.outlook, horizon, reach.owners, reach.owner_in)
    error = metrics.past_error(track["book"], horizon)
    shares = answers.ask_records(metrics.by_segment, by, horizon, reach.owners, reach.owner_in) if by else []
    return room.shown(
        request, "web/watch/risk.html", "risk", currency=records.currency, rank=rank, ranks=RANKS, days=horizon, horizons=metrics.HORIZONS,
        whole=predicted_book(whole, horizon, track, reach), caution=room.caution(track), error=error, by=by,
        attributes=[(name, attribute_title(name)) for name in segments],
        segments=[_predicted(one.value or "none", one.outlook, error) for one in shares], top=_top(rank, reach), tones=room.tones(),
        owners_chart=by_owner(request), renewals_chart=by_renewal(request),
        all_accounts=reverse("accounts") + "?" + urlencode({"sort": "-at_risk_minor" if rank == "money" else "-churn_90"}),
    )  # fmt: skip


def one_of(request: HttpRequest, name: str, allowed: Any, default: str) -> str:
    """A choice in the address. AskedError: it is not one of them."""
    asked = request.GET.get(name) or default
    if asked not in allowed:
        raise AskedError(f"{name} is one of: {', '.join(allowed)}")
    return asked


def _segments(records: Any) -> list[str]:
    """The attributes with few enough values to stand side by side; `segment` first, where there is one."""
    found = [name for name in records.segments if 1 < len(accounts.choices(records, name)) <= MOST_SEGMENTS]
    return sorted(found, key=lambda name: (name != "segment", name))


def _predicted(title: str, outlook: Outlook, error: float | None) -> Predicted:
    return Predicted(title, outlook, *outlook.interval(error))


def predicted_book(whole: Outlook, horizon: int, track: dict[str, Any], reach: Reach) -> Predicted:
    """The forecast of all the reader's accounts; of the whole book it is the one that the track record will be held against."""
    told = [one for one in track["book"] if one["horizon_days"] == horizon and one.get("actual_minor") is None]
    newest = max(told, key=lambda one: str(one["day"]), default=None)
    if reach.owner_in is None and newest and newest["mrr_minor"] == whole.mrr_minor:
        same = Outlook(whole.accounts, whole.mrr_minor, whole.at_risk_minor, newest["forecast_minor"], whole.variance)
        return Predicted("The book", same, newest["low_minor"], newest["high_minor"])
    return _predicted("The book", whole, metrics.past_error(track["book"], horizon))


def _top(rank: str, reach: Reach) -> list[accounts.AccountRow]:
    found: list[accounts.AccountRow] = answers.ask_records(_ranked, rank, TOP, reach.owners, reach.owner_in)
    return found


def _ranked(
    records: Any, rank: str, limit: int, owners: accounts.Owners, owner_in: frozenset[str] | None
) -> list[accounts.AccountRow]:
    where = accounts.within(owner_in)
    where.add("churn_90 is not null")
    return accounts.some(records, where, ORDERS[rank], limit, owners, watched=True)


def largest(reach: Reach, limit: int) -> list[accounts.AccountRow]:
    """The accounts with the most MRR at risk."""
    found: list[accounts.AccountRow] = answers.ask_records(_ranked, "money", limit, reach.owners, reach.owner_in)
    return found


@book_charted("at-risk-by-owner")
def by_owner(request: HttpRequest) -> Charted | None:
    """MRR at risk by who carries the accounts."""
    if answers.records().watch is None:
        return None
    reach = reach_of(request)
    shares = answers.ask_records(metrics.by_owner, 90, reach.owners, reach.owner_in)
    currency = answers.records().currency
    first = shares[:BARS]
    links = [
        f"{reverse('accounts')}?{urlencode({'owner': one.value or '', 'sort': '-at_risk_minor'})}" for one in first
    ]
    option = options.ranking(
        [one.value or "Nobody" for one in first], [one.outlook.at_risk_minor for one in first],
        options.fmt_money(currency, numbers.locale()), links, "$churn",
    )  # fmt: skip
    rows = [_row(one.value or "Nobody", one) for one in shares]
    return Charted(
        "at-risk-by-owner",
        "MRR at risk by book",
        option,
        _columns("Owner"),
        rows,
        "within 90 days; a bar opens its accounts",
        currency,
        "lg",
    )


@book_charted("at-risk-by-renewal")
def by_renewal(request: HttpRequest) -> Charted | None:
    """MRR at risk by the month of the next renewal."""
    if answers.records().watch is None:
        return None
    reach = reach_of(request)
    shares = answers.ask_records(metrics.by_renewal, 90, reach.owners, reach.owner_in)
    currency = answers.records().currency
    dated, none = [one for one in shares if one.value], [one for one in shares if not one.value]
    bars = [(_month(one.value, short=True), one.outlook.at_risk_minor) for one in dated[:MONTHS]]
    bars += [
        (title, sum(one.outlook.at_risk_minor for one in some))
        for title, some in (("later", dated[MONTHS:]), ("no term", none))
        if some
    ]
    option = watching.bars(
        [title for title, _ in bars],
        [minor for _, minor in bars],
        options.fmt_money(currency, numbers.locale()),
        "$churn",
    )
    rows = [_row(_month(one.value), one) for one in shares]
    return Charted(
        "at-risk-by-renewal", "MRR at risk by renewal month", option, _columns("Renewal"), rows,
        "within 90 days, by when the contract term ends", currency, "lg",
    )  # fmt: skip


def _month(month: date | None, *, short: bool = False) -> str:
    if month is None:
        return "no term"
    return f"{month:%b %y}" if short else f"{month:%B %Y}"


def _columns(first: str) -> tuple[Column, ...]:
    return (
        Column(first),
        Column("Accounts", "count"),
        Column("MRR", "money"),
        Column("MRR at risk", "money"),
        Column("Share", "percent"),
    )


def _row(title: str, one: Share) -> tuple[Any, ...]:
    told = one.outlook
    share = told.at_risk_minor / told.mrr_minor if told.mrr_minor else None
    return (title, told.accounts, told.mrr_minor, told.at_risk_minor, share)


urls = [page("risk/", risk, "risk", needs="watch")]
