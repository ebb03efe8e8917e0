"""Overview: the four numbers, what moved them, who did it, and how fresh they are."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponseBase
from django.shortcuts import redirect

from holdfast.charts import numbers
from holdfast.charts.charted import Charted
from holdfast.flows import overview as flow
from holdfast.web import rights, show
from holdfast.web.charted import charted
from holdfast.web.lens import Lens
from holdfast.web.rights import page


def figures(lens: Lens) -> flow.Figures:
    """The window's numbers."""
    told: flow.Figures = lens.ask(flow.figures, lens.window, lens.view)
    return told


@show.with_lens
def overview(request: HttpRequest, lens: Lens) -> HttpResponseBase:
    """The first page."""
    told = figures(lens)
    lines = {
        "nrr_line": [row.nrr for row in told.series],
        "grr_line": [row.grr for row in told.series],
        "arr_line": [row.closing for row in told.months],
        "new_line": [row.net_new for row in told.months],
    }
    return show.page(
        request, "web/overview.html", lens, told=told, movers=lens.ask(flow.movers, lens.last_month, lens.view),
        waterfall=waterfall(request, lens), by_month=by_month(request, lens), trend=trend(request, lens), **lines,
    )  # fmt: skip


@charted("waterfall")
def waterfall(request: HttpRequest, lens: Lens) -> Charted:
    """From opening to closing MRR."""
    return flow.waterfall(figures(lens), numbers.locale())


@charted("movements")
def by_month(request: HttpRequest, lens: Lens) -> Charted:
    """Movements by month."""
    return flow.by_month(figures(lens), numbers.locale())


@charted("trend")
def trend(request: HttpRequest, lens: Lens) -> Charted | None:
    """NRR and GRR up to each month."""
    return flow.trend(figures(lens))


def first_page(request: HttpRequest) -> HttpResponseBase:
    """Where each role begins the day."""
    if rights.may(request.user, "numbers"):
        return redirect("overview")
    return redirect("today" if rights.may(request.user, "today") else "accounts")


urls = [
    page("", first_page, "home", needs="home"),
    page("overview/", overview, "overview", needs="numbers"),
]
