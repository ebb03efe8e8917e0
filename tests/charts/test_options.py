"""Options are plain data: colours are tokens, amounts are drawn in major units, and columns must be of one length."""

import json

import pytest

from holdfast.charts import options
from tests.charts.examples import MONTHS, PARTS, USD, every_chart


@pytest.mark.parametrize("name", every_chart())
def test_an_option_is_plain_json(name: str) -> None:
    option = every_chart()[name]
    assert json.loads(json.dumps(option)) == option


def test_a_waterfall_must_close() -> None:
    with pytest.raises(ValueError, match="must close"):
        options.waterfall(1_000_000, PARTS, 1_150_001, USD)


def test_a_waterfall_stands_on_the_level_before() -> None:
    base, up, down, labels = options.waterfall(
        1_000_00, [("New", 500_00, "new"), ("Churn", -900_00, "churn")], 600_00, USD
    )["series"]
    assert [bar["value"] for bar in base["data"]] == [0, 1000, 600, 0]
    assert [bar["value"] for bar in up["data"]] == [1000, 500, 900, 600]
    assert [bar["value"] for bar in down["data"]] == [0, 0, 0, 0]
    assert [label["shown"] for label in labels["data"]] == [1000, 500, -900, 600]


def test_a_waterfall_through_zero_has_a_part_on_either_side() -> None:
    _, up, down, _ = options.waterfall(100_00, [("Churn", -300_00, "churn")], -200_00, USD)["series"]
    assert [up["data"][1]["value"], down["data"][1]["value"]] == [100, -200]


def test_the_axis_of_a_waterfall_leaves_zero_only_where_movements_are_small() -> None:
    assert options.waterfall(1_000_00, [("New", 900_00, "new")], 1_900_00, USD)["yAxis"]["min"] == 0
    assert 0 < options.waterfall(100_000_00, [("New", 900_00, "new")], 100_900_00, USD)["yAxis"]["min"] < 100_000


@pytest.mark.parametrize(
    "make",
    [
        lambda: options.movements_by_month(MONTHS, {"new": [1, 2]}, [1, 2, 3], USD),
        lambda: options.movements_by_month(MONTHS, {"new": [1, 2, 3]}, [1, 2], USD),
        lambda: options.movements_by_month(MONTHS, {"new": [1, 2, 3]}, [1, 2, 3], USD, {"new": ["/a"]}),
        lambda: options.trend(MONTHS, {"NRR": [1.0]}),
        lambda: options.heatmap(["a"], [0, 1], [[1.0, 0.9], [1.0, None]]),
        lambda: options.heatmap(["a"], [0, 1], [[1.0]]),
        lambda: options.mrr_history(["2026-01-01"], [1, 2], [], USD),
        lambda: options.ranking(["a"], [1, 2], USD),
        lambda: options.lines(MONTHS, {"x": [1]}),
    ],
)
def test_unequal_lengths_are_refused(make) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(ValueError, match="one length"):
        make()


def test_a_history_ascends_and_its_marks_lie_in_it() -> None:
    with pytest.raises(ValueError, match="ascend"):
        options.mrr_history(["2026-02-01", "2026-01-01"], [1, 2], [], USD)
    with pytest.raises(ValueError, match="before the first day"):
        options.mrr_history(["2026-02-01"], [1], [("2026-01-01", "early", "new")], USD)


def test_a_mark_stands_at_the_level_of_its_day() -> None:
    _, dots = every_chart()["history"]["series"]
    assert dots["data"][0]["value"] == ["2026-02-20", 250]


def test_yen_have_no_minor_unit_and_dinars_have_three_digits() -> None:
    assert options.fmt_money("JPY").drawn(1200) == 1200
    assert options.fmt_money("KWD").drawn(1200) == 1.2


def test_a_locale_says_how_money_is_written() -> None:
    german = options.fmt_money("EUR", "de_DE").bare()
    assert (german["symbol"], german["symbol_after"], german["space"], german["decimal"], german["group"]) == (
        "€",
        True,
        True,
        ",",
        ".",
    )


@pytest.mark.parametrize(("share", "step"), [(None, None), (0.0, 0), (0.5, 0), (0.8, 5), (1.09, 9), (1.4, 9)])
def test_shares_fall_into_ten_steps(share: float | None, step: int | None) -> None:
    assert options.heat_step(share) == step


def test_concentration_sums_the_largest_first() -> None:
    line, dots = options.concentration([0.2, 0.5, 0.3], tops=(1, 2, 9))["series"]
    assert line["data"] == [[1, 0.5], [2, 0.8], [3, pytest.approx(1.0)]]
    assert [dot["label"]["formatter"] for dot in dots["data"]] == ["Top 1: 50%", "Top 2: 80%"]


def test_a_sparkline_breaks_where_nothing_is_known() -> None:
    assert options.sparkline([1, 2, None, 3, 5]).count("<polyline") == 2
    assert options.sparkline([1]) == options.sparkline([None, None, 4]) == ""
    assert "NaN" not in options.sparkline([3, 3, 3])
