"""From what is asked for to CTAs: opened once, joined, quiet, pooled, given out by the week, snoozed and back."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.db import IntegrityError, transaction

from holdfast.desk.models import BookSettings, Cta, CtaEvent, Event
from holdfast.domain.ctas import Budget, Wanted
from holdfast.domain.judgement import Evidence
from holdfast.flows import ctas, ctas_work
from holdfast.flows.ctas_work import By

from .conftest import NOW, TODAY
from .wanted import PLENTY, rising, wanted

pytestmark = pytest.mark.usefixtures("desk")

WEEK = timedelta(days=7)
SMALL = Budget(per_week=2, pool_under_minor=0)


def opened(*asked: Wanted, now: datetime = NOW, budget: Budget = PLENTY, days: int = 0) -> ctas.Opened:
    return ctas.open_from(asked, now, TODAY + timedelta(days=days), budget)


def told(row: Cta) -> list[str]:
    return list(row.events.order_by("pk").values_list("kind", flat=True))


def states() -> dict[str, str]:
    return dict(Cta.objects.order_by("account_id").values_list("account_id", "state"))


def everything() -> list[Any]:
    """Every row of the desk that CTAs have, as it stands."""
    return [list(model.objects.order_by("pk").values()) for model in (Cta, CtaEvent, Event)]


# -- opening and joining -------------------------------------------------------------------------------------------


def test_a_cta_carries_what_was_asked_for() -> None:
    done = opened(wanted())
    row = Cta.objects.get()
    assert done.opened == [row.public_id] and row.public_id.startswith("cta_")
    assert (row.account_id, row.kind, row.title, row.sentence) == (
        "acme", "risk", "Declining use", "Use fell by half in four weeks.",
    )  # fmt: skip
    assert row.evidence[1] == {"label": "Champion", "value": "Ben left", "table": "contact", "row_id": "c2"}
    assert (row.owner_name, row.at_stake_minor, row.currency, row.priority_title) == ("Alice", 8_000, "USD", "medium")
    assert (row.state, row.week, row.seen_on, told(row)) == ("open", NOW.date() - timedelta(days=1), TODAY, ["opened"])


def test_twice_is_the_same_as_once() -> None:
    asked = [wanted(), wanted("bolt", owner="Bob"), *rising(1, 2, 3, 4)]
    opened(*asked, budget=SMALL)
    before = everything()
    again = opened(*asked, budget=SMALL)
    assert everything() == before
    assert (again.opened, again.joined, again.given, again.postponed) == ([], 0, 0, 0)


def test_a_new_signal_joins_the_open_one() -> None:
    opened(wanted())
    done = opened(wanted(signals=("key_feature_gone",), sentence="Worse."), days=1)
    row = Cta.objects.get()
    assert (done.opened, done.joined) == ([], 1)
    assert row.signals == ["fewer_people", "key_feature_gone"] and row.sentence == "Worse."
    assert told(row) == ["opened", "joined"]
    assert row.events.last().detail == {"signals": ["key_feature_gone"]}
    # how it began stays in its history
    assert row.events.first().detail["sentence"] == "Use fell by half in four weeks."


def test_it_follows_what_is_at_stake_and_says_when_it_grows_worse() -> None:
    opened(wanted())
    opened(wanted(severity=3, at_stake_minor=50_000))
    row = Cta.objects.get()
    assert (row.severity, row.at_stake_minor, row.priority_title, told(row)) == (3, 50_000, "high", ["opened", "rose"])
    opened(wanted(severity=1, at_stake_minor=4_000))
    row.refresh_from_db()
    assert (row.severity, row.at_stake_minor, told(row)) == (3, 4_000, ["opened", "rose"])


def test_a_due_date_moves_only_when_it_grows_worse() -> None:
    opened(wanted())
    opened(wanted(due_on=TODAY + timedelta(days=60)))
    assert Cta.objects.get().due_on == wanted().due_on
    opened(wanted(due_on=TODAY + timedelta(days=2), severity=3))
    assert Cta.objects.get().due_on == TODAY + timedelta(days=2)


def test_the_database_refuses_a_second_open_one_of_a_cause() -> None:
    opened(wanted())
    first = Cta.objects.get()
    second = {
        "account_id": "acme",
        "kind": "risk",
        "cause": "declining_use",
        "severity": 1,
        "priority": 3,
        "opened_at": NOW,
    }
    with pytest.raises(IntegrityError), transaction.atomic():
        Cta.objects.create(**second)
    Cta.objects.create(**second | {"kind": "lifecycle"})
    ctas_work.close(first, "retained", By(NOW))
    Cta.objects.create(**second)


# -- quiet -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("outcome", ["retained", "wrong_alarm"])
def test_a_closed_cause_keeps_quiet_and_comes_back_after_the_quiet_period(outcome: str) -> None:
    opened(wanted())
    ctas_work.close(Cta.objects.get(), outcome, By(NOW))
    done = opened(wanted(), now=NOW + timedelta(days=44))
    assert (done.opened, done.quiet) == ([], 1)
    assert len(opened(wanted(), now=NOW + timedelta(days=45)).opened) == 1
    assert Cta.objects.count() == 2


def test_a_closed_cause_that_grows_worse_is_not_quiet() -> None:
    opened(wanted())
    ctas_work.close(Cta.objects.get(), "no_change", By(NOW))
    assert opened(wanted(severity=3), now=NOW + WEEK).opened
    # and another kind or cause of the account never was
    assert len(opened(wanted(severity=3), wanted(cause="billing"), now=NOW + WEEK).opened) == 1


def test_what_has_lost_its_cause_is_offered_for_closing_and_never_closed_by_itself() -> None:
    opened(wanted(), wanted("bolt", owner="Bob"))
    opened(wanted("bolt", owner="Bob"), now=NOW + 4 * WEEK, days=28)
    rows = Cta.objects.gone(TODAY + timedelta(days=28))
    assert [row.account_id for row in rows] == ["acme"]
    assert not Cta.objects.gone(TODAY + timedelta(days=27)).exists()
    assert states() == {"acme": "open", "bolt": "open"}


# -- the week ----------------------------------------------------------------------------------------------------------


def test_the_most_money_is_given_out_and_the_rest_waits() -> None:
    done = opened(*rising(10, 40, 20, 30), budget=SMALL)
    assert states() == {"a10": "waiting", "a20": "waiting", "a30": "open", "a40": "open"}
    assert len(done.opened) == 4 and done.given == 2


def test_each_owner_has_a_budget_of_their_own() -> None:
    opened(*rising(1, 2, 3), *rising(4, 5, 6, owner="Bob"), budget=SMALL)
    assert Cta.objects.filter(owner_name="Alice", state="open").count() == 2
    assert Cta.objects.filter(owner_name="Bob", state="open").count() == 2


def test_a_place_that_comes_free_is_filled_at_once() -> None:
    ctas.set_budget(SMALL, NOW)
    opened(*rising(10, 20, 30), budget=SMALL)
    row = Cta.objects.get(account_id="a30")
    ctas_work.close(row, "retained", By(NOW))
    assert states() == {"a10": "open", "a20": "open", "a30": "done"}
    assert told(Cta.objects.get(account_id="a10")) == ["opened", "given"]


def test_on_monday_the_untouched_are_weighed_anew() -> None:
    opened(*rising(10, 20), budget=SMALL)
    # in the week a larger one waits; what somebody has taken up stays anyway
    ctas_work.start(Cta.objects.get(account_id="a10"), By(NOW))
    opened(*rising(10, 20, 30), budget=SMALL)
    assert states() == {"a10": "in_progress", "a20": "open", "a30": "waiting"}
    done = opened(*rising(10, 20, 30), now=NOW + WEEK, budget=SMALL)
    assert states() == {"a10": "in_progress", "a20": "waiting", "a30": "open"}
    assert (done.given, done.postponed) == (1, 1)
    assert told(Cta.objects.get(account_id="a20")) == ["opened", "postponed"]


def test_the_budget_that_is_set_holds_at_once() -> None:
    opened(*rising(10, 20, 30))
    ctas.set_budget(replace(SMALL, per_week=1), NOW)
    assert [name for name, state in states().items() if state == "open"] == ["a30"]
    assert ctas.budget() == replace(SMALL, per_week=1)
    assert BookSettings.objects.get().ctas_per_week == 1


def test_the_budget_is_ten_a_week_where_nobody_set_another() -> None:
    assert ctas.budget() == Budget() and Budget().per_week == 10 and Budget().quiet_days == 45


# -- the pool ----------------------------------------------------------------------------------------------------------


def test_small_accounts_are_pooled_and_take_no_place() -> None:
    limit = replace(SMALL, per_week=1, pool_under_minor=10_000)
    done = opened(wanted(mrr_minor=9_999), wanted("bolt", mrr_minor=10_000), budget=limit)
    pooled = Cta.objects.get(account_id="acme")
    assert done.pooled == 1 and (pooled.is_pooled, pooled.state_title, pooled.week) == (True, "pooled", None)
    assert Cta.objects.get(account_id="bolt").state == "open"


def test_an_account_that_has_grown_leaves_the_pool_and_one_taken_up_is_left_alone() -> None:
    limit = replace(SMALL, pool_under_minor=10_000)
    opened(wanted(mrr_minor=9_000), wanted("bolt", mrr_minor=9_000), budget=limit)
    ctas_work.start(Cta.objects.get(account_id="bolt"), By(NOW))
    opened(wanted(mrr_minor=20_000), wanted("bolt", mrr_minor=9_000), budget=limit)
    assert told(Cta.objects.get(account_id="acme")) == ["opened", "unpooled", "given"]
    bolt = Cta.objects.get(account_id="bolt")
    assert (bolt.is_pooled, bolt.state, told(bolt)) == (False, "in_progress", ["opened", "started"])


# -- owners and snoozes ------------------------------------------------------------------------------------------------


def test_it_goes_with_its_account_to_another_owner_unless_a_person_placed_it() -> None:
    opened(wanted(), wanted("dune"))
    ctas_work.reassign(Cta.objects.get(account_id="dune"), "Bob", By(NOW))
    opened(wanted(owner="Mia"), wanted("dune", owner="Mia"))
    assert Cta.objects.get(account_id="acme").owner_name == "Mia"
    assert told(Cta.objects.get(account_id="acme")) == ["opened", "moved"]
    assert Cta.objects.get(account_id="dune").owner_name == "Bob"


def test_what_is_snoozed_comes_back_on_its_day() -> None:
    opened(wanted())
    ctas_work.snooze(Cta.objects.get(), NOW.date() + timedelta(days=3), By(NOW))
    assert opened(wanted(), now=NOW + timedelta(days=2)).returned == 0
    done = opened(wanted(), now=NOW + timedelta(days=3))
    row = Cta.objects.get()
    assert (done.returned, row.state, row.snoozed_until) == (1, "open", None)
    assert told(row) == ["opened", "snoozed", "returned"]


def test_between_two_watches_snoozes_return_and_places_are_filled() -> None:
    opened(*rising(10, 20), budget=replace(SMALL, per_week=1))
    ctas_work.snooze(Cta.objects.get(account_id="a20"), NOW.date() + timedelta(days=1), By(NOW))
    done = ctas.refresh(NOW + timedelta(days=1), SMALL)
    assert (done.returned, states()) == (1, {"a10": "open", "a20": "open"})


# -- what others are told ----------------------------------------------------------------------------------------------


def test_others_are_told_of_opening_and_closing_once() -> None:
    import jsonschema_rs

    from holdfast.flows.events import CATALOGUE

    opened(wanted(), *rising(1, 2, 3), budget=SMALL)
    opened(wanted(), *rising(1, 2, 3), budget=SMALL)
    row = Cta.objects.get(account_id="acme")
    ctas_work.close(row, "retained", By(NOW), "We spoke.")
    for event in Event.objects.all():
        jsonschema_rs.validate(CATALOGUE[event.kind].schema, event.data)
    assert Event.objects.filter(kind="cta.opened").count() == 4
    first = Event.objects.get(kind="cta.opened", data__account_id="acme").data
    assert (first["cta_id"], first["title"], first["state"]) == (row.public_id, "Declining use", "open")
    assert Event.objects.get(kind="cta.opened", data__account_id="a1").data["state"] == "waiting"
    closed = Event.objects.get(kind="cta.closed").data
    assert (closed["outcome"], closed["state"]) == ("retained", "done") and "We spoke." not in str(closed)


def test_more_evidence_than_a_screen_is_kept_whole() -> None:
    facts = tuple(Evidence(f"Fact {n}", "x" * 300) for n in range(100))
    opened(wanted(evidence=facts))
    assert len(Cta.objects.get().evidence) == 100
