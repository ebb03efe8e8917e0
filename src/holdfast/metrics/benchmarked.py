"""Where a measured retention stands beside benchmarks, and whether it has been under 100 % for too long."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

from holdfast.domain.benchmark import Verdict, verdict
from holdfast.domain.money import FxError
from holdfast.domain.period import Window
from holdfast.metrics.retention import Row
from holdfast.metrics.trailing import Row as TrailingRow
from holdfast.warehouse.ledger import Ledger
from holdfast.warehouse.window import View

TITLE = "Benchmarks"

#: quarters below 100 % after which it is an alarm
QUARTERS = 2


def judge(ledger: Ledger, window: Window, view: View, row: Row) -> Verdict | None:
    """The verdict on a window over the whole book; None without an NRR, or without a rate to the dollar."""
    if row.nrr is None or row.segment:
        return None
    try:
        to_dollar = ledger.rates.minor_rate(view.reporting, "USD", window.end)
    except FxError:
        return None
    months = (window.end.year - window.start.year) * 12 + window.end.month - window.start.month
    arr = int(12 * row.counts.opening * to_dollar / 100)
    return verdict(row.nrr, arr, row.counts.accounts, ledger.policy, months)


def below_for(series: Sequence[TrailingRow]) -> int:
    """For how many of the last quarter ends, one after the other up to the newest, NRR was below 100 %."""
    count = 0
    for row in reversed([row for row in series if row.month % 3 == 2]):
        if row.nrr is None or row.nrr >= Fraction(1):
            break
        count += 1
    return count
