"""Draw docs/picture.svg: what the terminal shows for three commands on the demo company.

Run it as `python scripts/picture.py [HOME]`. HOME is a demo home that is booked; without it one is made in a temporary folder.
"""

from __future__ import annotations

import io
import re
import sys
import tempfile
from pathlib import Path

from rich.console import Console
from typer.testing import CliRunner

from holdfast.cli import show
from holdfast.cli.main import app

PICTURE = Path(__file__).resolve().parents[1] / "docs" / "picture.svg"
WIDTH = 120

#: the commands shown, and how many lines of each
SHOWN = ((["nrr"], 15), (["nrr", "--by", "segment"], 7), (["bridge", "--from", "2026-05"], 12))


def picture(home: Path) -> str:
    """The SVG of the commands and their output."""
    recording = Console(record=True, width=WIDTH, file=io.StringIO(), highlight=False, force_terminal=True)
    show.out.width = WIDTH
    for arguments, lines in SHOWN:
        told = CliRunner().invoke(app, ["--home", str(home), *arguments], catch_exceptions=False)
        recording.print(f"[bold green]$[/] holdfast {' '.join(arguments)}")
        kept = [line.rstrip() for line in told.stdout.splitlines() if line.strip()]
        recording.print("\n".join(kept[:lines]), markup=False)
        recording.print()
    svg = recording.export_svg(title="holdfast", unique_id="holdfast")
    return _light(svg)


def _light(svg: str) -> str:
    """Without the web fonts: the reader's own monospaced font serves, and nothing is fetched."""
    svg = re.sub(r"@font-face \{.*?\}\s*", "", svg, flags=re.S)
    return svg.replace("Fira Code", "ui-monospace, Menlo, Consolas, DejaVu Sans Mono")


def main() -> None:
    """Make the demo home where none is given, and draw."""
    if len(sys.argv) > 1:
        PICTURE.write_text(picture(Path(sys.argv[1])))
        return
    with tempfile.TemporaryDirectory() as folder:
        CliRunner().invoke(app, ["--home", folder, "demo"], catch_exceptions=False)
        PICTURE.write_text(picture(Path(folder)))


if __name__ == "__main__":
    main()
