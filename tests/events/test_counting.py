"""What events count for: each once for ever, by the company's day, for the group of its person, however late that is known."""

from __future__ import annotations

from datetime import timedelta
from itertools import permutations
from pathlib import Path
from typing import Any

import pytest

from .conftest import Events, group, identify, track

ACME, DAY = "events:acme", "2026-11-20"


def test_nothing_is_made_where_no_event_ever_came(tmp_path: Path) -> None:
    made = Events(tmp_path / "home")
    assert made.consume().events == 0
    assert not (tmp_path / "home" / "events").exists()
    assert made.counts() == {"received": 0, "distinct": 0, "repeated": 0, "rejected": 0, "redated": 0, "waiting": 0}


def test_use_is_counted_by_feature_and_in_all(events: Events) -> None:
    events.send(track("ann", group="acme", messageId="1"), track("bob", group="acme", messageId="2"))
    events.send(
        track("ann", "Exported", group="acme", messageId="3"),
        {"type": "page", "userId": "ann", "context": {"groupId": "acme"}, "timestamp": "2026-11-20T11:00:00Z"},
    )
    events.consume()
    assert events.usage() == {
        (ACME, DAY, "*"): (4, 2), (ACME, DAY, "Report opened"): (2, 2), (ACME, DAY, "Exported"): (1, 1), (ACME, DAY, "page"): (1, 1),
    }  # fmt: skip


def test_an_event_counts_once_for_ever(events: Events) -> None:
    one = track("ann", group="acme", messageId="1")
    events.send(one, one)
    events.consume()
    events.send(one, sentAt="2026-11-20T12:00:00Z")
    events.now += timedelta(days=400)
    events.send(one)
    events.consume()
    assert events.usage()[ACME, DAY, "*"] == (1, 1)
    assert events.counts() == {"received": 4, "distinct": 1, "repeated": 3, "rejected": 0, "redated": 0, "waiting": 0}


def test_what_waits_is_counted_already(events: Events) -> None:
    """`holdfast status` tells the truth also while nobody consumes."""
    events.send(track("ann", messageId="1"))
    events.consume()
    events.send(track("ann", messageId="1"), track("ann", messageId="2"), track("ann", messageId="2"), {"type": "odd"})
    before = events.counts()
    assert before == {"received": 5, "distinct": 2, "repeated": 2, "rejected": 1, "redated": 0, "waiting": 4}
    events.consume()
    assert events.counts() == before | {"waiting": 0}


def test_only_what_changed_is_landed(events: Events) -> None:
    events.send(track("ann", group="acme", messageId="1"), track("bob", group="zeta", messageId="2"))
    assert events.consume().landed == 6  # two features and two sums, and two parties
    events.send(track("ann", group="acme", messageId="3"), track("ann", group="acme", messageId="1"))
    assert events.consume().landed == 2
    assert events.consume().landed == 0
    assert events.rows_landed("usage_day") == 6


def test_facts_are_told_when_it_is_time(events: Events) -> None:
    events.send(track("ann", group="acme", messageId="1"))
    assert events.consume(tell=False).landed > 0, "the first time at once"
    events.send(track("ann", group="acme", messageId="2"))
    assert events.consume(tell=False).landed == 0
    assert events.counts()["distinct"] == 2, "counting goes on meanwhile"
    events.now += timedelta(minutes=10)
    assert events.consume(tell=False).landed == 2


def test_days_are_those_of_the_company(tmp_path: Path, db: None) -> None:
    events = Events(tmp_path / "home", "America/New_York")
    events.send(
        track("ann", group="acme", on="2026-11-20T04:59:59Z"), track("ann", group="acme", on="2026-11-20T05:00:00Z")
    )
    events.consume()
    assert {day for _, day, _ in events.usage()} == {"2026-11-19", "2026-11-20"}


def test_a_wrong_clock_is_put_right(events: Events) -> None:
    """The phone believes that it is 2031; it sends an event a day after it happened."""
    events.send(track("ann", group="acme", on="2031-05-01T10:00:00Z"), sentAt="2031-05-02T10:00:00Z")
    events.consume()
    assert {day for _, day, _ in events.usage()} == {"2026-11-19"}


def test_the_future_is_counted_today(events: Events) -> None:
    events.send(
        track("ann", group="acme", on="2040-01-01T00:00:00Z"), track("ann", group="acme", on="0001-01-01T00:00:00Z")
    )
    events.consume()
    assert events.usage()[ACME, DAY, "*"] == (2, 1)
    assert events.counts()["redated"] == 2


# -- whose ---------------------------------------------------------------------------------------------------------


def test_an_event_without_group_is_that_of_its_persons_group(events: Events) -> None:
    events.send(group("ann", "acme"), track("ann", messageId="1"), track("cyd", messageId="2"))
    events.consume()
    assert events.usage()[ACME, DAY, "*"] == (1, 1)
    assert len(events.usage()) == 2, "nobody knows whose cyd is"


def test_events_of_a_person_whose_group_is_known_later_are_attributed_then(events: Events) -> None:
    events.send(track("ann", on="2026-11-10T10:00:00Z"), track("ann", on="2026-11-18T10:00:00Z"))
    events.consume()
    assert events.usage() == {}
    events.send(group("ann", "acme"))
    events.consume()
    assert {key: value for key, value in events.usage().items() if key[2] == "*"} == {
        (ACME, "2026-11-10", "*"): (1, 1), (ACME, "2026-11-18", "*"): (1, 1),
    }  # fmt: skip


def test_who_changes_groups_takes_no_past_along(events: Events) -> None:
    events.send(group("ann", "acme", on="2026-11-01T00:00:00Z"), track("ann", on="2026-11-05T00:00:00Z"))
    events.send(group("ann", "zeta", on="2026-11-10T00:00:00Z"), track("ann", on="2026-11-12T00:00:00Z"))
    events.consume()
    assert {(a, d) for a, d, f in events.usage() if f == "*"} == {(ACME, "2026-11-05"), ("events:zeta", "2026-11-12")}


def test_an_earlier_group_call_that_comes_late_moves_what_it_explains(events: Events) -> None:
    events.send(group("ann", "zeta", on="2026-11-10T00:00:00Z"), track("ann", on="2026-11-05T00:00:00Z"))
    events.consume()
    assert ("events:zeta", "2026-11-05", "*") in events.usage()
    events.send(group("ann", "acme", on="2026-11-01T00:00:00Z"))
    events.consume()
    assert {(a, d) for a, d, f in events.usage() if f == "*"} == {(ACME, "2026-11-05")}, (
        "what zeta held before is taken back"
    )


def test_an_events_own_group_goes_before_its_persons(events: Events) -> None:
    events.send(group("ann", "zeta"), track("ann", group="acme"))
    events.consume()
    assert {a for a, _, _ in events.usage()} == {ACME}


def test_a_visitor_who_signs_in_is_one_person(events: Events) -> None:
    visitor = {"type": "page", "anonymousId": "cookie", "timestamp": "2026-11-20T09:00:00Z", "messageId": "p"}
    events.send(visitor, track("ann", messageId="1"), group("ann", "acme"))
    events.consume()
    assert events.usage()[ACME, DAY, "*"] == (1, 1), "the cookie may be anybody's"
    events.send(identify("ann", anonymous="cookie"))
    events.consume()
    assert events.usage()[ACME, DAY, "*"] == (2, 1)


def test_an_alias_makes_two_ids_one_person(events: Events) -> None:
    events.send(track("old", group="acme", messageId="1"), track("new", group="acme", messageId="2"))
    events.consume()
    assert events.usage()[ACME, DAY, "*"] == (2, 2)
    events.send({"type": "alias", "userId": "new", "previousId": "old", "timestamp": "2026-11-20T11:00:00Z"})
    events.consume()
    assert events.usage()[ACME, DAY, "*"] == (2, 1)


def test_aliases_in_a_circle_are_one_person(events: Events) -> None:
    ring = [("a", "b"), ("b", "c"), ("c", "a")]
    events.send(
        *[{"type": "alias", "userId": new, "previousId": old, "timestamp": "2026-11-20T11:00:00Z"} for old, new in ring]
    )
    events.send(*[track(one, group="acme") for one in "abc"])
    events.consume()
    assert events.usage()[ACME, DAY, "*"] == (3, 1)


STORY = [
    track("cookie", messageId="0", on="2026-11-02T10:00:00Z") | {"userId": None, "anonymousId": "cookie"},
    identify("ann", "2026-11-03T10:00:00Z", anonymous="cookie", email="ann@acme.example", name="Ann"),
    group("ann", "acme", on="2026-11-04T10:00:00Z", name="Acme", website="https://www.acme.example/"),
    group("ann", "zeta", on="2026-11-08T10:00:00Z", name="Zeta"),
    group("ann", "acme", on="2026-11-09T10:00:00Z", name="Acme Inc"),
    track("ann", messageId="5", on="2026-11-08T15:00:00Z"),
]


@pytest.mark.slow
def test_the_outcome_is_the_same_in_every_order(tmp_path: Path, db: None) -> None:
    """Twenty of the 720 orders of six calls, each call consumed for itself in some, all at once in others."""
    from holdfast.desk.models import Party

    outcomes = []
    for number, order in enumerate(list(permutations(STORY))[::36]):
        events = Events(tmp_path / str(number))
        for one in order:
            events.send(one)
            if number % 2:
                events.consume(tell=number % 4 == 1)
        events.consume()
        parties = sorted(Party.objects.values_list("external_id", "name", "domain"))
        outcomes.append((events.usage(), events.contacts(), parties))
        events.finish()
        Party.objects.all().delete()
    assert all(one == outcomes[0] for one in outcomes)
    assert {(a, d) for a, d, _ in outcomes[0][0]} == {(ACME, "2026-11-02"), ("events:zeta", "2026-11-08")}
    assert outcomes[0][2] == [("acme", "Acme Inc", "acme.example"), ("zeta", "Zeta", "")]


# -- people and parties --------------------------------------------------------------------------------------------


def test_people_whose_group_is_known_are_contacts(events: Events) -> None:
    events.send(
        identify("ann", email="Ann@Acme.example", firstName="Ann", lastName="Lee", title="CTO"),
        identify("bob", name="Bob"),
    )
    events.consume()
    assert events.contacts() == {}
    events.send(group("ann", "acme"), track("bob", group="zeta"))
    events.consume()
    told = events.contacts()
    assert told["events:ann"] == (ACME, "Ann Lee", "ann@acme.example", "CTO")
    events.send(
        identify("ann", on="2026-11-20T11:00:00Z", title="CEO"),
        identify("ann", on="2026-11-01T11:00:00Z", title="Intern"),
    )
    events.consume()
    assert events.contacts()["events:ann"] == (ACME, "Ann Lee", "ann@acme.example", "CEO")


def test_groups_are_parties_with_what_is_told_of_them(events: Events) -> None:
    from holdfast.desk.models import Party

    events.send(
        group(
            "ann",
            "acme",
            name="Acme",
            website="https://www.Acme.example/about",
            stripe_customer_id="cus_1",
            accountId="77",
            planId="x",
        ),
        track("bob", group="zeta"),
    )
    events.consume()
    acme = Party.objects.get(system="events", external_id="acme")
    assert (acme.name, acme.domain, acme.keys, acme.state) == ("Acme", "acme.example", ["77", "stripe:cus_1"], "new")
    assert Party.objects.get(external_id="zeta").name == ""
    Party.objects.filter(external_id="acme").update(state="confirmed", account_id="a1")
    events.send(group("ann", "acme", on="2026-11-20T11:00:00Z", name="Acme Inc"))
    events.consume()
    acme.refresh_from_db()
    assert (acme.name, acme.state, acme.account_id) == ("Acme Inc", "confirmed", "a1"), "what a person decided stays"


# -- bad ones ------------------------------------------------------------------------------------------------------


def test_a_bad_event_is_kept_and_loses_no_good_one(events: Events) -> None:
    from holdfast.flows.events_in import rejects_path

    bad: list[Any] = [
        {"type": "track", "userId": "ann", "note": "ключ", "writeKey": "hf_secret"},
        "text",
        None,
        5,
        ["x"],
    ]
    events.send(track("ann", group="acme", messageId="1"), *bad, track("ann", group="acme", messageId="2"))
    events.consume()
    assert events.usage()[ACME, DAY, "*"] == (2, 1)
    assert events.counts() == {"received": 7, "distinct": 2, "repeated": 0, "rejected": 5, "redated": 0, "waiting": 0}
    listed = rejects_path(events.path).read_text().splitlines()
    assert len(listed) == 5 and "names its event" in listed[-1] and "hf_secret" not in "".join(listed)


def test_the_list_of_rejects_is_bounded_and_their_number_is_not(events: Events) -> None:
    from holdfast.flows.events_in import rejects_path

    for _ in range(3):
        events.send(*[{"type": "odd", "n": n} for n in range(600)])
        events.consume()
    assert events.counts()["rejected"] == 1_800
    assert len(rejects_path(events.path).read_text().splitlines()) == 1_000


@pytest.mark.parametrize("name", ["Ü", "'; drop table seen; --", "*", "a" * 500, "\U0001f600"])
def test_any_name_of_an_event_is_a_feature(events: Events, name: str) -> None:
    events.send(track("ann", name, group="acme"))
    events.consume()
    assert (ACME, DAY, name[:200]) in events.usage()
