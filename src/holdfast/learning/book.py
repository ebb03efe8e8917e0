"""What an account, and any book of accounts, will be worth at the horizon, with an interval that owns up to past errors.

An account leaves, shrinks, grows or stays. A book's interval holds the luck of its accounts and, beside it, how far forecasts of past days were off.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from holdfast.learning.panel import Bools, Floats, Ints, Texts

#: quantiles by which the size of a contraction or an expansion is kept
POINTS = np.linspace(0.05, 0.95, 10)
#: movements of a segment that count as much as all of the book's together
FULL_WEIGHT = 20.0
#: no movement takes all, or multiplies by more than this
LEAST_LEFT = 0.01
MOST_GROWTH = 5.0
DRAWS = 2000
#: past days that count as much as the belief that forecasts are not biased
BIAS_WEIGHT = 4.0


@dataclass(frozen=True)
class Sizes:
    """What is left of 1 after a typical movement: quantiles for the book and for each segment, drawn to the book's."""

    whole: Floats
    segments: dict[str, Floats]

    def of(self, segments: Texts) -> Floats:
        """(rows, points)."""
        rows = [self.segments.get(str(one), self.whole) for one in segments.tolist()]
        return np.array(rows).reshape(len(rows), len(POINTS))


@dataclass(frozen=True)
class Chances:
    """Three heads' probabilities, row by row; together never above 1."""

    churn: Floats
    contraction: Floats
    expansion: Floats

    def together(self) -> Chances:
        total = np.maximum(self.churn + self.contraction + self.expansion, 1.0)
        return Chances(self.churn / total, self.contraction / total, self.expansion / total)

    def take(self, rows: Bools | Ints) -> Chances:
        return Chances(self.churn[rows], self.contraction[rows], self.expansion[rows])


@dataclass(frozen=True)
class Accounts:
    """Each account's MRR at the horizon: expected, and the two ends of its interval; minor units."""

    expected: Floats
    low: Floats
    high: Floats
    variance: Floats


@dataclass(frozen=True)
class PastError:
    """How far forecasts of past days were off, as a share of the MRR they began from."""

    #: the mean error, drawn to 0: what came minus what was expected
    bias: float
    #: the standard deviation beyond the luck of accounts, with what is not known of the bias
    spread: float
    #: how many past days that do not overlap stand behind it
    independent: float


NO_PAST = PastError(0.0, 0.0, 0.0)


@dataclass(frozen=True)
class Book:
    """A book's MRR at the horizon."""

    opening: float
    expected: float
    low: float
    high: float


def sizes(before: Floats, after: Floats, segments: Texts, rows: Bools, usual: float) -> Sizes:
    """From past movements: `rows` are those that moved this way, `usual` is what is left of 1 where none has been seen."""
    left = np.clip(after[rows] / before[rows], LEAST_LEFT, MOST_GROWTH)
    whole = np.quantile(np.append(left, usual), POINTS)
    names = np.array([str(one) for one in segments[rows].tolist()], dtype=str)
    found = {}
    for name in np.unique(names):
        own = left[names == name]
        share = len(own) / (len(own) + FULL_WEIGHT)
        found[str(name)] = share * np.quantile(own, POINTS) + (1 - share) * whole
    return Sizes(whole, found)


def accounts(worth: Floats, chances: Chances, shrinking: Floats, growing: Floats, nominal: float = 0.9) -> Accounts:
    """Each account by itself; its interval is the shortest that holds what is promised of the mixture of leaving, shrinking, staying and growing.

    Most accounts stay just as they are: ends at fixed quantiles would promise nine in ten and hold many more.
    """
    one = chances.together()
    stays = 1 - one.churn - one.contraction - one.expansion
    points = len(POINTS)
    left = np.hstack([np.zeros((len(worth), 1)), shrinking, np.ones((len(worth), 1)), growing])
    share = np.hstack(
        [
            one.churn[:, None],
            np.repeat(one.contraction[:, None] / points, points, axis=1),
            stays[:, None],
            np.repeat(one.expansion[:, None] / points, points, axis=1),
        ]
    )
    mean = (left * share).sum(axis=1)
    variance = (left**2 * share).sum(axis=1) - mean**2
    low, high = _shortest(left, share, nominal)
    return Accounts(worth * mean, worth * low, worth * high, worth**2 * np.maximum(variance, 0))


def _shortest(left: Floats, share: Floats, nominal: float) -> tuple[Floats, Floats]:
    """Row by row the two ends, among the points of the mixture, that lie closest together and hold as much; the lower ones of equals."""
    order = np.argsort(left, axis=1, kind="stable")
    point = np.take_along_axis(left, order, axis=1)
    reached = np.cumsum(np.take_along_axis(share, order, axis=1), axis=1)
    rows, points = np.arange(len(left)), point.shape[1]
    low, high, width = point[:, 0].copy(), point[:, -1].copy(), np.full(len(left), np.inf)
    for first in range(points):
        before = reached[:, first - 1] if first else np.zeros(len(left))
        enough = reached - before[:, None] >= nominal - 1e-12
        last = point[rows, np.argmax(enough, axis=1)]
        shorter = enough[:, -1] & (last - point[:, first] < width - 1e-12)
        low[shorter], high[shorter] = point[shorter, first], last[shorter]
        width[shorter] = (last - point[:, first])[shorter]
    return low, high


def past_error(
    days: Ints, opening: Floats, expected: Floats, variance: Floats, came: Floats, horizon: int
) -> PastError:
    """From the rows of a backtest. Days whose windows overlap share their luck and count as part of one."""
    dates, inverse = np.unique(days, return_inverse=True)
    if not len(dates):
        return NO_PAST
    began, said, luck, had = (np.bincount(inverse, of) for of in (opening, expected, variance, came))
    off = (had - said) / began
    independent = 1 + (int(dates[-1]) - int(dates[0])) / horizon
    independent = min(independent, float(len(dates)))
    bias = float(off.mean()) * independent / (independent + BIAS_WEIGHT)
    total = float(np.mean((off - bias) ** 2))
    beyond = max(total - float(np.mean(luck / began**2)), 0.0)
    unsure = total / independent  # the bias itself is known from so few days only
    return PastError(bias, float(np.sqrt(beyond + unsure)), independent)


def book(
    worth: Floats,
    chances: Chances,
    shrinking: Floats,
    growing: Floats,
    past: PastError,
    nominal: float = 0.9,
    seed: int = 0,
) -> Book:
    """One book: all rows together. For several, `books` draws only once."""
    everyone = np.ones(len(worth), dtype=bool)
    return books(worth, chances, shrinking, growing, past, [everyone], nominal, seed)[0]


def books(
    worth: Floats,
    chances: Chances,
    shrinking: Floats,
    growing: Floats,
    past: PastError,
    members: Sequence[Bools],
    nominal: float = 0.9,
    seed: int = 0,
) -> list[Book]:
    """Several books of the same accounts, by masks. A common error meets all books in the same draw."""
    random = np.random.default_rng(seed)
    share = np.array(members, dtype=np.float32).reshape(len(members), len(worth))
    drawn = np.zeros((len(members), DRAWS), dtype=np.float64)
    for start in range(0, DRAWS, 250):
        drawn[:, start : start + 250] = share @ _draw(worth, chances.together(), shrinking, growing, 250, random)
    opening = share.astype(np.float64) @ worth
    error = past.bias + _common(past, random)
    drawn = np.maximum(drawn + opening[:, None] * error, 0)
    expected = share.astype(np.float64) @ accounts(worth, chances, shrinking, growing).expected
    expected = np.maximum(expected + past.bias * opening, 0)
    low, high = np.quantile(drawn, [(1 - nominal) / 2, (1 + nominal) / 2], axis=1)
    return [Book(*(float(v) for v in line)) for line in zip(opening, expected, low, high, strict=True)]


def _draw(
    worth: Floats, chances: Chances, shrinking: Floats, growing: Floats, count: int, random: np.random.Generator
) -> Floats:
    """(accounts, count) of what each may be worth."""
    rows = np.arange(len(worth))[:, None]
    luck = random.random((len(worth), count))
    point = random.integers(0, len(POINTS), (len(worth), count))
    leaves = chances.churn[:, None]
    shrinks = leaves + chances.contraction[:, None]
    grows = shrinks + chances.expansion[:, None]
    left = np.ones_like(luck)
    left = np.where(luck < grows, growing[rows, point], left)
    left = np.where(luck < shrinks, shrinking[rows, point], left)
    left = np.where(luck < leaves, 0.0, left)
    return (left * worth[:, None]).astype(np.float32)


def _common(past: PastError, random: np.random.Generator) -> Floats:
    """Errors as past ones were; the fewer of those, the longer the tails."""
    if not past.spread:
        return np.zeros(DRAWS)
    return past.spread * random.standard_t(max(past.independent, 2.0), DRAWS)
