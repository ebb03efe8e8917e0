"""What runs by itself: connections are read, events counted, news booked; mail and webhooks leave, news is told, reports fall due.

One process per home does it, whoever holds HOME/ticker.lock; the others wait for their turn.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import datetime, timedelta
from pathlib import Path

from holdfast.desk import start
from holdfast.flows.children import Children
from holdfast.flows.home import CONFIG, only_one, open_home

log = logging.getLogger("holdfast.tick")

#: seconds between two looks
EVERY = 2.0
#: an answer under an Idempotency-Key is given again for so long
KEPT_FOR = timedelta(days=30)
#: how often old answers are looked for
SWEEP_EVERY = timedelta(hours=1)
#: how often events that came in are counted
EVENTS_EVERY = timedelta(seconds=10)
#: so much lies between the beginnings of two bookings
BOOK_EVERY = timedelta(seconds=15)
#: so much lies between the beginnings of two watches
WATCH_EVERY = timedelta(minutes=5)
#: how often CTAs come back and free places are filled
CTAS_EVERY = timedelta(hours=1)
#: how often it is looked whether small files should be put together
UPKEEP_EVERY = timedelta(minutes=1)


class Ticker:
    """The work of one home. Each part stands for itself: where one fails, the others still run."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.seen: object = None
        self.swept_at: datetime | None = None
        self.counted_at: datetime | None = None
        self.kept_at: datetime | None = None
        self.booked_at: datetime | None = None
        self.watched_at: datetime | None = None
        self.refreshed_at: datetime | None = None
        self.written: object = None
        self.children = Children(home)

    def tick(self, now: datetime) -> int:
        """Do what is due; how much it was."""
        parts = (
            self._connections, self._events, self._booking, self._watching, self._ctas, self._upkeep, self._write_back, self._news, self._schedules, self._mail,
            self._webhooks, self._old_answers,
        )  # fmt: skip
        return sum(self._part(part, now) for part in parts)

    def _part(self, part: Callable[[datetime], int], now: datetime) -> int:
        try:
            return part(now)
        except Exception:
            log.exception("%s failed; it is tried again", part.__name__.strip("_"))
            return 0

    def _connections(self, now: datetime) -> int:
        """Start the runs that are due, and of those that were told of something; each is a process of its own."""
        from holdfast.desk.models import Connection
        from holdfast.flows import hooks_in

        if not (self.home / CONFIG).exists():
            return 0
        home = open_home(self.home)
        due = set(Connection.objects.due(now).values_list("name", flat=True))
        live = Connection.objects.live().filter(is_paused=False, failures=0)
        due |= {name for name in live.values_list("name", flat=True) if hooks_in.is_waiting(home, name)}
        # what was started counts as no work done: the next look comes after a pause
        for name in sorted(due):
            self.children.start(f"sync {name}", ["sync", name, "--no-book"])
        return 0

    def _events(self, now: datetime) -> int:
        from holdfast.flows import events_in

        if not (self.home / CONFIG).exists() or (self.counted_at and now - self.counted_at < EVENTS_EVERY):
            return 0
        self.counted_at = now
        events_in.consume(self.home, now)
        return 0

    def _booking(self, now: datetime) -> int:
        """Book what was landed, in a process of its own."""
        from holdfast.desk.models import Connection
        from holdfast.flows import keep

        if not (self.home / CONFIG).exists() or self.children.is_on("book"):
            return 0
        # rows that keep coming must not have it booking all the time
        if self.booked_at and now - self.booked_at < BOOK_EVERY:
            return 0
        if keep.is_due(open_home(self.home), now, is_live=Connection.objects.live().exists()):
            self.booked_at = now
            self.children.start("book", ["book", "--if-due"])
        return 0

    def _watching(self, now: datetime) -> int:
        """Look at what was booked, in a process of its own."""
        from holdfast.flows import watched

        if not (self.home / CONFIG).exists() or self.children.is_on("book"):
            return 0
        # one that failed is tried again after a while, and not at each look
        if self.watched_at and now - self.watched_at < WATCH_EVERY:
            return 0
        if watched.is_due(open_home(self.home)):
            self.watched_at = now
            self.children.start("watch", ["watch", "--if-due"])
        return 0

    def _ctas(self, now: datetime) -> int:
        """What was snoozed comes back when it is due, and free places are filled."""
        from holdfast.flows import ctas

        if not (self.home / CONFIG).exists() or (self.refreshed_at and now - self.refreshed_at < CTAS_EVERY):
            return 0
        self.refreshed_at = now
        told = ctas.refresh(now, ctas.budget())
        return told.returned + told.given

    def _write_back(self, now: datetime) -> int:
        """Tell connected systems what we know of their accounts, in a process of its own: they may take their time."""
        from holdfast.flows import writeback

        if not (self.home / CONFIG).exists() or not writeback.is_wanted():
            return 0
        stamp = writeback.stamp(open_home(self.home))
        # one that still runs has not seen what is new: it is started again when it is done
        is_due = stamp != self.written or writeback.is_waiting(now)
        if is_due and self.children.start("write-back", ["write-back"]):
            self.written = stamp
        return 0

    def _upkeep(self, now: datetime) -> int:
        """Put small files together and finish erasures, in a process of its own."""
        from holdfast.flows import upkeep

        if not (self.home / CONFIG).exists() or (self.kept_at and now - self.kept_at < UPKEEP_EVERY):
            return 0
        self.kept_at = now
        if upkeep.due(open_home(self.home), now):
            self.children.start("upkeep", ["compact", "--if-due"])
        return 0

    def _news(self, now: datetime) -> int:
        from holdfast.flows import observe

        if not (self.home / CONFIG).exists():
            return 0
        home = open_home(self.home)
        stamp = observe.stamp(home)
        if stamp == self.seen:
            return 0
        told = observe.notice(home, now)
        self.seen = stamp
        return told

    def _schedules(self, now: datetime) -> int:
        from holdfast.flows import schedules

        return schedules.run_due(now) if (self.home / CONFIG).exists() else 0

    def _mail(self, now: datetime) -> int:
        from holdfast.flows import outbox

        return outbox.deliver(now)

    def _webhooks(self, now: datetime) -> int:
        from holdfast.flows import webhooks

        return webhooks.deliver(now)

    def _old_answers(self, now: datetime) -> int:
        from holdfast.desk.models import IdempotentCall

        if self.swept_at and now - self.swept_at < SWEEP_EVERY:
            return 0
        self.swept_at = now
        return IdempotentCall.objects.filter(created_at__lt=now - KEPT_FOR).delete()[0]


def tick(now: datetime) -> int:
    """Do once what is due in the home of this process; how much it was."""
    return Ticker(start.home_path()).tick(now)


def alone(home: Path) -> AbstractContextManager[bool]:
    """Whether this process is the one that works in a home."""
    return only_one(home / "ticker.lock")


def recover(now: datetime) -> int:
    """What was being handed off when the last ticker ended is unknown: nobody else can be at it."""
    from holdfast.desk.models import Delivery, Mail
    from holdfast.flows import outbox

    rows = outbox.stale(Mail.objects.all(), now, all_of_them=True) + outbox.stale(
        Delivery.objects.all(), now, all_of_them=True
    )
    if rows:
        log.warning("%s hand-offs were cut off; they are listed as unknown", rows)
    return rows


def run(home: Path, clock: Callable[[], datetime], stop: Callable[[], bool], every: float = EVERY) -> None:
    """Work until told to stop; `clock` tells the moment."""
    from django.db import close_old_connections

    start.connect(home)
    ticker = Ticker(home)
    while not stop():
        with alone(home) as mine:
            mine = mine and _is_recovered(clock())
            while mine and not stop():
                close_old_connections()
                # a long queue is worked off without a pause
                if not ticker.tick(clock()):
                    _pause(every, stop)
            ticker.children.stop()
        _pause(every, stop)


def _pause(seconds: float, stop: Callable[[], bool]) -> None:
    until = time.monotonic() + seconds
    while not stop() and time.monotonic() < until:
        time.sleep(min(0.2, seconds))


def _is_recovered(now: datetime) -> bool:
    """Sort out what the last ticker left, if the desk can be asked: a new one has no tables until it was migrated."""
    from django.db import DatabaseError

    try:
        recover(now)
    except DatabaseError:
        log.warning("the desk cannot be read yet; it is tried again", exc_info=True)
        return False
    return True
