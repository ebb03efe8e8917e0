"""Many events, many of them repeats, over a real server: the sums are exact, to the last one.

HOLDFAST_EVENTS_TEST=1000000 sends a million; fewer otherwise.
"""

from __future__ import annotations

import os
import random
import sqlite3
import threading
import time
from collections import Counter
from pathlib import Path

import duckdb
import pytest

from .conftest import track
from .served import Served

MANY = int(os.environ.get("HOLDFAST_EVENTS_TEST", "40000"))
BATCH, THREADS = 250, 4


def story(many: int) -> list[dict[str, object]]:
    """`many` events of 40 groups over five days, in any order, 30 % of them repeats of others."""
    chance = random.Random(7)
    distinct = [
        track(
            f"user-{chance.randrange(3_000)}", f"Feature {chance.randrange(20)}", messageId=f"load {n}",
            group=f"load-{chance.randrange(40)}", on=f"2026-11-{chance.randrange(10, 15)}T{chance.randrange(24):02}:00:00Z",
        )
        for n in range(many * 7 // 10)
    ]  # fmt: skip
    sent = distinct + chance.choices(distinct, k=many - len(distinct))
    chance.shuffle(sent)
    return sent


@pytest.mark.slow
def test_the_sums_are_exact(served: Served) -> None:
    sent, before = story(MANY), served.consume()
    begun = time.perf_counter()
    threads = [threading.Thread(target=send, args=(served, sent, n)) for n in range(THREADS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    took = time.perf_counter() - begun
    begun = time.perf_counter()
    told = served.consume()
    print(
        f"{MANY:,} events: sent in {took:.1f} s, {MANY / took:,.0f} a second; what was left counted in {time.perf_counter() - begun:.1f} s"
    )
    distinct = MANY * 7 // 10
    assert {name: n - before[name] for name, n in told.items()} == {
        "received": MANY, "distinct": distinct, "repeated": MANY - distinct, "rejected": 0, "redated": 0, "waiting": 0,
    }  # fmt: skip
    assert {key: value for key, value in landed(served.home).items() if key[0].startswith("events:load-")} == expected(
        sent
    )


def send(served: Served, sent: list[dict[str, object]], number: int) -> None:
    connection = served.connect()
    for first in range(number * BATCH, len(sent), THREADS * BATCH):
        assert served.batch(sent[first : first + BATCH], connection) == 200
    connection.close()


def expected(sent: list[dict[str, object]]) -> dict[tuple[str, str, str], tuple[int, int]]:
    """Counted by hand, in the plainest way."""
    unique = {str(one["messageId"]): one for one in sent}
    events: Counter[tuple[str, str, str]] = Counter()
    people: dict[tuple[str, str, str], set[object]] = {}
    for one in unique.values():
        for feature in (str(one["event"]), "*"):
            key = (f"events:{one['context']['groupId']}", str(one["timestamp"])[:10], feature)  # type: ignore[index]
            events[key] += 1
            people.setdefault(key, set()).add(one["userId"])
    return {key: (n, len(people[key])) for key, n in events.items()}


def landed(home: Path) -> dict[tuple[str, str, str], tuple[int, int]]:
    rows = duckdb.sql(
        f"select account_id, day, feature, events, active_users from read_parquet('{home}/landing/usage_day/*.parquet') "
        "qualify row_number() over (partition by account_id, day, feature order by learned_at desc, load_no desc, source_row desc) = 1"
    ).fetchall()
    return {(a, str(day), feature): (n, people) for a, day, feature, n, people in rows if n}


def seen(home: Path) -> int:
    db = sqlite3.connect(home / "events" / "events.sqlite3")
    return int(db.execute("select count(*) from seen").fetchone()[0])
