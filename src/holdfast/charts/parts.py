"""What all charts have in common: axes, grid, legend and tooltip, in the theme's tokens."""

from __future__ import annotations

from collections.abc import Iterable, Sequence, Sized
from typing import Any

from holdfast.charts.formats import Format, Option

#: lines of a chart whose series have no colour of their own
SERIES = tuple(f"$series-{n}" for n in range(1, 7))
SMALL = 11
#: pixels up to which a drawing counts as narrow
NARROW = 480


def same_length(**columns: Sized) -> None:
    """ValueError: they differ in length; the message names them with their lengths."""
    if len({len(column) for column in columns.values()}) > 1:
        told = ", ".join(f"{name} {len(column)}" for name, column in columns.items())
        raise ValueError(f"a chart's columns must be of one length: {told}")


def token(name: str) -> str:
    """The token of a colour, given with or without its sign."""
    return name if name.startswith("$") else f"${name}"


def grid(**changes: Any) -> Option:
    """A drawing area that makes room for the labels of its axes."""
    return {
        "left": 2,
        "right": 2,
        "top": 12,
        "bottom": 4,
        "outerBoundsMode": "same",
        "outerBoundsContain": "axisLabel",
        **changes,
    }


def category_axis(names: Sequence[str], **changes: Any) -> Option:
    """An axis of names."""
    return {
        "type": "category",
        "data": list(names),
        "axisTick": {"show": False},
        "axisLine": {"lineStyle": {"color": "$axis"}},
        "axisLabel": {"color": "$muted", "fontSize": SMALL, "hideOverlap": True, "margin": 10},
        **changes,
    }


def value_axis(fmt: Format, **changes: Any) -> Option:
    """An axis of numbers, with few lines and short labels."""
    formatter = fmt.formatter(digits=0) if fmt.kind == "percent" else fmt.formatter(compact=True)
    return {
        "type": "value",
        "splitNumber": 4,
        "axisLabel": {"color": "$muted", "fontSize": SMALL, "formatter": formatter},
        "splitLine": {"lineStyle": {"color": "$grid"}},
        "axisLine": {"show": False},
        "axisTick": {"show": False},
        **changes,
    }


def tooltip(fmt: Format, trigger: str = "axis", other: tuple[str, Format] | None = None, **changes: Any) -> Option:
    """What is told under the pointer; `other` names a series that is written in another format."""
    spec = fmt.bare(**changes)
    if other:
        spec["other"] = other[1].bare(series=other[0])
    pointer = {
        "type": "line",
        "lineStyle": {"color": "$line-strong", "type": "solid"},
        "shadowStyle": {"color": "$text@0.04"},
    }
    return {"$tip": spec, "$look": {"trigger": trigger, "axisPointer": pointer}}


def narrow(**changes: Any) -> list[Option]:
    """What is different where the drawing is as narrow as a phone."""
    return [{"query": {"maxWidth": NARROW}, "option": changes}]


def legend(names: Iterable[str]) -> Option:
    """Names of the series above the drawing, at its left."""
    return {
        "data": list(names),
        "left": 0,
        "top": 0,
        "icon": "circle",
        "itemWidth": 8,
        "itemHeight": 8,
        "itemGap": 16,
        "textStyle": {"color": "$muted", "fontSize": 12},
        "inactiveColor": "$line-strong",
        "type": "plain",
    }


def fade(colour: str, top: float, bottom: float) -> Option:
    """A colour that fades from top to bottom, each given as opacity."""
    stops = [{"offset": 0, "color": f"{colour}@{top}"}, {"offset": 1, "color": f"{colour}@{bottom}"}]
    return {"type": "linear", "x": 0, "y": 0, "x2": 0, "y2": 1, "colorStops": stops}


def reference(at: float, label: str) -> Option:
    """A dashed line across the drawing."""
    return {
        "silent": True,
        "symbol": "none",
        "lineStyle": {"color": "$faint", "type": [4, 4], "width": 1},
        "label": {"formatter": label, "position": "insideStartTop", "color": "$muted", "fontSize": SMALL},
        "data": [{"yAxis": at}],
    }


def line(name: str, values: Sequence[float | None], colour: str, **changes: Any) -> Option:
    """A line without points; None leaves a gap."""
    return {
        "name": name,
        "type": "line",
        "data": list(values),
        "symbol": "circle",
        "symbolSize": 6,
        "showSymbol": False,
        "color": colour,
        "lineStyle": {"width": 2, "color": colour},
        **changes,
    }
