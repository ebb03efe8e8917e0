"""Charts as option dicts for ECharts, from plain data: colours are tokens ("$new"), formats stand for functions.

Amounts are integers in minor units and become major units only here, to be drawn.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping, Sequence
from fractions import Fraction
from itertools import accumulate, pairwise

from holdfast.charts.bridges import movements_by_month, waterfall
from holdfast.charts.formats import Format, Option, fmt_count, fmt_money, fmt_percent
from holdfast.charts.parts import (
    SERIES,
    SMALL,
    category_axis,
    fade,
    grid,
    legend,
    line,
    narrow,
    reference,
    same_length,
    token,
    tooltip,
    value_axis,
)
from holdfast.charts.spark import sparkline

__all__ = [
    "Format", "Option", "concentration", "fmt_count", "fmt_money", "fmt_percent", "heat_step", "heatmap", "lines",
    "movements_by_month", "mrr_history", "ranking", "sparkline", "trend", "waterfall",
]  # fmt: skip

Rate = float | Fraction | None

#: colours and strokes of rates that have their own
RATES = {"NRR": ("$nrr", "solid"), "GRR": ("$grr", [5, 3])}
HEAT_STEPS = 10


def trend(
    names: Sequence[str], rates: Mapping[str, Sequence[Rate]], fmt: Format | None = None, whole: float = 1.0
) -> Option:
    """Rates by month as fractions of 1, None where there is none, and a line at 100 %. ValueError: unequal lengths."""
    same_length(months=names, **rates)
    fmt = fmt or fmt_percent()
    series = []
    for n, (name, values) in enumerate(rates.items()):
        colour, stroke = RATES.get(name, (SERIES[n % len(SERIES)], "solid"))
        drawn = [None if value is None else float(value) for value in values]
        label = {"show": True, "formatter": name, "color": colour, "fontSize": 12, "fontWeight": 600, "distance": 6}
        series.append(
            line(name, drawn, colour, lineStyle={"width": 2.25, "color": colour, "type": stroke}, endLabel=label)
        )
    if series:
        series[0]["markLine"] = reference(whole, _percent_text(whole, fmt))
    return {
        "grid": grid(right=44),
        "xAxis": category_axis(names, boundaryGap=False),
        "yAxis": value_axis(fmt, scale=True),
        "tooltip": tooltip(fmt),
        "series": series,
    }


def heat_step(share: Rate, low: float = 0.5, high: float = 1.1) -> int | None:
    """The step 0…9 of a share on the heat scale, which runs from `low` to `high`; None for none."""
    if share is None:
        return None
    place = (float(share) - low) / (high - low) * HEAT_STEPS
    return max(0, min(HEAT_STEPS - 1, int(place)))


def heatmap(
    cohorts: Sequence[str],
    ages: Sequence[int | str],
    shares: Sequence[Sequence[Rate]],
    fmt: Format | None = None,
    low: float = 0.5,
    high: float = 1.1,
) -> Option:
    """Shares by cohort (rows, first at the top) and age (columns), None where not yet known. ValueError: unequal lengths."""
    same_length(cohorts=cohorts, shares=shares)
    for cohort, row in zip(cohorts, shares, strict=True):
        same_length(ages=ages, **{cohort: row})
    fmt = fmt or fmt_percent()
    data = []
    for y, (cohort, row) in enumerate(zip(cohorts, shares, strict=True)):
        for x, share in enumerate(row):
            step = heat_step(share, low, high)
            if share is not None:
                label = {"color": f"$heat-{step}-ink"}
                data.append(
                    {
                        "value": [x, y, step],
                        "shown": float(share),
                        "note": f"after {ages[x]}",
                        "title": cohort,
                        "label": label,
                    }
                )
    axis = {"axisLine": {"show": False}, "splitArea": {"show": False}}
    return {
        "grid": grid(top=4),
        "xAxis": category_axis([str(age) for age in ages], position="top", **axis),
        "yAxis": category_axis(cohorts, inverse=True, **axis),
        "visualMap": {
            "show": False,
            "min": 0,
            "max": HEAT_STEPS - 1,
            "dimension": 2,
            "inRange": {"color": [f"$heat-{n}" for n in range(HEAT_STEPS)]},
        },
        "tooltip": tooltip(fmt, "item"),
        "media": narrow(series=[{"label": {"show": len(ages) <= 6}}]),
        "series": [_cells(data, fmt, len(ages))],
    }


def _cells(data: list[Option], fmt: Format, columns: int) -> Option:
    return {
        "name": "share",
        "type": "heatmap",
        "data": data,
        "label": {"show": columns <= 18, "fontSize": SMALL, "formatter": fmt.formatter(digits=0, space=False)},
        "itemStyle": {"borderColor": "$surface", "borderWidth": 2, "borderRadius": 5},
        "emphasis": {"itemStyle": {"borderColor": "$text", "borderWidth": 1}},
    }


def mrr_history(
    dates: Sequence[str], amounts: Sequence[int], marks: Sequence[tuple[str, str, str]], fmt: Format
) -> Option:
    """MRR from day to day (ISO days, ascending; minor units) as steps, with marks (day, what happened, colour's token).

    ValueError: unequal lengths, days not ascending, or a mark before the first day.
    """
    same_length(dates=dates, amounts=amounts)
    if any(later <= earlier for earlier, later in pairwise(dates)):
        raise ValueError("the days of a history must ascend")
    if marks and (not dates or min(day for day, _, _ in marks) < dates[0]):
        raise ValueError("a mark lies before the first day of the history")
    steps = [[day, fmt.drawn(amount)] for day, amount in zip(dates, amounts, strict=True)]
    area = line("MRR", [], "$nrr", data=steps, step="end", areaStyle={"color": fade("$nrr", 0.2, 0.02)})
    dots = {
        "name": "event",
        "type": "scatter",
        "symbolSize": 9,
        "itemStyle": {"borderColor": "$surface", "borderWidth": 2},
        "data": [_mark(day, title, colour, dates, amounts, fmt) for day, title, colour in marks],
        "z": 5,
    }
    days = category_axis([], axisLabel={"color": "$muted", "fontSize": SMALL, "hideOverlap": True})
    return {
        "useUTC": True,
        "grid": grid(right=10),
        "xAxis": {**{key: value for key, value in days.items() if key != "data"}, "type": "time"},
        "yAxis": value_axis(fmt),
        "tooltip": tooltip(fmt),
        "series": [area, dots],
    }


def _mark(day: str, title: str, colour: str, dates: Sequence[str], amounts: Sequence[int], fmt: Format) -> Option:
    level = fmt.drawn(amounts[bisect_right(list(dates), day) - 1])
    return {
        "value": [day, level],
        "note": title,
        "itemStyle": {"color": token(colour), "borderColor": "$surface", "borderWidth": 2},
    }


def ranking(
    names: Sequence[str], values: Sequence[float], fmt: Format, links: Sequence[str] = (), colour: str = "$series-1"
) -> Option:
    """Horizontal bars, first at the top; values below zero go left, in the colour of churn. ValueError: unequal lengths."""
    same_length(names=names, values=values, **({"links": links} if links else {}))
    signed = any(value < 0 for value in values)
    data = []
    for n, value in enumerate(values):
        side = "left" if value < 0 else "right"
        item = {
            "value": fmt.drawn(value),
            "itemStyle": {"color": "$churn" if value < 0 else token(colour)},
            "label": {"position": side},
        }
        data.append({**item, **({"link": links[n]} if links and links[n] else {})})
    labels = {"color": "$text", "fontSize": 12, "width": 150, "overflow": "truncate", "margin": 12}
    bar = {
        "name": "amount",
        "type": "bar",
        "data": data,
        "barMaxWidth": 16,
        "itemStyle": {"borderRadius": 3},
        "cursor": "pointer" if links else "default",
        "label": {
            "show": True,
            "color": "$muted",
            "fontSize": SMALL,
            "formatter": fmt.formatter(compact=True, plus=signed),
        },
    }
    return {
        "grid": grid(right=52, top=2),
        "xAxis": value_axis(
            fmt, axisLabel={"show": False}, splitLine={"show": False}, boundaryGap=["24%" if signed else 0, 0]
        ),
        "yAxis": category_axis(names, inverse=True, axisLine={"show": False}, axisLabel=labels),
        "tooltip": tooltip(fmt, "item"),
        "series": [bar],
    }


def concentration(
    shares: Sequence[float | Fraction], fmt: Format | None = None, tops: Sequence[int] = (1, 10, 50)
) -> Option:
    """The share of MRR that the largest 1, 2, 3 … accounts carry together, from each account's share of it (any order)."""
    fmt = fmt or fmt_percent()
    summed = list(accumulate(sorted((float(share) for share in shares), reverse=True)))
    points = [[n, total] for n, total in enumerate(summed, 1)]
    marked = [[n, summed[n - 1]] for n in tops if n <= len(summed)]
    label = {"show": True, "position": "right", "offset": [4, 10], "color": "$text", "fontSize": 12, "fontWeight": 600}
    dots = [
        {
            "value": at,
            "note": f"largest {at[0]}",
            "title": " ",
            "label": {"formatter": f"Top {at[0]}: {_percent_text(at[1], fmt)}"},
        }
        for at in marked
    ]
    surface = {"color": "$nrr", "borderColor": "$surface", "borderWidth": 2}
    return {
        "grid": grid(right=8),
        "xAxis": value_axis(
            fmt_count(),
            min=1,
            max=max(len(summed), 2),
            splitLine={"show": False},
            axisLine={"show": True, "lineStyle": {"color": "$axis"}},
        ),
        "yAxis": value_axis(fmt, min=0, max=1, interval=0.25),
        "tooltip": tooltip(fmt, "item"),
        "series": [
            line("share", [], "$nrr", data=points, areaStyle={"color": fade("$nrr", 0.18, 0.02)}, silent=True),
            {
                "name": "top",
                "type": "scatter",
                "symbolSize": 9,
                "data": dots,
                "itemStyle": surface,
                "label": label,
                "z": 5,
            },
        ],
    }


def _percent_text(share: float, fmt: Format) -> str:
    return f"{share * 100:.0f}{chr(0xA0) if fmt.spec.get('space') else ''}%"


def lines(names: Sequence[str], series: Mapping[str, Sequence[float | None]], fmt: Format | None = None) -> Option:
    """Lines over names (days or months), None leaves a gap. ValueError: unequal lengths."""
    same_length(names=names, **series)
    fmt = fmt or fmt_count()
    drawn = [
        line(name, [fmt.drawn(value) for value in values], SERIES[n % len(SERIES)])
        for n, (name, values) in enumerate(series.items())
    ]
    return {
        "grid": grid(top=36 if len(drawn) > 1 else 12, right=8),
        **({"legend": legend(series)} if len(drawn) > 1 else {}),
        "xAxis": category_axis(names, boundaryGap=False),
        "yAxis": value_axis(fmt),
        "tooltip": tooltip(fmt),
        "series": drawn,
    }
