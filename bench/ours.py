"""Ours: book what is landed, then ask the published ledger, with the functions that the commands call."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

from bench.answers import Answers, run
from holdfast.domain.period import Window, month_start
from holdfast.flows.book import book, open_ledger
from holdfast.flows.home import open_home
from holdfast.metrics import cohorts, retention, trailing
from holdfast.warehouse.ledger import Ledger
from holdfast.warehouse.window import View


def answer(folder: Path, answers: Answers) -> None:
    home = open_home(folder)
    with answers.stage("book"):
        book(home, datetime.now(UTC), records=False)
    with open_ledger(home) as ledger:
        views = [View(currency, only=currency) for currency in ledger.currencies]
        with answers.stage("movements"):
            answers.movements = ledger.rows(
                "select month_no, kind::varchar, currency, count(*), sum(amount_minor) from movement group by all"
            )
        with answers.stage("nrr"):
            answers.nrr = [row for view in views for row in _nrr(ledger, view)]
        with answers.stage("cohorts"):
            for view in views:
                for first, month, accounts, mrr in cohorts.count(ledger, view):
                    answers.cohorts.append((first, month, view.reporting, accounts, mrr))
        with answers.stage("trailing"):
            answers.trailing = [row for view in views for row in _trailing(ledger, view)]


def _nrr(ledger: Ledger, view: View) -> list[tuple[object, ...]]:
    window = Window.months_to(month_start(ledger.last_month + 1), 12)
    return [
        (
            segment[0][1], view.reporting, c.accounts, c.opening, c.expansion, c.contraction, c.churn,
            c.reactivation, c.closing, c.kept, c.retained,
        )
        for segment, c in retention.count(ledger, window, view, ["segment"])
    ]  # fmt: skip


def _trailing(ledger: Ledger, view: View) -> list[tuple[object, ...]]:
    months = range(ledger.first_month + 12, ledger.last_month + 1)
    return [
        (row.month, view.reporting, row.accounts, row.opening, row.closing, row.kept)
        for row in trailing.measure(ledger, months, view)
    ]


if __name__ == "__main__":
    run(answer)
