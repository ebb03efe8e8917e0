"""How large the demo world is, when it happens, and where its randomness comes from.

Everything random is drawn from a stream named by (seed, purpose, chunk of accounts), so that leaving tables
out never changes the ones that stay, and no account depends on one of another chunk.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Literal

import numpy as np
from numpy.typing import NDArray

F = NDArray[np.float64]
I = NDArray[np.int64]  # noqa: E741
B = NDArray[np.bool_]

#: Accounts of one chunk.
CHUNK = 20_000
#: "No day" among days counted from 1970.
NONE = -1
US_DAY = 86_400_000_000

SMB, MID, ENT = 0, 1, 2
SEGMENTS = ("SMB", "Mid-market", "Enterprise")
#: Share of each segment among the customers at the start, and new customers a month as a share of those.
SHARE = (0.70, 0.65 / 3, 0.25 / 3)
ARRIVING = (0.0355, 0.0115, 0.0050)
#: Trials that never pay, as a share of the new customers.
LOST_TRIALS = (0.14, 0.06, 0.0)

#: Purposes of random streams.
TRAITS, LIFE, ITEMS, PEOPLE, MONEY, USAGE, SUPPORT, TOUCHES, RATES, NAMES, SURVEYS, DEALS = range(12)


@dataclass(frozen=True)
class World:
    """A demo company. `accounts` pay at the start; more join as others leave: the book keeps its shape."""

    accounts: int = 600
    #: chosen among sixty because its figures lie near the expectation; a book of 600 scatters widely about it
    seed: int = 12
    months: int = 36
    #: first day after the last simulated month
    end: date = date(2026, 11, 1)
    #: tables wanted; None: all
    tables: frozenset[str] | None = None
    #: "daily": only the feature `*`, for large sizes
    usage: Literal["features", "daily"] = "features"
    #: what `accounts` counts: customers at the start, or all that ever were
    count: Literal["start", "all"] = "start"

    def __post_init__(self) -> None:
        if self.accounts < 10 or self.months < 13:
            raise ValueError("a demo world needs at least 10 accounts and 13 months")
        if self.end.day != 1:
            raise ValueError("`end` is the first day of a month")

    def wants(self, *names: str) -> bool:
        return self.tables is None or any(name in self.tables for name in names)

    @property
    def firsts(self) -> I:
        """Days (from 1970) of the first of each month, as far beyond the end as the longest term reaches."""
        last = self.end.year * 12 + self.end.month - 1
        months = np.arange(last - self.months, last + 41) - 1970 * 12
        return months.astype("datetime64[M]").astype("datetime64[D]").astype(np.int64)

    @property
    def start_day(self) -> int:
        return int(self.firsts[0])

    @property
    def end_day(self) -> int:
        return int(self.firsts[self.months])

    @property
    def base_month(self) -> int:
        """The month in which the last twelve months begin, where sizes are as the table of segments says."""
        return self.months - 12

    def cells(self) -> tuple[F, I, I, B]:
        """The kinds of account: how many, segment, first month, whether a trial that fails."""
        joining = np.arange(1, self.months)
        size, segment, month, lost = [], [], [], []
        for code in (SMB, MID, ENT):
            opening = self.opening(code)
            monthly = opening * ARRIVING[code] * np.linspace(0.92, 1.08, joining.size)
            size.append(np.concatenate([[opening], monthly, monthly * LOST_TRIALS[code]]))
            month.append(np.concatenate([[0], joining, joining]))
            lost.append(np.concatenate([np.zeros(1 + joining.size), np.ones(joining.size)]).astype(bool))
            segment.append(np.full(size[-1].size, code))
        return (
            np.concatenate(size),
            np.concatenate(segment).astype(np.int64),
            np.concatenate(month).astype(np.int64),
            np.concatenate(lost),
        )

    def opening(self, segment: int) -> float:
        if segment == MID:
            return self.accounts - self.opening(SMB) - self.opening(ENT)
        return float(round(self.accounts * SHARE[segment]))

    @property
    def total(self) -> int:
        """Accounts in all, those that join later and trials that fail included."""
        return self.accounts if self.count == "all" else round(float(self.cells()[0].sum()))

    @property
    def chunks(self) -> int:
        return -(-self.total // CHUNK)

    def size(self, chunk: int) -> int:
        return min(CHUNK, self.total - chunk * CHUNK)

    def rng(self, purpose: int, chunk: int = 0, part: int = 0) -> np.random.Generator:
        return np.random.default_rng(np.random.SeedSequence([self.seed, purpose, chunk, part]))


def apportion(weights: F, total: int) -> I:
    """`total` things divided in proportion to the weights, to the last one (largest remainder)."""
    exact = weights / weights.sum() * total
    whole: I = np.floor(exact + 1e-9).astype(np.int64)
    rest = total - int(whole.sum())
    order = np.argsort(-(exact - whole), kind="stable")
    whole[order[:rest]] += 1
    return whole
