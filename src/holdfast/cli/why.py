"""Commands that open a number: explain, reconcile."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from holdfast.cli import show
from holdfast.cli.ask import (
    Asked,
    CurrencyOption,
    EndOption,
    FormatOption,
    FromOption,
    KnownOption,
    PolicyOption,
    StartOption,
    ToOption,
    asked,
    months_of,
    window_of,
)
from holdfast.cli.show import Format
from holdfast.domain.period import Window
from holdfast.flows import documents
from holdfast.flows.home import HomeError
from holdfast.metrics import evidence, reconcile, retention


def register(app: typer.Typer) -> None:
    """Add the commands."""
    for name, command in (("explain", explain), ("reconcile", reconcile_)):
        app.command(name)(command)


def explain(
    context: typer.Context,
    account: Annotated[
        str | None, typer.Argument(help="An account's id: its movements, changes and source rows.")
    ] = None,
    start: StartOption = None,
    end: EndOption = None,
    segment: Annotated[
        list[str] | None, typer.Option("--segment", help="Only one segment: industry=DevTools. May be repeated.")
    ] = None,
    policy: PolicyOption = None,
    known_on: KnownOption = None,
    currency: CurrencyOption = None,
    everyone: Annotated[
        bool, typer.Option("--all", help="Also accounts that were not there at the start: what the bridge is made of.")
    ] = False,
    limit: Annotated[int, typer.Option(min=1, max=1_000_000, help="How many accounts.")] = 20,
    format: FormatOption = Format.table,
) -> None:
    """Open a retention figure: the accounts that made it, or, for one account, movements and the rows behind them."""
    with asked(context, policy, known_on, currency) as question:
        window = window_of(question, start, end)
        if account is not None:
            _explain_account(question, window, account, format)
        else:
            _explain_window(question, window, _segment(segment), limit, format, everyone)


def _segment(given: list[str] | None) -> retention.Segment:
    pairs = []
    for one in given or []:
        name, equals, value = one.partition("=")
        if not equals:
            raise HomeError(f"'{one}' is not a segment; write it as industry=DevTools")
        pairs.append((name.strip(), value.strip() or None))
    return tuple(pairs)


def _explain_window(
    question: Asked, window: Window, segment: retention.Segment, limit: int, format: Format, everyone: bool
) -> None:
    lines = evidence.accounts(question.ledger, window, question.view, segment, cohort_only=not everyone)
    causes = evidence.causes(question.ledger, window, question.view) if not segment else {}
    rows = [documents.explain_row(one) for one in lines]
    whole = documents.explain_total(lines)
    if format is Format.csv:
        show.as_csv(rows)
    elif format is Format.json:
        head = {"metric": "explain", **question.heading(), "start": str(window.start), "end": str(window.end)}
        show.as_json(
            head
            | {"segment": documents.segment_of(segment), "total": whole, "causes_minor": causes, "rows": rows[:limit]}
        )
    else:
        code = question.view.reporting
        shown = [
            [
                one.entity,
                one.name or "",
                one.kind,
                *(show.money(a, code) for a in (one.opening, one.moved, one.closing - one.closing_fixed, one.closing)),
            ]
            for one in lines[:limit]
        ]
        total = f"{len(lines):,} accounts, opening {show.money(whole['opening_minor'], code)}, closing {show.money(whole['closing_minor'], code)}"
        columns = ["account", "name", "kind", "opening", "moved", "fx", "closing"]
        show.table(
            f"What made {'the bridge' if everyone else 'retention'} from {window.start} up to {window.end}",
            columns,
            shown,
            f"{total}\n{question.caption()}",
            left=3,
        )
        for kind, parts in causes.items():
            show.out.print(
                f"{kind} by cause: "
                + ", ".join(f"{cause} {show.money(amount, code)}" for cause, amount in parts.items())
            )
        show.out.print("open one account with: holdfast explain ACCOUNT", style="dim")


def _explain_account(question: Asked, window: Window, account: str, format: Format) -> None:
    landing = question.home.landing
    moved = evidence.movements(question.ledger, account, window)
    changed = evidence.changes(
        question.ledger, account, window, landing.files("subscription_item"), landing.files("invoice_line")
    )
    if not moved and not changed and not question.ledger.rows("select 1 from entity where entity_id = ?", [account]):
        raise HomeError(f"there is no {question.policy.grain} '{account}' in the ledger")
    files = {load.load_no: load.file or load.source for load in landing.loads()}
    if format is Format.table:
        _show_account(question, account, moved, changed, files)
        return
    changes = documents.changes_of(changed, files)
    if format is Format.csv:
        show.as_csv([{name: value for name, value in one.items() if name != "row"} for one in changes])
    else:
        head = {
            "metric": "explain",
            **question.heading(),
            "account": account,
            "start": str(window.start),
            "end": str(window.end),
        }
        show.as_json(head | {"movements": documents.movements_of(moved), "changes": changes})


def _show_account(
    question: Asked,
    account: str,
    moved: list[evidence.MovementLine],
    changed: list[evidence.ChangeLine],
    files: dict[int, str],
) -> None:
    lines = [
        [
            m.month,
            m.kind,
            ", ".join(f"{cause} {show.money(a, m.currency)}" for cause, a in m.causes.items()),
            m.currency,
        ]
        + [show.money(a, m.currency) for a in (m.opening, m.amount, m.closing)]
        for m in moved
    ]
    show.table(
        f"Movements of {account}",
        ["month", "kind", "causes", "", "opening", "movement", "closing"],
        lines,
        question.caption(),
        left=4,
    )
    rows = []
    for one in changed:
        row = one.row or {}
        item = row.get("item_id") or row.get("line_id") or ""
        source = f"{files.get(one.load_no or 0, '')} row {one.source_row}" if one.load_no else ""
        said = _said(row)
        delta = (
            show.money(one.delta, one.currency) if one.delta else f"{show.money(one.held_delta, one.currency)} on hold"
        )
        rows.append([str(one.day), one.cause, str(item), said, source, delta])
    show.table("Changes and the rows that say so", ["day", "cause", "item", "row says", "from", "change"], rows, left=5)


def _said(row: dict[str, Any]) -> str:
    """The few columns of a landed row that make its MRR."""
    if not row:
        return ""
    if "unit_amount_minor" not in row:
        return f"{row['kind']} {show.money(row['amount_minor'], row['currency'])}, {row['period_start']} – {row['period_end']}"
    price = show.money(row["unit_amount_minor"], row["currency"])
    per = row["interval"] if row["interval_count"] == 1 else f"{row['interval_count']} {row['interval']}s"
    return f"{row['quantity']} × {price} {row['currency']} per {per}, {row['plan_id'] or 'no plan'}, {row['status']}, from {row['valid_from']}"


def reconcile_(
    context: typer.Context,
    first: FromOption = None,
    last: ToOption = None,
    policy: PolicyOption = None,
    limit: Annotated[int, typer.Option(min=1, max=1_000_000, help="How many differences, in the table.")] = 30,
    format: FormatOption = Format.table,
) -> None:
    """Compare the ledger with the invoices, per account and month, with a likely reason for each difference."""
    with asked(context, policy) as question:
        landing = question.home.landing
        found = reconcile.measure(
            question.ledger, months_of(question, first, last),
            landing.files("subscription_item"), landing.files("invoice_line"), landing.files("invoice"),
        )  # fmt: skip
    rows = [
        {
            "month": one.month, "account": one.account, "currency": one.currency, "ledger_minor": one.ledger,
            "invoiced_minor": one.invoiced, "difference_minor": one.difference, "reason": one.reason,
        }
        for one in found.differences
    ]  # fmt: skip
    if format is Format.csv:
        show.as_csv(rows)
        return
    if format is Format.json:
        totals = {code: {"ledger_minor": a, "invoiced_minor": b} for code, (a, b) in found.totals.items()}
        show.as_json(
            {
                "metric": "reconcile",
                "policy": question.policy.name,
                "compared": found.compared,
                "tied": found.tied,
                "totals": totals,
                "rows": rows,
            }
        )
        return
    lines = [
        [
            one.month,
            one.account,
            one.reason,
            one.currency,
            *(show.money(a, one.currency) for a in (one.ledger, one.invoiced, one.difference)),
        ]
        for one in found.differences[:limit]
    ]
    columns = ["month", "account", "likely reason", "", "ledger", "invoices", "difference"]
    share = f"{found.tied:,} of {found.compared:,} account-months tie out"
    show.table("Ledger and invoices", columns, lines, f"{share}; {len(found.differences):,} differ", left=4)
    by_reason: dict[str, int] = {}
    for one in found.differences:
        by_reason[one.reason] = by_reason.get(one.reason, 0) + 1
    for reason, count in sorted(by_reason.items(), key=lambda pair: -pair[1]):
        show.out.print(f"  {count:,} × {reason}", markup=False)
