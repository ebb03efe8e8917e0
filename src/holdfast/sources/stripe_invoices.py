"""Invoices, credit notes and refunds as rows of invoice and invoice_line, without tax and after discounts."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import date
from fractions import Fraction
from typing import Any

from holdfast.sources.source import Bad, Facts, Object, State, Told
from holdfast.sources.stripe_discounts import shares
from holdfast.sources.stripe_past import is_set_aside
from holdfast.sources.stripe_prices import minor
from holdfast.sources.stripe_shape import Line, count, ident, issued, lines_of, listed, parsed, part, seconds

Day = Callable[[int], date]

STATUSES = ("draft", "open", "paid", "void", "uncollectible")


def whole(states: Sequence[State]) -> Object:
    """The newest state of an invoice, with lines and payments that only an older one has in full."""
    newest = dict(states[-1].obj)
    told = newest.get("lines")
    if isinstance(told, dict) and told.get("has_more"):
        found: dict[str, Object] = {}
        for state in states:
            if state.obj.get("status") != "draft":
                found |= {ident(line): line for line in listed(state.obj.get("lines"))}
        newest["lines"] = {**told, "data": list(found.values())}
    if not newest.get("payments"):
        newest["payments"] = next((s.obj["payments"] for s in reversed(states) if s.obj.get("payments")), None)
    return newest


def invoices_of(told: Told) -> list[Object]:
    """The invoices of a customer that are not deleted, by id."""
    return [parsed(whole(states)) for _, states in sorted(told.states("invoices").items()) if not states[-1].is_deleted]


def add_invoices(
    facts: Facts, account: str, told: Told, invoices: Sequence[Object], metered: frozenset[str], day: Day
) -> None:
    """Rows of the invoices and their lines. What is void, a draft or deleted has no line that counts."""
    gone = [(whole(states), True) for _, states in sorted(told.states("invoices").items()) if states[-1].is_deleted]
    for invoice, is_deleted in [*((one, False) for one in invoices), *gone]:
        at, status = issued(invoice), str(invoice.get("status") or "open")
        currency = str(invoice.get("currency") or "").upper()
        if at is None or not currency or not isinstance(invoice.get("total"), int):
            _bad(facts, "invoices", invoice, "created, currency or total", "is missing")
            continue
        paid = seconds(part(invoice, "status_transitions").get("paid_at"))
        due = seconds(invoice.get("due_date"))
        facts.add(
            "invoice",
            {
                "invoice_id": ident(invoice), "account_id": account, "currency": currency, "issued_on": day(at),
                "due_on": day(due) if due is not None else None, "paid_on": day(paid) if paid is not None else None,
                "status": status if status in STATUSES else "open", "total_minor": minor(invoice["total"], currency),
                "tax_minor": minor(_tax(invoice), currency), "attempts": count(invoice.get("attempt_count")), "deleted": is_deleted,
            },
        )  # fmt: skip
        if status != "draft":
            counts = not is_deleted and status != "void" and not is_set_aside(invoice)
            _add_lines(facts, account, invoice, at, counts, metered, day)


def _tax(invoice: Object) -> int:
    told = listed(invoice.get("total_taxes")) or listed(invoice.get("total_tax_amounts"))
    if told:
        return sum(count(one.get("amount")) for one in told)
    return count(invoice.get("tax"))


def _add_lines(
    facts: Facts, account: str, invoice: Object, at: int, counts: bool, metered: frozenset[str], day: Day
) -> None:
    for line in lines_of(invoice):
        # Stripe's period ends with its last second where it begins and ends at once
        end = max(line.end, line.start)
        facts.add(
            "invoice_line",
            {
                "line_id": line.id, "invoice_id": ident(invoice), "account_id": account, "subscription_id": line.subscription or None,
                "item_id": line.item or None, "kind": kind_of(line, metered), "amount_minor": minor(line.net, line.currency),
                "currency": line.currency, "period_start": day(line.start), "period_end": day(end), "issued_on": day(at),
                "deleted": not counts,
            },
        )  # fmt: skip


def kind_of(line: Line, metered: frozenset[str]) -> str:
    """What a line is for, in our words."""
    timing = part(line.price, "recurring") or line.price or {}
    if line.price_id in metered or timing.get("usage_type") == "metered":
        return "metered"
    if line.is_proration:
        return "proration"
    return "recurring" if line.is_recurring else "one_off"


# -- credit notes --------------------------------------------------------------------------------------------


def add_credits(facts: Facts, account: str, told: Told, invoices: Mapping[str, Object], day: Day) -> None:
    """Rows of credit notes: what is paid back is told by the refund, the rest is credit."""
    for states in told.states("credit_notes").values():
        note, is_gone = states[-1].obj, states[-1].is_deleted
        at, currency = (
            seconds(note.get("effective_at")) or seconds(note.get("created")),
            str(note.get("currency") or "").upper(),
        )
        invoice = ident(note.get("invoice"))
        if at is None or not currency or not invoice:
            _bad(facts, "credit_notes", note, "created, currency or invoice", "is missing")
            continue
        lines = listed(note.get("lines"))
        nets = [_credit(line) for line in lines]
        refunded = _refunded(note)
        total = count(note.get("total") or note.get("amount"))
        kept = Fraction(max(total - refunded, 0), total) if total else Fraction(1)
        amounts = shares(minor(sum(nets) * kept, currency), nets)
        of = {line.id: line for line in lines_of(invoices.get(invoice, {}))}
        for told_line, amount in zip(lines, amounts, strict=True):
            line = of.get(ident(told_line.get("invoice_line_item")))
            facts.add(
                "invoice_line",
                {
                    "line_id": ident(told_line), "invoice_id": invoice, "account_id": account, **_for(line, day), "kind": "credit",
                    "amount_minor": -amount, "currency": currency, "issued_on": day(at),
                    "deleted": is_gone or note.get("status") == "void" or amount == 0,
                },
            )  # fmt: skip


def _credit(line: Object) -> int:
    within = sum(
        count(tax.get("amount"))
        for tax in listed(line.get("taxes")) or listed(line.get("tax_amounts"))
        if tax.get("tax_behavior") == "inclusive" or tax.get("inclusive")
    )
    return count(line.get("amount")) - count(line.get("discount_amount")) - within


def _refunded(note: Object) -> int:
    """What a credit note paid back to where it came from."""
    several = listed(note.get("refunds"))
    if several:
        return sum(count(one.get("amount_refunded")) for one in several)
    return count(note.get("amount")) if note.get("refund") else 0


def _for(line: Line | None, day: Day) -> dict[str, Any]:
    """The columns that say what a line is for."""
    return {
        "subscription_id": (line.subscription or None) if line else None, "item_id": (line.item or None) if line else None,
        "period_start": day(line.start) if line else None, "period_end": day(line.end) if line else None,
    }  # fmt: skip


# -- refunds -------------------------------------------------------------------------------------------------


def add_refunds(facts: Facts, account: str, told: Told, invoices: Mapping[str, Object], day: Day) -> None:
    """Rows of refunds of invoices; refunds of payments without invoice are none of subscriptions."""
    payments = _paid_by(invoices.values())
    for states in told.states("refunds").values():
        refund, is_gone = states[-1].obj, states[-1].is_deleted
        invoice = _refund_invoice(refund, states, payments, invoices)
        at, currency = seconds(refund.get("created")), str(refund.get("currency") or "").upper()
        if invoice is None:
            continue
        if at is None or not currency or not isinstance(refund.get("amount"), int):
            _bad(facts, "refunds", refund, "created, currency or amount", "is missing")
            continue
        lines = [line for line in lines_of(invoice) if line.is_recurring]
        line = lines[0] if lines and len({(one.subscription, one.item) for one in lines}) == 1 else None
        whole_line = _for(line, day) if line or not lines else {**_for(lines[0], day), "item_id": None}
        facts.add(
            "invoice_line",
            {
                "line_id": ident(refund), "invoice_id": ident(invoice), "account_id": account, **whole_line, "kind": "refund",
                "amount_minor": -minor(refund["amount"] * _untaxed(invoice), currency), "currency": currency, "issued_on": day(at),
                "deleted": is_gone or refund.get("status") in ("failed", "canceled"),
            },
        )  # fmt: skip


def _untaxed(invoice: Object) -> Fraction:
    """The part of an invoice's total that is not tax."""
    total = count(invoice.get("total"))
    return Fraction(total - _tax(invoice), total) if total > 0 else Fraction(1)


def _paid_by(invoices: Any) -> dict[str, Object]:
    """Invoices by the ids of charges and payment intents that paid them."""
    found: dict[str, Object] = {}
    for invoice in invoices:
        for payment in listed(invoice.get("payments")):
            made = part(payment, "payment")
            for name in ("payment_intent", "charge"):
                if ident(made.get(name)):
                    found[ident(made[name])] = invoice
        for name in ("payment_intent", "charge"):
            if ident(invoice.get(name)):
                found[ident(invoice[name])] = invoice
    return found


def _refund_invoice(
    refund: Object, states: Sequence[State], payments: Mapping[str, Object], invoices: Mapping[str, Object]
) -> Object | None:
    for obj in (refund, *(state.obj for state in states)):
        charge = obj.get("charge")
        named = ident(charge.get("invoice")) if isinstance(charge, dict) else ""
        inner = ident(charge.get("payment_intent")) if isinstance(charge, dict) else ""
        for found in (
            invoices.get(named),
            *(payments.get(i) for i in (ident(charge), ident(obj.get("payment_intent")), inner) if i),
        ):
            if found is not None:
                return found
    return None


def _bad(facts: Facts, stream: str, obj: Object, field: str, reason: str) -> None:
    remedy = "see the object in Stripe; the rest is read"
    facts.bad.append(Bad(stream, ident(obj), field, "", f"{field} {reason}", remedy))
