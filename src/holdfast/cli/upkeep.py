"""Commands that keep a home in order: compact, retention, erase."""

from __future__ import annotations

from typing import Annotated

import typer

from holdfast.cli import show
from holdfast.cli.show import err, out
from holdfast.flows import serve as serving
from holdfast.flows.home import open_home

FOREVER = "forever"


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command("compact")(compact)
    app.command("retention")(retention)
    app.command("erase")(erase)


def compact(
    context: typer.Context,
    if_due: Annotated[
        bool, typer.Option("--if-due", help="Only where it is worth it; erasures that were cut off are finished, too.")
    ] = False,
) -> None:
    """Put many small files of landing together into few large ones. No number changes by it."""
    home = open_home(context.obj.home)
    serving.prepare(home)
    from holdfast.flows import upkeep

    if if_due:
        upkeep.run(home, context.obj.now)
        return
    done = upkeep.compact(home, context.obj.now)
    rows = [[one.table, str(one.files_before), str(one.files_after), f"{one.rows:,}", "0"] for one in done.tables]
    rows += [
        [name, str(one.files_before), str(one.files_after), f"{one.rows:,}", f"{one.dropped:,}"]
        for name, one in done.streams.items()
    ]
    if not rows:
        out.print("nothing to put together: what is published lies in few files already")
        return
    show.table("Put together", ["table or stream", "files before", "files after", "rows", "let go"], rows)


def retention(
    context: typer.Context,
    raw_days: Annotated[
        str | None, typer.Option("--raw-days", help="Days for superseded states of source objects, or: forever.")
    ] = None,
    events_days: Annotated[
        str | None, typer.Option("--events-days", help="Days for single events, or: forever.")
    ] = None,
) -> None:
    """Show for how long raw data is kept, or say it."""
    home = open_home(context.obj.home)
    serving.prepare(home)
    from holdfast.desk.models import BookSettings
    from holdfast.flows import upkeep

    row = BookSettings.now()
    raw = row.keep_raw_days if raw_days is None else _days("--raw-days", raw_days)
    events = row.keep_event_days if events_days is None else _days("--events-days", events_days)
    upkeep.set_retention(context.obj.now, raw_days=raw, event_days=events)
    out.print(f"superseded states of source objects: {_told(raw)}")
    out.print(f"single events: {_told(events)}")
    if raw_days is not None and raw is not None:
        err.print(
            "Facts that are landed stay. But a new version of a source cannot read again what is let go: history that is told "
            "by old states alone ends where they end. The newest state of every object is always kept.",
            style="yellow",
        )
    if events_days is not None and events is not None:
        err.print(
            "Counts by day stay. Single events are let go for good: what was not counted by then cannot be counted later.",
            style="yellow",
        )


def erase(
    context: typer.Context,
    address: Annotated[str, typer.Argument(help="The person's e-mail address.")],
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
) -> None:
    """Erase a person: their address, and what stands beside it, everywhere in this home. It cannot be undone."""
    home = open_home(context.obj.home)
    serving.prepare(home)
    from holdfast.flows import erase as erasing

    try:
        found = erasing.look(home, address, context.obj.now)
        if found:
            show.table("What is erased", ["where", "rows or files"], [[name, f"{n:,}"] for name, n in found.items()])
        else:
            out.print("the address is nowhere in this home; it will be known if it comes in")
        if not yes and not typer.confirm("Erase? It cannot be undone, and backups of this home still have it."):
            raise typer.Exit(1)
        row = erasing.erase(home, address, context.obj.now)
    except erasing.EraseError as error:
        err.print(f"error: {error}", style="bold red", markup=False)
        raise typer.Exit(2) from None
    count = sum(n for place in row.erased["places"].values() for n in place.values())
    out.print(f"erased in {count:,} rows and files; remove it from your backups too")


def _days(option: str, told: str) -> int | None:
    if told == FOREVER:
        return None
    if not told.isdigit() or not 1 <= int(told) <= 100_000:
        raise typer.BadParameter(f"write a number of days from 1 on, or {FOREVER}", param_hint=option)
    return int(told)


def _told(days: int | None) -> str:
    return "kept for ever" if days is None else f"kept for {days:,} days"
