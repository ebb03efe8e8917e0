"""The CSM's own word: when it is due before a renewal, and where it disagrees with the health."""

from __future__ import annotations

from datetime import date

import pytest

from holdfast.domain.sentiment import Spoken, checkpoints_due

RENEWAL = date(2026, 7, 31)


def due(today: date, said: Spoken | None = None) -> list[tuple[int, date]]:
    found = checkpoints_due({"acme": RENEWAL}, {"acme": said} if said else {}, today)
    return [(one.months, one.due_from) for one in found]


def test_a_word_is_due_six_and_three_months_before_the_renewal() -> None:
    assert due(date(2026, 1, 30)) == []
    # July 31 less six months; less three: April has no 31st
    assert due(date(2026, 1, 31)) == [(6, date(2026, 1, 31))]
    assert due(date(2026, 4, 29)) == [(6, date(2026, 1, 31))]
    assert due(date(2026, 4, 30)) == [(3, date(2026, 4, 30))]
    assert due(RENEWAL) == [(3, date(2026, 4, 30))] and due(date(2026, 8, 1)) == []


def test_a_word_given_since_the_checkpoint_settles_it() -> None:
    assert due(date(2026, 2, 10), Spoken(4, date(2026, 1, 31))) == []
    assert due(date(2026, 2, 10), Spoken(4, date(2026, 1, 30))) == [(6, date(2026, 1, 31))]
    # what was said six months before says nothing three months before
    assert due(date(2026, 5, 1), Spoken(4, date(2026, 2, 10))) == [(3, date(2026, 4, 30))]


def test_the_next_renewal_comes_first() -> None:
    renewals = {"late": date(2026, 6, 1), "soon": date(2026, 2, 1), "b": date(2026, 2, 1), "far": date(2027, 1, 1)}
    assert [one.account_id for one in checkpoints_due(renewals, {}, date(2026, 1, 6))] == ["b", "soon", "late"]


@pytest.mark.parametrize("value", [0, 6])
def test_a_sentiment_is_from_one_to_five(value: int) -> None:
    with pytest.raises(ValueError):
        Spoken(value, RENEWAL)
