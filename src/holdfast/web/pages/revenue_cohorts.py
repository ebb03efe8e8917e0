"""Revenue: the cohort triangle, and the accounts of each of its cells."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

from django.http import HttpRequest, HttpResponseBase
from django.urls import reverse

from holdfast.charts import options
from holdfast.charts.charted import Charted
from holdfast.flows import revenue as flow
from holdfast.metrics import behind
from holdfast.metrics.cohorts import Cell
from holdfast.web import show
from holdfast.web.charted import charted
from holdfast.web.lens import Lens, LensError
from holdfast.web.pages import revenue_room as room
from holdfast.web.rights import page

#: cohorts and ages shown at once
COHORTS, AGES = 24, 24


@dataclass(frozen=True)
class Triangle:
    """The part of the cohort triangle that is shown."""

    names: list[str]
    ages: list[int]
    cells: dict[tuple[str, int], Cell]
    older: str | None
    newer: str | None

    def share(self, name: str, age: int, of: str) -> Fraction | None:
        cell = self.cells.get((name, age))
        return None if cell is None else cell.revenue_retention if of == "revenue" else cell.logo_retention


def triangle_of(request: HttpRequest, lens: Lens) -> tuple[Triangle, str, str]:
    """Cohorts of the address, newest last, with size and measure."""
    size = room.one_of(request, "size", ("month", "quarter"), "quarter")
    of = room.one_of(request, "of", ("revenue", "logos"), "revenue")
    cells = lens.ask(flow.triangle, lens.view, size)
    every = list(dict.fromkeys(cell.cohort for cell in cells))
    last = request.GET.get("last")
    at = every.index(last) + 1 if last in every else len(every)
    names = every[max(0, at - COHORTS) : at]
    found = {(cell.cohort, cell.age): cell for cell in cells if cell.cohort in names}
    oldest = max((age for _, age in found), default=0)
    step = 3 if size == "quarter" or oldest > AGES else 1
    ages = list(range(0, oldest + 1, step))
    older = every[at - COHORTS - 1] if at > COHORTS else None
    newer = every[min(at + COHORTS, len(every)) - 1] if at < len(every) else None
    return Triangle(names, ages, found, older, newer), size, of


@show.with_lens
def cohorts(request: HttpRequest, lens: Lens) -> HttpResponseBase:
    """The cohort heatmap; each cell leads to its accounts."""
    told, size, of = triangle_of(request, lens)
    href = reverse("revenue_cohort")
    rows = []
    for name in told.names:
        line = [
            (share, options.heat_step(share), href + lens.query(cohort=name, age=age, size=size))
            if (share := told.share(name, age, of)) is not None
            else None
            for age in told.ages
        ]
        rows.append((name, told.cells.get((name, 0)), line))
    return room.shown(
        request,
        lens,
        "web/revenue/cohorts.html",
        "revenue_cohorts",
        told=told,
        rows=rows,
        size=size,
        of=of,
    )


@charted("cohorts")
def cohorts_chart(request: HttpRequest, lens: Lens) -> Charted | None:
    """The triangle as a heatmap; None without cohorts."""
    told, _, of = triangle_of(request, lens)
    shares = [[told.share(name, age, of) for age in told.ages] for name in told.names]
    return flow.triangle_chart(told.names, told.ages, shares, of, lens.currency) if told.names else None


@show.with_lens
def cohorts_csv(request: HttpRequest, lens: Lens) -> HttpResponseBase:
    """Every cell of the triangle as a line."""
    size = room.one_of(request, "size", ("month", "quarter"), "quarter")
    cells = lens.ask(flow.triangle, lens.view, size)
    rows = [
        [
            c.cohort,
            c.age,
            c.accounts,
            lens.currency,
            room.major(c.mrr, lens.currency),
            room.rate(c.revenue_retention),
            room.rate(c.logo_retention),
        ]
        for c in cells
    ]
    return room.csv(
        request,
        "cohorts",
        ["cohort", "age", "accounts", "currency", "mrr", "revenue_retention", "logo_retention"],
        rows,
    )


def _cohort_cell(request: HttpRequest, lens: Lens) -> tuple[Cell, list[int]]:
    size = room.one_of(request, "size", ("month", "quarter"), "quarter")
    age = request.GET.get("age", "0")
    for cell in lens.ask(flow.triangle, lens.view, size):
        if cell.cohort == request.GET.get("cohort") and str(cell.age) == age:
            return cell, flow.cohort_months(cell.cohort)
    raise LensError(f"there is no cohort '{request.GET.get('cohort', '')}' at age {age}")


@show.with_lens
def cohort(request: HttpRequest, lens: Lens) -> HttpResponseBase:
    """The accounts of a cohort at an age."""
    cell, firsts = _cohort_cell(request, lens)
    number, sort = room.page_no(request), room.sort_of(request, "-opening")
    found = lens.ask(behind.cohort, tuple(firsts), cell.age, lens.view, sort, room.SIZE, (number - 1) * room.SIZE)
    return room.shown(
        request, lens, "web/revenue/cohort.html", "revenue_cohorts", cell=cell, found=found, sort=sort,
        pager=room.Pager(number, found.count), difference=cell.mrr - found.closing, heads=("First month end", "Change", "MRR"), window_query=lens.query(),
    )  # fmt: skip


@show.with_lens
def cohort_csv(request: HttpRequest, lens: Lens) -> HttpResponseBase:
    """The accounts of a cohort as a file."""
    cell, firsts = _cohort_cell(request, lens)
    found = behind.cohort(lens.ledger(), tuple(firsts), cell.age, lens.view, "-opening", None)
    rows = [
        [
            o.entity,
            o.account_id,
            o.name or "",
            o.kind,
            lens.currency,
            room.major(o.opening, lens.currency),
            room.major(o.closing, lens.currency),
        ]
        for o in found.lines
    ]
    return room.csv(request, "cohort", ["entity", "account", "name", "state", "currency", "first", "now"], rows)


urls = [
    page("revenue/cohorts/", cohorts, "revenue_cohorts", needs="numbers"),
    page("revenue/cohorts.csv", cohorts_csv, "revenue_cohorts_csv", needs="numbers"),
    page("revenue/cohorts/accounts/", cohort, "revenue_cohort", needs="numbers"),
    page("revenue/cohorts/accounts.csv", cohort_csv, "revenue_cohort_csv", needs="numbers"),
]
