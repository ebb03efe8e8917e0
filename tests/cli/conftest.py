"""Commands run in this process, as `holdfast …` would; and homes to run them in."""

from __future__ import annotations

import contextlib
import io
import json
import os
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console
from typer.testing import CliRunner

from holdfast.cli import main as door
from holdfast.cli import show

from ..flows.homes import booked_home, demo_home
from ..metrics.worlds import path
from ..oracle.pencil import account, facts, item, line


@dataclass(frozen=True)
class Done:
    """What a command gave back."""

    exit_code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


def holdfast(home: Path, *words: str, width: int = 120) -> Done:
    """Run a command through its front door, errors and exit status included."""
    if words[0] == "status" or (words[0] == "book" and (home / "desk.sqlite3").exists()):
        # it looks at the home's desk, and the desk of this process belongs to another home
        return process(home, *words, columns=width)
    out, err = io.StringIO(), io.StringIO()
    before = (sys.argv, show.out, show.err)
    code = 0
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        sys.argv = ["holdfast", "--home", str(home), *words]
        narrow, beside = Console(highlight=False, width=width), Console(stderr=True, highlight=False, width=400)
        patch_consoles(narrow, beside)
        try:
            door.main()
        except SystemExit as end:
            code = int(end.code or 0)
        finally:
            sys.argv = before[0]
            patch_consoles(before[1], before[2])
    return Done(code, out.getvalue(), err.getvalue())


def patch_consoles(out: Console, err: Console) -> None:
    """Every module of the command line writes to the same two consoles."""
    for module in [module for name, module in sys.modules.items() if name.startswith("holdfast.cli")]:
        for name, console in (("out", out), ("err", err)):
            if isinstance(getattr(module, name, None), Console):
                setattr(module, name, console)


def ok(home: Path, *words: str, width: int = 120) -> Done:
    """A command that must succeed."""
    done = holdfast(home, *words, width=width)
    assert done.exit_code == 0, done.err + done.out
    return done


def asked(home: Path, *words: str) -> Any:
    """A command's JSON."""
    return ok(home, *words, "--format", "json").json


def runner(home: Path, *words: str) -> Any:
    """The same through typer's own runner."""
    return CliRunner().invoke(door.app, ["--home", str(home), *words])


def process(home: Path, *words: str, columns: int = 100, **environment: str) -> Done:
    """A process of its own, as a shell starts it."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("HOLDFAST_", "DJANGO_"))}
    inherited = {**clean, "COLUMNS": str(columns), **environment}
    done = subprocess.run(
        [sys.executable, "-m", "holdfast", "--home", str(home), *words], capture_output=True, text=True, env=inherited, timeout=60
    )  # fmt: skip
    return Done(done.returncode, done.stdout, done.stderr)


NUMBER = re.compile(r"-?\d[\d,]*(?:\.\d+)?(?: %)?")


@pytest.fixture(scope="session")
def small(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Four accounts in two sizes, one of them in euros; invoices for one; February to May 2024 is the window of the tests.

    A 100.00 → 150.00, B 200.00 → 120.00, C 300.00 leaves, D (euros) 100.00 all the time, E comes in March.
    """
    company = facts(
        *path("A", 100_00, 100_00, 150_00), *path("B", 200_00, 120_00), *path("C", 300_00, 300_00, 0), *path("E", 0, 0, 50_00),
        item("2024-01-01", 100_00, "D", "d", currency="EUR", cancel_requested_on="2024-11-10", valid_to="2026-06-01", term_end="2025-01-01"),
        item("2024-02-01", 80_00, "T", "t", status="trialing"),
        account("A", attributes=(("size", "S"), ("note", "=1+1"))), account("B", attributes=(("size", "S"),)),
        account("C", attributes=(("size", "L"), ("note", "@home"))), account("D", attributes=(("size", "L"),)),
        *(line("recurring", 100_00, f"2024-{m:02}-01", f"2024-{m + 1:02}-01", "A", name=f"A-{m}") for m in range(1, 5)),
    )  # fmt: skip
    return booked_home(tmp_path_factory.mktemp("small"), company).path


@pytest.fixture(scope="session")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return demo_home(tmp_path_factory.mktemp("cli")).path
