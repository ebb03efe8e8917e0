"""Stripe's API in version 2026-10-28 as far as a reader needs it: lists newest first, paging, expansion, events of thirty days.

Written from the published reference; its objects are held to the typed classes of Stripe's own library (test_stripe_official). The clock is
`now`; what a business does is in stripe_billing.
"""

from __future__ import annotations

import copy
import re
from typing import Any

from tests.emulators.serving import Answer, Asked, Emulator

VERSION = "2026-10-28.endive"
DAY = 86_400

#: kind → path of its list, and the permission a restricted key needs
PATHS = {
    "customer": ("/v1/customers", "Customers"),
    "subscription": ("/v1/subscriptions", "Subscriptions"),
    "price": ("/v1/prices", "Prices"),
    "product": ("/v1/products", "Products"),
    "coupon": ("/v1/coupons", "Coupons"),
    "invoice": ("/v1/invoices", "Invoices"),
    "invoiceitem": ("/v1/invoiceitems", "Invoices"),
    "credit_note": ("/v1/credit_notes", "Credit notes"),
    "refund": ("/v1/refunds", "Charges and Refunds"),
    "charge": ("/v1/charges", "Charges and Refunds"),
    "event": ("/v1/events", "Events"),
}
KIND_OF = {path: kind for kind, (path, _) in PATHS.items()}

#: fields that are there only when they are asked for
HIDDEN = {
    "price": ("tiers", "currency_options"),
    "coupon": ("applies_to", "currency_options"),
    "invoice": ("payments",),
}

#: the parameters of each list besides limit, starting_after, ending_before and expand
FILTERS = {
    "subscription": {"status", "customer", "price", "created[gte]"},
    "invoice": {"customer", "subscription", "status", "created[gte]"},
    "invoiceitem": {"customer", "invoice", "pending", "created[gte]"},
    "event": {"type", "types[]", "created[gte]", "created[lt]"},
    "customer": {"email", "created[gte]"},
    "price": {"active", "product", "created[gte]"},
    "product": {"active", "created[gte]"},
    "coupon": {"created[gte]"},
    "credit_note": {"customer", "invoice", "created[gte]"},
    "refund": {"charge", "payment_intent", "created[gte]"},
    "charge": {"customer", "created[gte]"},
}


class Stripe(Emulator):
    """The lists and their objects. `denied`: permissions the key does not have."""

    routes = (
        ("GET", r"/v1/account", "account"),
        ("GET", r"/v1/invoices/([^/]+)/lines", "invoice_lines"),
        ("GET", r"/v1/([a-z_]+)", "listing"),
        ("GET", r"/v1/([a-z_]+)/([^/]+)", "one"),
    )

    def __init__(self, now: int, key: str = "rk_live_it") -> None:
        super().__init__()
        self.now, self.key = now, key
        self.denied: set[str] = set()
        self.objects: dict[str, dict[str, dict[str, Any]]] = {kind: {} for kind in PATHS} | {"discount": {}}
        self.lines_shown = 10
        self.ids = 0

    # -- the door --------------------------------------------------------------------------------------------

    def answer(self, asked: Asked) -> Answer:
        # a list may be written with places or without: types[0], types[]
        asked.query = [(re.sub(r"\[\d+\]$", "[]", name), value) for name, value in asked.query]
        return super().answer(asked)

    def allowed(self, asked: Asked) -> Answer | None:
        if asked.headers.get("authorization") != f"Bearer {self.key}":
            return _error(401, "Invalid API Key provided", "invalid_request_error")
        if asked.headers.get("stripe-version", VERSION) != VERSION:
            return _error(400, "Invalid Stripe API version", "invalid_request_error")
        kind = KIND_OF.get("/".join(asked.path.split("/")[:3]))
        if kind and PATHS[kind][1] in self.denied:
            permission = "rak_" + kind + "_read"
            return _error(
                403, f"The provided key does not have the required permissions: {permission}", "permission_error"
            )
        return None

    def account(self, asked: Asked) -> dict[str, Any] | Answer:
        return {"id": "acct_1", "object": "account", "settings": {"dashboard": {"display_name": "Northwind GmbH"}}}

    def listing(self, asked: Asked, name: str) -> dict[str, Any] | Answer:
        kind = KIND_OF.get(asked.path)
        if kind is None:
            return _error(404, f"Unrecognized request URL (GET: {asked.path}).", "invalid_request_error")
        told = {key for key, _ in asked.query}
        unknown = told - FILTERS[kind] - {"limit", "starting_after", "ending_before"}
        unknown = {key for key in unknown if not key.startswith("expand[")}
        if unknown:
            return _error(400, f"Received unknown parameter: {sorted(unknown)[0]}", "invalid_request_error")
        if len(asked.all("types[]")) > 20:
            return _error(400, "types can hold up to 20 names", "invalid_request_error")
        found = [obj for obj in reversed(self.objects[kind].values()) if self._matches(kind, obj, asked)]
        return self._page(asked, found, kind)

    def one(self, asked: Asked, name: str, key: str) -> dict[str, Any] | Answer:
        kind = KIND_OF.get(f"/v1/{name}", "")
        obj = self.objects.get(kind, {}).get(key)
        if obj is None:
            return _error(404, f"No such {kind or name}: '{key}'", "invalid_request_error")
        expand = [value for key, value in asked.query if key.startswith("expand[")]
        return self._shown(kind, obj, [f"data.{path}" for path in expand])

    def invoice_lines(self, asked: Asked, key: str) -> dict[str, Any] | Answer:
        return self._page(asked, self.objects["invoice"][key]["lines"]["data"], "line_item")

    def _matches(self, kind: str, obj: dict[str, Any], asked: Asked) -> bool:
        if kind == "event":
            types = [*asked.all("types[]"), *asked.all("type")]
            if obj["created"] < self.now - 30 * DAY or (types and obj["type"] not in types):
                return False
        if kind == "subscription":
            wanted = asked.first("status") or "running"
            ended = obj["status"] in ("canceled", "incomplete_expired")
            if (wanted == "running" and ended) or (wanted not in ("all", "running") and obj["status"] != wanted):
                return False
        if kind == "invoiceitem" and asked.first("pending") == "true" and obj["invoice"]:
            return False
        since = asked.first("created[gte]")
        return not (since and obj.get("created", obj.get("date", 0)) < int(since))

    def _page(self, asked: Asked, found: list[dict[str, Any]], kind: str) -> dict[str, Any] | Answer:
        limit = int(asked.first("limit", "10"))
        if not 1 <= limit <= 100:
            return _error(400, "Limit must be between 1 and 100", "invalid_request_error")
        start, after = 0, asked.first("starting_after")
        if after:
            place = next((n for n, obj in enumerate(found) if obj["id"] == after), None)
            if place is None:
                return _error(400, f"No such {kind}: '{after}'", "invalid_request_error")
            start = place + 1
        expand = [value for key, value in asked.query if key.startswith("expand[")]
        for path in expand:
            if path.count(".") > 3:
                return _error(400, "You cannot expand more than 4 levels of a property", "invalid_request_error")
        page = [self._shown(kind, obj, expand) for obj in found[start : start + limit]]
        more = len(found) > start + limit
        return {"object": "list", "url": asked.path, "has_more": more, "data": page}

    def _shown(self, kind: str, obj: dict[str, Any], expand: list[str]) -> dict[str, Any]:
        shown = copy.deepcopy(obj)
        for name in HIDDEN.get(kind, ()):
            if f"data.{name}" not in expand:
                shown.pop(name, None)
        for path in expand:
            self._expand(shown, path.split(".")[1:])
        if kind == "invoice":
            lines = shown["lines"]
            lines["has_more"] = len(lines["data"]) > self.lines_shown
            lines["data"] = lines["data"][: self.lines_shown]
        return shown

    def _expand(self, value: Any, path: list[str]) -> None:
        if isinstance(value, list):
            for one in value:
                self._expand(one, path)
        elif isinstance(value, dict) and path:
            inner = value.get(path[0])
            if isinstance(inner, str):
                value[path[0]] = self._found(inner)
            elif isinstance(inner, list) and all(isinstance(one, str) for one in inner):
                value[path[0]] = [self._found(one) for one in inner]
            self._expand(value.get(path[0]), path[1:])

    def _found(self, key: str) -> Any:
        return next((copy.deepcopy(kept[key]) for kept in self.objects.values() if key in kept), key)

    # -- what is kept ----------------------------------------------------------------------------------------

    def new_id(self, prefix: str) -> str:
        self.ids += 1
        return f"{prefix}_{self.ids:06d}"

    def keep(self, kind: str, obj: dict[str, Any], event: str = "") -> dict[str, Any]:
        """Keep a new object, and tell it."""
        self.objects[kind][obj["id"]] = obj
        if event:
            self.tell(event, obj)
        return obj

    def change(self, obj: dict[str, Any], event: str, **changes: Any) -> None:
        """Change an object, and tell it with what was before; nothing is told where nothing changes."""
        previous = {name: copy.deepcopy(obj.get(name)) for name, value in changes.items() if obj.get(name) != value}
        if not previous:
            return
        obj.update(copy.deepcopy(changes))
        self.tell(event, obj, {name: _differing(value, obj[name]) for name, value in previous.items()})

    def tell(self, kind: str, obj: dict[str, Any], previous: dict[str, Any] | None = None) -> dict[str, Any]:
        shown = copy.deepcopy(obj)
        for name in HIDDEN.get(str(obj["object"]), ()):
            shown.pop(name, None)
        if shown["object"] == "invoice":
            lines = shown["lines"]
            lines["has_more"] = len(lines["data"]) > self.lines_shown
            lines["data"] = lines["data"][: self.lines_shown]
        data = {"object": shown} | ({"previous_attributes": previous} if previous is not None else {})
        event = {
            "id": self.new_id("evt"), "object": "event", "api_version": VERSION, "created": self.now, "data": data, "livemode": True,
            "pending_webhooks": 0, "request": {"id": None, "idempotency_key": None}, "type": kind, "account": None, "context": None,
        }  # fmt: skip
        self.objects["event"][event["id"]] = event
        return event


def _differing(before: Any, now: Any) -> Any:
    """Of a hash only what differs, as Stripe tells it; a list whole."""
    if isinstance(before, dict) and isinstance(now, dict):
        return {name: value for name, value in before.items() if now.get(name) != value}
    return before


def _error(status: int, message: str, kind: str) -> Answer:
    return Answer(status, {"error": {"message": message, "type": kind}})
