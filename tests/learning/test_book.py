"""Forecasts of books against simulated companies: as often right as they say."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest

from holdfast.learning import book
from holdfast.learning.panel import Floats

PERIODS, AHEAD, STEP = 24, 3, 30


def chance(log_odds: Floats) -> Floats:
    return 1 / (1 + np.exp(-log_odds))


@dataclass(frozen=True)
class Company:
    """What was said of a company's past days and of today, and what came."""

    worth: Floats
    chances: book.Chances
    shrunk: Floats
    grown: Floats
    past: book.PastError
    future: float
    #: the share of accounts that came to lie within their own intervals
    within: float

    def forecast(self, past: book.PastError) -> book.Book:
        return book.book(self.worth, self.chances, self.shrunk, self.grown, past)


def simulated(seed: int, accounts: int, shock: float, bias: float) -> Company:
    """A company whose common luck the forecaster does not see."""
    random = np.random.default_rng(seed)
    worth = np.exp(random.normal(7, 1.2, accounts)) * 100
    churn, shrink, grow = (random.normal(mean, 0.5, accounts) for mean in (-2.8, -2.8, -2.0))
    common = np.zeros(PERIODS + AHEAD + 1)
    for period in range(1, len(common)):
        common[period] = 0.7 * common[period - 1] + shock * random.normal()

    def came(period: int) -> Floats:
        moved = common[period + 1 : period + 1 + AHEAD].sum() / np.sqrt(AHEAD)
        leaves, shrinks, grows = chance(churn + moved + bias), chance(shrink + moved), chance(grow - moved)
        luck = random.random(accounts)
        left = np.where(luck < leaves + shrinks + grows, 1 + random.gamma(2, 0.15, accounts), 1.0)
        left = np.where(luck < leaves + shrinks, random.beta(5, 2, accounts), left)
        return worth * np.where(luck < leaves, 0.0, left)

    after = np.concatenate([came(period) for period in range(PERIODS)])
    before, segments = np.tile(worth, PERIODS), np.full(accounts * PERIODS, "all", dtype=object)
    shrunk = book.sizes(before, after, segments, (after > 0) & (after < before), 0.7).of(segments[:accounts])
    grown = book.sizes(before, after, segments, after > before, 1.2).of(segments[:accounts])
    said = book.Chances(chance(churn), chance(shrink), chance(grow))
    each = book.accounts(worth, said, shrunk, grown)
    days = np.repeat(np.arange(PERIODS) * STEP, accounts)
    past = book.past_error(
        days, before, np.tile(each.expected, PERIODS), np.tile(each.variance, PERIODS), after, AHEAD * STEP
    )
    future = came(PERIODS)
    within = float(np.mean((future >= each.low) & (future <= each.high)))
    return Company(worth, said, shrunk, grown, past, float(future.sum()), within)


@pytest.mark.parametrize(("accounts", "seeds"), [(40, 30), pytest.param(150, 60, marks=pytest.mark.slow)])
def test_nominal_ninety_covers_eighty_five_to_ninety_five(accounts: int, seeds: int) -> None:
    """Over steady and shaken companies, with forecasts that lean and that do not."""
    covered, within = [], []
    for shock, bias in ((0.0, 0.0), (0.2, 0.0), (0.4, 0.0), (0.2, 0.4)):
        for seed in range(seeds):
            company = simulated(seed, accounts, shock, bias)
            told = company.forecast(company.past)
            covered.append(told.low <= company.future <= told.high)
            within.append(company.within)
    assert 0.85 <= np.mean(covered) <= 0.95
    assert 0.85 <= np.mean(within) <= 0.95


def test_the_luck_of_accounts_alone_covers_far_less_where_companies_are_shaken() -> None:
    wide, narrow = [], []
    for seed in range(25):
        company = simulated(seed, 150, 0.6, 0.0)
        assert company.past.spread > 0
        alone = company.forecast(book.NO_PAST)
        told = company.forecast(company.past)
        wide.append(told.low <= company.future <= told.high)
        narrow.append(alone.low <= company.future <= alone.high)
    assert np.mean(narrow) < np.mean(wide) - 0.2


def simple(worth: Floats, churn: float) -> tuple[book.Chances, Floats, Floats]:
    none = np.zeros(len(worth))
    points = np.full((len(worth), len(book.POINTS)), 0.5)
    return book.Chances(np.full(len(worth), churn), none, none), points, points + 1


def test_an_account_that_only_stays_or_leaves_has_a_pencil_expectation() -> None:
    worth = np.array([1000.0, 200.0])
    chances, shrunk, grown = simple(worth, 0.25)
    each = book.accounts(worth, chances, shrunk, grown)
    np.testing.assert_allclose(each.expected, [750, 150])
    np.testing.assert_allclose(each.low, [0, 0])
    np.testing.assert_allclose(each.high, worth)
    np.testing.assert_allclose(each.variance, worth**2 * 0.25 * 0.75)


def test_chances_that_add_up_to_more_than_one_are_scaled_back() -> None:
    half = np.array([0.8])
    together = book.Chances(half, half, half).together()
    assert together.churn[0] + together.contraction[0] + together.expansion[0] == pytest.approx(1)


def test_a_few_movements_of_a_segment_are_drawn_to_the_book_and_many_stand_for_themselves() -> None:
    before = np.full(2020, 100.0)
    after = np.concatenate([np.full(1000, 50.0), np.full(1000, 80.0), np.full(20, 10.0)])
    segments = np.array(["a"] * 1000 + ["b"] * 1000 + ["c"] * 20, dtype=object)
    found = book.sizes(before, after, segments, after < before, 0.7).of(np.array(["a", "b", "c", "new"], dtype=object))
    means = found.mean(axis=1)
    assert means[0] == pytest.approx(0.5, abs=0.01) and means[1] == pytest.approx(0.8, abs=0.01)
    assert 0.3 < means[2] < 0.45  # halfway between its own 0.1 and the book's
    assert means[3] == pytest.approx(0.65, abs=0.03)


def test_books_share_one_draw_and_the_whole_is_their_sum() -> None:
    worth = np.random.default_rng(1).lognormal(6, 1, 60)
    chances, shrunk, grown = simple(worth, 0.1)
    first = np.arange(60) < 30
    past = book.PastError(-0.02, 0.03, 6)
    one, other, whole = book.books(worth, chances, shrunk, grown, past, [first, ~first, first | ~first])
    assert one.expected + other.expected == pytest.approx(whole.expected)
    assert whole.expected == pytest.approx(worth.sum() * 0.88)
    assert whole.low < whole.expected < whole.high
    alone = book.book(worth, chances, shrunk, grown, past)
    assert (alone.low, alone.high) == pytest.approx((whole.low, whole.high), rel=1e-5)


def test_no_past_days_leave_the_luck_of_accounts_alone() -> None:
    nothing = np.zeros(0)
    assert book.past_error(nothing.astype(int), nothing, nothing, nothing, nothing, 90) == book.NO_PAST
