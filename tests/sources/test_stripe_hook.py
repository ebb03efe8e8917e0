"""Stripe's webhooks: whose they are, how old, in which order they come and how often."""

from __future__ import annotations

import copy
import hashlib
import hmac
import itertools
import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import stripe

from holdfast.sources.access import Access
from holdfast.sources.shelf.stripe import SOURCE
from holdfast.sources.source import Facts, Hook, SourceError, State, Told
from tests.emulators.stripe_billing import Business, at
from tests.emulators.stripe_scenarios import World, catalogue
from tests.sources.harness import Reader

NOW = datetime(2025, 3, 1, 12, tzinfo=UTC)
EVENT = {
    "id": "evt_1", "object": "event", "type": "customer.created", "created": 1_740_000_000,
    "data": {"object": {"id": "cus_1", "object": "customer"}},
}  # fmt: skip


def signature(body: bytes, secret: str, moment: datetime = NOW) -> str:
    """As Stripe makes it; checked below with Stripe's own library."""
    stamp = int(moment.timestamp())
    return f"t={stamp},v1={hmac.new(secret.encode(), f'{stamp}.'.encode() + body, hashlib.sha256).hexdigest()}"


def came(header: str, secrets: str = "whsec_one", body: bytes = b"", now: datetime = NOW) -> Hook | None:
    assert SOURCE.hook is not None
    access = Access({}, {"api_key": "rk_live_it", "webhook_secret": secrets})
    return SOURCE.hook(access, body or json.dumps(EVENT).encode(), {"stripe-signature": header}, now)


class TestSignature:
    body = json.dumps(EVENT).encode()

    def test_our_way_of_signing_is_stripe_s(self) -> None:
        header = signature(self.body, "whsec_one", datetime.now(UTC))
        assert stripe.WebhookSignature.verify_header(self.body.decode(), header, "whsec_one", 300)

    def test_signed_by_our_secret(self) -> None:
        assert came(signature(self.body, "whsec_one")) == Hook("evt_1", "events", EVENT)

    def test_while_a_secret_is_rolled_over_both_are_good(self) -> None:
        for secret in ("whsec_one", "whsec_two"):
            assert came(signature(self.body, secret), "whsec_one, whsec_two") is not None
        first, second = (signature(self.body, secret) for secret in ("whsec_old", "whsec_one"))
        assert came(f"{first},v1={second.partition('v1=')[2]},v0=abc") is not None

    @pytest.mark.parametrize(
        "header",
        [
            "",
            "t=1",
            "v1=abc",
            "t=x,v1=abc",
            "t=1,t=2,v1=a",
            "t=1740830400,v0=abc",
            "t=1740830400,v1=",
            "t=1740830400,v1=ü",
        ],
    )
    def test_no_signature_of_ours(self, header: str) -> None:
        with pytest.raises(SourceError):
            came(header)

    def test_another_secret_or_another_body(self) -> None:
        with pytest.raises(SourceError, match="not by our signing secret"):
            came(signature(self.body, "whsec_other"))
        with pytest.raises(SourceError, match="not by our signing secret"):
            came(signature(self.body, "whsec_one"), body=self.body + b" ")

    @pytest.mark.parametrize(
        ("minutes", "is_good"), [(0, True), (4.9, True), (5.1, False), (-4.9, True), (-5.1, False)]
    )
    def test_five_minutes_old_at_most(self, minutes: float, is_good: bool) -> None:
        header = signature(self.body, "whsec_one", NOW - timedelta(minutes=minutes))
        if is_good:
            assert came(header) is not None
        else:
            with pytest.raises(SourceError, match="older than five minutes"):
                came(header)

    def test_without_a_secret_nothing_is_taken(self) -> None:
        with pytest.raises(SourceError, match="no signing secret"):
            came(signature(self.body, ""), "")

    def test_what_is_not_kept(self) -> None:
        body = json.dumps({**EVENT, "data": {"object": {"id": "po_1", "object": "payout"}}}).encode()
        assert came(signature(body, "whsec_one"), body=body) is None
        with pytest.raises(SourceError, match="not an event"):
            came(signature(b"[]", "whsec_one"), body=b"[]")


@pytest.fixture
def it(monkeypatch: pytest.MonkeyPatch) -> Iterator[Business]:
    monkeypatch.setenv("HOLDFAST_ALLOW_HOSTS", "127.0.0.1")
    with Business(at("2025-01-10")) as business:
        yield business


@dataclass
class Changed:
    """Three changes of seats, two of them in one second, as three events; and what was known before."""

    world: World
    sub: str
    before: dict[str, Any]
    events: list[dict[str, Any]]
    wanted: list[tuple[Any, ...]]


@pytest.fixture
def changed(it: Business) -> Changed:
    world = catalogue(it)
    it.customer("a")
    sub = it.subscribe("cus_a", (world.prices["seat"], 1))
    before, seen = copy.deepcopy(it.objects["subscription"][sub]), len(it.objects["event"])
    it.advance(at("2025-01-20"))
    it.update(sub, quantity=3)
    it.advance(at("2025-01-25"))
    it.update(sub, quantity=5)
    it.update(sub, quantity=4)
    events = [
        one for one in list(it.objects["event"].values())[seen:] if one["type"] == "customer.subscription.updated"
    ]
    first, second, third = date(2025, 1, 10), date(2025, 1, 20), date(2025, 1, 25)
    return Changed(world, sub, before, events, [(1, first, second), (3, second, third), (4, third, None)])


def said(facts: Facts) -> list[tuple[Any, ...]]:
    return [
        tuple(row[name] for name in ("quantity", "valid_from", "valid_to")) for row in facts.rows["subscription_item"]
    ]


def test_any_order_says_the_same(it: Business, changed: Changed) -> None:
    seen = datetime(2025, 1, 11, tzinfo=UTC)
    prices = it.objects["price"]
    for order in itertools.permutations([*changed.events, changed.events[0]]):
        subs, events = [State(changed.before, None, seen)], {}
        for n, event in enumerate(order):
            moment = datetime.fromtimestamp(it.now, UTC) + timedelta(minutes=n)
            events[event["id"]] = [State(event, SOURCE.stream("events").changed(event), moment)]
            subs += [State(one.obj, one.changed_at, moment) for one in SOURCE.stream("events").also(event)]
        subs.sort(key=lambda state: state.changed_at or state.seen_at)
        objects = {"subscriptions": {changed.sub: subs}, "events": events}
        facts = SOURCE.facts(Told("cus_a", objects, {"prices": prices}, "UTC", "USD", {}, seen))
        assert said(facts) == changed.wanted, [one["id"] for one in order]


@pytest.mark.slow
def test_backwards_and_twice_through_landing(it: Business, changed: Changed, tmp_path: Path) -> None:
    """As read: the newest event comes first, each comes twice, and nothing of it can be listed."""
    reader = Reader(SOURCE, tmp_path, {"base_url": it.url}, {"api_key": it.key})
    it.objects["event"], it.objects["subscription"][changed.sub] = {}, changed.before
    reader.pull(datetime.fromtimestamp(at("2025-01-11"), UTC))
    now = datetime(2025, 1, 11, 12, tzinfo=UTC)
    backwards = changed.events[::-1]
    first = reader.pull(now, kept={"events": backwards[:2]})
    assert first.new["events"] == 2
    again = reader.pull(now + timedelta(minutes=5), kept={"events": backwards})
    assert again.new["events"] == 1
    assert said(reader.facts(now)) == changed.wanted
