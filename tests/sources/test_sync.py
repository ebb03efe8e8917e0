"""A connection from the first key to the ledger: what is read, landed, booked and told, and what happens when something goes wrong."""

from __future__ import annotations

import json
from datetime import date, timedelta
from typing import Any

import duckdb
import pytest

from holdfast.flows import connections, hooks_in, keep, status, sync
from holdfast.flows.book import book, open_ledger, published
from holdfast.flows.home import Home, HomeError
from holdfast.metrics import mrr
from holdfast.sources.source import SourceError
from holdfast.warehouse.window import View
from tests.emulators.serving import Answer

from .acme import SOURCE, Acme
from .conftest import NOW, fill

pytestmark = pytest.mark.slow

SOON = timedelta(minutes=15)


def connect(home: Home, server: Acme, name: str = "acme") -> None:
    access = connections.split(SOURCE, {"key": server.key, "base_url": server.url})
    connections.check(SOURCE, access)
    connections.connect(home, SOURCE, name, access, NOW)


def standing(home: Home) -> int:
    """MRR at the end of the as-of day, in cents."""
    book(home, NOW)
    with open_ledger(home) as ledger:
        return mrr.measure(ledger, date(2026, 11, 20), View("USD"))[0].mrr


def test_everything_is_read_landed_and_booked(home: Home, server: Acme) -> None:
    fill(server, 45)
    connect(home, server)
    done = sync.sync(home, "acme", NOW)
    assert (done.problem, done.bad, done.groups) == ("", [], 45)
    assert done.pulled.listed == {"customers": 45, "subscriptions": 45, "plans": 1}
    assert done.landed == {"account": 45, "subscription_item": 45}
    assert standing(home) == sum(1000 + number % 10 * 100 for number in range(45))


def test_a_second_run_asks_only_for_what_changed_and_lands_nothing(home: Home, server: Acme) -> None:
    fill(server, 45)
    connect(home, server)
    sync.sync(home, "acme", NOW)
    server.asked.clear()
    done = sync.sync(home, "acme", NOW + SOON)
    assert all(asked.first("since") for asked in server.asked) and {asked.path for asked in server.asked} == {
        "/customers",
        "/subscriptions",
    }
    assert done.landed == {} and home.landing.last_load_no() == 2


def test_a_new_price_is_a_new_state_and_what_was_stays(home: Home, server: Acme) -> None:
    fill(server, 3)
    connect(home, server)
    sync.sync(home, "acme", NOW)
    before = standing(home)
    server.put("subscriptions", "s001", NOW, amount=5000, **{"from": "2026-11-01"})
    done = sync.sync(home, "acme", NOW + SOON)
    assert done.landed == {"account": 0, "subscription_item": 2}
    assert standing(home) == before - 1100 + 5000
    with open_ledger(home) as ledger:
        october = mrr.measure(ledger, date(2026, 10, 31), View("USD"))[0].mrr
    assert october == before


def test_an_object_that_is_not_listed_any_more_is_deleted(home: Home, server: Acme) -> None:
    fill(server, 3)
    connect(home, server)
    sync.sync(home, "acme", NOW)
    before = standing(home)
    del server.tables["subscriptions"]["s002"]
    assert sync.sync(home, "acme", NOW + SOON).landed == {}, "an incremental listing cannot see it"
    done = sync.sync(home, "acme", NOW + timedelta(days=1, minutes=1))
    assert done.pulled.whole == {"customers", "subscriptions", "plans"} and done.landed["subscription_item"] == 1
    assert standing(home) == before - 1200


def test_an_object_that_comes_back_is_there_again_though_it_was_not_changed(home: Home, server: Acme) -> None:
    fill(server, 3)
    connect(home, server)
    sync.sync(home, "acme", NOW)
    before, kept = standing(home), server.tables["subscriptions"].pop("s002")
    sync.sync(home, "acme", NOW + SOON, whole=True)
    assert standing(home) == before - 1200
    server.tables["subscriptions"]["s002"] = kept
    sync.sync(home, "acme", NOW + 2 * SOON, whole=True)
    assert standing(home) == before
    assert sync.sync(home, "acme", NOW + 3 * SOON, whole=True).landed == {}


def test_a_bad_object_is_told_and_the_others_are_landed(home: Home, server: Acme) -> None:
    fill(server, 3)
    server.put("subscriptions", "s001", NOW, amount="eleven")
    connect(home, server)
    done = sync.sync(home, "acme", NOW)
    assert [(one.object_id, one.field, one.value) for one in done.bad] == [("s001", "amount", "eleven")]
    assert done.landed["subscription_item"] == 2
    server.put("subscriptions", "s001", NOW + SOON, amount=1100)
    assert sync.sync(home, "acme", NOW + 2 * SOON).landed["subscription_item"] == 1


def test_an_object_of_another_form_is_told_and_the_others_are_landed(home: Home, server: Acme) -> None:
    fill(server, 3)
    server.tables["subscriptions"]["s001"] = {"id": "s001", "updated": 1, "amount": 5}
    connect(home, server)
    done = sync.sync(home, "acme", NOW)
    assert (done.problem, done.landed["subscription_item"]) == ("", 2)
    assert [(one.stream, one.object_id) for one in done.bad] == [("subscriptions", "s001")]


def test_a_shared_object_that_changes_says_every_group_anew(home: Home, server: Acme) -> None:
    fill(server, 3)
    connect(home, server)
    sync.sync(home, "acme", NOW)
    server.tables["plans"]["p1"]["name"] = "Professional"
    done = sync.sync(home, "acme", NOW + SOON, whole=True)
    assert done.groups == 3 and done.landed["subscription_item"] == 3


# -- what goes wrong -----------------------------------------------------------------------------------------


def test_a_key_that_is_not_taken_is_not_connected(home: Home, server: Acme) -> None:
    server.key = "another"
    access = connections.split(SOURCE, {"key": "wrong", "base_url": server.url})
    with pytest.raises(connections.ConnectError, match="does not take the key"):
        connections.check(SOURCE, access)


def test_a_private_address_is_not_asked(home: Home, server: Acme, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOLDFAST_ALLOW_HOSTS", "")
    access = connections.split(SOURCE, {"key": server.key, "base_url": server.url.replace("http:", "https:")})
    with pytest.raises(connections.ConnectError, match="private address"):
        connections.check(SOURCE, access)
    assert server.asked == []


def test_a_failure_is_kept_with_its_remedy_and_the_publication_stays(home: Home, server: Acme) -> None:
    from holdfast.desk.models import Connection

    fill(server, 3)
    connect(home, server)
    sync.sync(home, "acme", NOW)
    standing(home)
    before = published(home)
    server.key = "rotated"
    done = sync.sync(home, "acme", NOW + SOON)
    assert done.problem == "Acme Billing does not take the key (401 at /customers)"
    row = Connection.objects.get()
    assert (row.failures, row.last_success_at, row.next_run_at) == (1, NOW, NOW + SOON + timedelta(minutes=1))
    assert published(home) == before and not keep.is_due(home, NOW)
    told = status.status(home, NOW + timedelta(hours=2)).document()["sources"][0]
    assert (
        told["lag_seconds"] == 7200
        and told["late"]
        and told["errors"]
        == [{"problem": done.problem, "remedy": "Connect again with a new key: holdfast connect acme"}]
    )
    server.key = "acme-key"
    assert sync.sync(home, "acme", NOW + 2 * SOON).problem == ""
    assert Connection.objects.get().failures == 0


def test_too_many_requests_are_waited_for(home: Home, server: Acme) -> None:
    fill(server, 3)
    connect(home, server)
    server.faults += [Answer(429, {"error": "slow down"}, {"Retry-After": "0"}), Answer(503, {})]
    assert sync.sync(home, "acme", NOW).landed["account"] == 3


def test_secrets_are_sealed_and_gone_when_revoked(home: Home, server: Acme) -> None:
    from holdfast.desk.models import Connection

    connect(home, server)
    row = Connection.objects.get()
    assert server.key not in json.dumps([row.settings, row.sealed]) and row.secrets == {"key": server.key}
    assert server.key not in repr(connections.access_of("acme"))
    connections.revoke(home, "acme", NOW)
    assert Connection.objects.get().sealed == ""
    with pytest.raises(HomeError, match="was revoked"):
        sync.sync(home, "acme", NOW)


def test_two_runs_at_once_cannot_hurt(home: Home, server: Acme) -> None:
    connect(home, server)
    with connections.alone(home, "acme") as mine:
        assert mine
        with pytest.raises(sync.BusyError):
            sync.sync(home, "acme", NOW)


@pytest.mark.parametrize("name", ["Acme", "a", "acme__eu", "files", "x" * 41, "acme eu", "../etc"])
def test_a_connection_has_a_plain_name(home: Home, server: Acme, name: str) -> None:
    with pytest.raises(connections.ConnectError, match="cannot be a connection's name"):
        connect(home, server, name)


def test_what_a_run_left_broken_is_let_go_and_read_again(home: Home, server: Acme) -> None:
    fill(server, 3)
    connect(home, server)
    sync.sync(home, "acme", NOW)
    work = home.path / "connections" / "acme" / "dlt"
    for path in work.rglob("*.json"):
        path.write_text("{")
    raw = home.path / "landing" / "raw" / "acme"
    whole = next((raw / "_dlt_pipeline_state").glob("*.jsonl"))
    # a load that never ended: its place is written, its rows are half there
    (whole.parent / whole.name.replace(whole.name.split("__")[1], "9999999999.9")).write_text(whole.read_text())
    (raw / "subscriptions" / "9999999999.9.abcdef.parquet").write_bytes(b"PAR1")
    server.put("subscriptions", "s001", NOW, amount=5000, **{"from": "2026-11-01"})
    done = sync.sync(home, "acme", NOW + SOON)
    assert done.problem == "" and done.landed["subscription_item"] == 2
    assert all(asked.first("since") for asked in server.asked[-2:]), "the place reached is known from what is landed"
    assert not list(raw.glob("*/9999999999*"))


# -- webhooks ------------------------------------------------------------------------------------------------


def told(server: Acme, key: str, **subscription: Any) -> bytes:
    return json.dumps({"id": key, "subscription": subscription}).encode()


def test_webhooks_in_any_order_and_repeated_make_the_same_history(home: Home, server: Acme) -> None:
    fill(server, 2)
    connect(home, server)
    sync.sync(home, "acme", NOW)
    base = {"id": "s001", "customer": "c001", "plan": "p1"}
    stamp = int(NOW.timestamp())
    first = told(server, "e1", **base, amount=2000, updated=stamp + 60, **{"from": "2026-11-05"})
    second = told(server, "e2", **base, amount=3000, updated=stamp + 120, **{"from": "2026-11-10"})
    signed = {"x-acme": server.key}
    assert hooks_in.take(home, "acme", second, signed, NOW) and not hooks_in.take(home, "acme", second, signed, NOW)
    assert sync.sync(home, "acme", NOW + SOON).landed["subscription_item"] == 2
    hooks_in.take(home, "acme", first, signed, NOW)
    hooks_in.take(home, "acme", second, signed, NOW)
    sync.sync(home, "acme", NOW + 2 * SOON)
    assert not hooks_in.is_waiting(home, "acme")
    assert [(str(row[0]), row[1]) for row in held_states(home, "s001")] == [
        ("2026-01-02", 1100),
        ("2026-11-05", 2000),
        ("2026-11-10", 3000),
    ]


def test_a_webhook_with_another_signature_is_refused(home: Home, server: Acme) -> None:
    connect(home, server)
    with pytest.raises(SourceError, match="signature"):
        hooks_in.take(home, "acme", told(server, "e1"), {"x-acme": "forged"}, NOW)
    assert not hooks_in.is_waiting(home, "acme")


def held_states(home: Home, item: str) -> list[Any]:
    from holdfast.warehouse.booking import scan

    with duckdb.connect() as c:
        return c.execute(
            f"with landed as (select * from {scan(home.landing.files('subscription_item'))} where item_id = '{item}') "
            "select valid_from, unit_amount_minor from landed where learned_at = (select max(learned_at) from landed) order by 1"
        ).fetchall()
