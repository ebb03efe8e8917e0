"""One customer of each kind, told as what happens to it on Stripe, and what the ledger must say of it under `holdfast-1`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from tests.emulators.stripe_billing import Business, at


@dataclass
class World:
    """The business and its catalogue; `subs`: subscriptions by the name a script gave them."""

    it: Business
    prices: dict[str, str]
    coupons: dict[str, str]
    subs: dict[str, str] = field(default_factory=dict)


Step = Callable[[World], object]


@dataclass(frozen=True)
class Scenario:
    name: str
    #: (day, what happens at nine in the morning)
    script: tuple[tuple[str, Step], ...]
    #: (month, kind, amount in minor units, currency)
    movements: tuple[tuple[str, str, int, str], ...]
    #: the first day from which a reading at the end knows the whole history; "": all of it
    complete_from: str = ""


def catalogue(it: Business) -> World:
    """Prices of a team plan, a business plan, seats, a year, euros and yen; coupons of every duration."""
    plan, seat = it.product("Team"), it.product("Seat")
    prices = {
        "team": it.price(plan, 10_000), "business": it.price(it.product("Business"), 15_000), "seat": it.price(seat, 2_000),
        "year": it.price(plan, 120_000, "year"), "cheap_year": it.price(plan, 96_000, "year"),
        "quarter": it.price(plan, 27_000, "month", 3), "eur": it.price(plan, 9_000, currency="eur"),
        "jpy": it.price(plan, 12_000, currency="jpy"), "calls": it.price(plan, 5, usage_type="metered"),
        "free": it.price(plan, 0),
        "tiers": it.price(seat, None, tiers_mode="volume", tiers=[
            {"up_to": 10, "unit_amount": 1_000, "unit_amount_decimal": "1000", "flat_amount": None, "flat_amount_decimal": None},
            {"up_to": None, "unit_amount": 800, "unit_amount_decimal": "800", "flat_amount": 500, "flat_amount_decimal": "500"}]),
    }  # fmt: skip
    coupons = {
        "once": it.coupon("once", percent=50), "repeating": it.coupon("repeating", percent=25, months=3),
        "forever": it.coupon("forever", percent=20), "amount": it.coupon("forever", amount=1_500),
        "all": it.coupon("forever", percent=100),
    }  # fmt: skip
    return World(it, prices, coupons)


def sells(
    customer: str, *prices: str | tuple[str, int], name: str = "", coupons: tuple[str, ...] = (), trial: int = 0
) -> Step:
    def step(w: World) -> None:
        if customer not in {key.removeprefix("cus_") for key in w.it.objects["customer"]}:
            w.it.customer(customer)
        wanted = [(w.prices[p[0]], p[1]) if isinstance(p, tuple) else w.prices[p] for p in prices]
        codes = tuple(w.coupons[code] for code in coupons)
        w.subs[name or customer] = w.it.subscribe(f"cus_{customer}", *wanted, coupons=codes, trial_days=trial)

    return step


def changes(name: str, *, prorate: bool = True, price: str = "", quantity: int = 0, add: tuple[str, int] | None = None, remove: int = -1) -> Step:  # fmt: skip
    def step(w: World) -> None:
        told: dict[str, object] = {}
        if price:
            told["price"] = w.prices[price]
        if quantity:
            told["quantity"] = quantity
        if add:
            told["add"] = (w.prices[add[0]], add[1])
        if remove >= 0:
            told["remove"] = remove
        w.it.update(w.subs[name], prorate, **told)

    return step


def cancels(name: str, how: str = "now") -> Step:
    def step(w: World) -> None:
        if how == "now":
            w.it.cancel(w.subs[name])
        else:
            w.it.cancel_at_end(w.subs[name], how == "at end")

    return step


def pays(customer: str, can: bool) -> Step:
    def step(w: World) -> None:
        (w.it.cannot_pay.discard if can else w.it.cannot_pay.add)(f"cus_{customer}")

    return step


def new(month: str, amount: int, currency: str = "USD") -> tuple[str, str, int, str]:
    return (month, "new", amount, currency)


def refunds_last(w: World) -> object:
    return w.it.refund(w.it.invoices("cus_refunded")[0]["id"], 10_000)


def credits_first(w: World) -> object:
    return w.it.credit(w.it.invoices("cus_credited")[0]["id"], 4_000)


SCENARIOS = (
    Scenario("loyal", (("2025-01-10", sells("loyal", "team")),), (new("2025-01", 10_000),)),
    Scenario("annual", (("2025-01-31", sells("annual", "year")),), (new("2025-01", 10_000),)),
    Scenario(
        "upgraded", (("2025-01-05", sells("upgraded", "team")), ("2025-04-20", changes("upgraded", price="business"))),
        (new("2025-01", 10_000), ("2025-04", "expansion", 5_000, "USD")),
    ),
    Scenario(
        "downgraded", (("2025-01-05", sells("downgraded", "business")), ("2025-04-20", changes("downgraded", price="team"))),
        (new("2025-01", 15_000), ("2025-04", "contraction", -5_000, "USD")),
    ),
    Scenario(
        "upgraded without proration",
        (("2025-01-25", sells("quiet", "team")), ("2025-03-31", changes("quiet", price="business", prorate=False))),
        # seen at the end, it is the next invoice that tells it, a month later than it was
        (new("2025-01", 10_000), ("2025-03", "expansion", 5_000, "USD")), "2025-04-25",
    ),
    Scenario(
        "switched to a year", (("2025-01-05", sells("switched", "team")), ("2025-05-15", changes("switched", price="cheap_year"))),
        (new("2025-01", 10_000), ("2025-05", "contraction", -2_000, "USD")),
    ),
    Scenario(
        "seats up and down",
        (
            ("2025-01-15", sells("seats", ("seat", 5))), ("2025-03-20", changes("seats", quantity=9)),
            ("2025-03-25", changes("seats", quantity=8)), ("2025-08-02", changes("seats", quantity=6)),
        ),
        (new("2025-01", 10_000), ("2025-03", "expansion", 6_000, "USD"), ("2025-08", "contraction", -4_000, "USD")),
    ),
    Scenario(
        "seats of a yearly plan, not invoiced yet",
        (("2025-02-15", sells("pending", ("year", 2))), ("2025-06-20", changes("pending", quantity=3))),
        (new("2025-02", 20_000), ("2025-06", "expansion", 10_000, "USD")),
    ),
    Scenario(
        "an add-on comes and goes",
        (
            ("2025-01-15", sells("addon", "team")), ("2025-03-03", changes("addon", add=("seat", 2))),
            ("2025-06-05", changes("addon", remove=1)),
        ),
        (new("2025-01", 10_000), ("2025-03", "expansion", 4_000, "USD"), ("2025-06", "contraction", -4_000, "USD")),
    ),
    Scenario("coupon once", (("2025-01-10", sells("once", "team", coupons=("once",))),), (new("2025-01", 10_000),)),
    Scenario("coupon repeating", (("2025-01-10", sells("repeating", "team", coupons=("repeating",))),), (new("2025-01", 10_000),)),
    Scenario("coupon forever", (("2025-01-10", sells("forever", "team", coupons=("forever",))),), (new("2025-01", 8_000),)),
    Scenario(
        "coupons stacked on two items", (("2025-01-10", sells("stacked", "team", ("seat", 5), coupons=("forever", "amount"))),),
        # 200 less 20 %, less 15
        (new("2025-01", 14_500),),
    ),
    Scenario(
        "coupon given later",
        (("2025-01-10", sells("given", "team")), ("2025-04-02", lambda w: w.it.take_off(w.subs["given"], w.coupons["forever"]))),
        (new("2025-01", 10_000), ("2025-04", "contraction", -2_000, "USD")),
    ),
    Scenario(
        "coupon taken back",
        (("2025-01-10", sells("taken", "team", coupons=("forever",))), ("2025-05-20", lambda w: w.it.no_discount(w.subs["taken"]))),
        (new("2025-01", 8_000), ("2025-05", "expansion", 2_000, "USD")), "2025-06-10",
    ),
    Scenario("everything off", (("2025-01-10", sells("gift", "team", coupons=("all",))),), ()),
    Scenario("trial converted", (("2025-01-20", sells("convinced", "team", trial=14)),), (new("2025-02", 10_000),)),
    Scenario(
        "trial not converted", (("2025-01-20", sells("unsure", "team", trial=14)), ("2025-01-30", cancels("unsure", "at end"))), ()
    ),
    Scenario(
        "paused and resumed",
        (
            ("2025-01-10", sells("paused", "team")), ("2025-04-10", lambda w: w.it.pause(w.subs["paused"])),
            ("2025-06-03", lambda w: w.it.resume(w.subs["paused"])),
        ),
        (new("2025-01", 10_000), ("2025-04", "contraction", -10_000, "USD"), ("2025-06", "expansion", 10_000, "USD")), "2025-06-03",
    ),
    Scenario(
        "collection paused for good",
        (("2025-01-10", sells("frozen", "team")), ("2025-05-08", lambda w: w.it.pause_collection(w.subs["frozen"], "void"))),
        (
            new("2025-01", 10_000), ("2025-05", "contraction", -10_000, "USD"), ("2025-08", "contraction", 10_000, "USD"),
            ("2025-08", "churn", -10_000, "USD"),
        ),
        "2025-05-10",
    ),
    Scenario(
        "past due, then paid",
        (("2025-01-10", sells("late", "team")), ("2025-04-05", pays("late", False)), ("2025-04-12", pays("late", True))),
        (new("2025-01", 10_000),),
    ),
    Scenario(
        "past due, then cancelled for it", (("2025-01-10", sells("broke", "team")), ("2025-05-05", pays("broke", False))),
        (new("2025-01", 10_000), ("2025-05", "churn", -10_000, "USD")),
    ),
    Scenario(
        "cancelled at once", (("2025-01-10", sells("gone", "team")), ("2025-06-20", cancels("gone"))),
        (new("2025-01", 10_000), ("2025-06", "churn", -10_000, "USD")),
    ),
    Scenario(
        "cancelled at period end", (("2025-01-10", sells("leaving", "team")), ("2025-06-20", cancels("leaving", "at end"))),
        (new("2025-01", 10_000), ("2025-07", "churn", -10_000, "USD")),
    ),
    Scenario(
        "cancelled and undone",
        (
            ("2025-01-10", sells("torn", "team")), ("2025-06-20", cancels("torn", "at end")),
            ("2025-06-28", cancels("torn", "undone")),
        ),
        (new("2025-01", 10_000),),
    ),
    Scenario("refund", (("2025-01-10", sells("refunded", "team")), ("2025-02-20", refunds_last)), (new("2025-01", 10_000),)),
    Scenario("credit note", (("2025-01-10", sells("credited", "team")), ("2025-02-20", credits_first)), (new("2025-01", 10_000),)),
    Scenario(
        "two subscriptions",
        (
            ("2025-01-10", sells("double", "team")), ("2025-03-12", sells("double", ("seat", 3), name="second")),
            ("2025-07-01", cancels("second")),
        ),
        (new("2025-01", 10_000), ("2025-03", "expansion", 6_000, "USD"), ("2025-07", "contraction", -6_000, "USD")),
    ),
    Scenario(
        "resubscribed",
        (
            ("2025-01-10", sells("back", "team")), ("2025-04-20", cancels("back")),
            ("2025-08-03", sells("back", "business", name="again")),
        ),
        (new("2025-01", 10_000), ("2025-04", "churn", -10_000, "USD"), ("2025-08", "reactivation", 15_000, "USD")),
    ),
    Scenario(
        "three currencies",
        (
            ("2025-01-10", sells("world", "team")), ("2025-02-10", sells("world", "eur", name="europe")),
            ("2025-03-10", sells("world", "jpy", name="japan")),
        ),
        (new("2025-01", 10_000), ("2025-02", "expansion", 9_000, "EUR"), ("2025-03", "expansion", 12_000, "JPY")),
    ),
    Scenario(
        "one-off invoice",
        (("2025-01-10", sells("helped", "team")), ("2025-02-14", lambda w: w.it.one_off("cus_helped", 50_000))),
        (new("2025-01", 10_000),),
    ),
    Scenario("by use", (("2025-01-10", sells("metered", "team", "calls")),), (new("2025-01", 10_000),)),
    Scenario(
        "by tiers", (("2025-01-10", sells("tiers", ("tiers", 4))), ("2025-05-10", changes("tiers", quantity=20))),
        (new("2025-01", 4_000), ("2025-05", "expansion", 12_500, "USD")),
    ),
    Scenario("quarterly", (("2025-01-10", sells("quarter", "quarter")),), (new("2025-01", 9_000),)),
    Scenario(
        "free, then paid", (("2025-01-10", sells("freemium", "free")), ("2025-05-20", changes("freemium", price="team"))),
        (new("2025-05", 10_000),),
    ),
    Scenario(
        "first payment never came",
        (("2025-01-08", lambda w: w.it.cannot_pay.add("cus_never")), ("2025-01-10", sells("never", "team"))), (),
    ),
    Scenario(
        "customer deleted", (("2025-01-10", sells("deleted", "team")), ("2025-07-20", lambda w: w.it.forget("cus_deleted"))),
        (new("2025-01", 10_000), ("2025-07", "churn", -10_000, "USD")),
    ),
)  # fmt: skip

#: the first day, and the day on which everything is looked at
BEGIN, END = at("2025-01-01"), at("2025-10-02")


def script() -> list[tuple[int, Step]]:
    """Everything that happens, in order of time."""
    steps = [(at(day), step) for scenario in SCENARIOS for day, step in scenario.script]
    return sorted(steps, key=lambda one: one[0])


def customer_of(scenario: Scenario) -> str:
    """The customer of a scenario: found by playing it alone."""
    it = Business(BEGIN)
    world = catalogue(it)
    for day, step in scenario.script:
        it.advance(at(day))
        step(world)
    return next(iter([*it.objects["customer"], *(sub["customer"] for sub in it.objects["subscription"].values())]))
