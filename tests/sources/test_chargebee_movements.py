"""Chargebee, one customer of each kind: the ledger's movements under holdfast-1, seen once after fifteen months and seen all along.

Seen once, Chargebee tells only the last 90 days of events; what was before has to come from invoices.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from holdfast.domain.facts import TABLES
from holdfast.domain.policy import load_policies
from holdfast.sources.shelf.chargebee import SOURCE
from holdfast.sources.source import Facts
from holdfast.warehouse.booking import Booking
from holdfast.warehouse.build import build
from holdfast.warehouse.landing import Landing, landing_schema
from holdfast.warehouse.ledger import Ledger

from ..emulators.chargebee import KEY, Chargebee
from ..ledger.booked import files_of, read
from .harness import Reader
from .test_chargebee import complete_from

pytestmark = pytest.mark.slow

BEGIN, END = datetime(2025, 1, 6, 9, tzinfo=UTC), datetime(2026, 4, 1, 9, tzinfo=UTC)

Step = tuple[str, Callable[[Chargebee, str], None]]
Moves = dict[tuple[str, str], int]


@dataclass(frozen=True)
class Kind:
    """A kind of customer: what it does on which day, and the movements that makes (month, kind → minor units)."""

    name: str
    steps: tuple[Step, ...]
    moves: Moves
    currency: str = "USD"
    customer: str = ""
    #: also what the ledger has in those months beside MRR: lane and month → minor units
    lanes: Mapping[tuple[str, str], int] | None = None


def sub(items: Mapping[str, int], **more: Any) -> Callable[[Chargebee, str], None]:
    return lambda shop, key: shop.subscribe(key, items, **more)


def to(items: Mapping[str, int]) -> Callable[[Chargebee, str], None]:
    return lambda shop, key: shop.change(key, items)


def leave(**more: Any) -> Callable[[Chargebee, str], None]:
    return lambda shop, key: shop.cancel(key, **more)


def overdue(shop: Chargebee, key: str) -> None:
    shop.set(key, "subscription_changed", due_invoices_count=1, due_since=int(shop.now.timestamp()))


def paid(shop: Chargebee, key: str) -> None:
    shop.set(key, "subscription_changed", due_invoices_count=0, due_since=None)


def money_back(shop: Chargebee, key: str) -> None:
    told = shop.objects["subscriptions"][key]
    shop.credit(
        told,
        told["subscription_items"],
        told["current_term_end"],
        "product_unsatisfactory",
        "refundable",
        amount_refunded=5000,
    )


def once(shop: Chargebee, key: str) -> None:
    charge = {"item_price_id": "setup", "item_type": "charge", "quantity": 1, "unit_price": 99_00, "amount": 99_00}
    now = int(shop.now.timestamp())
    shop.bill(shop.objects["subscriptions"][key], [charge], now, now)


def second(items: Mapping[str, int]) -> Callable[[Chargebee, str], None]:
    return lambda shop, key: shop.subscribe(f"{key}-2", items, customer_id=key)


KINDS = (
    Kind("loyal", (("2025-01-10", sub({"basic": 1})),), {("2025-01", "new"): 50_00}),
    Kind("annual", (("2025-02-10", sub({"basic-year": 1})),), {("2025-02", "new"): 40_00}),
    Kind("quarter", (("2025-02-10", sub({"basic-quarter": 2})),), {("2025-02", "new"): 90_00}),
    Kind("weekly", (("2025-02-10", sub({"basic-week": 1})),), {("2025-02", "new"): 52_00}),
    Kind("free", (("2025-02-10", sub({"free": 1})),), {}),
    Kind("upgrade", (("2025-01-10", sub({"basic": 1})), ("2025-05-20", to({"pro": 1}))),
         {("2025-01", "new"): 50_00, ("2025-05", "expansion"): 70_00}),
    Kind("downgrade", (("2025-01-10", sub({"pro": 1})), ("2025-05-20", to({"basic": 1}))),
         {("2025-01", "new"): 120_00, ("2025-05", "contraction"): -70_00}),
    Kind("seats", (("2025-01-10", sub({"seat": 10})), ("2025-04-20", to({"seat": 15})), ("2025-08-02", to({"seat": 4}))),
         {("2025-01", "new"): 100_00, ("2025-04", "expansion"): 50_00, ("2025-08", "contraction"): -110_00}),
    Kind("year-seats", (("2025-01-10", sub({"seat-year": 10})), ("2025-06-20", to({"seat-year": 12}))),
         {("2025-01", "new"): 80_00, ("2025-06", "expansion"): 16_00}),
    Kind("addon", (("2025-01-10", sub({"basic": 1})), ("2025-04-20", to({"basic": 1, "sso": 1})), ("2025-09-15", to({"basic": 1}))),
         {("2025-01", "new"): 50_00, ("2025-04", "expansion"): 20_00, ("2025-09", "contraction"): -20_00}),
    Kind("interval", (("2025-01-10", sub({"basic": 1})), ("2025-05-20", to({"basic-year": 1}))),
         {("2025-01", "new"): 50_00, ("2025-05", "contraction"): -10_00}),
    Kind("volume", (("2025-01-10", sub({"volume": 20})),), {("2025-01", "new"): 160_00}),
    Kind("forever", (("2025-01-10", sub({"basic": 1}, coupons=("TENFOREVER",))),), {("2025-01", "new"): 45_00}),
    Kind("forever-amount", (("2025-01-10", sub({"basic": 1}, coupons=("FIVEOFF",))),), {("2025-01", "new"): 45_00}),
    Kind("half-a-year", (("2025-01-10", sub({"basic": 1}, coupons=("HALFYEAR",))),), {("2025-01", "new"): 50_00}),
    Kind("once-off", (("2025-01-10", sub({"basic": 1}, coupons=("ONCE",))),), {("2025-01", "new"): 50_00}),
    Kind("all-off", (("2025-01-10", sub({"basic": 1}, coupons=("ALL",))),), {}),
    Kind("tried", (("2025-03-25", sub({"basic": 1}, trial_days=14)),), {("2025-04", "new"): 50_00}, lanes={("trial", "2025-03"): 50_00}),
    Kind("not-convinced", (("2026-03-01", sub({"basic": 1}, trial_days=14)), ("2026-03-10", leave())), {}),
    Kind("paused", (("2025-01-10", sub({"basic": 1})), ("2026-01-20", lambda shop, key: shop.pause(key)), ("2026-03-05", lambda shop, key: shop.resume(key))),
         {("2025-01", "new"): 50_00, ("2026-01", "contraction"): -50_00, ("2026-03", "expansion"): 50_00}),
    Kind("at-once", (("2025-01-10", sub({"basic": 1})), ("2025-07-22", leave())), {("2025-01", "new"): 50_00, ("2025-07", "churn"): -50_00}),
    Kind("at-end", (("2025-01-10", sub({"basic": 1})), ("2025-07-22", leave(at_end=True))),
         {("2025-01", "new"): 50_00, ("2025-08", "churn"): -50_00}),
    Kind("leaving", (("2025-01-10", sub({"basic": 1})), ("2026-03-22", leave(at_end=True))),
         {("2025-01", "new"): 50_00}, lanes={("pending", "2026-03"): 50_00}),
    Kind("stays", (("2025-01-10", sub({"basic": 1})), ("2026-02-22", leave(at_end=True)), ("2026-03-02", lambda shop, key: shop.keep(key))),
         {("2025-01", "new"): 50_00}),
    Kind("returned", (("2025-01-10", sub({"basic": 1})), ("2025-03-20", leave(at_end=True)), ("2025-08-15", lambda shop, key: shop.reactivate(key))),
         {("2025-01", "new"): 50_00, ("2025-04", "churn"): -50_00, ("2025-08", "reactivation"): 50_00}),
    Kind("again", (("2025-01-10", sub({"basic": 1})), ("2025-04-10", leave()), ("2025-08-15", second({"pro": 1}))),
         {("2025-01", "new"): 50_00, ("2025-04", "churn"): -50_00, ("2025-08", "reactivation"): 120_00}),
    Kind("two", (("2025-01-10", sub({"basic": 1})), ("2025-05-12", second({"pro": 1})), ("2025-09-12", leave())),
         {("2025-01", "new"): 50_00, ("2025-05", "expansion"): 120_00, ("2025-09", "contraction"): -50_00}),
    Kind("refund", (("2025-01-10", sub({"basic": 1})), ("2025-05-12", money_back)), {("2025-01", "new"): 50_00}),
    Kind("one-off", (("2025-01-10", sub({"basic": 1})), ("2025-05-12", once)), {("2025-01", "new"): 50_00}),
    Kind("late-payer", (("2025-01-10", sub({"basic": 1})), ("2026-02-10", overdue), ("2026-02-20", paid)), {("2025-01", "new"): 50_00}),
    Kind("never-paid", (("2025-01-10", sub({"basic": 1})), ("2026-02-15", overdue), ("2026-03-05", leave(cancel_reason="not_paid"))),
         {("2025-01", "new"): 50_00, ("2026-03", "churn"): -50_00}),
    Kind("euro", (("2025-01-10", sub({"basic-eur": 3})), ("2025-06-17", leave())),
         {("2025-01", "new"): 135_00, ("2025-06", "churn"): -135_00}, "EUR"),
    Kind("yen", (("2025-01-10", sub({"basic-jpy": 1})),), {("2025-01", "new"): 6_500}, "JPY"),
    Kind("metered", (("2025-01-10", sub({"basic": 1, "calls": 1})),), {("2025-01", "new"): 50_00}),
)  # fmt: skip


def stock(shop: Chargebee) -> None:
    """The price list, in two periods and three currencies, and the coupons."""
    for key, price, item, period, unit in (
        ("basic", 50_00, "basic", 1, "month"), ("basic-year", 480_00, "basic", 1, "year"), ("basic-quarter", 135_00, "basic", 3, "month"),
        ("basic-week", 12_00, "basic", 1, "week"), ("pro", 120_00, "pro", 1, "month"), ("seat", 10_00, "seat", 1, "month"),
        ("seat-year", 96_00, "seat", 1, "year"), ("free", 0, "free", 1, "month"),
    ):  # fmt: skip
        shop.price(key, price, item, period=period, unit=unit)
    shop.price("basic-eur", 45_00, "basic", currency_code="EUR")
    shop.price("basic-jpy", 6_500, "basic", currency_code="JPY")
    shop.price("sso", 20_00, kind="addon")
    shop.price("calls", 10, kind="addon", metered=True)
    tiers = [{"starting_unit": 1, "ending_unit": 10, "price": 10_00}, {"starting_unit": 11, "price": 8_00}]
    shop.price("volume", None, pricing_model="volume", tiers=tiers)
    for key, told in {
        "TENFOREVER": {"discount_type": "percentage", "discount_percentage": 10.0, "duration_type": "forever"},
        "FIVEOFF": {
            "discount_type": "fixed_amount",
            "discount_amount": 5_00,
            "currency_code": "USD",
            "duration_type": "forever",
        },
        "HALFYEAR": {
            "discount_type": "percentage",
            "discount_percentage": 50.0,
            "duration_type": "limited_period",
            "period": 6,
            "period_unit": "month",
        },
        "ONCE": {
            "discount_type": "fixed_amount",
            "discount_amount": 20_00,
            "currency_code": "USD",
            "duration_type": "one_time",
        },
        "ALL": {"discount_type": "percentage", "discount_percentage": 100.0, "duration_type": "forever"},
    }.items():
        shop.put("coupons", id=key, apply_on="invoice_amount", status="active", **told)


def live(shop: Chargebee, looks: tuple[datetime, ...], look: Callable[[], None]) -> None:
    """All customers side by side through fifteen months, with a look at what there is now and then."""
    stock(shop)
    days: list[tuple[datetime, str, Any]] = [(at, "", None) for at in looks]
    for kind in KINDS:
        days += [(datetime.fromisoformat(day).replace(hour=9, tzinfo=UTC), kind.name, step) for day, step in kind.steps]
    for at, key, step in sorted(days, key=lambda one: one[:2]):
        shop.run(at)
        if step is None:
            look()
        else:
            step(shop, key)


@dataclass(frozen=True)
class Outcome:
    facts: Facts
    complete_from: date | None
    movements: dict[tuple[str, str, date, str], int]
    trial: dict[tuple[str, str, date], int]
    pending: dict[tuple[str, str, date], int]
    balance: dict[tuple[str, str, date], int]


def outcome(folder: Path, every_days: int | None) -> Iterator[Outcome]:
    begin = datetime(2025, 1, 6, 9, tzinfo=UTC)
    looks = (
        tuple(begin + timedelta(days=n) for n in range(every_days, (END - begin).days, every_days))
        if every_days
        else ()
    )
    with Chargebee(begin) as shop:
        reader = Reader(replace(SOURCE, begins=None), folder, {"site": "acme", "base_url": shop.url}, {"api_key": KEY})
        live(shop, (*looks, END), lambda: reader.pull(shop.now) and None)
        facts = reader.facts(shop.now)
        complete = complete_from(reader, shop.now)
    yield booked(folder, facts, complete, END)


def booked(folder: Path, facts: Facts, complete: date | None, now: datetime) -> Outcome:
    landing = Landing(folder / "home")
    for table in ("subscription_item", "account", "invoice_line"):
        schema, rows = landing_schema(TABLES[table]), facts.rows[table]
        names = [name for name in schema.names if any(name in row for row in rows)]
        told = pa.table(
            {name: pa.array([_value(row.get(name)) for row in rows], schema.field(name).type) for name in names}
        )
        landing.append(table, [told], source="chargebee", source_kind="billing", loaded_at=now)
    policy = load_policies()["holdfast-1"]
    path = folder / "ledger.duckdb"
    build(path, files_of(landing), Booking(policy, (now - timedelta(days=1)).date(), None))
    with Ledger(path, policy) as ledger:
        found = read(ledger)
    return Outcome(facts, complete, found.movements, found.trial, found.pending, found.balance)


def _value(value: Any) -> Any:
    return list(value.items()) if isinstance(value, dict) else value


@pytest.fixture(scope="module", params=[None, 80], ids=["seen once", "seen all along"])
def all_of_them(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Outcome]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HOLDFAST_ALLOW_HOSTS", "127.0.0.1")
        patch.setenv("HOLDFAST_RETRY_PAUSE", "0")
        yield from outcome(tmp_path_factory.mktemp("chargebee"), request.param)


@pytest.mark.parametrize("kind", KINDS, ids=[kind.name for kind in KINDS])
def test_movements(all_of_them: Outcome, kind: Kind) -> None:
    found = {
        (f"{month:%Y-%m}", what): amount
        for (account, _, month, what), amount in all_of_them.movements.items()
        if account == kind.name
    }
    assert found == kind.moves
    assert {currency for account, currency, *_ in all_of_them.movements if account == kind.name} <= {kind.currency}
    for (lane, month), amount in (kind.lanes or {}).items():
        assert getattr(all_of_them, lane)[kind.name, kind.currency, date.fromisoformat(f"{month}-01")] == amount


def test_nothing_was_bad_and_history_is_whole(all_of_them: Outcome) -> None:
    assert all_of_them.facts.bad == []
    assert all_of_them.complete_from is None


def test_a_payment_that_failed_is_involuntary(all_of_them: Outcome) -> None:
    rows = [row for row in all_of_them.facts.rows["subscription_item"] if row["account_id"] == "never-paid"]
    assert rows[-1]["status"] == "past_due" and rows[-1]["valid_to"] == date(2026, 3, 5)
