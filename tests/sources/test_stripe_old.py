"""Stripe's older shape, spoken by localstripe: plans, one item, `discount`, dates on the subscription, events without what was before.

localstripe runs as a process of its own. It would listen everywhere; here its socket is bound to this machine only.
"""

from __future__ import annotations

import importlib.util
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from holdfast.sources.access import Access
from holdfast.sources.shelf.stripe import SOURCE
from tests.sources.harness import Reader

KEY = "sk_test_12345"

#: the process, with its socket on the loopback address instead of all, and its clock as many seconds ahead as a file says
ON_LOOPBACK = """
import pathlib, runpy, socket, sys, time
clock, real = pathlib.Path(sys.argv.pop(1)), time.time
time.time = lambda: real() + int(clock.read_text())
bind = socket.socket.bind
def on_loopback(self, address):
    return bind(self, ("::ffff:127.0.0.1", *address[1:]) if address[0] == "::" else address)
socket.socket.bind = on_loopback
runpy.run_module("localstripe", run_name="__main__")
"""

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(importlib.util.find_spec("localstripe") is None, reason="localstripe is not installed: pip install localstripe"),
]  # fmt: skip


def free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


@pytest.fixture(scope="module")
def clock(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """How many seconds localstripe's clock is ahead."""
    path = tmp_path_factory.mktemp("clock") / "ahead"
    path.write_text("0")
    return path


@pytest.fixture(scope="module")
def old(clock: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx.Client]:
    port = free_port()
    environment = {"PATH": os.environ["PATH"], "HOME": str(tmp_path_factory.mktemp("home"))}
    process = subprocess.Popen(
        [sys.executable, "-c", ON_LOOPBACK, str(clock), "--port", str(port), "--from-scratch"], env=environment,
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    client = httpx.Client(base_url=f"http://127.0.0.1:{port}", auth=(KEY, ""), timeout=10)
    try:
        for _ in range(200):
            try:
                client.get("/v1/customers")
                break
            except httpx.TransportError:
                time.sleep(0.1)
        yield client
    finally:
        client.close()
        process.terminate()
        process.wait(10)


def post(client: httpx.Client, path: str, **form: Any) -> dict[str, Any]:
    answer = client.post(path, data=form)
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


@pytest.fixture(scope="module")
def company(old: httpx.Client) -> dict[str, str]:
    """A customer with a card on a plan of five seats, and one with a coupon."""
    post(old, "/v1/plans", id="seat", amount=2_000, currency="eur", interval="month", name="Seat")
    post(old, "/v1/plans", id="year", amount=120_000, currency="eur", interval="year", name="Year")
    post(old, "/v1/coupons", id="tenth", percent_off=10, duration="forever")
    found = {}
    for name, plan, quantity in (("seats", "seat", 5), ("annual", "year", 1)):
        customer = post(old, "/v1/customers", email=f"billing@{name}.test", description=f"{name.title()} GmbH")
        card = post(old, "/v1/payment_methods", type="card", **{
            "card[number]": "4242424242424242", "card[exp_month]": "12", "card[exp_year]": "2030", "card[cvc]": "123"})  # fmt: skip
        post(old, f"/v1/payment_methods/{card['id']}/attach", customer=customer["id"])
        post(old, f"/v1/customers/{customer['id']}", **{"invoice_settings[default_payment_method]": card["id"]})
        items = {"items[0][plan]": plan, "items[0][quantity]": quantity}
        found[f"{name}_sub"] = post(old, "/v1/subscriptions", customer=customer["id"], **items)["id"]
        found[name] = customer["id"]
    return found


@pytest.fixture
def reader(old: httpx.Client, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Reader:
    monkeypatch.setenv("HOLDFAST_ALLOW_HOSTS", "127.0.0.1")
    monkeypatch.setenv("HOLDFAST_RETRY_PAUSE", "0")
    return Reader(SOURCE, tmp_path, {"base_url": str(old.base_url).rstrip("/")}, {"api_key": KEY})


def test_a_customer_on_the_old_shape_from_end_to_end(
    old: httpx.Client, company: dict[str, str], reader: Reader, clock: Path
) -> None:
    """Five seats, then eight, then it leaves: read three times."""
    today, now = datetime.now(UTC).date(), datetime.now(UTC)
    sub = company["seats_sub"]
    reader.pull(now)
    facts = reader.facts(now)
    assert facts.bad == []
    row = next(r for r in facts.rows["subscription_item"] if r["subscription_id"] == sub)
    told = {
        name: row[name]
        for name in ("plan_id", "quantity", "unit_amount_minor", "currency", "interval", "status", "valid_from")
    }
    assert told == {
        "plan_id": "seat", "quantity": 5, "unit_amount_minor": 2_000, "currency": "EUR", "interval": "month", "status": "active",
        "valid_from": today,
    }  # fmt: skip
    yearly = next(r for r in facts.rows["subscription_item"] if r["account_id"] == company["annual"])
    assert (yearly["unit_amount_minor"], yearly["interval"]) == (120_000, "year")
    assert (yearly["term_end"] - today).days in (365, 366)
    account = next(a for a in facts.rows["account"] if a["account_id"] == company["seats"])
    assert (account["name"], account["domain"]) == ("Seats GmbH", "seats.test")
    invoice = next(i for i in facts.rows["invoice"] if i["account_id"] == company["seats"])
    assert (invoice["total_minor"], invoice["status"], invoice["currency"]) == (10_000, "paid", "EUR")
    lines = [line for line in facts.rows["invoice_line"] if line["account_id"] == company["seats"]]
    assert [(line["kind"], line["amount_minor"], line["subscription_id"]) for line in lines] == [
        ("recurring", 10_000, sub)
    ]

    # the other plan: the old item is gone and another is there
    clock.write_text(str(2 * 86_400))
    post(old, f"/v1/subscriptions/{sub}", **{"items[0][plan]": "seat", "items[0][quantity]": 8})
    later = now + timedelta(days=2, hours=1)
    reader.pull(later)
    rows = [r for r in reader.facts(later).rows["subscription_item"] if r["subscription_id"] == sub]
    assert sorted((r["quantity"], r["valid_from"], r["valid_to"]) for r in rows) == [
        (5, today, today + timedelta(days=2)), (8, today + timedelta(days=2), None)]  # fmt: skip

    clock.write_text(str(4 * 86_400))
    assert old.delete(f"/v1/subscriptions/{sub}").status_code == 200
    last = now + timedelta(days=4, hours=1)
    reader.pull(last)
    rows = [r for r in reader.facts(last).rows["subscription_item"] if r["subscription_id"] == sub]
    assert sorted((r["quantity"], r["valid_to"]) for r in rows) == [
        (5, today + timedelta(days=2)), (8, today + timedelta(days=4))]  # fmt: skip


def test_the_key_is_tried_on_every_list(old: httpx.Client, company: dict[str, str], reader: Reader) -> None:
    checked = SOURCE.check(Access(reader.access.settings, {"api_key": KEY}))
    assert checked.seen["subscriptions"] >= 1
    # what it does not have is empty
    assert checked.seen["credit_notes"] == 0
    assert any("secret key" in warning for warning in checked.warnings)
