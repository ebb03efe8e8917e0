"""Chargebee, customers who do anything: at each month's end the ledger has the MRR that the shop itself has."""

from __future__ import annotations

import os
from datetime import UTC, date, datetime, timedelta
from fractions import Fraction
from pathlib import Path
from random import Random

import pytest

from ..emulators.chargebee import KEY, Chargebee
from .harness import Reader
from .test_chargebee import SHORT
from .test_chargebee_movements import booked, stock

BEGIN, END = datetime(2025, 1, 1, 9, tzinfo=UTC), datetime(2026, 1, 1, 0, tzinfo=UTC)
MONTHS = {"week": Fraction(12, 52), "month": Fraction(1), "year": Fraction(12)}
PLANS = ("basic", "basic-year", "basic-quarter", "basic-week", "pro", "seat", "seat-year", "volume", "free")
COUPONS = ((), (), (), ("TENFOREVER",), ("FIVEOFF",), ("HALFYEAR",), ("ONCE",), ("ALL",))
#: more with HOLDFAST_LONG=1
LONG = bool(os.environ.get("HOLDFAST_LONG"))
CUSTOMERS, SEEDS = (600, range(1, 6)) if LONG else (60, range(1, 2))


def wanted(random: Random) -> dict[str, int]:
    found = {random.choice(PLANS): random.choice((1, 1, 2, 5, 12, 30))}
    return found | ({"sso": random.choice((1, 3))} if random.random() < 0.3 else {})


def act(shop: Chargebee, key: str, random: Random) -> None:
    """Something that may be done with a subscription as it is."""
    sub = shop.objects["subscriptions"].get(key)
    if sub is None:
        trial = random.choice((0, 0, 0, 14))
        shop.subscribe(key, wanted(random), trial_days=trial, coupons=random.choice(COUPONS))
    elif sub["status"] == "active":
        random.choice(
            (
                lambda: shop.change(key, wanted(random)),
                lambda: shop.change(key, wanted(random)),
                lambda: shop.cancel(key),
                lambda: shop.cancel(key, at_end=True),
                lambda: shop.pause(key),
            )
        )()
    elif sub["status"] == "non_renewing":
        shop.keep(key)
    elif sub["status"] == "paused":
        shop.resume(key)
    elif sub["status"] == "cancelled":
        shop.reactivate(key)
    elif sub["status"] == "in_trial" and random.random() < 0.5:
        shop.cancel(key)


def mrr(shop: Chargebee, key: str) -> int:
    """What the shop itself says, each item rounded for itself."""
    sub = shop.objects["subscriptions"].get(key)
    if sub is None or sub["status"] not in ("active", "non_renewing"):
        return 0
    coupons = [shop.objects["coupons"][one["coupon_id"]] for one in sub["coupons"]]
    forever = [one for one in coupons if one["duration_type"] == "forever"]
    total, by_plan = 0, sum(item["amount"] for item in sub["subscription_items"] if _rhythm(shop, item) == _own(sub))
    for item in sub["subscription_items"]:
        amount = Fraction(item["amount"])
        for coupon in forever:
            if coupon["discount_type"] == "percentage":
                amount *= 1 - Fraction(str(coupon["discount_percentage"])) / 100
            elif _rhythm(shop, item) == _own(sub) and by_plan:
                amount -= round(Fraction(min(coupon["discount_amount"], by_plan) * item["amount"], by_plan))
        unit, count = _rhythm(shop, item)
        total += round(amount / MONTHS[unit] / count)
    return total


def _rhythm(shop: Chargebee, item: dict[str, str]) -> tuple[str, int]:
    price = shop.objects["item_prices"][item["item_price_id"]]
    return str(price["period_unit"]), int(price["period"])


def _own(sub: dict[str, str]) -> tuple[str, int]:
    return str(sub["billing_period_unit"]), int(sub["billing_period"])


@pytest.mark.slow
@pytest.mark.parametrize("seed", SEEDS)
def test_the_ledger_has_the_mrr_that_the_shop_has(seed: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOLDFAST_ALLOW_HOSTS", "127.0.0.1")
    random, keys = Random(seed), [f"c{number}" for number in range(CUSTOMERS)]
    truth: dict[tuple[str, date], int] = {}
    with Chargebee(BEGIN) as shop:
        stock(shop)
        reader = Reader(SHORT, tmp_path, {"site": "acme", "base_url": shop.url}, {"api_key": KEY})
        day = BEGIN
        while day < END:
            shop.run(day)
            for key in random.sample(keys, CUSTOMERS // 30):
                act(shop, key, random)
            if day.timetuple().tm_yday % 80 == 0:
                reader.pull(shop.now)
            day += timedelta(days=1)
            if day.day == 1:
                # what ends or begins at night is of the next day
                shop.run(day.replace(hour=0) - timedelta(minutes=1))
                truth |= {(key, (day - timedelta(days=1)).date().replace(day=1)): mrr(shop, key) for key in keys}
        shop.run(END)
        reader.pull(shop.now)
        facts = reader.facts(shop.now)
    found = booked(tmp_path, facts, None, END).balance
    assert facts.bad == []
    wrong = {
        (key, month): (found.get((key, "USD", month), 0), amount)
        for (key, month), amount in truth.items()
        if found.get((key, "USD", month), 0) != amount
    }
    assert not wrong, f"{len(wrong)} of {len(truth)} differ (ledger, shop): {dict(list(wrong.items())[:5])}"
    assert sum(amount > 0 for amount in truth.values()) > len(truth) / 4
