"""Commands of connections: connect, disconnect, sync, status, run."""

from __future__ import annotations

import os
import signal
import sys
import threading
from datetime import UTC, datetime
from typing import Annotated

import typer

from holdfast.cli import show
from holdfast.cli.ask import last_whole_month_end
from holdfast.cli.setup import book_and_tell, home_or_new
from holdfast.cli.show import Format, err, out
from holdfast.domain.period import Window
from holdfast.flows import connections, keep, tick
from holdfast.flows import serve as serving
from holdfast.flows import status as standing
from holdfast.flows import sync as syncing
from holdfast.flows.book import open_ledger
from holdfast.flows.home import Home, HomeError, open_home
from holdfast.metrics import retention
from holdfast.sources import shelf
from holdfast.sources.source import Field, Source
from holdfast.warehouse.window import View

#: kinds of data in words
KINDS = {"crm": "CRM"}


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command("connect")(connect)
    app.command("disconnect")(disconnect)
    app.command("sync")(sync)
    app.command("status")(status)
    app.command("run")(run)
    app.command("write-back")(write_back)


# -- connecting ----------------------------------------------------------------------------------------------


def connect(
    context: typer.Context,
    source: Annotated[str | None, typer.Argument(help="What to connect to; the list of all if left out.")] = None,
    name: Annotated[str, typer.Option(help="What to call it; the source's name if left out.")] = "",
    setting: Annotated[
        list[str] | None, typer.Option("--set", help="A setting as NAME=VALUE; may be given several times.")
    ] = None,
    every: Annotated[int, typer.Option(help="Minutes between two runs.", min=1, max=1440)] = connections.EVERY_MINUTES,
    now: Annotated[bool, typer.Option("--sync/--no-sync", help="Read everything and book it at once.")] = True,
) -> None:
    """Connect to a system: the key, its scopes and the first page are tried before it is kept.

    What is not given by --set is taken from the environment (HOLDFAST_STRIPE_API_KEY for the API key of Stripe), or asked for.
    """
    if source is None:
        _show_shelf()
        return
    wanted = connections.source_named(source)
    home = home_or_new(context)
    serving.prepare(home)
    access = connections.split(wanted, _values(wanted, setting or []))
    with err.status(f"asking {wanted.title}"):
        checked = connections.check(wanted, access)
    called = name or connections.usual_name(wanted)
    connections.connect(home, wanted, called, access, context.obj.now, every_minutes=every)
    seen = ", ".join(f"{count} {stream.replace('_', ' ')}" for stream, count in checked.seen.items())
    out.print(f"connected to {wanted.title}: {checked.who}", markup=False)
    if seen:
        out.print(f"  seen on the first pages: {seen}", markup=False)
    for warning in checked.warnings:
        out.print(f"  note: {warning}", style="yellow", markup=False)
    if now and _run_one(home, called, context.obj.now, whole=False):
        _book_and_show(home, context)


def _values(source: Source, given: list[str]) -> dict[str, str]:
    """What was given, what the environment says, and what is asked for."""
    values = {}
    for text in given:
        key, equals, value = text.partition("=")
        if not equals:
            raise HomeError(f"--set {text}: write it as NAME=VALUE")
        values[key.strip()] = value
    for one in source.fields:
        variable = f"HOLDFAST_{source.name}_{one.name}".upper()
        if one.name not in values and os.environ.get(variable):
            values[one.name] = os.environ[variable]
        if one.name not in values and one.is_required and not one.default:
            values[one.name] = _asked(source, one, variable)
    return values


def _asked(source: Source, one: Field, variable: str) -> str:
    if not sys.stdin.isatty():
        raise HomeError(
            f"{one.title} is missing; give it as --set {one.name}=… or in the environment as {variable}. {one.help}".strip()
        )
    if one.help:
        out.print(f"  {one.help}", style="dim", markup=False)
    return str(typer.prompt(f"{source.title}: {one.title}", hide_input=one.is_secret))


def _show_shelf() -> None:
    lines = [
        [
            one.name,
            one.title,
            one.kind,
            ", ".join(f"{field.name}{'' if field.is_required else ' (optional)'}" for field in one.fields),
        ]
        for one in shelf.sources().values()
    ]
    show.table(
        "What can be connected",
        ["source", "system", "kind", "settings"],
        lines,
        "connect one with: holdfast connect SOURCE",
        left=4,
    )


def disconnect(context: typer.Context, name: Annotated[str, typer.Argument(help="The connection.")]) -> None:
    """Forget a connection's secrets at once. What was learned stays."""
    home = open_home(context.obj.home)
    serving.prepare(home)
    connections.revoke(home, name, context.obj.now)
    out.print(
        f"'{name}' is disconnected, its secrets are gone; what it told stays. Revoke the key in the other system, too.",
        markup=False,
    )


# -- running -------------------------------------------------------------------------------------------------


def sync(
    context: typer.Context,
    name: Annotated[str | None, typer.Argument(help="The connection; all of them if left out.")] = None,
    whole: Annotated[bool, typer.Option("--whole", help="List everything anew, which shows what is gone.")] = False,
    book: Annotated[bool, typer.Option("--book/--no-book", help="Book what was landed.")] = True,
) -> None:
    """Read what is new from connections, and book it. Exit status 1: one could not be read."""
    home = open_home(context.obj.home)
    serving.prepare(home)
    from holdfast.desk.models import Connection

    names = [name] if name else list(Connection.objects.live().order_by("name").values_list("name", flat=True))
    if not names:
        raise HomeError("nothing is connected yet; connect something with: holdfast connect")
    good = [_run_one(home, one, context.obj.now, whole=whole) for one in names]
    if book and keep.is_due(home, context.obj.now):
        book_and_tell(home, context)
    if not all(good):
        raise typer.Exit(1)


def _run_one(home: Home, name: str, now: datetime, *, whole: bool) -> bool:
    with err.status(f"{name}: reading") as line:
        done = syncing.sync(home, name, now, whole=whole, report=lambda text: line.update(f"{name}: {text}"))
    if done.problem:
        err.print(f"{name}: {done.problem}. {done.remedy}", style="red", markup=False)
        return False
    landed = ", ".join(f"{count:,} {table}" for table, count in done.landed.items() if count) or "nothing new"
    out.print(f"{name}: {sum(done.pulled.listed.values()):,} objects read, landed {landed}", markup=False)
    for one in done.bad[:10]:
        where = " ".join(filter(None, (one.stream, one.object_id, one.field)))
        out.print(f"  left out: {where} '{one.value}': {one.reason}; {one.remedy}", style="yellow", markup=False)
    if done.bad_count > 10:
        out.print(f"  and {done.bad_count - 10:,} more; see: holdfast status", style="yellow", markup=False)
    return True


def _book_and_show(home: Home, context: typer.Context) -> None:
    """The first NRR."""
    if not keep.is_due(home, context.obj.now):
        return
    book_and_tell(home, context)
    with open_ledger(home) as ledger:
        window = Window.months_to(last_whole_month_end(ledger.as_of), ledger.policy.window_months)
        row = next(iter(retention.measure(ledger, window, View(home.settings.currency))), None)
    if row is not None and row.nrr is not None:
        span = f"the {ledger.policy.window_months} months to {window.end:%Y-%m-%d}"
        told = f"NRR {show.percent(row.nrr)}, GRR {show.percent(row.grr)} over {span} ({ledger.policy.name})"
        out.print(told, style="bold")
    else:
        out.print(
            "There is nothing to retain yet: no MRR at the start of the last 12 months. See: holdfast bridge",
            markup=False,
        )


def write_back(context: typer.Context) -> None:
    """Tell connected CRMs what is known of their accounts, where that changed. `serve` and `run` do it by themselves."""
    home = open_home(context.obj.home)
    serving.prepare(home)
    from holdfast.flows import writeback

    count = writeback.bring(home, context.obj.now)
    out.print(f"{count:,} accounts written", markup=False)


def run(context: typer.Context) -> None:
    """Keep everything going without the web app: connections on their schedules, events, bookings, mail and webhooks. Ctrl-C stops it."""
    home = open_home(context.obj.home)
    serving.prepare(home)
    over = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: over.set())
    out.print(f"Holdfast keeps {home.settings.company} going; Ctrl-C stops it", markup=False)
    tick.run(home.path, lambda: datetime.now(UTC), over.is_set)


# -- status --------------------------------------------------------------------------------------------------


def status(
    context: typer.Context,
    format: Annotated[Format, typer.Option("--format", help="How to write the result.")] = Format.table,
) -> None:
    """How fresh and how complete everything is, by source. Exit status 1: a source or the last booking failed."""
    home = open_home(context.obj.home)
    serving.prepare(home)
    told = standing.status(home, context.obj.now)
    if format is Format.json:
        show.as_json({"home": str(home.path), **told.document()})
    elif format is Format.csv:
        show.as_csv(
            [
                {
                    "source": one["name"],
                    "table": table,
                    "rows": rows,
                    "last_success": one["last_success"],
                    "lag_seconds": one["lag_seconds"],
                }
                for one in told.document()["sources"]
                for table, rows in one["rows"].items()
            ]
        )
    else:
        _show_status(told)
    if told.booking_problem or any(one.errors for one in told.sources if one.state in ("connected", "running")):
        raise typer.Exit(1)


def _show_status(told: standing.Status) -> None:
    lines = [
        [one.name, one.state or "by hand", _ago(one.lag_seconds), f"{sum(one.rows.values()):,}", str(len(one.rows))]
        for one in told.sources
    ]
    show.table("Sources", ["source", "state", "last success", "rows landed", "fact tables"], lines, left=3)
    for one in told.sources:
        for error in one.errors:
            out.print(f"{one.name}: {error['problem']}. {error['remedy']}", style="red", markup=False)
        if one.bad_rows:
            out.print(
                f"{one.name}: {one.bad_rows:,} objects could not be said as facts at the last run",
                style="yellow",
                markup=False,
            )
        if one.complete_from:
            before = f"before that day {one.incomplete_accounts:,} accounts tell less than all"
            whole = f"{one.name}: its history is whole from {one.complete_from} on; {before}"
            out.print(whole, style="yellow", markup=False)
    for kind, covered in told.coverage.items():
        out.print(
            f"{covered['accounts']:,} of {covered['of']:,} paying accounts have {KINDS.get(kind, kind)} data",
            markup=False,
        )
    if told.events.get("received"):
        out.print(f"events: {told.events['received']:,} received, {told.events['distinct']:,} distinct", markup=False)
    waiting = f"; {told.loads_not_booked} loads are not booked yet" if told.loads_not_booked else ""
    booked = (
        f"booked {told.booked.booked_at[:19]} up to {told.booked.as_of}" if told.booked else "nothing is booked yet"
    )
    out.print(f"{booked}{waiting}", markup=False)
    if told.booking_problem:
        out.print(
            f"the last booking failed, the publication before stands: {told.booking_problem}", style="red", markup=False
        )


def _ago(seconds: int | None) -> str:
    if seconds is None:
        return "never"
    for size, unit in ((86_400, "days"), (3_600, "hours"), (60, "minutes")):
        if seconds >= 2 * size:
            return f"{seconds // size} {unit} ago"
    return f"{seconds} s ago"
