"""Commands that show what stands on a day or falls due: mrr, renewals, concentration."""

from __future__ import annotations

from datetime import date

import typer

from holdfast.cli import show
from holdfast.cli.ask import (
    Asked,
    ByOption,
    CurrencyOption,
    EndOption,
    FormatOption,
    KnownOption,
    OnOption,
    PolicyOption,
    StartOption,
    asked,
    attributes,
    window_of,
)
from holdfast.cli.show import Format
from holdfast.domain.period import parse_day
from holdfast.flows import documents
from holdfast.metrics import concentration, mrr, renewal


def register(app: typer.Typer) -> None:
    """Add the commands."""
    for name, command in (("mrr", mrr_), ("renewals", renewals), ("concentration", concentration_)):
        app.command(name)(command)


def mrr_(
    context: typer.Context,
    on: OnOption = None,
    policy: PolicyOption = None,
    by: ByOption = None,
    known_on: KnownOption = None,
    currency: CurrencyOption = None,
    format: FormatOption = Format.table,
) -> None:
    """MRR and ARR on a day; committed and trial MRR, what is past due and on hold."""
    with asked(context, policy, known_on, currency) as question:
        day = _day(question, on)
        rows = mrr.measure(question.ledger, day, question.view, attributes(by))
        told = [documents.mrr_row(row) for row in rows]
        if format is Format.csv:
            show.as_csv(told)
        elif format is Format.json:
            show.as_json({"metric": "mrr", "on": str(day), **question.heading(), "rows": told})
        else:
            code = question.view.reporting
            lines = [
                [show.segment_name(r.segment), f"{r.accounts:,}"]
                + [show.money(a, code) for a in (r.mrr, r.arr, r.committed, r.trial, r.past_due, r.held)]
                for r in rows
            ]
            columns = ["segment", "accounts", "MRR", "ARR", "committed MRR", "trial MRR", "past due", "on hold"]
            show.table(f"MRR at the end of {day}", columns, lines, question.caption())


def _day(question: Asked, on: str | None) -> date:
    return min(parse_day(on), question.ledger.as_of) if on else question.ledger.as_of


def renewals(
    context: typer.Context,
    start: StartOption = None,
    end: EndOption = None,
    policy: PolicyOption = None,
    by: ByOption = None,
    known_on: KnownOption = None,
    currency: CurrencyOption = None,
    format: FormatOption = Format.table,
) -> None:
    """Renewal rate: of the MRR whose contract term ended in the window, how much went on."""
    with asked(context, policy, known_on, currency) as question:
        window = window_of(question, start, end)
        rows = renewal.measure(question.ledger, window, question.view, attributes(by))
        told = [documents.renewal_row(row) for row in rows]
        if format is Format.csv:
            show.as_csv(told)
        elif format is Format.json:
            show.as_json(
                {
                    "metric": "renewal_rate",
                    **question.heading(),
                    "start": str(window.start),
                    "end": str(window.end),
                    "rows": told,
                }
            )
        else:
            code = question.view.reporting
            lines = [
                [
                    show.segment_name(r.segment),
                    f"{r.due_count:,}",
                    f"{r.renewed_count:,}",
                    show.money(r.due, code),
                    show.money(r.renewed, code),
                ]
                + [show.percent(r.renewal_rate), show.percent(r.logo_renewal_rate)]
                for r in rows
            ]
            columns = ["segment", "due", "renewed", "MRR due", "MRR renewed", "renewal rate", "by count"]
            show.table(f"Renewals due from {window.start} up to {window.end}", columns, lines, question.caption())


def concentration_(
    context: typer.Context,
    on: OnOption = None,
    policy: PolicyOption = None,
    known_on: KnownOption = None,
    currency: CurrencyOption = None,
    format: FormatOption = Format.table,
) -> None:
    """How much of MRR hangs on the largest accounts."""
    with asked(context, policy, known_on, currency) as question:
        found = concentration.measure(question.ledger, _day(question, on), question.view)
        told = documents.concentration_told(found)
        if format is Format.csv:
            show.as_csv(told["rows"])
        elif format is Format.json:
            show.as_json({"metric": "concentration", "on": str(found.on), **question.heading(), **told})
        else:
            code = question.view.reporting
            lines = [
                [str(one.rank), one.name or one.entity, show.money(one.mrr, code), show.percent(one.share)]
                for one in found.largest
            ]
            shares = " · ".join(f"top {n}: {show.percent(share)}" for n, share in found.tops.items())
            show.table(
                f"Largest accounts at the end of {found.on}",
                ["", "account", "MRR", "share"],
                lines,
                question.caption(),
                left=2,
            )
            show.out.print(shares)
