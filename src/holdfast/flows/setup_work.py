"""Work in the background of the web app: loading, booking, the demo company. One piece of work at a time in a home.

HOME/working.json   what is being done, how far it is, and how it ended; every process of the server reads it
HOME/working.lock   held while somebody works: "working" in the file while nobody holds it was cut off by a crash
"""

from __future__ import annotations

import fcntl
import json
import logging
import threading
from collections.abc import Callable
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime
from pathlib import Path
from typing import IO, Any

from holdfast.domain.money import FxError
from holdfast.flows.home import write_whole
from holdfast.warehouse.matrix import LedgerError

log = logging.getLogger("holdfast.work")

#: the moment, told by the door
Clock = Callable[[], datetime]
CUT_OFF = "The work was cut off: the server stopped in the middle of it. Nothing half-done is shown. Start it again."


class BusyError(ValueError):
    """Somebody works in this home already."""


@dataclass(frozen=True)
class Working:
    """What working.json says."""

    #: idle, working, done or failed
    state: str = "idle"
    title: str = ""
    step: str = ""
    done: int = 0
    total: int = 0
    #: what came out: counts by file, for the page
    told: dict[str, Any] = field(default_factory=dict)
    error: str = ""
    started_at: str = ""
    ended_at: str = ""

    @property
    def share(self) -> int:
        """How much of the step is done, in percent."""
        return min(100, self.done * 100 // self.total) if self.total else 0

    @property
    def is_on(self) -> bool:
        return self.state == "working"


class Teller:
    """By this the work tells how far it is; small steps are not all written down."""

    def __init__(self, home: Path, working: Working) -> None:
        self.home, self.working = home, working

    def step(self, text: str) -> None:
        """Begin a step."""
        self._write(replace(self.working, step=text, done=0, total=0))

    def progress(self, done: int, total: int) -> None:
        """How much of the step is done."""
        changed = replace(self.working, done=done, total=total)
        if changed.share != self.working.share:
            self._write(changed)

    def end(self, state: str, now: datetime, told: dict[str, Any], error: str = "") -> None:
        """The last word."""
        self._write(replace(self.working, state=state, told=told, error=error, ended_at=now.isoformat()))

    def _write(self, working: Working) -> None:
        self.working = working
        write_whole(self.home / "working.json", json.dumps(asdict(working)))


#: a piece of work: tells how far it is, returns what the page shows of it
Job = Callable[[Teller], dict[str, Any]]


def working(home: Path) -> Working:
    """How it stands. What was cut off by a crash is told as failed."""
    path = home / "working.json"
    if not path.exists():
        return Working()
    told = Working(**json.loads(path.read_text()))
    if not told.is_on:
        return told
    lock = _hold(home)
    if lock is None:
        return told
    lock.close()
    # it may have ended between reading and asking for the lock
    told = Working(**json.loads(path.read_text()))
    return replace(told, state="failed", error=CUT_OFF) if told.is_on else told


def begin(home: Path, title: str, job: Job, clock: Clock) -> threading.Thread:
    """Start a piece of work in a thread of this process. BusyError: something else is being done."""
    lock = _hold(home)
    if lock is None:
        raise BusyError("Something is being loaded or booked already; wait until it is done.")
    teller = Teller(home, Working("working", title, started_at=clock().isoformat()))
    teller.step("starting")
    thread = threading.Thread(target=_run, args=(teller, job, clock, lock), daemon=True)
    thread.start()
    return thread


def _run(teller: Teller, job: Job, clock: Clock, lock: IO[str]) -> None:
    with lock:
        try:
            told = job(teller)
        except (ValueError, FxError, LedgerError) as error:
            # these messages are written for people
            teller.end("failed", clock(), {}, str(error))
        except Exception as error:
            log.exception("work in the background failed")
            teller.end("failed", clock(), {}, f"Something broke ({type(error).__name__}); the server's log says where.")
        else:
            teller.end("done", clock(), told)


def _hold(home: Path) -> IO[str] | None:
    """The lock, if nobody has it."""
    home.mkdir(parents=True, exist_ok=True)
    lock = (home / "working.lock").open("a")
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        lock.close()
        return None
    return lock
