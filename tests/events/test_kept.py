"""Single events in landing: kept once, made whole again from there, put together by day, and let go past their time."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from holdfast.events import counts as tables
from holdfast.events import journal, kept
from holdfast.flows import events_again, events_in, events_kept

from .conftest import NOW, Events, group, identify, track


def fill(events: Events, first: int = 0) -> None:
    """Some of everything."""
    events.send(
        *[track(f"u{n % 3}", messageId=str(first + n), on="2026-11-19T10:00:00Z") for n in range(6)], {"type": "odd"}
    )
    events.send(
        track("u0", messageId=str(first)),
        track("u9", "Exported", group="zeta", messageId=f"z{first}", on="2051-01-01T00:00:00Z"),
    )
    events.send(
        group("u0", "acme", name="Acme"), identify("u1", anonymous="u2", email="u1@acme.example"), group("u1", "acme")
    )


def journals(events: Events) -> list[Path]:
    return journal.files(journal.folder_of(events.path))


def state(events: Events) -> dict[str, list[Any]]:
    """All that is known, without the numbers that things happen to have."""
    import sqlite3

    db = sqlite3.connect(tables.path_of(events.path))
    asked = {
        "seen": "select id from seen order by 1", "groups": "select name, traits from grp order by 1",
        "counted": "select day, a.name, coalesce(g.name, ''), f.name, n from counted c join actor a on a.no = c.actor "
        "left join grp g on g.no = c.grp join feature f on f.no = c.feature order by 1, 2, 3, 4",
        "people": "select a.name, traits from person p join actor a on a.no = p.actor order by 1",
        "leaders": "select a.name, b.name from actor a join actor b on b.no = a.leader order by 1",
        "members": "select a.name, day, at, g.name from membership m join actor a on a.no = m.actor join grp g on g.no = m.grp order by 1, 2",
    }  # fmt: skip
    told = {name: db.execute(query).fetchall() for name, query in asked.items()}
    db.close()
    return told | {"totals": [events.counts()]}


def test_a_finished_file_becomes_parquet_without_repeats(events: Events) -> None:
    fill(events)
    events.consume()
    assert events.kept() == [] and len(journals(events)) == 1, "it is still written"
    events.finish()
    assert events.consume().kept == 10
    assert journals(events) == []
    assert len(events.kept()) == 10
    fill(events)
    events.finish()
    assert events.consume().kept == 0
    assert (len(events.kept()), events.counts()["repeated"]) == (10, 12)


def test_what_was_kept_is_told_again_exactly(events: Events) -> None:
    fill(events)
    events.finish()
    events.consume()
    fill(events, 100)
    events.consume()
    before, usage, contacts = state(events), events.usage(), events.contacts()
    assert events_in.rebuild(events.path) == events.counts()
    assert state(events) == before
    assert events.consume().landed <= 2, "the facts are the same; the parties are told once more"
    assert (events.usage(), events.contacts()) == (usage, contacts)


def test_lost_counts_are_made_again_by_themselves(events: Events) -> None:
    fill(events)
    events.finish()
    events.consume()
    before = state(events)
    for path in tables.path_of(events.path).parent.glob("events.sqlite3*"):
        path.unlink()
    fill(events)
    events.consume()
    assert (
        state(events)["seen"][: len(before["seen"])] and events.counts()["distinct"] == before["totals"][0]["distinct"]
    )
    assert state(events)["counted"] == before["counted"]


@pytest.mark.parametrize("step", ["parquet written", "journal removed", "never"])
def test_a_crash_while_keeping_changes_nothing(events: Events, monkeypatch: pytest.MonkeyPatch, step: str) -> None:
    """Cut off after each durable step, then consumed again: the same ids, counts and single events."""

    class Cut(Exception):  # noqa: N818
        pass

    def cut(*_: Any) -> None:
        raise Cut

    fill(events)
    events.finish()
    events.consume(tell=False)
    before = state(events)
    with monkeypatch.context() as broken:
        if step == "parquet written":
            broken.setattr(events_kept, "_drop", cut)
        elif step == "journal removed":
            broken.setattr(tables.Counts, "forget_journals", cut)
        if step != "never":
            with pytest.raises(Cut):
                events.consume()
            assert state(events) == before
    events.consume()
    assert state(events) == before
    assert (journals(events), len(events.kept())) == ([], 10)
    events_in.rebuild(events.path)
    assert state(events) == before


def test_a_half_written_part_is_none(events: Events) -> None:
    fill(events)
    events.finish()
    events.consume()
    folder = kept.folder_of(events.path)
    (folder / "2026-11-20-00009.tmp").write_bytes(b"PAR1")
    events_in.rebuild(events.path)
    assert events.counts()["distinct"] == 10


def test_the_parts_of_a_day_that_is_over_are_put_together(events: Events) -> None:
    for n in range(3):
        events.send(track("ann", messageId=str(n)))
        events.finish()
        events.consume()
    folder = kept.folder_of(events.path)
    assert len(list(folder.glob("*.parquet"))) == 3
    before, rows = state(events), events.kept()
    events.now += timedelta(days=1)
    events.consume()
    assert len(list(folder.glob("*.parquet"))) == 1
    assert events.kept() == rows
    events_in.rebuild(events.path)
    assert state(events) == before


def test_a_crash_while_putting_together_counts_nothing_twice(events: Events, monkeypatch: pytest.MonkeyPatch) -> None:
    for n in range(3):
        events.send(track("ann", messageId=str(n)))
        events.finish()
        events.consume()
    before = state(events)
    events.now += timedelta(days=1)
    with monkeypatch.context() as broken:
        broken.setattr(kept, "remove", lambda paths: None)
        events_kept.put_together(kept.folder_of(events.path), events.now.date())
    assert len(list(kept.folder_of(events.path).glob("*.parquet"))) == 4
    events_in.rebuild(events.path)
    assert state(events) == before
    events.consume()
    assert len(list(kept.folder_of(events.path).glob("*.parquet"))) == 1


# -- past their time -----------------------------------------------------------------------------------------------


def test_single_events_are_kept_for_ever_unless_told_otherwise(events: Events) -> None:
    fill(events)
    events.finish()
    events.consume()
    events.now += timedelta(days=4_000)
    events.consume()
    assert len(events.kept()) == 10


def test_past_their_time_ids_and_counts_stay_and_single_events_go(events: Events) -> None:
    from holdfast.desk.models import BookSettings

    fill(events)
    events.finish()
    events.consume()
    before, usage = state(events), events.usage()
    BookSettings.objects.update_or_create(pk=1, defaults={"keep_event_days": 30})
    events.now = NOW + timedelta(days=30)
    events.consume()
    assert any(row[2] for row in events.kept()), "on the last day they are there"
    events.now = NOW + timedelta(days=31)
    events.consume()
    assert not any(row[2] for row in events.kept())
    assert "u1@acme.example" not in str(
        [list(kept.read(path)) for path in kept.folder_of(events.path).glob("*.parquet")]
    )
    assert events_in.rejects_path(events.path).read_text() == "", "rejects are single events as well"
    assert state(events) == before
    events_in.rebuild(events.path)
    after = state(events)
    assert {name for name in after if after[name] != before[name]} == {"people"}, (
        "who people were is a matter of contacts"
    )
    assert events.usage() == usage
    fill(events)
    events.consume()
    assert events.counts()["distinct"] == before["totals"][0]["distinct"], "a repeat after years is still a repeat"


# -- erased --------------------------------------------------------------------------------------------------------


def test_a_person_is_forgotten_and_their_use_stays(events: Events) -> None:
    events.send(identify("ann", anonymous="cookie", email="Ann@acme.example", name="Ann Lee"), group("ann", "acme"))
    events.send(
        track("ann", messageId="1", properties={"about": "Ann Lee"}),
        track("cookie", messageId="2"),
        track("bob", group="acme", messageId="3"),
    )
    events.send({"type": "track", "userId": "ann"})
    events.finish()
    events.consume()
    events.send(track("ann", messageId="4"))
    usage = events.usage()
    erased = events_in.erase(events.path, "ann@ACME.example")
    assert erased == {"people": 2, "events": 4, "rejects": 1}
    events.finish()
    events.consume()
    everything = (
        str([list(kept.read(path)) for path in kept.folder_of(events.path).glob("*.parquet")]).lower()
        + str(state(events)).lower()
    )
    assert "ann" not in everything and "cookie" not in everything
    key = ("events:acme", "2026-11-20", "*")
    assert usage[key] == (3, 2) and events.usage()[key] == (4, 2), "counts stay, and what was on its way is counted"
    assert events_in.erase(events.path, "ann@acme.example") == {"people": 0, "events": 0, "rejects": 0}


def test_who_was_erased_and_comes_again_stays_nobody(events: Events) -> None:
    events.send(identify("ann", email="ann@acme.example"), group("ann", "acme"))
    events.consume()
    events_in.erase(events.path, "ann@acme.example")
    events.send(identify("ann", on="2026-11-20T11:00:00Z", email="ann@acme.example"), track("ann", messageId="1"))
    events.finish()
    events.consume()
    events_in.rebuild(events.path)
    assert "ann" not in str(state(events)) and "ann" not in str(events.kept())
    assert events.usage()["events:acme", "2026-11-20", "*"] == (1, 1)


def test_counts_are_ready_once(events: Events, monkeypatch: pytest.MonkeyPatch) -> None:
    fill(events)
    events.consume()

    def never(*_: Any) -> None:
        raise AssertionError("made again without need")

    monkeypatch.setattr(events_again, "replay", never)
    events.consume()
