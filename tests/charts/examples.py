"""One of each chart, from small plain data."""

from typing import Any

from holdfast.charts import options

USD = options.fmt_money("USD", "en_US")
MONTHS = ["2026-01", "2026-02", "2026-03"]
PARTS = [("New", 120_000, "new"), ("Expansion", 80_000, "$expansion"), ("Churn", -50_000, "churn")]


def every_chart() -> dict[str, dict[str, Any]]:
    moved = {
        "new": [100_00, 0, 50_00],
        "reactivation": [0, 10_00, 0],
        "contraction": [-5_00, 0, -1_00],
        "transfer": [1_00, -1_00, 0],
        "fx": [0, 2_00, -3_00],
    }
    return {
        "waterfall": options.waterfall(1_000_000, PARTS, 1_150_000, USD, links=["", "/new"]),
        "movements": options.movements_by_month(
            MONTHS, moved, [9_000_00, 9_100_00, 9_150_00], USD, {"new": ["/a", "/b", "/c"]}
        ),
        "trend": options.trend(MONTHS, {"NRR": [1.02, None, 1.043], "GRR": [0.9, 0.91, 0.92]}),
        "heatmap": options.heatmap(["2026-01", "2026-02"], [0, 1], [[1.0, 0.87], [1.0, None]]),
        "history": options.mrr_history(
            ["2026-01-01", "2026-02-15"], [100_00, 250_00], [("2026-02-20", "Renewed", "expansion")], USD
        ),
        "ranking": options.ranking(["Alder", "Birch"], [4_200_00, -1_300_00], USD),
        "concentration": options.concentration([0.5, 0.3, 0.2], tops=(1, 2)),
        "lines": options.lines(MONTHS, {"Users": [1, 2, 3], "Seats": [4, None, 6]}),
    }
