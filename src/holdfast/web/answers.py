"""Answers from what is published, for the pages; they are kept by `flows.answers`, which the API asks, too. And the moment."""

from __future__ import annotations

from datetime import UTC, date, datetime

from holdfast.flows.answers import (
    NotReady,
    Source,
    ask_records,
    current,
    forget,
    generation,
    home,
    kept,
    looked,
    one_look,
    owner_in_facts,
    records,
    watch,
)

__all__ = [
    "NotReady", "Source", "ask_records", "current", "forget", "generation", "home", "kept", "looked", "now", "one_look", "owner_in_facts", "records",
    "today", "watch",
]  # fmt: skip


def now() -> datetime:
    """The moment at the door."""
    return datetime.now(UTC)


def today() -> date:
    """The day that the numbers run up to; the calendar's before the first booking."""
    told = current()
    return date.fromisoformat(told.as_of) if told else now().date()
