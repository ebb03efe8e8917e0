"""Numbers as the reader writes them; the pages' name for them."""

from __future__ import annotations

from holdfast.charts.numbers import (
    LOCALES,
    count,
    day,
    exponent,
    locale,
    locale_for,
    major,
    moment,
    money,
    money_short,
    money_whole,
    month,
    month_short,
    percent,
    points,
    use,
)  # fmt: skip

__all__ = [
    "LOCALES", "count", "day", "exponent", "locale", "locale_for", "major", "moment", "money", "money_short", "money_whole",
    "month", "month_short", "percent", "points", "use",
]  # fmt: skip
