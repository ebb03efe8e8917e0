"""kill -9 of the server and of the consumer, at any point under load: what got a 200 is counted, once.

HOLDFAST_EVENTS_KILLS=100 kills so often; fewer otherwise.
"""

from __future__ import annotations

import http.client
import os
import random
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import duckdb
import pytest

from tests.browser.conftest import own_environment

from .conftest import track
from .served import Served
from .test_load import landed, seen

KILLS = int(os.environ.get("HOLDFAST_EVENTS_KILLS", "4"))
BATCH, SENDERS = 20, 3


class Sender(threading.Thread):
    """Sends batches until told to stop; one that was not answered is sent again, as every client does."""

    def __init__(self, served: Served, number: int, over: threading.Event) -> None:
        # one that is never answered must not keep a failed test from ending
        super().__init__(daemon=True)
        self.served, self.number, self.over = served, number, over
        self.answered = 0
        self.sent_again = 0
        self.wrong: list[int] = []

    def run(self) -> None:
        connection = self.served.connect()
        while not self.over.is_set():
            batch = [self._event(self.answered + place) for place in range(BATCH)]
            while True:
                try:
                    status = self.served.batch(batch, connection)
                except (OSError, http.client.HTTPException):
                    connection.close()
                    self.sent_again += 1
                    time.sleep(0.05)
                    continue
                if status == 200:
                    break
                self.wrong.append(status)
                time.sleep(0.05)
            self.answered += BATCH

    def _event(self, number: int) -> dict[str, object]:
        name = f"{self.number}-{number}"
        return track(
            f"user-{number % 50}",
            f"Feature {number % 5}",
            messageId=name,
            group=f"group-{number % 7}",
            on="2026-11-15T10:00:00Z",
        )


def consumer(home: Path) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "tests.events.consumer", str(home), "always"]
    return subprocess.Popen(command, env=own_environment(), stderr=subprocess.PIPE)


@pytest.mark.slow
def test_nothing_is_lost_and_nothing_counted_twice(tmp_path: Path) -> None:
    chance = random.Random(11)
    served = Served(tmp_path / "home")
    served.make()
    served.start()
    over = threading.Event()
    senders = [Sender(served, number, over) for number in range(SENDERS)]
    for sender in senders:
        sender.start()
    counting = consumer(served.home)
    try:
        for number in range(KILLS):
            time.sleep(chance.uniform(0.3, 2.0))
            if number % 8 == 0:
                served.kill()
                served.start()
            elif number % 2 == 0:
                served.kill_worker(chance)
            else:
                assert counting.poll() is None, (counting.stderr.read() if counting.stderr else b"").decode()
                counting.send_signal(signal.SIGKILL)
                counting.wait()
                counting = consumer(served.home)
        if served.has_ended():
            served.start()
        time.sleep(1)
    finally:
        over.set()
        for sender in senders:
            sender.join(60)
        counting.kill()
        counting.wait()
        served.stop()
    told = served.consume()
    answered = sum(sender.answered for sender in senders)
    again = sum(sender.sent_again for sender in senders)
    print(
        f"{KILLS} kills; {answered:,} events acknowledged, {again} batches sent again, {told['repeated']} of their events were there already"
    )
    assert not any(sender.wrong for sender in senders)
    assert again > 0 and answered > 100 * KILLS, "the kills hit something"
    assert (told["distinct"], seen(served.home), told["waiting"]) == (answered, answered, 0)
    assert told["received"] == answered + told["repeated"]
    assert sum(n for (_, _, feature), (n, _) in landed(served.home).items() if feature == "*") == answered
    assert sum(n for (_, _, feature), (n, _) in landed(served.home).items() if feature != "*") == answered
    raw = duckdb.sql(
        f"select count(*), count(distinct id) from read_parquet('{served.home}/landing/raw/events/*.parquet')"
    )
    assert raw.fetchall() == [(answered, answered)], "each is kept in landing, once"
    program = "import sys; from pathlib import Path; from holdfast.flows.events_in import rebuild; print(rebuild(Path(sys.argv[1]))['distinct'])"
    command = [sys.executable, "-c", program, str(served.home)]
    rebuilt = subprocess.run(command, env=own_environment(), capture_output=True, text=True, check=True)
    assert int(rebuilt.stdout) == answered, "and can be counted again from there"
