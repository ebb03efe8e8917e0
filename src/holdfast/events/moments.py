"""When an event happened: its own time, put right by what the sender's clock said when it was sent, and never after it came in.

Moments are whole microseconds since 1970 in UTC; days are numbers as `date.toordinal` gives them.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)
#: nobody measured the use of a product before this
EARLIEST = (datetime(2000, 1, 1, tzinfo=UTC) - EPOCH) // MICROSECOND
#: a number above is milliseconds, one below seconds (the year 5138, in seconds)
MILLISECONDS_FROM = 100_000_000_000
QUARTER_HOUR = 900_000_000
#: a time so little after the receipt is the receipt's, and worth no mention
TOLERATED = 3_600_000_000


def micros(moment: datetime) -> int:
    """A moment with a zone as a number; one without a zone is taken to be UTC."""
    aware = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return (aware - EPOCH) // MICROSECOND


def as_datetime(at: int) -> datetime:
    """The moment of a number, in UTC."""
    return EPOCH + timedelta(microseconds=at)


def told(value: object) -> int | None:
    """The moment that a client wrote: ISO 8601 text, or a number of seconds or milliseconds. None: it cannot be read."""
    if isinstance(value, bool):
        return None
    try:
        if isinstance(value, int | float):
            return int(value * 1_000 if abs(value) >= MILLISECONDS_FROM else value * 1_000_000)
        return micros(datetime.fromisoformat(value.strip())) if isinstance(value, str) else None
    except (ValueError, OverflowError):
        return None


def happened(own: int | None, sent: int | None, received: int) -> tuple[int, bool]:
    """When an event happened, and whether its own time had to be given up for that of its receipt.

    As Segment does it: receipt − (sent − own). A moment after the receipt cannot be, one before 2000 is no measurement.
    """
    if own is None:
        return received, True
    at = own if sent is None or sent < EARLIEST else received - (sent - own)
    if at < EARLIEST or at > received:
        return received, not received < at <= received + TOLERATED
    return at, False


class Days:
    """The company's day of a moment, in its time zone."""

    def __init__(self, zone: str) -> None:
        self.zone = ZoneInfo(zone)
        self._known: dict[int, int] = {}

    def __call__(self, at: int) -> int:
        # no zone changes its day, or its offset, within a quarter of an hour
        quarter = at // QUARTER_HOUR
        day = self._known.get(quarter)
        if day is None:
            if len(self._known) > 100_000:
                self._known.clear()
            day = as_datetime(quarter * QUARTER_HOUR).astimezone(self.zone).date().toordinal()
            self._known[quarter] = day
        return day
