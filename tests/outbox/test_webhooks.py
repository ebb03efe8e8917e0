"""Events arrive at a real receiver that verifies them; failures are tried again as Standard Webhooks recommends."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from standardwebhooks import Webhook, WebhookVerificationError

from holdfast.desk.models import AuditEntry, Delivery, Endpoint, Event
from holdfast.flows import events, outbox, webhooks

from .conftest import real_now
from .receivers import Hook

pytestmark = pytest.mark.slow

DATA = {"account_id": "ac1", "owner": "Alice", "from_day": "2026-11-20", "reason": ""}


def emit(now: datetime, effect: str = "e1") -> Event | None:
    return events.emit("account.owner_changed", DATA, now, effect=effect)


def test_an_event_arrives_and_is_verified(hook: Hook) -> None:
    now = real_now()
    _, secret = webhooks.create(hook.url, [], "", now)
    event = emit(now)
    assert event is not None and webhooks.deliver(now) == 1
    path, headers, body = hook.requests[0]
    assert path == "/hooks?from=holdfast"
    told = Webhook(secret).verify(body, headers)
    assert told == {"type": "account.owner_changed", "timestamp": event.at.isoformat(), "data": DATA}
    assert headers["webhook-id"] == event.message_id and headers["Content-Type"] == "application/json"
    delivery = Delivery.objects.get()
    assert (delivery.state, delivery.response_status, delivery.attempts) == ("sent", 204, 1)


def test_a_body_that_was_changed_on_the_way_is_not_verified(hook: Hook) -> None:
    now = real_now()
    _, secret = webhooks.create(hook.url, [], "", now)
    emit(now)
    webhooks.deliver(now)
    _, headers, body = hook.requests[0]
    with pytest.raises(WebhookVerificationError):
        Webhook(secret).verify(body.replace(b"Alice", b"Bob  "), headers)


def test_each_endpoint_gets_what_it_asked_for(hook: Hook) -> None:
    now = real_now()
    webhooks.create(hook.url, ["month.closed"], "other", now)
    wanted, _ = webhooks.create(hook.url, ["account.owner_changed"], "this", now)
    off, _ = webhooks.create(hook.url, [], "off", now)
    webhooks.change(off, now, url=off.url, kinds=[], description="off", is_on=False)
    emit(now)
    assert [one.endpoint_id for one in Delivery.objects.all()] == [wanted.pk]


def test_the_same_happening_is_told_once(hook: Hook) -> None:
    now = real_now()
    webhooks.create(hook.url, [], "", now)
    assert emit(now) is not None and emit(now) is None
    assert emit(now, "e2") is not None
    assert Delivery.objects.count() == 2


def test_an_event_and_what_caused_it_stand_or_fall_together(hook: Hook) -> None:
    from django.db import transaction

    webhooks.create(hook.url, [], "", real_now())
    with pytest.raises(RuntimeError), transaction.atomic():
        emit(real_now())
        raise RuntimeError("what caused it failed")
    assert not Event.objects.exists() and not Delivery.objects.exists()


@pytest.mark.parametrize("status", [500, 502, 503, 408, 429])
def test_a_receiver_in_trouble_is_asked_again(hook: Hook, status: int) -> None:
    now = real_now()
    webhooks.create(hook.url, [], "", now)
    emit(now)
    hook.status = status
    webhooks.deliver(now)
    delivery = Delivery.objects.get()
    assert (delivery.state, delivery.response_status) == ("waiting", status)
    assert delivery.due_at == now + timedelta(seconds=5)
    hook.status = 200
    assert webhooks.deliver(now + timedelta(seconds=4)) == 0
    assert webhooks.deliver(now + timedelta(seconds=5)) == 1
    assert Delivery.objects.get().state == "sent"
    assert len({headers["webhook-id"] for _, headers, _ in hook.requests}) == 1


def test_after_the_whole_schedule_it_has_failed(hook: Hook) -> None:
    now = real_now()
    webhooks.create(hook.url, [], "", now)
    emit(now)
    hook.status = 500
    moment, waits = now, []
    for _ in webhooks.SCHEDULE:
        webhooks.deliver(moment)
        waits.append(Delivery.objects.get().due_at - moment)
        moment = Delivery.objects.get().due_at
    webhooks.deliver(moment)
    assert tuple(waits) == webhooks.SCHEDULE and sum(waits, timedelta()) > timedelta(days=3)
    assert Delivery.objects.get().state == "failed" and len(hook.requests) == len(webhooks.SCHEDULE) + 1


@pytest.mark.parametrize("status", [400, 401, 404, 301, 302])
def test_a_receiver_that_does_not_want_it_is_not_asked_again(hook: Hook, status: int) -> None:
    now = real_now()
    webhooks.create(hook.url, [], "", now)
    emit(now)
    hook.status, hook.headers = status, {"Location": hook.url}
    webhooks.deliver(now)
    assert Delivery.objects.get().state == "failed" and len(hook.requests) == 1, "a redirect is not followed"


def test_one_that_is_gone_is_switched_off(hook: Hook) -> None:
    now = real_now()
    endpoint, _ = webhooks.create(hook.url, [], "", now)
    emit(now, "e1")
    hook.status = 410
    webhooks.deliver(now)
    assert not Endpoint.objects.get().is_on
    assert Delivery.objects.get().state == "failed"
    assert emit(now, "e2") is not None and Delivery.objects.filter(endpoint=endpoint).count() == 1
    assert AuditEntry.objects.filter(action="switched off webhook").exists()


def test_nobody_there_is_trouble_too(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOLDFAST_ALLOW_HOSTS", "localhost")
    now = real_now()
    webhooks.create("http://localhost:9/", [], "", now)
    emit(now)
    webhooks.deliver(now)
    assert Delivery.objects.get().state == "waiting" and "no answer" in Delivery.objects.get().error


def test_a_receiver_that_does_not_answer_is_left_after_a_while(hook: Hook, monkeypatch: pytest.MonkeyPatch) -> None:
    import threading

    from holdfast.flows import posting

    monkeypatch.setattr(posting, "STEP", 0.3)
    now = real_now()
    webhooks.create(hook.url, [], "", now)
    emit(now)
    hook.pause = threading.Event()
    webhooks.deliver(now)
    hook.pause.set()
    assert Delivery.objects.get().state == "waiting"


def test_one_broken_endpoint_does_not_keep_the_others_waiting(hook: Hook) -> None:
    now = real_now()
    broken, _ = webhooks.create(hook.url, [], "", now)
    webhooks.create(hook.url, [], "", now)
    Endpoint.objects.filter(pk=broken.pk).update(sealed_secret="not sealed at all")
    emit(now)
    webhooks.deliver(now)
    assert [one.state for one in Delivery.objects.order_by("endpoint_id")] == ["failed", "sent"]


def test_a_person_sends_it_again_under_the_same_id(hook: Hook) -> None:
    now = real_now()
    webhooks.create(hook.url, [], "", now)
    emit(now)
    webhooks.deliver(now)
    first = Delivery.objects.get()
    again = webhooks.replay(first, now)
    assert again.pk != first.pk and again.event_id == first.event_id
    webhooks.deliver(now)
    assert len({headers["webhook-id"] for _, headers, _ in hook.requests}) == 1 and len(hook.requests) == 2
    with pytest.raises(webhooks.WebhookError, match="on its way"):
        webhooks.replay(webhooks.replay(first, now), now)


def test_what_is_unknown_is_never_sent_by_itself_but_by_a_person(hook: Hook) -> None:
    now = real_now()
    webhooks.create(hook.url, [], "", now)
    emit(now)
    outbox.claim(Delivery.objects.all(), now, 1)
    outbox.stale(Delivery.objects.all(), now, all_of_them=True)
    for hours in range(0, 100, 10):
        webhooks.deliver(now + timedelta(hours=hours))
    assert Delivery.objects.get().state == "unknown" and not hook.requests
    webhooks.replay(Delivery.objects.get(), now)
    webhooks.deliver(now)
    assert len(hook.requests) == 1


def test_switching_off_cancels_what_waits(hook: Hook) -> None:
    now = real_now()
    endpoint, _ = webhooks.create(hook.url, [], "", now)
    emit(now)
    webhooks.change(endpoint, now, url=endpoint.url, kinds=[], description="", is_on=False)
    assert Delivery.objects.get().state == "cancelled" and webhooks.deliver(now) == 0
    with pytest.raises(webhooks.WebhookError, match="switched off"):
        webhooks.replay(Delivery.objects.get(), now)


def test_the_secret_is_sealed_in_the_database(hook: Hook, home: Path) -> None:
    from holdfast.desk.sealing import SealError, unseal

    made, secret = webhooks.create(hook.url, [], "", real_now())
    assert secret not in Endpoint.objects.get().sealed_secret and unseal(made.sealed_secret) == secret
    (home / "secret.key.old").write_text((home / "secret.key").read_text())
    (home / "secret.key").write_text("another secret")
    assert unseal(made.sealed_secret) == secret
    (home / "secret.key.old").unlink()
    with pytest.raises(SealError, match=r"secret\.key\.old"):
        unseal(made.sealed_secret)


def test_what_an_event_cannot_be(home: Path) -> None:
    with pytest.raises(KeyError):
        events.emit("made.up", {}, real_now(), effect="x")
    with pytest.raises(webhooks.WebhookError, match=r"made\.up"):
        webhooks.create("https://example.com/", ["made.up"], "", real_now())


def test_a_test_goes_to_one_endpoint(hook: Hook) -> None:
    now = real_now()
    one, _ = webhooks.create(hook.url, ["month.closed"], "", now)
    webhooks.create(hook.url, [], "", now)
    webhooks.test(one, now)
    webhooks.deliver(now)
    assert [json.loads(body)["type"] for _, _, body in hook.requests] == ["webhook.test"]
