"""Times and days as other systems write them. Nothing here raises: what cannot be read is None."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any
from zoneinfo import ZoneInfo


def moment(value: Any) -> datetime | None:
    """A time written in ISO 8601 or as seconds since 1970, as UTC; an empty one is none."""
    try:
        if isinstance(value, bool) or not value:
            return None
        if isinstance(value, (int, float)):
            return datetime.fromtimestamp(value, UTC)
        found = datetime.fromisoformat(str(value))
    except (ValueError, OverflowError, OSError):
        return None
    return found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)


def day_in(when: datetime | None, timezone: str) -> date | None:
    """The day of a moment in a time zone."""
    return None if when is None else when.astimezone(ZoneInfo(timezone)).date()
