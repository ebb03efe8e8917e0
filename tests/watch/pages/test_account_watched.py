"""An account under watch: its health with parts, what moved it, what is not known, chances with reasons, signals down to their rows."""

from __future__ import annotations

import re

from tests.watch.pages.conftest import Watched
from tests.web.books import Served, text


def test_the_overview_shows_the_gauge_and_says_which_way_it_goes(web: Watched) -> None:
    page = text(web.alice.get("/accounts/acme/"))
    assert 'aria-label="Health 31 of 100, 0 bad to 100 good"' in page
    assert "Urgent ticket open" in page and "30%" in page


def test_the_health_tab_tells_parts_moves_and_history(web: Watched) -> None:
    page = text(web.alice.get("/accounts/acme/health/"))
    for told in (
        "What the score is made of",
        "What moved it",
        "Health over time",
        "The days ahead",
        "Oldest bill overdue",
    ):
        assert told in page, told


def test_what_is_not_known_is_said_and_not_scored(web: Watched) -> None:
    page = text(web.bob.get("/accounts/bolt/health/"))
    assert page.count("not known, and not scored") >= 1
    assert "of the scorecard's weight is known; the rest is not scored" in page


def test_an_account_without_a_score_says_why_there_is_none(web: Watched) -> None:
    page = text(web.admin.get("/accounts/cora/health/"))
    assert 'aria-label="Health no score, 0 bad to 100 good"' in page
    assert "Too little is known for a score" in page


def test_the_csm_s_word_stands_apart_and_a_disagreement_is_shown(web: Watched) -> None:
    page = text(web.alice.get("/accounts/acme/health/"))
    assert "own sentiment is 5 of 5 (green)" in page and "Health is 31 (red)" in page
    assert "The two are not averaged" in page
    assert "own sentiment is" not in text(web.bob.get("/accounts/bolt/health/"))


def test_a_signal_leads_to_the_row_that_it_rests_on(web: Watched) -> None:
    page = text(web.alice.get("/accounts/acme/health/"))
    assert "An urgent ticket is open for 3 days." in page
    [source] = re.findall(r'href="(/accounts/acme/source/[^"]+)"', page)
    row = text(web.alice.get(source.replace("&amp;", "&")))
    assert "t2" in row and "Down" in row and "ticket.csv" in row


def test_reasons_stand_under_what_they_do(web: Watched) -> None:
    page = text(web.alice.get("/accounts/acme/health/"))
    why = page.split("Why it might leave, or stay")[1].split("</section>")[0]
    raises, lowers = why.split("Lowers it")
    assert re.search(r"fell|left", raises) or re.search(r"away|years", lowers)
    assert not re.search(r"fell|left", lowers) and not re.search(r"240 days|three years", raises)


def test_chances_stand_by_horizon_with_an_interval(web: Watched) -> None:
    page = text(web.alice.get("/accounts/acme/health/"))
    table = page.split('aria-label="The days ahead"')[1].split("</table>")[0]
    assert [days for days in ("30 days", "90 days", "180 days") if days in table] == ["30 days", "90 days", "180 days"]
    assert "9 times in 10" in table


def test_all_features_can_be_searched_by_a_part_of_a_word(web: Watched) -> None:
    whole = text(web.alice.get("/accounts/acme/features/"))
    assert "days_to_renewal" in whole and "open_tickets" in whole
    some = text(web.alice.get("/accounts/acme/features/?q=renewal", headers={"HX-Request": "true"}))
    assert "days_to_renewal" in some and "open_tickets" not in some and "<html" not in some


def test_somebody_elses_account_shows_nothing(web: Watched) -> None:
    for path in ("health/", "features/", "charts/health/"):
        assert web.bob.get(f"/accounts/acme/{path}").status_code == 403


def test_an_account_that_does_not_pay_says_that_it_is_not_watched(web: Watched) -> None:
    page = text(web.alice.get("/accounts/dune/health/"))
    assert "Not watched" in page and "The watch looks at accounts that pay" in page


def test_before_the_first_watch_the_tab_says_what_to_do(unwatched: Served) -> None:
    page = text(unwatched.alice.get("/accounts/acme/health/"))
    assert "Nothing is watched yet" in page and "holdfast watch" in page
    assert "0 bad" not in text(unwatched.alice.get("/accounts/acme/"))


def test_the_history_is_a_table_too(web: Watched) -> None:
    lines = text(web.alice.get("/accounts/acme/charts/health.csv")).splitlines()
    assert lines[0] == 'Day,"Health, 0 bad to 100 good"' and len(lines) > 40
