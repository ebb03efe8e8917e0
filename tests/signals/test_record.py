"""The record of a signal, by pencil: five accounts over half a year, looked at every week."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pytest

from holdfast.signals.record import Alert, Panel, alerts_of, record, records
from holdfast.signals.shelf import signal
from holdfast.signals.signal import Signal

START = date(2026, 1, 4)
#: it foretells churn within 90 days
CHURN = signal("no_touch")


def week(number: int) -> date:
    return START + timedelta(days=7 * number)


def panel(weeks: int, accounts: str, left: dict[str, int], known: int, alike: dict[str, str] | None = None) -> Panel:
    """Accounts that pay from week 0 up to the week in which they leave, known up to a week."""
    rows = [(a, week(i)) for i in range(weeks) for a in accounts if i < left.get(a, weeks)]
    columns: dict[str, list[Any]] = {
        "account_id": [account for account, _ in rows],
        "as_of": [day for _, day in rows],
        "mrr_minor": [100 for _ in rows],
        "days_since_touch": [1.0 for _ in rows],
    }
    happened = {account: [(week(i), "churn")] for account, i in left.items()}
    return Panel(columns, happened, week(known), [alike[a] for a, _ in rows] if alike else None)


def firing(over: Panel, *spells: tuple[str, int, int]) -> list[int]:
    """By row 1 where an account is in one of its spells (account, first week, last week)."""
    return [
        int(any(account == a and week(i) <= day <= week(j) for a, i, j in spells))
        for account, day in zip(over.accounts, over.days, strict=True)
    ]


def test_a_spell_is_one_alert_and_ends_after_28_quiet_days() -> None:
    over = panel(20, "ab", {}, 20)
    found = alerts_of(over, firing(over, ("a", 2, 3), ("a", 7, 7), ("a", 12, 12), ("b", 5, 5)))
    # four weeks after week 3 it is still the same spell; five weeks after week 7 it is another
    assert found == [Alert("a", week(2), 1, 100), Alert("a", week(12), 1, 100), Alert("b", week(5), 1, 100)]


def test_precision_base_lift_recall_and_lead() -> None:
    # a and b leave in weeks 10 and 12; a was alerted in week 4, c wrongly in week 4, b not at all; d's horizon is not over
    over = panel(30, "abcde", {"a": 20, "b": 22}, 30)
    found = record(CHURN, over, firing(over, ("a", 14, 15), ("c", 14, 14), ("d", 25, 25)))
    assert (found.alerts, found.judged, found.right) == (3, 2, 1)
    # in week 14 five accounts were there, and two of them left within 90 days
    assert (found.precision, found.base_rate, found.lift) == (0.5, 0.4, pytest.approx(1.25))
    assert (found.events, found.foretold, found.recall) == (2, 1, 0.5)
    assert found.lead_days == 42
    assert found.alerts_a_week == pytest.approx(3 / 29)
    assert found.mrr_minor == 100
    assert found.verdict == "too few to tell"
    assert found.sentence == (
        "Of 2 alerts 1 were right (50%, between 9% and 91%); of like accounts 40% did the same within 90 days. Too few to tell."
    )


def test_lead_is_counted_from_the_first_firing_before_the_event() -> None:
    over = panel(30, "ab", {"a": 20}, 30)
    found = record(CHURN, over, firing(over, ("a", 9, 9), ("a", 15, 15)))
    assert (found.right, found.foretold, found.lead_days) == (2, 1, 77)


def test_like_accounts_are_the_base() -> None:
    kinds = {"a": "small", "b": "small", "c": "large", "d": "large"}
    over = panel(30, "abcd", {"a": 16, "b": 17}, 30, kinds)
    found = record(CHURN, over, firing(over, ("a", 10, 10), ("b", 10, 10)))
    # of all accounts half left, but of small ones all: the signal knows no more than the size
    assert (found.precision, found.base_rate, found.lift) == (1.0, 1.0, 1.0)


def test_without_alerts_there_is_nothing_to_tell() -> None:
    over = panel(10, "ab", {}, 10)
    found = record(CHURN, over, firing(over))
    assert (found.precision, found.base_rate, found.recall, found.verdict) == (None, None, None, "too few to tell")
    assert found.sentence == "0 alerts, none of them 90 days ago yet: too few to tell."


def test_only_what_could_have_been_foretold_counts_as_missed() -> None:
    over = panel(30, "ab", {"a": 20, "b": 22}, 30)
    fired = firing(over, ("a", 14, 14))
    assert record(CHURN, over, fired).recall == 0.5
    # of b nothing that the signal observes was ever known
    touches = [None if account == "b" else 1.0 for account in over.accounts]
    unknown = Panel(
        {**over.columns, "days_since_touch": touches},
        {"a": [(week(20), "churn")], "b": [(week(22), "churn")]},
        week(30),
    )
    found = record(CHURN, unknown, fired)
    assert (found.events, found.recall) == (1, 1.0)


def many(right: int, wrong: int, others: int) -> tuple[Panel, list[int]]:
    """Alerts in the first week: so many right, so many wrong, and accounts without an alert, of which one in ten leaves."""
    names = [f"{i:04}" for i in range(right + wrong + others)]
    left = dict.fromkeys(names[:right], 5) | dict.fromkeys(names[right + wrong :: 10], 5)
    days = {"as_of": [START] * len(names), "days_since_touch": [1.0] * len(names)}
    rows = {"account_id": names, "mrr_minor": [100] * len(names), **days}
    happened = {name: [(week(at), "churn")] for name, at in left.items()}
    return Panel(rows, happened, week(20)), [int(i < right + wrong) for i in range(len(names))]


@pytest.mark.parametrize(
    ("right", "wrong", "verdict"),
    [(40, 60, "useful"), (12, 88, "noise"), (3, 4, "too few to tell"), (4, 0, "too few to tell"), (0, 80, "noise")],
)
def test_useful_is_what_lies_above_the_base_for_sure(right: int, wrong: int, verdict: str) -> None:
    over, fired = many(right, wrong, 900)
    assert record(CHURN, over, fired).verdict == verdict


def test_the_more_signals_are_looked_at_the_surer_one_has_to_be() -> None:
    over, fired = many(19, 81, 900)
    assert record(CHURN, over, fired, signals=1).verdict == "useful"
    assert record(CHURN, over, fired, signals=30).verdict == "too few to tell"


def test_alerts_that_share_their_horizon_are_one_look() -> None:
    """Six alerts of one account before one departure are no six proofs."""
    rows = [(account, week(i)) for i in range(0, 60, 6) for account in ("a", "b", "c", "d")]
    columns = {"account_id": [a for a, _ in rows], "as_of": [d for _, d in rows], "mrr_minor": [1 for _ in rows]}
    over = Panel(columns, {"a": [(week(60), "churn")]}, week(80))
    found = record(CHURN, over, [int(account == "a") for account, _ in rows])
    assert (found.alerts, found.judged) == (10, 10)
    wide = found.interval[1] - found.interval[0]
    assert wide > 0.45, "ten alerts, four looks"


def test_signals_that_foretell_nothing_have_no_record() -> None:
    over, fired = many(40, 60, 900)
    told: list[tuple[Signal, list[int]]] = [(CHURN, fired), (signal("whale"), [])]
    assert [one.signal for one in records(told, over)] == ["no_touch"]
