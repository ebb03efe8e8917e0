"""Keeping the books: what came by itself since the last publication is booked by itself, and where something is connected, each new day.

Files are booked when somebody says so: several of them may belong together.

A booking that fails leaves the publication as it was, and says why in HOME/warehouse/FAILED; it is tried again when something new was
landed, or after a while.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime, timedelta

from holdfast.domain.money import FxError
from holdfast.flows.book import Published, book, published
from holdfast.flows.home import Home, HomeError, write_whole
from holdfast.sources import ecb
from holdfast.warehouse.landing import LandingError, Load
from holdfast.warehouse.matrix import LedgerError

#: a booking that failed is tried again after so long, whatever was landed
AGAIN = timedelta(minutes=15)
#: what a booking may say; anything else is a fault of ours, and is told as one
EXPECTED = (HomeError, LedgerError, FxError, LandingError)


@dataclass(frozen=True)
class Failed:
    """A booking that failed: when, over which loads, and why."""

    at: str
    last_load_no: int
    problem: str


#: what is loaded by hand
BY_HAND = frozenset({"files", "demo"})


def is_due(home: Home, now: datetime, *, is_live: bool = True) -> bool:
    """Whether something is not booked yet that came by itself; or, with something connected (`is_live`), a day began."""
    loads = _told(home)
    if not any(load.table in ("subscription_item", "invoice_line") for load in loads):
        return False
    last = max(load.load_no for load in loads)
    failure = failed(home)
    if failure and failure.last_load_no == last and now - datetime.fromisoformat(failure.at) < AGAIN:
        return False
    current = published(home)
    booked = current.last_load_no if current else 0
    if any(load.load_no > booked and load.source not in BY_HAND for load in loads):
        return True
    return is_live and current is not None and current.as_of < str(home.today(now))


def book_if_due(home: Home, now: datetime) -> Published | None:
    """Book what is due; None: nothing was, or it failed, which is kept in FAILED."""
    if not is_due(home, now):
        return None
    last = max((load.load_no for load in _told(home)), default=0)
    path = home.warehouse / "FAILED"
    try:
        before_booking(home, now)
        current = book(home, now)
    except Exception as error:
        problem = str(error) if isinstance(error, EXPECTED) else f"{type(error).__name__}: {error}"
        write_whole(path, json.dumps({"at": now.isoformat(), "last_load_no": last, "problem": problem[:1000]}))
        if not isinstance(error, EXPECTED):
            raise
        return None
    path.unlink(missing_ok=True)
    return current


def _told(home: Home) -> list[Load]:
    """Loads that somebody told: without the reference rates, which a booking lands itself."""
    return [load for load in home.landing.loads() if load.source != ecb.SOURCE]


def before_booking(home: Home, now: datetime) -> None:
    """Count the events that came in, and match accounts of other systems: what both land is part of the booking.

    The desk of the home is ready.
    """
    from holdfast.desk.models import Party
    from holdfast.flows import events_in, identity

    if (home.path / "events").exists():
        events_in.consume(home.path, now, tell=True)
    if Party.objects.exists():
        identity.match(home, now)


def failed(home: Home) -> Failed | None:
    """The booking that failed last, if none has succeeded since."""
    path = home.warehouse / "FAILED"
    return Failed(**json.loads(path.read_text())) if path.exists() else None
