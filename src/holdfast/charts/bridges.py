"""Charts of movements: the waterfall from opening to closing, and movements by month above and below zero."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import accumulate, pairwise
from typing import Any

from holdfast.charts.formats import Format, Option
from holdfast.charts.parts import (
    SMALL,
    category_axis,
    fade,
    grid,
    legend,
    line,
    narrow,
    same_length,
    token,
    tooltip,
    value_axis,
)

#: how kinds of movement are called on charts
NAMES = {
    "new": "New",
    "expansion": "Expansion",
    "reactivation": "Reactivation",
    "contraction": "Contraction",
    "churn": "Churn",
    "transfer": "Transfers",
    "fx": "Exchange rates",
}


def waterfall(
    opening: int, parts: Sequence[tuple[str, int, str]], closing: int, fmt: Format, links: Sequence[str] = ()
) -> Option:
    """Opening, each part (name, amount, colour's token) and closing, amounts in minor units.

    Where movements are small beside the opening the axis does not start at zero; opening and closing then fade out.
    ValueError: opening and parts do not sum to closing.
    """
    moved = sum(amount for _, amount, _ in parts)
    if opening + moved != closing:
        raise ValueError(f"a waterfall must close: opening {opening} and parts {moved} are not {closing}")
    levels = [0, *accumulate((amount for _, amount, _ in parts), initial=opening)]
    spans = [*pairwise(levels), (0, closing)]
    names = ["Opening", *(name for name, _, _ in parts), "Closing"]
    amounts = [opening, *(amount for _, amount, _ in parts), closing]
    floor = _floor(levels[1:])
    ends = ("$closing" if not floor else fade("$closing", 1, 0.15),) * 2
    colours = [ends[0], *(token(colour) for _, _, colour in parts), ends[1]]
    return {
        "grid": grid(top=26, bottom=8),
        "xAxis": category_axis(
            names, axisLabel={"color": "$text", "fontSize": 12, "interval": 0, "hideOverlap": False, "margin": 10}
        ),
        "yAxis": value_axis(fmt, axisLabel={"show": False}, splitLine={"show": False}, min=fmt.drawn(floor)),
        "tooltip": tooltip(fmt, "item"),
        "media": narrow(grid=grid(top=26, bottom=8), xAxis={"axisLabel": {"rotate": 40, "fontSize": SMALL}}),
        "series": _steps(spans, amounts, colours, names, fmt, [*links, *[""] * (len(names) - len(links))]),
    }


def _floor(levels: Sequence[int]) -> int:
    """Where the axis starts: zero, unless all that moves is small beside what stays."""
    low, high = min(levels), max(levels)
    reach = high - low
    return 0 if low <= 0 or reach * 2 > low else max(0, low - max(reach, low // 20))


def _steps(
    spans: Sequence[tuple[int, int]],
    amounts: Sequence[int],
    colours: Sequence[Any],
    names: Sequence[str],
    fmt: Format,
    links: Sequence[str],
) -> list[Option]:
    """A bar from one level to the next is an unseen base with the seen part on it; one across zero has two seen parts."""
    base: list[Option] = []
    above: list[Option] = []
    below: list[Option] = []
    labels: list[Option] = []
    for (start, end), amount, colour, link, name in zip(spans, amounts, colours, links, names, strict=True):
        low, high = min(start, end), max(start, end)
        seen = {
            "itemStyle": {"color": colour},
            "shown": fmt.drawn(amount),
            "note": name,
            "title": " ",
            **({"link": link} if link else {}),
        }
        base.append({"value": fmt.drawn(low if low > 0 else high if high < 0 else 0), "silent": True})
        above.append({**seen, "value": fmt.drawn(high - max(low, 0)) if high > 0 else 0})
        below.append({**seen, "value": fmt.drawn(low - min(high, 0)) if low < 0 else 0})
        labels.append({"value": fmt.drawn(high), "shown": fmt.drawn(amount), "silent": True})
    last = len(names) - 1
    for n, label in enumerate(labels):
        label["label"] = {"formatter": fmt.formatter(compact=True, plus=0 < n < last), "fontWeight": 600}
    bar = {
        "type": "bar",
        "stack": "level",
        "barCategoryGap": "34%",
        "barMaxWidth": 96,
        "itemStyle": {"borderRadius": 3},
        "emphasis": {"focus": "none"},
    }
    return [
        {
            **bar,
            "name": "base",
            "data": base,
            "itemStyle": {"color": "transparent"},
            "silent": True,
            "tooltip": {"show": False},
            "markLine": _connectors(spans, fmt),
        },
        {**bar, "name": "up", "data": above},
        {**bar, "name": "down", "data": below},
        _labels(labels),
    ]


def _labels(data: list[Option]) -> Option:
    return {
        "name": "labels",
        "type": "line",
        "data": data,
        "silent": True,
        "symbol": "circle",
        "symbolSize": 1,
        "itemStyle": {"color": "transparent"},
        "lineStyle": {"width": 0, "color": "transparent"},
        "label": {"show": True, "position": "top", "distance": 4, "color": "$text", "fontSize": 12},
        "labelLayout": {"hideOverlap": True},
        "tooltip": {"show": False},
    }


def _connectors(spans: Sequence[tuple[int, int]], fmt: Format) -> Option:
    pairs = [
        [{"coord": [n, fmt.drawn(end)]}, {"coord": [n + 1, fmt.drawn(end)]}] for n, (_, end) in enumerate(spans[:-1])
    ]
    return {
        "silent": True,
        "symbol": "none",
        "label": {"show": False},
        "lineStyle": {"color": "$line-strong", "type": "solid", "width": 1},
        "data": pairs,
        "z": 0,
    }


def movements_by_month(
    months: Sequence[str],
    series: Mapping[str, Sequence[int]],
    closing: Sequence[int],
    fmt: Format,
    links: Mapping[str, Sequence[str]] | None = None,
) -> Option:
    """Movements by kind, stacked above and below zero, and the MRR they lead to on an axis at the right.

    Amounts in minor units, one per month; `links` gives addresses by kind and month. ValueError: unequal lengths.
    """
    same_length(months=months, closing=closing, **series)
    for kind, found in (links or {}).items():
        same_length(months=months, **{f"links of {kind}": found})
    bars = [_kind(kind, amounts, fmt, (links or {}).get(kind)) for kind, amounts in series.items()]
    level = line("MRR", [fmt.drawn(amount) for amount in closing], "$closing", yAxisIndex=1, z=5)
    names = [bar["name"] for bar in bars]
    right = value_axis(fmt, splitLine={"show": False}, scale=True, position="right")
    return {
        "grid": grid(top=38),
        "legend": legend([*names, "MRR"]),
        "xAxis": category_axis(months, axisLine={"onZero": True, "lineStyle": {"color": "$axis"}}, axisLabel=_below()),
        "yAxis": [value_axis(fmt), right],
        "tooltip": tooltip(fmt, skip_zero=True),
        # the legend takes a second line beside another chart, and a third on a phone
        "media": [{"query": {"maxWidth": 720}, "option": {"grid": grid(top=58)}}, *narrow(grid=grid(top=76))],
        "series": [*bars, level],
    }


def _below() -> Option:
    # the axis stands at zero; its labels stay at the bottom
    return {"color": "$muted", "fontSize": SMALL, "hideOverlap": True, "margin": 10}


def _kind(kind: str, amounts: Sequence[int], fmt: Format, links: Sequence[str] | None) -> Option:
    colour = token(kind)
    data = [
        {"value": fmt.drawn(amount), **({"link": links[n]} if links and links[n] else {})}
        for n, amount in enumerate(amounts)
    ]
    return {
        "name": NAMES.get(kind, kind),
        "type": "bar",
        "stack": "moved",
        "barMaxWidth": 30,
        "barCategoryGap": "32%",
        "color": colour,
        "itemStyle": {"color": colour, "borderColor": "$surface", "borderWidth": 0.5},
        "cursor": "pointer" if links else "default",
        "data": data,
    }
