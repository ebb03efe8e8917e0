"""Commands on matches: which accounts of other systems are which of ours; confirmed, refused and taken back."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from holdfast.cli import show
from holdfast.cli.show import Format, out
from holdfast.flows import serve as serving
from holdfast.flows.home import Home, HomeError, open_home

app = typer.Typer(invoke_without_command=True, help="Which accounts of other systems are which of ours.")

PartyArgument = Annotated[str, typer.Argument(help="SYSTEM:ID, as the list has it.")]


def register(root: typer.Typer) -> None:
    """Add the commands."""
    app.callback()(matches)
    app.command("confirm")(confirm)
    app.command("refuse")(refuse)
    app.command("undo")(undo)
    root.add_typer(app, name="matches")


def _opened(context: typer.Context) -> Home:
    home = open_home(context.obj.home)
    serving.prepare(home)
    return home


def matches(
    context: typer.Context,
    state: Annotated[str, typer.Option(help="Only those: new, matched, doubtful, confirmed or refused.")] = "",
    format: Annotated[Format, typer.Option(help="table, json or csv.")] = Format.table,
) -> None:
    """List accounts of other systems: the doubtful ones first, with what each may be."""
    if context.invoked_subcommand:
        return
    _opened(context)
    from holdfast.flows.identity_decisions import listed

    rows = listed(state)
    if format is Format.json:
        show.as_json({"matches": rows})
    elif format is Format.csv:
        show.as_csv([row | {"candidates": " ".join(each["account_id"] for each in row["candidates"])} for row in rows])
    else:
        show.table(
            "Matches", ["", "called", "state", "account", "why"], [_line(row) for row in rows], _caption(rows), left=5
        )


def _line(row: dict[str, Any]) -> list[str]:
    may_be = ", ".join(each["account_id"] for each in row["candidates"]) if row["state"] == "doubtful" else ""
    return [
        row["party"], row["name"] or row["domain"], row["state"], row["account_id"] or (f"{may_be}?" if may_be else ""),
        row["candidates"][0]["how"] if may_be else row["how"],
    ]  # fmt: skip


def _caption(rows: list[dict[str, Any]]) -> str:
    doubtful = sum(row["state"] == "doubtful" for row in rows)
    if not rows:
        return "no connected system has told of its accounts yet"
    return (
        f"{doubtful} to be looked at: holdfast matches confirm SYSTEM:ID ACCOUNT, or refuse SYSTEM:ID"
        if doubtful
        else ""
    )


def confirm(
    context: typer.Context, party: PartyArgument, account: Annotated[str, typer.Argument(help="The id of our account.")]
) -> None:
    """Say which of our accounts it is."""
    _decide(context, "confirm", party, account)
    out.print(f"{party} is {account}; the numbers show it after: holdfast book", markup=False)


def refuse(
    context: typer.Context,
    party: PartyArgument,
    account: Annotated[str, typer.Option(help="The account that it is not; without one, it is none of ours.")] = "",
) -> None:
    """Say that it is not that account, or none of ours."""
    _decide(context, "refuse", party, account)
    out.print(f"{party} is not {account or 'one of our accounts'}", markup=False)


def undo(context: typer.Context, party: PartyArgument) -> None:
    """Take a match or a refusal back."""
    _decide(context, "undo", party)
    out.print(f"{party} is undecided again; the numbers show it after: holdfast book", markup=False)


def _decide(context: typer.Context, what: str, *told: str) -> None:
    home = _opened(context)
    from holdfast.flows import identity_decisions
    from holdfast.flows.people import Actor

    try:
        getattr(identity_decisions, what)(home, Actor(None, context.obj.now), *told)
    except identity_decisions.MatchError as error:
        raise HomeError(str(error)) from None
