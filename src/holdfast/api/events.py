"""The door for events: Segment's, RudderStack's and PostHog's clients call it as they would their own server.

It stands before Django, whose middleware is for people. A call is answered with 200 when its events are durable.
"""

from __future__ import annotations

import atexit
import base64
import binascii
import json
import logging
from collections.abc import Callable, Iterable, Mapping
from functools import cache
from typing import Any

from holdfast.api import moment
from holdfast.desk.start import home_path
from holdfast.events import calls, journal, moments
from holdfast.events.calls import Call, CallError
from holdfast.events.reading import text
from holdfast.flows.events_keys import Keys

Environ = dict[str, Any]
Start = Callable[[str, list[tuple[str, str]]], Any]
App = Callable[[Environ, Any], Iterable[bytes]]

log = logging.getLogger("holdfast.events")

SEGMENT_KINDS = ("track", "identify", "group", "page", "screen", "alias")
#: Segment's addresses, with the type of call that each is for; empty: a batch. Its browser client says only the first letter
SEGMENT = {
    **{f"/v1/{kind}": kind for kind in SEGMENT_KINDS}, **{f"/v1/{kind[0]}": kind for kind in SEGMENT_KINDS},
    "/v1/batch": "", "/v1/b": "", "/v1/import": "",
}  # fmt: skip
#: PostHog's addresses for events, and the one of its newer protocol, which answers for each event
POSTHOG = frozenset({"/batch", "/capture", "/e", "/i/v0/e", "/i/v0/ai/batch"})
POSTHOG_EACH = "/i/v1/analytics/events"
#: what PostHog's clients ask for besides; we have no feature flags, and say so in their words
FLAGS = frozenset({"/flags", "/decide"})
DEFINITIONS = frozenset({"/flags/definitions", "/api/feature_flag/local_evaluation"})
OURS = frozenset(SEGMENT) | POSTHOG | FLAGS | DEFINITIONS | {POSTHOG_EACH}
NO_FLAGS = {
    "flags": {}, "featureFlags": {}, "featureFlagPayloads": {}, "errorsWhileComputingFlags": False, "sessionRecording": False,
    "supportedCompression": ["gzip", "gzip-js"], "config": {"enable_collect_everything": False}, "toolbarParams": {},
}  # fmt: skip
NO_DEFINITIONS: dict[str, Any] = {"flags": [], "group_type_mapping": {}, "cohorts": {}}
STATUSES = {
    200: "OK", 204: "No Content", 400: "Bad Request", 401: "Unauthorized", 405: "Method Not Allowed", 413: "Payload Too Large",
    415: "Unsupported Media Type", 500: "Internal Server Error", 503: "Service Unavailable",
}  # fmt: skip
CODES = {
    400: "invalid_request", 401: "invalid_write_key", 405: "method_not_allowed", 413: "too_large", 415: "unknown_encoding",
    500: "error", 503: "not_ready",
}  # fmt: skip
#: browsers may send events from any page: a write key is no secret there, and nothing is told
OPEN_TO_BROWSERS = [
    ("Access-Control-Allow-Origin", "*"), ("Access-Control-Allow-Methods", "POST, GET, OPTIONS"),
    ("Access-Control-Allow-Headers", "*, Authorization, Content-Type, Content-Encoding"), ("Access-Control-Max-Age", "86400"),
]  # fmt: skip

_keys = Keys()


def before(app: App) -> App:
    """The application with the door for events before it."""

    def dispatch(environ: Environ, start: Any) -> Iterable[bytes]:
        path = environ.get("PATH_INFO", "").rstrip("/")
        return answer(path, environ, start) if path in OURS else app(environ, start)

    return dispatch


def answer(path: str, environ: Environ, start: Start) -> list[bytes]:
    """Take a call in."""
    told: Mapping[str, Any] | None
    try:
        status, told = _answer(path, environ)
    except CallError as error:
        status, told = error.status, _problem(error.status, str(error))
    except OSError:
        log.exception("events could not be made durable; their sender is told to try again")
        status, told = 503, _problem(503, "the events could not be written; send them again")
    except Exception:
        log.exception("a call with events failed")
        status, told = 500, _problem(500, "a fault of the server; send the events again")
    body = b"" if told is None else json.dumps(told).encode()
    headers = [("Content-Type", "application/json"), ("Content-Length", str(len(body))), *OPEN_TO_BROWSERS]
    if status == 503:
        headers.append(("Retry-After", "5"))
    if status == 401:
        headers.append(("WWW-Authenticate", 'Basic realm="holdfast"'))
    start(f"{status} {STATUSES[status]}", headers)
    return [body]


def _problem(status: int, message: str) -> dict[str, Any]:
    """What went wrong, in the fields in which each vendor's client looks for it."""
    return {"success": False, "code": CODES[status], "message": message, "detail": message, "type": CODES[status]}


def _answer(path: str, environ: Environ) -> tuple[int, Mapping[str, Any] | None]:
    method = environ.get("REQUEST_METHOD", "GET")
    if method == "OPTIONS":
        return 204, None
    given = _key_in_header(environ.get("HTTP_AUTHORIZATION", ""))
    if path in DEFINITIONS and method == "GET":
        # asked for with a personal key, of which we have none
        return 200, NO_DEFINITIONS
    if method != "POST":
        raise CallError(405, "send events with POST")
    now = moment.now()
    if given and not _keys.is_good(given, now):
        raise _wrong_key()
    encoding = environ.get("HTTP_CONTENT_ENCODING", "").strip().lower()
    told, size = calls.opened(_body(environ), encoding, environ.get("CONTENT_TYPE", "").lower())
    if not given and not _keys.is_good(calls.key_in(told), now):
        raise _wrong_key()
    if path in FLAGS:
        return 200, NO_FLAGS
    call = _call(path, told, size, environ)
    if call.events:
        _journal().append(call.payload(), moments.micros(now), call.events)
    return 200, _success(path, told, call)


def _call(path: str, told: Any, size: int, environ: Environ) -> Call:
    if path in SEGMENT:
        return calls.call_of(told, "segment", SEGMENT[path], size)
    call = calls.call_of(told, "posthog", "", size)
    if path == POSTHOG_EACH:
        sent = moments.told(environ.get("HTTP_POSTHOG_REQUEST_TIMESTAMP"))
        return Call(call.dialect, sent, call.good, call.bad)
    return call


def _success(path: str, told: Any, call: Call) -> Mapping[str, Any]:
    if path in SEGMENT:
        return {"success": True}
    if path != POSTHOG_EACH:
        return {"status": 1}
    good = {text(raw.get("uuid")) for raw in call.good}
    ids = (text(raw.get("uuid")) for raw in told["batch"] if isinstance(raw, Mapping))
    return {"results": {one: {"result": "ok" if one in good else "drop"} for one in ids if one}}


def _wrong_key() -> CallError:
    return CallError(401, "the write key is wrong, or was revoked; make one with: holdfast keys create --kind write")


def _key_in_header(told: str) -> str:
    """The key of `Basic` (as the name, without a password) or `Bearer`; empty: no such header."""
    scheme, _, given = told.partition(" ")
    if scheme.lower() == "bearer":
        return given.strip()
    if scheme.lower() != "basic":
        return ""
    try:
        # a name of nothing is no key, and a header that cannot be read is a wrong one
        return base64.b64decode(given.strip(), validate=True).decode().partition(":")[0] or ""
    except (binascii.Error, ValueError):
        return "unreadable"


def _body(environ: Environ) -> bytes:
    length = environ.get("CONTENT_LENGTH") or ""
    if length.isdigit() and int(length) > calls.LARGEST_BODY:
        raise CallError(413, f"a body has up to {calls.LARGEST_BODY // 1024 // 1024} MB; send smaller batches")
    read: bytes = environ["wsgi.input"].read(int(length) if length.isdigit() else calls.LARGEST_BODY + 1)
    return read


@cache
def _journal() -> journal.Journal:
    """The journal of this process."""
    made = journal.Journal(journal.folder_of(home_path()))
    atexit.register(made.close)
    return made
