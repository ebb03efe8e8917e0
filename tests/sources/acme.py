"""Acme Billing: a made-up system that all of sync is tested with. Its server lists customers and subscriptions, and tells events."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any

from holdfast.sources.access import Access
from holdfast.sources.source import (
    Also,
    Bad,
    Checked,
    Facts,
    Field,
    Hook,
    Object,
    Source,
    SourceError,
    Span,
    Stream,
    Told,
)
from tests.emulators.serving import Answer, Asked, Emulator

PAGE = 20


class Acme(Emulator):
    """The server. `customers` and `subscriptions` by id; `updated` is a whole number of seconds."""

    routes = (("GET", "/customers", "list"), ("GET", "/subscriptions", "list"), ("GET", "/plans", "list"))

    def __init__(self) -> None:
        super().__init__()
        self.tables: dict[str, dict[str, Object]] = {
            "customers": {},
            "subscriptions": {},
            "plans": {"p1": {"id": "p1", "name": "Pro"}},
        }
        self.key = "acme-key"

    def put(self, table: str, key: str, at: datetime, **values: Any) -> None:
        with self.lock:
            self.tables[table][key] = {
                **self.tables[table].get(key, {}),
                "id": key,
                "updated": int(at.timestamp()),
                **values,
            }

    def allowed(self, asked: Asked) -> Answer | None:
        return (
            None
            if asked.headers.get("authorization") == f"Bearer {self.key}"
            else Answer(401, {"error": "no such key"})
        )

    def list(self, asked: Asked) -> dict[str, Any]:
        since, after = float(asked.first("since", "0")), asked.first("after")
        rows = [
            row
            for key, row in sorted(self.tables[asked.path[1:]].items())
            if row.get("updated", 0) >= since and key > after
        ]
        return {"data": rows[:PAGE], "next": rows[PAGE - 1]["id"] if len(rows) > PAGE else ""}


def _read(name: str) -> Any:
    def read(access: Access, span: Span) -> Iterator[Sequence[Object]]:
        client = access.client(access.value("base_url"), headers={"Authorization": f"Bearer {access.value('key')}"})
        asked: dict[str, Any] = {"since": span.since.timestamp()} if span.since else {}
        while True:
            answer = client.get(f"/{name}", params=asked)
            answer.raise_for_status()
            yield answer.json()["data"]
            if not answer.json()["next"]:
                return
            asked["after"] = answer.json()["next"]

    return read


def _at(obj: Object) -> datetime | None:
    return datetime.fromtimestamp(obj["updated"], UTC) if "updated" in obj else None


def _facts(told: Told) -> Facts:
    facts = Facts()
    for customer in told.newest("customers"):
        facts.add(
            "account",
            {"account_id": customer["id"], "name": customer["name"], "attributes": {"tier": customer.get("tier", "")}},
        )
    for key, states in told.states("subscriptions").items():
        for state, after in zip(states, [*states[1:], None], strict=True):
            begins = date.fromisoformat(state.obj["from"])
            if after is not None and after.obj["from"] == state.obj["from"]:
                continue
            if not isinstance(state.obj["amount"], int):
                facts.bad.append(
                    Bad(
                        "subscriptions",
                        key,
                        "amount",
                        str(state.obj["amount"]),
                        "it is not a whole number",
                        "correct it in Acme",
                    )
                )
                continue
            plan = told.shared["plans"].get(state.obj.get("plan", ""), {})
            ends = date.fromisoformat(state.obj["to"]) if state.obj.get("to") else None
            facts.add(
                "subscription_item",
                {
                    "account_id": state.obj["customer"], "subscription_id": key, "item_id": key, "unit_amount_minor": state.obj["amount"],
                    "currency": "USD", "valid_from": begins, "valid_to": ends, "plan_id": plan.get("name"), "replaces_item": True,
                    "deleted": state.is_deleted,
                },
            )  # fmt: skip
    return facts


def _check(access: Access) -> Checked:
    client = access.client(access.value("base_url"), headers={"Authorization": f"Bearer {access.value('key')}"})
    answer = client.get("/customers")
    if answer.status_code == 401:
        raise SourceError("Acme does not take the key", "Copy the key again")
    return Checked("Acme of Test", {"customers": len(answer.json()["data"])})


def _hook(access: Access, body: bytes, headers: Mapping[str, str], now: datetime) -> Hook | None:
    import json

    if headers.get("x-acme") != access.value("key"):
        raise SourceError("the signature is not Acme's", "see the webhook's secret")
    told = json.loads(body)
    return Hook(told["id"], "events", told)


def _nothing(access: Access, span: Span) -> Iterator[Sequence[Object]]:
    yield from ()


def _also(event: Object) -> Sequence[Also]:
    return (Also("subscriptions", event["subscription"], _at(event["subscription"])),)


SOURCE = Source(
    name="acme", title="Acme Billing", kind="billing", has_unique_ids=True,
    fields=(Field("key", "API key", is_secret=True), Field("base_url", "Address", is_required=False, default="https://api.acme.example")),
    streams=(
        Stream("customers", _read("customers"), group=lambda o: str(o["id"]), changed=_at, overlap=timedelta(minutes=5)),
        Stream("subscriptions", _read("subscriptions"), group=lambda o: str(o["customer"]), changed=_at, overlap=timedelta(minutes=5)),
        Stream("plans", _read("plans"), is_shared=True, is_incremental=False),
        Stream("events", _nothing, also=_also, whole_every=None),
    ),
    facts=_facts, check=_check, hook=_hook, scopes="customers and subscriptions: read",
)  # fmt: skip


def on_the_shelf() -> None:
    """Put Acme on the shelf of this process."""
    from holdfast.sources import shelf

    shelf.sources()["acme"] = SOURCE


if os.environ.get("HOLDFAST_TEST_ACME"):
    on_the_shelf()
