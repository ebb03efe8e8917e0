"""Overview: the headline numbers of a window, what moved them, and how they came to be; for the first page and the board pack."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from fractions import Fraction

from holdfast.charts import options
from holdfast.charts.charted import Charted, Column
from holdfast.domain.benchmark import Verdict
from holdfast.domain.period import Window, month_name, month_start
from holdfast.metrics import benchmarked, bridge, evidence, mrr, retention, trailing
from holdfast.warehouse.ledger import Ledger
from holdfast.warehouse.window import View, WindowError

#: months of trend shown
TREND = 24
#: accounts named among those that moved most
MOVERS = 7
#: kinds of movement as they are told, with the name of their colour
KINDS = {
    "new": "New", "expansion": "Expansion", "reactivation": "Reactivation", "contraction": "Contraction",
    "churn": "Churn", "transfer": "Transfers", "fx": "Exchange rates",
}  # fmt: skip


@dataclass(frozen=True)
class Figures:
    """A window's headline numbers; minor units of `currency`."""

    currency: str
    window: Window
    row: retention.Row
    #: the same window a month earlier; None where the book had not begun
    before: retention.Row | None
    verdict: Verdict | None
    #: trailing rates by month; empty where the policy makes its rates of movements
    series: tuple[trailing.Row, ...]
    mrr: int
    customers: int
    #: the whole window as one bridge, and month by month
    whole: bridge.Row
    months: tuple[bridge.Row, ...]
    quarters_below: int

    @property
    def arr(self) -> int:
        return 12 * self.mrr

    @property
    def arr_change(self) -> Fraction | None:
        """Against the month before, as a share of it."""
        before = self.months[-1].opening if self.months else 0
        return Fraction(self.mrr - before, before) if before > 0 else None

    @property
    def net_new_arr(self) -> int:
        return 12 * self.months[-1].net_new if self.months else 0

    @property
    def net_new_arr_before(self) -> int:
        return 12 * self.months[-2].net_new if len(self.months) > 1 else 0

    @property
    def nrr_change(self) -> Fraction | None:
        return _less(self.row.nrr, self.before.nrr if self.before else None)

    @property
    def grr_change(self) -> Fraction | None:
        return _less(self.row.grr, self.before.grr if self.before else None)


def _less(a: Fraction | None, b: Fraction | None) -> Fraction | None:
    return None if a is None or b is None else a - b


def figures(ledger: Ledger, window: Window, view: View) -> Figures:
    """Measure a window of whole months."""
    last, size = window.months[-1], len(window.months)
    row = next(iter(retention.measure(ledger, window, view)))
    before = Window.months_to(month_start(last), size)
    earlier = None
    if before.months[0] >= ledger.first_month:
        earlier = next(iter(retention.measure(ledger, before, view)), None)
    by_month = bridge.measure(ledger, range(max(ledger.first_month, last - max(size, 12) + 1), last + 1), view)
    whole = bridge.measure(ledger, window.months, view, (), size)
    standing = mrr.measure(ledger, month_start(last + 1) - timedelta(days=1), view)[0]
    series = trends(ledger, range(max(ledger.first_month + size, last - TREND + 1), last + 1), view, size)
    return Figures(
        view.only or view.reporting, window, row, earlier, benchmarked.judge(ledger, window, view, row), series,
        standing.mrr, standing.accounts, whole[0], tuple(by_month), benchmarked.below_for(series),
    )  # fmt: skip


def trends(ledger: Ledger, months: range, view: View, size: int) -> tuple[trailing.Row, ...]:
    """The trailing rates by month; none where the policy makes its rates of movements, which takes a pass per month."""
    if not len(months):
        return ()
    try:
        return tuple(trailing.measure(ledger, months, view, size))
    except WindowError:
        return ()


def movers(ledger: Ledger, month: int, view: View, limit: int = MOVERS) -> list[evidence.AccountLine]:
    """The accounts that moved a month most, largest first."""
    lines = evidence.accounts(ledger, Window.month(month), view, limit=limit, cohort_only=False)
    return [line for line in lines if line.moved]


def waterfall(told: Figures, locale: str) -> Charted:
    """From opening to closing MRR of the window."""
    moved = {**told.whole.moved, "fx": told.whole.fx}
    parts = [(title, moved[kind], kind) for kind, title in KINDS.items() if moved.get(kind)]
    option = options.waterfall(told.whole.opening, parts, told.whole.closing, options.fmt_money(told.currency, locale))
    rows = [("Opening MRR", told.whole.opening), *((title, amount) for title, amount, _ in parts)]
    rows.append(("Closing MRR", told.whole.closing))
    sub = f"{told.window.start} to {told.window.end - timedelta(days=1)}, all accounts"
    columns = (Column(""), Column("Amount", "money"))
    return Charted("waterfall", "What moved MRR", option, columns, rows, sub, told.currency, "lg", totalled=True)


def by_month(told: Figures, locale: str) -> Charted:
    """Movements by month, and the MRR that they lead to."""
    names = [month_name(row.months[0]) for row in told.months]
    moved = {kind: [{**row.moved, "fx": row.fx}[kind] for row in told.months] for kind in KINDS}
    moved = {kind: amounts for kind, amounts in moved.items() if any(amounts)}
    closing = [row.closing for row in told.months]
    option = options.movements_by_month(names, moved, closing, options.fmt_money(told.currency, locale))
    columns = [
        Column("Month"),
        Column("Opening", "money"),
        *(Column(KINDS[kind], "money") for kind in moved),
        Column("Closing", "money"),
    ]
    rows = [
        (name, row.opening, *(amounts[n] for amounts in moved.values()), row.closing)
        for n, (name, row) in enumerate(zip(names, told.months, strict=True))
    ]
    return Charted("movements", "Movements by month", option, columns, rows, "and the MRR they lead to", told.currency)


def trend(told: Figures) -> Charted | None:
    """The trailing rates by month; None where there are fewer than two."""
    if len(told.series) < 2:
        return None
    names = [month_name(row.month) for row in told.series]
    rates = {"NRR": [_float(row.nrr) for row in told.series], "GRR": [_float(row.grr) for row in told.series]}
    columns = (Column("Month"), Column("Accounts", "count"), Column("NRR", "percent"), Column("GRR", "percent"))
    rows = [(name, row.accounts, row.nrr, row.grr) for name, row in zip(names, told.series, strict=True)]
    sub = f"{len(told.window.months)} months up to each month's end"
    return Charted("trend", "NRR and GRR", options.trend(names, rates), columns, rows, sub, told.currency)


def _float(value: Fraction | None) -> float | None:
    return None if value is None else float(value)
