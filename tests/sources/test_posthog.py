"""PostHog: usage counted by day, account and event; late events, pages, asynchronous answers, and what is refused."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from holdfast.domain.matching import PartyTold
from holdfast.sources import posthog_query
from holdfast.sources.access import Access
from holdfast.sources.shelf.posthog import SOURCE, check
from holdfast.sources.source import Facts, SourceError, Span

from ..emulators.posthog import KEY, PostHog
from ..emulators.serving import Answer
from .crm_facts import facts_of
from .harness import Reader

pytestmark = pytest.mark.slow

NOW = datetime(2026, 3, 10, 12, tzinfo=UTC)


@pytest.fixture
def posthog(monkeypatch: pytest.MonkeyPatch) -> Iterator[PostHog]:
    monkeypatch.setenv("HOLDFAST_ALLOW_HOSTS", "127.0.0.1")
    monkeypatch.setenv("HOLDFAST_RETRY_PAUSE", "0")
    monkeypatch.setattr(posthog_query, "PAUSE", 0.001)
    with PostHog() as one:
        one.group(
            "acme",
            name="Acme Zürich",
            website="https://www.acme.example/about",
            stripe_customer_id="cus_1",
            customer_id=42,
        )
        one.happened("2026-03-08T09:00:00Z", "report", "acme", "p1", times=3, email="Ada@acme.example", name="Ada")
        one.happened("2026-03-08T10:00:00Z", "report", "acme", "p2")
        one.happened("2026-03-08T11:00:00Z", "$pageview", "acme", "p1", email="Ada@acme.example")
        one.happened("2026-03-08T11:00:00Z", "$autocapture", "acme", "p3", times=9)
        one.happened("2026-03-09T11:00:00Z", "größe 🔥's", "bolt", "p4")
        one.happened("2026-03-09T11:00:00Z", "report", None, "p5", email="nobody@gmail.com")
        yield one


def access(posthog: PostHog, **settings: str) -> Access:
    return Access({"base_url": posthog.url, "project": "7"} | settings, {"key": KEY})


def reader(posthog: PostHog, folder: Path, **settings: str) -> Reader:
    """With so short a past that its first listing is one piece."""
    told = access(posthog, **settings)
    return Reader(replace(SOURCE, begins=NOW - timedelta(days=60)), folder, told.settings, told.secrets)


def look(posthog: PostHog, **settings: str) -> Facts:
    """What is told by one look, without landing it."""
    return facts_of(SOURCE, access(posthog, **settings), NOW)


def usage(one: Reader | Facts) -> list[tuple[Any, ...]]:
    found = one if isinstance(one, Facts) else one.facts(NOW)
    rows = found.rows.get("usage_day", [])
    return sorted((r["account_id"], str(r["day"]), r["feature"], r["events"], r["active_users"]) for r in rows)


def questions(posthog: PostHog) -> list[str]:
    return [sql for sql in posthog.questions if "count(distinct" in sql]


# -- usage ---------------------------------------------------------------------------------------------------------


def test_usage_is_counted_by_day_account_and_event_and_all_together(posthog: PostHog, tmp_path: Path) -> None:
    one = reader(posthog, tmp_path)
    one.pull(NOW)
    assert usage(one) == [
        ("acme", "2026-03-08", "*", 5, 2), ("acme", "2026-03-08", "page", 1, 1), ("acme", "2026-03-08", "report", 4, 2),
        ("bolt", "2026-03-09", "*", 1, 1), ("bolt", "2026-03-09", "größe 🔥's", 1, 1),
    ]  # fmt: skip


def test_events_can_be_left_out_or_chosen(posthog: PostHog) -> None:
    without = look(posthog, without="report, größe 🔥's")
    assert usage(without) == [("acme", "2026-03-08", "*", 1, 1), ("acme", "2026-03-08", "page", 1, 1)]
    assert usage(look(posthog, only="page")) == usage(without)


def test_an_event_called_as_our_word_for_page_views_is_counted_with_them(posthog: PostHog) -> None:
    posthog.happened("2026-03-08T12:00:00Z", "page", "acme", "p2", times=2)
    assert ("acme", "2026-03-08", "page", 3, 1) in usage(look(posthog))


def test_late_events_change_a_days_count_and_earlier_days_are_not_asked_for(posthog: PostHog, tmp_path: Path) -> None:
    one = reader(posthog, tmp_path)
    one.pull(NOW)
    asked = len(questions(posthog))
    posthog.happened("2026-03-08T23:00:00Z", "report", "acme", "p9")
    posthog.happened("2026-02-01T23:00:00Z", "report", "acme", "p9")
    again = one.pull(NOW + timedelta(hours=1))
    assert again.new == {"count": 2} and len(questions(posthog)) == asked + 2
    assert ("acme", "2026-03-08", "report", 5, 3) in usage(one) and not [
        row for row in usage(one) if row[1] < "2026-03"
    ]
    states = one.raw.told(["count"], ["acme"])
    [(_, objects)] = list(states)
    assert [state.obj["events"] for state in objects["count"]["2026-03-08|acme|report"]] == [4, 5]
    assert one.pull(NOW + timedelta(hours=2)).new == {}


@pytest.mark.slow
def test_a_long_past_is_counted_in_windows_without_gap_or_overlap(posthog: PostHog, tmp_path: Path) -> None:
    posthog.days(date(2025, 9, 1), 190, "old")
    one = reader(posthog, tmp_path)
    # all the pieces that there are since the first PostHog; the last of them ends within the 190 days
    one.source = SOURCE
    one.pull(NOW)
    rows = usage(one)
    days = [row[1] for row in rows if row[0] == "old" and row[2] == "report"]
    assert len(days) == 190 == len(set(days))
    assert all(row[3] == 1 for row in rows if row[0] == "old")
    assert one.raw.rows("count") == 190 * 2 + 5


def test_answers_are_read_page_by_page(posthog: PostHog, monkeypatch: pytest.MonkeyPatch) -> None:
    posthog.days(date(2026, 3, 1), 7, "acme")
    in_one = usage(look(posthog))
    assert [row[1] for row in in_one if row[2] == "report"] == [f"2026-03-0{day}" for day in range(1, 9)]
    monkeypatch.setattr(posthog_query, "PAGE", 2)
    posthog.questions.clear()
    assert usage(look(posthog)) == in_one
    # 10 counts of an event end with a page that is empty, 9 counts of all events with one that is not full
    offsets = [int(sql.rpartition(" ")[2]) for sql in questions(posthog)]
    assert offsets == [0, 2, 4, 6, 8, 10, 0, 2, 4, 6, 8]


def test_days_are_those_of_the_time_zone_that_was_set(posthog: PostHog) -> None:
    posthog.happened("2026-03-05T23:30:00Z", "report", "night", "p1")
    assert ("night", "2026-03-05", "report", 1, 1) in usage(look(posthog))
    assert ("night", "2026-03-06", "report", 1, 1) in usage(look(posthog, timezone="Europe/Berlin"))


def test_an_answer_that_takes_its_time_is_looked_after(posthog: PostHog) -> None:
    posthog.looks = 4
    assert len(usage(look(posthog))) == 5
    looks = [asked for asked in posthog.asked if asked.method == "GET" and "/query/" in asked.path]
    assert len(looks) == 4 * len(posthog.questions) >= 8


def test_a_question_that_fails_is_told(posthog: PostHog) -> None:
    answered = posthog.query
    posthog.query = lambda asked, number: _failing(posthog, answered(asked, number))  # type: ignore[method-assign]
    with pytest.raises(SourceError, match="Query exceeds memory limits"):
        check(access(posthog))


def _failing(posthog: PostHog, told: Answer) -> Answer:
    posthog.answers[told.body["query_status"]["id"]] = (0, "Query exceeds memory limits")
    return told


def test_an_answer_that_never_comes_is_given_up(posthog: PostHog, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(posthog_query, "PATIENCE", 0.05)
    posthog.looks = 10**6
    with pytest.raises(SourceError, match="did not answer in time"):
        check(access(posthog))


@pytest.mark.parametrize(
    "fault", [Answer(429, {"detail": "throttled"}, {"Retry-After": "0"}), Answer(500, {}), Answer(503, {})]
)
def test_throttling_and_faults_are_waited_out(posthog: PostHog, fault: Answer) -> None:
    posthog.faults += [fault, fault]
    assert len(usage(look(posthog))) == 5 and not posthog.faults


# -- who they are --------------------------------------------------------------------------------------------------


def test_groups_are_told_as_parties_with_what_they_are_known_by(posthog: PostHog, tmp_path: Path) -> None:
    for place in range(5):
        posthog.group(f"g{place}", name=f"G{place}", domain="", account_id=None, id=True)
    one = reader(posthog, tmp_path)
    assert one.pull(NOW).listed["group"] == 6
    parties = {party.external_id: party for party in one.facts(NOW).parties}
    assert parties["acme"] == PartyTold("acme", "Acme Zürich", "acme.example", ("stripe:cus_1", "42"))
    assert parties["bolt"] == PartyTold("bolt") and parties["g4"] == PartyTold("g4", "G4")
    posthog.project.groups = [one for one in posthog.project.groups if one["group_key"] != "g4"]
    one.pull(NOW + timedelta(days=1))
    assert {party.external_id for party in one.facts(NOW).parties if party.is_gone} == {"g4"}


def test_without_groups_accounts_are_the_domains_of_people(posthog: PostHog) -> None:
    found = look(posthog, by="domain")
    assert usage(found) == [
        ("acme.example", "2026-03-08", "*", 4, 1), ("acme.example", "2026-03-08", "page", 1, 1),
        ("acme.example", "2026-03-08", "report", 3, 1),
    ]  # fmt: skip
    assert found.parties == [PartyTold("acme.example", domain="acme.example")]


def test_people_become_contacts_where_that_is_wanted(posthog: PostHog, tmp_path: Path) -> None:
    assert "contact" not in look(posthog).rows
    one = reader(posthog, tmp_path, persons="yes")
    one.pull(NOW)
    assert one.facts(NOW).rows["contact"] == [
        {
            "contact_id": "p1",
            "account_id": "acme",
            "email": "ada@acme.example",
            "name": "Ada",
            "joined_on": date(2026, 3, 8),
        }
    ]


def test_people_who_did_nothing_for_a_year_are_not_asked_for(posthog: PostHog) -> None:
    def listed(now: datetime) -> list[str]:
        pages = SOURCE.stream("person").read(access(posthog, persons="yes"), Span(now=now))
        return [person["id"] for page in pages for person in page]

    assert listed(NOW + timedelta(days=363)) == ["p1"]
    assert listed(NOW + timedelta(days=364)) == []


def test_a_count_that_is_none_is_told_as_bad(posthog: PostHog, tmp_path: Path) -> None:
    one = reader(posthog, tmp_path)
    one.pull(NOW, kept={"count": [{"day": "no day", "account": "acme", "event": "x", "events": 1, "persons": 1}]})
    found = one.facts(NOW)
    assert [(bad.stream, bad.object_id) for bad in found.bad] == [("count", "no day|acme|x")]
    assert len(found.rows["usage_day"]) == 5


# -- trying --------------------------------------------------------------------------------------------------------


def test_it_is_checked_by_a_first_question(posthog: PostHog) -> None:
    told = check(access(posthog))
    assert (
        told.seen == {"group": 1} and told.who.startswith("project 7: 16 events since 2026-03-08") and not told.warnings
    )


@pytest.mark.parametrize(
    ("settings", "secret", "scopes", "problem"),
    [
        ({}, "phx_wrong", {"query:read", "group:read"}, "does not know the key"),
        ({}, KEY, {"group:read"}, "missing required scope 'query:read'"), ({}, KEY, {"query:read"}, "missing required scope 'group:read'"),
        ({"project": "8"}, KEY, {"query:read", "group:read"}, "no such project"),
        ({"project": "x/../8"}, KEY, {"query:read", "group:read"}, "not the number of a project"),
        ({"group_type": "planet"}, KEY, {"query:read", "group:read"}, "no group type 'planet'; there are project, company"),
    ],
)  # fmt: skip
def test_what_is_refused_is_explained(
    posthog: PostHog, settings: dict[str, str], secret: str, scopes: set[str], problem: str
) -> None:
    posthog.scopes = scopes
    told = {"base_url": posthog.url, "project": "7"} | settings
    with pytest.raises(SourceError, match=problem) as refused:
        check(Access(told, {"key": secret}))
    assert secret not in refused.value.problem + refused.value.remedy


def test_by_domain_the_scope_of_groups_is_not_needed(posthog: PostHog) -> None:
    posthog.scopes = {"query:read"}
    assert check(access(posthog, by="domain")).seen == {"group": 0}


def test_a_project_without_the_usual_group_type_must_name_one(posthog: PostHog) -> None:
    posthog.project.types = []
    with pytest.raises(SourceError, match="the project has none"):
        check(access(posthog))


def test_a_project_without_events_is_the_wrong_one(posthog: PostHog) -> None:
    posthog.project.events = []
    with pytest.raises(SourceError, match="no events"):
        check(access(posthog))
