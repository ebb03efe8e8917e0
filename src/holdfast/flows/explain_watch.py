"""How a figure of the watch was computed: its definition, the sums in it, the SQL that ran, and the accounts that make up most of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from holdfast.flows.explain import Words, readable, traced
from holdfast.metrics import risk
from holdfast.metrics.accounts import Owners
from holdfast.metrics.risk import Ahead, Outlook, Parts
from holdfast.warehouse.records import Records

#: accounts named beside the sums
MOVERS = 12
METRICS = {
    "at_risk": Words(
        "MRR at risk", "MRR at risk within 90 days",
        "Of each account's MRR the part that is expected to go: all of it times the chance of leaving within 90 days, and, times the chance of "
        "shrinking, the share that accounts of its segment lost when they shrank. It is no sum of accounts that will leave: it is what such a book loses "
        "on average, without what others grow by.",
        "Σ MRR × (chance of leaving + chance of shrinking × usual share lost)",
    ),
    "expected_mrr": Words(
        "Expected MRR", "Expected MRR, and predicted NRR",
        "What is left on average of the MRR of today's customers after so many days: leaving, shrinking and growing by their chances, with the shares that "
        "accounts of the segment lost or won before. Customers won since do not count, so that divided by today's MRR it is the predicted NRR.",
        "Σ expected MRR of each account; predicted NRR = expected MRR ÷ MRR",
    ),
}  # fmt: skip


@dataclass(frozen=True)
class Step:
    """A line of the sum, minor units."""

    label: str
    amount: int
    is_total: bool = False


@dataclass(frozen=True)
class Explanation:
    """One figure, opened; minor units of the records' currency."""

    metric: str
    words: Words
    horizon: int
    parts: Parts
    outlook: Outlook
    steps: tuple[Step, ...]
    accounts: tuple[Ahead, ...]
    sql: tuple[str, ...]

    @property
    def difference(self) -> int:
        """What the steps lack of the figure that pages show: 0."""
        shown = self.outlook.at_risk_minor if self.metric == "at_risk" else self.outlook.expected_minor
        return shown - sum(step.amount for step in self.steps if not step.is_total)


def explained(
    records: Records, metric: str, horizon: int, owners: Owners, owner_in: frozenset[str] | None
) -> Explanation:
    """Read a figure once more, and tell how. MRR at risk is always of 90 days. KeyError: there is no such figure."""
    words = METRICS[metric]
    horizon = 90 if metric == "at_risk" else horizon
    twin, recorder = traced(records)
    outlook = risk.outlook(twin, horizon, owners, owner_in)
    parts = risk.parts(twin, horizon, owners, owner_in)
    accounts = risk.ahead(twin, "at_risk" if metric == "at_risk" else "moved", horizon, MOVERS, owners, owner_in)
    statements = tuple(readable(one) for one in recorder.statements)
    return Explanation(metric, words, horizon, parts, outlook, STEPS[metric](parts), tuple(accounts), statements)


def _at_risk(parts: Parts) -> tuple[Step, ...]:
    return (
        Step("By leaving: Σ MRR × chance of leaving", parts.leaving_minor),
        Step(
            "The rest, by shrinking: Σ MRR × chance of shrinking × usual share lost",
            parts.at_risk_minor - parts.leaving_minor,
        ),
        Step("MRR at risk", parts.at_risk_minor, is_total=True),
    )


def _expected(parts: Parts) -> tuple[Step, ...]:
    return (
        Step("MRR today", parts.mrr_minor),
        Step("Accounts that are expected to lose", parts.lost_minor),
        Step("Accounts that are expected to grow", parts.won_minor),
        Step("Expected MRR", parts.expected_minor, is_total=True),
    )


STEPS: dict[str, Callable[[Parts], tuple[Step, ...]]] = {"at_risk": _at_risk, "expected_mrr": _expected}
