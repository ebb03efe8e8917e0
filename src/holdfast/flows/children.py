"""Work that is done in processes of its own: runs of connections, and bookings. Rows and locks are the truth, a process is only the hand.

A child that dies leaves its lock to the kernel and its work where the last commit was; it is started again when it is due. Two of the
same key never run at once, nor more than `MOST` together.
"""

from __future__ import annotations

import logging
import os
import subprocess
import sys
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

log = logging.getLogger("holdfast.children")

#: children at once: a run mostly waits for the other system
MOST = 3
#: how far children stand back behind those who wait for a page, as `nice` counts it
LATER = 5
#: seconds in which one that failed is not started again, whatever is due: what it could say is kept in rows
HOLD_OFF = 30.0


class Children:
    """The children of one process, by key."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.running: dict[str, subprocess.Popen[bytes]] = {}
        self.failed: dict[str, float] = {}

    def reap(self) -> list[str]:
        """Keys of those that ended since the last time."""
        ended = [key for key, child in self.running.items() if child.poll() is not None]
        for key in ended:
            code = self.running.pop(key).returncode
            if code:
                self.failed[key] = time.monotonic()
                log.warning("%s ended with %s; see %s", key, code, self._log(key))
        return ended

    def start(self, key: str, command: Sequence[str]) -> bool:
        """Start `holdfast COMMAND` for the home, unless one of this key runs or has just failed, or too many run; whether it was started."""
        self.reap()
        if key in self.running or len(self.running) >= MOST:
            return False
        if time.monotonic() - self.failed.get(key, -HOLD_OFF) < HOLD_OFF:
            return False
        log_file = self._log(key)
        log_file.parent.mkdir(parents=True, exist_ok=True)
        with log_file.open("wb") as out:
            self.running[key] = subprocess.Popen(
                [sys.executable, "-m", "holdfast", "--home", str(self.home), *command],
                stdin=subprocess.DEVNULL, stdout=out, stderr=subprocess.STDOUT,
            )  # fmt: skip
        # who reads a page goes first
        with suppress(OSError):
            os.setpriority(os.PRIO_PROCESS, self.running[key].pid, LATER)
        return True

    def is_on(self, key: str) -> bool:
        """Whether one of this key runs."""
        self.reap()
        return key in self.running

    def stop(self) -> None:
        """Ask all to end, and wait for it."""
        for child in self.running.values():
            child.terminate()
        for child in self.running.values():
            try:
                child.wait(10)
            except subprocess.TimeoutExpired:
                child.kill()
        self.running.clear()

    def _log(self, key: str) -> Path:
        return self.home / "logs" / f"{key.replace(' ', '-')}.log"
