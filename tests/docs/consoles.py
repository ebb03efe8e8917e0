"""Running the `console` blocks of a page in a folder of their own, in order, beside a booked demo home.

A block `csv NAME` is a file that the page tells the reader to make. `console 1` expects exit code 1. What a block shows of the
output are whole lines, or the beginnings of lines, with blanks as they come.
"""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest
from typer.testing import CliRunner

from holdfast.cli import show
from holdfast.cli.main import app

from .pages import Block, blocks

#: as wide as the terminal the pages were written at
WIDTH = 120


@dataclass(frozen=True)
class Told:
    """What a command said."""

    exit_code: int
    output: str
    trouble: str


def run(arguments: list[str]) -> Told:
    """One command, in this process."""
    show.out.width = WIDTH
    done = CliRunner().invoke(app, arguments)
    trouble = "" if isinstance(done.exception, SystemExit | None) else repr(done.exception)
    return Told(done.exit_code, done.stdout, trouble or done.stderr)


def run_apart(arguments: list[str]) -> Told:
    """One command, in a process of its own, as a user runs it."""
    clean = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("HOLDFAST_", "DJANGO_")) or name == "HOLDFAST_HOME"
    }
    done = subprocess.run(
        [sys.executable, "-m", "holdfast", *arguments], capture_output=True, text=True, env=clean, check=False
    )
    return Told(done.returncode, done.stdout, done.stderr)


def squeezed(text: str) -> str:
    return " ".join(text.split())


def commands(block: Block) -> list[tuple[str, list[str]]]:
    """The commands of a block, each with the lines shown of its output."""
    found: list[tuple[str, list[str]]] = []
    for line in block.text.splitlines():
        if line.startswith("$ "):
            found.append((line[2:], []))
        elif line.strip():
            found[-1][1].append(squeezed(line))
    return found


def run_page(page: Path, folder: Path, demo_home: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What the page promises and the product does not do."""
    monkeypatch.chdir(folder)
    monkeypatch.setenv("HOLDFAST_HOME", "demo-home")
    (folder / "demo-home").symlink_to(demo_home)
    found: list[str] = []
    for block in blocks(page):
        if block.kind == "csv":
            file = folder / block.info.split(" ")[1]
            file.parent.mkdir(exist_ok=True)
            file.write_text(block.text + "\n")
        elif block.kind == "console":
            found += _run_block(block)
    return found


def _run_block(block: Block) -> list[str]:
    expected = int(block.info.removeprefix("console").strip() or "0")
    found = []
    for command, shown in commands(block):
        program, *arguments = shlex.split(command)
        if program != "holdfast":
            continue
        # the desk is looked at in a process of its own: this one belongs to another home
        told = run_apart(arguments) if "status" in arguments else run(arguments)
        if told.exit_code != expected:
            found.append(f"{block.where} $ {command}: exit code {told.exit_code}: {told.trouble}")
            continue
        lines = [squeezed(line) for line in told.output.splitlines()]
        found += [
            f"{block.where} $ {command}: no line begins '{line}'"
            for line in shown
            if not any(one.startswith(line) for one in lines)
        ]
    return found
