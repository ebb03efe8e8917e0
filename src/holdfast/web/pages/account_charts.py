"""Charts of one account: MRR from the first day to today with what moved it, and the people who use the product."""

from __future__ import annotations

from datetime import date
from typing import Any

from django.http import HttpRequest

from holdfast.charts import numbers, options
from holdfast.charts.charted import Charted, Column
from holdfast.metrics import account
from holdfast.metrics.account import History, Usage
from holdfast.metrics.steps import Step, steps
from holdfast.metrics.timeline import STEPS
from holdfast.web import answers
from holdfast.web.charted import account_charted
from holdfast.web.lens import Lens

#: the colour of a step's mark where it is not named as the step is
COLOURS = {"pause": "fx"}


def steps_of(lens: Lens, account_id: str) -> list[Step]:
    """The days on which an account's MRR changed, oldest first."""
    told: list[Step] = lens.ask(_steps, account_id)
    return told


def _steps(ledger: Any, account_id: str) -> list[Step]:
    return steps(answers.records(), ledger, account_id)


def usage_of(account_id: str) -> Usage:
    """A year of usage by week."""
    told: Usage = answers.ask_records(account.usage, account_id)
    return told


def features_of(account_id: str) -> dict[str, dict[date, int]]:
    """A year of events by feature and week, without those that are of no feature."""
    told: dict[str, dict[date, int]] = answers.ask_records(account.features_used, account_id)
    return {feature: weeks for feature, weeks in told.items() if feature != "*"}


@account_charted("mrr_history")
def mrr_history(request: HttpRequest, lens: Lens, account_id: str) -> Charted | None:
    """MRR as steps, each with its mark; None before the first."""
    history: History = lens.ask(account.mrr_history, account_id, lens.view)
    if not history.days:
        return None
    told = steps_of(lens, account_id)
    days, amounts = [str(one.on) for one in history.days], [one.mrr_minor for one in history.days]
    marks = [(str(step.on), _title(step), COLOURS.get(step.kind, step.kind)) for step in told]
    if days[-1] < str(lens.ledger().as_of):
        days, amounts = [*days, str(lens.ledger().as_of)], [*amounts, amounts[-1]]
    option = options.mrr_history(days, amounts, marks, options.fmt_money(history.currency, numbers.locale()))
    columns = (Column("Day"), Column("What happened"), Column("Change", "money"), Column("MRR", "money"))
    sub = f"from {numbers.day(history.days[0].on)} to {numbers.day(lens.ledger().as_of)}, in {history.currency}"
    return Charted("mrr_history", "MRR", option, columns, _rows(history, told), sub, history.currency)


def _title(step: Step) -> str:
    return f"{STEPS[step.kind]}: {step.detail}" if step.detail else STEPS[step.kind]


def _rows(history: History, told: list[Step]) -> list[tuple[Any, ...]]:
    """A day each: what happened, by how much, and MRR after it."""
    titles: dict[Any, list[str]] = {}
    for step in told:
        titles.setdefault(step.on, []).append(_title(step))
    rows, before = [], 0
    for one in history.days:
        if one.mrr_minor != before or one.on in titles:
            rows.append((str(one.on), "; ".join(titles.get(one.on, [])), one.mrr_minor - before, one.mrr_minor))
        before = one.mrr_minor
    return rows


@account_charted("usage")
def active_people(request: HttpRequest, lens: Lens, account_id: str) -> Charted | None:
    """The most active people on a day of each week, against the seats allowed; None without usage."""
    weeks = usage_of(account_id).weeks
    if not weeks:
        return None
    days, names = [str(week.start) for week in weeks], [f"{week.start:%-d %b}" for week in weeks]
    lines: dict[str, list[float | None]] = {"Active people": [week.active_users for week in weeks]}
    if any(week.seats_limit for week in weeks):
        lines["Seats"] = [week.seats_limit for week in weeks]
    columns = (Column("Week from"), *(Column(name, "count") for name in lines))
    rows = [(day, *(values[n] for values in lines.values())) for n, day in enumerate(days)]
    sub = "people on the busiest day of each week, beside the seats they may use"
    return Charted("usage", "Active people", options.lines(names, lines), columns, rows, sub)


@account_charted("events")
def events(request: HttpRequest, lens: Lens, account_id: str) -> Charted | None:
    """Events by week: all, and the features used most; None without usage."""
    told = usage_of(account_id)
    if not any(week.events for week in told.weeks):
        return None
    days, names = [str(week.start) for week in told.weeks], [f"{week.start:%-d %b}" for week in told.weeks]
    lines: dict[str, list[float | None]] = {"All": [week.events for week in told.weeks]}
    for feature, events_of in list(features_of(account_id).items())[:3]:
        lines[feature] = [events_of.get(week.start, 0) for week in told.weeks]
    columns = (Column("Week from"), *(Column(name, "count") for name in lines))
    rows = [(day, *(values[n] for values in lines.values())) for n, day in enumerate(days)]
    return Charted(
        "events", "Events", options.lines(names, lines), columns, rows, "by week, and the features used most"
    )
