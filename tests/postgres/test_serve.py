"""`holdfast serve` with its desk on PostgreSQL: people work in it, programs call it, mail leaves it, and the audit log keeps it."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import httpx
import pytest

from ..browser.conftest import free_port, serve, stop
from ..outbox.receivers import Mailbox, mail_server
from .conftest import NOW, Cluster, Desk

pytestmark = pytest.mark.slow

PAGES = (
    "/overview/", "/today/", "/revenue/", "/revenue/cohorts/", "/accounts/", "/accounts/ac0000001/", "/board/", "/setup/sources/",
    "/setup/people/", "/setup/owners/", "/setup/keys/", "/setup/webhooks/", "/setup/outbox/", "/setup/audit/?person=VP", "/profile/",
)  # fmt: skip


@dataclass(frozen=True)
class Served:
    """A server that runs, its desk, and the mail that left it."""

    base: str
    desk: Desk
    mailbox: Mailbox
    password: str


@pytest.fixture(scope="module")
def served(cluster: Cluster, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """The demo company of 120 accounts, served with its desk on PostgreSQL."""
    from holdfast.flows.book import book
    from holdfast.flows.demo import demo
    from holdfast.sources.demo import World

    path = tmp_path_factory.mktemp("served") / "home"
    book(demo(path, World(accounts=120), NOW), NOW)
    desk, mailbox, port = Desk(path, cluster.database("served"), cluster, "served"), Mailbox(), free_port()
    with mail_server(mailbox) as mail_port:
        server = serve(path, port, HOLDFAST_DATABASE_URL=desk.url, HOLDFAST_SMTP_URL=f"smtp://127.0.0.1:{mail_port}")
        password = json.loads((path / "demo-sign-in.json").read_text())[0]["password"]
        yield Served(f"http://127.0.0.1:{port}", desk, mailbox, password)
        stop(server)


class Person:
    """Somebody at a browser without JavaScript."""

    def __init__(self, served: Served, who: str) -> None:
        self.http = httpx.Client(base_url=served.base, follow_redirects=True, timeout=60)
        self.http.get("/sign-in/")
        # addresses are found however they are written
        self.post("/sign-in/", login=f"{who.upper()}@Tidewater.example", password=served.password)

    def post(self, path: str, **form: Any) -> httpx.Response:
        return self.http.post(path, data=form | {"csrfmiddlewaretoken": self.http.cookies["csrftoken"]})


@pytest.fixture(scope="module")
def vp(served: Served) -> Person:
    return Person(served, "vp")


def wait_for(what: Callable[[], Any], seconds: float = 30) -> Any:
    until = time.monotonic() + seconds
    while not (found := what()):
        assert time.monotonic() < until, "it did not happen"
        time.sleep(0.2)
    return found


def test_the_desk_lies_in_postgresql_and_not_in_the_home(served: Served) -> None:
    assert not (served.desk.home / "desk.sqlite3").exists()
    assert served.desk.rows("select count(*) from desk_user") == [(3,)]


@pytest.mark.parametrize("path", PAGES)
def test_pages_open(vp: Person, path: str) -> None:
    page = vp.http.get(path)
    assert page.status_code == 200 and "/sign-in/" not in str(page.url)


def test_a_note_is_written(served: Served, vp: Person) -> None:
    vp.post("/accounts/ac0000001/notes/", text="Café renews 🎉 — “safe”")
    assert "Café renews 🎉 — “safe”" in vp.http.get("/accounts/ac0000001/").text
    assert served.desk.rows("select text, account_id from desk_note") == [("Café renews 🎉 — “safe”", "ac0000001")]


def test_an_account_is_handed_over(served: Served, vp: Person) -> None:
    to = served.desk.rows("select owner_name from desk_user where role = 'csm'")[0][0]
    page = vp.post("/accounts/hand-over", id="ac0000002", owner=to, from_day="2026-11-20", reason="Parental leave")
    assert "1 account handed over" in page.text
    standing = served.desk.rows("select owner, from_day, until_day, reason from desk_handover")
    assert standing == [(to, date(2026, 11, 20), None, "Parental leave")]


def test_a_program_calls_with_a_key_and_a_repeated_call_is_done_once(served: Served, vp: Person) -> None:
    page = vp.post(
        "/setup/keys/create/", name="nightly", scopes=["notes:read", "notes:write", "accounts:write", "accounts:read"]
    )
    key = re.findall(r"hf_[\w-]{43}", page.text)[0]
    api = httpx.Client(base_url=f"{served.base}/api/v1", headers={"Authorization": f"Bearer {key}"}, timeout=60)
    note = {"account_id": "ac0000003", "text": "Written once."}

    def one(_: int) -> httpx.Response:
        return api.post("/notes", json=note, headers={"Idempotency-Key": "k1"})

    with ThreadPoolExecutor(6) as pool:
        at_once = list(pool.map(one, range(12)))
    assert {answer.status_code for answer in at_once} <= {201, 409}
    again = one(0)
    assert again.status_code == 201 and again.headers["Idempotent-Replay"] == "true"
    assert served.desk.rows("select text from desk_note where account_id = 'ac0000003'") == [("Written once.",)]
    outside = api.put("/notes/external/crm-1", json=note | {"text": "From the CRM."})
    assert outside.status_code in (200, 201)
    assert len(api.get("/notes", params={"account_id": "ac0000003"}).json()["notes"]) == 2


def test_what_no_text_has_is_refused_and_breaks_nothing(served: Served, vp: Person) -> None:
    assert vp.http.get("/setup/audit/?person=%00").status_code == 400
    assert vp.post("/setup/people/invite/", email="bob@example.com", role="csm", name="B\0b").status_code == 400
    assert httpx.get(f"{served.base}/join/%00/").status_code in (400, 404)
    assert vp.http.get("/setup/people/999999999999999999999999/").status_code in (404, 405)


@pytest.mark.parametrize(
    "form",
    [{"email": f"{'b' * 60}@{'x.' * 120}example"}, {"email": "bob@example.com", "name": "B" * 400, "owner": "O" * 400}],
)
def test_what_is_too_long_is_refused_or_cut(vp: Person, form: dict[str, str]) -> None:
    assert vp.post("/setup/people/invite/", role="csm", **form).status_code == 200


def test_a_sign_in_that_fails_is_written_down_however_long_it_is(served: Served) -> None:
    browser = httpx.Client(base_url=served.base, follow_redirects=True, timeout=60)
    browser.get("/sign-in/")
    form = {"login": f"{'m' * 60}@{'mallory.' * 23}example", "password": "not-the-password"}
    answer = browser.post("/sign-in/", data=form | {"csrfmiddlewaretoken": browser.cookies["csrftoken"]})
    assert answer.status_code == 200
    assert served.desk.rows("select count(*) from desk_auditentry where action = 'sign-in failed'") == [(1,)]


def test_an_invitation_leaves_by_mail_and_its_link_is_not_kept(served: Served, vp: Person) -> None:
    vp.post("/setup/people/invite/", email="charlie@example.com", role="viewer", name="Charlie")
    mine = "from desk_mail where \"to\" = 'charlie@example.com'"
    wait_for(lambda: served.desk.rows(f"select 1 {mine} and state = 'sent'"))
    assert served.desk.rows(f"select text, html {mine}") == [("", "")]
    letter = next(one for one in served.mailbox.messages if one["To"] == "charlie@example.com")
    link = re.findall(r"/join/[\w-]+/", letter.as_string().replace("=\n", ""))[0]
    assert "Charlie" in httpx.get(served.base + link).text


def test_one_tick_does_what_is_due(served: Served) -> None:
    code = (
        "from datetime import UTC, datetime; from holdfast.flows.tick import tick; print(tick(datetime.now(UTC)) >= 0)"
    )
    assert served.desk.run(code) == "True"
    assert served.desk.rows("select count(*) from desk_event where kind = 'publication.created'") == [(1,)]


def test_the_audit_log_tells_all_of_it(served: Served, vp: Person) -> None:
    # what is looked for is done here: the tests before may have run elsewhere
    to = served.desk.rows("select owner_name from desk_user where role = 'csm'")[0][0]
    vp.post("/accounts/hand-over", id="ac0000005", owner=to, from_day="2026-11-20", reason="Parental leave")
    vp.post("/setup/keys/create/", name="for the audit log", scopes=["notes:read"])
    vp.post("/accounts/ac0000005/notes/", text="For the audit log.")
    vp.post("/setup/people/invite/", email="audited@example.com", role="viewer", name="Audited")
    browser = httpx.Client(base_url=served.base, follow_redirects=True, timeout=60)
    browser.get("/sign-in/")
    form = {
        "login": "nobody@example.com",
        "password": "not-the-password",
        "csrfmiddlewaretoken": browser.cookies["csrftoken"],
    }
    browser.post("/sign-in/", data=form)
    done = {action for (action,) in served.desk.rows("select distinct action from desk_auditentry")}
    assert done >= {"signed in", "sign-in failed", "wrote note", "handed over", "made API key", "invited"}
    page = vp.http.get("/setup/audit/?person=VP%40TIDEWATER&action=handed+over").text
    assert "vp@tidewater.example" in page and "Parental leave" in page
    assert len(vp.http.get("/setup/audit.csv").text.splitlines()) > 5


# -- what is said where it cannot be used --------------------------------------------------------------------


def _refused(home: Path, url: str) -> str:
    holdfast = Path(sys.executable).with_name("holdfast")
    answer = subprocess.run(
        [holdfast, "serve", "--home", home], env={"PATH": "/usr/bin:/bin", "HOLDFAST_DATABASE_URL": url},
        capture_output=True, text=True, timeout=60,
    )  # fmt: skip
    assert answer.returncode == 2 and "Traceback" not in answer.stderr
    return " ".join(answer.stderr.split())


def test_a_database_that_cannot_be_used_is_said_without_its_password(cluster: Cluster, tmp_path: Path) -> None:
    home = tmp_path / "home"
    assert "must begin with postgresql://" in _refused(home, "mysql://alice:hunter2@127.0.0.1/holdfast")
    away = _refused(home, f"postgresql://alice:hunter2@127.0.0.1:{free_port()}/holdfast")
    wrong = _refused(home, f"postgresql://holdfast:hunter2@127.0.0.1:{cluster.port}/postgres")
    assert "database cannot be used" in away and "password authentication failed" in wrong
    assert "hunter2" not in away + wrong


# -- the desk's own tests -------------------------------------------------------------------------------------


def test_the_tests_of_the_desk_hold_on_postgresql_too(cluster: Cluster) -> None:
    url, root = cluster.database("tests"), Path(__file__).parents[2]
    environment = Desk(root, url, cluster, "tests").environment()
    told = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-m", "not slow", "-p", "no:cacheprovider", "tests/outbox", "tests/web/test_people.py",
         "tests/api/test_repeats.py"],
        cwd=root, env=environment, capture_output=True, text=True, timeout=500,
    )  # fmt: skip
    assert told.returncode == 0, told.stdout[-4000:]
