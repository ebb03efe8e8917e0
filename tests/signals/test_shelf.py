"""The shelf of signals: found by being there, and refused with file and fault where a file does not fit."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from holdfast.domain.judgement import WARNING
from holdfast.signals import shelf as package
from holdfast.signals.shelf import ShelfError, put, shelf, signal
from holdfast.signals.signal import Seen, Signal, Verdict
from holdfast.warehouse.features import dictionary

KNOWN = {feature.name for feature in dictionary()}

GOOD = Signal(
    name="days_off",
    kind="risk",
    title="Days off",
    sentence="Nobody used it for two weeks.",
    next="Call them.",
    observes=("days_since_last_use",),
    judge=lambda seen: Verdict(WARNING, "Nobody used it.") if seen["days_since_last_use"] > 14 else None,
    outcome="churn",
)


def test_what_the_issue_asks_for_is_there() -> None:
    kinds = {one.name: one.kind for one in shelf()}
    assert len(kinds) == 29
    assert [name for name, kind in kinds.items() if kind == "portfolio"] == ["nrr_below_100", "segment_decay", "whale"]
    assert kinds["onboarding_late"] == "lifecycle"
    assert list(kinds.values()).count("opportunity") == 8
    assert signal("whale").title == "Whale"
    with pytest.raises(ShelfError, match="there is no signal 'wale'; there are: answers_slow"):
        signal("wale")


def test_a_signal_that_fits_is_taken() -> None:
    found: dict[str, Signal] = {}
    put(found, "days_off.py", GOOD, KNOWN)
    assert found == {"days_off": GOOD}


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"name": "Days off"}, "name 'Days off' is not one word in small letters"),
        ({"kind": "worry"}, "kind 'worry' is not one of risk, opportunity, lifecycle, portfolio"),
        ({"outcome": "leaving"}, "outcome 'leaving' is not one of churn, contraction, expansion"),
        ({"sentence": " "}, "sentence is empty"),
        ({"next": ""}, "next is empty"),
        ({"judge": None}, "a signal of kind risk has judge, and no judge_book"),
        ({"kind": "portfolio"}, "a signal of kind portfolio has judge_book, and no judge"),
        ({"observes": ()}, "observes is empty"),
        ({"observes": ("days_since_lust_use",)}, "observes 'days_since_lust_use', which is no feature"),
        ({"also": ("mood",)}, "observes 'mood', which is no feature"),
        ({"gives": ("mood",)}, "gives columns, but has no observe"),
        ({"horizon_days": 0}, "horizon_days = 0"),
    ],
    ids=str,
)
def test_one_that_does_not_fit_is_refused_with_its_file(change: dict[str, Any], said: str) -> None:
    with pytest.raises(ShelfError, match=said) as raised:
        put({}, "days_off.py", replace(GOOD, **change), KNOWN)
    assert str(raised.value).startswith("days_off.py: ")


def test_two_of_one_name_are_refused() -> None:
    with pytest.raises(ShelfError, match="acme: there is another signal 'days_off'"):
        put({"days_off": GOOD}, "acme", GOOD, KNOWN)


@pytest.fixture
def another(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder whose files lie on the shelf as well."""
    monkeypatch.setattr(package, "__path__", [*package.__path__, str(tmp_path)])
    shelf.cache_clear()
    yield tmp_path / "quiet_weeks.py"
    shelf.cache_clear()
    sys.modules.pop("holdfast.signals.shelf.quiet_weeks", None)
    importlib.invalidate_caches()


SOURCE = '''"""Nobody used it for weeks."""

from holdfast.domain.judgement import NOTICE
from holdfast.signals.signal import Signal, Verdict


def judge(seen):
    return Verdict(NOTICE, "Quiet.") if seen["quiet_weeks_12w"] >= 3 else None


SIGNAL = Signal(
    name="quiet_weeks", kind="risk", title="Quiet weeks", sentence="Three weeks of twelve without use.", next="Call.",
    observes=("quiet_weeks_12w",), judge=judge, outcome="churn",
)
'''


def test_a_file_adds_a_signal(another: Path) -> None:
    another.write_text(SOURCE)
    judge = signal("quiet_weeks").judge
    assert judge is not None
    assert judge(Seen({"quiet_weeks_12w": [3.0]})) == Verdict(1, "Quiet.")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("x = 1", r"quiet_weeks.py has no SIGNAL; see docs/adding.md"),
        (SOURCE.replace(' next="Call.",', ""), r"quiet_weeks.py cannot be read: .*'next'"),
        ("SIGNAL = (", r"quiet_weeks.py cannot be read"),
    ],
    ids=["no signal", "something missing", "no Python"],
)
def test_a_file_that_is_no_signal_stops_the_start(another: Path, text: str, said: str) -> None:
    another.write_text(text)
    with pytest.raises(ShelfError, match=said):
        shelf()


def test_other_packages_add_theirs_by_an_entry_point(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "acme_signals.py").write_text(SOURCE)
    info = tmp_path / "acme_signals-1.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: acme-signals\nVersion: 1\n")
    (info / "entry_points.txt").write_text("[holdfast.signals]\nquiet = acme_signals:SIGNAL\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    shelf.cache_clear()
    try:
        assert signal("quiet_weeks").title == "Quiet weeks"
    finally:
        shelf.cache_clear()
        sys.modules.pop("acme_signals", None)
