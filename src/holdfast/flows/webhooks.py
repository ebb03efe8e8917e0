"""Webhooks: events posted to the addresses that people gave, signed as Standard Webhooks asks, retried, and played again on demand.

A receiver knows a message by its `webhook-id` and may see it more than once: after a timeout it is sent again. After a crash of
ours it is `unknown`, and only a person sends it again.
"""

from __future__ import annotations

import base64
import http.client
import json
import logging
import secrets
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from django.db import transaction
from standardwebhooks import Webhook

from holdfast.desk.models import ApiKey, AuditEntry, Delivery, Endpoint, Event
from holdfast.desk.sealing import SealError, seal, unseal
from holdfast.desk.turns import take_turn
from holdfast.domain.hosts import AddressError
from holdfast.flows import events, outbox, posting

log = logging.getLogger("holdfast.webhooks")

#: waiting time after each failure, as Standard Webhooks recommends it; after the last one a delivery has failed
SCHEDULE = (
    timedelta(seconds=5), timedelta(minutes=5), timedelta(minutes=30), timedelta(hours=2), timedelta(hours=5),
    timedelta(hours=10), timedelta(hours=14), timedelta(hours=20), timedelta(hours=24),
)  # fmt: skip
#: answers after which it is tried again, besides those from 500 on
AGAIN = frozenset({408, 425, 429})
GONE = 410
#: posted at the same time
AT_ONCE = 8
#: endpoints of a home
MOST = 50


class WebhookError(ValueError):
    """Something about an endpoint or a delivery that cannot be; the message says what."""


@dataclass(frozen=True)
class Answer:
    """What became of one posting: a status, or why there is none."""

    status: int | None
    error: str = ""
    again: bool = True


def create(
    url: str,
    kinds: Iterable[str],
    description: str,
    now: datetime,
    *,
    user: Any = None,
    key: ApiKey | None = None,
    address: str = "",
) -> tuple[Endpoint, str]:
    """A new endpoint, and its secret, told this once. No kinds: all events. WebhookError: an address or kind that cannot be."""
    wanted = _checked(url, kinds, description)
    secret = f"whsec_{base64.b64encode(secrets.token_bytes(32)).decode()}"
    with transaction.atomic():
        take_turn()
        if Endpoint.objects.count() >= MOST:
            raise WebhookError(f"there are {MOST} endpoints already; remove one first")
        made = Endpoint.objects.create(
            url=url, sealed_secret=seal(secret), description=description, events=wanted, created_at=now, created_by=user
        )
        AuditEntry.add("added webhook", url, now, user=user, key=key, address=address, endpoint=made.pk, events=wanted)
    return made, secret


def change(
    endpoint: Endpoint, now: datetime, *, url: str, kinds: Iterable[str], description: str, is_on: bool,
    user: Any = None, key: ApiKey | None = None, address: str = "",
) -> None:  # fmt: skip
    """Set an endpoint anew. Switching it off cancels what waits for it. WebhookError: an address or kind that cannot be."""
    endpoint.events = _checked(url, kinds, description)
    endpoint.url, endpoint.description, endpoint.is_on = url, description, is_on
    with transaction.atomic():
        endpoint.save(update_fields=["url", "events", "description", "is_on"])
        if not is_on:
            _cancel(endpoint, "the endpoint was switched off")
        AuditEntry.add(
            "changed webhook", url, now, user=user, key=key, address=address, endpoint=endpoint.pk, is_on=is_on
        )


def remove(
    endpoint: Endpoint, now: datetime, *, user: Any = None, key: ApiKey | None = None, address: str = ""
) -> None:
    """Take an endpoint away, with its deliveries; the events stay."""
    with transaction.atomic():
        AuditEntry.add("removed webhook", endpoint.url, now, user=user, key=key, address=address, endpoint=endpoint.pk)
        endpoint.delete()


def _checked(url: str, kinds: Iterable[str], description: str) -> list[str]:
    wanted = sorted(set(kinds))
    unknown = [kind for kind in wanted if kind not in events.SUBSCRIBABLE]
    if unknown:
        raise WebhookError(f"there is no event '{unknown[0]}'; there are: {', '.join(events.SUBSCRIBABLE)}")
    if len(description) > 200:
        raise WebhookError("a description has up to 200 characters")
    try:
        posting.target(url)
    except AddressError as error:
        raise WebhookError(str(error)) from None
    return wanted


def test(endpoint: Endpoint, now: datetime) -> Event | None:
    """Send a test to one endpoint."""
    data = {"text": "This is a test from Holdfast."}
    return events.emit("webhook.test", data, now, effect=f"{endpoint.pk}:{now.isoformat()}", to=endpoint)


def replay(
    delivery: Delivery, now: datetime, *, user: Any = None, key: ApiKey | None = None, address: str = ""
) -> Delivery:
    """Send an event again, because somebody asked for it: the same message id, in a delivery of its own.

    WebhookError: the delivery still waits, is under way, or its endpoint is switched off.
    """
    if delivery.state in ("waiting", "sending"):
        raise WebhookError("this delivery is still on its way")
    if not delivery.endpoint.is_on:
        raise WebhookError("the endpoint is switched off; switch it on first")
    with transaction.atomic():
        effect = f"{delivery.event.message_id}:{delivery.endpoint_id}:again:{secrets.token_hex(6)}"
        made = Delivery.objects.create(
            endpoint=delivery.endpoint, event=delivery.event, effect_key=effect, due_at=now, created_at=now
        )
        AuditEntry.add(
            "replayed webhook", delivery.endpoint.url, now, user=user, key=key, address=address, delivery=delivery.pk
        )
    return made


def body_of(event: Event) -> str:
    """What is posted: type, timestamp and data, as Standard Webhooks writes them."""
    told = {"type": event.kind, "timestamp": event.at.astimezone(UTC).isoformat(), "data": event.data}
    return json.dumps(told, separators=(",", ":"), ensure_ascii=False)


def deliver(now: datetime, limit: int = 2 * AT_ONCE) -> int:
    """Post the deliveries that are due; how many were taken up."""
    outbox.stale(Delivery.objects.all(), now)
    # a row's endpoint and event are read before its thread begins: threads have no connection to the desk
    taken = outbox.claim(Delivery.objects.select_related("endpoint", "event").filter(endpoint__is_on=True), now, limit)
    if taken:
        with ThreadPoolExecutor(AT_ONCE) as pool:
            for delivery, answer in zip(taken, pool.map(lambda one: _post(one, now), taken), strict=True):
                _settle(delivery, answer, now)
    return len(taken)


def _post(delivery: Delivery, now: datetime) -> Answer:
    """Post one message."""
    body = body_of(delivery.event)
    moment = now.astimezone(UTC)
    try:
        signature = Webhook(unseal(delivery.endpoint.sealed_secret)).sign(delivery.event.message_id, moment, body)
        status = posting.post(
            delivery.endpoint.url,
            body.encode(),
            {
                "Content-Type": "application/json", "User-Agent": "Holdfast", "webhook-id": delivery.event.message_id,
                "webhook-timestamp": str(int(moment.timestamp())), "webhook-signature": signature,
            },
        )  # fmt: skip
    except (AddressError, SealError) as error:
        return Answer(None, str(error), again=False)
    except (OSError, http.client.HTTPException) as error:
        return Answer(None, f"no answer: {type(error).__name__}: {error}")
    except Exception as error:
        # what breaks for one endpoint must not keep the others waiting
        log.exception("a delivery to endpoint %s broke", delivery.endpoint_id)
        return Answer(None, f"it could not be posted: {type(error).__name__}", again=False)
    if 200 <= status < 300:
        return Answer(status)
    return Answer(status, f"the endpoint answered {status}", again=status >= 500 or status in AGAIN)


def _settle(delivery: Delivery, answer: Answer, now: datetime) -> None:
    """Write down what became of a posting."""
    delivery.response_status = answer.status
    if not answer.error:
        delivery.state, delivery.sent_at = "sent", now
        delivery.save()
        return
    delivery.save(update_fields=["response_status"])
    outbox.failed(delivery, answer.error, now, again=answer.again, schedule=SCHEDULE)
    if answer.status == GONE:
        _switch_off(delivery.endpoint, now)


def _switch_off(endpoint: Endpoint, now: datetime) -> None:
    """The receiver said that it is gone for good."""
    if Endpoint.objects.filter(pk=endpoint.pk, is_on=True).update(is_on=False):
        _cancel(endpoint, "the endpoint answered 410: it is gone")
        AuditEntry.add("switched off webhook", endpoint.url, now, endpoint=endpoint.pk, answered=GONE)


def _cancel(endpoint: Endpoint, why: str) -> None:
    Delivery.objects.filter(endpoint=endpoint, state="waiting").update(state="cancelled", error=why)
