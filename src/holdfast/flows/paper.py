"""The board pack on paper: a PDF and a single HTML file, laid out from the same sheet of words and pictures."""

from __future__ import annotations

import json
import tempfile
from datetime import timedelta
from pathlib import Path
from typing import Any

from holdfast.charts import draw, numbers
from holdfast.charts.charted import Charted
from holdfast.flows.board import Pack, charts
from holdfast.flows.overview import KINDS
from holdfast.flows.sheet_files import sheet_text

#: charts on paper, in pixels
WIDTH, HEIGHT = 620, 310


def sheet(told: Pack, locale: str) -> dict[str, Any]:
    """Every word and number of the pack, written in a locale."""
    numbers.use(locale)
    code = told.currency

    def money(minor: int) -> str:
        return numbers.money_whole(minor, code)

    row, figures = told.told.row, told.told
    last_day = numbers.day(figures.window.end - timedelta(days=1))
    moved = {**told.moved.moved, "fx": told.moved.fx}
    return {
        "company": told.company,
        "period": told.period.name,
        "headline": told.headline,
        "caption": f"policy {told.policy} · {code} · rates over {len(figures.window.months)} months up to {last_day}",
        "footer": f"Holdfast · booked {numbers.moment(told.booked_at)} UTC, publication {told.generation}, numbers up to {told.as_of}{_whole(told)}",
        "signed": list(told.signed) or ["not signed yet"],
        "tiles": [
            {"name": "NRR", "value": numbers.percent(row.nrr), "note": _verdict(told)},
            {"name": "GRR", "value": numbers.percent(row.grr), "note": f"logos kept {numbers.percent(row.logo_retention)}"},
            {"name": "ARR", "value": numbers.money_short(figures.arr, code), "note": f"{numbers.count(figures.customers)} customers"},
            {"name": "Net new ARR", "value": numbers.money_short(12 * told.moved.net_new, code), "note": told.period.name},
        ],
        "bridge": [
            ["Opening MRR", numbers.money(told.moved.opening, code)],
            *[[title, numbers.money(moved[kind], code)] for kind, title in KINDS.items() if moved.get(kind)],
            ["Closing MRR", numbers.money(told.moved.closing, code)],
        ],
        "breakdown": told.breakdown.replace("_", " "),
        "segments": [
            [str(part.segment[0][1] or "—"), numbers.count(part.counts.accounts), money(part.counts.opening),
             numbers.percent(part.nrr), numbers.percent(part.grr), numbers.percent(part.logo_retention)]
            for part in told.segments
        ],
        "gained": [[line.name or line.entity, line.kind, money(line.moved)] for line in told.gained],
        "lost": [[line.name or line.entity, line.kind, money(line.moved)] for line in told.lost],
        "largest": [
            [str(one.rank), one.name or one.entity, money(one.mrr), numbers.percent(one.share)] for one in told.largest.largest[:5]
        ],
        "top_share": numbers.percent(told.largest.tops.get(10)),
    }  # fmt: skip


def _whole(told: Pack) -> str:
    """Where the sources do not tell all that was before a day."""
    return f", all history whole from {numbers.day(told.complete_from)}" if told.complete_from else ""


def _verdict(told: Pack) -> str:
    verdict = told.told.verdict
    return f"{verdict.word} for {verdict.stage}" if verdict else ""


def pictures(told: Pack, locale: str) -> list[tuple[Charted, str]]:
    """The charts as SVG, for light paper."""
    return [(one, draw.svg(one.option, WIDTH, HEIGHT, title=one.title)) for one in charts(told, locale)]


def pdf(told: Pack, locale: str = "en_US") -> bytes:
    """The pack as a PDF."""
    import typst

    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        drawn = pictures(told, locale)
        for number, (_, svg) in enumerate(drawn):
            (folder / f"{number}.svg").write_text(svg)
        (folder / "board.typ").write_text(sheet_text("board.typ"))
        data = sheet(told, locale) | {
            "charts": [{"title": one.title, "sub": one.sub, "file": f"{n}.svg"} for n, (one, _) in enumerate(drawn)]
        }
        (folder / "sheet.json").write_text(json.dumps(data))
        made = typst.compile(str(folder / "board.typ"), font_paths=[str(draw.BUILT)])
        assert isinstance(made, bytes)
        return made


def html(told: Pack, locale: str = "en_US") -> str:
    """The pack as one HTML file with everything in it."""
    from django.template import Context, Engine

    template = Engine(autoescape=True).from_string(sheet_text("board.html"))
    drawn = [{"title": one.title, "sub": one.sub, "svg": svg} for one, svg in pictures(told, locale)]
    return template.render(Context({"sheet": sheet(told, locale), "charts": drawn}))
