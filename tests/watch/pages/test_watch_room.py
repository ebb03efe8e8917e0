"""The pages of the watch: risk, signals, health with its scorecards, track record and features; who sees what; what stands there before."""

from __future__ import annotations

import csv
import io
import json
import re
from pathlib import Path
from typing import Any

import pytest

from tests.watch.pages.conftest import Watched
from tests.web.books import Served, text

ROOM = ("/risk/", "/signals/", "/health/", "/trackrecord/", "/features/")


def table(page: str, label: str) -> str:
    """The words of a table by its label."""
    found = page.split(f'aria-label="{label}"')[1].split("</table>")[0]
    return " ".join(re.sub(r"<[^>]+>", " ", found).split())


@pytest.mark.parametrize("path", ROOM)
def test_before_the_first_watch_every_page_says_what_to_do(unwatched: Served, path: str) -> None:
    response = unwatched.admin.get(path)
    assert response.status_code == 200
    assert "Nothing is watched yet" in text(response) and "It runs by itself" in text(response)


@pytest.mark.parametrize("path", ROOM)
def test_everybody_reads_the_room(web: Watched, path: str) -> None:
    for client in (web.admin, web.manager, web.alice, web.charlie, web.finance, web.viewer):
        assert client.get(path).status_code == 200


# -- risk ----------------------------------------------------------------------------------------------------------


def test_the_two_rankings_differ_and_one_switches_between_them(web: Watched) -> None:
    by_money, by_chance = (
        table(text(web.admin.get(f"/risk/?rank={rank}")), "Accounts at risk") for rank in ("money", "chance")
    )
    assert by_money.index("Acme") < by_money.index("Bolt") and by_chance.index("Bolt") < by_chance.index("Acme")


def test_money_at_risk_sums_up_by_book_and_by_renewal_month(web: Watched) -> None:
    books = list(csv.DictReader(io.StringIO(text(web.admin.get("/books/charts/at-risk-by-owner.csv")))))
    assert {line["Owner"]: line["MRR at risk"] for line in books} == {
        "Alice": "61.50",
        "Bob": "40.00",
        "Nobody": "0.40",
    }
    months = list(csv.DictReader(io.StringIO(text(web.admin.get("/books/charts/at-risk-by-renewal.csv")))))
    assert [line["Renewal"] for line in months] == ["January 2026", "June 2026", "no term"]
    assert web.admin.get("/books/charts/at-risk-by-owner.png").content.startswith(b"\x89PNG")


def test_a_csm_sees_what_is_at_risk_in_their_own_book(web: Watched) -> None:
    page = text(web.alice.get("/risk/"))
    assert "Acme" in page and "Bolt" not in page and "your book" in page
    assert "Bob" not in text(web.alice.get("/books/charts/at-risk-by-owner.csv"))


def test_predicted_nrr_stands_with_its_interval_for_the_book_and_each_segment(web: Watched) -> None:
    told = table(text(web.admin.get("/risk/?by=plan")), "Predicted NRR")
    assert "Team" in told and "Business" in told and "The book" in told
    assert len(re.findall(r"\d+\.\d% – \d+\.\d%", told)) == 3


def figures(page: str) -> list[str]:
    """The steps of an explained figure, and what comes out."""
    told = page.split('<table class="data-table compact">')[1].split("</table>")[0]
    return re.findall(r"-?\$[\d,.]+", told.replace("−", "-"))


@pytest.mark.parametrize("metric", ["at_risk", "expected_mrr"])
def test_a_figure_of_the_page_opens_to_how_it_was_computed(web: Watched, metric: str) -> None:
    address = f"/risk/explain/{metric}/"
    assert f'href="{address}' in text(web.admin.get("/risk/"))
    page, part = web.admin.get(address), web.admin.get(address, headers={"HX-Request": "true"})
    assert "The steps sum to the figure, to the minor unit." in text(page) and "<main" not in text(part)
    amounts = [float(one.replace("$", "").replace(",", "")) for one in figures(text(page))]
    *steps, whole, _ = amounts
    assert round(sum(steps), 2) == whole
    assert "select" in text(page) and "standing" in text(page) and "Acme" in text(page) and "Bolt" in text(page)
    assert "Where the chances come from" in text(page) and "Ledger generation" in text(page)


def test_mrr_at_risk_is_explained_by_the_accounts_that_make_it(web: Watched) -> None:
    assert figures(text(web.admin.get("/risk/explain/at_risk/")))[2] == "$101.90"
    alice = text(web.alice.get("/risk/explain/at_risk/"))
    assert figures(alice)[2] == "$61.50" and "Acme" in alice and "Bolt" not in alice, "a CSM's is of their own book"


def test_a_figure_or_span_that_is_none_is_said(web: Watched) -> None:
    assert web.admin.get("/risk/explain/nonsense/").status_code == 404
    assert web.admin.get("/risk/explain/expected_mrr/?days=31").status_code == 400


def test_where_the_model_is_not_better_the_page_says_so_and_what_it_needs(own: Watched, settings: Any) -> None:
    assert "falls back to the scorecard" not in text(own.admin.get("/risk/"))
    _say(settings.HOME, "churn", verdict="not enough history", needs=14, why="6 accounts left; about 20 are needed.")
    page = text(own.admin.get("/risk/"))
    assert "Not enough history to predict who leaves" in page and "It needs about 14 more churns" in page
    assert "falls back to the scorecard" in page


def _say(home: Path, target: str, **told: Any) -> None:
    """Another verdict in the track record, as another watch publishes it."""
    from holdfast.flows import answers

    path = home / "watch" / "000001" / "trackrecord.json"
    record = json.loads(path.read_text())
    for one in record["targets"]:
        if one["target"] == target:
            one |= told
    path.write_text(json.dumps(record))
    answers.forget()


@pytest.mark.parametrize("asked", ["rank=loudness", "days=7", "by=no_such_attribute"])
def test_what_cannot_be_asked_is_refused_with_what_can(web: Watched, asked: str) -> None:
    assert web.admin.get(f"/risk/?{asked}").status_code == 400


# -- track record --------------------------------------------------------------------------------------------------


def test_the_verdict_is_plain_and_every_figure_has_a_sentence(web: Watched) -> None:
    page = text(web.admin.get("/trackrecord/"))
    assert "Better than the scorecard at predicting who is leaving" in page
    for sentence in ("a coin does 50", "lower is better", "0.8 to 1.2 is sound", "than a tenth picked at random"):
        assert sentence in page, sentence


def test_the_model_stands_beside_scorecard_and_tenure(web: Watched) -> None:
    told = table(text(web.admin.get("/trackrecord/")), "Against simpler ways")
    assert "The model 0.78 0.74 – 0.82" in told and "The scorecard 0.66" in told and "Tenure only 0.58" in told


def test_where_it_is_not_better_the_page_says_that_the_product_falls_back(web: Watched) -> None:
    page = text(web.admin.get("/trackrecord/?target=contraction"))
    assert "Not better than the scorecard at predicting who is shrinking" in page
    assert "The product goes by the scorecard for this" in page


def test_without_history_there_are_no_figures_and_it_says_how_many_events_are_missing(web: Watched) -> None:
    page = text(web.admin.get("/trackrecord/?target=expansion"))
    assert "Not enough history to predict who is growing" in page and "It needs about 14 more such events" in page
    assert "Told apart" not in page and "No prediction of 90 days has come due yet" in page


def test_a_csm_sees_the_record_and_not_the_company_s_money(web: Watched) -> None:
    assert "Forecasts of the book" in text(web.finance.get("/trackrecord/"))
    assert "Forecasts of the book" not in text(web.alice.get("/trackrecord/"))
    assert web.alice.get("/books/charts/book-forecasts.csv").status_code == 404


def test_forecasts_stand_beside_what_came_with_their_intervals(web: Watched) -> None:
    lines = list(csv.DictReader(io.StringIO(text(web.admin.get("/books/charts/book-forecasts.csv")))))
    assert {line["Inside"] for line in lines} <= {"yes", "no", "not yet"} and lines[-1]["Came"] == ""
    for line in lines:
        if line["Came"]:
            inside = float(line["From"]) <= float(line["Came"]) <= float(line["To"])
            assert line["Inside"] == ("yes" if inside else "no")


# -- signals -------------------------------------------------------------------------------------------------------


def test_a_signal_that_is_noise_is_shown_as_noise(web: Watched) -> None:
    page = text(web.admin.get("/signals/"))
    row = page.split("Urgent ticket open")[1].split("</tr>")[0]
    assert '<span class="pill pill-bad">noise</span>' in row and "6%" in row and "6.0%" in row


def test_a_signal_lists_the_accounts_that_have_it_now(web: Watched) -> None:
    assert "Cid, the champion, left." in text(web.admin.get("/signals/champion_left/"))
    page = text(web.alice.get("/signals/champion_left/"))
    assert "Cid" not in page and "No account has it now" in page
    assert web.admin.get("/signals/nothing-of-that-name/").status_code == 404


def test_what_concerns_the_whole_book_is_told_to_those_who_see_it(web: Watched) -> None:
    assert "NRR has been below 100 % for 2 quarters." in text(web.admin.get("/signals/"))
    assert "NRR has been below 100 %" not in text(web.alice.get("/signals/"))


# -- features ------------------------------------------------------------------------------------------------------


def test_the_dictionary_tells_every_feature_with_its_spread(web: Watched) -> None:
    from holdfast.warehouse.features import dictionary

    page = text(web.admin.get("/features/"))
    missing = [one.name for one in dictionary() if f"<code>{one.name}</code>" not in page]
    assert not missing
    assert "less likely to leave" in page and "100%" in page


def test_a_part_of_a_word_finds_features(web: Watched) -> None:
    found = text(web.admin.get("/features/?q=urgent", headers={"HX-Request": "true"}))
    assert "urgent_open_tickets" in found and "days_to_renewal" not in found
    assert "No feature is called that" in text(web.admin.get("/features/?q=unicorns"))


# -- Overview and Today --------------------------------------------------------------------------------------------


def test_the_overview_has_a_card_and_the_alarms_of_the_book(web: Watched) -> None:
    page = text(web.admin.get("/overview/"))
    card = page.split(">At risk</h2>")[1].split("</section>")[0]
    assert "$101.90" in card or "$102" in card
    assert "Acme" in card and card.index("Acme") < card.index("Bolt")


def test_today_tells_a_csm_whose_health_fell_and_what_is_new(web: Watched) -> None:
    page = text(web.alice.get("/today/"))
    assert "Fell in four weeks" in page and "−21" in page and "An urgent ticket is open for 3 days." in page
    # Bolt's signal is a month old, and its health did not fall
    assert "Health and signals" not in text(web.bob.get("/today/"))


def test_without_a_watch_both_pages_are_as_they_were(unwatched: Served) -> None:
    assert ">At risk</h2>" not in text(unwatched.admin.get("/overview/"))
    assert "Health and signals" not in text(unwatched.alice.get("/today/"))


def test_a_signal_tells_what_came_of_its_ctas(web: Watched) -> None:
    from datetime import UTC, datetime

    from holdfast.desk.models import Cta

    assert "What came of its CTAs" not in text(web.admin.get("/signals/champion_left/"))
    now = datetime(2026, 1, 6, tzinfo=UTC)
    for account, outcome in (("acme", "retained"), ("bolt", "retained"), ("cora", "wrong_alarm"), ("dune", "")):
        Cta.objects.create(
            account_id=account, kind="risk", cause="champion", title="A champion left", signals=["champion_left"], severity=2, priority=2,
            opened_at=now, outcome=outcome, closed_at=now if outcome else None, state="done" if outcome else "open",
        )  # fmt: skip
    page = text(web.admin.get("/signals/champion_left/"))
    told = " ".join(re.sub(r"<[^>]+>", " ", page.split("What came of its CTAs")[1].split("</section>")[0]).split())
    assert told.endswith("Retained 2 Wrong alarm 1")
    assert "What came of its CTAs" not in text(web.admin.get("/signals/urgent_ticket_open/"))


def test_a_signal_without_a_record_says_that_it_was_not_tried(own: Watched, settings: Any) -> None:
    from holdfast.flows import answers
    from holdfast.flows.home import open_home
    from holdfast.flows.watched import SIGNALS_FILE, current, folder

    home = open_home(settings.HOME)
    found = current(home)
    assert found
    (folder(home, found.number) / SIGNALS_FILE).write_text(json.dumps({"signals": []}))
    answers.forget()
    assert own.admin.get("/signals/").status_code == 200
    assert "It was not tried on the past." in text(own.admin.get("/signals/champion_left/"))
