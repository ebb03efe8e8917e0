"""A ticker that is killed between `sending` and the hand-off: what it held is unknown afterwards, and never sent twice."""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from holdfast.flows.home import Settings, create

from .receivers import Hook, Mailbox, hook_server, mail_server

pytestmark = pytest.mark.slow

SETUP = """
import sys
from datetime import UTC, datetime
from pathlib import Path
from holdfast.desk import start
start.connect(Path(sys.argv[1])); start.migrate()
from holdfast.flows import events, outbox, webhooks
now = datetime.now(UTC)
if sys.argv[2] == "mail":
    outbox.queue_mail("digest", "alice@example.com", "Your week", "Two renewals.", "", [], "e1", now)
else:
    webhooks.create(sys.argv[3], [], "", now)
    events.emit("month.closed", {"month": "2026-10"}, now, effect="e1")
"""


class Desk:
    """A home with a desk in other processes; its rows are read straight from its file."""

    def __init__(self, home: Path) -> None:
        self.home = create(home, Settings()).path
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("HOLDFAST_", "DJANGO_"))}
        self.environment = kept | {"HOLDFAST_ALLOW_HOSTS": "localhost"}

    def run(self, *arguments: str) -> None:
        subprocess.run([sys.executable, "-c", SETUP, str(self.home), *arguments], env=self.environment, check=True)

    def ticker(self) -> subprocess.Popen[bytes]:
        return subprocess.Popen([sys.executable, "-m", "holdfast.cli.ticker", str(self.home)], env=self.environment)

    def state(self, table: str) -> tuple[str, int]:
        with sqlite3.connect(self.home / "desk.sqlite3", timeout=20) as db:
            found: tuple[str, int] = db.execute(f"select state, attempts from desk_{table}").fetchone()
            return found

    def wait_for(self, what: Callable[[], bool], seconds: float = 30) -> None:
        until = time.monotonic() + seconds
        while not what():
            assert time.monotonic() < until, "it did not happen"
            time.sleep(0.05)


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path / "home")


@pytest.fixture
def ending() -> Iterator[list[subprocess.Popen[bytes]]]:
    """Processes that are ended with the test."""
    started: list[subprocess.Popen[bytes]] = []
    yield started
    for process in started:
        if process.poll() is None:
            process.kill()
        process.wait()


def killed_and_started_again(desk: Desk, table: str, ending: list[subprocess.Popen[bytes]]) -> None:
    """Kill the ticker that holds a row, and let another one work for a while."""
    assert desk.state(table)[0] == "sending"
    ending[-1].send_signal(signal.SIGKILL)
    ending[-1].wait()
    assert desk.state(table)[0] == "sending"
    ending.append(desk.ticker())
    desk.wait_for(lambda: desk.state(table)[0] == "unknown")
    time.sleep(3)
    assert desk.state(table) == ("unknown", 1)


def test_a_message_that_was_taken_up_and_not_yet_handed_off(desk: Desk, ending: list[subprocess.Popen[bytes]]) -> None:
    """The mail server takes the connection and says nothing: the message has not been told to it."""
    import socket

    with socket.create_server(("127.0.0.1", 0)) as silent:
        desk.environment["HOLDFAST_SMTP_URL"] = f"smtp://127.0.0.1:{silent.getsockname()[1]}"
        desk.run("mail")
        ending.append(desk.ticker())
        connection, _ = silent.accept()
        desk.wait_for(lambda: desk.state("mail")[0] == "sending")
        killed_and_started_again(desk, "mail", ending)
        silent.settimeout(0.5)
        with pytest.raises(TimeoutError):
            silent.accept()
        connection.close()


def test_a_message_that_arrived_and_was_not_yet_written_down(desk: Desk, ending: list[subprocess.Popen[bytes]]) -> None:
    """The mail server has the message, and we are killed before its answer comes."""
    box, answer = Mailbox(), threading.Event()

    def slow() -> str:
        answer.wait(20)
        return "250 OK"

    box.says = slow
    with mail_server(box) as port:
        desk.environment["HOLDFAST_SMTP_URL"] = f"smtp://127.0.0.1:{port}"
        desk.run("mail")
        ending.append(desk.ticker())
        desk.wait_for(lambda: len(box.messages) == 1)
        ending[-1].send_signal(signal.SIGKILL)
        ending[-1].wait()
        answer.set()
        ending.append(desk.ticker())
        desk.wait_for(lambda: desk.state("mail")[0] == "unknown")
        time.sleep(3)
        assert len(box.messages) == 1 and desk.state("mail") == ("unknown", 1)


def test_a_webhook_that_was_under_way(desk: Desk, ending: list[subprocess.Popen[bytes]]) -> None:
    hook = Hook()
    hook.pause = threading.Event()
    with hook_server(hook):
        desk.run("webhook", hook.url)
        ending.append(desk.ticker())
        desk.wait_for(lambda: len(hook.requests) == 1)
        killed_and_started_again(desk, "delivery", ending)
        hook.pause.set()
        assert len(hook.requests) == 1


def test_only_one_ticker_works_and_the_next_takes_over(desk: Desk, ending: list[subprocess.Popen[bytes]]) -> None:
    box = Mailbox()
    with mail_server(box) as port:
        desk.environment["HOLDFAST_SMTP_URL"] = f"smtp://127.0.0.1:{port}"
        ending += [desk.ticker(), desk.ticker(), desk.ticker()]
        desk.run("mail")
        desk.wait_for(lambda: desk.state("mail")[0] == "sent")
        time.sleep(2.5)
        assert len(box.messages) == 1


def test_a_ticker_waits_for_a_desk_that_has_no_tables_yet(desk: Desk, ending: list[subprocess.Popen[bytes]]) -> None:
    box = Mailbox()
    with mail_server(box) as port:
        desk.environment["HOLDFAST_SMTP_URL"] = f"smtp://127.0.0.1:{port}"
        ending.append(desk.ticker())
        desk.wait_for(lambda: (desk.home / "ticker.lock").exists())
        time.sleep(1)
        desk.run("mail")
        desk.wait_for(lambda: desk.state("mail")[0] == "sent")


def test_a_ticker_ends_with_what_started_it(desk: Desk) -> None:
    told = "import subprocess, sys; p = subprocess.Popen([sys.executable, '-m', 'holdfast.cli.ticker', sys.argv[1]]); print(p.pid, flush=True); p.wait()"
    desk.run("mail")
    parent = subprocess.Popen(
        [sys.executable, "-c", told, str(desk.home)], env=desk.environment, stdout=subprocess.PIPE, text=True
    )
    assert parent.stdout is not None
    pid = int(parent.stdout.readline())
    time.sleep(2)
    parent.kill()
    parent.wait()
    desk.wait_for(lambda: _is_gone(pid))


def _is_gone(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    # an orphan that ended may wait for somebody to ask for its end
    stat = Path(f"/proc/{pid}/stat")
    return not stat.exists() or stat.read_text().rpartition(")")[2].split()[0] == "Z"
