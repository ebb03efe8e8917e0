"""The door: what each vendor's clients send is taken, and answered in their words; a fault says what it is."""

from __future__ import annotations

import base64
import gzip
import json
import time
import zlib
from typing import Any

import pytest

from holdfast.events import calls, journal

from .conftest import NOW, Door, make_key, track

ONE = {"userId": "ann", "event": "Saved", "messageId": "1"}


# -- Segment and RudderStack ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/v1/track", ONE), ("/v1/t", ONE), ("/v1/track/", ONE), ("/v1/page", {"anonymousId": "a"}), ("/v1/screen", {"userId": "a"}),
        ("/v1/identify", {"userId": "a"}), ("/v1/group", {"userId": "a", "groupId": "g"}), ("/v1/alias", {"userId": "a", "previousId": "b"}),
        ("/v1/batch", {"batch": [{"type": "track", **ONE}]}), ("/v1/import", {"batch": [{"type": "track", **ONE}]}),
    ],
)  # fmt: skip
def test_segments_addresses(door: Door, write_key: str, path: str, body: dict[str, Any]) -> None:
    assert door(path, body, write_key) == (200, {"success": True})
    assert door.counts()["received"] == door.counts()["distinct"] == 1


@pytest.mark.parametrize("where", ["basic", "bearer", "writeKey", "inside"])
def test_a_key_is_found_wherever_a_client_puts_it(door: Door, write_key: str, where: str) -> None:
    batch: dict[str, Any] = {"batch": [{"type": "track", **ONE}]}
    if where == "basic":
        status, _ = door("/v1/batch", batch, write_key)
    elif where == "bearer":
        status, _ = door("/v1/batch", batch, HTTP_AUTHORIZATION=f"Bearer {write_key}")
    elif where == "writeKey":
        status, _ = door("/v1/batch", batch | {"writeKey": write_key})
    else:
        status, _ = door("/e/", [{"event": "Saved", "properties": {"distinct_id": "ann", "token": write_key}}])
    assert status == 200
    written = b"".join(path.read_bytes() for path in journal.files(journal.folder_of(door.home)))
    assert b"Saved" in written and write_key.encode() not in written, "a key is never written down"


@pytest.mark.parametrize("key", ["", "hf_wrong", "x" * 5000, "hf_\u00e9"])
@pytest.mark.parametrize("path", ["/v1/track", "/v1/batch", "/batch/", "/flags", "/i/v1/analytics/events"])
def test_a_wrong_key_opens_nothing(door: Door, key: str, path: str) -> None:
    status, told = door(path, {"batch": [], **ONE, "api_key": key}, key)
    assert (status, told["code"]) == (401, "invalid_write_key")
    assert door.counts()["received"] == 0


def test_only_a_write_key_opens_it(door: Door) -> None:
    assert door("/v1/track", ONE, make_key("accounts:write", "notes:write", "numbers:read"))[0] == 401
    assert door("/v1/track", ONE, make_key("events:write"))[0] == 200


def test_an_unreadable_authorization_is_a_wrong_key(door: Door, write_key: str) -> None:
    for header in ("Basic ?", "Basic", "Basic 4pyT4pyT/w=="):
        assert door("/v1/track", ONE | {"writeKey": "x"}, HTTP_AUTHORIZATION=header)[0] == 401


def test_the_desk_is_asked_once_in_a_while_and_a_revoked_key_stops(
    door: Door, write_key: str, django_assert_num_queries: Any
) -> None:
    from holdfast.desk.models import ApiKey

    door("/v1/track", ONE, write_key)
    with django_assert_num_queries(0):
        assert [door("/v1/track", ONE, write_key)[0] for _ in range(5)] == [200] * 5
    assert ApiKey.objects.get().last_used_at is not None
    ApiKey.objects.update(revoked_at=NOW)
    time.sleep(0.25)
    assert door("/v1/track", ONE, write_key)[0] == 401


# -- PostHog -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", ["/batch/", "/batch", "/capture/", "/e/", "/i/v0/e/", "/i/v0/ai/batch/"])
@pytest.mark.parametrize("shape", ["batch", "one", "list"])
def test_posthogs_addresses(door: Door, write_key: str, path: str, shape: str) -> None:
    one = {"event": "Saved", "distinct_id": "ann", "uuid": "1"}
    bodies = {
        "batch": {"api_key": write_key, "batch": [one]},
        "one": one | {"api_key": write_key},
        "list": [one | {"api_key": write_key}],
    }
    assert door(path, bodies[shape]) == (200, {"status": 1})
    assert door.counts()["distinct"] == 1


def test_posthogs_newer_protocol_is_answered_event_by_event(door: Door, write_key: str) -> None:
    batch = [{"event": "Saved", "distinct_id": "ann", "uuid": "u1", "options": {}}, {"event": "Saved", "uuid": "u2"}]
    told = door("/i/v1/analytics/events", {"batch": batch}, HTTP_AUTHORIZATION=f"Bearer {write_key}")
    assert told == (200, {"results": {"u1": {"result": "ok"}, "u2": {"result": "drop"}}})


def test_there_are_no_feature_flags_and_that_breaks_no_client(door: Door, write_key: str) -> None:
    for path in ("/flags/", "/decide/"):
        status, told = door(path, {"api_key": write_key, "distinct_id": "ann"})
        assert (status, told["flags"], told["featureFlags"], told["errorsWhileComputingFlags"]) == (200, {}, {}, False)
    assert door("/flags/definitions", b"", method="GET")[1]["flags"] == []
    assert door.counts()["received"] == 0


def test_browsers_send_forms_and_packed_text(door: Door, write_key: str) -> None:
    told = json.dumps({"event": "Saved", "distinct_id": "ann", "uuid": "1", "api_key": write_key}).encode()
    form = b"data=" + base64.b64encode(told).replace(b"+", b"%2B")
    assert door("/e/", form, CONTENT_TYPE="application/x-www-form-urlencoded")[0] == 200
    assert door("/e/", gzip.compress(told.replace(b'"1"', b'"2"')), CONTENT_TYPE="text/plain")[0] == 200
    assert door.counts()["distinct"] == 2
    assert door("/e/", b"data=%%%", CONTENT_TYPE="application/x-www-form-urlencoded")[0] == 400


def test_any_page_may_ask_whether_it_may_send(door: Door) -> None:
    assert door("/v1/track", b"", method="OPTIONS") == (204, None)


# -- bodies --------------------------------------------------------------------------------------------------------


def test_packed_bodies_are_opened(door: Door, write_key: str) -> None:
    batch = {"batch": [{"type": "track", **ONE}]}
    assert door("/v1/batch", batch, write_key, packed=True, HTTP_CONTENT_ENCODING="gzip")[0] == 200
    assert door("/v1/batch", batch, write_key, packed=True)[0] == 200, "also where nobody says so"
    assert door("/v1/batch", batch, write_key, HTTP_CONTENT_ENCODING="gzip")[0] == 200, (
        "and where it is said and is not so"
    )
    assert (
        door("/v1/batch", zlib.compress(json.dumps(batch).encode()), write_key, HTTP_CONTENT_ENCODING="deflate")[0]
        == 200
    )
    assert door.counts() == door.counts() | {"received": 4, "distinct": 1}


@pytest.mark.parametrize(
    ("body", "status", "reason"),
    [
        (b"", 400, "not JSON"), (b"{nope", 400, "not JSON"), (b'{"a": NaN}', 400, "NaN"), (b"\xff\xfe", 400, "not JSON"), (b"[" * 100_000, 400, "not JSON"),
        (b"5", 400, "object"), (b"{}", 400, "batch"), (b'{"batch": {}}', 400, "batch"), (b"\x1f\x8bnope", 400, "unpacked"),
        (gzip.compress(b'{"batch": []}', mtime=0)[:-12], 400, "cut off"), (gzip.compress(b" " * 21 * 1024 * 1024, mtime=0), 413, "20 MB"),
        (b" " * (5 * 1024 * 1024 + 1), 413, "5 MB"),
    ],
)  # fmt: skip
def test_what_cannot_be_read_is_said(door: Door, write_key: str, body: bytes, status: int, reason: str) -> None:
    answered, told = door("/v1/batch", body, write_key)
    assert (answered, reason in told["message"]) == (status, True), told
    assert door.counts()["received"] == 0


def test_a_large_batch_is_taken(door: Door, write_key: str) -> None:
    """Segment's clients send up to 500 KB; others more."""
    batch = [{"type": "track", **ONE, "messageId": str(n), "properties": {"text": "x" * 400}} for n in range(9_000)]
    assert door("/v1/batch", {"batch": batch}, write_key)[0] == 200
    assert door("/v1/batch", {"batch": batch[:1] * (calls.MOST_EVENTS + 1)}, write_key)[0] == 413
    assert door.counts()["distinct"] == 9_000


def test_a_bad_event_loses_no_good_one(door: Door, write_key: str) -> None:
    batch = [
        track("ann", messageId="1"),
        {"type": "track"},
        "x",
        track("ann", messageId="2", properties={"text": "x" * 1_100_000}),
    ]
    assert door("/v1/batch", {"batch": batch}, write_key)[0] == 200
    assert door.counts() == {"received": 4, "distinct": 1, "repeated": 0, "rejected": 3, "redated": 0, "waiting": 4}


def test_a_single_bad_event_is_refused_and_said(door: Door, write_key: str) -> None:
    status, told = door("/v1/track", {"event": "Saved"}, write_key)
    assert (status, told["message"]) == (400, "it names nobody: userId or anonymousId")
    assert door.counts()["received"] == 0


def test_what_all_events_of_a_batch_share_may_stand_once(door: Door, write_key: str) -> None:
    body = {"batch": [track("ann", messageId="1")], "context": {"groupId": "acme"}}
    door("/v1/batch", body, write_key)
    record = next(journal.records(journal.files(journal.folder_of(door.home))[0]))
    assert calls.kept(record.payload).good[0]["context"] == {"groupId": "acme"}


def test_what_cannot_be_made_durable_is_to_be_sent_again(
    door: Door, write_key: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    import os

    def full(handle: int) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as broken:
        broken.setattr(os, "fdatasync", full)
        assert door("/v1/track", ONE, write_key)[0] == 503
    assert door("/v1/track", ONE, write_key)[0] == 200
    assert door.counts()["received"] == 1


def test_other_addresses_are_for_others(door: Door) -> None:
    assert door("/v1/other", b"", method="GET") == (0, "behind")
    assert door("/", b"", method="GET") == (0, "behind")
    assert door("/v1/track", b"", method="GET")[0] == 405


def test_the_command_makes_a_key_that_only_sends(db: None) -> None:
    from holdfast.cli.serve import KINDS

    assert KINDS["write"] == ["events:write"]
    assert all("events:write" not in scopes for kind, scopes in KINDS.items() if kind != "write")
