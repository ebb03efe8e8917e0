"""A call of a client: its body opened, its key found, its events divided into good and bad, and the payload for the journal."""

from __future__ import annotations

import base64
import binascii
import json
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs

from holdfast.events import moments
from holdfast.events.reading import LARGEST, Dialect, Event, EventError, Raw, fault, text, understood

#: a body as it is sent, and unpacked, in bytes; events of one call
LARGEST_BODY, LARGEST_UNPACKED, MOST_EVENTS = 5 * 1024 * 1024, 20 * 1024 * 1024, 10_000
#: the names under which a body tells its key
KEYS = ("writeKey", "api_key", "token")
GZIP = b"\x1f\x8b"
#: how much of a bad event is kept, in characters of its JSON
KEPT_OF_BAD = 4_000


class CallError(ValueError):
    """A call that cannot be taken at all: the status to answer with, and why."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


@dataclass(frozen=True)
class Call:
    """Events of one call, as they were sent."""

    dialect: Dialect
    sent: int | None
    good: list[Raw]
    #: the event's JSON, shortened, and why it is bad
    bad: list[tuple[str, str]] = field(default_factory=list)

    @property
    def events(self) -> int:
        return len(self.good) + len(self.bad)

    def payload(self) -> bytes:
        """What the journal keeps; no key is in it."""
        told = {"dialect": self.dialect, "sent": self.sent, "good": self.good, "bad": self.bad}
        return json.dumps(told, separators=(",", ":")).encode()


def kept(payload: bytes) -> Call:
    """The call of a journal's payload."""
    told = json.loads(payload)
    return Call(told["dialect"], told["sent"], told["good"], [(one[0], one[1]) for one in told["bad"]])


def events_of(call: Call, received: int) -> Iterator[Event | None]:
    """The good events, understood. They were checked at the door; None is one that this version understands no more."""
    for place, raw in enumerate(call.good):
        try:
            yield understood(raw, call.dialect, call.sent, received, place)
        except EventError:
            yield None


# -- the body ------------------------------------------------------------------------------------------------------


def opened(body: bytes, encoding: str, kind: str) -> tuple[Any, int]:
    """The JSON of a body, and its size unpacked, in bytes. CallError: it is too large, or cannot be read."""
    if len(body) > LARGEST_BODY:
        raise CallError(413, f"a body has up to {LARGEST_BODY // 1024 // 1024} MB; send smaller batches")
    # clients name the encoding in different places, or nowhere; JSON never begins so
    if body[:2] == GZIP:
        body = _unpacked(body, 31)
    elif encoding == "deflate":
        body = _unpacked(body, 15)
    elif encoding not in ("", "identity", "gzip"):
        raise CallError(415, f"the encoding {encoding} is not known; send gzip, deflate or plain JSON")
    if kind.startswith("application/x-www-form-urlencoded") and body[:1] not in (b"{", b"["):
        body = _of_form(body)
    try:
        return json.loads(body, parse_constant=_no_number), len(body)
    except (ValueError, RecursionError) as error:
        raise CallError(400, f"the body is not JSON: {error}") from None


def _no_number(told: str) -> float:
    raise ValueError(f"{told} is no number of JSON")


def _unpacked(body: bytes, window: int) -> bytes:
    packed = zlib.decompressobj(window)
    try:
        plain = packed.decompress(body, LARGEST_UNPACKED + 1)
    except zlib.error:
        raise CallError(400, "the body cannot be unpacked") from None
    if len(plain) > LARGEST_UNPACKED:
        raise CallError(413, f"a body has up to {LARGEST_UNPACKED // 1024 // 1024} MB unpacked; send smaller batches")
    if not packed.eof:
        raise CallError(400, "the body cannot be unpacked: it is cut off")
    return plain


def _of_form(body: bytes) -> bytes:
    """The JSON in the field `data` of a form, as it is or in base64."""
    try:
        told = parse_qs(body.decode("ascii"), strict_parsing=True, max_num_fields=20)["data"][0]
        return told.encode() if told[:1] in ("{", "[") else base64.b64decode(told.replace(" ", "+"), validate=True)
    except (ValueError, KeyError, binascii.Error):
        raise CallError(400, "the form has no field `data` that can be read") from None


def key_in(told: Any) -> str:
    """The key that a body names; empty: none."""
    first = told[0] if isinstance(told, list) and told else told
    if not isinstance(first, Mapping):
        return ""
    properties = first.get("properties")
    inside = properties.get("token") if isinstance(properties, Mapping) else ""
    found = next((first[name] for name in KEYS if isinstance(first.get(name), str)), inside)
    if not found and isinstance(first.get("batch"), list):
        return key_in(first["batch"])
    return found if isinstance(found, str) else ""


# -- the events ----------------------------------------------------------------------------------------------------


def call_of(told: Any, dialect: Dialect, kind: str, size: int = LARGEST + 1) -> Call:
    """The events of a body of so many bytes. `kind`: the type that the address names; empty for a batch.

    CallError: it is no batch, or the one event that it is cannot be counted.
    """
    envelope = told if isinstance(told, Mapping) else {}
    raws = [told | {"type": kind}] if kind and isinstance(told, dict) else _batch(told, dialect)
    if len(raws) > MOST_EVENTS:
        raise CallError(413, f"a batch has up to {MOST_EVENTS} events")
    sent = moments.told(envelope.get("sentAt" if dialect == "segment" else "sent_at"))
    good: list[Raw] = []
    bad: list[tuple[str, str]] = []
    common = envelope.get("context") if raws is envelope.get("batch") else None
    for raw in raws:
        whole = _with_context(raw, common)
        reason = _fault(whole, dialect, size > LARGEST)
        if reason is None:
            good.append(_without_key(whole))
        else:
            bad.append((_shortened(whole), reason))
    if kind and bad:
        raise CallError(400, bad[0][1])
    return Call(dialect, sent, good, bad)


def _batch(told: Any, dialect: Dialect) -> list[Any]:
    if isinstance(told, list):
        return told
    if not isinstance(told, Mapping):
        raise CallError(400, "the body is an object")
    if "batch" in told or dialect == "segment":
        found = told.get("batch")
        if not isinstance(found, list):
            raise CallError(400, "a batch has a list of events under `batch`")
        return found
    return [told]


def _with_context(raw: Any, common: Any) -> Any:
    """The event with what the batch says for all of its events."""
    if not isinstance(raw, Mapping) or not isinstance(common, Mapping):
        return raw
    own = raw.get("context")
    return {**raw, "context": {**common, **(own if isinstance(own, Mapping) else {})}}


def _fault(raw: Any, dialect: Dialect, may_be_large: bool) -> str | None:
    try:
        reason = fault(raw, dialect)
        if reason is None and may_be_large and len(json.dumps(raw)) > LARGEST:
            return f"an event has up to {LARGEST // 1_000_000} MB"
        if reason is None:
            understood(raw, dialect, None, 0)
    except (EventError, ValueError, RecursionError) as error:
        return f"it cannot be read: {error}"
    return reason


def _without_key(raw: Raw) -> dict[str, Any]:
    """The event without the key, wherever a client puts it."""
    told = {name: value for name, value in raw.items() if name not in KEYS}
    properties = told.get("properties")
    if isinstance(properties, Mapping) and "token" in properties:
        told["properties"] = {name: value for name, value in properties.items() if name != "token"}
    return told


def _shortened(raw: Any) -> str:
    """Some of a bad event, as JSON, without its key."""
    told = json.dumps(_without_key(raw) if isinstance(raw, Mapping) else raw)
    return told if len(told) <= KEPT_OF_BAD else json.dumps(text(told[:KEPT_OF_BAD]))
