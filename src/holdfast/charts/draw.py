"""Draws options to SVG text with ECharts in QuickJS, and SVG to PNG, where there is no browser: mail, reports, downloads."""

from __future__ import annotations

import json
import re
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from html import escape
from pathlib import Path
from threading import local
from typing import Any

import quickjs
import resvg_py

#: made by scripts/assets.sh
BUILT = Path(__file__).parent / "built"
FONT = "Inter, 'Helvetica Neue', Arial, sans-serif"

# a context belongs to the thread that made it: all drawing happens on this one
_drawer = ThreadPoolExecutor(max_workers=1, thread_name_prefix="charts")
_kept = local()


class ChartError(RuntimeError):
    """A chart could not be drawn; the message is the drawing library's, or says what to build."""


@cache
def colours(dark: bool = False) -> dict[str, str]:
    """The theme's colours by name, without the sign of tokens. ChartError: the assets have not been built."""
    return dict(json.loads(_built("tokens.json"))["dark" if dark else "light"])


def svg(option: dict[str, Any], width: int, height: int, *, dark: bool = False, title: str = "") -> str:
    """The chart as an SVG document of that many pixels, on the theme's surface. ChartError: it cannot be drawn."""
    table = colours(dark)
    whole = {"backgroundColor": "$surface", **option, "grid": _inset(option.get("grid"))}
    drawn = _drawer.submit(_draw, json.dumps(whole), json.dumps(table), width, height).result()
    return _titled(drawn, title)


def png(drawn: str, scale: float = 2) -> bytes:
    """An SVG document as PNG, `scale` pixels for each of its own."""
    return bytes(
        resvg_py.svg_to_bytes(
            svg_string=drawn,
            zoom=scale,
            skip_system_fonts=True,
            font_files=_fonts(),
            font_family="Inter",
            sans_serif_family="Inter",
        )
    )


def _inset(grid: Any) -> Any:
    """A picture stands alone, so that its labels need some room to the edge; on a page the card gives it."""
    if not isinstance(grid, dict):
        return grid
    return {
        **grid,
        **{
            side: grid[side] + 14
            for side in ("left", "right", "top", "bottom")
            if isinstance(grid.get(side), (int, float))
        },
    }


def _draw(option: str, table: str, width: int, height: int) -> str:
    if not hasattr(_kept, "draw"):
        context = quickjs.Context()
        context.eval(_built("charts-ssr.js"))
        _kept.draw = context.get("holdfastDraw")
    try:
        return str(json.loads(_kept.draw(option, table, width, height, FONT)))
    except quickjs.JSException as error:
        # whatever state it is in, the next chart gets a new one
        del _kept.draw
        raise ChartError(str(error).strip()) from error


def _titled(drawn: str, title: str) -> str:
    """With a name for those who hear it."""
    if not title:
        return drawn
    return re.sub(r"^<svg ([^>]*)>", lambda m: f'<svg role="img" {m[1]}><title>{escape(title)}</title>', drawn, count=1)


@cache
def _fonts() -> list[str]:
    found = sorted(str(path) for path in BUILT.glob("*.ttf"))
    if not found:
        raise ChartError(f"no fonts in {BUILT.name}/: run scripts/assets.sh")
    return found


def _built(name: str) -> str:
    try:
        return (BUILT / name).read_text(encoding="utf-8")
    except FileNotFoundError as error:
        raise ChartError(f"{name} is missing: run scripts/assets.sh") from error
