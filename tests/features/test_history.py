"""What a day sees of a small history, worked out with a pencil. The day is Sunday 2025-09-28 (see `company`)."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pytest

from holdfast.flows.book import book, open_ledger, open_records
from holdfast.flows.home import Settings, create
from holdfast.warehouse.features import measure
from holdfast.warehouse.ledger import Ledger
from holdfast.warehouse.records import Records

from ..flows.homes import load_text
from .company import AS_OF, DAY, FILES, NOW
from .conftest import Row

On = Callable[[date], dict[str, Row]]
Now = dict[str, Row]


def told(row: Row, *names: str) -> tuple[object, ...]:
    return tuple(row[name] for name in names)


class TestAccounts:
    def test_a_row_stands_for_an_account_that_pays_at_the_end_of_the_day(self, now: Now, on: On) -> None:
        assert {account: row["mrr_minor"] for account, row in now.items()} == {
            "acme": 10_000,
            "bolt": 14_000,
            "dune": 4_000,
        }
        assert "acme" not in on(date(2025, 12, 7))

    def test_a_merged_account_counts_with_the_other_from_the_merge_on(self, now: Now, on: On) -> None:
        before = on(DAY - timedelta(days=28))
        assert before["bolt"]["mrr_minor"] == 10_000 and before["cora"]["mrr_minor"] == 4_000
        assert told(now["bolt"], "seats", "contacts", "tickets_28d", "events_7d", "active_users_7d") == (9, 2, 2, 56, 5)

    def test_a_merge_is_no_growth(self, now: Now) -> None:
        assert told(now["bolt"], "mrr_change_28d", "expansions_365d", "seats_added_90d", "events_trend_4w_12w") == (
            0,
            0,
            0,
            1,
        )

    def test_attributes_are_those_of_the_day(self, now: Now, on: On) -> None:
        assert told(now["acme"], "attribute.plan", "attribute.owner") == ("Business", "Bob")
        assert told(on(date(2025, 8, 24))["acme"], "attribute.plan", "attribute.owner") == ("Team", "Alice")

    def test_firmographics(self, now: Now) -> None:
        assert told(now["dune"], "has_parent", "siblings", "account_age_days", "owner_accounts") == (1, 1, 636, 1)
        assert now["bolt"]["mrr_share_of_book"] == 0.5


class TestUsage:
    def test_events_people_and_days(self, now: Now) -> None:
        # 10 boards a day and, until 31 August, 5 reports
        assert told(now["acme"], "events_7d", "events_28d", "events_84d") == (70, 280, 84 * 10 + 56 * 5)
        assert told(now["acme"], "active_users_28d", "active_days_28d", "days_since_last_use") == (9, 28, 0)

    def test_days_that_nobody_tracked_are_no_decline(self, now: Now, on: On) -> None:
        assert now["bolt"]["tracking_gap_days_28d"] == 3
        assert told(now["bolt"], "events_28d", "active_days_28d", "events_trend_4w_12w", "falling_weeks_12w") == (
            224,
            28,
            1,
            0,
        )
        in_the_outage = on(date(2025, 9, 14) + timedelta(days=7))
        assert told(in_the_outage["bolt"], "events_7d", "days_since_last_use") == (56, 0)

    def test_an_account_that_stops_while_others_go_on_declines(self, now: Now) -> None:
        assert told(now["dune"], "events_28d", "events_trend_4w_12w", "quiet_weeks_12w", "usage_share_of_peak") == (
            0,
            0,
            4,
            0,
        )
        # 28 days, three of which nobody tracked
        assert now["dune"]["days_since_last_use"] == 25

    def test_when_use_turned_down_and_by_how_much(self, now: Now) -> None:
        # 28 person-days in each of 22 weeks, then none for 4, of one of which 3 days were not tracked; half a person-day is added to each count
        assert now["dune"]["person_days_since_turn"] == pytest.approx((0.5 / (3 + 4 / 7)) / (616.5 / 22), rel=0.01)
        assert now["dune"]["person_days_trend_2w_26w"] == pytest.approx(0.5 / (616 / 24 + 0.5), rel=0.02)
        assert now["dune"]["person_days_trend_2w_16w"] == pytest.approx(0.5 / (12 * 28 / 14 + 0.5), rel=0.02)

    def test_days_that_nobody_tracked_are_no_turn(self, now: Now) -> None:
        assert now["bolt"]["person_days_since_turn"] == pytest.approx(1, abs=0.05)
        assert now["bolt"]["person_days_trend_2w_16w"] == pytest.approx(1, abs=0.05)

    def test_features_dropped_and_the_key_feature(self, now: Now) -> None:
        names = ("features_used_28d", "features_used_84d", "features_dropped_28d", "key_feature_share_28d")
        assert told(now["acme"], *names) == (1, 2, 1, 1)
        assert told(now["acme"], "key_feature_trend_4w_12w", "key_feature_dropped") == (1, 0)
        assert told(now["dune"], "key_feature_dropped") == (1,)

    def test_what_is_paid_for_and_not_used(self, now: Now) -> None:
        assert told(now["acme"], "paid_features_used_share", "paid_features_unused") == (0, 1)
        assert now["bolt"]["paid_features_used_share"] is None

    def test_seats_and_limits(self, now: Now) -> None:
        assert told(now["acme"], "seats", "seats_limit", "seat_use_share_28d", "limit_use_share_28d") == (
            12,
            10,
            0.75,
            0.9,
        )
        # on each tracked day 9 of 10 seats
        assert now["acme"]["limit_days_85_56d"] == 56
        assert now["bolt"]["seats_limit"] is None and now["bolt"]["limit_days_85_56d"] is None

    def test_before_usage_was_tracked_long_enough_nothing_is_known(self, on: On) -> None:
        early = on(date(2025, 2, 2))["acme"]
        assert told(early, "events_28d", "events_84d", "usage_share_of_peak", "events_yoy") == (
            15 * 28,
            None,
            None,
            None,
        )


class TestSupport:
    def test_a_ticket_that_is_closed_later_is_open_and_its_rating_unknown(self, now: Now, on: On) -> None:
        names = ("open_tickets", "urgent_open_tickets", "oldest_urgent_open_days", "bad_ratings_180d", "reopened_84d")
        assert told(now["acme"], *names) == (2, 1, 20, 0, 0)
        assert told(on(date(2025, 10, 5))["acme"], *names) == (2, 1, 3, 1, 3)

    def test_an_answer_that_came_later_is_no_answer(self, now: Now) -> None:
        assert told(now["acme"], "unanswered_tickets", "first_response_hours_84d", "satisfaction_180d") == (1, 6, 5)

    def test_what_tickets_are_about_and_how_they_sound(self, now: Now) -> None:
        assert told(now["acme"], "billing_tickets_84d", "fault_tickets_84d", "angry_tickets_84d") == (1, 1, 1)
        assert now["acme"]["tone_84d"] < -0.4 < 0.2 < now["bolt"]["tone_84d"]


class TestBilling:
    def test_steps_of_mrr(self, now: Now) -> None:
        # 8,000 → 6,400 on 1 March, + 400 on 1 August, + 3,200 on 8 September
        assert told(
            now["acme"], "contractions_365d", "expansions_365d", "days_since_contraction", "days_since_expansion"
        ) == (1, 2, 211, 20)
        assert now["acme"]["mrr_change_365d"] == 10_000 / 8_000 - 1
        assert told(now["acme"], "contracted_share_365d", "expanded_share_365d") == (1_600 / 8_000, 3_600 / 8_000)

    def test_a_return_after_nothing(self, now: Now) -> None:
        assert told(now["bolt"], "reactivations", "days_since_return") == (1, 392)

    def test_prices_and_seats(self, now: Now) -> None:
        assert now["acme"]["discount_share"] == pytest.approx(2_400 / 12_400)
        assert told(now["acme"], "price_against_plan", "seats_added_90d", "seats_added_365d", "products", "items") == (
            0.8,
            4,
            2,
            2,
            2,
        )

    def test_an_invoice_that_is_paid_later_or_given_up_later_is_overdue(self, now: Now, on: On) -> None:
        assert told(now["acme"], "overdue_invoices", "overdue_days", "overdue_months") == (2, 44, 1.2)
        # the next one is due on 4 October and unpaid; the first was paid on the third
        assert told(on(date(2025, 10, 5))["acme"], "overdue_invoices", "overdue_days") == (2, 20)

    def test_payments_that_failed_and_came_late(self, now: Now) -> None:
        # two attempts on the paid one; the two overdue ones count as one each, as often as they will be tried
        assert told(now["acme"], "failed_attempts_90d", "paid_late_days_365d", "payment_days_365d") == (4, 5, 19)


class TestRelationship:
    def test_a_departure_counts_when_it_is_noticed(self, now: Now, on: On) -> None:
        names = ("contacts", "champions", "champion_left_180d", "days_since_champion_left", "contacts_left_180d")
        assert told(now["acme"], *names) == (3, 1, 1, 3, 1)
        assert told(on(date(2025, 9, 21))["acme"], *names) == (4, 2, 0, None, 0)

    def test_who_is_there(self, now: Now) -> None:
        assert told(now["acme"], "sponsor_present", "single_threaded", "departments", "new_departments_90d") == (
            0,
            1,
            3,
            1,
        )
        assert told(now["bolt"], "sponsor_present", "single_threaded", "owner_changed_180d") == (1, 0, 0)
        assert told(now["acme"], "owner_changed_180d", "days_since_owner_change") == (1, 30)

    def test_touches_and_replies(self, now: Now) -> None:
        assert told(
            now["acme"], "days_since_touch", "touches_28d", "replies_84d", "meetings_180d", "unanswered_in_a_row"
        ) == (10, 2, 0, 1, 2)
        assert now["acme"]["reply_share_180d"] == pytest.approx(1 / 3)

    def test_an_answer_that_came_later_is_silence_after_thirty_days(self, now: Now, on: On) -> None:
        names = ("nps", "nps_change", "nps_age_days", "surveys_unanswered_365d", "detractors_365d")
        assert told(now["acme"], *names) == (4, -5, 109, 1, 1)
        # answered on 5 October, and the one of 10 September is not yet silence
        assert told(on(date(2025, 10, 5))["acme"], *names) == (10, 6, 0, 0, 1)

    def test_other_surveys_and_comments(self, now: Now) -> None:
        assert now["acme"]["csat_365d"] == 3 and now["acme"]["comment_tone_365d"] == 0.5


class TestContract:
    def test_terms(self, now: Now) -> None:
        names = ("days_to_renewal", "renewal_in_30d", "term_months", "has_term", "contract_ends")
        assert told(now["acme"], *names) == (22, 1, 24, 1, 2)
        assert told(now["bolt"], *names) == (None, 0, 1, 0, 0)

    def test_shares_are_weighed_by_value(self, now: Now) -> None:
        assert told(now["acme"], "cancel_requested", "contracts_ending_90d_share", "auto_renew") == (0.04, 0.04, 0.96)

    def test_a_deal_is_in_the_state_of_the_day(self, now: Now, on: On) -> None:
        names = ("renewal_opportunity_open", "opportunities_won_365d", "opportunities_lost_365d")
        assert told(now["acme"], *names) == (1, 0, 1)
        assert told(on(date(2025, 11, 16))["acme"], *names) == (0, 1, 1)
        assert told(now["bolt"], "expansion_opportunity_open", "open_opportunity_amount", "renewal_overdue_deals") == (
            1,
            24_000,
            1,
        )


class TestOutcome:
    def test_a_value_is_known_when_its_period_is_over(self, now: Now, on: On) -> None:
        assert told(now["acme"], "outcome_change_90d", "outcome_level_against_first", "outcome_age_days") == (
            0.5,
            1.5,
            58,
        )
        assert on(date(2025, 10, 5))["acme"]["outcome_level_against_first"] == 900 / 40

    def test_what_should_fall_is_turned_about(self, on: On) -> None:
        assert on(date(2025, 11, 2))["bolt"]["outcome_level_against_first"] == 1.5

    def test_nothing_told_is_nothing_known(self, now: Now) -> None:
        assert (
            told(now["dune"], "outcome_change_90d", "nps", "days_to_renewal", "first_response_hours_84d") == (None,) * 4
        )


def test_several_days_at_once_are_the_same_as_each_alone(ledger: Ledger, records: Records, together: pa.Table) -> None:
    for day in (date(2025, 2, 2), DAY):
        assert measure(ledger, records, [day]).equals(together.filter(pc.equal(together["as_of"], day))), day


def test_days_lie_whole_weeks_apart_and_within_the_ledger(ledger: Ledger, records: Records) -> None:
    with pytest.raises(ValueError, match="whole weeks apart"):
        measure(ledger, records, [DAY, DAY - timedelta(days=1)])
    with pytest.raises(ValueError, match="the ledger ends on 2025-12-31"):
        measure(ledger, records, [date(2026, 1, 4)])
    assert measure(ledger, records, []).num_rows == 0


@pytest.mark.slow
def test_a_company_of_which_only_subscriptions_are_known(tmp_path: Path) -> None:
    home = create(tmp_path / "home", Settings(as_of=AS_OF))
    load_text(home, "subscription_item.csv", FILES["subscription_item.csv"], NOW)
    book(home, NOW)
    with open_ledger(home) as ledger, open_records(home) as records:
        rows = {row["account_id"]: row for row in measure(ledger, records, [DAY]).to_pylist()}
    assert told(rows["acme"], "mrr_minor", "contractions_365d", "seats", "days_to_renewal") == (10_000, 1, 12, 22)
    unknown = (
        "used_ever",
        "events_28d",
        "tickets_84d",
        "overdue_invoices",
        "contacts",
        "touches_28d",
        "nps",
        "renewal_opportunity_open",
    )
    assert told(rows["acme"], *unknown) == (None,) * len(unknown)


@pytest.mark.slow
def test_a_group_counts_as_one_where_the_policy_says_so(tmp_path: Path) -> None:
    home = create(tmp_path / "home", Settings(as_of=AS_OF, policy="public-filing"))
    for name in ("account.csv", "subscription_item.csv", "contact.csv"):
        load_text(home, name, FILES[name], NOW)
    book(home, NOW)
    with open_ledger(home) as ledger, open_records(home) as records:
        rows = {row["account_id"]: row for row in measure(ledger, records, [DAY]).to_pylist()}
    assert told(rows["holding"], "mrr_minor", "seats", "contacts", "mrr_change_90d") == (18_000, 13, 2, 0)
