"""Which days a company is looked back at: every week of the last year, and every fourth week before that.

The days are Sundays, counted from a fixed one, so that what was measured for a day serves for ever.
"""

from __future__ import annotations

from datetime import date, timedelta
from zlib import crc32

#: days between two days that are learned from
STEP = 28
#: weeks back from the newest day that are looked at one by one
WEEKS = 52
#: years back from the newest day that are learned from
YEARS = 5


def is_looked_through(account_id: str, share: float) -> bool:
    """Whether an account is among so large a part of all, chosen by its id: the same ones on every day, and more of them for a larger part."""
    return crc32(account_id.encode()) < share * 2**32


def is_learned_from(day: date) -> bool:
    """Whether a day is one of every fourth Sunday."""
    return day.toordinal() % STEP == 0


def learning_days(first: date, last: date) -> list[date]:
    """Every fourth Sunday within [first, last], of the last years."""
    begin = max(first.toordinal(), last.toordinal() - YEARS * 365)
    return [date.fromordinal(n) for n in range(-(-begin // STEP) * STEP, last.toordinal() + 1, STEP)]


def weekly_days(first: date, last: date) -> list[date]:
    """The last Sundays within [first, last], one for each of the last `WEEKS` weeks."""
    newest = last.toordinal() // 7 * 7
    begin = max(first.toordinal(), newest - 7 * (WEEKS - 1))
    return [date.fromordinal(n) for n in range(-(-begin // 7) * 7, newest + 1, 7)]


def looked_at(first: date, last: date) -> list[date]:
    """All of them, in order."""
    return sorted({*learning_days(first, last), *weekly_days(first, last)})


def stale(days: list[date], news: date | None, last: date, late: timedelta, *, whole: bool) -> list[date]:
    """Those of the days measured that have to be measured again, where something was learned that is true from `news` on.

    What comes late within `late` is looked for at each time; what is older only where the `whole` panel is due.
    """
    if news is None:
        return []
    begin = news if whole else max(news, last - late)
    return [day for day in days if day >= begin]
