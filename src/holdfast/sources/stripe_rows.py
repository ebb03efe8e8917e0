"""A subscription's history as rows of subscription_item: one per state of an item, by days of the company."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from fractions import Fraction
from typing import Any, TypeVar

from holdfast.domain.money import half_even
from holdfast.sources.source import Bad, Object, Row
from holdfast.sources.stripe_discounts import Discount, Discounts, Priced, columns, until
from holdfast.sources.stripe_history import Ending, History, Steps
from holdfast.sources.stripe_past import Value
from holdfast.sources.stripe_prices import Price, PriceError, minor, price_of, scale, with_unit
from holdfast.sources.stripe_shape import Line

V = TypeVar("V")

#: from so many months on a billing period is a term of contract that comes up for renewal
TERM_MONTHS = 3


@dataclass
class Days:
    """The moments of a layer as days: of one day its last word holds."""

    days: list[date]
    values: list[Any]

    def at(self, day: date) -> Any:
        """What holds at the end of a day; None before everything."""
        found = None
        for one, value in zip(self.days, self.values, strict=True):
            if one > day:
                break
            found = value
        return found


def by_day(steps: Steps[V], day: Callable[[int], date]) -> Days:
    last: dict[date, V] = {day(at): value for at, value in steps.told}
    return Days(list(last), list(last.values()))


@dataclass
class Writer:
    """Writes the rows of one subscription."""

    account: str
    told: History
    #: prices written out in full, by id
    prices: Mapping[str, Object]
    lines: Sequence[Line]
    known: Discounts
    #: discounts of the customer, for where the subscription has none of its own
    customer: Steps[tuple[str, ...]]
    day: Callable[[int], date]
    bad: list[Bad]

    def __post_init__(self) -> None:
        self._prices: dict[str, Price | None] = {}
        self._complained: set[str] = set()
        self._unpriced: set[str] = set()

    def rows(self) -> list[Row]:
        """All rows of the subscription, each item's in order."""
        told = self.told
        layers = {
            "status": by_day(told.status, self.day), "discounts": by_day(told.discounts, self.day),
            "customer": by_day(self.customer, self.day), "ending": by_day(told.ending, self.day),
        }  # fmt: skip
        items = {name: by_day(steps, self.day) for name, steps in told.items.items()}
        own = {name: by_day(steps, self.day) for name, steps in told.item_discounts.items()}
        days = {one for layer in (*layers.values(), *items.values(), *own.values()) for one in layer.days}
        days |= self._ends_of_discounts()
        terms = self._terms()
        days |= {start for spans in terms.values() for start, _ in spans}
        once = self._once()
        days |= {edge for spans in once.values() for start, end, _ in spans for edge in (start, end)}
        first = self.day(told.begin)
        states: dict[str, list[tuple[date, Row | None]]] = {name: [] for name in items}
        for one in sorted(day for day in days if day >= first):
            here = self._state(one, layers, items, own, terms, once)
            for name, found in states.items():
                row = here.get(name)
                if not found or found[-1][1] != row:
                    found.append((one, row))
        rows: list[Row] = []
        for name, found in sorted(states.items()):
            closed = self._closed(name, found)
            rows += closed or self._taken_back(name, first)
        return rows

    def _closed(self, name: str, states: Sequence[tuple[date, Row | None]]) -> list[Row]:
        """The states of an item with the days on which they begin and end."""
        found = []
        for place, (since, row) in enumerate(states):
            if row is None:
                continue
            following = states[place + 1][0] if place + 1 < len(states) else None
            agreed = row.pop("_ends")
            found.append(
                {
                    "account_id": self.account, "subscription_id": self.told.id, "item_id": name, **row, "valid_from": since,
                    "valid_to": following or (agreed if agreed is not None and agreed > since else None), "replaces_item": True,
                }
            )  # fmt: skip
        return found

    def _taken_back(self, name: str, first: date) -> list[Row]:
        """An item that lasted no day, but may have been told as running when it was seen: nothing of it holds."""
        if name in self._unpriced or not self.told.currency:
            return []
        return [
            {
                "account_id": self.account, "subscription_id": self.told.id, "item_id": name, "unit_amount_minor": 0,
                "currency": self.told.currency, "valid_from": first, "replaces_item": True, "deleted": True,
            }
        ]  # fmt: skip

    # -- one day ---------------------------------------------------------------------------------------------

    def _state(
        self, one: date, layers: Mapping[str, Days], items: Mapping[str, Days], own: Mapping[str, Days],
        terms: Mapping[str, Any], once: Mapping[str, Any],
    ) -> dict[str, Row]:  # fmt: skip
        status = layers["status"].at(one)
        if status in (None, "canceled"):
            return {}
        values: dict[str, Value] = {name: value for name, days in items.items() if (value := days.at(one)) is not None}
        shared = self._discounts(layers["discounts"].at(one) or layers["customer"].at(one) or (), one)
        priced: list[Priced] = []
        rows: dict[str, Row] = {}
        for name, value in values.items():
            made = self._price(name, value, one)
            if made is None:
                self._unpriced.add(name)
                continue
            price, row = made
            rows[name] = row
            amount = 0 if price.is_metered else row["quantity"] * row["unit_amount_minor"]
            held = self._discounts(own[name].at(one) or () if name in own else (), one)
            priced.append(Priced(name, price.product, price.currency, amount, held))
        ending: Ending | None = layers["ending"].at(one)
        for name, off in columns(priced, shared).items():
            mine = next(p.own for p in priced if p.item == name)
            rows[name] |= off | {"repeating_until": until([*mine, *shared], self.day)}
            rows[name] |= self._once_columns(once.get(name, ()), one)
            rows[name] |= self._ending_columns(status, ending)
            rows[name]["term_end"] = next((end for start, end in terms.get(name, ()) if start <= one < end), None)
        return rows

    def _ending_columns(self, status: str, ending: Ending | None) -> Row:
        return {
            "status": status, "cancel_requested_on": self.day(ending.asked) if ending and ending.asked is not None else None,
            "auto_renew": ending is None or ending.asked is None, "_ends": self.day(ending.at) if ending else None,
        }  # fmt: skip

    def _discounts(self, names: Sequence[str], one: date) -> list[Discount]:
        """Discounts that hold on a day; the same coupon counts once."""
        found: dict[str, Discount] = {}
        for name in names:
            discount = self.known.known.get(name)
            if discount and (discount.end is None or self.day(discount.end) > one):
                found.setdefault(discount.coupon, discount)
        return list(found.values())

    def _price(self, name: str, value: Value, one: date) -> tuple[Price, Row] | None:
        """A price, and the columns that say what its quantity costs on a day. None: it cannot be said, which is noted."""
        price_id, quantity = value
        price = self._known_price(price_id)
        if price is None:
            return None
        try:
            amount = Fraction(0) if price.is_metered else price.amount(quantity)
        except PriceError as error:
            self._complain("price", price_id, str(error))
            return None
        unit: Fraction | int
        net = amount * self._without_tax(name, one)
        unit, units = (price.unit or Fraction(0), quantity) if price.is_metered else _units(net, quantity, price)
        row: Row = {
            "product_id": price.product or None, "plan_id": price.id, "quantity": units, "unit_amount_minor": minor(unit, price.currency),
            "currency": price.currency, "interval": price.interval, "interval_count": price.count,
            "usage_type": "metered" if price.is_metered else "licensed",
        }  # fmt: skip
        return price, row

    def _known_price(self, price_id: str) -> Price | None:
        if price_id not in self._prices:
            told = self.told.prices.get(price_id) or self.prices.get(price_id)
            try:
                self._prices[price_id] = (
                    price_of(told, self.prices, self.told.currency) if told else self._from_line(price_id)
                )
            except (PriceError, ValueError, TypeError, ArithmeticError) as error:
                self._complain("price", price_id, str(error))
                self._prices[price_id] = None
        return self._prices[price_id]

    def _from_line(self, price_id: str) -> Price:
        """A price that is told nowhere but on an invoice: its amount stands there, and its interval is the line's period."""
        line = next((line for line in self.lines if line.price_id == price_id and line.is_recurring), None)
        unit = line.unit if line else None
        if line is not None and unit is None and line.quantity:
            unit = Fraction(line.amount, line.quantity)
        if line is None or unit is None:
            raise PriceError("the price is not told")
        days = round((line.end - line.start) / 86_400)
        interval, count = (
            ("year", round(days / 365)) if days >= 350 else ("month", round(days / 30.4)) if days >= 27
            else ("week", days // 7) if days >= 7 and days % 7 == 0 else ("day", max(days, 1))
        )  # fmt: skip
        return with_unit(Price(price_id, line.product, line.currency, interval, max(count, 1), False, unit), unit)

    def _without_tax(self, name: str, one: date) -> Fraction:
        """The part of an item's amount that is not tax: by its invoices, else by its tax rates."""
        part = None
        for line in self.lines:
            if line.item == name and line.tax_within and line.taxed and (part is None or self.day(line.start) <= one):
                part = Fraction(line.taxed, line.taxed + line.tax_within)
        if part is not None:
            return part
        rates = [r for r in self.told.tax_rates.get(name, ()) if r.get("inclusive") and r.get("percentage") is not None]
        if rates:
            return 1 / (1 + sum((Fraction(str(r["percentage"])) for r in rates), Fraction(0)) / 100)
        price = self.told.items[name].last()
        whole = self.told.prices.get(price[0], {}) if price else {}
        if whole.get("tax_behavior") == "inclusive" and not any(line.item == name for line in self.lines):
            self._complain("price", str(whole.get("id")), "tax is within the price and no invoice tells it yet")
        return Fraction(1)

    # -- days on which something changes ---------------------------------------------------------------------

    def _ends_of_discounts(self) -> set[date]:
        layers = [self.told.discounts, self.customer, *self.told.item_discounts.values()]
        names = {name for layer in layers for _, told in layer.told for name in told}
        return {self.day(d.end) for name in names if (d := self.known.known.get(name)) and d.end is not None}

    def _terms(self) -> dict[str, list[tuple[date, date]]]:
        """Periods long enough to come up for renewal, by item."""
        found: dict[str, list[tuple[date, date]]] = {}
        for name, spans in self.told.terms.items():
            for start, end in sorted(spans.items()):
                if end - start >= (TERM_MONTHS * 30 - 2) * 86_400:
                    found.setdefault(name, []).append((self.day(start), self.day(end)))
        return found

    def _once(self) -> dict[str, list[tuple[date, date, int]]]:
        """What was taken off one invoice only: by item, the period and the amount."""
        found: dict[str, list[tuple[date, date, int]]] = {}
        for line in self.lines:
            off = sum(
                amount
                for name, amount in line.discounts.items()
                if (d := self.known.known.get(name)) is not None and d.duration == "once"
            )
            if off and line.is_recurring and line.item:
                net = Fraction(off) * self._without_tax(line.item, self.day(line.start))
                spans = found.setdefault(line.item, [])
                spans.append((self.day(line.start), self.day(line.end), minor(net, line.currency)))
        return found

    def _once_columns(self, spans: Sequence[tuple[date, date, int]], one: date) -> Row:
        here = [(end, off) for start, end, off in spans if start <= one < end]
        return {
            "once_off_minor": sum(off for _, off in here),
            "once_until": min((end for end, _ in here), default=None),
        }

    def _complain(self, field: str, value: str, reason: str) -> None:
        if value in self._complained:
            return
        self._complained.add(value)
        remedy = 'let the key read prices ("Prices: Read") and sync anew' if field == "price" else "see it in Stripe"
        self.bad.append(Bad("subscriptions", self.told.id, field, value, reason, remedy))


def _units(net: Fraction, quantity: int, price: Price) -> tuple[Fraction, int]:
    """Amount of a unit and number of units that make exactly the amount; one unit where it cannot be split so."""
    exact = half_even(net * scale(price.currency))
    if quantity > 0 and exact % quantity == 0:
        return Fraction(exact // quantity) / scale(price.currency), quantity
    return Fraction(exact) / scale(price.currency), 1
