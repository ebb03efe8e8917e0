"""Numbers as documents: the keys under which the command line and the API tell them. docs/commands.md describes each one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from fractions import Fraction
from typing import Any

from holdfast.domain.period import Window, month_name, quarter_name
from holdfast.flows.close import Close, Restatement
from holdfast.metrics import benchmarked, bridge, cohorts, concentration, evidence, mrr, renewal, retention
from holdfast.metrics.retention import Segment
from holdfast.warehouse.ledger import Ledger
from holdfast.warehouse.window import View

Document = dict[str, Any]

#: months of a period
SIZES = {"month": 1, "quarter": 3, "year": 12}


def number(value: Fraction | None) -> float | None:
    """A ratio for JSON."""
    return None if value is None else float(value)


def segment_of(segment: Segment) -> dict[str, str | None] | None:
    """A segment: an object, or null for the whole book."""
    return dict(segment) or None


def retention_row(row: retention.Row) -> Document:
    c = row.counts
    return {
        "segment": segment_of(row.segment), "accounts": c.accounts, "opening_minor": c.opening, "expansion_minor": c.expansion,
        "contraction_minor": c.contraction, "churn_minor": c.churn, "reactivation_minor": c.reactivation, "fx_minor": c.fx,
        "closing_minor": c.closing, "nrr": number(row.nrr), "grr": number(row.grr), "nrr_grr_gap": number(row.gap),
        "logo_retention": number(row.logo_retention), "logo_churn": number(row.logo_churn),
    }  # fmt: skip


def retention_of(ledger: Ledger, window: Window, view: View, by: tuple[str, ...]) -> list[Document]:
    """A window's retention by segment."""
    return [retention_row(row) for row in retention.measure(ledger, window, view, by)]


def benchmark(ledger: Ledger, window: Window, view: View) -> Document | None:
    """Where a window over the whole book stands beside others."""
    row = next(iter(retention.measure(ledger, window, view)), None)
    return benchmark_of(ledger, window, view, row) if row else None


def benchmark_of(ledger: Ledger, window: Window, view: View, row: retention.Row) -> Document | None:
    """The same of a row that is measured already."""
    found = benchmarked.judge(ledger, window, view, row)
    if found is None:
        return None
    return {
        "stage": found.stage, "word": found.word, "band": found.band, "comparisons": [vars(one) for one in found.comparisons],
    }  # fmt: skip


def period_name(months: range, every: str) -> str:
    """2026-10, 2026-Q4 or 2026"""
    if every == "quarter":
        return quarter_name(months[0])
    return month_name(months[0])[:4] if every == "year" else month_name(months[0])


def bridge_of(ledger: Ledger, months: range, view: View, by: tuple[str, ...], every: str) -> list[Document]:
    """The movement bridge of consecutive periods."""
    return [bridge_row(row, every, bool(by)) for row in bridge.measure(ledger, months, view, by, SIZES[every])]


def bridge_row(row: bridge.Row, every: str, by: bool) -> Document:
    told: Document = {"month": period_name(row.months, every)}
    if by:
        told["segment"] = segment_of(row.segment)
    told |= {"opening_minor": row.opening}
    told |= {f"{kind}_minor": row.moved[kind] for kind in ("new", "expansion", "contraction", "churn", "reactivation")}
    told |= {"fx_minor": row.fx, "transfer_minor": row.moved["transfer"]}
    if by:
        told |= {"entering_minor": row.entering, "leaving_minor": row.leaving}
    return told | {
        "closing_minor": row.closing, "net_new_minor": row.net_new, "net_new_arr_minor": 12 * row.net_new,
        "quick_ratio": number(row.quick_ratio), "quick_ratio_with_reactivation": number(row.quick_ratio_with_reactivation),
        "accounts": row.entities,
    }  # fmt: skip


def cohorts_of(ledger: Ledger, view: View, every: str) -> list[Document]:
    """The cohort triangle."""
    size: Any = every
    return [cohort_cell(cell) for cell in cohorts.measure(ledger, view, size)]


def cohort_cell(cell: cohorts.Cell) -> Document:
    return {
        "cohort": cell.cohort, "age_months": cell.age, "accounts": cell.accounts, "mrr_minor": cell.mrr,
        "revenue_retention": number(cell.revenue_retention), "logo_retention": number(cell.logo_retention),
    }  # fmt: skip


def mrr_of(ledger: Ledger, on: Any, view: View, by: tuple[str, ...]) -> list[Document]:
    """What stands at the end of a day."""
    return [mrr_row(row) for row in mrr.measure(ledger, on, view, by)]


def mrr_row(row: mrr.Row) -> Document:
    return {
        "segment": segment_of(row.segment), "accounts": row.accounts, "mrr_minor": row.mrr, "arr_minor": row.arr,
        "committed_minor": row.committed, "trial_minor": row.trial, "past_due_minor": row.past_due, "held_minor": row.held,
    }  # fmt: skip


def renewals_of(ledger: Ledger, window: Window, view: View, by: tuple[str, ...]) -> list[Document]:
    """What fell due in a window, and what of it went on."""
    return [renewal_row(row) for row in renewal.measure(ledger, window, view, by)]


def renewal_row(row: renewal.Row) -> Document:
    return {
        "segment": segment_of(row.segment), "due_count": row.due_count, "renewed_count": row.renewed_count, "due_minor": row.due,
        "renewed_minor": row.renewed, "renewal_rate": number(row.renewal_rate), "logo_renewal_rate": number(row.logo_renewal_rate),
    }  # fmt: skip


def concentration_of(ledger: Ledger, on: Any, view: View) -> Document:
    """How much hangs on the largest accounts."""
    return concentration_told(concentration.measure(ledger, on, view))


def concentration_told(found: concentration.Concentration) -> Document:
    rows = [
        {"rank": one.rank, "account": one.entity, "name": one.name, "mrr_minor": one.mrr, "share": number(one.share)}
        for one in found.largest
    ]
    tops = {str(n): number(share) for n, share in found.tops.items()}
    return {"accounts": found.accounts, "mrr_minor": found.mrr, "top_share": tops, "rows": rows}


def explain_of(ledger: Ledger, window: Window, view: View, segment: Segment, everyone: bool, limit: int) -> Document:
    """The accounts that made a window's figure, largest movement first, and its changes by cause."""
    lines = evidence.accounts(ledger, window, view, segment, cohort_only=not everyone)
    causes = {} if segment else evidence.causes(ledger, window, view)
    rows = [explain_row(one) for one in lines[:limit]]
    return {"segment": segment_of(segment), "total": explain_total(lines), "causes_minor": causes, "rows": rows}


def explain_row(one: evidence.AccountLine) -> Document:
    return {
        "account": one.entity, "name": one.name, "kind": one.kind, "opening_minor": one.opening, "moved_minor": one.moved,
        "closing_at_start_rates_minor": one.closing_fixed, "fx_minor": one.closing - one.closing_fixed, "closing_minor": one.closing,
    }  # fmt: skip


def explain_total(lines: Sequence[evidence.AccountLine]) -> Document:
    return {
        "accounts": len(lines), "opening_minor": sum(line.opening for line in lines), "closing_minor": sum(line.closing for line in lines),
    }  # fmt: skip


AMOUNTS = ("amount", "opening", "closing", "causes", "delta", "held_delta")


def in_minor(row: Document) -> Document:
    """The names of amounts say their unit."""
    return {f"{name}_minor" if name in AMOUNTS else name: value for name, value in row.items()}


def movements_of(lines: Sequence[evidence.MovementLine]) -> list[Document]:
    return [in_minor(asdict(line)) for line in lines]


def changes_of(lines: Sequence[evidence.ChangeLine], files: dict[int, str]) -> list[Document]:
    """Dated changes with the landed row behind each, and the file that it came in."""
    return [in_minor(asdict(line)) | {"file": files.get(line.load_no or 0)} for line in lines]


def close_of(signed: Close) -> Document:
    return asdict(signed)


def restatement_of(one: Restatement) -> Document:
    return {
        "account": one.entity, "currency": one.currency, "kind": one.kind, "signed_minor": one.signed, "now_minor": one.now,
        "difference_minor": one.difference,
    }  # fmt: skip
