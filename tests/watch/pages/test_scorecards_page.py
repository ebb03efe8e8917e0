"""Scorecards on a page: what they are, how the accounts are spread, and a change that is looked at before it counts."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from holdfast.domain.scorecard_file import shipped_text
from tests.watch.pages.conftest import Watched
from tests.web.books import Served, text

EDIT = "/health/edit/"
#: one measure only, on which all accounts are fine
LENIENT = """
[[scorecard]]
name = "general"

[[scorecard.group]]
name = "billing"
weight = 1
measure = [
  {feature = "mrr", label = "MRR", weight = 1, bad = -1, good = 0},
]
"""


@pytest.fixture
def home(settings: Any, own: Watched) -> Path:
    """The home that the test may change."""
    found: Path = settings.HOME
    return found


def test_the_page_tells_scorecards_with_weights_thresholds_and_what_they_are_worth(web: Watched) -> None:
    page = text(web.admin.get("/health/"))
    assert "Mid-market customers" in page and "0 points at" in page and "<code>champion_left_180d</code>" in page
    assert "the scorecard ranked the right one higher <strong>66%</strong> of the time" in page


def test_the_spread_counts_the_reader_s_accounts(web: Watched) -> None:
    def counts(page: str) -> list[str]:
        row = page.split('class="parts"')[1].split("</tr>")[0]
        return [cell.split("<")[0].strip() or "—" for cell in row.split('<td class="num">')[1:]]

    # green, yellow, red, no score
    assert counts(text(web.admin.get("/health/")))[:4] == ["1", "—", "1", "1"]
    assert counts(text(web.alice.get("/health/")))[:4] == ["—", "—", "1", "—"]


def test_only_admins_and_managers_change_them(web: Watched) -> None:
    for client in (web.alice, web.finance, web.viewer):
        assert (
            client.get(EDIT).status_code == 403 and client.post(EDIT, {"text": LENIENT, "save": "1"}).status_code == 403
        )
    assert web.manager.get(EDIT).status_code == 200


def test_looking_tells_who_would_change_and_saves_nothing(own: Watched, home: Path) -> None:
    page = text(own.admin.post(EDIT, {"text": LENIENT, "look": "1"}))
    assert "What would change" in page and "3 of 3 accounts get another score" in page
    assert "→ <strong>green</strong>" in page and "Acme" in page
    assert not (home / "scorecards.toml").exists()


def test_the_same_text_changes_nobody(own: Watched) -> None:
    assert "No account would be scored otherwise" in text(own.admin.post(EDIT, {"text": shipped_text(), "look": "1"}))


def test_saving_puts_them_in_force_and_writes_down_who_did_it(own: Watched, home: Path) -> None:
    from holdfast.desk.models import AuditEntry

    assert own.manager.post(EDIT, {"text": LENIENT, "save": "1"}).status_code == 303
    assert (home / "scorecards.toml").read_text() == LENIENT
    [entry] = AuditEntry.objects.filter(action="changed scorecards")
    assert entry.actor == "mia@holdfast.example"
    assert "Mid-market customers" not in text(own.admin.get("/health/"))


def test_one_goes_back_to_those_that_come_along(own: Watched, home: Path) -> None:
    own.manager.post(EDIT, {"text": LENIENT, "save": "1"})
    own.manager.post(EDIT, {"text": LENIENT, "reset": "1"})
    assert not (home / "scorecards.toml").exists()
    assert "Mid-market customers" in text(own.admin.get("/health/"))


@pytest.mark.parametrize(
    ("wrong", "line", "told"),
    [
        ('[[scorecard]]\nname = "a\n', 2, "not valid TOML"),
        (LENIENT.replace('"mrr"', '"mmr"'), 9, "is not a feature; near it: mrr"),
        (LENIENT.replace("good = 0", "good = -1"), 9, "bad and good are both -1"),
    ],
    ids=["no TOML", "no feature", "no distance"],
)
def test_a_mistake_is_told_with_its_line_and_nothing_is_saved(
    own: Watched, home: Path, wrong: str, line: int, told: str
) -> None:
    response = own.admin.post(EDIT, {"text": wrong, "save": "1"})
    page = text(response)
    assert response.status_code == 400 and told in page.replace("&#x27;", "'")
    assert f"<strong>Line {line}</strong>" in page
    # what was written is not lost
    assert "[[scorecard]]" in page.split("<textarea")[1]
    assert not (home / "scorecards.toml").exists()


def test_a_file_that_cannot_be_used_is_said_on_the_page(own: Watched, home: Path) -> None:
    (home / "scorecards.toml").write_text("[[scorecard]]\n")
    page = text(own.admin.get("/health/"))
    assert "The scorecards cannot be used" in page and "scorecards.toml" in page


def test_before_the_first_watch_they_can_be_written_and_there_is_nothing_to_compare(unwatched: Served) -> None:
    page = text(unwatched.admin.post(EDIT, {"text": LENIENT, "look": "1"}))
    assert "What would change" not in page and "Nothing is watched yet" in page
