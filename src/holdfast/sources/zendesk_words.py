"""What Zendesk's words and times mean in ours. Nothing here raises: what cannot be read is None."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from holdfast.sources.times import moment

#: scores of a rating; offered and unoffered are no answer
SATISFACTION = {"good": 5, "good_with_comment": 5, "bad": 1, "bad_with_comment": 1}

#: minutes that an answer may take: a century
LONGEST = 100 * 366 * 24 * 60

PRIORITIES = frozenset({"low", "normal", "high", "urgent"})


def priority(ticket: Mapping[str, Any]) -> str:
    """The priority; normal where none was given."""
    return str(ticket.get("priority")) if str(ticket.get("priority")) in PRIORITIES else "normal"


def first_response(ticket: Mapping[str, Any], metrics: Mapping[str, Any]) -> datetime | None:
    """When the first public answer came, by the clock and not by business hours; to the minute, which is all that is told."""
    opened = moment(ticket.get("created_at"))
    for name, unit in (("reply_time_in_seconds", 1), ("reply_time_in_minutes", 60)):
        told = metrics.get(name)
        taken = told.get("calendar") if isinstance(told, Mapping) else None
        if opened and isinstance(taken, (int, float)) and not isinstance(taken, bool) and 0 <= taken < LONGEST:
            return opened + timedelta(seconds=taken * unit)
    return None
