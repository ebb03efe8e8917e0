"""Both themes can be read: contrast of every text on its background, colours told apart by colour-blind readers."""

import json
import re
from itertools import combinations
from typing import Any

import pytest

from holdfast.charts import draw
from tests.charts.conftest import ROOT
from tests.charts.examples import every_chart

SOURCE = ROOT / "src/holdfast/web/assets/src/css/themes.css"
BLOCKS = dict(re.findall(r'name: "([\w-]+)";([^}]*)', SOURCE.read_text()))
THEMES = {
    name: dict(re.findall(r"--((?:color|c|heat)-[\w-]+): (#[0-9a-f]{6});", body)) for name, body in BLOCKS.items()
}
LIGHT, DARK = "holdfast", "holdfast-dark"

SURFACES = ["color-base-100", "color-base-200", "c-surface", "c-page", "c-hover"]
DAISY = ["primary", "secondary", "accent", "neutral", "info", "success", "warning", "error"]
PAIRS = [
    *[(f"color-{name}-content", f"color-{name}") for name in DAISY],
    *[(f"color-{name}", on) for name in DAISY if name != "neutral" for on in SURFACES],
    *[
        (f"c-{name}", on)
        for name in ("text", "muted", "faint", "good", "warn", "bad", "info", "accent")
        for on in SURFACES
    ],
    *[(f"c-{name}", "c-sunken") for name in ("text", "muted", "faint")],
    *[(f"c-{name}", f"c-{name}-soft") for name in ("good", "warn", "bad", "info", "accent")],
    *[(f"c-{name}", "c-surface") for name in ("nrr", "grr")],
    *[(f"heat-{n}-ink", f"heat-{n}") for n in range(10)],
]
MOVEMENTS = ["new", "expansion", "reactivation", "contraction", "churn", "fx", "transfer"]

#: how colours look to readers without one kind of cone (Machado, Oliveira and Fernandes 2009), on linear RGB
SIGHT = {
    "all": ((1, 0, 0), (0, 1, 0), (0, 0, 1)),
    "deuteranopia": ((0.367322, 0.860646, -0.227968), (0.280085, 0.672501, 0.047413), (-0.011820, 0.042940, 0.968881)),
    "protanopia": ((0.152286, 1.052583, -0.204868), (0.114503, 0.786281, 0.099216), (-0.003882, -0.048116, 1.051998)),
    "tritanopia": ((1.255528, -0.076749, -0.178779), (-0.078411, 0.930809, 0.147602), (0.004733, 0.691367, 0.303900)),
}


def linear(colour: str) -> list[float]:
    channels = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    return [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]


def contrast(one: str, other: str) -> float:
    dark, light = sorted(0.2126 * r + 0.7152 * g + 0.0722 * b for r, g, b in (linear(one), linear(other)))
    return (light + 0.05) / (dark + 0.05)


def times(matrix: Any, vector: list[float]) -> list[float]:
    return [sum(a * b for a, b in zip(row, vector, strict=True)) for row in matrix]


def oklab(colour: str, sight: str) -> list[float]:
    seen = [min(1, max(0, c)) for c in times(SIGHT[sight], linear(colour))]
    cones = times(
        (
            (0.4122214708, 0.5363325363, 0.0514459929),
            (0.2119034982, 0.6806995451, 0.1073969566),
            (0.0883024619, 0.2817188376, 0.6299787005),
        ),
        seen,
    )
    return times(
        (
            (0.2104542553, 0.793617785, -0.0040720468),
            (1.9779984951, -2.428592205, 0.4505937099),
            (0.0259040371, 0.7827717662, -0.808675766),
        ),
        [c ** (1 / 3) for c in cones],
    )


def test_contrast_is_computed_as_wcag_says() -> None:
    assert contrast("#000000", "#ffffff") == pytest.approx(21)
    assert contrast("#777777", "#ffffff") == pytest.approx(4.48, abs=0.01)


@pytest.mark.parametrize("theme", [LIGHT, DARK])
@pytest.mark.parametrize(("text", "ground"), PAIRS)
def test_text_stands_out_from_its_background(theme: str, text: str, ground: str) -> None:
    assert contrast(THEMES[theme][text], THEMES[theme][ground]) >= 4.5


@pytest.mark.parametrize("theme", [LIGHT, DARK])
@pytest.mark.parametrize("sight", SIGHT)
def test_kinds_of_movement_are_told_apart(theme: str, sight: str) -> None:
    lab = {kind: oklab(THEMES[theme][f"c-{kind}"], sight) for kind in MOVEMENTS}
    near = {
        pair: sum((a - b) ** 2 for a, b in zip(lab[pair[0]], lab[pair[1]], strict=True)) ** 0.5
        for pair in combinations(MOVEMENTS, 2)
    }
    assert min(near.values()) >= 0.08, min(near, key=lambda pair: near[pair])


def test_both_themes_have_the_same_colours() -> None:
    assert set(THEMES) == {LIGHT, DARK}
    assert set(THEMES[LIGHT]) == set(THEMES[DARK])


@pytest.mark.parametrize(("theme", "dark"), [(LIGHT, False), (DARK, True)])
def test_drawn_charts_have_the_colours_of_the_pages(theme: str, dark: bool) -> None:
    table = draw.colours(dark)
    for name, colour in THEMES[theme].items():
        if name.startswith("c-"):
            assert table[name.removeprefix("c-")] == colour
        elif name.startswith("heat-"):
            assert table[name] == colour


@pytest.mark.parametrize("dark", [False, True])
def test_every_colour_that_charts_name_is_in_both_themes(dark: bool) -> None:
    named = set(re.findall(r'"\$([a-z][\w-]*)(?:@[\d.]+)?"', json.dumps(every_chart()))) - {"format", "tip", "look"}
    assert {"new", "churn", "heat-9", "surface"} <= named
    assert named <= set(draw.colours(dark))
