"""Two watches at once, and a person beside them: of a cause one CTA is open, and nothing that was done is undone."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from holdfast.flows.home import Settings, create

pytestmark = pytest.mark.slow

#: a desk of its own, in a process of its own: threads meet on the database's file as they would on a server
BEGIN = """
import json, sys, threading
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime
from pathlib import Path
from holdfast.desk import start
start.connect(Path(sys.argv[1]))
start.migrate()
from django.db import connection
from holdfast.desk.models import Cta, CtaEvent, Event
from holdfast.domain.ctas import Budget, Wanted
from holdfast.flows import ctas, ctas_work

now, today = datetime(2026, 1, 6, 9, tzinfo=UTC), date(2026, 1, 5)
wanted = [Wanted(f"a{n}", "risk", "declining_use", 2, "Less.", (), ("x",), n, "USD", "Alice", "", None) for n in range(40)]
plenty = Budget(per_week=1000, pool_under_minor=0)

def at_once(*works):
    gate = threading.Barrier(len(works))
    def one(work):
        connection.ensure_connection()
        gate.wait()
        try:
            return work()
        finally:
            connection.close()
    with ThreadPoolExecutor(len(works)) as pool:
        return list(pool.map(one, works))

def watch():
    return len(ctas.open_from(wanted, now, today, plenty).opened)
"""
TWICE = """
opened = at_once(watch, watch, watch)
print(json.dumps([sorted(opened), Cta.objects.count(), CtaEvent.objects.count(), Event.objects.count()]))
"""
BESIDE = """
watch()
rows = list(Cta.objects.order_by("pk"))
def close():
    for row in rows:
        ctas_work.close(row, "retained", ctas_work.By(now))
at_once(close, watch, watch)
left = Cta.objects.exclude(state="done", closed_at=now).count()
print(json.dumps([left, Cta.objects.count(), Event.objects.filter(kind="cta.closed").count()]))
"""


def told(home: Path, code: str) -> list[object]:
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("HOLDFAST_", "DJANGO_"))}
    done = subprocess.run(
        [sys.executable, "-c", BEGIN + code, str(home)], env=environment, capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 0, done.stderr
    found: list[object] = json.loads(done.stdout.splitlines()[-1])
    return found


@pytest.fixture
def own(tmp_path: Path) -> Path:
    return create(tmp_path / "home", Settings(company="Acme")).path


def test_three_watches_at_once_open_each_cta_once(own: Path) -> None:
    assert told(own, TWICE) == [[0, 0, 40], 40, 40, 40]


def test_what_a_person_closes_meanwhile_stays_closed(own: Path) -> None:
    assert told(own, BESIDE) == [0, 40, 40]
