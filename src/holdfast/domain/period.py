"""Days, months and windows. Months are numbered from January 1970; intervals are half-open."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date


class PeriodError(ValueError):
    """A day, month or window that cannot be read; the message says which forms are understood."""


def month_no(day: date) -> int:
    """The number of the day's month: January 1970 is 0."""
    return (day.year - 1970) * 12 + day.month - 1


def month_start(number: int) -> date:
    """The first day of a month by its number."""
    return date(1970 + number // 12, 1 + number % 12, 1)


def add_months(day: date, months: int) -> date:
    """The same day of another month; the month's last day where it has no such day."""
    first = month_start(month_no(day) + months)
    following = month_start(month_no(day) + months + 1)
    return first.replace(day=min(day.day, (following - first).days))


def month_name(number: int) -> str:
    """`2024-03`"""
    return f"{month_start(number):%Y-%m}"


def parse_day(text: str) -> date:
    """`2024-03-31`, or `2024-03` for its first day."""
    try:
        return date.fromisoformat(text if len(text) > 7 else f"{text}-01")
    except ValueError:
        raise PeriodError(f"'{text}' is not a day; write it as 2024-03-31") from None


def parse_month(text: str) -> int:
    """The month number of `2024-03`."""
    if not re.fullmatch(r"\d{4}-(0[1-9]|1[0-2])", text):
        raise PeriodError(f"'{text}' is not a month; write it as 2024-03")
    return month_no(date.fromisoformat(f"{text}-01"))


@dataclass(frozen=True)
class Window:
    """The days from `start` up to and without `end`."""

    start: date
    end: date

    def __post_init__(self) -> None:
        if self.end <= self.start:
            raise PeriodError(f"the window from {self.start} to {self.end} is empty: its end is its first day outside")

    @classmethod
    def month(cls, number: int) -> Window:
        return cls(month_start(number), month_start(number + 1))

    @classmethod
    def months_to(cls, end: date, months: int) -> Window:
        """The `months` months that end before `end` (a trailing window)."""
        return cls(add_months(end, -months), end)

    @property
    def month_ends_inside(self) -> range:
        """Numbers of the months that end inside the window, before its end."""
        last = month_no(self.end) - (1 if self.end.day == 1 else 0)
        return range(month_no(self.start), last)

    @property
    def is_whole_months(self) -> bool:
        return self.start.day == 1 and self.end.day == 1

    @property
    def months(self) -> range:
        """Numbers of the months that the window touches."""
        return range(month_no(self.start), month_no(self.end) + (0 if self.end.day == 1 else 1))


def quarter_name(number: int) -> str:
    """`2024-Q3`, of the quarter that the month lies in."""
    start = month_start(number)
    return f"{start.year}-Q{(start.month - 1) // 3 + 1}"
