"""One event, in either dialect: who, what, for whom, when, and which id makes it the same event when it is sent again."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

import pytest

from holdfast.events import moments
from holdfast.events.moments import Days, happened, micros, told
from holdfast.events.reading import Dialect, Event, EventError, fault, understood

from .conftest import track

RECEIVED = micros(datetime(2026, 11, 20, 12, 0, tzinfo=UTC))
HOUR, MINUTE = 3_600_000_000, 60_000_000


def read(raw: dict[str, Any], dialect: Dialect = "segment", **given: Any) -> Event:
    return understood(raw, dialect, given.get("sent"), given.get("received", RECEIVED), given.get("place", 0))


# -- when ----------------------------------------------------------------------------------------------------------


def test_a_slow_clock_is_put_right_by_the_time_of_sending() -> None:
    """Segment: receipt − (sent − own). A clock two hours slow, an event ten minutes before it was sent."""
    own, sent = RECEIVED - 2 * HOUR - 10 * MINUTE, RECEIVED - 2 * HOUR
    assert happened(own, sent, RECEIVED) == (RECEIVED - 10 * MINUTE, False)


def test_a_clock_years_ahead_is_put_right_as_well() -> None:
    ahead = 3 * 365 * 24 * HOUR
    assert happened(RECEIVED + ahead - MINUTE, RECEIVED + ahead, RECEIVED) == (RECEIVED - MINUTE, False)


def test_without_a_time_of_sending_the_own_time_stands() -> None:
    assert happened(RECEIVED - HOUR, None, RECEIVED) == (RECEIVED - HOUR, False)


@pytest.mark.parametrize(
    ("own", "sent", "redated"),
    [
        (RECEIVED + 30 * 24 * HOUR, None, True),  # tomorrow's events are today's
        (RECEIVED + MINUTE, None, False),  # a little ahead is no fault worth a word
        (micros(datetime(1970, 1, 2, tzinfo=UTC)), None, True),
        (None, RECEIVED, True),
        (RECEIVED + HOUR * 48, RECEIVED, True),
    ],
)
def test_what_cannot_be_is_dated_on_receipt(own: int | None, sent: int | None, redated: bool) -> None:
    assert happened(own, sent, RECEIVED) == (RECEIVED, redated)


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2026-11-20T12:00:00Z", RECEIVED), ("2026-11-20T12:00:00.000Z", RECEIVED), ("2026-11-20T13:00:00+01:00", RECEIVED),
        ("2026-11-20T12:00:00", RECEIVED), (RECEIVED // 1_000_000, RECEIVED), (RECEIVED // 1_000, RECEIVED),
        (RECEIVED / 1_000_000, RECEIVED), ("soon", None), (True, None), (None, None), ({}, None), (float("inf"), None), ("", None),
        (10**400, 10**400 * 1000),
    ],
)  # fmt: skip
def test_times_are_read_as_clients_write_them(text: object, moment: int | None) -> None:
    assert told(text) == moment


def test_days_are_those_of_the_company() -> None:
    new_year = micros(datetime(2026, 12, 31, 23, 30, tzinfo=UTC))
    assert Days("UTC")(new_year) + 1 == Days("Europe/Berlin")(new_year) == Days("Asia/Kathmandu")(new_year)


def test_the_day_turns_at_midnight_of_a_zone_with_a_quarter_of_an_hour() -> None:
    """Kathmandu is 5:45 ahead: its 21 November begins at 18:15 UTC on the 20th."""
    turn = micros(datetime(2026, 11, 20, 18, 15, tzinfo=UTC))
    day = Days("Asia/Kathmandu")
    assert (day(turn - 1), day(turn)) == (date(2026, 11, 20).toordinal(), date(2026, 11, 21).toordinal())


def test_an_own_time_goes_before_the_original_one() -> None:
    """RudderStack's clients send both when the caller gave a time."""
    raw = track("u", on="2026-11-01T00:00:00Z", originalTimestamp="2026-11-20T11:59:00Z")
    assert read(raw).at == told("2026-11-01T00:00:00Z")
    assert read({**raw, "timestamp": None}).at == told("2026-11-20T11:59:00Z")


def test_an_event_may_say_itself_when_it_was_sent() -> None:
    raw = track("u", on="2026-11-20T09:50:00Z", sentAt="2026-11-20T10:00:00Z")
    assert read(raw, sent=None).at == RECEIVED - 10 * MINUTE


def test_posthog_tells_an_age_instead_of_a_time() -> None:
    raw = {"event": "x", "distinct_id": "u", "uuid": "1", "offset": 60_000}
    assert read(raw, "posthog", sent=RECEIVED - HOUR).at == RECEIVED - MINUTE


def test_posthog_may_say_that_its_time_is_as_it_is() -> None:
    raw = {
        "event": "x",
        "distinct_id": "u",
        "timestamp": "2026-11-20T10:00:00Z",
        "properties": {"$ignore_sent_at": True},
    }
    assert read(raw, "posthog", sent=RECEIVED - HOUR).at == RECEIVED - 2 * HOUR


# -- which id ------------------------------------------------------------------------------------------------------


def test_the_message_id_alone_decides() -> None:
    assert read(track("a", messageId="m")).id == read(track("b", "other", messageId="m")).id
    assert read(track("a", messageId="m")).id != read(track("a", messageId="M")).id


def test_both_vendors_ids_are_ids() -> None:
    posthog = {"event": "x", "distinct_id": "u", "uuid": "0192E4A0-0000-7000-8000-000000000000"}
    assert read(posthog, "posthog").id == read(posthog | {"uuid": str(posthog["uuid"]).lower()}, "posthog").id
    inserted = {"event": "x", "distinct_id": "u", "properties": {"$insert_id": "i1"}}
    assert read(inserted, "posthog").id == read({**inserted, "event": "y"}, "posthog").id


def test_without_an_id_the_content_is_the_id() -> None:
    one = track("a")
    assert (
        read(one, received=RECEIVED, place=0).id == read(dict(reversed(one.items())), received=RECEIVED + 5, place=7).id
    )
    assert len({read(x).id for x in (one, track("b"), track("a", "x"), track("a", on="2026-11-20T10:00:01Z"))}) == 4
    assert read(one).id == read(one | {"sentAt": "2026-11-20T11:00:00Z"}).id, "the time of sending is no content"


def test_without_an_id_and_a_time_every_receipt_is_an_event_of_its_own() -> None:
    one = track("a", on=None)
    assert len({read(one, received=r, place=p).id for r, p in ((RECEIVED, 0), (RECEIVED, 1), (RECEIVED + 1, 0))}) == 3


# -- who, what, for whom -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        (track("u"), ("track", "u", "", "", "Report opened")),
        (track("u", anonymousId="a"), ("track", "u", "a", "", "Report opened")),
        ({"type": "page", "anonymousId": "a", "name": "Home"}, ("page", "a", "", "", "page")),
        ({"type": "screen", "userId": 7}, ("screen", "7", "", "", "screen")),
        (track("u", group="acme"), ("track", "u", "", "acme", "Report opened")),
        (track("u", properties={"$groups": {"company": "acme", "team": "red"}}), ("track", "u", "", "acme", "Report opened")),
        ({"type": "group", "userId": "u", "groupId": "acme"}, ("group", "u", "", "acme", "")),
        ({"type": "identify", "userId": "u", "anonymousId": "a"}, ("identify", "u", "a", "", "")),
        ({"type": "alias", "userId": "u", "previousId": "a"}, ("alias", "u", "a", "", "")),
    ],
)  # fmt: skip
def test_segments_calls(raw: dict[str, Any], expected: tuple[str, ...]) -> None:
    event = read(raw)
    assert (event.kind, event.actor, event.also, event.group, event.feature) == expected


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        ({"event": "Saved", "properties": {"$groups": {"company": "acme"}}}, ("track", "u", "", "acme", "Saved")),
        ({"event": "Saved", "properties": {"$groups": {"team": "red"}}}, ("track", "u", "", "red", "Saved")),
        ({"event": "Saved", "properties": {"$groups": {"team": "red", "floor": "2"}}}, ("track", "u", "", "", "Saved")),
        ({"event": "$pageview"}, ("page", "u", "", "", "page")),
        ({"event": "$screen"}, ("screen", "u", "", "", "screen")),
        ({"event": "$identify", "properties": {"$anon_distinct_id": "a"}}, ("identify", "u", "a", "", "")),
        ({"event": "$groupidentify", "properties": {"$group_key": "acme", "$group_set": {"name": "Acme"}}}, ("group", "u", "", "acme", "")),
        ({"event": "$create_alias", "properties": {"alias": "new"}}, ("alias", "new", "u", "", "")),
        ({"event": "$feature_flag_called"}, ("other", "u", "", "", "")),
        ({"event": "$pageleave"}, ("other", "u", "", "", "")),
    ],
)  # fmt: skip
def test_posthogs_events(raw: dict[str, Any], expected: tuple[str, ...]) -> None:
    event = read({"distinct_id": "u", "uuid": "1", **raw}, "posthog")
    assert (event.kind, event.actor, event.also, event.group, event.feature) == expected


@pytest.mark.parametrize(
    ("raw", "dialect", "reason"),
    [
        ("text", "segment", "object"), ({"type": "click", "userId": "u"}, "segment", "type is one of"),
        ({"type": "other", "userId": "u"}, "segment", "type is one of"), ({"type": ["x"], "userId": "u"}, "segment", "type is one of"),
        ({"type": "track", "event": "x"}, "segment", "userId or anonymousId"), ({"type": "track", "userId": "u"}, "segment", "names its event"),
        ({"type": "group", "userId": "u"}, "segment", "groupId"), ({"type": "alias", "userId": "u"}, "segment", "previousId"),
        (track("u" * 256), "segment", "255"), ({"event": "x"}, "posthog", "distinct_id"), ({"distinct_id": "u"}, "posthog", "names its event"),
        ({"event": "$groupidentify", "distinct_id": "u"}, "posthog", "$group_key"),
        ({"event": "$create_alias", "distinct_id": "u"}, "posthog", "alias"),
    ],
)  # fmt: skip
def test_what_cannot_be_counted_says_why(raw: Any, dialect: Dialect, reason: str) -> None:
    assert reason in (fault(raw, dialect) or "")
    with pytest.raises(EventError):
        understood(raw, dialect, None, RECEIVED)


def test_odd_text_becomes_text_that_every_database_keeps() -> None:
    event = read(track("u\0\ud800", " Opened\0 ", group="g\udfff"))
    assert (event.actor, event.feature, event.group) == ("u?", "Opened", "g?")
    assert len(read(track("u", "x" * 5_000)).feature) == 200


def test_moments_come_back() -> None:
    assert moments.micros(moments.as_datetime(RECEIVED)) == RECEIVED
