"""Chargebee as its reference describes it (API v2), with a small shop behind it that renews, prorates, pauses and cancels by its clock.

Lists have pages of up to 100 with an offset that nobody else can make; filters `after` and `before` leave their own second out; deleted
objects are listed only on demand; events are kept for 90 days; a site has one of the two product catalogues and refuses the other one's
lists.
"""

from __future__ import annotations

import base64
import calendar
import copy
import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from .serving import Answer, Asked, Emulator

KEY = "test_readonlykey"
KEPT = timedelta(days=90)
LISTS = {
    "item_prices": "item_price", "items": "item", "plans": "plan", "addons": "addon", "coupons": "coupon", "customers": "customer",
    "subscriptions": "subscription", "invoices": "invoice", "credit_notes": "credit_note", "events": "event",
}  # fmt: skip
NEWER, OLDER = {"item_prices", "items"}, {"plans", "addons"}


def refused(status: int, code: str) -> Answer:
    return Answer(
        status, {"message": code, "type": "invalid_request", "api_error_code": code, "http_status_code": status}
    )


def stamp(at: datetime) -> int:
    return int(at.timestamp())


def later(at: datetime, period: int, unit: str) -> datetime:
    """The same day of a later month, or its last one."""
    if unit in ("day", "week"):
        return at + timedelta(days=period * (7 if unit == "week" else 1))
    months = at.year * 12 + at.month - 1 + period * (12 if unit == "year" else 1)
    year, month = divmod(months, 12)
    return at.replace(year=year, month=month + 1, day=min(at.day, calendar.monthrange(year, month + 1)[1]))


class Chargebee(Emulator):
    routes = (("GET", r"/api/v2/(\w+)", "listed"),)

    def __init__(self, now: datetime, older: bool = False) -> None:
        super().__init__()
        self.now, self.older = now, older
        self.page = 100
        self.forbidden: set[str] = set()
        self.objects: dict[str, dict[str, dict[str, Any]]] = {name: {} for name in LISTS}
        self.count = 0

    # -- its API ---------------------------------------------------------------------------------------------

    def allowed(self, asked: Asked) -> Answer | None:
        given = "Basic " + base64.b64encode(f"{KEY}:".encode()).decode()
        if asked.headers.get("authorization") != given:
            return refused(401, "api_authentication_failed")
        return refused(403, "api_authorization_failed") if asked.path.rpartition("/")[2] in self.forbidden else None

    def listed(self, asked: Asked, name: str) -> Any:
        if name not in LISTS:
            return refused(404, "resource_not_found")
        if name in (NEWER if self.older else OLDER):
            return refused(400, "configuration_incompatible")
        limit = int(asked.first("limit", "10"))
        if not 1 <= limit <= 100:
            return refused(400, "param_wrong_value")
        found = [obj for obj in self.objects[name].values() if self._fits(obj, name, asked)]
        field = asked.first("sort_by[asc]") or asked.first("sort_by[desc]") or "id"
        found.sort(key=lambda obj: (obj.get(field, 0), str(obj["id"])), reverse=bool(asked.first("sort_by[desc]")))
        place = 0
        if asked.first("offset"):
            told, place = json.loads(base64.b64decode(asked.first("offset")))
            if told != name:
                return refused(400, "invalid_state_for_request")
        size = min(limit, self.page)
        answer: dict[str, Any] = {"list": [{LISTS[name]: obj} for obj in found[place : place + size]]}
        if place + size < len(found):
            answer["next_offset"] = base64.b64encode(json.dumps([name, place + size]).encode()).decode()
        return answer

    def _fits(self, obj: Mapping[str, Any], name: str, asked: Asked) -> bool:
        if obj.get("deleted") and asked.first("include_deleted") != "true":
            return False
        if name == "events":
            if obj["occurred_at"] < stamp(self.now - KEPT):
                return False
            if asked.first("event_type[in]") and obj["event_type"] not in json.loads(asked.first("event_type[in]")):
                return False
        for field in ("updated_at", "occurred_at"):
            after, before = asked.first(f"{field}[after]"), asked.first(f"{field}[before]")
            if (after and obj[field] <= int(after)) or (before and obj[field] >= int(before)):
                return False
        return True

    # -- its shop --------------------------------------------------------------------------------------------

    def _key(self, kind: str) -> str:
        self.count += 1
        return f"{kind}_{self.count:05d}"

    def put(self, name: str, /, **obj: Any) -> dict[str, Any]:
        """Create or change an object now."""
        kept = self.objects[name].get(obj["id"], {"created_at": stamp(self.now)})
        self.objects[name][obj["id"]] = kept | obj | {"updated_at": stamp(self.now), "object": LISTS[name]}
        return self.objects[name][obj["id"]]

    def price(
        self,
        key: str,
        price: int | None,
        item: str = "",
        kind: str = "plan",
        period: int = 1,
        unit: str = "month",
        **more: Any,
    ) -> None:
        """An item price with its item."""
        item = item or key
        metered = more.pop("metered", False)
        self.put("items", id=item, type=kind, name=item, metered=metered)
        told = {
            "item_id": item,
            "item_type": kind,
            "period": period,
            "period_unit": unit,
            "currency_code": "USD",
            "pricing_model": "per_unit",
        }
        self.put("item_prices", id=key, price=price, **(told | more))

    def customer(self, key: str, **more: Any) -> None:
        self.put(
            "customers", **({"id": key, "company": key.title(), "email": f"pay@{key}.example", "deleted": False} | more)
        )

    def event(self, kind: str, subscription: Mapping[str, Any]) -> None:
        key = self._key("ev")
        content = {"subscription": copy.deepcopy(dict(subscription)), "customer": {"id": subscription["customer_id"]}}
        self.objects["events"][key] = {
            "id": key,
            "event_type": kind,
            "occurred_at": stamp(self.now),
            "content": content,
        }

    def set(self, subscription: str, kind: str, **fields: Any) -> dict[str, Any]:
        """Change a subscription; a field that is None is taken away."""
        sub = self.put("subscriptions", id=subscription, **fields)
        for name in [name for name, value in sub.items() if value is None]:
            del sub[name]
        self.event(kind, sub)
        return sub

    def items(self, wanted: Mapping[str, int]) -> list[dict[str, Any]]:
        """Items of a subscription, at the prices of the list."""
        found = []
        for key, quantity in wanted.items():
            price = self.objects["item_prices"][key]
            told = {
                "item_price_id": key,
                "item_type": price["item_type"],
                "quantity": quantity,
                "object": "subscription_item",
            }
            if price["price"] is None:
                # by volume: all units at the price of the tier that is reached
                unit = [tier["price"] for tier in price["tiers"] if tier["starting_unit"] <= quantity][-1]
                told |= {"amount": unit * quantity}
            else:
                told |= {"unit_price": price["price"], "amount": price["price"] * quantity, "free_quantity": 0}
            found.append(told)
        return found

    def subscribe(
        self, key: str, wanted: Mapping[str, int], *, trial_days: int = 0, coupons: tuple[str, ...] = (), **more: Any
    ) -> None:
        """A subscription that begins now; of a customer of the same name if none is given."""
        plan = self.objects["item_prices"][next(iter(wanted))]
        customer = more.pop("customer_id", key)
        if customer not in self.objects["customers"]:
            self.customer(customer)
        told = {
            "customer_id": customer, "currency_code": plan["currency_code"], "billing_period": plan["period"],
            "billing_period_unit": plan["period_unit"], "started_at": stamp(self.now), "subscription_items": self.items(wanted),
            "coupons": [{"coupon_id": one, "applied_count": 0} for one in coupons], "deleted": False, "due_invoices_count": 0,
        } | more  # fmt: skip
        if trial_days:
            end = stamp(self.now + timedelta(days=trial_days))
            self.set(key, "subscription_created", status="in_trial", trial_start=stamp(self.now), trial_end=end, **told)
        else:
            self.put("subscriptions", id=key, **told)
            self._begin(key, "subscription_created", activated_at=stamp(self.now))

    def _begin(self, key: str, kind: str, start: int | None = None, **more: Any) -> None:
        """A term begins, and is billed."""
        sub = self.objects["subscriptions"][key]
        begin = datetime.fromtimestamp(start or stamp(self.now), UTC)
        end = later(begin, sub["billing_period"], sub["billing_period_unit"])
        self.bill(sub, sub["subscription_items"], stamp(begin), stamp(end))
        for coupon in sub.get("coupons", []):
            coupon["applied_count"] += 1
        coupons = [one for one in sub.get("coupons", []) if self._lasts(one)]
        self.set(
            key,
            kind,
            status="active",
            current_term_start=stamp(begin),
            current_term_end=stamp(end),
            coupons=coupons,
            **more,
        )

    def _lasts(self, applied: Mapping[str, Any]) -> bool:
        coupon = self.objects["coupons"][applied["coupon_id"]]
        most = {"one_time": 1, "limited_period": coupon.get("period", 0)}.get(coupon["duration_type"])
        return most is None or applied["applied_count"] < most

    def bill(
        self, sub: Mapping[str, Any], items: list[dict[str, Any]], start: int, end: int, part: float = 1.0
    ) -> None:
        """An invoice for items over a period, paid at once; `part` of their price."""
        key = self._key("inv")
        lines = [self._line(key, n, sub, item, start, end, part) for n, item in enumerate(items)]
        lines = [line for line in lines if line["amount"]]
        if not lines:
            return
        offs = [off for applied in sub.get("coupons", []) for off in self._offs(applied["coupon_id"], lines)]
        total = sum(line["amount"] for line in lines) - sum(off["discount_amount"] for off in offs)
        self.put(
            "invoices", id=key, customer_id=sub["customer_id"], subscription_id=sub["id"], status="paid", date=stamp(self.now),
            due_date=stamp(self.now), paid_at=stamp(self.now), total=total, tax=0, price_type="tax_exclusive",
            currency_code=sub["currency_code"], line_items=lines, line_item_discounts=offs, deleted=False,
            linked_payments=[{"txn_id": f"txn_{key}", "txn_status": "success", "applied_amount": total}],
        )  # fmt: skip

    def _line(
        self, invoice: str, n: int, sub: Mapping[str, Any], item: Mapping[str, Any], start: int, end: int, part: float
    ) -> dict[str, Any]:
        unit = round((item.get("unit_price") or 0) * part)
        amount = unit * item["quantity"] if item.get("unit_price") else round((item.get("amount") or 0) * part)
        return {
            "id": f"li_{invoice}_{n}", "subscription_id": sub["id"], "date_from": start, "date_to": end, "unit_amount": unit,
            "quantity": item["quantity"], "amount": amount, "entity_type": f"{item['item_type']}_item_price",
            "entity_id": item["item_price_id"], "description": item["item_price_id"],
        }  # fmt: skip

    def _offs(self, key: str, lines: list[dict[str, Any]]) -> list[dict[str, Any]]:
        coupon = self.objects["coupons"][key]
        total = sum(line["amount"] for line in lines)
        found = []
        for line in lines:
            percent = coupon.get("discount_percentage")
            off = line["amount"] * percent / 100 if percent else coupon["discount_amount"] * line["amount"] / total
            told = {
                "line_item_id": line["id"],
                "discount_type": "document_level_coupon",
                "coupon_id": key,
                "discount_amount": round(off),
            }
            found.append(told)
        return found

    def credit(
        self,
        sub: Mapping[str, Any],
        items: list[dict[str, Any]],
        end: int,
        reason: str,
        kind: str = "adjustment",
        **more: Any,
    ) -> None:
        """A credit note for what is left of a term."""
        key, start = self._key("cn"), stamp(self.now)
        part = (end - start) / (end - sub["current_term_start"])
        lines = [self._line(key, n, sub, item, start, end, part) for n, item in enumerate(items)]
        self.put(
            "credit_notes", id=key, customer_id=sub["customer_id"], subscription_id=sub["id"], type=kind, reason_code=reason,
            status="adjusted", date=start, currency_code=sub["currency_code"], price_type="tax_exclusive", line_items=lines,
            total=sum(line["amount"] for line in lines), deleted=False, **more,
        )  # fmt: skip

    # -- what customers do -----------------------------------------------------------------------------------

    def change(self, key: str, wanted: Mapping[str, int]) -> None:
        """Other items from now on: what was is credited, what is new is billed for the rest of the term, as far as they differ."""
        sub, items = self.objects["subscriptions"][key], self.items(wanted)
        end = sub["current_term_end"]
        before, plan = sub["subscription_items"], self.objects["item_prices"][next(iter(wanted))]
        turned = (plan["period"], plan["period_unit"]) != (sub["billing_period"], sub["billing_period_unit"])
        self.credit(sub, [item for item in before if item not in items or turned], end, "subscription_change")
        if turned:
            self.put(
                "subscriptions",
                id=key,
                subscription_items=items,
                billing_period=plan["period"],
                billing_period_unit=plan["period_unit"],
            )
            self._begin(key, "subscription_changed")
            return
        part = (end - stamp(self.now)) / (end - sub["current_term_start"])
        self.bill(sub, [item for item in items if item not in before], stamp(self.now), end, part)
        self.set(key, "subscription_changed", subscription_items=items)

    def cancel(self, key: str, *, at_end: bool = False, **more: Any) -> None:
        sub = self.objects["subscriptions"][key]
        if at_end:
            told = {"cancelled_at": sub["current_term_end"], "cancel_schedule_created_at": stamp(self.now)}
            self.set(key, "subscription_cancellation_scheduled", status="non_renewing", **told)
        else:
            self.set(key, "subscription_cancelled", status="cancelled", cancelled_at=stamp(self.now), **more)

    def keep(self, key: str) -> None:
        """The cancellation is taken back."""
        self.set(
            key,
            "subscription_scheduled_cancellation_removed",
            status="active",
            cancelled_at=None,
            cancel_schedule_created_at=None,
        )

    def reactivate(self, key: str) -> None:
        self.put("subscriptions", id=key, cancelled_at=None)
        self._begin(key, "subscription_reactivated", activated_at=stamp(self.now))

    def pause(self, key: str) -> None:
        sub = self.objects["subscriptions"][key]
        self.credit(sub, sub["subscription_items"], sub["current_term_end"], "subscription_pause")
        self.set(key, "subscription_paused", status="paused", pause_date=stamp(self.now))

    def resume(self, key: str) -> None:
        self._begin(key, "subscription_resumed", resume_date=stamp(self.now))

    def delete(self, key: str) -> None:
        self.set(key, "subscription_deleted", deleted=True)

    def run(self, until: datetime) -> None:
        """Let time pass: trials end, terms are renewed, and what was cancelled ends."""
        while True:
            due = []
            for key, sub in self.objects["subscriptions"].items():
                ends = sub.get("trial_end") if sub["status"] == "in_trial" else sub.get("current_term_end")
                if (
                    sub["status"] in ("in_trial", "active", "non_renewing")
                    and not sub["deleted"]
                    and ends <= stamp(until)
                ):
                    due.append((ends, key))
            if not due:
                break
            ends, key = min(due)
            self.now = datetime.fromtimestamp(ends, UTC)
            status = self.objects["subscriptions"][key]["status"]
            if status == "non_renewing":
                self.set(key, "subscription_cancelled", status="cancelled")
            elif status == "in_trial":
                self._begin(key, "subscription_activated", activated_at=ends)
            else:
                self._begin(key, "subscription_renewed")
        self.now = until
