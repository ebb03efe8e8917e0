"""What becomes a CTA: merging, joining, quiet periods, priority, pooling, and the list of the week."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from itertools import permutations

import pytest

from holdfast.domain import ctas
from holdfast.domain.ctas import HIGH, LOW, MEDIUM, Budget, Ranked, may_open, merged, priority, week_list
from holdfast.domain.judgement import NOTICE, URGENT, WARNING, Evidence

from .wanted import wanted

DAY = date(2026, 1, 6)


def test_one_of_a_cause_is_asked_for_and_the_most_severe_speaks() -> None:
    mild = wanted(severity=1, sentence="A little.", signals=("slow",), at_stake_minor=9_000, due_on=date(2026, 1, 5))
    hard = wanted(severity=3, sentence="A lot.", signals=("gone", "slow"), at_stake_minor=2_000)
    for asked in permutations([mild, hard]):
        [one] = merged(asked)
        assert (one.sentence, one.severity, one.signals) == ("A lot.", 3, ("gone", "slow"))
        # the larger amount and the earlier day hold, whoever told them
        assert (one.at_stake_minor, one.due_on) == (9_000, date(2026, 1, 5))


def test_evidence_of_all_of_them_is_kept_once() -> None:
    shared, own = Evidence("People", "3"), Evidence("Tickets", "9")
    [one] = merged([wanted(evidence=(shared,)), wanted(evidence=(shared, own), severity=1)])
    assert one.evidence == (shared, own)


def test_another_kind_cause_or_account_is_another_cta() -> None:
    assert len(merged([wanted(), wanted("bolt"), wanted(kind="lifecycle"), wanted(cause="billing")])) == 4


@pytest.mark.parametrize("change", [{"kind": "portfolio"}, {"account_id": ""}, {"cause": ""}, {"severity": 0}])
def test_what_cannot_be_a_cta_is_refused(change: dict[str, object]) -> None:
    with pytest.raises(ValueError):
        replace(wanted(), **change)  # type: ignore[arg-type]


def test_a_closed_cause_is_quiet_for_a_while_unless_it_grew_worse() -> None:
    closed = DAY
    assert not may_open(closed, WARNING, WARNING, DAY + timedelta(days=44), 45)
    assert may_open(closed, WARNING, WARNING, DAY + timedelta(days=45), 45)
    assert may_open(closed, WARNING, URGENT, DAY + timedelta(days=1), 45)
    assert not may_open(closed, URGENT, WARNING, DAY + timedelta(days=1), 45)


@pytest.mark.parametrize(
    ("minor", "severity", "told"),
    [
        (100_000, WARNING, HIGH), (100_000, NOTICE, MEDIUM), (25_000, URGENT, HIGH), (24_999, URGENT, MEDIUM),
        (25_000, WARNING, MEDIUM), (0, WARNING, MEDIUM), (24_999, NOTICE, LOW), (25_000, NOTICE, MEDIUM),
    ],
)  # fmt: skip
def test_priority_weighs_money_and_severity(minor: int, severity: int, told: int) -> None:
    assert priority(minor, severity, 100_000) == told


def test_more_money_or_more_severity_never_lowers_the_priority() -> None:
    amounts = (0, 10, 24_999, 25_000, 99_999, 100_000, 10**9)
    for severity in (1, 2, 3):
        told = [priority(amount, severity, 100_000) for amount in amounts]
        assert told == sorted(told, reverse=True)
    for amount in amounts:
        assert [priority(amount, s, 100_000) for s in (3, 2, 1)] == sorted(
            priority(amount, s, 100_000) for s in (1, 2, 3)
        )


def test_an_account_is_pooled_by_its_mrr_and_by_what_is_at_stake_where_that_is_all_we_know() -> None:
    limit = Budget(pool_under_minor=10_000)
    assert wanted(at_stake_minor=9_999).is_small(limit) and not wanted(at_stake_minor=10_000).is_small(limit)
    assert not wanted(at_stake_minor=500, mrr_minor=10_000).is_small(limit)
    assert wanted(at_stake_minor=50_000, mrr_minor=9_999).is_small(limit)


def test_a_cause_is_gone_after_four_weeks_and_a_persons_own_never() -> None:
    assert not ctas.is_gone(DAY, DAY + timedelta(days=27)) and ctas.is_gone(DAY, DAY + timedelta(days=28))
    assert not ctas.is_gone(None, DAY)


def test_an_outcome_says_whether_something_was_done() -> None:
    assert {name: ctas.state_after(name) for name in ctas.OUTCOMES} == {
        "retained": "done", "lost": "done", "grew": "done", "no_change": "done", "wrong_alarm": "dismissed",
        "not_worth_it": "dismissed",
    }  # fmt: skip
    with pytest.raises(ValueError, match="there is no outcome 'fine'"):
        ctas.state_after("fine")


# -- the list of the week ----------------------------------------------------------------------------------------


def ranked(number: int, minor: int, severity: int = 1, **told: bool) -> Ranked:
    return Ranked(number, minor, severity, DAY, **told)


def test_the_most_money_comes_first_up_to_the_budget() -> None:
    assert week_list([ranked(1, 10), ranked(2, 30), ranked(3, 20)], 2) == {2, 3}
    assert week_list([ranked(1, 10), ranked(2, 30)], 5) == {1, 2}
    assert week_list([ranked(1, 10)], 0) == frozenset()


def test_of_the_same_money_the_more_severe_then_the_older_comes_first() -> None:
    old = Ranked(9, 10, 1, DAY - timedelta(days=1))
    assert week_list([ranked(1, 10), ranked(2, 10, 2), old], 1) == {2}
    assert week_list([ranked(1, 10), old], 1) == {9}


def test_what_is_worked_on_stays_and_counts() -> None:
    assert week_list([ranked(1, 1, is_kept=True), ranked(2, 30), ranked(3, 20)], 2) == {1, 2}
    # even where more is worked on than the budget has
    assert week_list([ranked(1, 1, is_kept=True), ranked(2, 2, is_kept=True), ranked(3, 9)], 1) == {1, 2}


def test_what_was_given_for_the_week_stays_until_monday() -> None:
    given = ranked(1, 10, is_given=True)
    assert week_list([given, ranked(2, 30)], 1) == {1}
    assert week_list([replace(given, is_given=False), ranked(2, 30)], 1) == {2}


def test_an_urgent_one_with_more_at_stake_takes_the_place_of_the_smallest() -> None:
    here = [ranked(1, 10, is_given=True), ranked(2, 20, is_given=True)]
    assert week_list([*here, ranked(3, 15, URGENT)], 2) == {2, 3}
    assert week_list([*here, ranked(3, 5, URGENT)], 2) == {1, 2}
    assert week_list([ranked(1, 10, is_kept=True), ranked(3, 15, URGENT)], 1) == {1}


def test_the_list_is_the_same_again_once_it_was_given() -> None:
    for severities in ((1, 1, 1, 1), (3, 1, 3, 2), (3, 3, 3, 3)):
        first = [
            ranked(n, minor, severity, is_given=n < 2)
            for n, (minor, severity) in enumerate(zip((10, 40, 20, 30), severities, strict=True))
        ]
        listed = week_list(first, 2)
        assert len(listed) == 2
        assert week_list([replace(one, is_given=one.id in listed) for one in first], 2) == listed


def test_a_smaller_budget_takes_the_smallest_off() -> None:
    assert week_list([ranked(1, 10, is_given=True), ranked(2, 20, is_given=True)], 1) == {2}


def test_weeks_begin_on_monday() -> None:
    assert {ctas.monday(date(2026, 1, 5) + timedelta(days=n)) for n in range(7)} == {date(2026, 1, 5)}
