"""The integers of each number: the steps that make what stands above the line, what stands below it, and the value."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from fractions import Fraction

from holdfast.domain.period import Window
from holdfast.domain.policy import Policy
from holdfast.domain.retention import Counts
from holdfast.metrics import bridge, mrr, renewal, retention
from holdfast.metrics.retention import Segment
from holdfast.warehouse.ledger import Ledger
from holdfast.warehouse.sql import literal
from holdfast.warehouse.window import View, create_window


@dataclass(frozen=True)
class Step:
    """One addend; minor units, or a count. `kind` names the movement that it is, where it is one."""

    label: str
    amount: int
    kind: str = ""
    is_count: bool = False


@dataclass(frozen=True)
class Part:
    """A number's formula, filled in: factor × Σ upper ÷ Σ lower. Without `lower` it is an amount.

    upper_total and lower_total are what was measured; the steps must sum to them.
    """

    upper: tuple[Step, ...]
    upper_label: str
    upper_total: int
    value: Fraction | int | None
    lower: tuple[Step, ...] = ()
    lower_label: str = ""
    lower_total: int = 0
    factor: int = 1
    is_count: bool = False
    #: amounts that are told and not in the formula
    beside: tuple[Step, ...] = ()

    @property
    def difference(self) -> int:
        """What the steps leave unexplained: 0."""
        return self.upper_total - sum(step.amount for step in self.upper)

    @property
    def lower_difference(self) -> int:
        return self.lower_total - sum(step.amount for step in self.lower)


def made_of_movements(metric: str, policy: Policy) -> bool:
    """Whether the policy makes the rate of movements."""
    return (metric == "nrr" and policy.nrr == "net_movements") or (metric == "grr" and policy.grr != "capped")


def _retention(ledger: Ledger, window: Window, view: View, segment: Segment) -> retention.Row:
    rows = retention.measure(ledger, window, view, tuple(name for name, _ in segment))
    segment = tuple((ledger.attribute(name), value) for name, value in segment)
    nothing = retention.Row(segment, Counts(0, 0, 0, 0, 0, 0, 0, 0, 0, 0), None, None, None)
    return next((row for row in rows if row.segment == segment), nothing)


def nrr(ledger: Ledger, window: Window, view: View, segment: Segment) -> Part:
    """Opening and the movements, over opening."""
    row = _retention(ledger, window, view, segment)
    c = row.counts
    moved = c.all_sums if ledger.policy.nrr == "net_movements" else c
    steps = (
        Step(f"Opening MRR of {c.accounts:,} accounts", c.opening, "opening"), Step("Expansion", moved.expansion, "expansion"),
        Step("Reactivation", moved.reactivation, "reactivation"), Step("Contraction", moved.contraction, "contraction"),
        Step("Churn", moved.churn, "churn"),
    )  # fmt: skip
    total = sum(step.amount for step in steps) if ledger.policy.nrr == "net_movements" else c.closing - c.fx
    beside = (
        Step("Exchange rates, not in the rate", c.fx, "fx"),
        Step("Closing MRR at the rates of the end", c.closing, "closing"),
    )
    return Part(
        steps, "MRR kept", total, row.nrr, (Step("Opening MRR", c.opening),), "Opening MRR", c.opening, beside=beside
    )


def grr(ledger: Ledger, window: Window, view: View, segment: Segment) -> Part:
    """Opening less what was lost, over opening."""
    row = _retention(ledger, window, view, segment)
    c = row.counts
    opening = Step(f"Opening MRR of {c.accounts:,} accounts", c.opening, "opening")
    lower = (Step("Opening MRR", c.opening),)
    if ledger.policy.grr == "capped":
        steps: tuple[Step, ...] = (
            opening,
            Step("Contraction", c.contraction, "contraction"),
            Step("Churn", c.churn, "churn"),
        )
        if c.reactivation:
            back = _returned(ledger, window, view, segment)
            steps += (Step("Left and returned, up to what they had", back, "reactivation"),)
        return Part(
            steps, "MRR kept, each account capped at its start", c.kept, row.grr, lower, "Opening MRR", c.opening
        )
    s = c.cohort_sums
    steps = (opening, Step("Churn of all months", s.churn, "churn"))
    if ledger.policy.grr == "summed":
        steps = (*steps, Step("Contraction of all months", s.contraction, "contraction"))
    total = 0 if row.grr is None else int(row.grr * c.opening)
    return Part(steps, "MRR kept", total, row.grr, lower, "Opening MRR", c.opening)


def _returned(ledger: Ledger, window: Window, view: View, segment: Segment) -> int:
    """What accounts that left and came back count for: at most what they had."""
    create_window(ledger, window, view, [ledger.attribute(name) for name, _ in segment])
    where = "".join(f" and seg_{n} is not distinct from {literal(v)}" for n, (_, v) in enumerate(segment, 1))
    lost = "0" if ledger.policy.left_and_returned == "lost" else "least(opening, closing_fixed)"
    query = f"select coalesce(sum({lost}), 0)::bigint from entity_window where opening > 0 and has_returned{where}"
    return int(ledger.rows(query)[0][0])


def logo_retention(ledger: Ledger, window: Window, view: View, segment: Segment) -> Part:
    """Accounts kept over accounts at the start."""
    row = _retention(ledger, window, view, segment)
    c = row.counts
    steps = (
        Step("Customers at the start", c.accounts, is_count=True),
        Step("Customers lost", c.retained - c.accounts, "churn", True),
    )
    lower = (Step("Customers at the start", c.accounts, is_count=True),)
    return Part(
        steps,
        "Customers kept",
        c.retained,
        row.logo_retention,
        lower,
        "Customers at the start",
        c.accounts,
        is_count=True,
    )


def _standing(ledger: Ledger, window: Window, view: View, segment: Segment) -> tuple[tuple[Step, ...], int]:
    """MRR at the end of the window's last day by currency, and in all."""
    by = tuple(name for name, _ in segment)
    wanted = tuple((ledger.attribute(name), value) for name, value in segment)
    rows = mrr.measure(ledger, window.end - timedelta(days=1), view, by)
    total = next((row.mrr for row in rows if row.segment == wanted), 0)
    if segment:
        return (Step("MRR of the segment's accounts", total, "closing"),), total
    month = window.months[-1]
    amount = bridge.rated(ledger, view, ledger.month_column(month), month + 1)
    only = f" where currency = {literal(view.only)}" if view.only else ""
    rows_by_currency = ledger.rows(
        f"select currency, sum({ledger.month_column(month)})::bigint, sum({amount})::bigint, count(*) filter (where {ledger.month_column(month)} > 0) "
        f"from position{only} group by currency order by currency"
    )
    steps = tuple(
        Step(f"{count:,} accounts in {code}", int(converted), "closing")
        for code, _, converted, count in rows_by_currency
        if converted
    )
    return steps, total


def standing_mrr(ledger: Ledger, window: Window, view: View, segment: Segment) -> Part:
    """MRR by currency."""
    steps, total = _standing(ledger, window, view, segment)
    return Part(steps, "MRR", total, total)


def arr(ledger: Ledger, window: Window, view: View, segment: Segment) -> Part:
    """MRR × 12."""
    steps, total = _standing(ledger, window, view, segment)
    return Part(steps, "MRR", total, 12 * total, factor=12)


def _bridge(ledger: Ledger, window: Window, view: View, segment: Segment) -> bridge.Row:
    wanted = tuple((ledger.attribute(name), value) for name, value in segment)
    rows = bridge.measure(ledger, window.months, view, tuple(name for name, _ in wanted), len(window.months))
    return next((row for row in rows if row.segment == wanted), bridge.Row(window.months, wanted))


def net_new_arr(ledger: Ledger, window: Window, view: View, segment: Segment) -> Part:
    """Σ movements × 12."""
    row = _bridge(ledger, window, view, segment)
    lines = {**row.moved, "entering": row.entering, "leaving": row.leaving, "fx": row.fx}
    names = {
        "transfer": "Transfers",
        "entering": "Entering the segment",
        "leaving": "Leaving the segment",
        "fx": "Exchange rates",
    }
    order = ("new", "expansion", "reactivation", "contraction", "churn", "transfer", "entering", "leaving", "fx")
    steps = tuple(
        Step(names.get(kind, kind.title()), lines[kind], kind) for kind in order if lines[kind] or kind in order[:2]
    )
    beside = (Step("Opening MRR", row.opening, "opening"), Step("Closing MRR", row.closing, "closing"))
    return Part(steps, "Net new MRR", row.net_new, 12 * row.net_new, factor=12, beside=beside)


def quick(ledger: Ledger, window: Window, view: View, segment: Segment) -> Part:
    """What was won over what was lost."""
    row = _bridge(ledger, window, view, segment)
    m = row.moved
    upper = (Step("New", m["new"], "new"), Step("Expansion", m["expansion"], "expansion"))
    lower = (Step("Contraction", -m["contraction"], "contraction"), Step("Churn", -m["churn"], "churn"))
    beside = (Step("Reactivation", m["reactivation"], "reactivation"),)
    won, lost = m["new"] + m["expansion"], -(m["contraction"] + m["churn"])
    return Part(upper, "MRR won", won, row.quick_ratio, lower, "MRR lost", lost, beside=beside)


def renewal_rate(ledger: Ledger, window: Window, view: View, segment: Segment) -> Part:
    """What went on over what was due."""
    wanted = tuple((ledger.attribute(name), value) for name, value in segment)
    rows = renewal.measure(ledger, window, view, tuple(name for name, _ in wanted))
    row = next((row for row in rows if row.segment == wanted), renewal.Row(wanted, 0, 0, 0, 0))
    upper = (Step(f"Due in {row.due_count:,} terms", row.due), Step("Not renewed", row.renewed - row.due))
    beside = (Step("Terms due", row.due_count, is_count=True), Step("Terms renewed", row.renewed_count, is_count=True))
    return Part(
        upper, "MRR renewed", row.renewed, row.renewal_rate, (Step("Due", row.due),), "MRR due", row.due, beside=beside
    )


MAKERS: dict[str, Callable[[Ledger, Window, View, Segment], Part]] = {
    "nrr": nrr, "grr": grr, "logo_retention": logo_retention, "mrr": standing_mrr, "arr": arr, "net_new_arr": net_new_arr,
    "quick_ratio": quick, "renewal_rate": renewal_rate,
}  # fmt: skip
