"""A write under an Idempotency-Key is done once, and the same call again gets the same answer."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from holdfast.desk.models import Endpoint, IdempotentCall, Note

from .conftest import NOW, Caller

NOTE = {"account_id": "ac0000001", "text": "Renewal is safe."}


def test_the_same_call_again_is_answered_and_not_done(call: Caller) -> None:
    first = call("POST", "/notes", NOTE, Idempotency_Key="k1")
    again = call("POST", "/notes", NOTE, Idempotency_Key="k1")
    assert first.status_code == again.status_code == 201
    assert again.json() == first.json() and again["Location"] == first["Location"]
    assert again["Idempotent-Replay"] == "true" and "Idempotent-Replay" not in first
    assert Note.objects.count() == 1


def test_without_a_key_it_is_done_twice(call: Caller) -> None:
    call("POST", "/notes", NOTE)
    call("POST", "/notes", NOTE)
    assert Note.objects.count() == 2


def test_another_body_or_address_under_the_same_key_is_refused(call: Caller) -> None:
    call("POST", "/notes", NOTE, Idempotency_Key="k1")
    for method, path, body in (("POST", "/notes", NOTE | {"text": "other"}), ("PUT", "/notes/external/e1", NOTE)):
        answer = call(method, path, body, Idempotency_Key="k1")
        assert answer.status_code == 422 and answer.json()["errors"][0]["field"] == "header.Idempotency-Key"
    assert Note.objects.count() == 1


def test_each_api_key_has_its_own(as_key: Callable[..., Caller]) -> None:
    alice, bob = as_key(["notes:write"]), as_key(["notes:write"])
    assert (
        alice("POST", "/notes", NOTE, Idempotency_Key="k1").json()
        != bob("POST", "/notes", NOTE, Idempotency_Key="k1").json()
    )
    assert Note.objects.count() == 2


def test_what_was_refused_may_be_put_right_under_the_same_key(call: Caller) -> None:
    assert call("POST", "/notes", NOTE | {"account_id": "nobody"}, Idempotency_Key="k1").status_code == 422
    assert call("POST", "/notes", NOTE, Idempotency_Key="k1").status_code == 201


@pytest.mark.parametrize("given", ["", "a b", "x" * 256, "é"])
def test_a_key_that_cannot_be_read_is_malformed(call: Caller, given: str) -> None:
    assert call("POST", "/notes", NOTE, Idempotency_Key=given).status_code == 400


def test_a_call_that_is_still_being_answered_is_a_conflict(call: Caller) -> None:
    call("POST", "/notes", NOTE, Idempotency_Key="k1")
    IdempotentCall.objects.update(status=0, body="")
    answer = call("POST", "/notes", NOTE, Idempotency_Key="k1")
    assert answer.status_code == 409 and answer["Retry-After"] == "1"


def test_a_call_that_was_cut_off_says_so(call: Caller) -> None:
    call("POST", "/notes", NOTE, Idempotency_Key="k1")
    IdempotentCall.objects.update(status=0, body="", created_at=NOW - timedelta(days=2))
    answer = call("POST", "/notes", NOTE, Idempotency_Key="k1")
    assert answer.status_code == 409 and "may or may not" in answer.json()["detail"]


def test_answers_are_forgotten_after_30_days(call: Caller, settings: Any) -> None:
    from holdfast.flows.tick import Ticker

    call("POST", "/notes", NOTE, Idempotency_Key="k1")
    call("POST", "/notes", NOTE, Idempotency_Key="k2")
    IdempotentCall.objects.filter(idempotency_key="k1").update(created_at=NOW - timedelta(days=30, seconds=1))
    IdempotentCall.objects.filter(idempotency_key="k2").update(created_at=NOW - timedelta(days=29))
    assert Ticker(settings.HOME)._old_answers(NOW) == 1
    assert [one.idempotency_key for one in IdempotentCall.objects.all()] == ["k2"]


def test_a_kept_answer_with_a_secret_lies_sealed(call: Caller) -> None:
    body = {"url": "https://example.com/hook"}
    first = call("POST", "/webhooks", body, Idempotency_Key="k1").json()
    assert first["secret"].startswith("whsec_")
    assert (
        first["secret"] not in IdempotentCall.objects.get().body
        and first["secret"] not in Endpoint.objects.get().sealed_secret
    )
    assert call("POST", "/webhooks", body, Idempotency_Key="k1").json() == first
