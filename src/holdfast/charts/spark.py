"""Sparklines: small lines without axes, as SVG text that takes the colour of the text around it."""

from __future__ import annotations

from collections.abc import Sequence

#: of the view box; CSS gives the size on the page
WIDTH, HEIGHT = 100, 30
#: kept free above and below, so that strokes are not cut
EDGE = 2


def sparkline(values: Sequence[float | None]) -> str:
    """Inline SVG of a series; None leaves a gap. Empty text where there are fewer than two values."""
    known = [value for value in values if value is not None]
    if len(known) < 2:
        return ""
    low, high = min(known), max(known)
    runs = _runs([None if v is None else _point(n, v, len(values), low, high) for n, v in enumerate(values)])
    lines = "".join(_drawn(run) for run in runs)
    return (
        f'<svg class="spark" viewBox="0 0 {WIDTH} {HEIGHT}" preserveAspectRatio="none" aria-hidden="true" focusable="false" '
        f'fill="none" stroke="currentColor" stroke-width="1.5" stroke-linecap="round" stroke-linejoin="round">{lines}</svg>'
    )


def _point(n: int, value: float, count: int, low: float, high: float) -> tuple[float, float]:
    share = (value - low) / (high - low) if high > low else 0.5
    return n * WIDTH / (count - 1), HEIGHT - EDGE - share * (HEIGHT - 2 * EDGE)


def _runs(points: Sequence[tuple[float, float] | None]) -> list[list[tuple[float, float]]]:
    runs: list[list[tuple[float, float]]] = [[]]
    for point in points:
        if point is None:
            runs.append([])
        else:
            runs[-1].append(point)
    return [run for run in runs if run]


def _drawn(run: list[tuple[float, float]]) -> str:
    path = " ".join(f"{x:.2f},{y:.2f}" for x, y in run)
    line = f'<polyline points="{path}" vector-effect="non-scaling-stroke"/>'
    first, last = run[0][0], run[-1][0]
    area = f'<polygon points="{first:.2f},{HEIGHT} {path} {last:.2f},{HEIGHT}" fill="currentColor" fill-opacity="0.08" stroke="none"/>'
    return area + line
