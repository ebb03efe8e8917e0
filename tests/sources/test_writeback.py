"""Write-back: matched accounts are told their numbers, each again when they change, and nobody else's fields are touched."""

from __future__ import annotations

import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from holdfast.flows.book import book
from holdfast.flows.home import Home, open_home
from holdfast.sources.crm import WRITTEN

from ..emulators.hubspot import TOKEN, HubSpot, failed
from ..emulators.salesforce import CLIENT, SECRET, Salesforce
from ..emulators.serving import Answer
from ..flows.homes import booked_home
from ..ledger.booked import rows_of
from ..oracle.pencil import account, facts, item
from ..watch.pages.made_up import publish_made_up

pytestmark = pytest.mark.slow

NOW = datetime(2026, 1, 2, 9, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
#: A grew by a quarter, B is new this year, C left
COMPANY = facts(
    account("A"), account("B"), account("C"),
    item("2024-01-01", 10_000, "A", "a"), item("2025-06-01", 12_500, "A", "a", term_end="2026-06-01"),
    item("2025-03-01", 5_000, "B", "b"), item("2024-01-01", 7_000, "C", "c", valid_to="2025-05-01"),
)  # fmt: skip
#: what is empty before the first watch
UNWATCHED = dict.fromkeys(
    ("holdfast_health", "holdfast_health_band", "holdfast_risk", "holdfast_mrr_at_risk", "holdfast_top_cta"), ""
)


@pytest.fixture(scope="module")
def booked(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The company, booked once."""
    return booked_home(tmp_path_factory.mktemp("booked"), COMPANY).path


@pytest.fixture
def home(booked: Path, tmp_path: Path, settings: Any, db: None) -> Home:
    from holdfast.flows import answers

    made = open_home(Path(shutil.copytree(booked, tmp_path / "home")))
    settings.HOME = made.path
    answers.forget()
    return made


@pytest.fixture
def hubspot(monkeypatch: pytest.MonkeyPatch) -> Iterator[HubSpot]:
    monkeypatch.setenv("HOLDFAST_ALLOW_HOSTS", "127.0.0.1")
    monkeypatch.setenv("HOLDFAST_RETRY_PAUSE", "0")
    with HubSpot() as served:
        for key in ("10", "20", "30", "40"):
            served.put("companies", key, NOW, name=f"Company {key}", industry="theirs")
        yield served
        assert served.trespasses == []
        assert {one["properties"]["industry"] for one in served.objects["companies"].values()} == {"theirs"}


def connect(hubspot: HubSpot, **more: Any) -> Any:
    """A connection that asks for write-back, with three matched accounts and one of which nobody is sure."""
    from holdfast.desk.models import Connection

    made = Connection(
        name="crm", source="hubspot", settings={"base_url": hubspot.url, "write_back": "yes"}, created_at=NOW
    )
    made.seal({"token": TOKEN})
    for name, value in more.items():
        setattr(made, name, value)
    made.save()
    for key, account_id, state in (
        ("10", "A", "matched"),
        ("20", "B", "confirmed"),
        ("30", "C", "matched"),
        ("40", "A", "doubtful"),
    ):
        party(key, account_id, state)
    return made


def party(key: str, account_id: str, state: str = "matched", system: str = "crm") -> Any:
    from holdfast.desk.models import Party

    return Party.objects.create(system=system, external_id=key, account_id=account_id, state=state, seen_at=NOW)


def rows() -> dict[str, Any]:
    from holdfast.desk.models import WriteBack

    return {row.external_id: row for row in WriteBack.objects.order_by("external_id")}


def dearer(home: Home, price: int, name: str = "a", owner: str = "A") -> None:
    """A new price, booked."""
    more = facts(item("2025-07-01", price, owner, name))
    home.landing.append(
        "subscription_item",
        [rows_of("subscription_item", more.items)],
        source="test",
        source_kind="billing",
        loaded_at=NOW,
    )
    book(home, NOW + timedelta(hours=1))


# -- what is told --------------------------------------------------------------------------------------------


def test_matched_accounts_are_told_their_numbers_and_others_nothing(home: Home, hubspot: HubSpot) -> None:
    from holdfast.flows import writeback

    connect(hubspot)
    assert writeback.due(home, NOW) == 3
    assert writeback.deliver(NOW) == 3
    assert hubspot.values("10") == {
        "holdfast_mrr": "125.00", "holdfast_arr": "1500.00", "holdfast_nrr": "125.0", "holdfast_renewal_date": "2026-06-01",
        "holdfast_as_of": "2025-12-31", "holdfast_open_ctas": "0", **UNWATCHED,
    }  # fmt: skip
    assert hubspot.values("20") | {"holdfast_as_of": ""} == {
        "holdfast_mrr": "50.00", "holdfast_arr": "600.00", "holdfast_nrr": "", "holdfast_renewal_date": "", "holdfast_as_of": "",
        "holdfast_open_ctas": "0", **UNWATCHED,
    }  # fmt: skip
    assert (hubspot.values("30")["holdfast_mrr"], hubspot.values("30")["holdfast_nrr"]) == ("0.00", "0.0")
    assert hubspot.values("40") == {}
    assert {row.state for row in rows().values()} == {"done"}


#: how A stands by the watch; too little is known of B's health, and C does not pay
STANDS: dict[str, dict[str, Any]] = {
    "A": {"health": 41.26, "band": "red", "churn_90": 0.2449, "at_risk_minor": 3_150},
    "B": {"health": None, "band": None, "churn_90": 0.03, "at_risk_minor": 150},
}


def watched_values(hubspot: HubSpot, key: str) -> list[str]:
    return [hubspot.values(key)[name] for name in UNWATCHED]


def test_health_and_risk_are_told_when_a_watch_is_published(home: Home, hubspot: HubSpot) -> None:
    from holdfast.flows import writeback

    connect(hubspot)
    writeback.due(home, NOW)
    writeback.deliver(NOW)
    assert {value for key in ("10", "20", "30") for value in watched_values(hubspot, key)} == {""}
    before = writeback.stamp(home)
    publish_made_up(home, stands=STANDS, judged=[])
    assert writeback.stamp(home) != before
    assert writeback.due(home, NOW + MINUTE) == 2
    writeback.deliver(NOW + MINUTE)
    assert watched_values(hubspot, "10") == ["41.3", "red", "24.5", "31.50", ""]
    assert watched_values(hubspot, "20") == ["", "", "3.0", "1.50", ""]
    assert watched_values(hubspot, "30") == [""] * 5


def test_the_next_watch_is_told_where_it_says_something_else(home: Home, hubspot: HubSpot) -> None:
    from holdfast.flows import writeback

    connect(hubspot)
    publish_made_up(home, stands=STANDS, judged=[])
    writeback.due(home, NOW)
    writeback.deliver(NOW)
    before = writeback.stamp(home)
    publish_made_up(home, 2, stands=STANDS | {"A": STANDS["A"] | {"churn_90": 0.5}}, judged=[])
    assert writeback.stamp(home) != before
    assert writeback.due(home, NOW + MINUTE) == 1
    writeback.deliver(NOW + MINUTE)
    assert hubspot.values("10")["holdfast_risk"] == "50.0"


def test_a_watch_in_another_currency_is_not_told(home: Home, hubspot: HubSpot) -> None:
    from holdfast.flows import writeback

    connect(hubspot)
    publish_made_up(home, stands=STANDS, judged=[])
    config = home.path / "holdfast.toml"
    config.write_text(config.read_text().replace(f'"{home.settings.currency}"', '"EUR"'))
    changed = open_home(home.path)
    assert changed.settings.currency == "EUR" != home.settings.currency
    writeback.due(changed, NOW)
    assert {rows()[key].values["holdfast_mrr_at_risk"] for key in ("10", "20", "30")} == {None}


def test_open_ctas_are_told_with_the_gravest_that_signals_raised_and_no_words_of_people(
    home: Home, hubspot: HubSpot
) -> None:
    from holdfast.desk.models import Cta
    from holdfast.flows import writeback

    connect(hubspot)
    same = {"account_id": "A", "kind": "risk", "opened_at": NOW, "priority": 2, "state": "open"}
    Cta.objects.create(**same, cause="use", title="Use falls", severity=2)
    grave = Cta.objects.create(**same, cause="ticket", title="Urgent ticket open", severity=3)
    Cta.objects.create(**same, cause="own", title="Ben is leaving, call him", severity=3, at_stake_minor=9, is_own=True)
    writeback.due(home, NOW)
    writeback.deliver(NOW)
    told = ("holdfast_open_ctas", "holdfast_top_cta")
    assert [hubspot.values("10")[name] for name in told] == ["3", "Urgent ticket open"]
    assert [hubspot.values("20")[name] for name in told] == ["0", ""]
    assert "Ben" not in str(hubspot.written)
    before = writeback.stamp(home)
    Cta.objects.filter(pk=grave.pk).update(state="done", closed_at=NOW)
    assert writeback.stamp(home) != before
    writeback.due(home, NOW + MINUTE)
    writeback.deliver(NOW + MINUTE)
    assert [hubspot.values("10")[name] for name in told] == ["2", "Use falls"]


def test_what_is_new_while_a_writer_runs_is_told_when_it_is_done(home: Home, hubspot: HubSpot) -> None:
    from holdfast.flows.tick import Ticker

    connect(hubspot)
    ticker = Ticker(home.path)
    busy = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    ticker.children.running["write-back"] = busy
    try:
        ticker._write_back(NOW)
        assert ticker.written is None, "nobody took it up"
        assert busy.stdin
        busy.stdin.close()
        busy.wait(20)
        ticker.children.reap()
        ticker.children.failed.clear()
        ticker._write_back(NOW)
        assert ticker.written is not None and ticker.children.is_on("write-back")
    finally:
        ticker.children.stop()
        busy.kill()


@pytest.mark.parametrize("state", ["new", "doubtful", "refused"])
def test_an_account_that_is_not_matched_is_told_nothing(home: Home, hubspot: HubSpot, state: str) -> None:
    from holdfast.desk.models import Party
    from holdfast.flows import writeback

    connect(hubspot)
    Party.objects.all().update(state=state)
    assert writeback.due(home, NOW) == 0 and writeback.deliver(NOW) == 0 and not hubspot.asked


@pytest.mark.parametrize(
    "more",
    [
        {"settings": {}},
        {"settings": {"write_back": "no"}},
        {"is_paused": True},
        {"revoked_at": NOW},
        {"source": "elsewhere"},
    ],
)
def test_only_where_it_is_asked_for(home: Home, hubspot: HubSpot, more: dict[str, Any]) -> None:
    from holdfast.flows import writeback

    connect(hubspot, **more)
    assert writeback.due(home, NOW) == 0 and writeback.deliver(NOW) == 0 and not hubspot.asked


def test_what_did_not_change_is_not_told_again_and_a_change_is_told_alone(home: Home, hubspot: HubSpot) -> None:
    from holdfast.flows import writeback

    connect(hubspot)
    writeback.due(home, NOW)
    writeback.deliver(NOW)
    assert writeback.due(home, NOW + MINUTE) == 0 and writeback.deliver(NOW + MINUTE) == 0
    before = writeback.stamp(home)
    dearer(home, 20_000)
    assert writeback.stamp(home) != before
    hubspot.written.clear()
    assert writeback.due(home, NOW + MINUTE) == 1
    writeback.deliver(NOW + MINUTE)
    assert [(one["id"], one["properties"]["holdfast_mrr"]) for one in hubspot.written] == [("10", "200.00")]


def test_a_match_that_is_undone_takes_the_numbers_back(home: Home, hubspot: HubSpot) -> None:
    from holdfast.desk.models import Party
    from holdfast.flows import writeback

    connect(hubspot)
    writeback.due(home, NOW)
    writeback.deliver(NOW)
    before = writeback.stamp(home)
    Party.objects.filter(external_id="10").update(state="refused", account_id="")
    assert writeback.stamp(home) != before
    assert writeback.due(home, NOW + MINUTE) == 1
    writeback.deliver(NOW + MINUTE)
    assert set(hubspot.values("10").values()) == {""}
    assert writeback.due(home, NOW + 2 * MINUTE) == 0, "it is done once"


def test_a_match_that_is_undone_before_anything_was_told_leaves_nothing(home: Home, hubspot: HubSpot) -> None:
    from holdfast.desk.models import Party
    from holdfast.flows import writeback

    connect(hubspot)
    writeback.due(home, NOW)
    Party.objects.filter(external_id="10").update(state="refused", account_id="")
    writeback.due(home, NOW)
    writeback.deliver(NOW)
    assert set(rows()) == {"20", "30"} and hubspot.values("10") == {}


def test_a_company_that_the_system_deleted_is_let_go(home: Home, hubspot: HubSpot) -> None:
    from holdfast.desk.models import Party
    from holdfast.flows import writeback

    connect(hubspot)
    writeback.due(home, NOW)
    writeback.deliver(NOW)
    Party.objects.filter(external_id="10").update(is_gone=True)
    assert writeback.due(home, NOW) == 0 and set(rows()) == {"20", "30"}


def test_before_the_first_booking_there_is_nothing_to_tell(
    tmp_path: Path, db: None, settings: Any, hubspot: HubSpot
) -> None:
    from holdfast.flows import writeback
    from holdfast.flows.home import Settings, create

    made = create(tmp_path / "home", Settings())
    settings.HOME = made.path
    connect(hubspot)
    assert writeback.due(made, NOW) == 0 and writeback.stamp(made)[0] == 0


def test_every_field_is_described_and_worked_out() -> None:
    from holdfast.flows.writeback import FIELDS

    assert set(FIELDS) == set(WRITTEN)
    assert all(name.startswith("holdfast_") for name in WRITTEN)
    assert all(one.salesforce.startswith("Holdfast_") and one.salesforce.endswith("__c") for one in WRITTEN.values())


def test_a_field_that_is_added_is_told_of_all(home: Home, hubspot: HubSpot, monkeypatch: pytest.MonkeyPatch) -> None:
    from holdfast.flows import writeback

    connect(hubspot)
    with monkeypatch.context() as before:
        before.delitem(writeback.FIELDS, "holdfast_open_ctas")
        writeback.due(home, NOW)
        writeback.deliver(NOW)
    assert "holdfast_open_ctas" not in hubspot.values("10")
    assert writeback.due(home, NOW + MINUTE) == 3
    writeback.deliver(NOW + MINUTE)
    assert hubspot.values("10")["holdfast_open_ctas"] == "0"


def test_the_audit_log_has_how_many_and_which_fields_and_no_values(home: Home, hubspot: HubSpot) -> None:
    from holdfast.desk.models import AuditEntry
    from holdfast.flows import writeback

    connect(hubspot)
    writeback.due(home, NOW)
    entry = AuditEntry.objects.get(action="queued write-back")
    assert (entry.target, entry.detail) == ("crm", {"accounts": 3, "fields": list(writeback.FIELDS)})


def test_many_go_in_batches_the_oldest_first(home: Home, hubspot: HubSpot) -> None:
    from holdfast.flows import writeback

    connect(hubspot)
    for key in range(1000, 1150):
        hubspot.put("companies", str(key), NOW, industry="theirs")
        party(str(key), "B")
    assert writeback.due(home, NOW) == 153
    assert [writeback.deliver(NOW) for _ in range(3)] == [100, 53, 0]
    assert len(hubspot.written) == 153


def test_salesforce_is_told_the_fields_that_its_admin_made(home: Home, hubspot: HubSpot) -> None:
    from holdfast.desk.models import Connection
    from holdfast.flows import writeback

    with Salesforce() as org:
        org.put("Account", "001A", NOW, Name="A", Industry="theirs")
        org.add_field("Account", "Holdfast_MRR__c", "double")
        org.add_field("Account", "Holdfast_Risk__c", "percent")
        org.add_field("Account", "Holdfast_Health_Band__c", "string")
        made = Connection(
            name="sf", source="salesforce", settings={"base_url": org.url, "write_back": "yes"}, created_at=NOW
        )
        made.seal({"client_id": CLIENT, "client_secret": SECRET})
        made.save()
        party("001A", "A", system="sf")
        publish_made_up(home, stands=STANDS, judged=[])
        writeback.due(home, NOW)
        assert writeback.deliver(NOW) == 1
        assert org.records["Account"]["001A"]["Holdfast_MRR__c"] == 125.0
        assert org.records["Account"]["001A"]["Holdfast_Risk__c"] == 24.5
        assert org.records["Account"]["001A"]["Holdfast_Health_Band__c"] == "red"
        assert org.records["Account"]["001A"]["Industry"] == "theirs" and not org.trespasses


# -- when it does not go well --------------------------------------------------------------------------------


def test_one_that_is_refused_is_tried_five_times_and_then_listed(home: Home, hubspot: HubSpot) -> None:
    from holdfast.flows import writeback

    made = connect(hubspot)
    hubspot.archive("companies", "10", NOW)
    writeback.due(home, NOW)
    at, tried = NOW, []
    for _ in range(5):
        assert writeback.deliver(at) > 0 and writeback.deliver(at) == 0
        tried.append(at - NOW)
        at = rows()["10"].next_try_at or at
    assert tried == [MINUTE * waited for waited in (0, 1, 6, 36, 156)]
    assert (rows()["10"].state, rows()["20"].state) == ("failed", "done")
    standing = writeback.standing(made)
    assert (standing.due, standing.done, standing.failed, standing.last_done_at) == (0, 2, 1, NOW)
    assert standing.problems == [("10", "HubSpot refused it: Could not get some objects")]
    assert writeback.deliver(NOW + timedelta(days=9)) == 0
    hubspot.objects["companies"]["10"]["archived"] = False
    assert writeback.again(made, at) == 1 and writeback.deliver(at) == 1
    assert rows()["10"].state == "done" and rows()["10"].problem == ""


def test_where_nothing_can_be_written_all_wait_and_it_says_why_and_what_to_do(home: Home, hubspot: HubSpot) -> None:
    from holdfast.flows import writeback

    made = connect(hubspot)
    hubspot.scopes.discard("crm.objects.companies.write")
    writeback.due(home, NOW)
    assert writeback.deliver(NOW, limit=1) == 1
    assert writeback.deliver(NOW) == 0, "the others are not tried in vain"
    ((_, problem),) = writeback.standing(made).problems
    assert "may not write" in problem and "crm.objects.companies.write" in problem and TOKEN not in problem
    hubspot.scopes.add("crm.objects.companies.write")
    assert writeback.deliver(NOW + MINUTE) == 3
    assert {row.state for row in rows().values()} == {"done"}


@pytest.mark.parametrize("fault", [Answer(503, {}), failed(429, "RATE_LIMITS", "too fast", policyName="SECONDLY")])
def test_a_system_that_is_out_of_order_is_tried_again_later(home: Home, hubspot: HubSpot, fault: Answer) -> None:
    from holdfast.flows import writeback

    connect(hubspot)
    writeback.due(home, NOW)
    hubspot.faults = [fault] * 6
    writeback.deliver(NOW)
    assert {row.state for row in rows().values()} == {"due"} and not hubspot.written
    assert writeback.deliver(NOW + MINUTE) == 3 and len(hubspot.written) == 3


def test_a_connection_that_cannot_be_opened_does_not_keep_the_others(home: Home, hubspot: HubSpot) -> None:
    from holdfast.desk.models import Connection
    from holdfast.flows import writeback

    broken = connect(hubspot, sealed="not sealed here")
    made = Connection(
        name="other", source="hubspot", settings={"base_url": hubspot.url, "write_back": "yes"}, created_at=NOW
    )
    made.seal({"token": TOKEN})
    made.save()
    party("10", "A", system="other")
    writeback.due(home, NOW)
    assert writeback.deliver(NOW) == 4
    assert writeback.standing(made).done == 1 and len(writeback.standing(broken).problems) == 3


def test_what_changes_while_it_is_written_is_written_again(home: Home, hubspot: HubSpot) -> None:
    from holdfast.flows import writeback

    connect(hubspot)
    writeback.due(home, NOW)
    taken = writeback._claim(next(writeback._connections())[0], NOW, 100)
    dearer(home, 20_000)
    assert writeback.due(home, NOW + MINUTE) == 1
    connection, source = next(writeback._connections())
    writeback._hand_off(connection, source, taken, NOW)
    assert {key: row.state for key, row in rows().items()} == {"10": "due", "20": "done", "30": "done"}
    writeback.deliver(NOW + MINUTE)
    assert hubspot.values("10")["holdfast_mrr"] == "200.00"


# -- processes that die --------------------------------------------------------------------------------------


def test_what_a_dead_process_was_writing_is_due_again(home: Home, hubspot: HubSpot) -> None:
    from holdfast.flows import writeback

    connect(hubspot)
    writeback.due(home, NOW)
    connection, _ = next(writeback._connections())
    writeback._claim(connection, NOW, 2)
    assert writeback.deliver(NOW) == 1, "what somebody has taken up is theirs"
    assert writeback.deliver(NOW + 31 * MINUTE) == 2
    writeback.due(home, NOW)
    writeback.WriteBack.objects.update(state="due", next_try_at=None)
    writeback._claim(connection, NOW, 3)
    assert writeback.recover(NOW) == 3 and writeback.deliver(NOW) == 3


def test_what_kills_each_process_that_writes_it_is_given_up(home: Home, hubspot: HubSpot) -> None:
    from holdfast.flows import writeback

    connect(hubspot)
    writeback.due(home, NOW)
    connection, _ = next(writeback._connections())
    for number in range(5):
        assert len(writeback._claim(connection, NOW + 31 * number * MINUTE, 100)) == 3
    assert writeback._claim(connection, NOW + timedelta(days=1), 100) == []
    assert {(row.state, row.problem) for row in rows().values()} == {("failed", writeback.CRASHED)}


WRITER = """
import sys
from datetime import UTC, datetime
from pathlib import Path
from holdfast.desk import start
start.connect(Path(sys.argv[1])); start.migrate()
from holdfast.desk.models import Connection, Party, WriteBack
from holdfast.flows import writeback
from holdfast.flows.home import open_home
now = datetime.now(UTC)
made, is_new = Connection.objects.get_or_create(
    name="crm", defaults={"source": "hubspot", "settings": {"base_url": sys.argv[2], "write_back": "yes"}, "created_at": now}
)
if is_new:
    made.seal({"token": sys.argv[3]}); made.save()
    for key in range(1000, 1000 + int(sys.argv[4])):
        Party.objects.create(system="crm", external_id=str(key), account_id="A", state="matched", seen_at=now)
writeback.recover(now)
writeback.due(open_home(Path(sys.argv[1])), now)
while writeback.deliver(datetime.now(UTC), limit=20):
    pass
"""


class Stopping(HubSpot):
    """It writes, and answers only when it is let go."""

    def __init__(self) -> None:
        super().__init__()
        self.has_written, self.may_answer = threading.Event(), threading.Event()
        self.stops_at = 0

    def batch_update(self, asked: Any) -> Answer:
        answer = super().batch_update(asked)
        if len(self.written) > self.stops_at and not self.may_answer.is_set():
            self.has_written.set()
            self.may_answer.wait(30)
        return answer


@pytest.mark.slow
def test_a_writer_that_is_killed_between_sending_and_done(booked: Path, tmp_path: Path) -> None:
    """The system has the values and we are killed before we know: the next process writes them again, and all is done once more."""
    made = open_home(Path(shutil.copytree(booked, tmp_path / "home")))
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("HOLDFAST_", "DJANGO_"))}
    environment = kept | {"HOLDFAST_ALLOW_HOSTS": "127.0.0.1", "HOLDFAST_RETRY_PAUSE": "0"}

    def states() -> dict[str, int]:
        with sqlite3.connect(made.path / "desk.sqlite3", timeout=20) as db:
            return dict(db.execute("select state, count(*) from desk_writeback group by state").fetchall())

    with Stopping() as served:
        served.stops_at = 30
        for key in range(1000, 1060):
            served.put("companies", str(key), NOW, industry="theirs")
        command = [sys.executable, "-c", WRITER, str(made.path), served.url, TOKEN, "60"]
        writer = subprocess.Popen(command, env=environment)
        assert served.has_written.wait(60)
        assert states().get("sending") == 20
        writer.send_signal(signal.SIGKILL)
        writer.wait()
        served.may_answer.set()
        time.sleep(0.2)
        first = len(served.written)
        assert states() == {
            state: n for state, n in {"done": first - 20, "sending": 20, "due": 60 - first}.items() if n
        }
        subprocess.run(command, env=environment, check=True, timeout=120)
        assert states() == {"done": 60}
        assert len(served.written) == 80, "the batch that was cut off was written twice, the others once"
        assert all(served.values(str(key))["holdfast_mrr"] == "125.00" for key in range(1000, 1060))
        assert not served.trespasses
