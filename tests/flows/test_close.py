"""Close: a signed month stays as it was signed; what is learned later is a restatement, by account and amount."""

from __future__ import annotations

import json
import shutil
from datetime import timedelta
from pathlib import Path

import pytest

from holdfast.flows.book import book
from holdfast.flows.close import Close, Restatement, close, closes, restatements
from holdfast.flows.home import Home, HomeError, open_home

from ..ledger.booked import rows_of
from ..metrics.worlds import path
from ..oracle.pencil import facts, item
from .homes import NOW, booked_home

pytestmark = pytest.mark.slow

LATER = NOW + timedelta(days=40)


@pytest.fixture(scope="module")
def booked(tmp_path_factory: pytest.TempPathFactory) -> Home:
    """A grows, B leaves and C comes in March 2024."""
    company = facts(*path("A", 100, 100, 150), *path("B", 70, 70, 0), *path("C", 0, 0, 40))
    return booked_home(tmp_path_factory.mktemp("close"), company)


@pytest.fixture
def home(booked: Home, tmp_path: Path) -> Home:
    """The same company in a home of the test's own."""
    return open_home(Path(shutil.copytree(booked.path, tmp_path / "home")))


def late(home: Home, *rows: object) -> None:
    """What we are told after the month was signed."""
    home.landing.append(
        "subscription_item", [rows_of("subscription_item", rows)], source="test", source_kind="billing", loaded_at=LATER
    )
    book(home, LATER)


def test_a_close_says_what_was_signed(home: Home) -> None:
    signed = close(home, "2024-03", "Ada", NOW)
    assert (signed.month, signed.policy, signed.signed_by, signed.as_of) == (
        "2024-03",
        "holdfast-1",
        "Ada",
        "2025-12-31",
    )
    assert (signed.opening, signed.closing) == ({"USD": 170}, {"USD": 190})
    assert signed.movements == {"USD": {"new": 40, "expansion": 50, "churn": -70}}
    assert closes(home) == [signed]
    assert restatements(home, signed) == []


def test_a_late_correction_is_a_restatement_by_account_and_amount(home: Home) -> None:
    """In May we learn that A had grown to 130 only, that B had stayed with 70, and that D had come with 25."""
    signed = close(home, "2024-03", "Ada", NOW)
    learned = LATER.replace(tzinfo=None)
    late(
        home,
        item("2024-03-01", 130, "A", "A-i", learned_at=learned), item("2024-03-01", 70, "B", "B-i", learned_at=learned),
        item("2024-03-20", 25, "D", "d", learned_at=learned),
    )  # fmt: skip
    assert restatements(home, signed) == [
        Restatement("B", "USD", "churn", -70, 0), Restatement("D", "USD", "new", 0, 25), Restatement("A", "USD", "expansion", 50, 30),
    ]  # fmt: skip
    assert [one.difference for one in restatements(home, signed)] == [70, 25, -20]
    assert closes(home) == [signed], "what was signed stays"


def test_a_change_of_a_month_before_shows_in_the_opening(home: Home) -> None:
    signed = close(home, "2024-03", "Ada", NOW)
    late(home, item("2024-02-01", 90, "A", "A-i", learned_at=LATER.replace(tzinfo=None)))
    assert restatements(home, signed) == [
        Restatement("A", "USD", "expansion", 50, 60),
        Restatement("A", "USD", "opening", 100, 90),
    ]


def test_a_change_of_a_month_after_is_no_restatement(home: Home) -> None:
    signed = close(home, "2024-03", "Ada", NOW)
    late(home, item("2024-05-01", 900, "A", "A-i", learned_at=LATER.replace(tzinfo=None)))
    assert restatements(home, signed) == []


def test_a_month_that_is_not_over_or_not_there_is_not_signed(home: Home) -> None:
    for month, message in (
        ("2026-01", "not over"),
        ("2023-12", "before the first month"),
        ("2024-13", "is not a month"),
        ("March", "is not a month"),
    ):
        with pytest.raises(ValueError, match=message):
            close(home, month, "Ada", NOW)
    close(home, "2025-12", "Ada", NOW)
    assert [one.month for one in closes(home)] == ["2025-12"]


def test_a_month_is_signed_once(home: Home) -> None:
    close(home, "2024-03", "Ada", NOW)
    with pytest.raises(HomeError, match="closed already"):
        close(home, "2024-03", "Bea", LATER)
    assert closes(home)[0].signed_by == "Ada"


def evidence(home: Home) -> Path:
    return home.closes / "2024-03.holdfast-1.parquet"


def test_evidence_that_was_altered_is_refused(home: Home) -> None:
    signed = close(home, "2024-03", "Ada", NOW)
    content = bytearray(evidence(home).read_bytes())
    content[len(content) // 2] ^= 1
    evidence(home).write_bytes(content)
    with pytest.raises(HomeError, match="not the file that was signed"):
        restatements(home, signed)


def test_evidence_that_is_gone_is_told_in_a_sentence(home: Home) -> None:
    signed = close(home, "2024-03", "Ada", NOW)
    evidence(home).unlink()
    with pytest.raises(HomeError, match=evidence(home).name):
        restatements(home, signed)


def test_totals_that_were_altered_are_refused(home: Home) -> None:
    """The signed totals are part of what was signed: a closing edited by hand does not pass for Ada's."""
    close(home, "2024-03", "Ada", NOW)
    file = home.closes / "2024-03.holdfast-1.json"
    told = json.loads(file.read_text())
    told["closing"]["USD"] += 1
    file.write_text(json.dumps(told))
    with pytest.raises(HomeError, match="signed"):
        for signed in closes(home):
            restatements(home, signed)


def test_a_close_reads_as_it_was_written(home: Home) -> None:
    signed = close(home, "2024-03", "Ada", NOW)
    assert Close(**json.loads((home.closes / "2024-03.holdfast-1.json").read_text())) == signed
