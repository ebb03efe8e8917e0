"""What a business does on Stripe: it sells, changes, pauses, cancels; Stripe renews, prorates and invoices (stripe_invoicing)."""

from __future__ import annotations

from typing import Any

from tests.emulators.stripe_invoicing import DAY, HOUR, Invoicing, at, later

__all__ = ["DAY", "HOUR", "Business", "at"]


class Business(Invoicing):
    """A Stripe account that is in use."""

    # -- the catalogue ---------------------------------------------------------------------------------------

    def product(self, name: str) -> str:
        product = {
            "id": self.new_id("prod"), "object": "product", "active": True, "created": self.now, "description": None, "images": [],
            "livemode": True, "marketing_features": [], "metadata": {}, "name": name, "type": "service", "updated": self.now,
        }  # fmt: skip
        return str(self.keep("product", product, "product.created")["id"])

    def price(
        self,
        product: str,
        amount: int | None,
        interval: str = "month",
        count: int = 1,
        currency: str = "usd",
        **more: Any,
    ) -> str:
        usage = more.pop("usage_type", "licensed")
        price = {
            "id": self.new_id("price"), "object": "price", "active": True, "billing_scheme": "per_unit" if amount is not None else "tiered",
            "created": self.now, "currency": currency, "livemode": True, "lookup_key": None, "metadata": {}, "nickname": None,
            "product": product, "tax_behavior": "exclusive", "tiers_mode": None, "transform_quantity": None, "type": "recurring",
            "recurring": {"interval": interval, "interval_count": count, "meter": None, "usage_type": usage},
            "unit_amount": amount, "unit_amount_decimal": None if amount is None else str(amount), **more,
        }  # fmt: skip
        return str(self.keep("price", price, "price.created")["id"])

    def coupon(
        self, duration: str, percent: float | None = None, amount: int | None = None, months: int | None = None
    ) -> str:
        coupon = {
            "id": self.new_id("co"), "object": "coupon", "amount_off": amount, "created": self.now,
            "currency": "usd" if amount is not None else None, "duration": duration, "duration_in_months": months, "livemode": True,
            "max_redemptions": None, "metadata": {}, "name": None, "percent_off": percent, "redeem_by": None, "times_redeemed": 0,
            "valid": True, "applies_to": {"products": []},
        }  # fmt: skip
        return str(self.keep("coupon", coupon, "coupon.created")["id"])

    def customer(self, key: str, email: str = "", **more: Any) -> str:
        customer = {
            "id": f"cus_{key}", "object": "customer", "address": None, "balance": 0, "created": self.now, "currency": None,
            "delinquent": False, "description": None, "discount": None, "email": email or f"billing@{key}.test", "invoice_prefix": "X",
            "livemode": True, "metadata": {}, "name": key.title(), "phone": None, "shipping": None, "tax_exempt": "none", **more,
        }  # fmt: skip
        return str(self.keep("customer", customer, "customer.created")["id"])

    def forget(self, customer: str) -> None:
        """Delete a customer; its subscriptions end at once."""
        for sub in self.subs(customer):
            if sub["status"] not in ("canceled", "incomplete_expired"):
                self.cancel(sub["id"])
        gone = self.objects["customer"].pop(customer)
        self.tell("customer.deleted", gone)

    def subs(self, customer: str) -> list[dict[str, Any]]:
        return [sub for sub in self.objects["subscription"].values() if sub["customer"] == customer]

    # -- discounts -------------------------------------------------------------------------------------------

    def discount(self, coupon: str, customer: str, sub: str | None, item: str | None = None) -> str:
        told = self.objects["coupon"][coupon]
        end = later(self.now, "month", told["duration_in_months"]) if told["duration"] == "repeating" else None
        discount = {
            "id": self.new_id("di"), "object": "discount", "checkout_session": None, "customer": customer, "end": end, "invoice": None,
            "invoice_item": None, "promotion_code": None, "source": {"coupon": coupon, "type": "coupon"}, "start": self.now,
            "subscription": sub, "subscription_item": item,
        }  # fmt: skip
        self.keep("discount", discount, "customer.discount.created")
        if end is not None and sub:
            self._when(end, "discount_over", str(discount["id"]))
        return str(discount["id"])

    def _discount_over(self, key: str) -> None:
        discount = self.objects["discount"][key]
        sub = self.objects["subscription"][discount["subscription"]]
        if key in sub["discounts"]:
            self.change(sub, "customer.subscription.updated", discounts=[one for one in sub["discounts"] if one != key])
            self.tell("customer.discount.deleted", discount)

    def take_off(self, sub_id: str, coupon: str) -> None:
        """Add a discount to a running subscription."""
        sub = self.objects["subscription"][sub_id]
        added = self.discount(coupon, sub["customer"], sub_id)
        self.change(sub, "customer.subscription.updated", discounts=[*sub["discounts"], added])

    def no_discount(self, sub_id: str) -> None:
        sub = self.objects["subscription"][sub_id]
        for key in sub["discounts"]:
            self.tell("customer.discount.deleted", self.objects["discount"][key])
        self.change(sub, "customer.subscription.updated", discounts=[])

    # -- subscriptions ---------------------------------------------------------------------------------------

    def subscribe(
        self,
        customer: str,
        *prices: str | tuple[str, int],
        coupons: tuple[str, ...] = (),
        trial_days: int = 0,
        **more: Any,
    ) -> str:
        """Begin a subscription of prices, or of (price, quantity)."""
        sub_id = self.new_id("sub")
        trial_end = self.now + trial_days * DAY if trial_days else None
        items = [one if isinstance(one, tuple) else (one, 1) for one in prices]
        recurring = self.objects["price"][items[0][0]]["recurring"]
        self.anchors[sub_id] = (trial_end or self.now, 0 if trial_end else 1)
        end = trial_end or later(self.now, recurring["interval"], recurring["interval_count"])
        sub = {
            "id": sub_id, "object": "subscription", "application": None, "automatic_tax": {"enabled": False, "liability": None},
            "billing_cycle_anchor": trial_end or self.now, "billing_mode": {"type": "classic"}, "billing_schedules": [],
            "cancel_at": None, "cancel_at_period_end": False, "canceled_at": None,
            "cancellation_details": {"comment": None, "feedback": None, "reason": None}, "collection_method": "charge_automatically",
            "created": self.now, "currency": self.objects["price"][items[0][0]]["currency"], "customer": customer, "discounts": [],
            "ended_at": None, "invoice_settings": {"account_tax_ids": None, "issuer": {"type": "self"}},
            "items": {"object": "list", "url": f"/v1/subscription_items?subscription={sub_id}", "has_more": False,
                      "data": [self._item(sub_id, price, count, self.now, end) for price, count in items]},
            "latest_invoice": None, "livemode": True, "metadata": {}, "pause_collection": None, "start_date": self.now,
            "status": "trialing" if trial_end else "active", "status_details": None, "trial_end": trial_end,
            "trial_start": self.now if trial_end else None, **more,
        }  # fmt: skip
        sub["discounts"] = [self.discount(coupon, customer, sub_id) for coupon in coupons]
        fails = customer in self.cannot_pay and not trial_end
        sub["status"] = "incomplete" if fails else sub["status"]
        self.keep("subscription", sub, "customer.subscription.created")
        invoice = self._invoice(sub, "subscription_create", self._period_lines(sub))
        self._finalize(invoice["id"])
        if fails:
            self._when(self.now + 23 * HOUR, "incomplete", sub_id)
        self._when(trial_end or end, "trial_over" if trial_end else "period", sub_id)
        return sub_id

    def _item(self, sub_id: str, price: str, quantity: int, start: int, end: int) -> dict[str, Any]:
        told = self._shown("price", self.objects["price"][price], [])
        recurring = told["recurring"]
        plan = {
            "id": price, "object": "plan", "active": True, "amount": told["unit_amount"], "billing_scheme": told["billing_scheme"],
            "created": told["created"], "currency": told["currency"], "interval": recurring["interval"],
            "interval_count": recurring["interval_count"], "livemode": True, "metadata": {}, "product": told["product"],
            "usage_type": recurring["usage_type"],
        }  # fmt: skip
        item = {
            "id": self.new_id("si"), "object": "subscription_item", "billing_thresholds": None, "created": self.now,
            "current_period_end": end, "current_period_start": start, "discounts": [], "metadata": {}, "plan": plan, "price": told,
            "quantity": quantity, "subscription": sub_id, "tax_rates": [],
        }  # fmt: skip
        if recurring["usage_type"] == "metered":
            del item["quantity"]
        return item

    def _incomplete(self, sub_id: str) -> None:
        sub = self.objects["subscription"][sub_id]
        if sub["status"] == "incomplete":
            self.change(sub, "customer.subscription.updated", status="incomplete_expired", ended_at=self.now)

    def _trial_over(self, sub_id: str) -> None:
        sub = self.objects["subscription"][sub_id]
        if sub["status"] != "trialing":
            return
        if sub["cancel_at_period_end"]:
            self._end(sub)
            return
        self._renew(sub, status="active")

    def _period(self, sub_id: str) -> None:
        sub = self.objects["subscription"][sub_id]
        if sub["status"] in ("canceled", "incomplete_expired", "incomplete", "paused"):
            return
        if sub["items"]["data"][0]["current_period_end"] > self.now:
            return
        if sub["cancel_at_period_end"]:
            self._end(sub)
            return
        self._renew(sub)

    def _renew(self, sub: dict[str, Any], **changes: Any) -> None:
        """Begin the next period and invoice it; Stripe speaks of it a few seconds after it has begun."""
        anchor, count = self.anchors[sub["id"]]
        recurring = sub["items"]["data"][0]["price"]["recurring"]
        start = later(anchor, recurring["interval"], recurring["interval_count"] * count) if count else anchor
        end = later(anchor, recurring["interval"], recurring["interval_count"] * (count + 1))
        self.anchors[sub["id"]] = (anchor, count + 1)
        data = [{**one, "current_period_start": start, "current_period_end": end} for one in sub["items"]["data"]]
        metered = self._period_lines(sub, metered=True)
        self.change(sub, "customer.subscription.updated", items={**sub["items"], "data": data}, **changes)
        self._when(end, "period", sub["id"])
        invoice = self._invoice(sub, "subscription_cycle", [*self._period_lines(sub), *metered])
        kept = sub["pause_collection"] and sub["pause_collection"]["behavior"] == "keep_as_draft"
        if kept or sub["status"] == "unpaid":
            return
        self._when(self.now + HOUR, "finalize", invoice["id"])

    def update(self, sub_id: str, prorate: bool = True, **changes: Any) -> None:
        """Change prices or quantities: `price`, `quantity` (of the first item), `add` (price, quantity) or `remove` (place)."""
        sub = self.objects["subscription"][sub_id]
        data = [dict(item) for item in sub["items"]["data"]]
        old, moved = list(data), False
        if "price" in changes or "quantity" in changes:
            price = changes.get("price", data[0]["price"]["id"])
            fresh = self._item(sub_id, price, changes.get("quantity", data[0]["quantity"]), data[0]["current_period_start"],
                               data[0]["current_period_end"])  # fmt: skip
            moved = fresh["price"]["recurring"] != data[0]["price"]["recurring"]
            data[0] = {**fresh, "id": data[0]["id"], "created": data[0]["created"]}
        if "add" in changes:
            price, quantity = changes["add"]
            data.append(
                self._item(sub_id, price, quantity, data[0]["current_period_start"], data[0]["current_period_end"])
            )
        if "remove" in changes:
            del data[changes["remove"]]
        if prorate and sub["status"] != "trialing":
            self._prorate(sub, old, data, moved)
        if moved:
            recurring = data[0]["price"]["recurring"]
            end = later(self.now, recurring["interval"], recurring["interval_count"])
            data = [{**one, "current_period_start": self.now, "current_period_end": end} for one in data]
            self.anchors[sub_id] = (self.now, 1)
            self._when(end, "period", sub_id)
        self.change(sub, "customer.subscription.updated", items={**sub["items"], "data": data})
        if moved:
            self._finalize(self._invoice(sub, "subscription_update", self._period_lines(sub))["id"])

    def _prorate(self, sub: dict[str, Any], old: list[dict[str, Any]], new: list[dict[str, Any]], moved: bool) -> None:
        """Credits for what is given up and charges for what is taken, for the rest of the period."""
        before, after = ({item["id"]: item for item in items} for items in (old, new))
        for key in [*before, *(key for key in after if key not in before)]:
            was, is_now = before.get(key), after.get(key)
            same = (
                was
                and is_now
                and (was["price"]["id"], was.get("quantity")) == (is_now["price"]["id"], is_now.get("quantity"))
            )
            if same:
                continue
            if was:
                self._pending(sub, was, -1)
            if is_now and not moved:
                self._pending(sub, is_now, 1)

    def _pending(self, sub: dict[str, Any], item: dict[str, Any], sign: int) -> None:
        start, end = item["current_period_start"], item["current_period_end"]
        whole = self.amount(item["price"]["id"], item["quantity"])
        amount = sign * round(whole * (end - self.now) / (end - start))
        one = {
            "id": self.new_id("ii"), "object": "invoiceitem", "amount": amount, "currency": sub["currency"], "customer": sub["customer"],
            "date": self.now, "description": ("Unused time" if sign < 0 else "Remaining time"), "discountable": False, "discounts": [],
            "invoice": None, "livemode": True, "metadata": {}, "net_amount": amount,
            "parent": {"type": "subscription_details",
                       "subscription_details": {"subscription": sub["id"], "subscription_item": item["id"]}},
            "period": {"start": self.now, "end": end},
            "pricing": {"type": "price_details", "unit_amount_decimal": item["price"]["unit_amount_decimal"],
                        "price_details": {"price": item["price"]["id"], "product": item["price"]["product"]}},
            "proration": True, "quantity": item["quantity"], "quantity_decimal": str(item["quantity"]), "tax_rates": [], "test_clock": None,
        }  # fmt: skip
        self.keep("invoiceitem", one)

    # -- pausing and leaving ---------------------------------------------------------------------------------

    def pause(self, sub_id: str) -> None:
        details = {
            "paused": {"subscription": {"type": "pause_requested"}, "transitioned_at": self.now, "type": "subscription"}
        }
        self.change(
            self.objects["subscription"][sub_id],
            "customer.subscription.updated",
            status="paused",
            status_details=details,
        )

    def resume(self, sub_id: str) -> None:
        """Go on, with a new period from now on."""
        sub = self.objects["subscription"][sub_id]
        self.anchors[sub_id] = (self.now, 0)
        self._renew(sub, status="active", status_details=None)

    def pause_collection(self, sub_id: str, behavior: str | None) -> None:
        paused = None if behavior is None else {"behavior": behavior, "resumes_at": None}
        self.change(self.objects["subscription"][sub_id], "customer.subscription.updated", pause_collection=paused)

    def cancel(self, sub_id: str) -> None:
        sub = self.objects["subscription"][sub_id]
        self._end(sub)

    def cancel_at_end(self, sub_id: str, is_asked: bool = True) -> None:
        self.change(
            self.objects["subscription"][sub_id], "customer.subscription.updated", cancel_at_period_end=is_asked,
            canceled_at=self.now if is_asked else None,
        )  # fmt: skip
