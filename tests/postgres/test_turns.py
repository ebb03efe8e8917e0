"""Many at once on PostgreSQL, where transactions do not take turns by themselves: each thing happens once."""

from __future__ import annotations

import json
import time
from collections import Counter
from collections.abc import Callable

import pytest

from ..outbox.receivers import Hook, Mailbox, hook_server, mail_server
from .conftest import Desk, finished

pytestmark = pytest.mark.slow

#: at_once(work): eight threads begin at the same moment; prints what each returned, or the name of what it raised
AT_ONCE = """
import json, threading
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime
from django.db import connection
now = datetime(2026, 11, 20, 9, tzinfo=UTC)

def at_once(work, how_many=8):
    gate = threading.Barrier(how_many)
    def one(number):
        connection.ensure_connection()
        gate.wait()
        try:
            return work(number)
        except Exception as error:
            return type(error).__name__
        finally:
            connection.close()
    with ThreadPoolExecutor(how_many) as pool:
        print(json.dumps(list(pool.map(one, range(how_many)))))
"""


@pytest.fixture(scope="module")
def desk(make_desk: Callable[[str], Desk]) -> Desk:
    return make_desk("turns")


def at_once(desk: Desk, code: str) -> list[object]:
    told: list[object] = json.loads(desk.run(AT_ONCE + code))
    return told


def test_of_eight_hand_overs_of_one_account_one_stands(desk: Desk) -> None:
    code = """
from holdfast.flows import handover
at_once(lambda number: handover.hand_over(["a1"], handover.Order(f"Owner {number}", date(2026, 11, 20)), now))
"""
    assert at_once(desk, code) == [1] * 8
    standing = desk.rows("select owner from desk_handover where account_id = 'a1' and until_day is null")
    assert len(standing) == 1
    assert desk.rows("select count(*) from desk_handover where account_id = 'a1' and until_day = from_day") == [(7,)]


def test_a_note_that_comes_eight_times_is_one_note(desk: Desk) -> None:
    code = """
from holdfast.desk.models import ApiKey
from holdfast.flows import notes
key, _ = ApiKey.make("crm", ["notes:write"], None, now)
at_once(lambda number: notes.put("crm-1", "a1", "Renewal is safe.", key, now)[1])
"""
    assert sorted(map(str, at_once(desk, code))) == ["False"] * 7 + ["True"]
    assert desk.rows("select text from desk_note where external_id = 'crm-1'") == [("Renewal is safe.",)]


def test_what_happens_once_is_told_once(desk: Desk) -> None:
    code = """
from holdfast.flows import events
at_once(lambda number: events.emit("month.closed", {"month": "2026-10"}, now, effect="once") is not None)
"""
    assert Counter(map(str, at_once(desk, code))) == {"True": 1, "False": 7}


def test_admins_who_take_the_role_from_one_another_leave_one(desk: Desk) -> None:
    code = """
from holdfast.desk.models import User
from holdfast.flows import people
admins = [User.objects.create_user(f"admin{number}@example.com", role="admin") for number in range(8)]
by = people.Actor(None, now)
at_once(lambda number: people.change_role(by, User.objects.get(pk=admins[number].pk), "viewer"))
"""
    assert sorted(map(str, at_once(desk, code))) == ["None"] * 7 + ["PeopleError"]
    assert desk.rows("select count(*) from desk_user where role = 'admin' and is_active") == [(1,)]


def test_the_first_admin_is_one(make_desk: Callable[[str], Desk]) -> None:
    code = """
from holdfast.flows import people
by = people.Actor(None, now)
at_once(lambda number: people.first_admin(by, f"alice{number}@example.com", "Alice", "a-long-enough-secret").pk)
"""
    fresh = make_desk("first")
    assert Counter(map(str, at_once(fresh, code)))["PeopleError"] == 7
    assert fresh.rows("select count(*) from desk_user") == [(1,)]


#: one takes a row up and keeps its transaction open until the other waits for the same row; who got it
CLAIMED = """
import threading, time
from datetime import UTC, datetime
from django.db import connection, transaction
from holdfast.desk.models import Delivery, Mail
from holdfast.flows import events, outbox, webhooks
now = datetime(2026, 11, 20, 9, tzinfo=UTC)
if sys.argv[2] == "mail":
    outbox.queue_mail("digest", "alice@example.com", "Your week", "Two.", "", [], "claimed", now)
    rows = Mail.objects.all
else:
    webhooks.create("https://example.com/hooks", [], "", now)
    events.emit("month.closed", {"month": "2026-09"}, now, effect="claimed")
    rows = Delivery.objects.select_related("endpoint", "event").filter(endpoint__is_on=True).all
second = []
def take():
    second.extend(outbox.claim(rows(), now, 5))
    connection.close()
thread = threading.Thread(target=take)
with transaction.atomic():
    first = outbox.claim(rows(), now, 5)
    thread.start()
    until = time.monotonic() + 20
    waiting = False
    while not waiting and time.monotonic() < until:
        with connection.cursor() as cursor:
            cursor.execute("select count(*) from pg_locks where not granted")
            waiting = cursor.fetchone()[0] > 0
thread.join(20)
print(waiting, len(first), len(second))
"""


@pytest.mark.parametrize("what", ["mail", "webhook"])
def test_who_waited_for_a_row_does_not_take_it_up_too(make_desk: Callable[[str], Desk], what: str) -> None:
    assert make_desk(f"claim-{what}").run(CLAIMED, what) == "True 1 0"


TICKER = """
import time
from datetime import UTC, datetime
from holdfast.flows.tick import Ticker
ticker, quiet = Ticker(Path(sys.argv[1])), 0
while not Path(sys.argv[2]).exists():
    time.sleep(0.01)
while quiet < 3:
    quiet = 0 if ticker.tick(datetime.now(UTC)) else quiet + 1
"""

QUEUE = """
from datetime import UTC, datetime
from holdfast.flows import events, outbox, webhooks
now = datetime.now(UTC)
webhooks.create(sys.argv[2], [], "", now)
for number in range(60):
    outbox.queue_mail("digest", "alice@example.com", f"Mail {number}", "Two renewals.", "", [], f"mail:{number}", now)
    events.emit("month.closed", {"month": "2026-10", "number": number}, now, effect=f"event:{number}")
"""


def test_two_tickers_at_once_deliver_each_mail_and_each_event_once(make_desk: Callable[[str], Desk]) -> None:
    desk, mailbox = make_desk("tickers"), Mailbox()
    go = desk.home / "go"
    with mail_server(mailbox) as port, hook_server(Hook()) as hook:
        given = {"HOLDFAST_SMTP_URL": f"smtp://127.0.0.1:{port}", "HOLDFAST_ALLOW_HOSTS": "localhost"}
        desk.run(QUEUE, hook.url, **given)
        tickers = [desk.start(TICKER, str(go), **given) for _ in range(2)]
        time.sleep(2)
        go.touch()
        for ticker in tickers:
            finished(ticker)
    assert Counter(str(message["Subject"]) for message in mailbox.messages) == {f"Mail {n}": 1 for n in range(60)}
    posted = Counter(headers["webhook-id"] for _, headers, _ in hook.requests)
    assert len(posted) == 60 and set(posted.values()) == {1}
    for table in ("mail", "delivery"):
        assert desk.rows(f"select state, attempts, count(*) from desk_{table} group by 1, 2") == [("sent", 1, 60)]
