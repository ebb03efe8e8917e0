"""Questions about published numbers: policy, currency, as known when, which window or months; with the home's defaults filled in."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from typing import Annotated, Any

from pydantic import BaseModel, Field

from holdfast.api import moment
from holdfast.api.fields import CURRENCY, DIGITS, Day, Line, Month
from holdfast.api.problems import Problem
from holdfast.domain.period import Window, add_months, month_no, month_start, parse_month
from holdfast.domain.policy import Policy
from holdfast.flows import answers
from holdfast.flows.answers import Source
from holdfast.flows.home import HomeError
from holdfast.warehouse.window import View

#: attributes that a number is split by, months of a table, and windows of a series
MOST_ATTRIBUTES, MOST_MONTHS, MOST_WINDOWS = 3, 240, 60
#: the days that can be asked for
FIRST_DAY, LAST_DAY = date(1970, 1, 1), date(2199, 12, 31)


class Lens(BaseModel):
    """Under which definition a number is told."""

    policy: Line | None = Field(None, description="The definition of the numbers; the home's own if left out.")
    currency: Annotated[str, Field(pattern=CURRENCY)] | None = Field(
        None, description="The reporting currency, as `EUR`; `only:EUR` for balances in euro alone, unconverted."
    )
    known_on: Day | None = Field(None, description="As known on this day: only rows learned by its end.")


class Split(Lens):
    """A number that can be told by segment."""

    by: Line | None = Field(None, description="Segment attributes, with commas (up to three): `industry,country`.")


class Windowed(Split):
    """A number of a window: from `start` up to `end`, or so many months up to a month."""

    start: Day | None = Field(None, description="First day of the window.")
    end: Day | None = Field(None, description="First day after the window.")
    to: Month | None = Field(None, description="Last month of the window, instead of `end`.")
    months: Annotated[int, Field(ge=1, le=120), DIGITS] | None = Field(
        None, description="Months of the window, instead of `start`."
    )


class OnDay(Split):
    """A number that stands at the end of a day."""

    on: Day | None = Field(None, description="The day; the last one booked if left out, or if later.")


class Monthly(Split):
    """Numbers of consecutive months."""

    from_: Month | None = Field(None, alias="from", description="First month; eleven before the last if left out.")
    to: Month | None = Field(None, description="Last month; the one of the last day booked if left out.")


@dataclass(frozen=True)
class Question:
    """A question about one ledger."""

    source: Source
    view: View
    known_on: date | None
    as_of: date
    by: tuple[str, ...] = ()

    def heading(self) -> dict[str, Any]:
        """What stands beside every number."""
        return {
            "policy": self.source.policy.name,
            "currency": self.view.only or self.view.reporting,
            "known_on": self.known_on,
            "complete_from": answers.home().complete_from,
        }

    def ask(self, question: Any, *arguments: Any) -> Any:
        """question(ledger, *arguments), worked out once for a publication."""
        return self.source.ask(question, *arguments)


def question_of(lens: Lens) -> Question:
    """What a lens asks for. Problem: there is no such policy or day; HomeError: nothing is booked."""
    told = answers.current()
    if told is None:
        raise HomeError("nothing is booked yet: load data, then run `holdfast book`")
    known_on = _in_reach("known_on", lens.known_on)
    as_of = date.fromisoformat(told.as_of)
    if known_on and known_on < date(2000, 1, 1):
        raise Problem(422, "nothing was known then", [("query.known_on", "a day from 2000 on")])
    known_on = min(known_on, moment.now().date()) if known_on else None
    return Question(
        Source(policy_named(lens.policy), known_on), view_of(lens.currency), known_on, min(as_of, known_on) if known_on else as_of,
        _attributes(getattr(lens, "by", None)),
    )  # fmt: skip


def policy_named(name: str | None, field: str = "query.policy") -> Policy:
    try:
        return answers.home().policy(name)
    except HomeError as error:
        raise Problem(422, str(error), [(field, "not a policy of this home")]) from None


def view_of(currency: str | None) -> View:
    code = currency or answers.home().settings.currency
    return View(code[5:], only=code[5:]) if code.startswith("only:") else View(code)


def _attributes(by: str | None) -> tuple[str, ...]:
    names = tuple(dict.fromkeys(name.strip() for name in (by or "").split(",") if name.strip()))
    if len(names) > MOST_ATTRIBUTES:
        raise Problem(
            422, f"a number is split by up to {MOST_ATTRIBUTES} attributes", [("query.by", "too many attributes")]
        )
    return names


def _in_reach(name: str, day: date | None) -> date | None:
    if day is not None and not FIRST_DAY <= day <= LAST_DAY:
        raise Problem(422, f"days reach from {FIRST_DAY} to {LAST_DAY}", [(f"query.{name}", "out of reach")])
    return day


def window_of(question: Question, asked: Windowed) -> Window:
    """The window asked for; by default the policy's own, up to the last month that is over."""
    if asked.end and asked.to:
        raise Problem(422, "say `end` or `to`, not both", [("query.to", "stands beside end")])
    if asked.start and asked.months:
        raise Problem(422, "say `start` or `months`, not both", [("query.months", "stands beside start")])
    start, end = _in_reach("start", asked.start), _in_reach("end", asked.end)
    last = (
        month_start(parse_month(asked.to) + 1)
        if asked.to
        else end or month_start(month_no(question.as_of + timedelta(days=1)))
    )
    first = start or add_months(last, -(asked.months or question.source.policy.window_months))
    return Window(first, last)


def months_of(question: Question, asked: Monthly) -> range:
    """The months asked for; by default the last twelve up to the as-of day."""
    stop = parse_month(asked.to) + 1 if asked.to else month_no(question.as_of) + 1
    begun: int = question.ask(first_month)
    start = parse_month(asked.from_) if asked.from_ else max(begun, stop - 12)
    if start >= stop:
        raise Problem(422, "there are no months from `from` to `to`", [("query.from", "lies after the last month")])
    if stop - start > MOST_MONTHS:
        raise Problem(422, f"up to {MOST_MONTHS} months are told at once", [("query.from", "too long ago")])
    return range(start, stop)


def first_month(ledger: Any) -> int:
    """The number of a ledger's first month."""
    return int(ledger.first_month)


def day_of(question: Question, on: date | None) -> date:
    """The day asked for; not later than the last one booked."""
    day = _in_reach("on", on)
    return min(day, question.as_of) if day else question.as_of
