"""The ticker's process: `python -m holdfast.cli.ticker HOME` does what runs by itself, for as long as the process that started it lives."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from holdfast.flows import tick

#: seconds before a ticker that broke is started again, and within which one that is told to stop has stopped
RESTART_AFTER, LEAVE_WITHIN = 5.0, 30.0


@contextmanager
def beside(home: Path) -> Iterator[None]:
    """A ticker in a process of its own for as long as the block lasts; one that breaks is started again."""
    over = threading.Event()
    running: list[subprocess.Popen[bytes]] = []
    command = [sys.executable, "-m", "holdfast.cli.ticker", str(home.absolute())]

    def keep() -> None:
        while not over.is_set():
            running[:] = [subprocess.Popen(command)]
            if running[0].wait() == 0:
                return
            over.wait(RESTART_AFTER)

    keeper = threading.Thread(target=keep, daemon=True)
    keeper.start()
    try:
        yield
    finally:
        over.set()
        for process in running:
            process.terminate()
        keeper.join(LEAVE_WITHIN)


def main() -> None:
    """Run for the home that is named, until a signal, or until the process that started us is gone."""
    over = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: over.set())
    parent = os.getppid()
    tick.run(Path(sys.argv[1]).absolute(), lambda: datetime.now(UTC), lambda: over.is_set() or os.getppid() != parent)


if __name__ == "__main__":
    main()
