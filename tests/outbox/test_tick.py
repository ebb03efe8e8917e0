"""What runs by itself: news of the home is told once, and where one part breaks the others still run."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest

from holdfast.desk.models import Event, Mail
from holdfast.flows import events, observe, outbox
from holdfast.flows.home import open_home
from holdfast.flows.tick import Ticker, alone, recover

from ..flows.homes import DOLLARS, load_text
from .conftest import NOW
from .receivers import Mailbox

pytestmark = pytest.mark.slow

DOCS = Path(__file__).parents[2] / "docs"


def told(kind: str) -> list[dict[str, Any]]:
    return [event.data for event in Event.objects.filter(kind=kind).order_by("pk")]


@pytest.fixture
def booked(home: Path) -> Path:
    """A company that shrinks for three quarters, loaded and booked."""
    from holdfast.flows.book import book

    lines = ["account,subscription,amount,currency,interval,status,start"]
    lines += [
        f"a{n},s{n},{1000 - 20 * month},USD,month,active,{2024 + month // 12}-{month % 12 + 1:02}-01"
        for n in range(3)
        for month in range(23)
    ]
    home_ = open_home(home)
    load_text(home_, "subscriptions.csv", "\n".join(lines), NOW)
    book(home_, NOW, date(2025, 11, 30))
    return home


def test_news_of_the_home_is_told_once(booked: Path) -> None:
    home = open_home(booked)
    assert observe.notice(home, NOW) > 0
    assert observe.notice(home, NOW + timedelta(minutes=1)) == 0
    assert told("publication.created")[0]["generation"] == 1
    assert {one["table"] for one in told("load.finished")} >= {"subscription_item"}


def test_an_nrr_below_100_is_an_alarm(booked: Path) -> None:
    observe.notice(open_home(booked), NOW)
    alarm = told("nrr.below_100")[0]
    assert alarm["quarters"] >= 2 and alarm["nrr"] < 1 and alarm["currency"] == DOLLARS.reporting


def test_a_signed_month_is_told(booked: Path) -> None:
    from holdfast.flows import close

    home = open_home(booked)
    observe.notice(home, NOW)
    close.close(home, "2025-06", "Alice", NOW)
    assert observe.notice(home, NOW) == 1
    assert told("month.closed")[0]["signed_by"] == "Alice"


def test_what_is_long_ago_is_no_news(booked: Path) -> None:
    assert observe.notice(open_home(booked), NOW + timedelta(days=8)) == 0
    assert not Event.objects.exists()


def test_what_programs_told_us_is_not_told_back(home: Path) -> None:
    from holdfast.flows.upsert import upsert_accounts

    upsert_accounts(open_home(home), {"a1": {"name": "Acme"}}, NOW)
    assert observe.notice(open_home(home), NOW) == 0


def test_every_event_has_the_data_that_the_catalogue_describes(booked: Path) -> None:
    from holdfast.flows import close, handover, notes

    home = open_home(booked)
    close.close(home, "2025-06", "Alice", NOW)
    observe.notice(home, NOW)
    handover.hand_over(["a1"], handover.Order("Alice", NOW.date()), NOW)
    notes.write("a1", "Hello", None, NOW)
    seen = set()
    for event in Event.objects.all():
        jsonschema_rs.validate(events.CATALOGUE[event.kind].schema, event.data)
        seen.add(event.kind)
    # what the watch and CTAs tell has tests of its own
    assert seen == set(events.SUBSCRIBABLE) - {"signal.raised", "health.changed", "cta.opened", "cta.closed"}


@pytest.mark.parametrize("kind", events.CATALOGUE.values(), ids=lambda kind: kind.name)
def test_every_example_is_valid_and_stands_in_the_documentation(kind: events.Kind) -> None:
    jsonschema_rs.meta.validate(dict(kind.schema))
    jsonschema_rs.validate(kind.schema, kind.example)
    text = (DOCS / "webhooks.md").read_text()
    assert f"### {kind.name}\n\n{kind.when}\n" in text
    examples = [json.loads(part.partition("```")[0]) for part in text.split("```json\n")[1:]]
    assert {"type": kind.name, "timestamp": "2026-11-20T09:00:00+00:00", "data": kind.example} in examples


def test_a_part_that_breaks_leaves_the_others_running(mailbox: Mailbox, home: Path) -> None:
    (home / "landing" / "loads.jsonl").write_text("not a manifest\n")
    outbox.queue_mail("digest", "alice@example.com", "Your week", "Two.", "", [], "e1", NOW)
    assert Ticker(home).tick(datetime.now(UTC)) == 1
    assert len(mailbox.messages) == 1


def test_one_works_at_a_time(home: Path) -> None:
    with alone(home) as first, alone(home) as second:
        assert first and not second
    with alone(home) as third:
        assert third


def test_a_new_ticker_finds_what_the_last_one_left(home: Path) -> None:
    outbox.queue_mail("digest", "alice@example.com", "Your week", "Two.", "", [], "e1", NOW)
    outbox.claim(Mail.objects.all(), NOW, 1)
    assert recover(NOW) == 1
    assert Mail.objects.get().state == "unknown" and "not known" in Mail.objects.get().error
