"""Whatever goes wrong is told as application/problem+json, and names the field that is wrong."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from .conftest import Caller

BODY = {"account_id": "ac0000001", "text": "Renewal is safe."}


def is_problem(answer: Any, status: int) -> dict[str, Any]:
    assert answer.status_code == status, answer.content
    assert answer["Content-Type"] == "application/problem+json"
    told: dict[str, Any] = answer.json()
    assert set(told) == {"type", "title", "status", "detail", "errors"}
    assert (
        told["status"] == status
        and told["type"].startswith("urn:holdfast:problem:")
        and told["title"]
        and told["detail"]
    )
    return told


@pytest.mark.parametrize(
    ("path", "field"),
    [
        ("/metrics/nrr?months=0", "query.months"),
        ("/metrics/nrr?months=121", "query.months"),
        ("/metrics/nrr?months=twelve", "query.months"),
        ("/metrics/nrr?months=1_2", "query.months"),
        ("/metrics/nrr?start=2024-02-30", "query.start"),
        ("/metrics/nrr?start=0", "query.start"),
        ("/metrics/nrr?to=2024-13", "query.to"),
        ("/metrics/nrr?currency=euro", "query.currency"),
        ("/metrics/nrr?policy=", "query.policy"),
        ("/metrics/nrr?colour=red", "query.colour"),
        ("/metrics/nrr?months=3&months=4", "query.months"),
        ("/accounts?limit=201", "query.limit"),
        ("/accounts?limit=0", "query.limit"),
        ("/accounts?cursor=%21", "query.cursor"),
        ("/explain?everyone=1", "query.everyone"),
        ("/accounts/a%00b", "path.account_id"),
    ],
)
def test_a_parameter_that_cannot_be_read_is_named(call: Caller, path: str, field: str) -> None:
    told = is_problem(call("GET", path), 400)
    assert [one["field"] for one in told["errors"]] == [field]


@pytest.mark.parametrize(
    "path",
    [
        "/metrics/nrr?policy=nobody",
        "/metrics/nrr?by=colour",
        "/metrics/nrr?by=a,b,c,d",
        "/metrics/nrr?start=2024-03-01&end=2024-03-01",
        "/metrics/nrr?start=0001-01-01",
        "/metrics/nrr?end=9999-12-31",
        "/metrics/nrr?end=2024-01-01&to=2024-01",
        "/metrics/nrr?start=2024-01-01&months=3",
        "/metrics/nrr?known_on=1999-01-01",
        "/metrics/nrr?currency=XXX",
        "/metrics/nrr?months=120&series=month",
        "/bridge?from=2026-05&to=2026-04",
        "/bridge?from=1970-01&to=2026-04",
        "/accounts?segment=industry",
        "/accounts?segment=colour%3Dred",
        "/accounts?cursor=abcd",
        "/explain?segment=colour%3Dred",
    ],
)
def test_what_is_understood_and_cannot_be_answered_says_why(call: Caller, path: str) -> None:
    is_problem(call("GET", path), 422)


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"text": ""}, "body.text"),
        ({"text": "  "}, "body.text"),
        ({"text": "x" * 20_001}, "body.text"),
        ({"text": 5}, "body.text"),
        ({"pinned": "yes"}, "body.pinned"),
        ({"author": "Bob"}, "body.author"),
        ({"account_id": None}, "body.account_id"),
        ({"account_id": "a\nb"}, "body.account_id"),
    ],
)
def test_a_field_of_a_body_that_is_wrong_is_named(call: Caller, change: dict[str, Any], field: str) -> None:
    told = is_problem(call("POST", "/notes", BODY | change), 400)
    assert [one["field"] for one in told["errors"]] == [field]


@pytest.mark.parametrize(
    "body", [b"", b"{", b"[]", b'"x"', b"\xff\xfe", b'{"text": NaN}', b"[" * 100_000, b'{"text": "\\ud800"}']
)
def test_a_body_that_is_no_json_object_is_malformed(call: Caller, body: bytes) -> None:
    is_problem(call("POST", "/notes", body), 400)


def test_wrong_addresses_and_methods(call: Caller) -> None:
    is_problem(call("GET", "/nowhere"), 404)
    is_problem(call("GET", "/metrics/nrr/"), 404)
    is_problem(call("POST", "/webhooks/deliveries/%0Anine/replay", {}), 404)
    is_problem(call("GET", "/accounts/nobody"), 404)
    is_problem(call("GET", "/notes/99"), 404)
    is_problem(call("GET", "/notes/ninety"), 404)
    is_problem(call("GET", "/notes/99999999999999999999999999"), 400)
    is_problem(call("GET", "/closes/2026-01/restatements"), 404)
    answer = call("PATCH", "/notes")
    is_problem(answer, 405)
    assert answer["Allow"] == "GET, POST, HEAD"


def test_forms_that_the_api_does_not_speak(call: Caller) -> None:
    is_problem(call("GET", "/accounts", Accept="text/csv"), 406)
    is_problem(call("POST", "/notes", "text=hi", Content_Type="application/x-www-form-urlencoded"), 415)
    is_problem(call("POST", "/notes", b'{"text": "' + b"x" * 1_100_000 + b'"}'), 413)


def test_before_the_first_booking_it_says_what_to_do(
    tmp_path: Path, settings: Any, as_key: Callable[..., Caller]
) -> None:
    from holdfast.flows import answers
    from holdfast.flows.home import Settings, create

    caller = as_key(["numbers:read", "accounts:read", "sources:read"])
    settings.HOME = create(tmp_path / "empty", Settings()).path
    answers.forget()
    for path in ("/metrics/nrr", "/bridge", "/accounts", "/owners", "/explain"):
        assert "book" in is_problem(caller("GET", path), 409)["detail"]
    assert caller("GET", "/sources").json()["booked"] is None


def test_a_fault_of_ours_is_told_without_its_text(call: Caller, own_home: Path) -> None:
    (own_home / "landing" / "loads.jsonl").write_text("not a manifest\n")
    told = is_problem(call("GET", "/sources"), 500)
    assert "manifest" not in str(told) and "Traceback" not in str(told)


def test_head_is_get_without_a_body(call: Caller) -> None:
    whole, head = call("GET", "/metrics"), call("HEAD", "/metrics")
    assert head.status_code == 200 and head.content == b""
    assert head["Content-Length"] == str(len(whole.content))


def test_a_ledger_that_is_not_booked_yet_is_waited_for(call: Caller) -> None:
    import time

    first = call("GET", "/metrics/nrr?policy=stripe")
    if first.status_code == 202:
        assert first["Retry-After"] == "1" and first.json() == {
            "state": "booking",
            "policy": "stripe",
            "known_on": None,
        }
    until = time.monotonic() + 60
    while (answer := call("GET", "/metrics/nrr?policy=stripe")).status_code == 202 and time.monotonic() < until:
        time.sleep(0.2)
    assert answer.status_code == 200 and answer.json()["policy"] == "stripe"
