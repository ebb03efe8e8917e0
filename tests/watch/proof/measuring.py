"""The demo company as Holdfast sees it, beside the truth that only its generator knows.

Each account is looked at on the last Sunday before a month begins. The truth of that month: its hazard, and whether the account decided to leave in it
(gave notice, or stopped paying for good), which may be weeks before its MRR ends.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from holdfast.domain.scorecard_file import parse, shipped_text
from holdfast.flows import labels, panel, scored
from holdfast.flows.book import book, open_ledger, open_records, published
from holdfast.flows.demo import demo
from holdfast.flows.home import Home
from holdfast.flows.past import noticed
from holdfast.learning.panel import Bools, Floats, Panel
from holdfast.learning.settings import Settings
from holdfast.learning.training import Head, Trained, fit, train
from holdfast.signals.foretellable import foretellable
from holdfast.sources.demo import World
from holdfast.sources.demo.hidden import hidden
from holdfast.warehouse.features import dictionary, measure

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
#: a month, as a horizon: what was decided in it is known when it is over
MONTH = 31
#: the shortest horizon of the risk that the product shows
PUBLISHED = 30
#: no cause that anyone could see
WITHOUT_CAUSE = ("unseen", "involuntary")
DRAWS = 400


@dataclass
class Sight:
    """Rows of accounts on Sundays, and what was true of the month that began within the week."""

    table: pa.Table
    panel: Panel
    #: by row the truth of its month; None: the account could not leave in it any more
    truth: list[dict[str, Any] | None]
    #: by account the days on which it grew of its own will
    grown: dict[str, list[date]]
    as_of: date
    #: the truth of the months in which accounts decided to leave
    left: list[dict[str, Any]]
    #: the product's own label: 1 where no MRR was left within PUBLISHED days, nan where that is not known yet, or notice was given before
    ended: Floats

    def number(self, feature: str) -> Floats:
        return np.array([np.nan if one is None else one for one in self.table[feature].to_pylist()], float)

    def of_truth(self, name: str) -> Floats:
        return np.array([np.nan if one is None else float(one[name]) for one in self.truth])

    @cached_property
    def days(self) -> list[date]:
        return list(self.table["as_of"].to_pylist())

    @cached_property
    def accounts(self) -> npt.NDArray[np.str_]:
        return np.array(self.table["account_id"].to_pylist())

    @cached_property
    def decided(self) -> Floats:
        """1 where the account decided to leave in the month, nan where it had given notice before."""
        return np.where(noticed(self.panel), np.nan, self.of_truth("churned"))

    @cached_property
    def grew(self) -> Bools:
        """Whether the account grew within 90 days."""
        ahead = timedelta(days=90)
        return np.array(
            [any(day < one <= day + ahead for one in self.grown.get(account, ())) for account, day in self._rows()]
        )

    def before_notice(self) -> Bools:
        """The Sundays before notice was given, of departures that have a cause; where every Sunday is looked at."""
        place = {key: row for row, key in enumerate(self._rows())}
        asked, found = self.number("cancel_requested") > 0, np.zeros(len(self.days), dtype=bool)
        for one in self.left:
            sundays = [sunday(one["month"]) + timedelta(weeks=week) for week in range(1, 8)]
            known = (place.get((one["account_id"], day)) for day in sundays)
            first = next((row for row in known if row is not None and asked[row]), None)
            row = None if first is None else place.get((one["account_id"], self.days[first] - timedelta(weeks=1)))
            if row is not None and not asked[row] and one["cause"] not in WITHOUT_CAUSE:
                found[row] = True
        return found

    def staying(self) -> Bools:
        """Every fourth Sunday of accounts that do not decide to leave within five months."""
        month: dict[str, date] = {one["account_id"]: one["month"] for one in self.left}
        far = timedelta(days=150)
        return np.array(
            [day.toordinal() % 28 == 0 and month.get(who, date.max) > day + far for who, day in self._rows()]
        )

    def _rows(self) -> list[tuple[str, date]]:
        return list(zip(self.accounts.tolist(), self.days, strict=True))


def home_of(folder: Path, world: World) -> Home:
    """A demo company, landed and booked."""
    home = demo(folder / "home", world, NOW)
    book(home, NOW)
    return home


def look(home: Home, world: World, *, every_week: bool = False) -> Sight:
    """Measure the Sundays before the months, or every Sunday, and put the truth beside them."""
    told = {(row["account_id"], row["month"]): row for row in hidden(world).to_pylist()}
    current = published(home)
    assert current is not None
    with open_ledger(home) as ledger, open_records(home) as records:
        months = sorted({month for _, month in told})[1:]
        days = [sunday(month) for month in months]
        if every_week:
            days = [date.fromordinal(n) for n in range(days[0].toordinal(), ledger.as_of.toordinal() + 1, 7)]
        with panel.reaching(home, current, ledger.as_of, days) as usage:
            table = measure(ledger, records, days, usage)
        happened, as_of = foretellable(ledger, home.settings.currency), ledger.as_of
        after = labels.after(ledger, table, home.settings.currency)[PUBLISHED].hit(labels.CHURN)
    cards = parse(shipped_text(), {feature.name for feature in dictionary()})
    keys = zip(table["account_id"].to_pylist(), table["as_of"].to_pylist(), strict=True)
    made = labels.panel_of(table, scored.scores(cards, table)[1])
    return Sight(
        table,
        made,
        [told.get((account, next_month(day))) for account, day in keys],
        {account: [day for day, kind in told if kind == "expansion"] for account, told in happened.items()},
        as_of,
        [one for one in told.values() if one["churned"]],
        np.where(noticed(made), np.nan, after),
    )


def sunday(month: date) -> date:
    """The last Sunday before a day."""
    return date.fromordinal((month.toordinal() - 1) // 7 * 7)


def next_month(day: date) -> date:
    """The month that begins within a week of the last Sunday before it."""
    return (day + timedelta(days=7)).replace(day=1)


def learn(sight: Sight, **heads: Floats) -> dict[str, Trained]:
    """The product's learner, on outcomes of the month that follows."""
    settings = Settings(horizon=MONTH)
    return train(sight.panel, {name: Head(hit, MONTH) for name, hit in heads.items()}, settings)


def by_last_date_alone(sight: Sight, origins: tuple[int, ...]) -> Floats:
    """What is said if each model sees only the last date whose month was over, as a table without history would be learned from."""
    said = np.full(len(sight.panel), np.nan)
    days, hit = sight.panel.days, sight.decided
    for place, day in enumerate(origins):
        until = origins[place + 1] if place + 1 < len(origins) else int(days.max()) + 1
        closed = days[(days + MONTH <= day) & ~np.isnan(hit)]
        rows = (days == closed.max()) & ~np.isnan(hit)
        block = (days >= day) & (days < until)
        model = fit(sight.panel.take(rows), hit[rows], Settings(horizon=MONTH))
        said[block] = model.predict(sight.panel.take(block))
    return said


def interval(figure: Callable[[Floats], float], accounts: npt.NDArray[np.str_], seed: int = 0) -> tuple[float, float]:
    """Where a figure lies in 90 % of companies drawn from these accounts; it is given the weight of each row."""
    random = np.random.default_rng(seed)
    names, which = np.unique(accounts, return_inverse=True)
    drawn = random.integers(0, len(names), (DRAWS, len(names)))
    told = [figure(np.bincount(one, minlength=len(names))[which].astype(float)) for one in drawn]
    low, high = np.quantile(told, [0.05, 0.95])
    return float(low), float(high)
