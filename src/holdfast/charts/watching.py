"""Charts of the watch: bars by month, a score's history over its bands, promised against happened, and forecasts with their interval."""

from __future__ import annotations

from collections.abc import Sequence

from holdfast.charts.formats import Format, Option, fmt_count, fmt_percent
from holdfast.charts.parts import (
    SMALL,
    category_axis,
    grid,
    legend,
    line,
    narrow,
    same_length,
    token,
    tooltip,
    value_axis,
)

#: the colours of bands, by how good they are
TONES = {"good": "$good", "warn": "$contraction", "bad": "$churn"}


def bars(
    names: Sequence[str], values: Sequence[float], fmt: Format, colour: str = "$series-1", links: Sequence[str] = ()
) -> Option:
    """Upright bars with their amounts above them. ValueError: unequal lengths."""
    same_length(names=names, values=values, **({"links": links} if links else {}))
    data = [
        {"value": fmt.drawn(value), **({"link": links[n]} if links and links[n] else {})}
        for n, value in enumerate(values)
    ]
    label = {
        "show": True,
        "position": "top",
        "color": "$muted",
        "fontSize": SMALL,
        "formatter": fmt.formatter(compact=True, digits=0),
    }
    bar = {
        "name": "amount", "type": "bar", "data": data, "barMaxWidth": 44, "itemStyle": {"borderRadius": 3, "color": token(colour)},
        "cursor": "pointer" if links else "default", "label": label, "labelLayout": {"hideOverlap": True},
    }  # fmt: skip
    axis = category_axis(names)
    # the last bar may stand for all that have no place before it: it is never without its name
    axis["axisLabel"]["showMaxLabel"] = True
    return {
        "grid": grid(top=24, right=10),
        "xAxis": axis,
        "yAxis": value_axis(fmt, axisLabel={"show": False}, splitLine={"show": False}),
        "tooltip": tooltip(fmt, "item"),
        "media": narrow(
            xAxis={"axisLabel": {"rotate": 40, "color": "$muted", "fontSize": SMALL, "hideOverlap": False}}
        ),
        "series": [bar],
    }


def score_history(
    days: Sequence[str], scores: Sequence[float | None], bands: Sequence[tuple[str, float, str]]
) -> Option:
    """A score from 0 (bad) to 100 (good) by day over its bands (name, floor, tone); best band first. ValueError: unequal lengths."""
    same_length(days=days, scores=scores)
    drawn = line("Health", list(scores), "$nrr", lineStyle={"width": 2.5, "color": "$nrr"}, connectNulls=False, z=5)
    upper, areas = 100.0, []
    for name, floor, tone in bands:
        label = {"show": True, "position": "insideRight", "color": "$muted", "fontSize": SMALL}
        areas.append([
            {"name": name, "yAxis": floor, "itemStyle": {"color": f"{TONES[tone]}@0.10"}, "label": label}, {"yAxis": upper},
        ])  # fmt: skip
        upper = floor
    drawn["markArea"] = {"silent": True, "data": areas}
    return {
        "grid": grid(right=4),
        "xAxis": category_axis(days, boundaryGap=False),
        "yAxis": value_axis(fmt_count(), min=0, max=100, interval=25),
        "tooltip": tooltip(fmt_count()),
        "series": [drawn],
    }


def calibration(predicted: Sequence[float], observed: Sequence[float], sizes: Sequence[int]) -> Option:
    """What was predicted against what happened, as fractions of 1, with the line on which both are the same. ValueError: unequal lengths."""
    same_length(predicted=predicted, observed=observed, sizes=sizes)
    most = _ceiling(max([*predicted, *observed], default=0.0))
    fmt = fmt_percent()
    dots = [
        {"value": [one, seen], "shown": seen, "note": f"{size} predictions around {one * 100:.1f}%", "title": " "}
        for one, seen, size in zip(predicted, observed, sizes, strict=True)
    ]
    same = line("as promised", [], "$faint", data=[[0, 0], [most, most]], silent=True, showSymbol=False,
                lineStyle={"width": 1, "color": "$faint", "type": [4, 4]}, tooltip={"show": False})  # fmt: skip
    steps = line(
        "happened", [], "$nrr", data=[[one, seen] for one, seen in zip(predicted, observed, strict=True)], silent=True
    )
    points = {
        "name": "happened", "type": "scatter", "symbolSize": 11, "data": dots, "z": 5,
        "itemStyle": {"color": "$nrr", "borderColor": "$surface", "borderWidth": 2},
    }  # fmt: skip
    label = {"interval": most / 5, "nameLocation": "middle", "nameTextStyle": {"color": "$muted", "fontSize": SMALL}}
    # a name below an axis needs a row of its own
    return {
        "grid": grid(top=10, left=22, bottom=24, right=12),
        "xAxis": value_axis(fmt, min=0, max=most, name="predicted", nameGap=28, **label),
        "yAxis": value_axis(fmt, min=0, max=most, name="happened", nameGap=40, **label),
        "tooltip": tooltip(fmt, "item"),
        "series": [same, steps, points],
    }


def _ceiling(value: float) -> float:
    """The next round share above, which five steps divide evenly."""
    return next((step for step in (0.05, 0.1, 0.2, 0.25, 0.5) if value <= step), 1.0)


def forecasts(
    days: Sequence[str],
    expected: Sequence[int],
    low: Sequence[int],
    high: Sequence[int],
    actual: Sequence[int | None],
    fmt: Format,
) -> Option:
    """What was forecast for each day with its interval, and what came; amounts in minor units. ValueError: unequal lengths."""
    same_length(days=days, expected=expected, low=low, high=high, actual=actual)
    # the interval is an unseen base with the seen part on it
    base = [{"value": fmt.drawn(one), "silent": True} for one in low]
    width = [{"value": fmt.drawn(above - below), "silent": True} for above, below in zip(high, low, strict=True)]
    unseen = {"lineStyle": {"width": 0}, "symbol": "none", "silent": True, "stack": "interval"}
    came = [{"value": fmt.drawn(one)} if one is not None else None for one in actual]
    return {
        "grid": grid(top=36, right=8),
        "legend": legend(["Forecast", "Came"]),
        "xAxis": category_axis(days, boundaryGap=False),
        "yAxis": value_axis(fmt, scale=True),
        "tooltip": tooltip(fmt),
        "series": [
            {**line("from", [], "$nrr", **unseen), "data": base},
            {**line("to", [], "$nrr", **unseen, areaStyle={"color": "$nrr@0.14"}), "data": width},
            line("Forecast", [fmt.drawn(one) for one in expected], "$nrr"),
            {"name": "Came", "type": "scatter", "symbolSize": 9, "data": came, "color": "$contraction",
             "itemStyle": {"color": "$contraction", "borderColor": "$surface", "borderWidth": 2}, "z": 6},
        ],
    }  # fmt: skip
