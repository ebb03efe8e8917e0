"""The table of accounts under watch: health, risk and money at risk are columns, orders, filters and part of the export."""

from __future__ import annotations

import csv
import io
from typing import Any

import pytest

from tests.watch.pages.conftest import Watched
from tests.web.books import Served, text
from tests.web.test_accounts import rows, sheet


def test_health_stands_in_the_table_with_its_direction(web: Watched) -> None:
    page = text(web.admin.get("/accounts/"))
    assert '<span class="pill pill-bad">31</span>' in page and '<span class="pill pill-good">82</span>' in page
    assert "0 bad – 100 good" in page and "−21 in 4 weeks" in page


def test_by_money_at_risk_and_by_probability_are_two_orders(web: Watched) -> None:
    assert rows(web.admin.get("/accounts/?sort=-at_risk_minor"))[:3] == ["acme", "bolt", "cora"]
    assert rows(web.admin.get("/accounts/?sort=-churn_90"))[:3] == ["bolt", "acme", "cora"]


def test_who_is_not_watched_comes_last_in_every_order(web: Watched) -> None:
    for order in ("churn_90", "-churn_90", "signals", "-signals"):
        found = rows(web.admin.get(f"/accounts/?sort={order}"))
        assert set(found[:3]) == {"acme", "bolt", "cora"} and len(found) == 12, order


def test_who_has_no_score_comes_after_all_who_have_one(web: Watched) -> None:
    assert rows(web.admin.get("/accounts/?sort=health"))[:2] == ["acme", "bolt"]
    assert rows(web.admin.get("/accounts/?sort=-health"))[:2] == ["bolt", "acme"]


@pytest.mark.parametrize(
    ("asked", "found"),
    [
        ("band=red", ["acme"]),
        ("band=red&band=green", ["acme", "bolt"]),
        ("risk=30", ["acme", "bolt"]),
        ("risk=40", ["bolt"]),
        ("signal=any", ["acme", "bolt"]),
        ("signal=champion_left", ["bolt"]),
        ("signal=nobody_has_it", []),
    ],
)
def test_a_filter_leaves_those_that_fit(web: Watched, asked: str, found: list[str]) -> None:
    assert sorted(rows(web.admin.get(f"/accounts/?{asked}"))) == found


def test_a_filter_in_force_says_what_it_is_and_can_be_taken_away(web: Watched) -> None:
    page = text(web.admin.get("/accounts/?risk=20&signal=champion_left"))
    assert "Risk of leaving 20 % or more" in page and "Signal: Champion left" in page


def test_a_share_that_is_none_is_refused(web: Watched) -> None:
    response = web.admin.get("/accounts/?risk=a-lot")
    assert response.status_code == 400 and "risk is a number from 1 to 100" in text(response)


def test_the_export_has_the_columns_of_the_watch(web: Watched) -> None:
    [acme] = [line for line in sheet(web.admin.get("/accounts/export.csv")) if line["account_id"] == "acme"]
    assert (acme["health"], acme["health_change"], acme["band"]) == ("31.0", "-21.0", "red")
    assert (acme["churn_90"], acme["at_risk"], acme["expected_90"]) == ("0.3", "61.50", "150.00")


def test_a_csm_filters_their_own_book_only(web: Watched) -> None:
    assert rows(web.alice.get("/accounts/?signal=any")) == ["acme"]
    assert rows(web.bob.get("/accounts/?band=red")) == []
    page = text(web.bob.get("/accounts/"))
    assert "Urgent ticket open" not in page and "Champion left" in page


def test_without_a_watch_the_table_is_as_it_was_and_the_columns_are_empty(unwatched: Served) -> None:
    page = text(unwatched.admin.get("/accounts/"))
    assert "Risk of leaving</label>" not in page and "In a month" in page
    assert rows(unwatched.admin.get("/accounts/?sort=-at_risk_minor")) != []
    assert rows(unwatched.admin.get("/accounts/?band=red")) == []
    first = next(csv.DictReader(io.StringIO(text(unwatched.admin.get("/accounts/export.csv")))))
    assert first["health"] == "" and first["at_risk"] == ""


def test_the_other_columns_can_still_be_chosen(web: Watched) -> None:
    page = text(web.admin.get("/accounts/?col=expansion_90&col=sentiment"))
    assert "Chance of growing" in page and "5 of 5" in page and "very good" in page


def test_a_new_watch_of_the_same_booking_shows_at_once(own: Watched, settings: Any) -> None:
    from holdfast.flows.home import open_home
    from tests.watch.pages.made_up import publish_made_up

    assert rows(own.admin.get("/accounts/?band=red&signal=any")) == ["acme"]
    calm = {one: {"health": 90.0, "band": "green"} for one in ("acme", "bolt", "cora")}
    publish_made_up(open_home(settings.HOME), 2, stands=calm, judged=())
    assert rows(own.admin.get("/accounts/?band=red")) == []
    assert len(rows(own.admin.get("/accounts/?band=green"))) == 3
