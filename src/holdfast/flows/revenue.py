"""Revenue: the bridge by month, quarter or year, the rates by segment with what moved them, and the charts of both."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from fractions import Fraction
from pathlib import Path
from typing import Any

from holdfast.charts import options
from holdfast.charts.charted import Charted, Column
from holdfast.domain.period import Window, month_name, month_start, parse_month, quarter_name
from holdfast.domain.policy import Policy
from holdfast.domain.retention import Counts, MixAndRate, mix_and_rate
from holdfast.flows.book import published
from holdfast.flows.home import Home
from holdfast.metrics import bridge, cohorts, concentration, renewal, retention, without
from holdfast.metrics.retention import Segment
from holdfast.warehouse.ledger import Ledger, segment_column
from holdfast.warehouse.window import View

#: periods of the bridge, in months
EVERY = {"month": 1, "quarter": 3, "year": 12}
#: lines of a bridge as they are told
LINES = {
    "opening": "Opening MRR", "new": "New", "expansion": "Expansion", "reactivation": "Reactivation",
    "contraction": "Contraction", "churn": "Churn", "transfer": "Transfers", "entering": "Entering the segment",
    "leaving": "Leaving the segment", "fx": "Exchange rates", "closing": "Closing MRR",
}  # fmt: skip
#: the lines that a chart stacks
DRAWN = ("new", "expansion", "reactivation", "contraction", "churn", "transfer", "fx")


def period_of(month: int, every: str, last: int) -> range:
    """The month, quarter or year that a month lies in, not beyond the last month. KeyError: no such period."""
    size = EVERY[every]
    start = month - month % size
    return range(start, min(start + size, max(last, month) + 1))


def period_name(months: range, every: str) -> str:
    """`2026-09`, `2026-Q3` or `2026`."""
    if every == "month":
        return month_name(months.start)
    return quarter_name(months.start) if every == "quarter" else str(month_start(months.start).year)


def months_shown(first: int, last: int, every: str, count: int) -> range:
    """The months of the last `count` periods, whole periods from their beginning, not before the book began."""
    size = EVERY[every]
    start = last - last % size - (count - 1) * size
    return range(max(start, first - first % size), last + 1)


def bridged(ledger: Ledger, months: range, view: View, by: tuple[str, ...], size: int) -> tuple[bridge.Row, ...]:
    """The bridge of consecutive periods, by segment where asked."""
    return tuple(bridge.measure(ledger, months, view, by, size))


def amount_of(row: bridge.Row, line: str) -> int:
    """One line of a bridge's column; what moved altogether for ''."""
    if line == "":
        return row.net_new
    if line in row.moved:
        return row.moved[line]
    return int(getattr(row, line))


def lines_with_figures(rows: Sequence[bridge.Row]) -> list[str]:
    """The lines that are not empty in all columns; opening and closing always."""
    return [name for name in LINES if name in ("opening", "closing") or any(amount_of(row, name) for row in rows)]


def bridge_chart(rows: Sequence[bridge.Row], every: str, currency: str, locale: str) -> Charted:
    """Movements by period, and the MRR that they lead to."""
    names = [period_name(row.months, every) for row in rows]
    kinds = [kind for kind in LINES if kind in DRAWN and any(amount_of(r, kind) for r in rows)]
    moved = {kind: [amount_of(row, kind) for row in rows] for kind in kinds}
    option = options.movements_by_month(
        names, moved, [row.closing for row in rows], options.fmt_money(currency, locale)
    )
    columns = [
        Column(every.title()),
        Column("Opening", "money"),
        *(Column(LINES[k], "money") for k in kinds),
        Column("Closing", "money"),
    ]
    told = [
        (name, row.opening, *(amount_of(row, k) for k in kinds), row.closing)
        for name, row in zip(names, rows, strict=True)
    ]
    return Charted(
        "bridge", f"MRR by {every}", option, columns, told, "what moved it, and where it ended", currency, size="lg"
    )


def values_by_attribute(ledger: Ledger) -> dict[str, int]:
    """How many values each attribute has among the accounts."""
    if not ledger.segments:
        return {}
    counts = ", ".join(f"count(distinct {segment_column(name)})" for name in ledger.segments)
    return dict(zip(ledger.segments, map(int, ledger.rows(f"select {counts} from account")[0]), strict=True))


@dataclass(frozen=True)
class SegmentLine:
    """One segment beside the others; minor units."""

    segment: Segment
    row: retention.Row
    before: retention.Row | None
    bridge: bridge.Row
    #: of the whole book's opening
    share: Fraction | None
    part: MixAndRate | None

    @property
    def value(self) -> str | None:
        return self.segment[0][1]

    @property
    def effect(self) -> Fraction:
        """On the NRR of the whole book."""
        return self.part.mix + self.part.rate if self.part else Fraction(0)

    @property
    def change(self) -> Fraction | None:
        """Of its own NRR."""
        before = self.before.nrr if self.before else None
        return None if before is None or self.row.nrr is None else self.row.nrr - before


@dataclass(frozen=True)
class Segments:
    """All segments of a window, the whole book, and why its NRR is another one than before."""

    attribute: str
    lines: tuple[SegmentLine, ...]
    whole: retention.Row
    whole_before: retention.Row | None
    whole_bridge: bridge.Row

    @property
    def change(self) -> Fraction | None:
        before = self.whole_before.nrr if self.whole_before else None
        return None if before is None or self.whole.nrr is None else self.whole.nrr - before

    @property
    def mix(self) -> Fraction:
        return sum((line.part.mix for line in self.lines if line.part), Fraction(0))

    @property
    def rate(self) -> Fraction:
        return sum((line.part.rate for line in self.lines if line.part), Fraction(0))

    @property
    def rest(self) -> Fraction:
        """What belongs to no segment: 0, but where a segment had movements and nothing at the start."""
        return (self.change or Fraction(0)) - self.mix - self.rate


def kept(counts: Counts, policy: Policy) -> int:
    """The upper part of NRR, in minor units."""
    if policy.nrr == "net_movements":
        s = counts.all_sums
        return counts.opening + s.expansion + s.reactivation + s.contraction + s.churn
    return counts.closing - counts.fx


def segments(ledger: Ledger, window: Window, before: Window, view: View, by: str) -> Segments:
    """A window's segments, with mix and rate against another window."""
    now = {row.segment: row for row in retention.measure(ledger, window, view, (by,))}
    then = {row.segment: row for row in retention.measure(ledger, before, view, (by,))}
    whole = next(iter(retention.measure(ledger, window, view)))
    whole_before = next(iter(retention.measure(ledger, before, view)), None)
    size = len(window.months)
    bridges = {row.segment: row for row in bridge.measure(ledger, window.months, view, (by,), size)}
    policy = ledger.policy
    pairs = [
        {segment[0][1] or "": (row.counts.opening, kept(row.counts, policy)) for segment, row in rows.items()}
        for rows in (then, now)
    ]
    parts = {part.segment: part for part in mix_and_rate(*pairs)}
    lines = tuple(
        SegmentLine(
            segment, now.get(segment, _empty(segment)), then.get(segment), bridges.get(segment, bridge.Row(window.months, segment)),
            Fraction(now[segment].counts.opening, whole.counts.opening) if segment in now and whole.counts.opening else None,
            parts.get(segment[0][1] or ""),
        )
        for segment in dict.fromkeys([*now, *then, *bridges])
    )  # fmt: skip
    whole_bridge = bridge.measure(ledger, window.months, view, (), size)
    return Segments(by, lines, whole, whole_before, whole_bridge[0] if whole_bridge else bridge.Row(window.months, ()))


def _empty(segment: Segment) -> retention.Row:
    return retention.Row(segment, Counts(0, 0, 0, 0, 0, 0, 0, 0, 0, 0), None, None, None)


def segments_chart(told: Segments, currency: str) -> Charted:
    """The change of NRR by segment: what its weight did, and what its rate did."""
    lines = [line for line in told.lines if line.part]
    lines.sort(key=lambda line: line.effect)
    names = [line.value or "no value" for line in lines]
    effects: list[Any] = [float(line.effect) for line in lines]
    option = options.ranking(names, effects, options.fmt_percent(digits=2))
    # room for a negative bar's label beside the names
    option["grid"] = {**option["grid"], "left": 84}
    columns = (
        Column(told.attribute.title()),
        Column("NRR", "percent"),
        Column("Mix", "percent"),
        Column("Rate", "percent"),
    )
    rows = [
        (name, line.row.nrr, line.part.mix, line.part.rate)
        for name, line in zip(names, lines, strict=True)
        if line.part
    ]
    return Charted(
        "segments",
        "What moved NRR",
        option,
        columns,
        rows,
        "by segment, in percentage points: mix and rate together",
        currency,
    )


def triangle(ledger: Ledger, view: View, size: str) -> tuple[cohorts.Cell, ...]:
    """All cells of the cohort triangle."""
    return tuple(cohorts.measure(ledger, view, "quarter" if size == "quarter" else "month"))


def triangle_chart(
    names: Sequence[str], ages: Sequence[int], shares: Sequence[Sequence[Fraction | None]], of: str, currency: str
) -> Charted:
    """The triangle as a heatmap."""
    option = options.heatmap(names, ages, shares)
    columns = (Column("Cohort"), *(Column(str(age), "percent") for age in ages))
    rows = [(name, *row) for name, row in zip(names, shares, strict=True)]
    sub = f"{'MRR' if of == 'revenue' else 'accounts'} kept, by months since the first month end"
    return Charted("cohorts", "Cohorts", option, columns, rows, sub, currency, size="lg")


@dataclass(frozen=True)
class Weight:
    """How much hangs on the largest accounts, and the rates without them."""

    told: concentration.Concentration
    whole: retention.Row | None
    #: by number of accounts left out; empty where the policy makes its rates of movements
    without: tuple[without.Without, ...]


#: accounts listed and drawn
LARGEST = 50


def weight(ledger: Ledger, on: date, window: Window, view: View) -> Weight:
    """Concentration at the end of a day, and NRR of a window without the largest 1, 5 and 10 accounts."""
    told = concentration.measure(ledger, on, view, LARGEST)
    whole = next(iter(retention.measure(ledger, window, view)), None)
    return Weight(told, whole, without.measure(ledger, window, view))


def weight_chart(told: concentration.Concentration, currency: str) -> Charted | None:
    """The curve of the largest accounts' shares; None where there are fewer than two."""
    if len(told.largest) < 2:
        return None
    shares = [one.share or Fraction(0) for one in told.largest]
    rows, total = [], Fraction(0)
    for one in told.largest:
        total += one.share or 0
        rows.append((one.rank, one.name or one.entity, one.mrr, one.share, total))
    columns = (
        Column("Rank", "count"),
        Column("Account"),
        Column("MRR", "money"),
        Column("Share", "percent"),
        Column("Together", "percent"),
    )
    return Charted(
        "concentration",
        "Share of the largest accounts",
        options.concentration(shares, tops=(1, 5, 10, 20)),
        columns,
        rows,
        f"of all MRR on {told.on}",
        currency,
    )


@dataclass(frozen=True)
class Rates:
    """The rates of one window, by segment."""

    month: int
    window: Window
    rows: tuple[retention.Row, ...]
    renewals: tuple[renewal.Row, ...]


def rates(ledger: Ledger, last: int, size: int, view: View, by: tuple[str, ...]) -> Rates:
    """NRR, GRR, logo retention and renewal rate of the `size` months that end with a month."""
    window = Window.months_to(month_start(last + 1), size)
    return Rates(
        last,
        window,
        tuple(retention.measure(ledger, window, view, by)),
        tuple(renewal.measure(ledger, window, view, by)),
    )


def landed(home: Home, table: str) -> tuple[Path, ...]:
    """The landing files that the publication was made of."""
    current = published(home)
    last = current.last_load_no if current else 0
    return tuple(file for file in home.landing.files(table) if int(file.name.split("-")[0]) <= last)


def last_day(months: range) -> date:
    """The last day of consecutive months."""
    return month_start(months.stop) - timedelta(days=1)


def cohort_months(name: str) -> list[int]:
    """The months of a cohort: `2024-03` or `2024-Q1`."""
    if "-Q" not in name:
        return [parse_month(name)]
    year, quarter = name.split("-Q")
    first = parse_month(f"{year}-{int(quarter) * 3 - 2:02d}")
    return [first, first + 1, first + 2]
