"""The board pack: one page about a month or a quarter, as data. The web shows it, paper.py prints it, schedules mail it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from holdfast.charts.charted import Charted
from holdfast.charts.numbers import money_short, percent, points
from holdfast.domain.period import Window, month_start, quarter_name
from holdfast.flows import close, overview
from holdfast.flows.book import published
from holdfast.flows.home import Home, HomeError
from holdfast.metrics import bridge, concentration, evidence, retention
from holdfast.metrics.retention import Row
from holdfast.warehouse.ledger import Ledger
from holdfast.warehouse.window import View

#: the attribute that the pack breaks the book down by, the first that the book has
BREAKDOWNS = ("segment", "plan", "plan_tier", "tier", "industry", "region", "country")
#: accounts named on either side
NAMED = 5


@dataclass(frozen=True)
class Period:
    """The month or quarter that a pack is about: months by number."""

    months: range

    @property
    def name(self) -> str:
        start = month_start(self.months[0])
        return quarter_name(self.months[0]).replace("-", " ") if len(self.months) == 3 else f"{start:%B %Y}"

    @property
    def window(self) -> Window:
        return Window(month_start(self.months.start), month_start(self.months.stop))


@dataclass(frozen=True)
class Pack:
    """What stands on the page; minor units of `currency`."""

    company: str
    period: Period
    policy: str
    currency: str
    as_of: str
    booked_at: datetime
    generation: int
    told: overview.Figures
    #: the period as one bridge
    moved: bridge.Row
    segments: tuple[Row, ...]
    breakdown: str
    gained: tuple[evidence.AccountLine, ...]
    lost: tuple[evidence.AccountLine, ...]
    largest: concentration.Concentration
    #: who signed the period's months; empty where nobody has
    signed: tuple[str, ...]
    #: the first day from which all history is whole; None: all of it is
    complete_from: date | None = None

    @property
    def headline(self) -> str:
        """The pack in one sentence, from its own figures."""
        row = self.told.row
        if row.nrr is None:
            return f"No customers were there {len(self.told.window.months)} months earlier: there is no NRR yet."
        side = "grew" if row.nrr > 1 else "shrank" if row.nrr < 1 else "stood still"
        by = f" by {percent(abs(row.nrr - 1))}" if row.nrr != 1 else ""
        text = (
            f"The customers of a year ago {side}{by}"
            if len(self.told.window.months) == 12
            else f"Existing customers {side}{by}"
        )
        text += f": NRR {percent(row.nrr)}, GRR {percent(row.grr)}"
        if self.told.nrr_change:
            text += f" ({points(self.told.nrr_change)} points on the month before)"
        return f"{text}. ARR stands at {money_short(self.told.arr, self.currency)}."


def period_of(ledger: Ledger, last: int, *, quarter: bool) -> Period:
    """The month, or the quarter that ends with it or contains it. HomeError: the book does not reach so far."""
    if not ledger.first_month <= last <= ledger.last_month:
        raise HomeError("the board pack is about a month that the ledger has")
    if not quarter:
        return Period(range(last, last + 1))
    first = last - last % 3
    return Period(range(first, first + 3))


def pack(home: Home, ledger: Ledger, view: View, last: int, *, quarter: bool = False) -> Pack:
    """The pack of the period that ends with month `last`, under the ledger's policy."""
    told = published(home)
    assert told is not None, "a ledger is open, so something is published"
    period = period_of(ledger, last, quarter=quarter)
    end = min(period.months[-1], last)
    figures = overview.figures(ledger, Window.months_to(month_start(end + 1), ledger.policy.window_months), view)
    span = range(period.months.start, end + 1)
    window = Window(month_start(span.start), month_start(span.stop))
    breakdown = next((name for name in BREAKDOWNS if name in ledger.segments), "")
    segments = retention.measure(ledger, figures.window, view, (breakdown,)) if breakdown else []
    lines = evidence.accounts(ledger, window, view, cohort_only=False)
    return Pack(
        home.settings.company, period, ledger.policy.name, view.only or view.reporting, told.as_of,
        datetime.fromisoformat(told.booked_at), told.generation, figures,
        bridge.measure(ledger, span, view, (), len(span))[0],
        tuple(sorted(segments, key=lambda row: -row.counts.opening)), breakdown,
        tuple([line for line in lines if line.moved > 0][:NAMED]), tuple([line for line in lines if line.moved < 0][:NAMED]),
        concentration.measure(ledger, month_start(end + 1) - timedelta(days=1), view), _signed(home, span, ledger.policy.name),
        home.complete_from,
    )  # fmt: skip


def _signed(home: Home, months: Sequence[int], policy: str) -> tuple[str, ...]:
    names = {f"{month_start(month):%Y-%m}" for month in months}
    return tuple(
        f"{signed.month} signed by {signed.signed_by} on {signed.signed_at[:10]}"
        for signed in close.closes(home)
        if signed.month in names and signed.policy == policy
    )


def charts(told: Pack, locale: str) -> list[Charted]:
    """The pack's charts."""
    made = [overview.waterfall(told.told, locale), overview.trend(told.told), overview.by_month(told.told, locale)]
    return [one for one in made if one is not None]
