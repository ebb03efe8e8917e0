"""Policies of a home: a file adds one; what is wrong with a file is told with file, setting and value."""

from __future__ import annotations

from pathlib import Path

import pytest

from holdfast.domain.policy import PolicyError
from holdfast.flows.book import book
from holdfast.flows.home import HomeError, Settings, create, open_home

from ..oracle.pencil import POLICIES, facts, item
from .homes import NOW, booked_home, home_of, window_of, with_policy


def test_the_shipped_policies_are_those_of_the_definitions() -> None:
    assert set(POLICIES) == {
        "holdfast-1", "holdfast-usage-1", "chartmogul", "stripe", "chargebee", "profitwell", "recurly", "ghost", "public-filing",
    }  # fmt: skip


def test_a_file_adds_a_policy(tmp_path: Path) -> None:
    """A customer on pause since 10 February: on hold for 90 days, or lost at once."""
    home = booked_home(tmp_path, facts(item("2024-01-01", 100), item("2024-02-10", 100, status="paused")))
    home = with_policy(
        home, "strict", 'name = "strict"\ntitle = "Strict"\nbased_on = "holdfast-1"\npause_grace_days = 0\n'
    )
    assert window_of(home, "2024-02-01", "2024-03-01").logo_retention == 1
    assert window_of(home, "2024-02-01", "2024-03-01", "strict").logo_retention == 0
    assert home.policy("strict").differences(home.policy()) == {"pause_grace_days": (0, 90)}


def test_a_home_may_live_under_its_own_policy(tmp_path: Path) -> None:
    home = home_of(tmp_path, facts(item("2024-01-01", 100, interval="week")), policy="mine")
    with_policy(home, "mine", 'name = "mine"\ntitle = "Mine"\nbased_on = "ghost"\n')
    book(home, NOW)
    assert window_of(home, "2024-02-01", "2024-03-01").counts.opening == 400


BASE = 'name = "bad"\ntitle = "Bad"\nbased_on = "holdfast-1"\n'


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (BASE + "pause_grace_day = 3\n", ["pause_grace_day", "pause_grace_days"]),
        (BASE + "pause_grace_days = -1\n", ["pause_grace_days", "-1", "whole number"]),
        (BASE + 'pause_grace_days = "soon"\n', ["pause_grace_days", "soon", "never"]),
        (BASE + 'grain = "company"\n', ["grain", "company", "account", "parent", "subscription"]),
        (BASE + 'past_due_counts = "yes"\n', ["past_due_counts", "yes", "true or false"]),
        (BASE + "past_due_counts = 1\n", ["past_due_counts", "1", "true or false"]),
        (BASE + 'week_factor = "four"\n', ["week_factor", "four", "52/12"]),
        (BASE + "week_factor = 0\n", ["week_factor", "0", "above zero"]),
        (BASE + 'day_factor = "365/0"\n', ["day_factor", "365/0", "52/12"]),
        ('name = "bad"\ntitle = "Bad"\nbased_on = "holdfast-9"\n', ["based_on", "holdfast-9", "holdfast-1"]),
        ('title = "No name"\nbased_on = "holdfast-1"\n', ["name", "missing"]),
        ('name = "bad"\nbased_on = "holdfast-1"\n', ["title", "missing"]),
        ('name = "stripe"\ntitle = "Mine"\nbased_on = "holdfast-1"\n', ["stripe", "exists already"]),
        ("name = bad", ["not valid TOML"]),
    ],
)
def test_a_policy_that_cannot_be_used_is_told_with_file_setting_and_value(
    tmp_path: Path, text: str, told: list[str]
) -> None:
    home = create(tmp_path / "home", Settings())
    with_policy(home, "bad", text)
    with pytest.raises(PolicyError) as error:
        home.policies()
    assert str(home.path / "policies" / "bad.toml") in str(error.value)
    for part in told:
        assert part in str(error.value)


def test_a_policy_s_name_is_a_name_and_not_a_path(tmp_path: Path) -> None:
    """Ledgers and closes are kept under the policy's name."""
    home = create(tmp_path / "home", Settings())
    with_policy(home, "sly", 'name = "../../sly"\ntitle = "Sly"\nbased_on = "holdfast-1"\n')
    with pytest.raises(PolicyError, match="name"):
        home.policies()


def test_an_unknown_policy_lists_the_known(tmp_path: Path) -> None:
    with pytest.raises(HomeError, match=r"'stripee'; there are: holdfast-1, .*stripe"):
        create(tmp_path / "home", Settings()).policy("stripee")


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ('timezone = "Mars/Olympus"', ["timezone", "Mars/Olympus", "Europe/Berlin"]), ('currency = "dollars"', ["currency", "dollars", "USD"]),
        ('as_of = "tomorrow"', ["as_of", "tomorrow", "2025-03-31"]), ('colour = "blue"', ["colour", "timezone"]), ("company = ", ["not valid TOML"]),
    ],
)  # fmt: skip
def test_settings_that_cannot_be_used_are_told_with_file_setting_and_value(
    tmp_path: Path, line: str, told: list[str]
) -> None:
    home = create(tmp_path / "home", Settings())
    config = home.path / "holdfast.toml"
    kept = [one for one in config.read_text().splitlines() if not one.startswith(line.split(" ")[0])]
    config.write_text("\n".join([*kept, line]) + "\n")
    with pytest.raises(HomeError) as error:
        open_home(home.path)
    assert str(config) in str(error.value)
    for part in told:
        assert part in str(error.value)
