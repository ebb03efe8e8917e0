"""Stripe's invoices with a clock: periods and prorations are invoiced, collected, tried again, refunded and credited.

Invoices of a period are drafts for an hour, then final and charged; a charge that fails is tried again after 3, 5 and 7 days. What comes of a
last failure is `after_failure`, as in Stripe's settings.
"""

from __future__ import annotations

from calendar import monthrange
from datetime import UTC, datetime
from typing import Any

from tests.emulators.stripe import DAY, Stripe

HOUR = 3_600
RETRIES = (3 * DAY, 8 * DAY, 15 * DAY)


def at(day: str, hour: int = 9) -> int:
    """A moment by its day, at nine in the morning (UTC)."""
    return int(datetime.fromisoformat(day).replace(hour=hour, tzinfo=UTC).timestamp())


def later(start: int, interval: str, count: int) -> int:
    """The end of a period; a month without that day ends with its last."""
    if interval in ("day", "week"):
        return start + count * DAY * (7 if interval == "week" else 1)
    begin = datetime.fromtimestamp(start, UTC)
    months = begin.month - 1 + count * (12 if interval == "year" else 1)
    year, month = begin.year + months // 12, months % 12 + 1
    return int(begin.replace(year=year, month=month, day=min(begin.day, monthrange(year, month)[1])).timestamp())


class Invoicing(Stripe):
    """What is due, and what is owed."""

    def __init__(self, now: int, after_failure: str = "canceled") -> None:
        super().__init__(now)
        self.after_failure = after_failure
        self.due: list[tuple[int, int, str, str]] = []
        self.cannot_pay: set[str] = set()
        self.anchors: dict[str, tuple[int, int]] = {}

    # -- the clock -------------------------------------------------------------------------------------------

    def advance(self, to: int) -> None:
        """Let time pass: what falls due meanwhile is done in order."""
        while self.due and min(self.due)[0] <= to:
            entry = min(self.due)
            self.due.remove(entry)
            moment, _, what, key = entry
            self.now = max(self.now, moment)
            getattr(self, f"_{what}")(key)
        self.now = max(self.now, to)

    def _when(self, moment: int, what: str, key: str) -> None:
        self.ids += 1
        self.due.append((moment, self.ids, what, key))

    # -- invoices --------------------------------------------------------------------------------------------

    def _period_lines(self, sub: dict[str, Any], metered: bool = False) -> list[dict[str, Any]]:
        lines = []
        for item in sub["items"]["data"]:
            is_metered = item["price"]["recurring"]["usage_type"] == "metered"
            if is_metered != metered:
                continue
            quantity = 7 if metered else item["quantity"]
            free = sub["status"] == "trialing"
            amount = 0 if free else self.amount(item["price"]["id"], quantity)
            lines.append(
                self._line(sub, item["id"], item["price"], quantity, amount, item["current_period_start"], item["current_period_end"],
                           unit=0 if free else item["price"]["unit_amount"])
            )  # fmt: skip
        return lines

    def _line(
        self, sub: dict[str, Any], item: str, price: dict[str, Any], quantity: int, amount: int, start: int, end: int,
        proration: bool = False, invoice_item: str | None = None, unit: int | None = None,
    ) -> dict[str, Any]:  # fmt: skip
        return {
            "id": self.new_id("il"), "object": "line_item", "amount": amount, "currency": sub["currency"], "description": None,
            "discount_amounts": [], "discountable": not proration, "discounts": [], "invoice": None, "livemode": True, "metadata": {},
            "parent": {"type": "subscription_item_details", "invoice_item_details": None, "subscription_item_details": {
                "invoice_item": invoice_item, "proration": proration, "proration_details": {"credited_items": None},
                "subscription": sub["id"], "subscription_item": item}},
            "period": {"start": start, "end": end}, "pretax_credit_amounts": [],
            "pricing": {"type": "price_details", "unit_amount_decimal": None if unit is None else str(unit),
                        "price_details": {"price": price["id"], "product": price["product"]}},
            "quantity": quantity, "subscription": sub["id"], "subtotal": amount, "taxes": [],
        }  # fmt: skip

    def _invoice(self, sub: dict[str, Any], reason: str, lines: list[dict[str, Any]]) -> dict[str, Any]:
        self._reduce(sub, lines)
        pending = [
            one for one in self.objects["invoiceitem"].values()
            if not one["invoice"] and one["parent"]["subscription_details"]["subscription"] == sub["id"]
        ]  # fmt: skip
        for one in pending:
            of = one["parent"]["subscription_details"]
            price = self.objects["price"][one["pricing"]["price_details"]["price"]]
            lines.append(self._line(sub, of["subscription_item"], price, one["quantity"], one["amount"], one["period"]["start"],
                                    one["period"]["end"], True, one["id"], price["unit_amount"]))  # fmt: skip
        parent = {"type": "subscription_details", "quote_details": None,
                  "subscription_details": {"metadata": {}, "subscription": sub["id"]}}  # fmt: skip
        invoice = self.bare_invoice(sub["customer"], sub["currency"], lines, reason, parent)
        sub["latest_invoice"] = invoice["id"]
        for one in pending:
            one["invoice"] = invoice["id"]
        return invoice

    def bare_invoice(
        self, customer: str, currency: str, lines: list[dict[str, Any]], reason: str, parent: dict[str, Any] | None
    ) -> dict[str, Any]:
        key = self.new_id("in")
        for line in lines:
            line["invoice"] = key
        subtotal = sum(line["amount"] for line in lines)
        offs: dict[str, int] = {}
        for line in lines:
            for off in line["discount_amounts"]:
                offs[off["discount"]] = offs.get(off["discount"], 0) + off["amount"]
        total = subtotal - sum(offs.values())
        owed = max(total, 0)
        invoice = {
            "id": key, "object": "invoice", "amount_due": owed, "amount_overpaid": 0, "amount_paid": 0, "amount_remaining": owed,
            "amount_shipping": 0, "attempt_count": 0, "attempted": False, "automatic_tax": {"enabled": False, "liability": None,
            "disabled_reason": None, "provider": None, "status": None}, "billing_reason": reason,
            "collection_method": "charge_automatically", "created": self.now, "currency": currency, "customer": customer,
            "default_tax_rates": [], "discounts": list(offs), "due_date": None, "effective_at": None, "issuer": {"type": "self"},
            "lines": {"object": "list", "url": f"/v1/invoices/{key}/lines", "has_more": False, "data": lines}, "livemode": True,
            "metadata": {}, "number": None, "parent": parent,
            "payment_settings": {"default_mandate": None, "payment_method_options": None, "payment_method_types": None},
            "payments": {"object": "list", "url": "/v1/invoice_payments", "has_more": False, "data": []},
            "period_start": self.now, "period_end": self.now, "post_payment_credit_notes_amount": 0,
            "pre_payment_credit_notes_amount": 0, "starting_balance": 0, "status": "draft",
            "status_transitions": {"finalized_at": None, "marked_uncollectible_at": None, "paid_at": None, "voided_at": None},
            "subtotal": subtotal, "total": total,
            "total_discount_amounts": [{"amount": amount, "discount": name} for name, amount in offs.items()], "total_taxes": [],
        }  # fmt: skip
        return self.keep("invoice", invoice, "invoice.created")

    def _reduce(self, sub: dict[str, Any], lines: list[dict[str, Any]]) -> None:
        """Take the subscription's discounts off its lines, or the customer's where it has none; what is for once is used up."""
        own = sub["discounts"] or [
            d["id"] for d in [self.objects["customer"].get(sub["customer"], {}).get("discount")] if d
        ]
        left = [line["amount"] for line in lines]
        for key in own:
            discount = self.objects["discount"][key]
            coupon = self.objects["coupon"][discount["source"]["coupon"]]
            if discount["end"] is not None and discount["end"] <= self.now:
                continue
            rest = coupon["amount_off"] or 0
            for place, line in enumerate(lines):
                off = (
                    round(left[place] * coupon["percent_off"] / 100)
                    if coupon["percent_off"] is not None
                    else min(left[place], rest)
                )
                rest -= 0 if coupon["percent_off"] is not None else off
                left[place] -= off
                line["discount_amounts"].append({"amount": off, "discount": key})
                line["discounts"].append(key)
        used = [key for key in sub["discounts"] if self._is_once(key)]
        if used and any(line["amount"] for line in lines):
            self.change(
                sub, "customer.subscription.updated", discounts=[key for key in sub["discounts"] if key not in used]
            )

    def _is_once(self, key: str) -> bool:
        return bool(self.objects["coupon"][self.objects["discount"][key]["source"]["coupon"]]["duration"] == "once")

    def one_off(self, customer: str, amount: int, currency: str = "usd") -> str:
        """An invoice of something that is no subscription."""
        line = {
            "id": self.new_id("il"), "object": "line_item", "amount": amount, "currency": currency, "description": "Onboarding",
            "discount_amounts": [], "discountable": True, "discounts": [], "invoice": None, "livemode": True, "metadata": {},
            "parent": {"type": "invoice_item_details", "subscription_item_details": None, "invoice_item_details": {
                "invoice_item": self.new_id("ii"), "proration": False, "proration_details": {"credited_items": None},
                "subscription": None}},
            "period": {"start": self.now, "end": self.now}, "pretax_credit_amounts": [], "pricing": None, "quantity": 1,
            "subscription": None, "subtotal": amount, "taxes": [],
        }  # fmt: skip
        invoice = self.bare_invoice(customer, currency, [line], "manual", None)
        self._finalize(invoice["id"])
        return str(invoice["id"])

    def _moved(self, invoice: dict[str, Any], event: str, status: str, name: str, **more: Any) -> None:
        moves = {**invoice["status_transitions"], name: self.now}
        self.change(invoice, event, status=status, status_transitions=moves, **more)

    def _finalize(self, key: str) -> None:
        invoice = self.objects["invoice"][key]
        if invoice["status"] != "draft":
            return
        self._moved(invoice, "invoice.finalized", "open", "finalized_at", number=f"X-{self.ids}", effective_at=self.now)
        sub = self._sub_of(invoice)
        paused = sub and sub["pause_collection"]
        if paused and paused["behavior"] == "void":
            self._moved(invoice, "invoice.voided", "void", "voided_at")
        elif paused and paused["behavior"] == "mark_uncollectible":
            self._moved(invoice, "invoice.marked_uncollectible", "uncollectible", "marked_uncollectible_at")
        else:
            self._collect(key)

    def _sub_of(self, invoice: dict[str, Any]) -> dict[str, Any] | None:
        parent = invoice["parent"]
        return self.objects["subscription"][parent["subscription_details"]["subscription"]] if parent else None

    def _collect(self, key: str) -> None:
        """Try to be paid; after the first failure it is tried three times more."""
        invoice = self.objects["invoice"][key]
        if invoice["status"] != "open":
            return
        sub = self._sub_of(invoice)
        tries = invoice["attempt_count"] + (1 if invoice["total"] > 0 else 0)
        if invoice["total"] > 0 and invoice["customer"] in self.cannot_pay:
            self.change(invoice, "invoice.payment_failed", attempt_count=tries, attempted=True)
            if sub and sub["status"] in ("active", "past_due"):
                self._failed(invoice, sub, tries)
            return
        charge = self._charge(invoice) if invoice["total"] > 0 else None
        payments = {**invoice["payments"], "data": [self._payment(invoice, charge)] if charge else []}
        self._moved(invoice, "invoice.paid", "paid", "paid_at", attempt_count=tries, attempted=True, payments=payments,
                    amount_paid=invoice["amount_due"], amount_remaining=0)  # fmt: skip
        if sub and sub["status"] in ("past_due", "incomplete", "unpaid"):
            self.change(sub, "customer.subscription.updated", status="active")

    def _failed(self, invoice: dict[str, Any], sub: dict[str, Any], tries: int) -> None:
        if tries <= len(RETRIES):
            self.change(sub, "customer.subscription.updated", status="past_due")
            first = invoice["status_transitions"]["finalized_at"]
            self._when(first + RETRIES[tries - 1], "collect", invoice["id"])
        elif self.after_failure == "canceled":
            sub["cancellation_details"] = {"comment": None, "feedback": None, "reason": "payment_failed"}
            self._end(sub)
        else:
            self.change(sub, "customer.subscription.updated", status=self.after_failure)

    def _charge(self, invoice: dict[str, Any]) -> str:
        charge = {
            "id": self.new_id("ch"), "object": "charge", "amount": invoice["total"], "amount_captured": invoice["total"],
            "amount_refunded": 0, "billing_details": {"address": None, "email": None, "name": None, "phone": None, "tax_id": None},
            "captured": True, "created": self.now, "currency": invoice["currency"], "customer": invoice["customer"], "disputed": False,
            "livemode": True, "metadata": {}, "paid": True, "payment_intent": self.new_id("pi"), "refunded": False,
            "status": "succeeded",
        }  # fmt: skip
        return str(self.keep("charge", charge)["id"])

    def _payment(self, invoice: dict[str, Any], charge: str) -> dict[str, Any]:
        intent = self.objects["charge"][charge]["payment_intent"]
        return {
            "id": self.new_id("inpay"), "object": "invoice_payment", "amount_paid": invoice["total"],
            "amount_requested": invoice["total"], "created": self.now, "currency": invoice["currency"], "invoice": invoice["id"],
            "is_default": True, "livemode": True, "payment": {"type": "payment_intent", "payment_intent": intent}, "status": "paid",
            "status_transitions": {"canceled_at": None, "paid_at": self.now},
        }  # fmt: skip

    def _end(self, sub: dict[str, Any]) -> None:
        # that it is over tells its own event, which says nothing of before
        sub.update(status="canceled", ended_at=self.now, canceled_at=sub["canceled_at"] or self.now)
        self.tell("customer.subscription.deleted", sub)

    def amount(self, price: str, quantity: int) -> int:
        told = self.objects["price"][price]
        if told["unit_amount"] is not None:
            return int(told["unit_amount"]) * quantity
        tier = next(one for one in told["tiers"] if one["up_to"] is None or quantity <= one["up_to"])
        return int(tier["unit_amount"]) * quantity + int(tier["flat_amount"] or 0)

    # -- giving back -----------------------------------------------------------------------------------------

    def refund(self, invoice: str, amount: int) -> str:
        intent = self.objects["invoice"][invoice]["payments"]["data"][0]["payment"]["payment_intent"]
        charge = next(one for one in self.objects["charge"].values() if one["payment_intent"] == intent)
        refund = {
            "id": self.new_id("re"), "object": "refund", "amount": amount, "balance_transaction": None, "charge": charge["id"],
            "created": self.now, "currency": charge["currency"], "customer": charge["customer"], "metadata": {},
            "payment_intent": intent, "reason": None, "receipt_number": None, "source_transfer_reversal": None, "status": "succeeded",
            "transfer_reversal": None,
        }  # fmt: skip
        return str(self.keep("refund", refund, "refund.created")["id"])

    def credit(self, invoice: str, amount: int) -> str:
        told = self.objects["invoice"][invoice]
        key = self.new_id("cn")
        line = {
            "id": self.new_id("cnli"), "object": "credit_note_line_item", "amount": amount, "description": None, "discount_amount": 0,
            "discount_amounts": [], "invoice_line_item": told["lines"]["data"][0]["id"], "livemode": True, "metadata": {},
            "pretax_credit_amounts": [], "quantity": 1, "tax_rates": [], "taxes": [], "type": "invoice_line_item",
            "unit_amount": amount, "unit_amount_decimal": str(amount),
        }  # fmt: skip
        note = {
            "id": key, "object": "credit_note", "amount": amount, "amount_shipping": 0, "created": self.now,
            "currency": told["currency"], "customer": told["customer"], "discount_amount": 0, "discount_amounts": [],
            "invoice": invoice, "lines": {"object": "list", "url": f"/v1/credit_notes/{key}/lines", "has_more": False, "data": [line]},
            "livemode": True, "memo": None, "metadata": {}, "number": "X-CN-1", "pdf": "", "post_payment_amount": amount,
            "pre_payment_amount": 0, "pretax_credit_amounts": [], "reason": None, "refunds": [], "status": "issued",
            "subtotal": amount, "subtotal_excluding_tax": amount, "total": amount, "total_excluding_tax": amount, "total_taxes": [],
            "type": "post_payment", "voided_at": None, "effective_at": self.now,
        }  # fmt: skip
        return str(self.keep("credit_note", note, "credit_note.created")["id"])

    def invoices(self, customer: str) -> list[dict[str, Any]]:
        return [one for one in self.objects["invoice"].values() if one["customer"] == customer]
