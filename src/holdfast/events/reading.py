"""One event as a client sent it, understood: who did what, for which group, when; or the reason why it cannot be.

Two dialects are read: Segment's (RudderStack speaks the same) and PostHog's. Nothing here meets the world.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from hashlib import blake2b
from typing import Any, Literal

from holdfast.events import moments

Dialect = Literal["segment", "posthog"]
Raw = Mapping[str, Any]

#: what a call can be; use of the product are the first three
KINDS = ("track", "page", "screen", "identify", "group", "alias", "other")
USE = frozenset({"track", "page", "screen"})
#: the longest id, and the longest name of an event, in characters; the largest event, in characters of its JSON
LONGEST_ID, LONGEST_NAME, LARGEST = 255, 200, 1_000_000
#: PostHog's own events that mean one of our kinds
POSTHOG_KINDS = {
    "$pageview": "page", "$screen": "screen", "$identify": "identify", "$set": "identify", "$set_once": "identify",
    "$groupidentify": "group", "$create_alias": "alias", "$merge_dangerously": "alias",
}  # fmt: skip
#: PostHog's own events that nobody did
POSTHOG_QUIET = frozenset(
    {"$pageleave", "$feature_flag_called", "$web_vitals", "$exception", "$snapshot", "$$heatmap", "$opt_in", "$performance_event"}
)  # fmt: skip
#: PostHog's kinds of groups that are accounts, the first that an event names counts
ACCOUNT_GROUPS = ("company", "organization", "organisation", "account", "customer", "workspace", "tenant", "group")
#: fields that differ when the same event is sent again
OF_THE_SENDING = frozenset({"sentAt", "sent_at", "receivedAt", "received_at", "writeKey", "api_key", "token"})


class EventError(ValueError):
    """An event that cannot be counted; the message says why."""


@dataclass(frozen=True, slots=True)
class Event:
    """An event that counts. `at` is a moment, `id` 16 bytes that are the same whenever the event is sent again."""

    id: bytes
    kind: str
    at: int
    actor: str
    #: another id of the same person, that is the actor's from now on; empty: none
    also: str
    #: the group that the event itself names; for a group call, the one that is told of; empty: none
    group: str
    #: empty: no use of the product
    feature: str
    traits: Raw = field(default_factory=dict)
    #: the event's own time was missing or could not be
    is_redated: bool = False


def text(value: object) -> str:
    """An id or a name as text that any database keeps; empty: there is none. A long one stays long."""
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return ""
    return str(value).replace("\0", "").encode("utf-8", "replace").decode().strip()


def hashed(told: str) -> bytes:
    return blake2b(told.encode("utf-8", "surrogatepass"), digest_size=16).digest()


def fault(raw: object, dialect: Dialect) -> str | None:
    """Why an event cannot be counted; None: it can."""
    if not isinstance(raw, Mapping):
        return "an event is an object"
    kind = kind_of(raw, dialect)
    if kind not in KINDS[:-1]:
        return f"type is one of {', '.join(KINDS[:-1])}"
    actor, also = _people(raw, kind, dialect)
    if not actor:
        return "it names nobody: " + ("userId or anonymousId" if dialect == "segment" else "distinct_id")
    if kind == "track" and not _name(raw):
        return "a track call names its event"
    if kind == "alias" and not also:
        return "an alias names the id before: " + ("previousId" if dialect == "segment" else "properties.alias")
    group = _group(raw, kind, dialect)
    if kind == "group" and not group:
        return "a group call names its group: " + ("groupId" if dialect == "segment" else "properties.$group_key")
    if max(len(actor), len(also), len(group)) > LONGEST_ID:
        return f"an id has up to {LONGEST_ID} characters"
    return None


def understood(raw: object, dialect: Dialect, sent: int | None, received: int, place: int = 0) -> Event:
    """The event. `place` tells apart events of one call that have neither an id nor a time. EventError: it cannot be counted."""
    wrong = fault(raw, dialect)
    if wrong or not isinstance(raw, Mapping):
        raise EventError(wrong)
    kind = kind_of(raw, dialect)
    own, sent = _times(raw, dialect, sent, received)
    at, redated = moments.happened(own, sent, received)
    actor, also = _people(raw, kind, dialect)
    feature = "" if kind not in USE else _name(raw)[:LONGEST_NAME] if kind == "track" else kind
    if dialect == "posthog" and feature in POSTHOG_QUIET:
        kind, feature = "other", ""
    return Event(
        _identity(raw, dialect, None if own is not None else (received, place)), kind, at, actor, also,
        _group(raw, kind, dialect), feature, _traits(raw, kind, dialect), redated,
    )  # fmt: skip


def kind_of(raw: Raw, dialect: Dialect) -> str:
    """What the call is, as it says itself; not always one of KINDS."""
    if dialect == "segment":
        told = raw.get("type")
        return told.lower() if isinstance(told, str) else ""
    return POSTHOG_KINDS.get(_name(raw), "track")


def _properties(raw: Raw) -> Raw:
    found = raw.get("properties")
    return found if isinstance(found, Mapping) else {}


def _part(raw: Raw, name: str) -> Raw:
    found = raw.get(name)
    return found if isinstance(found, Mapping) else {}


def _name(raw: Raw) -> str:
    return text(raw.get("event"))


def _people(raw: Raw, kind: str, dialect: Dialect) -> tuple[str, str]:
    """Who did it, and the other id by which the same person was known."""
    if dialect == "segment":
        user, anonymous = text(raw.get("userId")), text(raw.get("anonymousId"))
        before = text(raw.get("previousId")) if kind == "alias" else anonymous if user else ""
        return user or anonymous, before
    properties = _properties(raw)
    who = text(raw.get("distinct_id")) or text(properties.get("distinct_id")) or text(properties.get("$distinct_id"))
    if kind == "alias":
        # what was called so until now is called by the alias from now on
        alias = text(properties.get("alias"))
        return (alias or who, who if alias else "")
    return who, text(properties.get("$anon_distinct_id")) if kind == "identify" else ""


def _group(raw: Raw, kind: str, dialect: Dialect) -> str:
    properties = _properties(raw)
    if kind == "group":
        return text(raw.get("groupId")) if dialect == "segment" else text(properties.get("$group_key"))
    own = text(_part(raw, "context").get("groupId")) or text(raw.get("groupId"))
    groups = _part(properties, "$groups")
    if own or not groups:
        return own
    named = next((groups[one] for one in ACCOUNT_GROUPS if text(groups.get(one))), None)
    return text(named) if named is not None else text(next(iter(groups.values()))) if len(groups) == 1 else ""


def _times(raw: Raw, dialect: Dialect, sent: int | None, received: int) -> tuple[int | None, int | None]:
    """When the client says it happened, and when it says it was sent."""
    if dialect == "segment":
        own = moments.told(raw.get("timestamp"))
        own = own if own is not None else moments.told(raw.get("originalTimestamp"))
        own_sent = moments.told(raw.get("sentAt"))
        return own, own_sent if own_sent is not None else sent
    own, properties = moments.told(raw.get("timestamp")), _properties(raw)
    offset = raw.get("offset")
    if own is None and isinstance(offset, int) and not isinstance(offset, bool) and 0 <= offset < 10**12:
        return received - offset * 1_000, None
    as_it_is = properties.get("$ignore_sent_at") is True or _part(raw, "options").get("disable_skew_correction") is True
    return own, None if as_it_is else sent


def _identity(raw: Raw, dialect: Dialect, instead: tuple[int, int] | None) -> bytes:
    """The hash of the message id; where there is none, of all that the event says, and `instead` for a time it lacks."""
    names = ("messageId", "message_id") if dialect == "segment" else ("uuid", "messageId", "message_id")
    for name in names:
        told = text(raw.get(name))
        if told:
            return hashed(f"id {told.lower() if name == 'uuid' else told}")
    inserted = text(_properties(raw).get("$insert_id"))
    if inserted:
        return hashed(f"id {inserted}")
    said = {name: value for name, value in raw.items() if name not in OF_THE_SENDING}
    return hashed(f"content {instead} {json.dumps(said, sort_keys=True)}")


def _traits(raw: Raw, kind: str, dialect: Dialect) -> Raw:
    if kind not in ("identify", "group"):
        return {}
    if dialect == "segment":
        return _part(raw, "traits") or _part(_part(raw, "context"), "traits")
    properties = _properties(raw)
    if kind == "group":
        return _part(properties, "$group_set")
    once, always = (_part(properties, name) or _part(raw, name) for name in ("$set_once", "$set"))
    return {**once, **always}
