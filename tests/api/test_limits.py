"""A key may make so many calls a minute; what is left stands in the headers."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest

from holdfast.api import limits

from .conftest import NOW, Caller


@pytest.fixture(autouse=True)
def six_a_minute(own_home: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOLDFAST_API_RATE", "6")
    limits.forget(own_home)


def test_the_bucket_empties_and_fills_up_again() -> None:
    left = [limits.take(1, NOW) for _ in range(7)]
    assert [one.left for one in left] == [5, 4, 3, 2, 1, 0, 0]
    assert [one.is_over for one in left] == [False] * 6 + [True]
    assert left[-1].again_in == 10
    assert limits.take(1, NOW + timedelta(seconds=9)).is_over
    assert not limits.take(1, NOW + timedelta(seconds=10)).is_over
    assert limits.take(1, NOW + timedelta(hours=1)).left == 5


def test_each_key_has_its_own_bucket() -> None:
    for _ in range(7):
        limits.take(1, NOW)
    assert not limits.take(2, NOW).is_over


def test_a_clock_that_goes_back_gives_nothing() -> None:
    for _ in range(6):
        limits.take(1, NOW)
    assert limits.take(1, NOW - timedelta(hours=1)).is_over


def test_at_the_same_time_no_token_is_given_twice() -> None:
    with ThreadPoolExecutor(8) as pool:
        over = [one.is_over for one in pool.map(lambda _: limits.take(1, NOW), range(50))]
    assert over.count(False) == 6


def test_the_api_says_what_is_left_and_when_to_come_again(as_key: Callable[..., Caller]) -> None:
    caller = as_key([])
    answers = [caller("GET", "/keys/self") for _ in range(7)]
    assert [one.status_code for one in answers] == [200] * 6 + [429]
    assert [one["RateLimit-Remaining"] for one in answers] == ["5", "4", "3", "2", "1", "0", "0"]
    assert answers[0]["RateLimit-Limit"] == "6" and answers[0]["RateLimit-Policy"] == "6;w=60"
    assert 1 <= int(answers[-1]["Retry-After"]) <= 10
    assert answers[-1]["Content-Type"] == "application/problem+json"
