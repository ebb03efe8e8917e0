"""Metrics, the bridge and cohorts, with the keys that the command line tells them under."""

from __future__ import annotations

from datetime import date
from typing import Any, Literal

from django.http import HttpRequest
from ninja import Query
from pydantic import BaseModel, Field

from holdfast.api.asking import MOST_WINDOWS, Lens, Monthly, OnDay, Windowed, day_of, months_of, question_of, window_of
from holdfast.api.door import get
from holdfast.api.fields import Day
from holdfast.api.problems import Problem
from holdfast.domain.period import Window, month_start
from holdfast.flows import documents

Segment = dict[str, str | None] | None


class Heading(BaseModel):
    """What stands beside every number."""

    metric: str
    policy: str
    currency: str
    known_on: date | None
    #: the first day from which the sources' history is whole; null: all of it is
    complete_from: date | None


class RetentionRow(BaseModel):
    """A window of one segment, in minor units; contraction and churn are negative."""

    start: date
    end: date
    segment: Segment
    accounts: int
    opening_minor: int
    expansion_minor: int
    contraction_minor: int
    churn_minor: int
    reactivation_minor: int
    fx_minor: int
    closing_minor: int
    nrr: float | None
    grr: float | None
    nrr_grr_gap: float | None
    logo_retention: float | None
    logo_churn: float | None


class Comparison(BaseModel):
    population: str
    who: str
    definition: str
    nrr: float | None
    grr: float | None
    caution: str


class Benchmark(BaseModel):
    """Where the whole book's NRR stands beside others'."""

    stage: str
    word: str
    band: str
    comparisons: list[Comparison]


class Retention(Heading):
    start: date
    end: date
    benchmark: Benchmark | None
    rows: list[RetentionRow]


class MrrRow(BaseModel):
    segment: Segment
    accounts: int
    mrr_minor: int
    arr_minor: int
    committed_minor: int
    trial_minor: int
    past_due_minor: int
    held_minor: int


class Mrr(Heading):
    on: date
    rows: list[MrrRow]


class RenewalRow(BaseModel):
    segment: Segment
    due_count: int
    renewed_count: int
    due_minor: int
    renewed_minor: int
    renewal_rate: float | None
    logo_renewal_rate: float | None


class Renewals(Heading):
    start: date
    end: date
    rows: list[RenewalRow]


class LargestRow(BaseModel):
    rank: int
    account: str
    name: str | None
    mrr_minor: int
    share: float | None


class Concentration(Heading):
    on: date
    accounts: int
    mrr_minor: int
    top_share: dict[str, float | None]
    rows: list[LargestRow]


class BridgeRow(BaseModel):
    """One period, in minor units; `entering_minor` and `leaving_minor` are null without `by`."""

    month: str
    segment: Segment = None
    opening_minor: int
    new_minor: int
    expansion_minor: int
    contraction_minor: int
    churn_minor: int
    reactivation_minor: int
    fx_minor: int
    transfer_minor: int
    entering_minor: int | None = None
    leaving_minor: int | None = None
    closing_minor: int
    net_new_minor: int
    net_new_arr_minor: int
    quick_ratio: float | None
    quick_ratio_with_reactivation: float | None
    accounts: dict[str, int]


class Bridge(Heading):
    rows: list[BridgeRow]


class CohortRow(BaseModel):
    cohort: str
    age_months: int
    accounts: int
    mrr_minor: int
    revenue_retention: float | None
    logo_retention: float | None


class Cohorts(Heading):
    by: str
    rows: list[CohortRow]


class Metric(BaseModel):
    name: str
    title: str
    path: str


class Metrics(BaseModel):
    metrics: list[Metric]


class RetentionAsked(Windowed):
    series: Literal["month", "quarter", "12m"] | None = Field(
        None, description="One window after the other, over the months from the window's first to its last."
    )


class BridgeAsked(Monthly):
    every: Literal["month", "quarter", "year"] = Field("month", description="Months of a period.")


class ConcentrationAsked(Lens):
    on: Day | None = Field(None, description="At the end of this day; the last one booked if left out, or if later.")


class CohortsAsked(Lens):
    every: Literal["month", "quarter"] = Field("quarter", description="Cohorts by month or quarter.")


TITLES = {
    "nrr": "Net revenue retention", "grr": "Gross revenue retention", "logos": "Logo retention", "mrr": "Monthly recurring revenue",
    "arr": "Annual recurring revenue", "quick_ratio": "Quick ratio", "renewals": "Renewal rate", "concentration": "Concentration",
}  # fmt: skip


@get("/metrics", needs="numbers:read", answers=Metrics, tag="Numbers")
def metrics(request: HttpRequest) -> Metrics:
    """The metrics there are."""
    return Metrics(
        metrics=[Metric(name=name, title=title, path=f"/api/v1/metrics/{name}") for name, title in TITLES.items()]
    )


def _retention(metric: str, asked: RetentionAsked) -> Retention:
    question = question_of(asked)
    windows = _windows(window_of(question, asked), asked.series)
    rows = [
        RetentionRow(start=window.start, end=window.end, **row)
        for window in windows
        for row in question.ask(documents.retention_of, window, question.view, question.by)
    ]
    alone = len(windows) == 1 and not question.by
    judged = question.ask(documents.benchmark, windows[0], question.view) if alone else None
    return Retention(
        metric=metric, **question.heading(), start=windows[0].start, end=windows[-1].end, rows=rows,
        benchmark=Benchmark(**judged) if judged else None,
    )  # fmt: skip


def _windows(whole: Window, series: str | None) -> list[Window]:
    if series is None:
        return [whole]
    months = whole.months
    if len(months) > MOST_WINDOWS:
        raise Problem(422, f"a series has up to {MOST_WINDOWS} months", [("query.series", "the window is too long")])
    if series == "month":
        return [Window.month(month) for month in months]
    if series == "12m":
        return [Window.months_to(month_start(month + 1), 12) for month in months]
    quarters = [Window(month_start(m), month_start(m + 3)) for m in months if m % 3 == 0 and m + 3 <= months.stop]
    if not quarters:
        raise Problem(422, "there is no whole quarter in the window", [("query.series", "the window is too short")])
    return quarters


@get("/metrics/nrr", needs="numbers:read", answers=Retention, tag="Numbers", waits=True, cached=True)
def nrr(request: HttpRequest, asked: Query[RetentionAsked]) -> Retention:
    """Net revenue retention of a window, by segment."""
    return _retention("nrr", asked)


@get("/metrics/grr", needs="numbers:read", answers=Retention, tag="Numbers", waits=True, cached=True)
def grr(request: HttpRequest, asked: Query[RetentionAsked]) -> Retention:
    """Gross revenue retention of a window, by segment."""
    return _retention("grr", asked)


@get("/metrics/logos", needs="numbers:read", answers=Retention, tag="Numbers", waits=True, cached=True)
def logos(request: HttpRequest, asked: Query[RetentionAsked]) -> Retention:
    """Logo retention of a window, by segment."""
    return _retention("logos", asked)


def _standing(metric: str, asked: OnDay) -> Mrr:
    question = question_of(asked)
    day = day_of(question, asked.on)
    rows = question.ask(documents.mrr_of, day, question.view, question.by)
    return Mrr(metric=metric, on=day, **question.heading(), rows=[MrrRow(**row) for row in rows])


@get("/metrics/mrr", needs="numbers:read", answers=Mrr, tag="Numbers", waits=True, cached=True)
def mrr(request: HttpRequest, asked: Query[OnDay]) -> Mrr:
    """MRR at the end of a day, committed, on trial, past due and on hold."""
    return _standing("mrr", asked)


@get("/metrics/arr", needs="numbers:read", answers=Mrr, tag="Numbers", waits=True, cached=True)
def arr(request: HttpRequest, asked: Query[OnDay]) -> Mrr:
    """ARR at the end of a day: twelve times MRR."""
    return _standing("arr", asked)


@get("/metrics/quick_ratio", needs="numbers:read", answers=Bridge, tag="Numbers", waits=True, cached=True)
def quick_ratio(request: HttpRequest, asked: Query[BridgeAsked]) -> Bridge:
    """Quick ratio by period: what was won for each unit lost."""
    return _bridge("quick_ratio", asked)


@get("/metrics/renewals", needs="numbers:read", answers=Renewals, tag="Numbers", waits=True, cached=True)
def renewals(request: HttpRequest, asked: Query[Windowed]) -> Renewals:
    """Renewal rate: of the MRR whose term ended in the window, how much went on."""
    question = question_of(asked)
    window = window_of(question, asked)
    rows = question.ask(documents.renewals_of, window, question.view, question.by)
    return Renewals(
        metric="renewals",
        **question.heading(),
        start=window.start,
        end=window.end,
        rows=[RenewalRow(**row) for row in rows],
    )


@get("/metrics/concentration", needs="numbers:read", answers=Concentration, tag="Numbers", waits=True, cached=True)
def concentration(request: HttpRequest, asked: Query[ConcentrationAsked]) -> Concentration:
    """How much of MRR hangs on the largest accounts."""
    question = question_of(asked)
    day = day_of(question, asked.on)
    found = question.ask(documents.concentration_of, day, question.view)
    return Concentration(metric="concentration", on=day, **question.heading(), **found)


@get("/bridge", needs="numbers:read", answers=Bridge, tag="Numbers", waits=True, cached=True)
def bridge(request: HttpRequest, asked: Query[BridgeAsked]) -> Bridge:
    """The movement bridge: opening MRR, movements by kind, closing MRR."""
    return _bridge("bridge", asked)


def _bridge(metric: str, asked: BridgeAsked) -> Bridge:
    question = question_of(asked)
    months = months_of(question, asked)
    rows = question.ask(documents.bridge_of, months, question.view, question.by, asked.every)
    return Bridge(metric=metric, **question.heading(), rows=[BridgeRow(**row) for row in rows])


@get("/cohorts", needs="numbers:read", answers=Cohorts, tag="Numbers", waits=True, cached=True)
def cohorts(request: HttpRequest, asked: Query[CohortsAsked]) -> Cohorts:
    """The cohort triangle: what is left of each cohort by age in months."""
    question = question_of(asked)
    rows: list[dict[str, Any]] = question.ask(documents.cohorts_of, question.view, asked.every)
    return Cohorts(metric="cohorts", by=asked.every, **question.heading(), rows=[CohortRow(**row) for row in rows])
