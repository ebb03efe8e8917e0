"""Commands that change something: init, load, book, demo, close. Each calls one flow."""

from __future__ import annotations

import getpass
from dataclasses import asdict
from datetime import date
from pathlib import Path
from typing import Annotated

import typer

from holdfast.cli import show
from holdfast.cli.show import Format, err, out
from holdfast.domain.facts import TABLES
from holdfast.domain.period import month_start, parse_day
from holdfast.flows import book as booking
from holdfast.flows import close as closing
from holdfast.flows import demo as demo_flow
from holdfast.flows import documents, keep
from holdfast.flows import load as loading
from holdfast.flows import serve as serving
from holdfast.flows.home import Home, HomeError, Settings, create, open_home
from holdfast.sources.demo import World


def register(app: typer.Typer) -> None:
    """Add the commands."""
    for name, command in (
        ("init", init),
        ("load", load),
        ("book", book),
        ("demo", demo),
        ("close", close),
    ):
        app.command(name)(command)


def init(
    context: typer.Context,
    company: Annotated[str, typer.Option(help="The company's name.")] = Settings.company,
    currency: Annotated[str, typer.Option(help="The reporting currency, as an ISO code.")] = Settings.currency,
    timezone: Annotated[
        str, typer.Option(help="Where the company's days begin, as Europe/Berlin.")
    ] = Settings.timezone,
) -> None:
    """Make a home: the folder that holds one company's data and settings."""
    home = create(context.obj.home, Settings(company, currency.upper(), timezone))
    out.print(f"home: {home.path}   settings: {home.path / 'holdfast.toml'}", markup=False)
    out.print("next: holdfast load FILE…   then: holdfast book")


def load(
    context: typer.Context,
    paths: Annotated[list[Path], typer.Argument(help="Files or folders: CSV, TSV, JSON lines, Parquet, Excel.")],
    mapping: Annotated[
        Path | None, typer.Option(help="A mapping file, edited from one that an earlier load saved.")
    ] = None,
) -> None:
    """Load files. What each column means is guessed, shown and saved; bad rows are told and kept beside.

    Exit status 0: all good; 1: some rows were rejected; 2: nothing could be loaded.
    """
    home = home_or_new(context)
    with err.status("loading") as status:
        report = loading.load(
            home.path,
            paths,
            mapping=mapping,
            now=context.obj.now,
            currency=home.settings.currency,
            timezone=home.settings.timezone,
            reporter=status.update,
        )
    for line in loading.describe(report):
        out.print(line, markup=False, soft_wrap=True)
    raise typer.Exit(report.exit_code)


def home_or_new(context: typer.Context) -> Home:
    """The home; an empty place becomes one with the usual settings."""
    try:
        return open_home(context.obj.home)
    except HomeError:
        if (context.obj.home / "holdfast.toml").exists():
            raise
        return create(context.obj.home, Settings())


def book(
    context: typer.Context,
    as_of: Annotated[str | None, typer.Option("--as-of", help="Book up to this day; today if left out.")] = None,
    full: Annotated[
        bool, typer.Option("--full", help="Book every account again, not only those that changed.")
    ] = False,
    if_due: Annotated[
        bool,
        typer.Option(
            "--if-due", help="Only if something was landed since, or a day began; a failure is kept for `status`."
        ),
    ] = False,
) -> None:
    """Book everything loaded into a ledger, prove that it ties out, and publish it."""
    home = open_home(context.obj.home)
    if if_due:
        serving.prepare(home)
        keep.book_if_due(home, context.obj.now)
        return
    book_and_tell(home, context, parse_day(as_of) if as_of else None, full)


def book_and_tell(home: Home, context: typer.Context, as_of: date | None = None, full: bool = False) -> None:
    """Book, and say what came out."""
    if serving.has_desk(home):
        serving.prepare(home)
        keep.before_booking(home, context.obj.now)
    with show.progress("booking") as step:
        current = booking.book(home, context.obj.now, as_of, step, full=full)
    with booking.open_ledger(home) as ledger:
        entities, movements = ledger.rows("select (select count(*) from entity), (select count(*) from movement)")[0]
        first = month_start(ledger.first_month)
        late = [code for code in ledger.currencies if code != home.settings.currency]
        out.print(
            f"booked {entities:,} {ledger.policy.grain}s, {movements:,} movements, {first:%Y-%m} to {current.as_of}; "
            "opening + movements = closing holds for every account, month and currency"
        )
        for code in late:
            day = ledger.rates.latest(code, home.settings.currency) or ledger.rates.latest("EUR", code)
            if day is not None and (date.fromisoformat(current.as_of) - day).days > 31:
                out.print(
                    f"note: the newest exchange rate of {code} is of {day}; it stands for every day since",
                    style="yellow",
                )


def demo(
    context: typer.Context,
    accounts: Annotated[int, typer.Option(min=10, max=1_000_000, help="How many accounts.")] = 600,
    seed: Annotated[int, typer.Option(help="The seed: the same seed makes the same company.")] = World.seed,
    months: Annotated[int, typer.Option(min=14, max=120, help="How many months.")] = World.months,
    tables: Annotated[
        str | None, typer.Option("--tables", help="Only these fact tables, with commas; all if left out.")
    ] = None,
) -> None:
    """Make the demo company in a home of its own, and book it."""
    wanted = frozenset(name.strip() for name in tables.split(",")) if tables else None
    if wanted and wanted - set(TABLES):
        raise HomeError(f"there is no fact table '{sorted(wanted - set(TABLES))[0]}'; there are: {', '.join(TABLES)}")
    world = demo_flow.for_size(World(accounts=accounts, seed=seed, months=months, tables=wanted))
    with show.progress("making the demo company") as step:
        home = demo_flow.demo(context.obj.home, world, context.obj.now, step)
    book_and_tell(home, context, None)


def close(
    context: typer.Context,
    month: Annotated[str | None, typer.Argument(help="The month, as 2025-03; left out: list what is closed.")] = None,
    by: Annotated[str | None, typer.Option("--by", help="Who signs; the user's name if left out.")] = None,
    restatements: Annotated[
        bool, typer.Option("--restatements", help="What changed in a closed month since it was signed.")
    ] = False,
    format: Annotated[Format, typer.Option("--format", help="How to write the result.")] = Format.table,
) -> None:
    """Sign a month. Later changes to it are shown as restatements, by account and amount."""
    home = open_home(context.obj.home)
    if month is None:
        _show_closes(home, format)
    elif restatements:
        _show_restatements(home, month, format)
    else:
        signed = closing.close(home, month, by or getpass.getuser(), context.obj.now)
        if format is Format.json:
            show.as_json(asdict(signed))
        else:
            totals = ", ".join(f"{code} {show.money(amount, code)}" for code, amount in signed.closing.items())
            out.print(
                f"{signed.month} closed by {signed.signed_by}: closing MRR {totals} (policy {signed.policy})",
                markup=False,
            )


def _show_closes(home: Home, format: Format) -> None:
    found = closing.closes(home)
    if format is not Format.table:
        rows = [asdict(one) for one in found]
        show.as_csv(rows) if format is Format.csv else show.as_json({"metric": "closes", "rows": rows})
        return
    lines = [
        [one.month, one.policy, one.signed_by, one.signed_at, str(len(closing.restatements(home, one)))]
        for one in found
    ]
    show.table("Closed months", ["month", "policy", "signed by", "signed at", "restatements"], lines, left=4)


def _show_restatements(home: Home, month: str, format: Format) -> None:
    signed = next((one for one in closing.closes(home) if one.month == month), None)
    if signed is None:
        raise HomeError(f"{month} is not closed; close it with: holdfast close {month}")
    found = closing.restatements(home, signed)
    rows = [documents.restatement_of(one) for one in found]
    if format is Format.json:
        show.as_json(
            {
                "metric": "restatements",
                "month": month,
                "policy": signed.policy,
                "signed_at": signed.signed_at,
                "rows": rows,
            }
        )
    elif format is Format.csv:
        show.as_csv(rows)
    else:
        lines = [
            [
                one.entity,
                one.kind,
                one.currency,
                *(show.money(a, one.currency) for a in (one.signed, one.now, one.difference)),
            ]
            for one in found
        ]
        columns = ["account", "kind", "currency", "signed", "now", "difference"]
        show.table(f"Restatements of {month}, signed {signed.signed_at} by {signed.signed_by}", columns, lines, left=3)
