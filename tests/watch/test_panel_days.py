"""Which days are looked back at, and which of them have to be measured again."""

from __future__ import annotations

from datetime import date, timedelta
from itertools import pairwise

import pytest

from holdfast.domain import panel

FIRST, LAST = date(2023, 11, 1), date(2026, 10, 31)
LATE = timedelta(days=35)


def test_a_part_of_the_accounts_is_the_same_on_every_day_and_grows_with_its_share() -> None:
    ids = [f"ac{number:07}" for number in range(5_000)]
    some = {one for one in ids if panel.is_looked_through(one, 0.2)}
    more = {one for one in ids if panel.is_looked_through(one, 0.4)}
    assert some < more and 0.17 < len(some) / len(ids) < 0.23
    assert all(panel.is_looked_through(one, 1.0) for one in ids)
    assert not any(panel.is_looked_through(one, 0.0) for one in ids)


def test_every_fourth_sunday_is_learned_from_and_every_sunday_of_a_year_is_shown() -> None:
    days = panel.looked_at(FIRST, LAST)
    assert all(day.isoweekday() == 7 and FIRST <= day <= LAST for day in days)
    learned = [day for day in days if panel.is_learned_from(day)]
    assert learned == panel.learning_days(FIRST, LAST)
    assert {(later - day).days for day, later in pairwise(learned)} == {28}
    assert len(panel.weekly_days(FIRST, LAST)) == 52 and panel.weekly_days(FIRST, LAST)[-1] == date(2026, 10, 25)


def test_a_day_serves_for_ever() -> None:
    """A week later the same days are looked at, and one more."""
    before, after = (set(panel.learning_days(FIRST, LAST + timedelta(weeks=n))) for n in (0, 1))
    assert before <= after and len(after - before) <= 1


def test_of_a_long_history_the_last_years_are_learned_from() -> None:
    days = panel.learning_days(date(2010, 1, 1), LAST)
    assert LAST - timedelta(days=365 * panel.YEARS) <= days[0] and len(days) == 65


@pytest.mark.parametrize("last", [FIRST, FIRST + timedelta(days=3), FIRST + timedelta(days=40)])
def test_a_short_history_has_few_days(last: date) -> None:
    days = panel.looked_at(FIRST, last)
    assert len(days) <= (last - FIRST).days / 7 + 1 and all(FIRST <= day <= last for day in days)


def test_late_news_is_measured_at_once_and_old_corrections_with_the_whole_panel() -> None:
    days = panel.looked_at(FIRST, LAST)
    assert panel.stale(days, None, LAST, LATE, whole=True) == []
    recent = panel.stale(days, LAST - timedelta(days=3), LAST, LATE, whole=False)
    assert recent == []
    near = panel.stale(days, date(2024, 1, 1), LAST, LATE, whole=False)
    assert near == [day for day in days if day >= LAST - LATE]
    whole = panel.stale(days, date(2024, 1, 1), LAST, LATE, whole=True)
    assert whole == [day for day in days if day >= date(2024, 1, 1)]
