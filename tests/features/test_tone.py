"""The tone of a text: −1 angry, 0 plain, +1 kind."""

from __future__ import annotations

import pytest

from holdfast.domain.tone import HALF, NEGATED, PHRASES, WORDS, tone


@pytest.mark.parametrize("text", ["", "The export has two columns.", "12345", "¿?"])
def test_a_text_without_any_word_of_the_lexicon_is_plain(text: str) -> None:
    assert tone(text) == 0


def test_a_result_can_be_worked_out_with_a_pencil() -> None:
    assert tone("great") == 2 / (2 + HALF)
    assert tone("terrible and slow") == -4 / (4 + HALF)


@pytest.mark.parametrize(
    ("kinder", "angrier"),
    [
        ("Thank you, this is great", "This is terrible"),
        ("This is bad", "This is terrible"),
        ("This is terrible", "This is TERRIBLE"),
        ("This is terrible", "This is terrible!!!"),
        ("This is bad", "This is really bad"),
        ("This is not bad", "This is bad"),
        ("This is good", "This is not good"),
        ("We waited", "We are still waiting, this is the third time"),
    ],
)
def test_which_of_two_is_the_angrier(kinder: str, angrier: str) -> None:
    assert tone(kinder) > tone(angrier)


def test_not_turns_a_word_about_within_three_words() -> None:
    assert tone("It does not work well or good") != tone("It is not good")
    assert tone("It is not good") == NEGATED * WORDS["good"] / (abs(NEGATED * WORDS["good"]) + HALF)
    assert tone("It isn’t good") == tone("It isn't good") < 0


def test_a_text_all_in_capitals_shouts_no_word_more() -> None:
    assert tone("THIS IS TERRIBLE") == tone("this is terrible")


def test_however_much_is_said_it_stays_between_the_ends() -> None:
    assert -1 < tone("terrible awful horrible " * 100 + "!!!") < -0.9
    assert 0.9 < tone("great perfect wonderful " * 100) < 1


def test_words_of_the_lexicon_are_lower_case_and_weigh_something() -> None:
    assert all(word == word.lower() and weight for word, weight in WORDS.items())
    assert all(phrase == phrase.lower() and " " in phrase for phrase in PHRASES)
