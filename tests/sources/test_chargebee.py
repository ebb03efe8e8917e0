"""Chargebee: how it is read, and what its objects say; against an emulator of its published rules. Movements are in a file of their own."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from holdfast.sources.access import Access
from holdfast.sources.chargebee_prices import Catalogue, PriceError, discounted, items_of, tier_amount
from holdfast.sources.chargebee_reading import client
from holdfast.sources.problems import explained
from holdfast.sources.shelf.chargebee import SOURCE
from holdfast.sources.source import Source, SourceError, Told

from ..emulators.chargebee import KEY, Chargebee
from ..emulators.serving import Answer
from .harness import Reader
from .mangled import each

pytestmark = pytest.mark.slow

START = datetime(2026, 1, 10, 9, 0, tzinfo=UTC)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
#: in one piece: the pieces of a first reading have a test of their own
SHORT = replace(SOURCE, begins=None)


@pytest.fixture
def shop(monkeypatch: pytest.MonkeyPatch) -> Iterator[Chargebee]:
    monkeypatch.setenv("HOLDFAST_ALLOW_HOSTS", "127.0.0.1")
    monkeypatch.setenv("HOLDFAST_RETRY_PAUSE", "0")
    with Chargebee(START) as emulator:
        emulator.price("basic", 50_00)
        emulator.price("pro", 120_00)
        emulator.price("sso", 20_00, kind="addon")
        yield emulator


def reader(shop: Chargebee, folder: Path, key: str = KEY, source: Source = SHORT) -> Reader:
    return Reader(source, folder, {"site": "acme", "base_url": shop.url}, {"api_key": key})


def complete_from(read: Reader, now: datetime) -> date | None:
    """The first day from which the history of all groups is whole."""
    names = [stream.name for stream in SOURCE.streams]
    shared = {stream.name: read.raw.shared(stream.name) for stream in SOURCE.streams if stream.is_shared}
    told = read.raw.told(names, read.raw.every_group(names))
    days = [SOURCE.facts(Told(group, objects, shared, "UTC", "USD", {}, now)).complete_from for group, objects in told]
    return max(filter(None, days), default=None)


def asked(shop: Chargebee, name: str) -> list[Any]:
    return [one for one in shop.asked if one.path.endswith(f"/{name}")]


# -- reading -------------------------------------------------------------------------------------------------


def test_every_page_is_read(shop: Chargebee, tmp_path: Path) -> None:
    shop.page = 2
    for number in range(5):
        shop.subscribe(f"c{number}", {"basic": 1})
    read = reader(shop, tmp_path)
    pulled = read.pull(shop.now)
    assert [pulled.new[name] for name in ("customers", "subscriptions", "invoices")] == [5, 5, 5]
    assert len(asked(shop, "events")) == 3
    assert len(asked(shop, "subscriptions")) == 3
    assert {one.first("limit") for one in shop.asked} == {"100"}


def test_afterwards_only_what_changed_is_asked_for(shop: Chargebee, tmp_path: Path) -> None:
    shop.subscribe("one", {"basic": 1})
    shop.subscribe("two", {"basic": 1})
    read = reader(shop, tmp_path)
    read.pull(shop.now)
    shop.asked.clear()
    shop.now = START + HOUR
    shop.change("one", {"pro": 1})
    pulled = read.pull(shop.now)
    (told,) = asked(shop, "subscriptions")
    # `after` leaves its own second out, and the overlap is asked for again
    assert int(told.first("updated_at[after]")) == int((START - timedelta(minutes=10)).timestamp()) - 1
    assert pulled.new == {"subscriptions": 1, "invoices": 1, "credit_notes": 1}
    assert not asked(shop, "item_prices")


def test_a_first_reading_is_done_in_pieces_and_goes_on_where_it_was_cut_off(shop: Chargebee, tmp_path: Path) -> None:
    shop.now = datetime(2024, 3, 1, tzinfo=UTC)
    shop.subscribe("one", {"basic": 1})
    shop.run(START)
    read = reader(shop, tmp_path, source=replace(SOURCE, begins=datetime(2023, 1, 1, tzinfo=UTC)))
    pulled = read.pull(shop.now)
    bounds = [
        (one.first("updated_at[after]") != "", one.first("updated_at[before]") != "") for one in asked(shop, "invoices")
    ]
    assert bounds == [(True, True)] * 3 + [(True, False)]
    assert pulled.listed["invoices"] == 23


def test_events_tell_states_between_two_readings(shop: Chargebee, tmp_path: Path) -> None:
    shop.subscribe("one", {"basic": 1})
    read = reader(shop, tmp_path)
    read.pull(shop.now)
    for days, plan in ((2, "pro"), (4, "basic")):
        shop.now = START + days * DAY
        shop.change("one", {plan: 1})
    read.pull(START + 5 * DAY)
    rows = read.facts(START + 5 * DAY).rows["subscription_item"]
    assert [(row["plan_id"], row["valid_from"], row["valid_to"]) for row in rows] == [
        ("basic", date(2026, 1, 10), date(2026, 1, 12)), ("pro", date(2026, 1, 12), date(2026, 1, 14)), ("basic", date(2026, 1, 14), None),
    ]  # fmt: skip
    assert all(row["replaces_item"] for row in rows)


def test_two_states_of_one_second_are_kept_in_their_order(shop: Chargebee, tmp_path: Path) -> None:
    shop.subscribe("one", {"basic": 1})
    shop.now = START + 2 * DAY
    shop.cancel("one")
    shop.reactivate("one")
    shop.now = START + 4 * DAY
    shop.change("one", {"pro": 1})
    read = reader(shop, tmp_path)
    read.pull(shop.now)
    rows = read.facts(shop.now).rows["subscription_item"]
    # cancelled and back within a second: it was never gone
    assert [(row["plan_id"], row["valid_from"], row["valid_to"]) for row in rows] == [
        ("basic", date(2026, 1, 10), date(2026, 1, 12)), ("basic", date(2026, 1, 12), date(2026, 1, 14)), ("pro", date(2026, 1, 14), None),
    ]  # fmt: skip


def test_a_deleted_subscription_ends_on_the_day_it_was_deleted(shop: Chargebee, tmp_path: Path) -> None:
    shop.subscribe("one", {"basic": 1})
    read = reader(shop, tmp_path)
    read.pull(shop.now)
    shop.now = START + 3 * DAY
    shop.delete("one")
    read.pull(shop.now)
    (row,) = read.facts(shop.now).rows["subscription_item"]
    assert (row["valid_from"], row["valid_to"]) == (date(2026, 1, 10), date(2026, 1, 13))


def test_a_deleted_invoice_is_deleted_with_its_lines(shop: Chargebee, tmp_path: Path) -> None:
    shop.subscribe("one", {"basic": 1})
    read = reader(shop, tmp_path)
    read.pull(shop.now)
    (key,) = shop.objects["invoices"]
    shop.now = START + HOUR
    shop.put("invoices", id=key, deleted=True)
    read.pull(shop.now)
    rows = read.facts(shop.now).rows
    assert [row["deleted"] for row in (*rows["invoice"], *rows["invoice_line"])] == [True, True]


@pytest.mark.parametrize("fault", [Answer(429, {}, {"Retry-After": "0"}), Answer(503, {}), Answer(500, {})])
def test_waiting_and_trying_again(shop: Chargebee, tmp_path: Path, fault: Answer) -> None:
    shop.subscribe("one", {"basic": 1})
    shop.faults = [fault, fault]
    read = reader(shop, tmp_path)
    assert read.pull(shop.now).listed["subscriptions"] == 1


def test_a_site_of_the_older_catalogue_is_read_as_well(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("HOLDFAST_ALLOW_HOSTS", "127.0.0.1")
    with Chargebee(START, older=True) as shop:
        shop.put(
            "plans",
            id="silver",
            price=30_00,
            period=3,
            period_unit="month",
            pricing_model="per_unit",
            free_quantity=0,
            currency_code="EUR",
        )
        shop.put(
            "addons",
            id="sms",
            price=5_00,
            period=1,
            period_unit="month",
            pricing_model="per_unit",
            charge_type="recurring",
        )
        shop.put("addons", id="setup", price=99_00, pricing_model="flat_fee", charge_type="non_recurring")
        shop.customer("one")
        shop.set(
            "s", "subscription_created", customer_id="one", status="active", currency_code="EUR", plan_id="silver", plan_quantity=4, deleted=False,
            plan_unit_price=28_00, plan_amount=112_00, billing_period=3, billing_period_unit="month", started_at=int(START.timestamp()),
            addons=[{"id": "sms", "quantity": 2, "unit_price": 5_00, "amount": 10_00}, {"id": "setup", "quantity": 1, "unit_price": 99_00}],
        )  # fmt: skip
        assert "plans" in SOURCE.check(reader(shop, tmp_path).access).seen
        read = reader(shop, tmp_path)
        read.pull(shop.now)
        rows = read.facts(shop.now).rows["subscription_item"]
    told = [
        (
            row["item_id"],
            row["plan_id"],
            row["quantity"],
            row["unit_amount_minor"],
            row["interval"],
            row["interval_count"],
            row["currency"],
        )
        for row in rows
    ]
    assert told == [("s", "silver", 4, 28_00, "month", 3, "EUR"), ("sms", "sms", 2, 5_00, "month", 1, "EUR")]


# -- trying --------------------------------------------------------------------------------------------------


def test_checking_shows_the_first_page(shop: Chargebee, tmp_path: Path) -> None:
    shop.subscribe("one", {"basic": 1})
    checked = SOURCE.check(reader(shop, tmp_path).access)
    assert checked.who == "site acme"
    assert checked.seen == {
        "customers": 1,
        "subscriptions": 1,
        "invoices": 1,
        "credit_notes": 0,
        "coupons": 0,
        "events": 1,
        "item_prices": 1,
    }


def test_a_wrong_key_is_said_so(shop: Chargebee, tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="does not take the API key") as caught:
        SOURCE.check(reader(shop, tmp_path, "live_wrong-key").access)
    assert "'acme'" in caught.value.remedy and "live_wrong-key" not in str(vars(caught.value))
    with pytest.raises(Exception) as raised:
        reader(shop, tmp_path, "live_wrong-key").pull(shop.now)
    assert "401" in explained(raised.value, SOURCE).problem


def test_a_key_that_may_not_read_everything_is_told_what_it_lacks(shop: Chargebee, tmp_path: Path) -> None:
    shop.forbidden = {"invoices"}
    with pytest.raises(SourceError, match="may not read invoices") as caught:
        SOURCE.check(reader(shop, tmp_path).access)
    assert "Read-Only Key" in caught.value.remedy


def test_a_wrong_site_is_said_so(shop: Chargebee, tmp_path: Path) -> None:
    shop.faults = [Answer(404, {"api_error_code": "site_not_found"})]
    with pytest.raises(SourceError, match="no Chargebee site 'acme'"):
        SOURCE.check(reader(shop, tmp_path).access)


@pytest.mark.parametrize("typed", ["acme", "acme.chargebee.com", "https://Acme.chargebee.com/d/"])
def test_the_site_may_be_typed_as_an_address(typed: str) -> None:
    assert client(Access({"site": typed}, {"api_key": "x"})).base_url == "https://acme.chargebee.com/api/v2"


# -- accounts and invoices -----------------------------------------------------------------------------------


def test_a_customer_is_an_account_and_a_billing_contact(shop: Chargebee, tmp_path: Path) -> None:
    shop.now = datetime(2026, 1, 10, 23, 30, tzinfo=UTC)
    shop.customer(
        "ümlaut/1", company="Grüße & Söhne", email="Pay@Firm.example", first_name="Ada", last_name="Low", billing_address={"country": "DE"},
        relationship={"parent_id": "holding", "payment_owner_id": "holding"},
    )  # fmt: skip
    shop.customer("plain", company=None, email="somebody@gmail.com", first_name="Bo")
    read = reader(shop, tmp_path)
    read.pull(shop.now)
    rows = read.facts(shop.now, timezone="Europe/Berlin").rows
    accounts = {row["account_id"]: row for row in rows["account"]}
    assert accounts["ümlaut/1"] == {
        "account_id": "ümlaut/1", "name": "Grüße & Söhne", "domain": "firm.example", "parent_id": "holding", "created_on": date(2026, 1, 11),
        "attributes": {"country": "DE"},
    }  # fmt: skip
    assert (accounts["plain"]["name"], accounts["plain"]["domain"], accounts["plain"]["parent_id"]) == (
        "Bo",
        None,
        None,
    )
    contact = next(row for row in rows["contact"] if row["contact_id"] == "ümlaut/1")
    assert (contact["email"], contact["name"], contact["role"]) == ("pay@firm.example", "Ada Low", "billing")


def invoice(shop: Chargebee, key: str, **more: Any) -> None:
    at = int(START.timestamp())
    told = {"customer_id": "one", "subscription_id": "s", "status": "payment_due", "date": at, "due_date": at + 14 * 86_400, "currency_code": "USD",
            "total": 119_00, "tax": 19_00, "price_type": "tax_exclusive", "line_items": [], "deleted": False}  # fmt: skip
    shop.put("invoices", **(told | {"id": key} | more))


STATES: tuple[tuple[dict[str, Any], str, date | None], ...] = (
    ({"status": "paid", "paid_at": int((START + DAY).timestamp())}, "paid", date(2026, 1, 11)),
    ({"status": "payment_due"}, "open", None),
    ({"status": "posted"}, "open", None),
    ({"status": "not_paid"}, "uncollectible", None),
    ({"status": "voided"}, "void", None),
    ({"status": "pending"}, "draft", None),
    ({"status": "paid", "paid_at": 1_768_000_000, "write_off_amount": 119_00}, "uncollectible", None),
)


def test_the_state_of_an_invoice(shop: Chargebee, tmp_path: Path) -> None:
    for number, (told, _, _) in enumerate(STATES):
        invoice(shop, f"i{number}", **told)
    read = reader(shop, tmp_path)
    read.pull(shop.now)
    rows = sorted(read.facts(shop.now).rows["invoice"], key=lambda row: str(row["invoice_id"]))
    assert [(row["status"], row["paid_on"]) for row in rows] == [(status, paid_on) for _, status, paid_on in STATES]
    first = rows[0]
    assert (first["issued_on"], first["due_on"], first["total_minor"], first["tax_minor"]) == (
        date(2026, 1, 10),
        date(2026, 1, 24),
        119_00,
        19_00,
    )


def test_attempts_to_collect_are_counted(shop: Chargebee, tmp_path: Path) -> None:
    tried = [
        {"txn_id": "t1", "txn_status": "failure"},
        {"txn_id": "t2", "txn_status": "failure"},
        {"txn_id": "t3", "txn_status": "success"},
    ]
    invoice(shop, "i1", linked_payments=tried, dunning_attempts=[{"attempt": 1}])
    read = reader(shop, tmp_path)
    read.pull(shop.now)
    assert read.facts(shop.now).rows["invoice"][0]["attempts"] == 3


def line(key: str, kind: str, entity: str, amount: int, days: int = 31, **more: Any) -> dict[str, Any]:
    at = int(START.timestamp())
    return {"id": key, "subscription_id": "s", "entity_type": kind, "entity_id": entity, "quantity": 1, "unit_amount": amount, "amount": amount,
            "date_from": at, "date_to": at + days * 86_400 - 1} | more  # fmt: skip


def test_lines_are_of_a_kind_and_without_tax_and_discounts(shop: Chargebee, tmp_path: Path) -> None:
    shop.price("calls", 1, kind="addon", metered=True)
    lines = [
        line("a", "plan_item_price", "basic", 50_00), line("b", "plan_item_price", "basic", 20_00, days=12), line("c", "addon_item_price", "calls", 7_00),
        line("d", "charge_item_price", "setup", 99_00), line("e", "adhoc", "", 10_00, discount_amount=1_00),
    ]  # fmt: skip
    offs = [{"line_item_id": "a", "discount_type": "document_level_coupon", "coupon_id": "x", "discount_amount": 5_00},
            {"line_item_id": "a", "discount_type": "promotional_credits", "discount_amount": 9_00}]  # fmt: skip
    invoice(shop, "i1", line_items=lines, line_item_discounts=offs)
    invoice(
        shop,
        "i2",
        line_items=[line("f", "plan_item_price", "basic", 59_50, tax_amount=9_50)],
        price_type="tax_inclusive",
    )
    read = reader(shop, tmp_path)
    read.pull(shop.now)
    rows = {row["line_id"]: row for row in read.facts(shop.now).rows["invoice_line"]}
    assert {key: (row["kind"], row["amount_minor"]) for key, row in rows.items()} == {
        "a": ("recurring", 45_00), "b": ("proration", 20_00), "c": ("metered", 7_00), "d": ("one_off", 99_00), "e": ("one_off", 9_00),
        "f": ("recurring", 50_00),
    }  # fmt: skip
    # a period that ends a second early ends with the day
    assert (rows["a"]["period_start"], rows["a"]["period_end"], rows["a"]["item_id"]) == (
        date(2026, 1, 10),
        date(2026, 2, 10),
        "s",
    )


def test_credit_notes_are_negative_lines(shop: Chargebee, tmp_path: Path) -> None:
    told = {
        "customer_id": "one",
        "subscription_id": "s",
        "date": int(START.timestamp()),
        "currency_code": "JPY",
        "status": "adjusted",
        "deleted": False,
    }
    shop.put(
        "credit_notes",
        id="c1",
        type="adjustment",
        reason_code="subscription_change",
        line_items=[line("a", "plan_item_price", "basic", 3_000)],
        **told,
    )
    shop.put(
        "credit_notes",
        id="c2",
        type="refundable",
        amount_refunded=500,
        line_items=[line("b", "plan_item_price", "basic", 500)],
        **told,
    )
    shop.put(
        "credit_notes",
        id="c3",
        type="refundable",
        line_items=[line("c", "plan_item_price", "basic", 500)],
        **(told | {"status": "voided"}),
    )
    read = reader(shop, tmp_path)
    read.pull(shop.now)
    rows = read.facts(shop.now).rows["invoice_line"]
    assert [(row["kind"], row["amount_minor"], row["currency"], row["deleted"]) for row in rows] == [
        ("credit", -3_000, "JPY", False), ("refund", -500, "JPY", False), ("credit", -500, "JPY", True),
    ]  # fmt: skip


# -- subscriptions -------------------------------------------------------------------------------------------


def test_a_scheduled_cancellation_has_its_click_and_its_end(shop: Chargebee, tmp_path: Path) -> None:
    shop.subscribe("one", {"basic": 1})
    shop.now = START + 5 * DAY
    shop.cancel("one", at_end=True)
    read = reader(shop, tmp_path)
    read.pull(shop.now)
    first, last = read.facts(shop.now).rows["subscription_item"]
    assert (first["valid_to"], first["auto_renew"], first["term_end"]) == (date(2026, 1, 15), True, date(2026, 2, 10))
    assert (last["cancel_requested_on"], last["valid_to"], last["auto_renew"]) == (
        date(2026, 1, 15),
        date(2026, 2, 10),
        False,
    )


def test_a_contract_tells_the_renewal(shop: Chargebee, tmp_path: Path) -> None:
    end = int(datetime(2027, 1, 10, tzinfo=UTC).timestamp())
    shop.subscribe("one", {"basic": 1}, contract_term={"contract_end": end, "action_at_term_end": "cancel"})
    read = reader(shop, tmp_path)
    read.pull(shop.now)
    (row,) = read.facts(shop.now).rows["subscription_item"]
    assert (row["term_end"], row["auto_renew"]) == (date(2027, 1, 10), False)


def test_a_pause_that_is_scheduled_begins_on_its_day(shop: Chargebee, tmp_path: Path) -> None:
    shop.subscribe("one", {"basic": 1}, pause_date=int((START + 10 * DAY).timestamp()))
    read = reader(shop, tmp_path)
    read.pull(shop.now)
    rows = read.facts(shop.now).rows["subscription_item"]
    assert [(row["status"], row["valid_from"], row["valid_to"]) for row in rows] == [
        ("active", date(2026, 1, 10), date(2026, 1, 20)), ("paused", date(2026, 1, 20), None),
    ]  # fmt: skip


def test_a_subscription_of_the_future_is_none_yet(shop: Chargebee, tmp_path: Path) -> None:
    shop.subscribe("one", {"basic": 1})
    shop.set("one", "subscription_changed", status="future")
    shop.objects["events"].clear()
    read = reader(shop, tmp_path)
    read.pull(shop.now)
    assert "subscription_item" not in read.facts(shop.now).rows


def test_days_are_the_companys(shop: Chargebee, tmp_path: Path) -> None:
    shop.now = datetime(2026, 1, 10, 23, 30, tzinfo=UTC)
    shop.subscribe("one", {"basic": 1})
    read = reader(shop, tmp_path)
    read.pull(shop.now)
    (row,) = read.facts(shop.now, timezone="Asia/Tokyo").rows["subscription_item"]
    assert row["valid_from"] == date(2026, 1, 11)


def test_where_no_invoice_tells_the_past_it_is_complete_from_the_first_sight(shop: Chargebee, tmp_path: Path) -> None:
    shop.now = datetime(2024, 1, 10, tzinfo=UTC)
    shop.subscribe("one", {"basic": 1})
    shop.run(START)
    shop.objects["invoices"].clear()
    read = reader(shop, tmp_path)
    read.pull(shop.now)
    # the oldest event that is left is of the renewal 90 days back
    assert complete_from(read, shop.now) == date(2025, 11, 10)
    assert read.facts(shop.now).rows["subscription_item"][0]["valid_from"] == date(2024, 1, 10)


def test_a_bad_subscription_is_told_and_the_others_are_read(shop: Chargebee, tmp_path: Path) -> None:
    shop.subscribe("good", {"basic": 1})
    shop.subscribe("bad", {"basic": 1})
    shop.set(
        "bad",
        "subscription_changed",
        subscription_items=[{"item_price_id": "gone", "item_type": "plan", "quantity": 1}],
        billing_period=None,
    )
    shop.subscribe("worse", {"basic": 1})
    shop.set("worse", "subscription_changed", subscription_items=["basic"])
    invoice(shop, "undated", date=None)
    read = reader(shop, tmp_path)
    read.pull(shop.now)
    found = read.facts(shop.now)
    assert {(bad.stream, bad.object_id, bad.field) for bad in found.bad} == {
        ("subscriptions", "bad", "billing_period"), ("subscriptions", "worse", ""), ("invoices", "undated", "date"),
    }  # fmt: skip
    assert {row["subscription_id"] for row in found.rows["subscription_item"]} == {"good"}


def test_nothing_that_is_odd_stops_the_others(shop: Chargebee) -> None:
    shop.now = START - 60 * DAY
    shop.put(
        "coupons",
        id="x",
        discount_type="percentage",
        discount_percentage=10.0,
        duration_type="forever",
        apply_on="invoice_amount",
    )
    shop.subscribe(
        "one",
        {"basic": 1, "sso": 2},
        coupons=("x",),
        item_tiers=[{"item_price_id": "basic", "starting_unit": 1, "price": 1}],
    )
    shop.run(START)
    shop.change("one", {"pro": 1})
    shop.subscribe("other", {"basic": 1}, customer_id="one")
    known = {
        name: list(shop.objects[name].values()) for name in ("customers", "subscriptions", "invoices", "credit_notes")
    }
    shared = {name: dict(shop.objects[name]) for name in ("item_prices", "items", "plans", "addons", "coupons")}
    count = 0
    for facts in each(SOURCE, "one", known, shared):
        count += 1
        assert facts.bad or facts.rows["subscription_item"]
    assert count > 3_000


# -- prices and discounts ------------------------------------------------------------------------------------

TIERS = [
    {"starting_unit": 1, "ending_unit": 10, "price": 10_00},
    {"starting_unit": 11, "ending_unit": 20, "price": 8_00},
    {"starting_unit": 21, "price": 5_00},
]


@pytest.mark.parametrize(
    ("model", "quantity", "amount"),
    [("tiered", 10, 100_00), ("tiered", 25, 100_00 + 80_00 + 25_00), ("volume", 25, 125_00), ("volume", 10, 100_00), ("stairstep", 15, 8_00),
     ("stairstep", 0, 0), ("tiered", 0, 0)],
)  # fmt: skip
def test_what_a_quantity_costs_by_tiers(model: str, quantity: int, amount: int) -> None:
    assert tier_amount(model, quantity, TIERS) == amount


def catalogue(**prices: dict[str, Any]) -> Catalogue:
    return Catalogue({key: {"period": 1, "period_unit": "month"} | price for key, price in prices.items()}, {}, {})


def one_item(told: dict[str, Any], price: dict[str, Any] | None = None, **more: Any) -> Any:
    item = {"item_price_id": "p", "item_type": "plan"} | told
    whole = {
        "id": "s",
        "currency_code": "USD",
        "billing_period": 1,
        "billing_period_unit": "month",
        "subscription_items": [item],
    } | more
    return items_of(whole, catalogue(p=price or {}))[0]


@pytest.mark.parametrize(
    ("told", "price", "quantity", "unit"),
    [
        ({"quantity": 3, "unit_price": 10_00, "amount": 30_00}, {"pricing_model": "per_unit"}, 3, 10_00),
        ({"quantity": 5, "unit_price": 10_00, "amount": 30_00, "free_quantity": 2}, {"pricing_model": "per_unit"}, 3, 10_00),
        ({"quantity": 1, "unit_price": 99_00, "amount": 99_00}, {"pricing_model": "flat_fee"}, 1, 99_00),
        ({"quantity": 3}, {"pricing_model": "per_unit", "price": 10_00}, 3, 10_00),
        ({"quantity": 25, "amount": 125_00}, {"pricing_model": "volume"}, 25, 5_00),
        ({"quantity": 25, "amount": 205_00}, {"pricing_model": "tiered"}, 1, 205_00),
        ({"quantity": 25}, {"pricing_model": "tiered", "tiers": TIERS}, 1, 205_00),
        ({"quantity": 15}, {"pricing_model": "stairstep", "tiers": TIERS}, 1, 8_00),
        ({"quantity_in_decimal": "2.5", "unit_price": 10_00, "amount": 25_00}, {"pricing_model": "per_unit"}, 1, 25_00),
        ({"quantity": 1000, "unit_price_in_decimal": "0.005", "amount": 5_00}, {"pricing_model": "per_unit"}, 1, 5_00),
        ({"quantity": 2, "unit_price_in_decimal": "10.50"}, {"pricing_model": "per_unit"}, 2, 10_50),
    ],
)  # fmt: skip
def test_quantity_and_unit_price(told: dict[str, Any], price: dict[str, Any], quantity: int, unit: int) -> None:
    item = one_item(told, price)
    assert (item.quantity, item.unit_minor) == (quantity, unit)


def test_tiers_of_the_subscription_itself_come_first() -> None:
    own = [
        {"item_price_id": "p", "starting_unit": 1, "price": 3_00},
        {"item_price_id": "other", "starting_unit": 1, "price": 9_00},
    ]
    assert one_item({"quantity": 4}, {"pricing_model": "volume", "tiers": TIERS}, item_tiers=own).billing_minor == 12_00


def test_an_addon_has_the_period_of_its_price_and_a_plan_that_of_the_subscription() -> None:
    items = [{"item_price_id": "y", "item_type": "plan", "unit_price": 900_00, "amount": 900_00, "quantity": 1},
             {"item_price_id": "m", "item_type": "addon", "unit_price": 10_00, "amount": 10_00, "quantity": 1}]  # fmt: skip
    whole = {
        "id": "s",
        "currency_code": "USD",
        "billing_period": 1,
        "billing_period_unit": "year",
        "subscription_items": items,
    }
    plan, addon = items_of(whole, catalogue(y={"period_unit": "year"}, m={}))
    assert ((plan.interval, plan.count), (addon.interval, addon.count)) == (("year", 1), ("month", 1))


def test_an_item_without_a_price_is_said_so() -> None:
    with pytest.raises(PriceError, match="the price of p is not known"):
        one_item({"quantity": 3}, {"pricing_model": "tiered"})


def offs(*coupons: dict[str, Any], discounts: tuple[dict[str, Any], ...] = ()) -> list[dict[str, Any]]:
    """What is off a plan of 90.00 and an addon of 10.00."""
    items = [{"item_price_id": "plan", "item_type": "plan", "unit_price": 90_00, "amount": 90_00, "quantity": 1},
             {"item_price_id": "addon", "item_type": "addon", "unit_price": 5_00, "amount": 10_00, "quantity": 2}]  # fmt: skip
    applied = [
        {"coupon_id": str(n), "apply_till": int(datetime(2026, 7, 1, tzinfo=UTC).timestamp())}
        for n in range(len(coupons))
    ]
    whole = {"id": "s", "currency_code": "USD", "billing_period": 1, "billing_period_unit": "month", "subscription_items": items,
             "coupons": applied, "discounts": list(discounts), "current_term_end": int(START.timestamp())}  # fmt: skip
    told = Catalogue(catalogue(plan={}, addon={}).prices, {}, {str(n): coupon for n, coupon in enumerate(coupons)})
    return [dict(item.off) for item in discounted(items_of(whole, told), whole, told, "UTC")]


def percent(value: float, lasts: str = "forever", **more: Any) -> dict[str, Any]:
    return {
        "discount_type": "percentage",
        "discount_percentage": value,
        "duration_type": lasts,
        "apply_on": "invoice_amount",
    } | more


def fixed(value: int, lasts: str = "forever", **more: Any) -> dict[str, Any]:
    return {
        "discount_type": "fixed_amount",
        "discount_amount": value,
        "duration_type": lasts,
        "apply_on": "invoice_amount",
    } | more


def test_discounts_by_how_long_they_last() -> None:
    assert offs(percent(10)) == [{"forever_off_ppm": 100_000}] * 2
    assert offs(percent(12.5, "limited_period"))[0] == {
        "repeating_off_ppm": 125_000,
        "repeating_until": date(2026, 7, 1),
    }
    assert offs(percent(100, "one_time"))[0] == {"once_off_ppm": 1_000_000, "once_until": date(2026, 7, 1)}


def test_percentages_are_taken_one_after_the_other() -> None:
    assert offs(percent(50), percent(50))[0] == {"forever_off_ppm": 750_000}


def test_an_amount_off_the_invoice_is_split_by_what_items_cost() -> None:
    assert offs(fixed(20_00)) == [{"forever_off_minor": 18_00}, {"forever_off_minor": 2_00}]
    assert offs(fixed(500_00)) == [{"forever_off_minor": 90_00}, {"forever_off_minor": 10_00}]


def test_a_coupon_for_some_items_is_off_those_only() -> None:
    only = {
        "apply_on": "each_specified_item",
        "item_constraints": [{"item_type": "addon", "constraint": "all"}, {"item_type": "plan", "constraint": "none"}],
    }
    assert offs(fixed(3_00, **only)) == [{}, {"forever_off_minor": 3_00}]
    assert offs(fixed(1_00, **only | {"apply_on": "each_unit_of_specified_items"})) == [{}, {"forever_off_minor": 2_00}]
    named = {
        "apply_on": "each_specified_item",
        "item_constraints": [{"item_type": "plan", "constraint": "specific", "item_price_ids": ["plan"]}],
    }
    assert offs(percent(20, **named)) == [{"forever_off_ppm": 200_000}, {}]


def test_discounts_without_a_coupon_count_as_well() -> None:
    told = {
        "type": "percentage",
        "percentage": 25,
        "duration_type": "forever",
        "apply_on": "specific_item_price",
        "item_price_id": "plan",
    }
    assert offs(discounts=(told,)) == [{"forever_off_ppm": 250_000}, {}]
    # one that a coupon made is told with the coupon
    assert offs(discounts=(told | {"coupon_id": "x"},)) == [{}, {}]
