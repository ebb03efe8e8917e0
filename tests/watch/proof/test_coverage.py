"""Intervals hold what they promise: on demo companies of several seeds nine in ten of what came lies within them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, timedelta
from pathlib import Path

import pyarrow as pa
import pytest

from holdfast.domain.scorecard_file import parse, shipped_text
from holdfast.flows import foretold, learned, panel, scored
from holdfast.flows.book import open_ledger, open_records, published
from holdfast.flows.labels import HORIZONS
from holdfast.flows.past import past_of
from holdfast.learning.settings import Settings
from holdfast.sources.demo import World
from holdfast.warehouse.features import dictionary, measure
from holdfast.warehouse.outcomes import outcomes

from .measuring import NOW, home_of

pytestmark = [pytest.mark.slow, pytest.mark.large]

ACCOUNTS = 300
SEEDS = (1, 2, 3, 4)


@dataclass
class Held:
    """By horizon whether an interval held what came; -1 below it, +1 above it."""

    accounts: dict[int, list[int]] = field(default_factory=lambda: {horizon: [] for horizon in HORIZONS})
    books: dict[int, list[int]] = field(default_factory=lambda: {horizon: [] for horizon in HORIZONS})

    def share(self, told: dict[int, list[int]], horizon: int | None = None) -> float:
        every = [one for at, some in told.items() if horizon in (None, at) for one in some]
        return sum(one == 0 for one in every) / len(every)


def place(low: float, high: float, came: float) -> int:
    """A cent is rounding."""
    return int(came > high + 1) - int(came < low - 1)


def sundays(as_of: date) -> Iterator[date]:
    """Four Sundays, half a year and more before the end."""
    for weeks in (26, 34, 42, 50):
        yield date.fromordinal((as_of - timedelta(weeks=weeks)).toordinal() // 7 * 7)


def look_back(folder: Path, seed: int, held: Held) -> None:
    """Learn as of the first of the days, foretell the four, and hold it against what came; and the books of the record."""
    world = World(accounts=ACCOUNTS, seed=seed)
    home = home_of(folder, world)
    cards = parse(shipped_text(), {feature.name for feature in dictionary()})
    current = published(home)
    assert current is not None
    with open_ledger(home) as ledger, open_records(home) as records:
        asked = sorted(sundays(ledger.as_of))
        days = panel.bring(home, current, ledger, records, NOW)
        learning = [day for day in days if panel.is_learned_from(day)]
        wise = learned.fit(past_of(home, ledger, cards, learning, asked[0]), "", NOW, Settings())
        whole = learned.fit(past_of(home, ledger, cards, learning), "", NOW, Settings())
        with panel.reaching(home, current, ledger.as_of, asked) as usage:
            then = measure(ledger, records, asked, usage)
        came = outcomes(ledger, asked, list(HORIZONS), home.settings.currency)
        for day in asked:
            rows = then.filter(pa.compute.equal(then["as_of"], pa.scalar(day))).sort_by("account_id")
            told = foretold.foretell(wise, rows, scored.scores(cards, rows)[1]).tables["expected"]
            _accounts(told, came.filter(pa.compute.equal(came["as_of"], pa.scalar(day))), held)
    for line in whole.book:
        held.books[line["horizon_days"]].append(place(line["low_minor"], line["high_minor"], line["actual_minor"]))


def _accounts(told: pa.Table, came: pa.Table, held: Held) -> None:
    after = {(row["account_id"], row["horizon_days"]): row["after_minor"] for row in came.to_pylist()}
    for row in told.to_pylist():
        had = after[row["account_id"], row["horizon_days"]] or 0
        held.accounts[row["horizon_days"]].append(place(row["low_minor"], row["high_minor"], had))


@pytest.fixture(scope="module")
def held(tmp_path_factory: pytest.TempPathFactory) -> Held:
    found = Held()
    for seed in SEEDS:
        look_back(tmp_path_factory.mktemp(f"seed{seed}"), seed, found)
    for name, told in (("accounts", found.accounts), ("books", found.books)):
        for horizon, some in told.items():
            ends = [sum(one == end for one in some) for end in (-1, 1)]
            print(
                f"{name} {horizon} days: {len(some)} intervals, {found.share(told, horizon):.3f} held, below and above {ends}"
            )
    return found


@pytest.mark.parametrize("horizon", HORIZONS)
def test_accounts_lie_within_their_intervals(held: Held, horizon: int) -> None:
    assert 0.85 <= held.share(held.accounts, horizon) <= 0.95


@pytest.mark.parametrize("horizon", HORIZONS)
def test_books_lie_within_their_intervals(held: Held, horizon: int) -> None:
    assert 0.85 <= held.share(held.books, horizon) <= 0.95
