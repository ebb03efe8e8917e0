"""The command that puts definitions side by side: policies."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from holdfast.cli import show
from holdfast.cli.ask import CurrencyOption, EndOption, FormatOption, StartOption, asked, view_of, window_of
from holdfast.cli.show import Format
from holdfast.domain.period import Window
from holdfast.domain.policy import Policy
from holdfast.flows import compare, documents
from holdfast.flows.home import Home, open_home
from holdfast.warehouse.window import View


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("policies")(policies)


def policies(
    context: typer.Context,
    start: StartOption = None,
    end: EndOption = None,
    names: Annotated[str | None, typer.Option("--policies", help="Only these, with commas.")] = None,
    why: Annotated[
        str | None, typer.Option("--why", help="Say per account why this policy differs from the home's own.")
    ] = None,
    currency: CurrencyOption = None,
    limit: Annotated[int, typer.Option(min=1, max=500, help="How many accounts to say why for.")] = 20,
    format: FormatOption = Format.table,
) -> None:
    """The same window under every policy side by side; with --why, which setting makes an account differ."""
    home = open_home(context.obj.home)
    view = view_of(home, currency)
    with asked(context) as question:
        window = window_of(question, start, end)
    if why is None:
        with show.progress("booking under each policy") as step:
            chosen = tuple(name.strip() for name in names.split(",")) if names else ()
            compared = compare.compare(home, window, view, chosen, step)
        _show_compared(compared, window, view.reporting, format)
        return
    with show.progress("switching one setting at a time") as step:
        found = compare.why(home, window, view, home.policy(why), limit, step)
    _show_why(home, window, view, home.policy(why), found, format)


def _show_why(
    home: Home, window: Window, view: View, other: Policy, found: list[compare.AccountDifference], format: Format
) -> None:
    rows = [
        {
            "account": one.account, "name": one.name, "opening_minor": one.opening[0], "other_opening_minor": one.opening[1],
            "closing_minor": one.closing[0], "other_closing_minor": one.closing[1], "because": list(one.because),
        }
        for one in found
    ]  # fmt: skip
    formulas = compare.formula_differences(home.policy(), other)
    if format is Format.csv:
        show.as_csv([row | {"because": "; ".join(one.because)} for row, one in zip(rows, found, strict=True)])
    elif format is Format.json:
        head = {"metric": "policies", "policy": home.settings.policy, "other": other.name}
        show.as_json(head | {"start": str(window.start), "end": str(window.end), "formulas": formulas, "rows": rows})
    else:
        _show_why_table(home, window, view.reporting, other, found)
        for one in formulas:
            show.out.print(f"the ratios are made differently: {one}", markup=False)


def _show_why_table(
    home: Home, window: Window, code: str, other: Policy, found: list[compare.AccountDifference]
) -> None:
    if not found:
        show.out.print(f"Under '{other.name}' every account opens and closes as under '{home.settings.policy}'.")
        return
    lines = [
        [one.account, one.name or "", "; ".join(one.because)]
        + [show.money(amount, code) for pair in (one.opening, one.closing) for amount in pair]
        for one in found
    ]
    columns = ["account", "name", "because", "opening", f"under {other.name}", "closing", f"under {other.name}"]
    title = f"Why '{other.name}' differs from '{home.settings.policy}', {window.start} up to {window.end}"
    own = home.policy().grain
    note = (
        f"'{other.name}' also follows {other.grain}s; this table compares both by {own}" if other.grain != own else ""
    )
    show.table(title, columns, lines, note, left=3)


def _show_compared(compared: list[compare.Compared], window: Window, code: str, format: Format) -> None:
    rows = []
    for one in compared:
        row: dict[str, Any] = {"policy": one.policy.name, "title": one.policy.title, "grain": one.policy.grain}
        if one.row is None:
            row["refused"] = one.refused or "no MRR at the window's start"
        else:
            counts = one.row.counts
            row |= {
                "accounts": counts.accounts, "opening_minor": counts.opening, "closing_minor": counts.closing,
                "nrr": documents.number(one.row.nrr), "grr": documents.number(one.row.grr), "logo_retention": documents.number(one.row.logo_retention),
            }  # fmt: skip
        rows.append(row)
    if format is Format.csv:
        show.as_csv(rows)
    elif format is Format.json:
        show.as_json(
            {"metric": "policies", "start": str(window.start), "end": str(window.end), "currency": code, "rows": rows}
        )
    else:
        lines = [
            [one.policy.name, one.policy.title, one.refused or "no MRR at the window's start", *["–"] * 5]
            if one.row is None
            else [one.policy.name, one.policy.title, one.policy.grain, f"{one.row.counts.accounts:,}"]
            + [
                show.money(one.row.counts.opening, code),
                show.percent(one.row.nrr),
                show.percent(one.row.grr),
                show.percent(one.row.logo_retention),
            ]
            for one in compared
        ]
        columns = ["policy", "", "follows", "cohort", "opening", "NRR", "GRR", "logos kept"]
        caption = "say per account why one differs with: holdfast policies --why NAME"
        show.table(f"One window, every policy: {window.start} up to {window.end}", columns, lines, caption, left=3)
