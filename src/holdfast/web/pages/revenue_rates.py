"""Revenue: rates over time, segments side by side, and how much hangs on few accounts."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from django.http import HttpRequest, HttpResponseBase
from django.urls import reverse

from holdfast.charts import options
from holdfast.charts.charted import Charted, Column
from holdfast.domain.period import Window, add_months, month_name, month_start
from holdfast.flows import revenue as flow
from holdfast.flows.book import open_ledger
from holdfast.metrics import benchmarked
from holdfast.web import answers, show
from holdfast.web.charted import charted
from holdfast.web.lens import Lens, LensError
from holdfast.web.pages import revenue_room as room
from holdfast.web.rights import page

#: rates that can be looked at by segment
MEASURES = {"nrr": "NRR", "grr": "GRR", "logo": "Logo retention", "renewal": "Renewal rate"}
#: lengths of window, in months
SIZES = {"1": "Monthly", "3": "Quarterly", "12": "12 months"}
#: how many points a series has
POINTS = 12
#: orders of the segments
ORDERS: dict[str, Callable[[flow.SegmentLine], Any]] = {
    "opening": lambda line: line.row.counts.opening,
    "nrr": lambda line: line.row.nrr if line.row.nrr is not None else Fraction(-1),
    "grr": lambda line: line.row.grr if line.row.grr is not None else Fraction(-1),
    "logo": lambda line: line.row.logo_retention if line.row.logo_retention is not None else Fraction(-1),
    "effect": lambda line: line.effect,
}
#: lines of the bridge whose names are long, where many stand side by side
SHORT = {"entering": "Entering", "leaving": "Leaving", "transfer": "Transfers", "fx": "Rates"}


def series(lens: Lens, size: int, by: str) -> tuple[flow.Rates, ...]:
    """The rates at the last so many period ends. room.Working: they are being counted."""
    step_months = 3 if size == 3 else 1
    home, policy, known_on, view, last = answers.home(), lens.policy, lens.known_on, lens.view, lens.last_month
    first = lens.ledger().first_month
    ends = [end for n in range(POINTS) if (end := last - n * step_months) - size + 1 > first] or [last]

    def work(step: room.Step) -> tuple[flow.Rates, ...]:
        found = []
        with open_ledger(home, policy=policy, known_on=known_on) as ledger:
            for number, end in enumerate(reversed(ends), 1):
                found.append(flow.rates(ledger, end, size, view, (by,) if by else ()))
                step(number, len(ends))
        return tuple(found)

    return room.later("rates", (policy, known_on, view, last, size, by), work)


def rate_of(told: flow.Rates, segment: Any, measure: str) -> Fraction | None:
    """One rate of one segment."""
    if measure == "renewal":
        return next((row.renewal_rate for row in told.renewals if row.segment == segment), None)
    row = next((row for row in told.rows if row.segment == segment), None)
    return None if row is None else {"nrr": row.nrr, "grr": row.grr, "logo": row.logo_retention}[measure]


@show.with_lens
def retention(request: HttpRequest, lens: Lens) -> HttpResponseBase:
    """NRR, GRR, logo retention and renewal rate over time; one of them by segment where asked."""
    size, by, measure, size_name = _asked_rates(request, lens)

    def found() -> dict[str, Any]:
        told = series(lens, size, by)
        last = told[-1]
        whole = last.rows[0] if last.rows and not by else None
        verdict = benchmarked.judge(lens.ledger(), last.window, lens.view, whole) if whole else None
        lines = rate_lines(told, by, measure)
        return {"rates": told, "whole": whole, "renewal": last.renewals[0] if last.renewals and not by else None,
                "verdict": verdict, "lines": lines, "chart": rates_chart(told, by, measure, lens.currency)}  # fmt: skip

    return room.part_or_page(
        request, lens, "web/revenue/retention.html", "web/revenue/retention_part.html", "revenue_retention", found, has_chart=True,
        size=size_name, sizes=SIZES, by=by, measure=measure, measures=MEASURES, attributes=room.attributes(lens),
    )  # fmt: skip


def _asked_rates(request: HttpRequest, lens: Lens) -> tuple[int, str, str, str]:
    size = room.one_of(request, "every", SIZES, "12")
    return int(size), room.attribute_of(request, lens), room.one_of(request, "measure", MEASURES, "nrr"), size


def rate_lines(told: tuple[flow.Rates, ...], by: str, measure: str) -> list[tuple[str, list[Fraction | None], Any]]:
    """Title, rates by period, and the segment: the four rates, or one of them for each segment."""
    if not by:
        return [(title, [rate_of(one, (), key) for one in told], ()) for key, title in MEASURES.items()]
    newest = sorted((row for row in told[-1].rows), key=lambda row: -row.counts.opening)
    segments = dict.fromkeys(
        row.segment for rows in (newest, *(one.rows for one in told)) for row in rows if row.counts.opening
    )
    return [
        (segment[0][1] or f"no {by}", [rate_of(one, segment, measure) for one in told], segment) for segment in segments
    ]


def rates_chart(told: tuple[flow.Rates, ...], by: str, measure: str, currency: str) -> Charted:
    """The lines of the page; of many segments the six largest."""
    names = [month_name(one.month) for one in told]
    lines = rate_lines(told, by, measure)
    drawn = lines[:6] if by else lines
    option = options.trend(names, {title: values for title, values, _ in drawn})
    columns = [Column("Up to"), *(Column(title, "percent") for title, _, _ in lines)]
    rows = [(name, *(values[n] for _, values, _ in lines)) for n, name in enumerate(names)]
    title = f"{MEASURES[measure]} by {by}" if by else "Rates"
    sub = f"{len(told[-1].window.months)} months up to each month's end"
    return Charted("rates", title, option, columns, rows, sub, currency)


@charted("rates")
def rates(request: HttpRequest, lens: Lens) -> Charted | None:
    """The rates over time; None while they are being counted."""
    size, by, measure, _ = _asked_rates(request, lens)
    try:
        return rates_chart(series(lens, size, by), by, measure, lens.currency)
    except room.Working:
        return None


@dataclass(frozen=True)
class Against:
    """The window that segments are held against."""

    months: int
    window: Window


def against_of(request: HttpRequest, lens: Lens) -> Against:
    """A window of the same length, so many months earlier: the one just before, or one month before where the book is young."""
    first = month_start(lens.ledger().first_month)
    default = lens.months if add_months(lens.window.start, -lens.months) >= first else 1
    asked = room.one_of(request, "against", ("1", "3", "12", str(default)), str(default))
    return Against(int(asked), Window.months_to(add_months(lens.window.end, -int(asked)), lens.months))


def segments_of(request: HttpRequest, lens: Lens) -> tuple[flow.Segments, Against]:
    """The segments that the address asks for. LensError: no account has an attribute."""
    there = room.attributes(lens)
    if not there:
        raise LensError("no account has an attribute to look by; load accounts with columns such as plan or region")
    default = next((name for name in ("segment", "plan") if name in there), there[0])
    by, against = room.attribute_of(request, lens, default), against_of(request, lens)
    found: flow.Segments = lens.ask(flow.segments, lens.window, against.window, lens.view, by)
    return found, against


@show.with_lens
def segments(request: HttpRequest, lens: Lens) -> HttpResponseBase:
    """Segments side by side, and what mix and rate did to NRR."""
    told, against = segments_of(request, lens)
    sort = room.one_of(request, "sort", ORDERS, "opening")
    lines = sorted(told.lines, key=ORDERS[sort], reverse=True)
    kinds = [
        name
        for name in flow.LINES
        if name not in ("opening", "closing") and any(flow.amount_of(line.bridge, name) for line in lines)
    ]
    moved = [
        (line, [(name, flow.amount_of(line.bridge, name), _behind(lens, line.segment, name)) for name in kinds])
        for line in lines
    ]
    return room.shown(
        request, lens, "web/revenue/segments.html", "revenue_segments", told=told, lines=lines, sort=sort, against=against,
        attributes=room.attributes(lens), kinds=[(name, SHORT.get(name, flow.LINES[name])) for name in kinds], moved=moved,
        totals=[flow.amount_of(told.whole_bridge, name) for name in kinds], chart=segments_chart(request, lens),
        againsts=sorted({1, 3, 12, lens.months}), lens_query=lens.query(),
    )  # fmt: skip


def _behind(lens: Lens, segment: Any, kind: str) -> str:
    first, last = month_name(lens.window.months[0]), month_name(lens.last_month)
    address = reverse("revenue_movements") + lens.query(
        **{"from": first, "month": last, "kind": kind}, **room.in_segment(segment)
    )
    return address + ("&value=" if segment[0][1] is None else "")


@charted("segments")
def segments_chart(request: HttpRequest, lens: Lens) -> Charted | None:
    """What each segment did to NRR; None where there is no window to hold it against."""
    told, _ = segments_of(request, lens)
    return flow.segments_chart(told, lens.currency) if told.change is not None else None


@show.with_lens
def segments_csv(request: HttpRequest, lens: Lens) -> HttpResponseBase:
    """The segments as a file."""
    told, _ = segments_of(request, lens)
    columns = [
        told.attribute,
        "accounts",
        "currency",
        "opening",
        "nrr",
        "grr",
        "logo_retention",
        "nrr_before",
        "mix",
        "rate",
    ]
    columns += [name for name in flow.LINES if name != "opening"]
    rows = [
        [line.value or "", line.row.counts.accounts, lens.currency, room.major(line.row.counts.opening, lens.currency)]
        + [
            room.rate(value)
            for value in (line.row.nrr, line.row.grr, line.row.logo_retention, line.before.nrr if line.before else None)
        ]
        + [room.rate(line.part.mix if line.part else None), room.rate(line.part.rate if line.part else None)]
        + [room.major(flow.amount_of(line.bridge, name), lens.currency) for name in flow.LINES if name != "opening"]
        for line in told.lines
    ]
    return room.csv(request, "segments", columns, rows)


def weight(lens: Lens) -> flow.Weight:
    """Concentration at the window's end."""
    found: flow.Weight = lens.ask(flow.weight, lens.last_day, lens.window, lens.view)
    return found


@show.with_lens
def concentration(request: HttpRequest, lens: Lens) -> HttpResponseBase:
    """How much hangs on the largest accounts."""
    told = weight(lens)
    return room.shown(
        request, lens, "web/revenue/concentration.html", "revenue_concentration", told=told.told, weight=told,
        chart=concentration_chart(request, lens), window_query=lens.query(),
    )  # fmt: skip


@charted("concentration")
def concentration_chart(request: HttpRequest, lens: Lens) -> Charted | None:
    """The curve of shares."""
    return flow.weight_chart(weight(lens).told, lens.currency)


@show.with_lens
def concentration_csv(request: HttpRequest, lens: Lens) -> HttpResponseBase:
    """The largest accounts as a file."""
    rows = [
        [o.rank, o.entity, o.name or "", lens.currency, room.major(o.mrr, lens.currency), room.rate(o.share)]
        for o in weight(lens).told.largest
    ]
    return room.csv(request, "concentration", ["rank", "entity", "name", "currency", "mrr", "share"], rows)


urls = [
    page("revenue/retention/", retention, "revenue_retention", needs="numbers"),
    page("revenue/segments/", segments, "revenue_segments", needs="numbers"),
    page("revenue/segments.csv", segments_csv, "revenue_segments_csv", needs="numbers"),
    page("revenue/concentration/", concentration, "revenue_concentration", needs="numbers"),
    page("revenue/concentration.csv", concentration_csv, "revenue_concentration_csv", needs="numbers"),
]
