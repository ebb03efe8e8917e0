"""What people do with CTAs: their own, taking up, putting off, passing on, notes, closing; and their word on an account."""

from __future__ import annotations

from datetime import timedelta

import pytest

from holdfast.desk.models import AuditEntry, Cta, Event, Sentiment
from holdfast.flows import ctas, ctas_sentiment, ctas_work
from holdfast.flows.ctas_work import By, ClosedError, CtaError, Written

from .conftest import NOW, TODAY
from .wanted import PLENTY, wanted

pytestmark = pytest.mark.usefixtures("desk")

BY = By(NOW)


@pytest.fixture
def row() -> Cta:
    ctas.open_from([wanted()], NOW, TODAY, PLENTY)
    return Cta.objects.get()


def test_ones_own_stands_on_the_list_and_is_told_without_its_words() -> None:
    row = ctas_work.write("acme", Written("opportunity", "Offer the add-on", "They asked.", owner="Alice"), BY)
    assert (row.state, row.is_own, row.seen_on) == ("open", True, None)
    told = Event.objects.get(kind="cta.opened").data
    assert (told["title"], told["sentence"]) == (None, None) and "add-on" not in str(told)
    # two of one's own of the same kind are two
    ctas_work.write("acme", Written("opportunity", "Offer the add-on", owner="Alice"), BY)
    assert Cta.objects.count() == 2


def test_ones_own_is_no_matter_of_what_signals_ask_for() -> None:
    own = ctas_work.write("acme", Written("risk", "Talk"), BY)
    ctas.open_from([wanted()], NOW, TODAY, PLENTY)
    own.refresh_from_db()
    assert own.title == "Talk" and Cta.objects.count() == 2


@pytest.mark.parametrize(
    "given",
    [
        {"kind": "portfolio", "title": "x"}, {"kind": "risk", "title": ""}, {"kind": "risk", "title": "x" * 201},
        {"kind": "risk", "title": "x", "at_stake_minor": -1}, {"kind": "risk", "title": "x", "severity": 4},
        {"kind": "risk", "title": "x", "sentence": "x" * 10_001},
    ],
)  # fmt: skip
def test_what_cannot_be_written_is_refused(given: dict[str, object]) -> None:
    with pytest.raises(CtaError):
        Written(**given)  # type: ignore[arg-type]


def test_a_snooze_lies_ahead_and_within_a_year(row: Cta) -> None:
    for days in (0, -1, 367):
        with pytest.raises(CtaError, match="within a year"):
            ctas_work.snooze(row, NOW.date() + timedelta(days=days), BY)
    assert ctas_work.snooze(row, NOW.date() + timedelta(days=366), BY).state == "snoozed"


def test_passing_on_puts_it_on_the_others_list(row: Cta) -> None:
    row = ctas_work.reassign(row, "Bob", BY)
    assert (row.owner_name, row.is_placed, row.state) == ("Bob", True, "open")
    assert row.events.last().detail == {"before": "Alice", "after": "Bob"}
    assert ctas_work.is_assigned("Bob", "acme") and not ctas_work.is_assigned("Alice", "acme")
    assert not ctas_work.is_assigned("", "acme")
    with pytest.raises(CtaError):
        ctas_work.reassign(row, "", BY)


def test_closing_keeps_outcome_and_note_and_is_done_once(row: Cta) -> None:
    ctas_work.close(row, "grew", BY, " They bought more. ")
    row.refresh_from_db()
    assert (row.state, row.outcome, row.outcome_note) == ("done", "grew", "They bought more.")
    for work in (
        lambda: ctas_work.close(row, "lost", BY),
        lambda: ctas_work.start(row, BY),
        lambda: ctas_work.snooze(row, NOW.date() + timedelta(days=1), BY),
        lambda: ctas_work.reassign(row, "Bob", BY),
    ):
        with pytest.raises(ClosedError, match="closed already: grew"):
            work()
    assert row.events.filter(kind="closed").count() == 1


def test_an_outcome_that_there_is_not_closes_nothing(row: Cta) -> None:
    with pytest.raises(CtaError, match="the outcomes are retained"):
        ctas_work.close(row, "fine", BY)
    row.refresh_from_db()
    assert not row.is_closed


def test_a_note_can_be_added_also_after_the_end(row: Cta) -> None:
    ctas_work.close(row, "lost", BY)
    ctas_work.note(row, "They went to another vendor.", BY)
    assert row.events.last().text == "They went to another vendor."
    with pytest.raises(CtaError, match="write something"):
        ctas_work.note(row, "  ", BY)


def test_what_is_done_is_in_the_audit_log_without_the_words(row: Cta) -> None:
    ctas_work.start(row, BY)
    ctas_work.note(row, "Between us", BY)
    ctas_work.close(row, "retained", BY, "Between us, too")
    entries = list(AuditEntry.objects.order_by("pk"))
    assert [entry.action for entry in entries] == ["took up CTA", "noted on CTA", "closed CTA"]
    assert {entry.target for entry in entries} == {"acme"}
    assert not any("Between us" in str(entry.detail) for entry in entries)


def test_the_newest_word_on_an_account_holds() -> None:
    ctas_sentiment.say("acme", 4, BY, "All well")
    ctas_sentiment.say("acme", 2, By(NOW + timedelta(days=9)), "Ben left")
    ctas_sentiment.say("bolt", 5, BY)
    assert {name: one.value for name, one in ctas_sentiment.said().items()} == {"acme": 2, "bolt": 5}
    assert {name: one.value for name, one in ctas_sentiment.said(NOW).items()} == {"acme": 4, "bolt": 5}
    assert [one.value for one in ctas_sentiment.of_account("acme")] == [2, 4]
    with pytest.raises(CtaError):
        ctas_sentiment.say("acme", 6, BY)
    assert Sentiment.objects.count() == 3


def test_a_word_is_asked_for_before_a_renewal() -> None:
    renewals = {"acme": TODAY + timedelta(days=20), "bolt": TODAY + timedelta(days=30)}
    assert [one.account_id for one in ctas_sentiment.due(renewals, TODAY)] == ["acme", "bolt"]
    ctas_sentiment.say("acme", 4, BY)
    assert [one.account_id for one in ctas_sentiment.due(renewals, TODAY)] == ["bolt"]


def test_a_person_who_is_erased_leaves_no_address_in_ctas(row: Cta) -> None:
    from holdfast.domain.erased import Person
    from holdfast.flows import erase_desk

    ctas_work.note(row, "Wrote to ben@acme.example today", BY)
    ctas_sentiment.say("acme", 2, BY, "ben@acme.example is gone")
    Cta.objects.update(evidence=[{"label": "Mail", "value": "ben@acme.example", "table": "", "row_id": ""}])
    erase_desk.erase(Person("ben@acme.example", "erased-1"), (), NOW)
    row.refresh_from_db()
    assert "ben@acme" not in str([row.evidence, row.events.last().text, Sentiment.objects.get().note])


def test_a_contact_who_is_erased_loses_the_name_in_evidence_where_no_address_stands(row: Cta) -> None:
    from holdfast.domain.erased import Person
    from holdfast.flows import erase_desk

    ben = {"label": "Ben Bloom, Head of Sales", "value": "left on 2026-10-02", "table": "contact", "row_id": "c1"}
    ada = {**ben, "label": "Ada Abel, Analyst", "row_id": "c2"}
    Cta.objects.update(evidence=[ben, ada])
    person = Person("ben@acme.example", "erased-1", frozenset({"ben bloom"}))
    assert erase_desk.erase(person, {"c1"}, NOW, write=False) == {"evidence": 1}
    assert erase_desk.erase(person, {"c1"}, NOW) == {"evidence": 1}
    row.refresh_from_db()
    assert row.evidence == [{**ben, "label": "erased"}, ada]
    assert erase_desk.erase(person, {"c1"}, NOW) == {}
