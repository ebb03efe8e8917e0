"""Days, moments, flags and billing intervals as people write them.

Nothing here guesses row by row: what a column leaves open (day or month first) is decided once over the whole
column, stated in the mapping, and then held. A text that does not fit is a `BadValueError` with a remedy.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Literal
from zoneinfo import ZoneInfo

from dateutil import parser as dateutil_parser

DateFormat = Literal["iso", "dmy", "mdy", "text", "excel", "epoch_s", "epoch_ms"]
DATE_FORMATS: tuple[DateFormat, ...] = ("iso", "dmy", "mdy", "text", "excel", "epoch_s", "epoch_ms")

#: What people write for "nothing" where a date or a number is expected. In texts only the empty one counts:
#: "NA" is Namibia.
NOTHING = frozenset({"", "-", "–", "—", "null", "none", "n/a", "na", "nan", "nat", "#n/a", "\\n", "open", "ongoing"})
NO_TEXT = frozenset({"", "null", "\\n"})

_EXCEL_EPOCH = datetime(1899, 12, 30)  # noqa: DTZ001 - a spreadsheet's day has no zone

_ISO = re.compile(r"^(\d{4})[-/.](\d{1,2})(?:[-/.](\d{1,2}))?(?:[T ]\s*(\S.*))?$")
_COMPACT = re.compile(r"^(19|20)\d{6}$")
_NUMERIC = re.compile(r"^(\d{1,2})[-/.](\d{1,2})[-/.](\d{4}|\d{2})(?:,?[T ]\s*(\S.*))?$")
_MONTH_YEAR = re.compile(r"^(\d{1,2})[-/.](\d{4})$")
_TEXTUAL = re.compile(r"^(?=.*\d)(?:\w+,\s*)?(?:\d{1,2}(?:st|nd|rd|th)?\W{0,2})?[A-Za-z]{3,9}\.?\W")
_SERIAL = re.compile(r"^\d{5}(\.\d+)?$")
_EPOCH_S = re.compile(r"^\d{9,10}(\.\d+)?$")
_EPOCH_MS = re.compile(r"^\d{12,13}$")


class BadValueError(ValueError):
    """A text that cannot be read as what its column holds."""

    def __init__(self, reason: str, remedy: str) -> None:
        super().__init__(reason)
        self.reason = reason
        self.remedy = remedy


# -- days and moments ----------------------------------------------------------------------------------------


def read_moment(text: str, form: DateFormat, zone: ZoneInfo) -> datetime:
    """The moment a text names, without zone, in the company's time zone (a day alone: its midnight).

    `form` decides what the text leaves open; ISO dates and dates with an English month name are never open
    and are read under every form. Raises BadValueError.
    """
    text = text.strip()
    try:
        if match := _ISO.match(text):
            year, month, day, clock = match.groups()
            return _with_clock(datetime(int(year), int(month), int(day or 1)), clock, zone)  # noqa: DTZ001
        if form in ("dmy", "mdy") and (match := _NUMERIC.match(text)):
            first, second, year, clock = match.groups()
            day, month = (first, second) if form == "dmy" else (second, first)
            return _with_clock(datetime(_full_year(year), int(month), int(day)), clock, zone)  # noqa: DTZ001
        if match := _MONTH_YEAR.match(text):
            return datetime(int(match[2]), int(match[1]), 1)  # noqa: DTZ001
        if form == "excel" and _SERIAL.match(text):
            return _EXCEL_EPOCH + timedelta(seconds=round(float(text) * 86_400))
        if form == "epoch_s" and _EPOCH_S.match(text):
            return _in_zone(datetime.fromtimestamp(float(text), UTC), zone)
        if form == "epoch_ms" and _EPOCH_MS.match(text):
            return _in_zone(datetime.fromtimestamp(int(text) / 1000, UTC), zone)
        if _COMPACT.match(text):
            return datetime.strptime(text, "%Y%m%d")  # noqa: DTZ007
        if _TEXTUAL.match(text):
            return _read_textual(text, zone)
    except (ValueError, OverflowError) as error:
        raise BadValueError("is not a day that exists", "correct the date") from error
    raise BadValueError(
        f"is not a date as this column writes them ({form})",
        "write it as YYYY-MM-DD, or change date_format of this column in the mapping",
    )


def read_day(text: str, form: DateFormat, zone: ZoneInfo) -> date:
    """The day a text names, in the company's time zone. Raises BadValueError."""
    return read_moment(text, form, zone).date()


def _full_year(text: str) -> int:
    return int(text) if len(text) == 4 else 2000 + int(text)


def _in_zone(moment: datetime, zone: ZoneInfo) -> datetime:
    return moment.astimezone(zone).replace(tzinfo=None) if moment.tzinfo else moment


def _with_clock(midnight: datetime, clock: str | None, zone: ZoneInfo) -> datetime:
    """A day with the time of day (and zone) that follows it in the text."""
    if clock is None:
        return midnight
    clock = re.sub(r"\s*(UTC|GMT|Z)$", "+00:00", clock.strip(), flags=re.IGNORECASE)
    try:
        moment = datetime.fromisoformat(f"{midnight:%Y-%m-%d}T{clock}")
    except ValueError:
        moment = dateutil_parser.parse(clock, default=midnight)
    return _in_zone(moment, zone)


_TEXT_DEFAULT = datetime(2000, 1, 1)  # noqa: DTZ001
_SHORT_MONTH = re.compile(r"^([A-Za-z]{3,9})\.?[-' ]+(\d{2}|\d{4})$")


def _read_textual(text: str, zone: ZoneInfo) -> datetime:
    """A date with an English month name; without a day it is the first of the month."""
    if match := _SHORT_MONTH.match(text):  # "Jan-24" is a month of 2024, not the 24th of January
        text = f"1 {match[1]} {_full_year(match[2])}"
    return _in_zone(dateutil_parser.parse(text, default=_TEXT_DEFAULT), zone)


@dataclass(frozen=True)
class DateChoice:
    """How a column writes its dates, and why we think so. `sure` is False where the values leave it open."""

    form: DateFormat
    reason: str
    sure: bool = True


def choose_date_format(values: Iterable[str]) -> DateChoice | None:
    """The form of a whole column, from its distinct values; None where hardly any of them is a date."""
    counts = dict.fromkeys(DATE_FORMATS, 0)
    total = day_first = month_first = 0
    numeric: list[tuple[int, int]] = []
    for text in map(str.strip, values):
        if text.lower() in NOTHING:
            continue
        total += 1
        if match := _NUMERIC.match(text):
            first, second = int(match[1]), int(match[2])
            numeric.append((first, second))
            day_first += first > 12
            month_first += second > 12
        elif (form := _form_of(text)) is not None:
            counts[form] += 1
    if not total:
        return None
    if len(numeric) * 2 > total:
        return _choose_order(numeric, day_first, month_first)
    best = max(DATE_FORMATS, key=lambda form: counts[form])
    if counts[best] * 2 <= total:
        return None
    return DateChoice(best, f"{counts[best]} of {total} different values are written so")


def _form_of(text: str) -> DateFormat | None:
    """The form of a text that is not day/month/year in digits; None: not a date."""
    if _ISO.match(text) or _COMPACT.match(text) or _MONTH_YEAR.match(text):
        return "iso"
    if _SERIAL.match(text):
        return "excel"
    if _EPOCH_S.match(text):
        return "epoch_s"
    if _EPOCH_MS.match(text):
        return "epoch_ms"
    if _TEXTUAL.match(text):
        try:
            _read_textual(text, ZoneInfo("UTC"))
        except (ValueError, OverflowError):
            return None
        return "text"
    return None


def _choose_order(numeric: list[tuple[int, int]], day_first: int, month_first: int) -> DateChoice:
    """Day or month first: by the values above 12; else by month beginnings; else day first, and not sure."""
    if day_first > month_first:
        return DateChoice("dmy", f"{day_first} values have a first number above 12", month_first == 0)
    if month_first > day_first:
        return DateChoice("mdy", f"{month_first} values have a second number above 12", day_first == 0)
    firsts, seconds = {first for first, _ in numeric}, {second for _, second in numeric}
    if firsts == {1} and len(seconds) > 1:
        return DateChoice("dmy", "read so, every date is the first of a month", sure=False)
    if seconds == {1} and len(firsts) > 1:
        return DateChoice("mdy", "read so, every date is the first of a month", sure=False)
    return DateChoice("dmy", "the values leave it open; day first is assumed", sure=False)


# -- flags and intervals -------------------------------------------------------------------------------------

_FLAGS = {
    "true": True,
    "t": True,
    "yes": True,
    "y": True,
    "1": True,
    "1.0": True,
    "x": True,
    "on": True,
    "false": False,
    "f": False,
    "no": False,
    "n": False,
    "0": False,
    "0.0": False,
    "off": False,
}


def read_flag(text: str) -> bool:
    """Yes or no. Raises BadValueError."""
    flag = _FLAGS.get(text.strip().lower())
    if flag is None:
        raise BadValueError("is neither yes nor no", "write true or false")
    return flag


_INTERVALS = {
    "day": ("day", 1),
    "daily": ("day", 1),
    "week": ("week", 1),
    "weekly": ("week", 1),
    "biweekly": ("week", 2),
    "month": ("month", 1),
    "monthly": ("month", 1),
    "mth": ("month", 1),
    "mthly": ("month", 1),
    "month to month": ("month", 1),
    "bimonthly": ("month", 2),
    "quarter": ("month", 3),
    "quarterly": ("month", 3),
    "semiannual": ("month", 6),
    "semi annual": ("month", 6),
    "semi annually": ("month", 6),
    "biannual": ("month", 6),
    "half yearly": ("month", 6),
    "half year": ("month", 6),
    "year": ("year", 1),
    "yearly": ("year", 1),
    "annual": ("year", 1),
    "annually": ("year", 1),
    "one year": ("year", 1),
    "two year": ("year", 2),
    "biennial": ("year", 2),
}
_UNITS = {"d": ("day", 1), "w": ("week", 1), "m": ("month", 1), "q": ("month", 3), "y": ("year", 1)}
_COUNTED = re.compile(r"^(?:p|every )?(\d{1,3})\s*(d|w|m|q|y)[a-z]*$")


def read_interval(text: str) -> tuple[str, int]:
    """A billing interval and its count: "annual" is (year, 1), "3 months" (month, 3), "6" six months."""
    cleaned = re.sub(r"[\s_\-./]+", " ", text.strip().lower())
    if cleaned in _INTERVALS:
        return _INTERVALS[cleaned]
    if match := _COUNTED.match(cleaned):
        unit, factor = _UNITS[match[2]]
        return unit, int(match[1]) * factor
    match = re.fullmatch(r"\s*(\d{1,3})(\.0+)?\s*", text)
    months = int(match[1]) if match else 0
    if not 0 < months <= 120:
        raise BadValueError("is not a billing interval", "write month, quarter, year, a number of months, or 3 months")
    return "month", months
