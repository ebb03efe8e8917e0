"""Health: 0 bad, 100 good; what is missing is said, what is shown adds up, and each move is explained."""

from __future__ import annotations

import math
from collections.abc import Mapping

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from holdfast.domain.health import Health, disagreement, moves, prior, score, score_columns
from holdfast.domain.scorecard import Band, Group, Measure, Scorecard, ScorecardError, band, chosen

PEOPLE = Measure("active_users_28d", "Active people", 3, bad=4, good=14)
SEATS = Measure("seat_use_share_28d", "Seats in use", 1, bad=0.2, good=0.7, unit="%")
OVERDUE = Measure("overdue_days", "Oldest bill overdue", 1, bad=30, good=0, unit="days")
CARD = Scorecard("plain", (Group("usage", 60, (PEOPLE, SEATS)), Group("billing", 40, (OVERDUE,))))
BIG = Scorecard("big", (Group("billing", 1, (OVERDUE,)),), when={"segment": ("Enterprise",)})

GOOD = {"active_users_28d": 14.0, "seat_use_share_28d": 0.7, "overdue_days": 0.0}


def points(health: Health) -> dict[str, float]:
    return {part.feature: part.points for part in health.parts}


# ---- a score ----


def test_the_best_is_100_and_the_worst_is_0() -> None:
    assert score(CARD, GOOD).score == 100
    assert score(CARD, {"active_users_28d": 0, "seat_use_share_28d": 0.1, "overdue_days": 90}).score == 0


def test_between_bad_and_good_it_is_a_straight_line_in_either_direction() -> None:
    assert [PEOPLE.level(value) for value in (2, 4, 9, 14, 20)] == [0, 0, 50, 100, 100]
    assert [OVERDUE.level(value) for value in (60, 30, 15, 0)] == [0, 0, 50, 100]


def test_weights_count_in_the_group_and_between_groups() -> None:
    # 60 × (3 × 50 + 1 × 100) / 4 + 40 × 0, out of 100
    found = score(CARD, {"active_users_28d": 9, "seat_use_share_28d": 0.7, "overdue_days": 30})
    assert found.score == 37.5
    assert points(found) == {"active_users_28d": 22.5, "seat_use_share_28d": 15.0, "overdue_days": 0.0}


@pytest.mark.parametrize("unknown", [None, math.nan], ids=["none", "not a number"])
def test_what_is_missing_is_left_out_and_said(unknown: float | None) -> None:
    found = score(CARD, {**GOOD, "active_users_28d": unknown, "overdue_days": 15})
    # the group's weight goes to what is known in it: 60 × 100 + 40 × 50
    assert found.score == 80
    assert found.missing == ("Active people",)
    assert found.known_share == pytest.approx(0.55)
    assert found.sentence == (
        "Health is 80 (0 bad, 100 good); 55 % of the scorecard's weight is known; missing, and not scored: Active people."
    )


def test_with_too_little_known_there_is_no_score() -> None:
    found = score(CARD, {"seat_use_share_28d": 0.7})
    assert (found.score, found.parts) == (None, ())
    assert found.known_share == pytest.approx(0.15)
    assert found.sentence == (
        "Not enough is known for a score: 15 % of the scorecard's weight is known; missing: Active people, Oldest bill overdue."
    )
    assert score(Scorecard("lenient", CARD.groups, known_share=0.1), {"seat_use_share_28d": 0.7}).score == 100


def test_exactly_the_share_that_is_needed_is_enough() -> None:
    assert score(CARD, {"overdue_days": 0}).score == 100


# ---- which scorecard ----


def test_the_first_scorecard_that_fits_is_taken_and_the_one_without_when_last() -> None:
    assert chosen((CARD, BIG), {"segment": "enterprise"}).name == "big"
    assert chosen((CARD, BIG), {"segment": "SMB"}).name == "plain"
    assert chosen((CARD, BIG), {}).name == "plain"
    with pytest.raises(ScorecardError, match="add one without `when`"):
        chosen((BIG,), {"segment": "SMB"})


def test_many_rows_at_once_give_the_same_scores() -> None:
    values: list[dict[str, float | None]] = [
        {**GOOD},
        {**GOOD, "active_users_28d": 6.0, "overdue_days": 12.0},
        {"active_users_28d": None, "seat_use_share_28d": 0.3, "overdue_days": math.nan},
        {"active_users_28d": math.nan, "seat_use_share_28d": None, "overdue_days": 3.0},
    ]
    segments = ["SMB", "Enterprise", None, "Enterprise"]
    columns = {name: [row.get(name) for row in values] for name in GOOD}
    names, scores = score_columns((CARD, BIG), {"segment": segments}, columns, 4)
    singles = [
        score(chosen((CARD, BIG), {"segment": segment}), row) for segment, row in zip(segments, values, strict=True)
    ]
    assert names == [one.scorecard for one in singles] == ["plain", "big", "plain", "big"]
    assert scores == [one.score for one in singles] == [100, 60, None, 90]


# ---- why it moved ----


def test_a_move_names_the_measure_its_values_and_its_points() -> None:
    before = score(CARD, GOOD)
    after = score(CARD, {**GOOD, "active_users_28d": 6.0, "overdue_days": 3.0})
    assert [(one.feature, one.before, one.after, one.points) for one in moves(before, after)] == [
        ("active_users_28d", 14, 6, -36.0),
        ("overdue_days", 0, 3, -4.0),
    ]
    assert [one.sentence for one in moves(before, after)] == [
        "Active people fell from 14 to 6: −36 points",
        "Oldest bill overdue rose from 0 days to 3 days: −4 points",
    ]


def test_what_becomes_known_or_unknown_answers_for_its_own_part() -> None:
    less, more = {**GOOD, "overdue_days": None}, {**GOOD, "overdue_days": 15.0}
    (one,) = moves(score(CARD, less), score(CARD, more))
    assert (one.feature, one.points) == ("overdue_days", -20)
    assert one.sentence == "Oldest bill overdue is known now (15 days): −20 points"
    (back,) = moves(score(CARD, more), score(CARD, less))
    assert back.sentence == "Oldest bill overdue is not known any more (it was 15 days): +20 points"


def test_another_scorecard_is_a_move_of_its_own() -> None:
    (one,) = moves(score(CARD, {**GOOD, "active_users_28d": 4.0}), score(BIG, GOOD))
    assert one.sentence == "The account is scored as big now, not as plain: +45 points"


def test_without_a_score_on_either_day_there_is_nothing_to_explain() -> None:
    assert moves(score(CARD, {}), score(CARD, GOOD)) == () == moves(score(CARD, GOOD), score(CARD, {}))


WIDE = Scorecard(
    "wide",
    tuple(
        Group(group, weight, tuple(Measure(f"{group}{i}", f"{group} {i}", i + 1, bad=1, good=0) for i in range(3)))
        for group, weight in (("a", 3), ("b", 5), ("c", 7))
    ),
    known_share=0.1,
)
VALUES = st.fixed_dictionaries(
    {one.feature: st.none() | st.floats(-0.5, 1.5, allow_nan=False) for one in WIDE.measures}
)


@settings(max_examples=60, deadline=None)
@given(VALUES, VALUES)
def test_parts_sum_to_the_score_and_moves_to_the_difference(
    old: Mapping[str, float | None], new: Mapping[str, float | None]
) -> None:
    before, after = score(WIDE, old), score(WIDE, new)
    for health in (before, after):
        if health.score is not None:
            assert 0 <= health.score <= 100
            assert sum(tenths(part.points) for part in health.parts) == tenths(health.score)
    if before.score is None or after.score is None:
        assert moves(before, after) == ()
        return
    found = moves(before, after)
    assert sum(tenths(one.points) for one in found) == tenths(after.score) - tenths(before.score)
    same = {name for name in old if old[name] == new[name]}
    # a measure that did not move answers for no more than rounding
    assert all(abs(one.points) <= 0.1 for one in found if one.feature in same)


def tenths(value: float) -> int:
    assert abs(value * 10 - round(value * 10)) < 1e-6, "shown with one decimal"
    return round(value * 10)


# ---- bands, sentiment, prior ----


def test_bands_are_limits_of_the_score() -> None:
    assert [band(value).name for value in (100, 80, 79.9, 65, 64.9, 0)] == [
        "green", "green", "yellow", "yellow", "red", "red",
    ]  # fmt: skip
    assert band(55, (Band("fine", 50), Band("poor", 0))).name == "fine"


@pytest.mark.parametrize(
    ("value", "sentiment", "sentence"),
    [
        (22.0, 5, "Health is 22 (red), and the CSM's own sentiment is 5 of 5 (green)."),
        (88.0, 1, "Health is 88 (green), and the CSM's own sentiment is 1 of 5 (red)."),
        (75.0, 5, None),
        (22.0, 3, None),
        (88.0, 4, None),
        (None, 5, None),
        (22.0, None, None),
    ],
)
def test_two_bands_between_score_and_sentiment_are_said(
    value: float | None, sentiment: int | None, sentence: str | None
) -> None:
    found = disagreement(value, sentiment)
    assert (found and found.sentence) == sentence


def test_a_sentiment_is_one_to_five() -> None:
    with pytest.raises(ValueError, match="1 to 5"):
        disagreement(50, 6)


def test_the_prior_falls_with_health_and_stays_a_chance() -> None:
    chances = [prior(value) for value in range(0, 101, 5)]
    assert chances == sorted(chances, reverse=True)
    assert chances[0] == pytest.approx(0.8) and chances[-1] == pytest.approx(0.03)
    assert prior(None) == prior(80)
