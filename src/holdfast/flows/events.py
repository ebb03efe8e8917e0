"""Events: what happens in the house, as others may be told of it. The catalogue is here; docs/webhooks.md is made from it.

An event and its deliveries are written in one transaction with what caused them. Each has a message id by which it is known:
the same happening tells the same event, however often it is noticed.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import transaction

from holdfast.desk.models import Delivery, Endpoint, Event


@dataclass(frozen=True)
class Kind:
    """One kind of event: when it happens, and its data as JSON Schema with an example."""

    name: str
    when: str
    schema: Mapping[str, Any]
    example: Mapping[str, Any]


TEXT: dict[str, Any] = {"type": "string"}
WHOLE: dict[str, Any] = {"type": "integer"}
DAY: dict[str, Any] = {"type": "string", "format": "date"}
MOMENT: dict[str, Any] = {"type": "string", "format": "date-time"}
MONTH: dict[str, Any] = {"type": "string", "pattern": r"^\d{4}-\d{2}$"}
BY_CURRENCY: dict[str, Any] = {"type": "object", "additionalProperties": WHOLE}
MAYBE_TEXT: dict[str, Any] = {"type": ["string", "null"]}


def _object(**properties: dict[str, Any]) -> dict[str, Any]:
    return {"type": "object", "properties": properties, "required": list(properties), "additionalProperties": False}


#: what every event of a CTA tells; amounts are minor units, the owner is null where nobody carries the account
_CTA: dict[str, dict[str, Any]] = {
    "cta_id": TEXT, "account_id": TEXT, "kind": {"enum": ["risk", "opportunity", "lifecycle"]}, "cause": TEXT, "severity": WHOLE,
    "at_stake_minor": WHOLE, "currency": TEXT, "owner": MAYBE_TEXT,
}  # fmt: skip

CATALOGUE: dict[str, Kind] = {
    kind.name: kind
    for kind in (
        Kind(
            "publication.created",
            "New numbers are published: a booking is whole, and every page and answer shows it.",
            _object(generation=WHOLE, as_of=DAY, booked_at=MOMENT, last_load_no=WHOLE),
            {"generation": 8, "as_of": "2026-10-31", "booked_at": "2026-11-01T09:00:00+00:00", "last_load_no": 14},
        ),
        Kind(
            "load.finished",
            "Rows of a source or a file have landed; they show after the next booking. What came through the API tells no event.",
            _object(load_no=WHOLE, table=TEXT, source=TEXT, rows=WHOLE, loaded_at=MOMENT),
            {"load_no": 14, "table": "invoice", "source": "files", "rows": 213, "loaded_at": "2026-11-01T08:58:00+00:00"},
        ),
        Kind(
            "month.closed",
            "A month was signed. Amounts are in minor units, by currency.",
            _object(month=MONTH, policy=TEXT, signed_by=TEXT, signed_at=MOMENT, opening_minor=BY_CURRENCY, closing_minor=BY_CURRENCY),
            {
                "month": "2026-10", "policy": "holdfast-1", "signed_by": "Ada", "signed_at": "2026-11-05T09:00:00+00:00",
                "opening_minor": {"USD": 147107497}, "closing_minor": {"USD": 147959607},
            },
        ),
        Kind(
            "nrr.below_100",
            "NRR has been below 100 % at two quarter ends in a row or more: told once for each further quarter end.",
            _object(quarters=WHOLE, month=MONTH, nrr={"type": "number"}, policy=TEXT, currency=TEXT),
            {"quarters": 2, "month": "2026-09", "nrr": 0.982, "policy": "holdfast-1", "currency": "USD"},
        ),
        Kind(
            "account.owner_changed",
            "An account was handed over; its owner is null where nobody carries it from that day on.",
            _object(account_id=TEXT, owner=MAYBE_TEXT, from_day=DAY, reason=TEXT),
            {"account_id": "ac0000358", "owner": "Alice Okafor", "from_day": "2026-11-20", "reason": "new territory"},
        ),
        Kind(
            "note.written",
            "A note was written or its text changed. The text is not sent: it is read through the API, with a key that may.",
            _object(note_id=WHOLE, account_id=TEXT, external_id=MAYBE_TEXT, edited={"type": "boolean"}),
            {"note_id": 17, "account_id": "ac0000358", "external_id": None, "edited": False},
        ),
        Kind(
            "signal.raised",
            "A signal says something new of an account, or is more severe: 1 notice, 2 warning, 3 urgent. The account is empty for the whole book.",
            _object(account_id=TEXT, signal=TEXT, severity=WHOLE, sentence=TEXT, as_of=DAY),
            {
                "account_id": "ac0000358", "signal": "champion_left", "severity": 2,
                "sentence": "The champion left on October 12, and nobody has taken the place.", "as_of": "2026-10-31",
            },
        ),
        Kind(
            "health.changed",
            "An account's health moved into another band. It runs from 0 (bad) to 100 (good); `before` is null where there was none. "
            "The reasons are those that moved it most.",
            _object(
                account_id=TEXT, score={"type": "number"}, before={"type": ["number", "null"]}, band=TEXT, as_of=DAY,
                reasons={"type": "array", "items": TEXT},
            ),
            {
                "account_id": "ac0000358", "score": 41, "before": 68, "band": "poor", "as_of": "2026-10-31",
                "reasons": ["Active people fell from 14 to 5 in four weeks.", "The champion left."],
            },
        ),
        Kind(
            "cta.opened",
            "A CTA was opened. It is `waiting` until there is place on its owner's list, pooled where its account is in a digital programme. "
            "What a person wrote is not sent: title and sentence are null.",
            _object(
                **_CTA, title=MAYBE_TEXT, sentence=MAYBE_TEXT, state=TEXT, pooled={"type": "boolean"},
                due_on={"type": ["string", "null"], "format": "date"},
            ),
            {
                "cta_id": "cta_5f0c1d9a7be24680", "account_id": "ac0000358", "kind": "risk", "cause": "relationship", "severity": 2,
                "at_stake_minor": 184200, "currency": "USD", "owner": "Alice Okafor", "title": "Champion left",
                "sentence": "The champion left on October 12, and nobody has taken the place.", "state": "open", "pooled": False,
                "due_on": "2026-11-07",
            },
        ),
        Kind(
            "cta.closed",
            "A CTA was closed: `done`, or `dismissed` where nothing was done. What was written about it is read through the API. "
            "The outcome is `retained`, `lost`, `grew`, `no_change`, `wrong_alarm` or `not_worth_it`.",
            _object(**_CTA, state=TEXT, outcome=TEXT, closed_at=MOMENT),
            {
                "cta_id": "cta_5f0c1d9a7be24680", "account_id": "ac0000358", "kind": "risk", "cause": "relationship", "severity": 2,
                "at_stake_minor": 184200, "currency": "USD", "owner": "Alice Okafor", "state": "done", "outcome": "retained",
                "closed_at": "2026-11-05T09:00:00+00:00",
            },
        ),
        Kind(
            "webhook.test",
            "Somebody pressed “Send a test” for an endpoint; it goes to that endpoint alone.",
            _object(text=TEXT),
            {"text": "This is a test from Holdfast."},
        ),
    )
}  # fmt: skip

#: what an endpoint can subscribe to
SUBSCRIBABLE = tuple(name for name in CATALOGUE if name != "webhook.test")


def emit(kind: str, data: Mapping[str, Any], now: datetime, *, effect: str, to: Endpoint | None = None) -> Event | None:
    """Write down an event, and a delivery for each endpoint that wants it (or for one alone); None where it was told already.

    `effect` names what happened, once and for all. KeyError: the catalogue has no such kind.
    """
    told = CATALOGUE[kind]
    message_id = f"msg_{hashlib.sha256(f'{kind}|{effect}'.encode()).hexdigest()[:32]}"
    with transaction.atomic():
        event, is_new = Event.objects.get_or_create(
            message_id=message_id, defaults={"kind": told.name, "data": dict(data), "at": now}
        )
        if not is_new:
            return None
        for endpoint in [to] if to else Endpoint.objects.filter(is_on=True).order_by("pk"):
            if to or kind in endpoint.events or not endpoint.events:
                Delivery.objects.create(
                    endpoint=endpoint, event=event, effect_key=f"{message_id}:{endpoint.pk}", due_at=now, created_at=now
                )
        return event
