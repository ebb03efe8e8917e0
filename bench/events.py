"""The event endpoint under load: how soon a call is acknowledged, how many events a second come in, and how fast they are counted.

python -m bench.events [--seconds N]: clients in processes of their own call a served home with batches of 1, 20 and 100 events,
first singly at a moderate pace, then as fast as they are answered. Every event is counted in the end, and the sums are compared.
"""

from __future__ import annotations

import argparse
import base64
import http.client
import json
import os
import subprocess
import sys
import tempfile
import threading
import time
import uuid
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from multiprocessing import get_context
from pathlib import Path

from bench.web import _free_port, _wait, percentile

#: how the load is made: name, events of a call, connections, calls a second of one connection (0: as many as are answered)
LOADS = (
    ("singly, 200 a second", 1, 8, 25.0),
    ("singly", 1, 8, 0.0),
    ("batches of 20", 20, 8, 0.0),
    ("batches of 100", 100, 8, 0.0),
)
PROCESSES = 2
#: events that are counted at once, to see how fast that is
COUNTED = 200_000
#: what is aimed at: p99 of single events at a moderate pace, in milliseconds; events a second in batches of 100
P99_MS, PER_SECOND = 50.0, 5_000


@dataclass
class Sent:
    """What one load sent: milliseconds of each call, events that were acknowledged, answers other than 200."""

    milliseconds: list[float] = field(default_factory=list)
    events: int = 0
    wrong: list[str] = field(default_factory=list)

    def add(self, other: Sent) -> None:
        self.milliseconds += other.milliseconds
        self.events += other.events
        self.wrong += other.wrong


def event(number: int) -> dict[str, object]:
    """An event of the usual size, of one of 2,000 people in 200 groups."""
    person = number * 7_919 % 2_000
    return {
        "type": "track", "messageId": str(uuid.uuid4()), "userId": f"user-{person}", "event": f"Feature {number % 25} used",
        "timestamp": datetime.now(UTC).isoformat(), "context": {"groupId": f"group-{person % 200}", "library": {"name": "bench"}},
        "properties": {"plan": "team", "seconds": number % 300, "path": f"/projects/{number % 1000}", "note": "x" * 80},
    }  # fmt: skip


def send(port: int, key: str, events: int, connections: int, pace: float, seconds: float) -> Sent:
    """Call with so many events at once, over some connections, for a time."""
    sent = [Sent() for _ in range(connections)]
    threads = [
        threading.Thread(target=_one, args=(port, key, events, pace, seconds, mine, number))
        for number, mine in enumerate(sent)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    whole = Sent()
    for one in sent:
        whole.add(one)
    return whole


def _one(port: int, key: str, events: int, pace: float, seconds: float, mine: Sent, number: int) -> None:
    headers = {
        "Authorization": "Basic " + base64.b64encode(f"{key}:".encode()).decode(),
        "Content-Type": "application/json",
    }
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    until, next_at = time.perf_counter() + seconds, time.perf_counter() + number / 100
    while time.perf_counter() < until:
        if pace:
            time.sleep(max(0.0, next_at - time.perf_counter()))
            next_at += 1 / pace
        batch = [event(number + len(mine.milliseconds) * events + place) for place in range(events)]
        path, told = ("/v1/batch", {"batch": batch}) if events > 1 else ("/v1/track", batch[0])
        body = json.dumps({**told, "sentAt": datetime.now(UTC).isoformat()})
        begun = time.perf_counter()
        connection.request("POST", path, body, headers)
        answer = connection.getresponse()
        answer.read()
        mine.milliseconds.append((time.perf_counter() - begun) * 1000)
        if answer.status == 200:
            mine.events += events
        else:
            mine.wrong.append(str(answer.status))
    connection.close()


@contextmanager
def served(home: Path) -> Iterator[tuple[int, str]]:
    """A home that is served, and a write key for it."""
    holdfast = str(Path(sys.executable).with_name("holdfast"))
    subprocess.run([holdfast, "--home", str(home), "init"], check=True, capture_output=True)
    made = subprocess.run(
        [holdfast, "--home", str(home), "keys", "create", "--kind", "write"], check=True, capture_output=True, text=True
    )
    port = _free_port()
    command = [holdfast, "serve", "--home", str(home), "--port", str(port)]
    server = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        _wait(port)
        yield port, made.stdout.strip()
    finally:
        server.terminate()
        server.wait(timeout=60)


def run(home: Path, seconds: float) -> tuple[list[tuple[str, int, Sent, float]], dict[str, int], float]:
    """All loads on one home; then what was counted of it, and the seconds that the counting took."""
    measured = []
    with served(home) as (port, key), ProcessPoolExecutor(PROCESSES, mp_context=get_context("spawn")) as apart:
        list(apart.map(time.sleep, [0.1] * PROCESSES))  # they are there before the clock runs
        for name, events, connections, pace in LOADS:
            begun = time.perf_counter()
            each = connections // PROCESSES
            tasks = [apart.submit(send, port, key, events, each, pace, seconds) for _ in range(PROCESSES)]
            whole = Sent()
            for task in tasks:
                whole.add(task.result())
            measured.append((name, events, whole, time.perf_counter() - begun))
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as apart:
        counted = apart.submit(count, home).result()
        took = apart.submit(count_many, home.with_name("counting")).result()
    return measured, counted, took


def count(home: Path) -> dict[str, int]:
    """What was counted in the end, told by a process of its own: one process belongs to one home."""
    from holdfast.desk import start
    from holdfast.flows import events_in

    start.connect(home)
    events_in.consume(home, datetime.now(UTC))
    return events_in.counts(home)


def count_many(home: Path) -> float:
    """Seconds for COUNTED events that lie in the journal of a home that nobody else works on, with facts and Parquet."""
    from holdfast.desk import start
    from holdfast.events import calls, journal, moments
    from holdfast.flows import events_in
    from holdfast.flows.home import Settings, create

    create(home, Settings())
    start.connect(home)
    start.migrate()
    written = journal.Journal(journal.folder_of(home))
    for first in range(0, COUNTED, 100):
        call = calls.call_of({"batch": [event(first + place) for place in range(100)]}, "segment", "")
        written.append(call.payload(), moments.micros(datetime.now(UTC)), call.events)
    written.close()
    begun = time.perf_counter()
    events_in.consume(home, datetime.now(UTC), tell=True)
    took = time.perf_counter() - begun
    assert events_in.counts(home)["distinct"] == COUNTED, "events were lost in counting"
    return took


def show(measured: list[tuple[str, int, Sent, float]], counted: dict[str, int], took: float) -> int:
    """The figures as a table; 1 where an answer was not 200, or the sums differ."""
    print(f"\n{'calls with events':<24}{'calls':>9}{'events/s':>10}{'p50 ms':>9}{'p99 ms':>9}")
    for name, _, sent, seconds in measured:
        figures = "".join(f"{percentile(sent.milliseconds, share):>9.1f}" for share in (0.5, 0.99))
        print(f"{name:<24}{len(sent.milliseconds):>9,}{sent.events / seconds:>10,.0f}{figures}")
    told = sum(sent.events for _, _, sent, _ in measured)
    wrong = [one for _, _, sent, _ in measured for one in sent.wrong]
    p99 = percentile(measured[0][2].milliseconds, 0.99)
    rate = measured[-1][2].events / measured[-1][3]
    print(f"p99 of single events at a moderate pace: {p99:.1f} ms, target {P99_MS:.0f}, {_reached(p99 < P99_MS)}")
    print(f"events a second in batches of 100: {rate:,.0f}, target {PER_SECOND:,}, {_reached(rate > PER_SECOND)}")
    print(
        f"counted, with facts and Parquet: {counted['received'] / took:,.0f} events a second ({counted['received']:,} in {took:.1f} s)"
    )
    print(f"{os.cpu_count()} processors, clients on the same machine; answers other than 200: {len(wrong)}")
    same = counted["received"] == counted["distinct"] == told
    print(
        f"acknowledged {told:,}, received {counted['received']:,}, distinct {counted['distinct']:,}: {'the same' if same else 'THEY DIFFER'}"
    )
    return 0 if same and not wrong else 1


def _reached(is_reached: bool) -> str:
    return "reached" if is_reached else "missed"


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="python -m bench.events", description=__doc__)
    parser.add_argument("--seconds", type=float, default=10.0, help="how long each load lasts")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="holdfast-events-") as folder:
        return show(*run(Path(folder) / "home", given.seconds))


if __name__ == "__main__":
    sys.exit(main())
