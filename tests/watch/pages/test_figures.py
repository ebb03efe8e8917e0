"""The figures behind the pages, by hand: intervals that hold past errors, how well a score tells who leaves, and the charts drawn."""

from __future__ import annotations

from typing import Any

import pytest

from holdfast.flows.scorecards import _auc, line_of
from holdfast.metrics.risk import Outlook, past_error
from tests.watch.pages.conftest import Watched
from tests.web.books import text
from tests.web.test_accounts import sheet

#: one account of 100.00 that leaves with a chance of one in two: a variance of 2,500 squared
ONE = Outlook(accounts=1, mrr_minor=10_000, at_risk_minor=5_000, expected_minor=5_000, variance=0.25 * 10_000**2)


def test_an_interval_holds_luck_and_past_errors_together() -> None:
    assert ONE.interval(None) == (0, 5_000 + round(1.645 * 5_000))
    # 3-4-5: luck of 3,000 and an error of 40 % of 10,000
    both = Outlook(9, 12_000, 0, 10_000, 3_000.0**2)
    assert both.interval(0.4) == (round(10_000 - 1.645 * 5_000), round(10_000 + 1.645 * 5_000))


def test_past_errors_are_taken_from_forecasts_that_came_due() -> None:
    def line(forecast: int, actual: int | None, days: int = 90) -> dict[str, Any]:
        return {"horizon_days": days, "forecast_minor": forecast, "actual_minor": actual}

    told = [line(1_000, 1_100), line(1_000, 900), line(1_000, None), line(1_000, 5_000, days=30)]
    assert past_error(told, 90) == pytest.approx(0.1)
    assert past_error(told, 180) is None


def test_how_well_a_score_tells_who_leaves_is_counted_in_pairs() -> None:
    # of the pairs (10, 20), (10, 30), (20, 20), (20, 30) three and a half are right
    assert _auc([10.0, 20.0, 20.0, 30.0, None, 5.0], [True, True, False, False, True, None]) == pytest.approx(3.5 / 4)
    assert _auc([10.0, 20.0], [False, False]) is None


@pytest.mark.parametrize(
    ("error", "line"),
    [
        ("not valid TOML: Invalid value (at line 3, column 8)", 3),
        ("group 'usage', measure 2: weight = 0", 6),
        ("nothing known", None),
    ],
)
def test_an_error_is_brought_to_its_line(error: str, line: int | None) -> None:
    given = '[[scorecard]]\nname = "x"\n[[scorecard.group]]\nname = "usage"\n{feature = "a"},\n{feature = "b"},\n'
    assert line_of(given, error) == line


@pytest.mark.parametrize("name", ["at-risk-by-owner", "at-risk-by-renewal", "calibration", "caught", "book-forecasts"])
def test_every_chart_of_the_watch_can_be_drawn_and_downloaded(web: Watched, name: str) -> None:
    assert web.admin.get(f"/books/charts/{name}.png").content.startswith(b"\x89PNG")
    assert len(text(web.admin.get(f"/books/charts/{name}.csv")).splitlines()) > 1
    assert 'aria-label="' in text(web.admin.get(f"/books/charts/{name}/"))


def test_a_watch_in_another_currency_is_not_mixed_in(own: Watched, settings: Any) -> None:
    import duckdb

    from holdfast.flows import answers

    answers.forget()
    with duckdb.connect(str(settings.HOME / "watch" / "000001" / "watch.duckdb")) as c:
        c.execute("update setting set value = 'EUR' where name = 'currency'")
    assert {line["health"] for line in sheet(own.admin.get("/accounts/export.csv"))} == {""}
    assert "Nothing is watched yet" in text(own.admin.get("/risk/"))


def test_what_was_booked_since_the_watch_is_said(own: Watched, settings: Any) -> None:
    import json

    from holdfast.flows import answers

    path = settings.HOME / "watch" / "CURRENT"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"generation": 0}))
    answers.forget()
    assert "Something was booked since" in text(own.admin.get("/risk/"))
