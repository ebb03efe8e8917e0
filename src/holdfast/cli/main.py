"""The command line: one comes in, asks, and is shown. No decisions are taken here."""

from __future__ import annotations

import os
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import duckdb
import typer

from holdfast import __version__
from holdfast.cli import connect, matches, numbers, serve, setup, sidebyside, standing, upkeep, watch, why
from holdfast.cli.show import err, out
from holdfast.domain.money import FxError
from holdfast.domain.period import PeriodError
from holdfast.domain.policy import PolicyError
from holdfast.domain.scorecard import ScorecardError
from holdfast.flows.demo import DemoError
from holdfast.flows.home import HomeError
from holdfast.flows.learn_table import TableError
from holdfast.warehouse.landing import LandingError
from holdfast.warehouse.ledger import OutdatedLedgerError, UnknownAttributeError
from holdfast.warehouse.matrix import LedgerError
from holdfast.warehouse.window import WindowError

app = typer.Typer(
    no_args_is_help=True, add_completion=False, rich_markup_mode="markdown", pretty_exceptions_enable=False
)

#: what a user can put right; anything else is a fault of ours and shows its trace
EXPECTED = (
    HomeError, PolicyError, PeriodError, FxError, LedgerError, WindowError, UnknownAttributeError, OutdatedLedgerError, DemoError, LandingError, ScorecardError,
    TableError,
)  # fmt: skip


@dataclass(frozen=True)
class Door:
    """What every command is given: the home's folder, and the time at the door."""

    home: Path
    now: datetime


def _version(wanted: bool) -> None:
    if wanted:
        out.print(f"holdfast {__version__}")
        raise typer.Exit


@app.callback()
def start(
    context: typer.Context,
    home: Annotated[
        Path, typer.Option(envvar="HOLDFAST_HOME", help="The folder that holds this company's data.")
    ] = Path("holdfast-home"),
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """Holdfast: what your existing customers are worth, why that changes, and what made every number."""
    context.obj = Door(home, datetime.now(UTC))


setup.register(app)
numbers.register(app)
standing.register(app)
why.register(app)
sidebyside.register(app)
serve.register(app)
upkeep.register(app)
connect.register(app)
matches.register(app)
watch.register(app)


def main() -> None:
    """Run a command. Exit status 2: it could not be done, and the message says what to do."""
    try:
        app()
    except EXPECTED as error:
        err.print(f"[bold red]error:[/] {_escaped(str(error))}")
        raise SystemExit(2) from None
    except duckdb.OutOfRangeException as error:
        err.print(f"[bold red]error:[/] a number is too large to be money: {_escaped(str(error))}")
        raise SystemExit(2) from None
    except BrokenPipeError:
        os._exit(0)


def _escaped(text: str) -> str:
    return text.replace("[", "\\[")
