"""Stripe: what is read, page by page, and what of it becomes which fact."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from holdfast.sources.access import Access
from holdfast.sources.shelf.stripe import SOURCE
from holdfast.sources.source import Facts, SourceError, Span, State, Told
from tests.emulators.serving import Answer
from tests.emulators.stripe_billing import DAY, Business, at
from tests.emulators.stripe_scenarios import World, catalogue
from tests.sources.harness import Reader

pytestmark = pytest.mark.slow


@pytest.fixture
def it(monkeypatch: pytest.MonkeyPatch) -> Iterator[Business]:
    monkeypatch.setenv("HOLDFAST_ALLOW_HOSTS", "127.0.0.1")
    monkeypatch.setenv("HOLDFAST_RETRY_PAUSE", "0")
    with Business(at("2025-01-10")) as business:
        yield business


@pytest.fixture
def world(it: Business) -> World:
    return catalogue(it)


@pytest.fixture
def reader(it: Business, tmp_path: Path) -> Reader:
    return Reader(SOURCE, tmp_path, {"base_url": it.url}, {"api_key": it.key})


def access(it: Business) -> Access:
    return Access({"base_url": it.url}, {"api_key": it.key})


def read(it: Business, stream: str, since: datetime | None = None) -> list[dict[str, Any]]:
    return [obj for page in SOURCE.stream(stream).read(access(it), Span(since)) for obj in page]


def facts_of(it: Business, timezone: str = "UTC", change: Callable[[dict[str, Any]], None] | None = None) -> Facts:
    """The facts of the one customer there is, as a single reading now tells it, without landing anything."""
    now = datetime.fromtimestamp(it.now, UTC)
    objects: dict[str, dict[str, list[State]]] = {}
    shared: dict[str, dict[str, Any]] = {}
    group = ""
    for stream in SOURCE.streams:
        for obj in read(it, stream.name):
            if change:
                change(obj)
            key = stream.key(obj)
            if stream.is_shared:
                shared.setdefault(stream.name, {})[key] = obj
                continue
            group = stream.group(obj) or group
            objects.setdefault(stream.name, {})[key] = [State(obj, stream.changed(obj), now)]
    return SOURCE.facts(Told(group, objects, shared, timezone, "USD", {}, now))


def items(facts: Facts, *names: str) -> list[tuple[Any, ...]]:
    return [tuple(row.get(name) for name in names) for row in facts.rows.get("subscription_item", [])]


class TestReading:
    def test_every_page_is_read(self, it: Business, world: World) -> None:
        for n in range(230):
            it.customer(f"c{n}")
        assert len({obj["id"] for obj in read(it, "customers")}) == 230
        asked = [one for one in it.asked if one.path == "/v1/customers"]
        assert [one.first("limit") for one in asked] == ["100"] * 3
        assert all(one.headers["stripe-version"] == "2026-10-28.endive" for one in asked)
        assert [bool(one.first("starting_after")) for one in asked] == [False, True, True]

    def test_canceled_subscriptions_are_listed_too_with_their_discounts(self, it: Business, world: World) -> None:
        it.customer("a")
        sub = it.subscribe("cus_a", world.prices["team"], coupons=(world.coupons["forever"],))
        it.cancel(sub)
        told = read(it, "subscriptions")
        assert [one["status"] for one in told] == ["canceled"]
        assert told[0]["discounts"][0]["source"]["coupon"] == world.coupons["forever"]

    def test_lines_beyond_the_first_page_are_paged(self, it: Business, world: World) -> None:
        it.customer("a")
        it.lines_shown = 2
        it.subscribe("cus_a", *[world.prices["team"]] * 5)
        invoice = read(it, "invoices")[0]
        assert len(invoice["lines"]["data"]) == 5
        assert not invoice["lines"]["has_more"]
        event = next(one for one in read(it, "events") if one["type"] == "invoice.paid")
        assert len(event["data"]["object"]["lines"]["data"]) == 5

    def test_events_since_a_moment_newest_first_and_those_of_one_second_in_stripe_s_order(
        self, it: Business, world: World
    ) -> None:
        it.customer("a")
        sub = it.subscribe("cus_a", (world.prices["seat"], 1))
        it.advance(at("2025-01-20"))
        for seats in (2, 3, 4):
            it.update(sub, quantity=seats)
        told = read(it, "events", datetime(2025, 1, 15, tzinfo=UTC))
        seats_told = [one["data"]["object"]["items"]["data"][0]["quantity"] for one in told]
        assert seats_told == [4, 3, 2]

    def test_events_are_kept_for_thirty_days(self, it: Business, world: World) -> None:
        it.customer("a")
        it.advance(it.now + 31 * DAY)
        assert read(it, "events") == []

    def test_asked_too_often_it_waits_and_goes_on(self, it: Business, world: World) -> None:
        it.customer("a")
        it.faults = [Answer(429, {"error": {"message": "slow down"}}, {"Retry-After": "0"}), Answer(503), Answer(500)]
        assert len(read(it, "customers")) == 1


class TestKeeping:
    def test_between_listings_events_tell_what_changed(self, it: Business, world: World, reader: Reader) -> None:
        it.customer("a")
        sub = it.subscribe("cus_a", (world.prices["seat"], 2))
        now = datetime.fromtimestamp(it.now, UTC)
        reader.pull(now)
        it.advance(it.now + 3_600)
        it.update(sub, quantity=5)
        pulled = reader.pull(datetime.fromtimestamp(it.now, UTC))
        assert "subscriptions" not in pulled.whole
        assert items(reader.facts(now), "quantity", "valid_from", "valid_to") == [(5, date(2025, 1, 10), None)]
        again = reader.pull(datetime.fromtimestamp(it.now + 60, UTC))
        assert again.new == {}

    def test_a_deleted_customer_keeps_its_history_and_its_name(
        self, it: Business, world: World, reader: Reader
    ) -> None:
        it.customer("a")
        it.subscribe("cus_a", world.prices["team"])
        reader.pull(datetime.fromtimestamp(it.now, UTC))
        it.advance(at("2025-02-20"))
        it.forget("cus_a")
        reader.pull(datetime.fromtimestamp(it.now, UTC), whole=True)
        facts = reader.facts(datetime.fromtimestamp(it.now, UTC))
        assert items(facts, "valid_from", "valid_to") == [(date(2025, 1, 10), date(2025, 2, 20))]
        assert [row["name"] for row in facts.rows["account"]] == ["A"]

    def test_a_customer_that_is_not_listed_any_more_ends(self, it: Business, world: World, reader: Reader) -> None:
        """No event tells it: test data were wiped, or it was long ago."""
        it.customer("a")
        sub = it.subscribe("cus_a", world.prices["team"])
        reader.pull(datetime.fromtimestamp(it.now, UTC))
        it.advance(at("2025-03-20"))
        del it.objects["customer"]["cus_a"], it.objects["subscription"][sub]
        reader.pull(datetime.fromtimestamp(it.now, UTC), whole=True)
        facts = reader.facts(datetime.fromtimestamp(it.now, UTC))
        assert items(facts, "valid_from", "valid_to") == [(date(2025, 1, 10), date(2025, 3, 20))]

    def test_an_invoice_that_is_deleted_is_told_so(self, it: Business, world: World, reader: Reader) -> None:
        it.customer("a")
        it.one_off("cus_a", 5_000)
        reader.pull(datetime.fromtimestamp(it.now, UTC))
        it.objects["invoice"].clear()
        reader.pull(datetime.fromtimestamp(it.now + 60, UTC), whole=True)
        facts = reader.facts(datetime.fromtimestamp(it.now, UTC))
        assert [row["deleted"] for row in facts.rows["invoice"]] == [True]
        assert [row["deleted"] for row in facts.rows["invoice_line"]] == [True]


class TestAccounts:
    def test_name_domain_day_and_metadata(self, it: Business, world: World) -> None:
        it.customer(
            "a", "Kontakt@Müller.test".replace("ü", "ue"), name="Müller & Söhne 株式会社", address={"country": "DE"}, currency="eur",
            metadata={"industry": " Retail ", "notes": "x" * 200, "empty": ""},
        )  # fmt: skip
        it.subscribe("cus_a", world.prices["eur"])
        assert facts_of(it).rows["account"] == [
            {
                "account_id": "cus_a", "name": "Müller & Söhne 株式会社", "domain": "mueller.test", "created_on": date(2025, 1, 10),
                "attributes": {"country": "DE", "currency": "EUR", "plan": "Team", "industry": "Retail"},
            }
        ]  # fmt: skip

    @pytest.mark.parametrize("email", ["jo@gmail.com", "jo@web.de", "nonsense", "", "a@b@c.test"])
    def test_no_domain_from_an_address_that_is_no_company_s(self, it: Business, email: str) -> None:
        it.customer("a")
        it.objects["customer"]["cus_a"]["email"] = email
        assert facts_of(it).rows["account"][0]["domain"] is None

    def test_without_a_name_the_address_stands_for_it(self, it: Business) -> None:
        it.customer("a", "jo@acme.test", name=None)
        assert facts_of(it).rows["account"][0]["name"] == "jo@acme.test"

    def test_days_are_the_company_s(self, it: Business, world: World) -> None:
        it.advance(at("2025-01-31", 23))
        it.customer("a")
        it.subscribe("cus_a", world.prices["team"])
        assert items(facts_of(it, "Asia/Tokyo"), "valid_from") == [(date(2025, 2, 1),)]
        assert items(facts_of(it, "America/New_York"), "valid_from") == [(date(2025, 1, 31),)]


class TestPrices:
    def sold(self, it: Business, price: str, quantity: int = 1) -> list[tuple[Any, ...]]:
        it.customer("a")
        it.subscribe("cus_a", (price, quantity))
        return items(
            facts_of(it), "quantity", "unit_amount_minor", "currency", "interval", "interval_count", "usage_type"
        )

    @pytest.mark.parametrize(
        ("currency", "stripe", "minor"),
        [
            ("usd", 1_050, 1_050),
            ("jpy", 1_200, 1_200),
            ("kwd", 5_120, 5_120),
            ("isk", 50_000, 500),
            ("mga", 400, 40_000),
            ("ugx", 500, 5),
        ],
    )
    def test_minor_units(self, it: Business, currency: str, stripe: int, minor: int) -> None:
        """Stripe's minor units are not those of ISO 4217 for all: ISK and UGX have two decimals there, MGA none."""
        price = it.price(it.product("P"), stripe, currency=currency)
        assert self.sold(it, price) == [(1, minor, currency.upper(), "month", 1, "licensed")]

    @pytest.mark.parametrize(("interval", "count"), [("day", 30), ("week", 2), ("month", 6), ("year", 2)])
    def test_intervals(self, it: Business, interval: str, count: int) -> None:
        price = it.price(it.product("P"), 1_000, interval, count)
        assert self.sold(it, price, 3) == [(3, 1_000, "USD", interval, count, "licensed")]

    def test_volume_tiers(self, it: Business, world: World) -> None:
        # 20 at 8.00 and 5.00: 165.00 for 20, 8.25 each
        assert self.sold(it, world.prices["tiers"], 20)[0][:2] == (20, 825)

    def test_graduated_tiers_that_no_whole_amount_divides(self, it: Business) -> None:
        tiers = [
            {"up_to": 5, "unit_amount": 1_000, "unit_amount_decimal": "1000", "flat_amount": None, "flat_amount_decimal": None},
            {"up_to": None, "unit_amount": 333, "unit_amount_decimal": "333", "flat_amount": 100, "flat_amount_decimal": "100"},
        ]  # fmt: skip
        price = it.price(it.product("P"), None, tiers=tiers, tiers_mode="graduated")
        # 5 × 10.00 + 1.00 + 2 × 3.33 = 57.66, which is no multiple of 7 cents: one unit, so that the amount is exact
        assert self.sold(it, price, 7)[0][:2] == (1, 5_766)

    def test_packs(self, it: Business) -> None:
        price = it.price(it.product("P"), 5_000, transform_quantity={"divide_by": 10, "round": "up"})
        # 12 are two packs
        assert self.sold(it, price, 12)[0][:2] == (1, 10_000)

    def test_parts_of_a_cent(self, it: Business) -> None:
        price = it.price(it.product("P"), 0)
        it.objects["price"][price] |= {"unit_amount": None, "unit_amount_decimal": "12.5"}
        it.objects["price"][price]["billing_scheme"] = "per_unit"
        it.customer("a")
        it.amount = lambda price, quantity: round(12.5 * quantity)  # type: ignore[method-assign]
        it.subscribe("cus_a", (price, 1_000))
        assert items(facts_of(it), "quantity", "unit_amount_minor") == [(1, 12_500)]

    def test_metered_is_no_recurring_price(self, it: Business, world: World) -> None:
        assert self.sold(it, world.prices["calls"])[0][-1] == "metered"

    def test_tax_within_the_price_is_taken_out(self, it: Business, world: World) -> None:
        it.customer("a")
        it.subscribe("cus_a", world.prices["eur"])
        tax = {"amount": 1_437, "tax_behavior": "inclusive", "tax_rate_details": {"tax_rate": "txr_1"}, "taxability_reason": "standard_rated",
               "taxable_amount": 7_563, "type": "tax_rate_details"}  # fmt: skip
        for invoice in it.objects["invoice"].values():
            invoice["lines"]["data"][0]["taxes"] = [tax]
            invoice["total_taxes"] = [tax]
        facts = facts_of(it)
        assert items(facts, "unit_amount_minor") == [(7_563,)]
        assert [row["amount_minor"] for row in facts.rows["invoice_line"]] == [7_563]
        assert [(row["total_minor"], row["tax_minor"]) for row in facts.rows["invoice"]] == [(9_000, 1_437)]

    def test_a_price_that_cannot_be_said_is_told_and_the_rest_is_read(self, it: Business, world: World) -> None:
        it.customer("a")
        it.subscribe("cus_a", world.prices["team"], world.prices["tiers"])
        it.denied.add("none")

        def without_tiers(obj: dict[str, Any]) -> None:
            if obj["object"] == "price":
                obj.pop("tiers", None)

        facts = facts_of(it, change=without_tiers)
        assert items(facts, "plan_id") == [(world.prices["team"],)]
        assert [(bad.field, bad.value) for bad in facts.bad] == [("price", world.prices["tiers"])]


class TestDiscounts:
    COLUMNS = (
        "forever_off_ppm",
        "forever_off_minor",
        "repeating_off_ppm",
        "repeating_until",
        "once_off_minor",
        "once_until",
    )

    def sold(self, it: Business, world: World, *names: str) -> list[tuple[Any, ...]]:
        it.customer("a")
        it.subscribe("cus_a", world.prices["team"], coupons=tuple(world.coupons[name] for name in names))
        return items(facts_of(it), "valid_from", *self.COLUMNS)

    def test_forever(self, it: Business, world: World) -> None:
        assert self.sold(it, world, "forever")[0] == (date(2025, 1, 10), 200_000, 0, 0, None, 0, None)

    def test_repeating_until_its_end(self, it: Business, world: World) -> None:
        rows = self.sold(it, world, "repeating")
        assert rows == [
            (date(2025, 1, 10), 0, 0, 250_000, date(2025, 4, 10), 0, None), (date(2025, 4, 10), 0, 0, 0, None, 0, None)]  # fmt: skip

    def test_once_is_for_the_period_it_was_taken_off(self, it: Business, world: World) -> None:
        rows = self.sold(it, world, "once")
        assert rows[0] == (date(2025, 1, 10), 0, 0, 0, None, 5_000, date(2025, 2, 10))
        assert rows[1][1:] == (0, 0, 0, None, 0, None)

    def test_percentages_multiply_and_an_amount_comes_off_what_is_left(self, it: Business, world: World) -> None:
        assert self.sold(it, world, "forever", "amount")[0][1:3] == (200_000, 1_500)

    def test_an_amount_before_a_percentage_is_worth_less(self, it: Business, world: World) -> None:
        """(100 − 15) × 0.8 = 100 × 0.8 − 12."""
        assert self.sold(it, world, "amount", "forever")[0][1:3] == (200_000, 1_200)

    def test_an_amount_is_shared_among_the_items_to_the_last_cent(self, it: Business, world: World) -> None:
        it.customer("a")
        it.subscribe(
            "cus_a",
            world.prices["team"],
            (world.prices["seat"], 1),
            (world.prices["seat"], 1),
            coupons=(world.coupons["amount"],),
        )
        shares = [row[0] for row in items(facts_of(it), "forever_off_minor")]
        assert sorted(shares) == [214, 214, 1_072]

    def test_on_one_item_only(self, it: Business, world: World) -> None:
        it.customer("a")
        sub = it.subscribe("cus_a", world.prices["team"], world.prices["business"])
        told = it.objects["subscription"][sub]
        key = it.discount(world.coupons["forever"], "cus_a", sub, told["items"]["data"][1]["id"])
        data = copy.deepcopy(told["items"]["data"])
        data[1]["discounts"] = [key]
        it.change(told, "customer.subscription.updated", items={**told["items"], "data": data})
        assert sorted(items(facts_of(it), "plan_id", "forever_off_ppm")) == sorted(
            [(world.prices["team"], 0), (world.prices["business"], 200_000)]
        )

    def test_for_one_product_only(self, it: Business, world: World) -> None:
        product = it.objects["price"][world.prices["team"]]["product"]
        it.objects["coupon"][world.coupons["forever"]]["applies_to"] = {"products": [product]}
        it.customer("a")
        it.subscribe("cus_a", world.prices["team"], world.prices["business"], coupons=(world.coupons["forever"],))
        told = dict(items(facts_of(it), "plan_id", "forever_off_ppm"))
        assert told == {world.prices["team"]: 200_000, world.prices["business"]: 0}

    def test_of_the_customer_where_the_subscription_has_none(self, it: Business, world: World) -> None:
        it.customer("a")
        key = it.discount(world.coupons["forever"], "cus_a", None)
        it.objects["customer"]["cus_a"]["discount"] = it.objects["discount"][key]
        it.subscribe("cus_a", world.prices["team"])
        it.subscribe("cus_a", world.prices["business"], coupons=(world.coupons["all"],))
        told = dict(items(facts_of(it), "plan_id", "forever_off_ppm"))
        assert told == {world.prices["team"]: 200_000, world.prices["business"]: 1_000_000}

    def test_a_coupon_nobody_tells_is_complained_of(self, it: Business, world: World) -> None:
        it.customer("a")
        it.subscribe("cus_a", world.prices["team"], coupons=(world.coupons["forever"],))
        it.objects["coupon"].clear()
        facts = facts_of(it)
        assert items(facts, "forever_off_ppm") == [(0,)]
        assert "Coupons: Read" in facts.bad[0].remedy


class TestStates:
    def test_terms_of_a_year_follow_one_another_and_months_have_none(self, it: Business, world: World) -> None:
        it.customer("a")
        it.subscribe("cus_a", world.prices["year"], coupons=())
        it.advance(at("2026-02-01"))
        assert items(facts_of(it), "valid_from", "term_end") == [
            (date(2025, 1, 10), date(2026, 1, 10)), (date(2026, 1, 10), date(2027, 1, 10))]  # fmt: skip
        it.customer("b")
        it.objects["customer"].pop("cus_a")

    def test_a_month_has_no_term(self, it: Business, world: World) -> None:
        it.customer("a")
        it.subscribe("cus_a", world.prices["team"])
        assert items(facts_of(it), "term_end", "auto_renew") == [(None, True)]

    def test_asked_to_end(self, it: Business, world: World) -> None:
        it.customer("a")
        sub = it.subscribe("cus_a", world.prices["team"])
        it.advance(at("2025-01-20"))
        it.cancel_at_end(sub)
        assert items(facts_of(it), "valid_from", "valid_to", "cancel_requested_on", "auto_renew") == [
            (date(2025, 1, 10), date(2025, 1, 20), None, True),
            (date(2025, 1, 20), date(2025, 2, 10), date(2025, 1, 20), False),
        ]
        it.advance(at("2025-01-25"))
        it.cancel_at_end(sub, False)
        assert items(facts_of(it), "valid_from", "cancel_requested_on")[-1] == (date(2025, 1, 25), None)

    def test_unpaid(self, it: Business, world: World) -> None:
        it.after_failure = "unpaid"
        it.customer("a")
        it.subscribe("cus_a", world.prices["team"])
        it.cannot_pay.add("cus_a")
        it.advance(at("2025-03-01"))
        facts = facts_of(it)
        assert items(facts, "status", "valid_from") == [
            ("active", date(2025, 1, 10)), ("past_due", date(2025, 2, 10)), ("unpaid", date(2025, 2, 25))]  # fmt: skip
        assert [(row["status"], row["attempts"]) for row in facts.rows["invoice"]][-1] == ("open", 4)

    @pytest.mark.parametrize("behavior", ["void", "mark_uncollectible", "keep_as_draft"])
    def test_where_nothing_is_collected_it_is_paused(self, it: Business, world: World, behavior: str) -> None:
        it.customer("a")
        sub = it.subscribe("cus_a", world.prices["team"])
        it.advance(at("2025-01-20"))
        it.pause_collection(sub, behavior)
        it.advance(at("2025-02-15"))
        assert items(facts_of(it), "status", "valid_from") == [
            ("active", date(2025, 1, 10)),
            ("paused", date(2025, 1, 20)),
        ]
        it.pause_collection(sub, None)
        assert items(facts_of(it), "status", "valid_from")[-1] == ("active", date(2025, 2, 15))

    def test_what_ended_on_the_day_it_began_is_taken_back(self, it: Business, world: World, reader: Reader) -> None:
        it.customer("a")
        sub = it.subscribe("cus_a", world.prices["team"])
        assert items(facts_of(it), "valid_to", "deleted") == [(None, None)]
        it.advance(it.now + 3_600)
        it.cancel(sub)
        assert items(facts_of(it), "valid_from", "deleted", "replaces_item") == [(date(2025, 1, 10), True, True)]

    def test_everything_of_an_item_is_told_each_time(self, it: Business, world: World) -> None:
        it.customer("a")
        it.subscribe("cus_a", world.prices["team"])
        assert items(facts_of(it), "replaces_item") == [(True,)]


class TestInvoices:
    def test_kinds_of_lines(self, it: Business, world: World) -> None:
        it.customer("a")
        sub = it.subscribe("cus_a", (world.prices["seat"], 2), world.prices["calls"])
        it.advance(at("2025-01-25"))
        it.update(sub, quantity=4)
        it.one_off("cus_a", 700)
        it.advance(at("2025-02-12"))
        kinds = [(row["kind"], row["amount_minor"]) for row in facts_of(it).rows["invoice_line"]]
        assert sorted(kinds) == sorted(
            [
                ("recurring", 4_000),
                ("one_off", 700),
                ("recurring", 8_000),
                ("metered", 35),
                ("proration", -2_065),
                ("proration", 4_129),
            ]
        )

    def test_discounts_are_off_the_lines(self, it: Business, world: World) -> None:
        it.customer("a")
        it.subscribe("cus_a", world.prices["team"], coupons=(world.coupons["forever"],))
        assert [row["amount_minor"] for row in facts_of(it).rows["invoice_line"]] == [8_000]

    def test_a_refund_is_of_the_period_it_pays_back(self, it: Business, world: World) -> None:
        it.customer("a")
        sub = it.subscribe("cus_a", world.prices["team"])
        it.refund(it.invoices("cus_a")[0]["id"], 10_000)
        row = next(r for r in facts_of(it).rows["invoice_line"] if r["kind"] == "refund")
        assert (row["amount_minor"], row["subscription_id"], row["period_start"], row["period_end"]) == (
            -10_000, sub, date(2025, 1, 10), date(2025, 2, 10))  # fmt: skip

    def test_a_credit_note_that_is_paid_back_counts_once(self, it: Business, world: World) -> None:
        it.customer("a")
        it.subscribe("cus_a", world.prices["team"])
        invoice = it.invoices("cus_a")[0]["id"]
        note = it.objects["credit_note"][it.credit(invoice, 4_000)]
        note["refunds"] = [{"amount_refunded": 3_000, "refund": it.refund(invoice, 3_000), "type": "refund"}]
        lines = {row["kind"]: row["amount_minor"] for row in facts_of(it).rows["invoice_line"]}
        assert lines == {"recurring": 10_000, "credit": -1_000, "refund": -3_000}

    def test_a_void_invoice_has_no_lines_that_count(self, it: Business, world: World) -> None:
        it.customer("a")
        it.one_off("cus_a", 700)
        it.objects["invoice"][it.invoices("cus_a")[0]["id"]]["status"] = "void"
        assert [row["deleted"] for row in facts_of(it).rows["invoice_line"]] == [True]

    def test_what_cannot_be_read_is_told_and_the_rest_is_read(self, it: Business, world: World) -> None:
        it.customer("a")
        it.subscribe("cus_a", world.prices["team"])
        it.one_off("cus_a", 700)
        broken = it.invoices("cus_a")[1]
        broken["total"] = None
        facts = facts_of(it, change=lambda obj: obj.update(total=None) if obj["id"] == broken["id"] else None)
        assert [bad.object_id for bad in facts.bad] == [broken["id"]]
        assert len(facts.rows["invoice"]) == 1
        assert len(facts.rows["subscription_item"]) == 1


class TestKey:
    def test_a_key_that_may_read(self, it: Business, world: World) -> None:
        checked = SOURCE.check(access(it))
        assert checked.who == "Northwind GmbH"
        assert checked.seen["prices"] == len(it.objects["price"])
        assert checked.warnings == ()

    def test_a_wrong_key(self, it: Business) -> None:
        with pytest.raises(SourceError, match="does not know this key"):
            SOURCE.check(Access({"base_url": it.url}, {"api_key": "rk_live_other"}))

    def test_a_publishable_key(self, it: Business) -> None:
        with pytest.raises(SourceError, match="publishable"):
            SOURCE.check(Access({"base_url": it.url}, {"api_key": "pk_live_1"}))

    def test_missing_permissions_are_named(self, it: Business) -> None:
        it.denied = {"Subscriptions", "Events"}
        with pytest.raises(SourceError, match='"Subscriptions: Read", "Events: Read"'):
            SOURCE.check(access(it))

    def test_what_can_be_missed_is_a_warning(self, it: Business) -> None:
        it.denied = {"Credit notes"}
        assert SOURCE.check(access(it)).warnings == ('the key has not "Credit notes: Read": credits are not told',)

    def test_the_key_is_in_no_message(self, it: Business) -> None:
        assert it.key not in repr(access(it))


def test_malformed_objects_raise_nothing(it: Business, world: World) -> None:
    """Whatever stands where something else should: the facts of the others are said."""
    it.customer("a")
    it.subscribe("cus_a", world.prices["team"], coupons=(world.coupons["forever"],))
    it.cancel(it.subscribe("cus_a", world.prices["business"]))
    for value in (None, "", 7, [], {}, "x", True):
        for field in ("items", "discounts", "created", "start_date", "status", "currency", "lines", "parent", "period", "data", "metadata",
                      "discount", "status_transitions", "recurring", "tiers", "source", "price"):  # fmt: skip

            def spoil(obj: dict[str, Any], field: str = field, value: Any = value) -> None:
                if field in obj:
                    obj[field] = value

            facts_of_spoiled(it, spoil)


def facts_of_spoiled(it: Business, spoil: Callable[[dict[str, Any]], None]) -> None:
    now = datetime.fromtimestamp(it.now, UTC)
    objects: dict[str, dict[str, list[State]]] = {}
    for stream in SOURCE.streams:
        kind = {"customers": "customer", "subscriptions": "subscription", "invoices": "invoice", "events": "event"}.get(
            stream.name
        )
        for obj in copy.deepcopy(list(it.objects.get(kind or "", {}).values())):
            spoil(obj)
            stream.group(obj), stream.changed(obj), list(stream.also(obj)), stream.is_deleted(obj)
            objects.setdefault(stream.name, {})[stream.key(obj)] = [State(obj, stream.changed(obj), now)]
    shared = {
        name: copy.deepcopy(it.objects[kind])
        for name, kind in (("prices", "price"), ("products", "product"), ("coupons", "coupon"))
    }
    for told in shared.values():
        for obj in told.values():
            spoil(obj)
    SOURCE.facts(Told("cus_a", objects, shared, "UTC", "USD", {}, now + timedelta(days=1)))
