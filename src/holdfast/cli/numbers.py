"""Commands that show how revenue moved: nrr, bridge, cohorts."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Any

import typer

from holdfast.cli import show
from holdfast.cli.ask import (
    Asked,
    ByOption,
    CurrencyOption,
    EndOption,
    FormatOption,
    FromOption,
    KnownOption,
    PolicyOption,
    StartOption,
    ToOption,
    asked,
    attributes,
    months_of,
    window_of,
)
from holdfast.cli.show import Format
from holdfast.domain.period import Window, month_start
from holdfast.flows import documents
from holdfast.metrics import bridge, cohorts, retention


class Series(StrEnum):
    """One window after the other."""

    month = "month"
    quarter = "quarter"
    trailing_12 = "12m"


class Size(StrEnum):
    """How long a period is."""

    month = "month"
    quarter = "quarter"
    year = "year"

    @property
    def months(self) -> int:
        return {"month": 1, "quarter": 3, "year": 12}[self.value]


def register(app: typer.Typer) -> None:
    """Add the commands."""
    for name, command in (("nrr", nrr), ("bridge", bridge_), ("cohorts", cohorts_)):
        app.command(name)(command)


def nrr(
    context: typer.Context,
    start: StartOption = None,
    end: EndOption = None,
    series: Annotated[
        Series | None,
        typer.Option(
            "--series", help="Every month, every quarter, or 12 months up to every month; with --from and --to."
        ),
    ] = None,
    first: FromOption = None,
    last: ToOption = None,
    policy: PolicyOption = None,
    by: ByOption = None,
    known_on: KnownOption = None,
    currency: CurrencyOption = None,
    format: FormatOption = Format.table,
) -> None:
    """Net and gross revenue retention and logo retention of a window, by segment."""
    with asked(context, policy, known_on, currency) as question:
        windows = _windows(question, start, end, series, first, last)
        rows = [
            (window, row)
            for window in windows
            for row in retention.measure(question.ledger, window, question.view, attributes(by))
        ]
        if format is Format.table:
            _show_nrr(question, rows, bool(by))
            return
        told = [
            documents.retention_row(row) | ({"start": str(w.start), "end": str(w.end)} if series else {})
            for w, row in rows
        ]
        if format is Format.csv:
            show.as_csv(told)
            return
        whole = {"metric": "nrr", **question.heading(), "start": str(windows[0].start), "end": str(windows[-1].end)}
        show.as_json(whole | {"benchmark": _verdict(question, windows, rows), "rows": told})


def _windows(
    question: Asked, start: str | None, end: str | None, series: Series | None, first: str | None, last: str | None
) -> list[Window]:
    if series is None:
        return [window_of(question, start, end)]
    months = months_of(question, first, last)
    if series is Series.month:
        return [Window.month(month) for month in months]
    if series is Series.quarter:
        return [Window(month_start(m), month_start(m + 3)) for m in months if m % 3 == 0 and m + 3 <= months.stop]
    return [Window.months_to(month_start(month + 1), 12) for month in months]


def _show_nrr(question: Asked, rows: list[tuple[Window, retention.Row]], by: bool) -> None:
    if len(rows) == 1 and not by:
        _show_statement(question, *rows[0])
    else:
        _show_retention_table(question, rows, by)


def _show_statement(question: Asked, window: Window, row: retention.Row) -> None:
    """One window as an account would be written: opening, what moved, closing, and the rates below."""
    c, code = row.counts, question.view.reporting
    amounts = [
        ("opening MRR", c.opening), ("expansion", c.expansion), ("contraction", c.contraction), ("churn", c.churn),
        ("reactivation", c.reactivation), ("exchange rates", c.fx), ("closing MRR of the same accounts", c.closing),
    ]  # fmt: skip
    lines = [[name, show.money(amount, code)] for name, amount in amounts]
    lines += [
        ["NRR", show.percent(row.nrr)],
        ["GRR", show.percent(row.grr)],
        ["NRR – GRR gap", show.percent(row.gap)],
        [f"logos kept ({c.retained:,} of {c.accounts:,})", show.percent(row.logo_retention)],
    ]
    show.table(f"Retention from {window.start} up to {window.end}", ["", code], lines, question.caption())
    told = _verdict(question, [window], [(window, row)])
    if told is None:
        return
    show.out.print(f"{told['word']} for {told['stage']}; band: {told['band']}")
    for one in told["comparisons"]:
        caution = f" [{one['caution']}]" if one["caution"] else ""
        figures = " · ".join(f"{name.upper()} {one[name]}" for name in ("nrr", "grr") if one[name] is not None)
        show.out.print(
            f"  {one['population']}: {figures} ({one['who']}; {one['definition']}){caution}", style="dim", markup=False
        )


def _show_retention_table(question: Asked, rows: list[tuple[Window, retention.Row]], by: bool) -> None:
    code = question.view.reporting
    several = len({window for window, _ in rows}) > 1
    names = [*(["window"] if several else []), *(["segment"] if by else [])]
    columns = [
        *names,
        "accounts",
        "opening",
        "expansion",
        "contraction",
        "churn",
        "reactivation",
        "fx",
        "closing",
        "NRR",
        "GRR",
        "logos",
    ]
    lines = []
    for window, row in rows:
        c = row.counts
        amounts = (c.opening, c.expansion, c.contraction, c.churn, c.reactivation, c.fx, c.closing)
        texts = [
            *([f"{window.start} – {window.end}"] if several else []),
            *([show.segment_name(row.segment)] if by else []),
        ]
        lines.append(
            [*texts, f"{c.accounts:,}", *(show.money(a, code) for a in amounts)]
            + [show.percent(row.nrr), show.percent(row.grr), show.percent(row.logo_retention)]
        )
    title = "Retention" if several or not rows else f"Retention from {rows[0][0].start} up to {rows[0][0].end}"
    show.table(title, columns, lines, question.caption(), left=len(names))


def _verdict(question: Asked, windows: list[Window], rows: list[tuple[Window, retention.Row]]) -> dict[str, Any] | None:
    """The benchmark verdict of a single window over the whole book."""
    if len(rows) != 1:
        return None
    return documents.benchmark_of(question.ledger, rows[0][0], question.view, rows[0][1])


def bridge_(
    context: typer.Context,
    first: FromOption = None,
    last: ToOption = None,
    every: Annotated[Size, typer.Option("--every", help="One row per month, quarter or year.")] = Size.month,
    policy: PolicyOption = None,
    by: ByOption = None,
    known_on: KnownOption = None,
    currency: CurrencyOption = None,
    format: FormatOption = Format.table,
) -> None:
    """The movement bridge: opening MRR, movements by kind, closing MRR."""
    with asked(context, policy, known_on, currency) as question:
        months = months_of(question, first, last)
        rows = bridge.measure(question.ledger, months, question.view, attributes(by), every.months)
        told = [documents.bridge_row(row, every.value, bool(by)) for row in rows]
        if format is Format.csv:
            show.as_csv(told)
        elif format is Format.json:
            show.as_json({"metric": "bridge", **question.heading(), "rows": told})
        else:
            _show_bridge(question, rows, every, bool(by))


def _show_bridge(question: Asked, rows: list[bridge.Row], every: Size, by: bool) -> None:
    code = question.view.reporting
    kinds = ["new", "expansion", "contraction", "churn", "reactivation"]
    kinds += ["transfer"] if any(row.moved["transfer"] for row in rows) else []
    moves = ["entering", "leaving"] if by else []
    columns = [
        every.value,
        *(["segment"] if by else []),
        "opening",
        *kinds,
        *moves,
        "fx",
        "closing",
        "net new ARR",
        "quick ratio",
    ]
    lines = []
    for row in rows:
        amounts = [row.opening, *(row.moved[kind] for kind in kinds), *((row.entering, row.leaving) if by else ())]
        amounts += [row.fx, row.closing, 12 * row.net_new]
        names = [documents.period_name(row.months, every.value), *([show.segment_name(row.segment)] if by else [])]
        lines.append([*names, *(show.money(a, code) for a in amounts), show.plain(row.quick_ratio, 1)])
    show.table("MRR bridge", columns, lines, question.caption(), left=2 if by else 1)


def cohorts_(
    context: typer.Context,
    every: Annotated[
        Size, typer.Option("--every", help="Cohorts by month or quarter of the first payment.")
    ] = Size.quarter,
    logos: Annotated[
        bool, typer.Option("--logos", help="Show accounts kept instead of revenue kept, in the table.")
    ] = False,
    policy: PolicyOption = None,
    known_on: KnownOption = None,
    currency: CurrencyOption = None,
    format: FormatOption = Format.table,
) -> None:
    """The cohort triangle: what is left of each cohort by age, in revenue and in accounts."""
    with asked(context, policy, known_on, currency) as question:
        size: Any = "month" if every is Size.month else "quarter"
        cells = cohorts.measure(question.ledger, question.view, size)
        told = [documents.cohort_cell(cell) for cell in cells]
        if format is Format.csv:
            show.as_csv(told)
        elif format is Format.json:
            show.as_json({"metric": "cohorts", "by": size, **question.heading(), "rows": told})
        else:
            _show_cohorts(question, cells, logos)


def _show_cohorts(question: Asked, cells: list[cohorts.Cell], logos: bool) -> None:
    ages = [age for age in (0, 1, 2, 3, 6, 9, 12, 18, 24, 30, 36, 48, 60) if any(cell.age == age for cell in cells)]
    found = {(cell.cohort, cell.age): cell for cell in cells}
    lines = []
    for name in dict.fromkeys(cell.cohort for cell in cells):
        begun = found[name, 0]
        shares = [
            "" if cell is None else show.percent(cell.logo_retention if logos else cell.revenue_retention, 0)
            for cell in (found.get((name, age)) for age in ages)
        ]
        lines.append([name, f"{begun.accounts:,}", show.money(begun.mrr, question.view.reporting), *shares])
    what = "accounts" if logos else "revenue"
    columns = ["cohort", "accounts", "first MRR", *map(str, ages)]
    show.table(f"Cohorts: {what} kept after so many months", columns, lines, question.caption())
