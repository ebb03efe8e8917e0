"""Each signal: an account on which it fires, what it says, and accounts that nearly are so, on which it is quiet."""

from __future__ import annotations

from typing import Any

import pyarrow as pa
import pytest

from holdfast.domain.judgement import NOTICE, URGENT, WARNING
from holdfast.domain.scorecard import Band
from holdfast.signals.judging import judge_all
from holdfast.signals.shelf import shelf, signal

from .rows import DAY, verdict

#: signal → an account on which it fires, how grave that is, what it says, and changes of the account that make it quiet
CASES: dict[str, tuple[dict[str, Any], int, str, list[dict[str, Any]]]] = {
    "use_declines": (
        {"events_28d": 400, "events_84d": 2400, "usual_pace": 1.0},
        WARNING,
        "Use fell by 60 %: 400 events in four weeks, where its own pace and the season let expect 1,000.",
        [
            {"events_28d": 700},  # a dip as others have it
            {"usual_pace": 0.6},  # everybody uses it less: a holiday, or days without tracking
            {"events_28d": 10, "events_84d": 60},  # few events: chance
            {"events_84d": None},  # not known
        ],
    ),
    "people_fewer": (
        {"mean_users_28d": 22.0, "users_change_28d": -0.5, "usual_people": 1.0, "seats": 60},
        WARNING,
        "Active people fell from 44 to 22 in four weeks; seats paid for: 60.",
        [
            {"users_change_28d": -0.3},
            {"usual_people": 0.6},  # the season
            {"mean_users_28d": 1.0, "users_change_28d": -0.4},  # of two people one is away
            {"mean_users_28d": None},
        ],
    ),
    "seats_unused": (
        {"seats": 40, "seat_use_share_28d": 0.3, "tenure_days": 400},
        WARNING,
        "Of 40 seats 28 are not used: 30 % are active.",
        [
            {"seat_use_share_28d": 0.7},
            {"seats": 3},
            {"tenure_days": 60},  # it is still handing them out
            {"tracking_gap_days_28d": 20},
        ],
    ),
    "key_feature_dropped": (
        {"key_feature_trend_4w_12w": 0.35, "events_84d": 2000, "usual_pace": 1.0},
        WARNING,
        "The feature it used most is at 26 % of its pace of the eight weeks before, the season taken into account.",
        [{"key_feature_trend_4w_12w": 0.6}, {"usual_pace": 0.3}, {"events_84d": 100}, {"key_feature_trend_4w_12w": None}],
    ),
    "ticket_spike": (
        {"tickets_28d": 12, "tickets_84d": 15},
        WARNING,
        "12 tickets in four weeks, where 1.5 are usual.",
        [{"tickets_28d": 3, "tickets_84d": 3}, {"tickets_84d": 30}, {"tickets_28d": None}],
    ),
    "tone_angry": (
        {"angry_tickets_84d": 3, "tickets_84d": 7, "tone_84d": -0.3},
        WARNING,
        "3 tickets of 7 in twelve weeks sound angry.",
        [{"angry_tickets_84d": 1}, {"tickets_84d": 12}, {"tone_84d": 0.1}, {"tone_84d": None}],
    ),
    "answers_slow": (
        {"tickets_84d": 4, "oldest_urgent_open_days": 16, "first_response_hours_84d": 2},
        WARNING,
        "An urgent ticket is open for 16 days.",
        [{"oldest_urgent_open_days": 5}, {"oldest_urgent_open_days": 0}, {"oldest_urgent_open_days": None}],
    ),
    "champion_left": (
        {"champion_left_180d": 1, "champions": 0, "days_since_champion_left": 12},
        URGENT,
        "A champion left, as noticed 12 days ago; no champions now.",
        [{"champion_left_180d": 0}, {"champion_left_180d": None}],
    ),
    "sponsor_left": (
        {"sponsor_left_180d": 1, "sponsor_present": 1, "days_since_sponsor_left": 40},
        WARNING,
        "A sponsor left, as noticed 40 days ago; there is another sponsor now.",
        [{"sponsor_left_180d": 0}, {"sponsor_left_180d": None}],
    ),
    "single_threaded": (
        {"single_threaded": 1, "seats": 60, "contacts_left_180d": 2},
        WARNING,
        "One person holds the relationship, for 60 seats; 2 contacts left within six months.",
        [{"single_threaded": 0}, {"seats": 5}, {"seats": None}],
    ),
    "no_touch": (
        {"days_since_touch": 120, "days_to_renewal": 60},
        WARNING,
        "No touch for 120 days; the renewal is in 60 days.",
        [{"days_since_touch": 80}, {"days_since_touch": None}],
    ),
    "renewal_unplanned": (
        {"days_to_renewal": 25, "term_months": 12, "renewal_opportunity_open": 0, "touches_28d": 0},
        URGENT,
        "The renewal is in 25 days; there is no renewal deal, and no touch in four weeks.",
        [
            {"days_to_renewal": 120},
            {"term_months": 1},
            {"renewal_opportunity_open": 1},
            {"touches_28d": 2},
            {"renewal_opportunity_open": None},  # there is no CRM
        ],
    ),
    "payment_failed": (
        {"overdue_invoices": 1, "overdue_days": 20, "failed_attempts_90d": 2},
        WARNING,
        "1 bill overdue, the oldest for 20 days; 2 payments failed in 90 days.",
        [{"overdue_invoices": 0}, {"overdue_days": 3, "failed_attempts_90d": 0}],
    ),
    "contraction_recent": (
        {"days_since_contraction": 20, "contractions_365d": 2, "mrr": 50_000, "mrr_change_90d": -0.25},
        WARNING,
        "It contracted 20 days ago, by 25 % in 90 days; 2 contractions in a year.",
        [{"days_since_contraction": 90}, {"days_since_contraction": None}],
    ),
    "paid_features_unused": (
        {"paid_features_used_share": 0.0, "tenure_days": 200, "events_84d": 900},
        WARNING,
        "Nothing of what it pays for beyond the basics is used.",
        [{"paid_features_used_share": 0.5}, {"tenure_days": 30}, {"events_84d": 0}, {"paid_features_used_share": None}],
    ),
    "onboarding_late": (
        {"tenure_days": 35, "events_84d": 0},
        URGENT,
        "A customer for 35 days, and nobody has used it yet.",
        [{"tenure_days": 10}, {"tenure_days": 200}, {"events_84d": 50}, {"tracking_gap_days_28d": 20}, {"events_84d": None}],
    ),
    "nps_fell": (
        {"nps": 5, "nps_change": -4, "nps_age_days": 10},
        URGENT,
        "NPS fell from 9 to 5, answered 10 days ago.",
        [{"nps_change": -1}, {"nps_age_days": 120}, {"nps": 9, "nps_change": -2}, {"nps_change": None}],
    ),
    "health_disagreement": (
        {"health": 25.0, "sentiment": 5},
        WARNING,
        "Health is 25 (red), and the CSM's own sentiment is 5 of 5 (green).",
        [{"sentiment": 3}, {"health": 70.0}, {"health": None}, {"sentiment": None}],
    ),
    "limit_near": (
        {"limit_days_85_56d": 32, "limit_use_share_28d": 0.93},
        WARNING,
        "Near a limit on 32 days of eight weeks; 93 % of it are in use.",
        [{"limit_days_85_56d": 15}, {"limit_days_85_56d": None}],
    ),
    "seats_full": (
        {"seat_use_share_28d": 1.0, "seats": 12, "mean_users_28d": 10.2},
        WARNING,
        "All 12 seats were in use on the busiest day of four weeks; on an average day 85 % were active.",
        [{"seat_use_share_28d": 0.9}, {"mean_users_28d": 7.0}, {"seats": 1, "mean_users_28d": 1.0}],
    ),
    "new_people": (
        {"new_departments_90d": 1, "new_contacts_90d": 2, "tenure_days": 400, "contacts": 9},
        WARNING,
        "1 new department and 2 new people within 90 days.",
        [{"new_departments_90d": 0}, {"tenure_days": 60}, {"new_departments_90d": None}],
    ),
    "power_user_light_plan": (
        {"seat_use": 300.0, "higher_plan_seat_use": 150.0, "plan_use_rank": 0.98},
        WARNING,
        "300 events a seat in four weeks: more than 98 % of its plan, where 150 are usual a plan higher.",
        [{"plan_use_rank": 0.8}, {"higher_plan_seat_use": 290.0}, {"higher_plan_seat_use": None}],
    ),
    "plan_misfit": (
        {"seat_use": 20.0, "lower_plan_seat_use": 150.0, "plan_use_rank": 0.02, "tenure_days": 300},
        WARNING,
        "20 events a seat in four weeks: less than 98 % of its plan, where 150 are usual on the plan below.",
        [{"plan_use_rank": 0.3}, {"seat_use": 120.0}, {"tenure_days": 50}, {"lower_plan_seat_use": None}],
    ),
    "outcome_improved": (
        {"outcome_change_90d": 0.35, "outcome_age_days": 10},
        WARNING,
        "The customer's own metric is 35 % better than 90 days ago.",
        [{"outcome_change_90d": 0.05}, {"outcome_age_days": 100}, {"outcome_change_90d": None}],
    ),
    "milestone_reached": (
        {"outcome_level_against_first": 2.1, "outcome_change_90d": 0.3, "outcome_age_days": 10},
        WARNING,
        "The customer's own metric is 2.1 times what it was at the start.",
        [
            {"outcome_change_90d": 0.02},  # it passed 2 long ago
            {"outcome_change_90d": -0.1},
            {"outcome_age_days": 100},
            {"outcome_level_against_first": None},
        ],
    ),
    "new_feature_fits": (
        {"launch_tickets": 2.0, "launch_uses": 1.0, "launch_title": "Bulk export", "launch_used_feature": "reports"},
        WARNING,
        "“Bulk export” is new and not tried yet: 2 tickets of half a year asked for something like it and it works with "
        "reports, which the account uses.",
        [{"launch_tickets": 0.0, "launch_uses": 0.0}, {"launch_tickets": None, "launch_uses": None}],
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", sorted(CASES))
def test_it_fires_and_says_why(name: str) -> None:
    values, severity, sentence, _ = CASES[name]
    found = verdict(name, values)
    assert found is not None
    assert (found.severity, found.sentence) == (severity, sentence)


NEAR = [(name, change) for name, case in sorted(CASES.items()) for change in case[3]]


@pytest.mark.parametrize(("name", "change"), NEAR, ids=[f"{name}: {change}" for name, change in NEAR])
def test_it_is_quiet_when_it_is_nearly_so(name: str, change: dict[str, Any]) -> None:
    assert verdict(name, CASES[name][0] | change) is None


def test_every_signal_of_accounts_has_a_case() -> None:
    assert set(CASES) == {one.name for one in shelf() if one.kind != "portfolio"}


def test_slow_answers_need_several_tickets() -> None:
    slow = {"tickets_84d": 4, "first_response_hours_84d": 72}
    found = verdict("answers_slow", slow)
    assert found is not None and found.sentence == "We took 3 days to answer 4 tickets of twelve weeks."
    assert verdict("answers_slow", slow | {"tickets_84d": 2}) is None


def test_a_first_use_that_came_late_is_noticed_and_then_forgotten() -> None:
    late = {"tenure_days": 40, "events_84d": 90, "days_to_first_use": 28}
    found = verdict("onboarding_late", late)
    assert found is not None and found.sentence == "It took 28 days until the first use."
    assert verdict("onboarding_late", late | {"tenure_days": 80}) is None


def test_few_active_seats_after_a_month_are_a_late_start() -> None:
    slow = {"tenure_days": 45, "events_84d": 90, "days_to_first_use": 1, "seats": 20, "seat_use_share_28d": 0.1}
    found = verdict("onboarding_late", slow)
    assert found is not None and found.sentence == "A customer for 45 days, and 10 % of 20 seats are active."
    assert verdict("onboarding_late", slow | {"seat_use_share_28d": 0.5}) is None


def test_a_renewal_that_comes_by_itself_is_less_urgent() -> None:
    values = CASES["renewal_unplanned"][0] | {"auto_renew": 1}
    found = verdict("renewal_unplanned", values)
    assert found is not None and found.severity == WARNING
    assert verdict("renewal_unplanned", values | {"days_to_renewal": 60}).severity == NOTICE  # type: ignore[union-attr]


def test_three_new_people_without_a_new_department_are_noticed() -> None:
    values = CASES["new_people"][0] | {"new_departments_90d": 0, "new_contacts_90d": 4}
    found = verdict("new_people", values)
    assert found is not None and (found.severity, found.sentence) == (NOTICE, "4 new people within 90 days.")


def test_health_and_the_csm_disagree_in_the_company_s_own_bands() -> None:
    told = {"account_id": ["acme"], "as_of": [DAY], "mrr_minor": [9900], "health": [70.0], "sentiment": [1.0]}
    lenient = (Band("green", 60.0), Band("yellow", 30.0), Band("red", 0.0))
    one = [signal("health_disagreement")]
    assert not judge_all(pa.table(told), signals=one), "70 is yellow in the bands that come along"
    (found,) = judge_all(pa.table(told), signals=one, bands=lenient)
    assert found.sentence == "Health is 70 (green), and the CSM's own sentiment is 1 of 5 (red)."
