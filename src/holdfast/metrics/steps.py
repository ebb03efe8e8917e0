"""An account's MRR steps: each day on which its MRR changed, why, and what was before and after, in words without amounts."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Any

from holdfast.domain.money import major
from holdfast.metrics.account import Change, Source, own_changes
from holdfast.warehouse.ledger import Ledger
from holdfast.warehouse.records import Records

#: how a step reads, by what stood before and after it
NEW, BACK, UP, DOWN, PAUSED, GONE = "new", "reactivation", "expansion", "contraction", "pause", "churn"


@dataclass(frozen=True)
class Step:
    """What one day did to an account's MRR in one currency; minor units."""

    on: date
    kind: str
    delta_minor: int
    mrr_minor: int
    currency: str
    #: by cause, the largest first
    causes: dict[str, int]
    #: "12 → 20 seats; add-on sso added"
    detail: str
    source: Source


def steps(records: Records, ledger: Ledger, account_id: str) -> list[Step]:
    """The steps up to the as-of day, oldest first. Amounts that cancel each other on a day are no step."""
    changes = own_changes(ledger, account_id)
    states = _states(records, account_id) if changes else {}
    days: dict[tuple[date, str], list[Change]] = {}
    for change in changes:
        days.setdefault((change.day, change.currency), []).append(change)
    found: list[Step] = []
    standing: dict[str, tuple[int, int, bool]] = {}
    for (day, currency), parts in days.items():
        before, held, has_been = standing.get(currency, (0, 0, False))
        after, held_after = (
            before + sum(part.delta_minor for part in parts),
            held + sum(part.held_delta_minor for part in parts),
        )
        standing[currency] = (after, held_after, has_been or after > 0)
        if after != before:
            kind = _kind(before, after, held_after, has_been)
            found.append(_step(day, currency, kind, after, parts, states))
    return found


def _kind(before: int, after: int, held: int, has_been: bool) -> str:
    if before == 0:
        return BACK if has_been else NEW
    if after == 0:
        return PAUSED if held > 0 else GONE
    return UP if after > before else DOWN


def _step(
    day: date,
    currency: str,
    kind: str,
    after: int,
    parts: list[Change],
    states: dict[tuple[int, int], tuple[dict[str, Any], dict[str, Any] | None]],
) -> Step:
    causes: dict[str, int] = {}
    told: list[str] = []
    for part in parts:
        causes[part.cause] = causes.get(part.cause, 0) + part.delta_minor
        state = states.get((part.load_no or 0, part.source_row or 0))
        words = _words(part.cause, part.delta_minor, *state) if state else CAUSES.get(part.cause, part.cause)
        told.append(words)
    main = parts[0]
    state = states.get((main.load_no or 0, main.source_row or 0))
    table = "invoice_line" if main.cause == "usage" else "subscription_item"
    source = Source(table, state[0]["item_id"] if state else "", main.load_no, main.source_row)
    detail = "; ".join(dict.fromkeys(text for text in told if text))
    return Step(day, kind, sum(part.delta_minor for part in parts), after, currency, causes, detail, source)


def _states(records: Records, account_id: str) -> dict[tuple[int, int], tuple[dict[str, Any], dict[str, Any] | None]]:
    """By landed row the state it says, and the state of the item before it."""
    found: dict[tuple[int, int], tuple[dict[str, Any], dict[str, Any] | None]] = {}
    before: dict[str, Any] | None = None
    items = records.of_account("item", account_id)
    for state in sorted(items, key=lambda line: (line["subscription_id"], line["item_id"], line["valid_from"])):
        same = before and (before["subscription_id"], before["item_id"]) == (state["subscription_id"], state["item_id"])
        found[state["load_no"], state["source_row"]] = (state, before if same else None)
        before = state
    return found


#: what a cause says by itself
CAUSES = {
    "start": "begins", "cancel": "cancelled", "plan": "other plan", "seats": "other number of seats", "price": "other price",
    "discount": "other discount", "discount_end": "discount ended", "pause": "paused", "involuntary": "payment failed",
    "usage": "usage", "add_on": "add-on", "cross_sell": "cross-sell", "transfer": "transfer between accounts",
}  # fmt: skip


def _words(cause: str, delta: int, state: dict[str, Any], before: dict[str, Any] | None) -> str:
    """A cause with what was before and after it."""
    what = state["plan_id"] or state["product_id"] or state["item_id"]
    if cause == "seats" and before:
        return f"{before['quantity']} → {state['quantity']} seats"
    if cause == "price" and before:
        return f"price {_price(before)} → {_price(state)}"
    if cause == "plan":
        if before and before["plan_id"] != state["plan_id"]:
            return f"plan {before['plan_id'] or '–'} → {what}"
        return f"plan {what} {'begins' if delta > 0 else 'ends'}"
    if cause == "add_on":
        return f"add-on {what} {'added' if delta > 0 else 'removed'}"
    if cause == "start":
        return f"{what} begins" + (f" with {state['quantity']} seats" if state["quantity"] > 1 else "")
    if cause == "cancel":
        return f"{what} cancelled"
    if cause == "pause":
        return f"{what} paused" if delta < 0 else f"{what} resumed"
    if cause == "involuntary":
        return "payment failed" if delta < 0 else "payment came in"
    return CAUSES.get(cause, cause)


def _price(state: dict[str, Any]) -> str:
    return f"{major(state['unit_amount_minor'], state['currency'])} {state['currency']}"
