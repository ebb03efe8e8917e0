"""Charts are really drawn: by ECharts to SVG, by resvg to PNG."""

import re
import struct
import zlib
from concurrent.futures import ThreadPoolExecutor
from xml.etree import ElementTree

import pytest

from holdfast.charts import draw, options
from tests.charts.examples import MONTHS, USD, every_chart

SVG = "{http://www.w3.org/2000/svg}"


def texts(drawn: str) -> list[str]:
    return ["".join(element.itertext()) for element in ElementTree.fromstring(drawn).iter(f"{SVG}text")]


def fills(drawn: str) -> set[str]:
    return {element.get("fill", "") for element in ElementTree.fromstring(drawn).iter()}


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("waterfall", ["$10k", "+$1.2k", "+$800", "−$500", "$11.5k", "Opening", "Expansion", "Churn", "Closing"]),
        ("movements", ["2026-01", "New", "Reactivation", "Exchange rates", "MRR"]),
        ("trend", ["NRR", "GRR", "100%", "2026-03"]),
        ("heatmap", ["100%", "87%", "2026-01", "2026-02"]),
        ("history", ["$0", "Feb"]),
        ("ranking", ["Alder", "Birch", "+$4.2k", "−$1.3k"]),
        ("concentration", ["Top 1: 50%", "Top 2: 80%"]),
        ("lines", ["Users", "Seats"]),
    ],
)
def test_a_chart_tells_its_names_and_numbers(name: str, told: list[str]) -> None:
    found = texts(draw.svg(every_chart()[name], 720, 320))
    assert [text for text in told if text not in found] == []


@pytest.mark.parametrize("dark", [False, True])
def test_a_chart_is_drawn_in_the_colours_of_its_theme(dark: bool) -> None:
    drawn = draw.svg(every_chart()["waterfall"], 720, 320, dark=dark)
    table = draw.colours(dark)
    assert {table["surface"], table["new"], table["expansion"], table["churn"]} <= fills(drawn)


def test_bars_are_as_high_as_their_amounts() -> None:
    """Twice the amount is drawn twice as high, found in the drawing itself."""
    drawn = draw.svg(
        options.movements_by_month(MONTHS, {"new": [100_00, 200_00, 0]}, [1_00, 2_00, 3_00], USD), 720, 320
    )
    paths = [
        e.get("d", "")
        for e in ElementTree.fromstring(drawn).iter(f"{SVG}path")
        if e.get("fill") == draw.colours()["new"]
    ]
    # a bar is drawn as its foot, its width, its height
    heights = [-float(found[1]) for path in paths if (found := re.match(r"M[\d. ]+l[\d.]+ 0l0 (-?[\d.]+)l", path))]
    assert len(heights) == 3
    assert heights[1] == pytest.approx(2 * heights[0], rel=0.02)
    assert heights[2] == pytest.approx(0, abs=0.5)


def test_a_locale_reaches_the_labels() -> None:
    option = options.ranking(["Alder"], [1_234_567_00], options.fmt_money("EUR", "de_DE"))
    assert "1,23M\N{NO-BREAK SPACE}€" in texts(draw.svg(option, 400, 100))


def test_a_title_is_text_and_not_markup() -> None:
    drawn = draw.svg(every_chart()["lines"], 400, 200, title="R&D <b>")
    assert ElementTree.fromstring(drawn).findtext(f"{SVG}title") == "R&D <b>"


def test_names_cannot_break_out_of_the_drawing() -> None:
    option = options.ranking(["<script>x</script> & $new"], [1_00], USD)
    assert any("<script>" in text for text in texts(draw.svg(option, 600, 100)))
    assert "<script>" not in draw.svg(option, 600, 100)


def test_a_name_with_a_dollar_sign_is_no_colour() -> None:
    found = texts(draw.svg(options.ranking(["$new", "$unheard"], [1_00, 2_00], USD), 600, 100))
    assert {"$new", "$unheard"} <= set(found)


def test_an_unknown_colour_is_an_error_and_the_next_chart_is_drawn() -> None:
    with pytest.raises(draw.ChartError, match=r"\$nosuch"):
        draw.svg({"color": ["$nosuch"], "series": []}, 100, 100)
    assert "Users" in texts(draw.svg(every_chart()["lines"], 400, 200))


def test_threads_draw_the_same_as_one() -> None:
    charts = list(every_chart().values()) * 2
    alone = [texts(draw.svg(option, 500, 240)) for option in charts]
    with ThreadPoolExecutor(8) as pool:
        together = list(pool.map(lambda option: texts(draw.svg(option, 500, 240)), charts))
    assert together == alone


def test_a_png_has_the_size_asked_for_and_letters_in_it() -> None:
    image = draw.png(draw.svg(every_chart()["ranking"], 300, 120), scale=2)
    assert image[:8] == b"\x89PNG\r\n\x1a\n"
    assert struct.unpack(">II", image[16:24]) == (600, 240)
    bare = draw.png(
        '<svg xmlns="http://www.w3.org/2000/svg" width="300" height="60"><rect width="300" height="60" fill="#fff"/></svg>',
        1,
    )
    told = draw.png(
        '<svg xmlns="http://www.w3.org/2000/svg" width="300" height="60"><rect width="300" height="60" fill="#fff"/>'
        '<text x="9" y="40" font-family="Inter" font-size="24">Größe Łódź €</text></svg>',
        1,
    )
    assert _pixels(told) != _pixels(bare)


def _pixels(image: bytes) -> bytes:
    at, data = 8, b""
    while at < len(image):
        length, kind = struct.unpack(">I4s", image[at : at + 8])
        data += image[at + 8 : at + 8 + length] if kind == b"IDAT" else b""
        at += 12 + length
    return zlib.decompress(data)
