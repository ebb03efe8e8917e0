"""What is known of one account besides its MRR: people, invoices, tickets, surveys, opportunities and touches."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, TypeVar

from holdfast.metrics.account import Source
from holdfast.warehouse.records import Records

TITLE = "What is known of an account"

T = TypeVar("T")


@dataclass(frozen=True)
class Contact:
    """A person at the account; one who left after the as-of day is still there."""

    contact_id: str
    name: str | None
    email: str | None
    title: str | None
    department: str | None
    role: str
    joined_on: date | None
    left_on: date | None
    left_noticed_on: date | None
    is_present: bool
    source: Source


@dataclass(frozen=True)
class Line:
    """A line of an invoice, without tax."""

    line_id: str
    kind: str
    subscription_id: str | None
    item_id: str | None
    amount_minor: int
    currency: str
    period_start: date | None
    period_end: date | None
    source: Source


@dataclass(frozen=True)
class Invoice:
    """An invoice with its lines; overdue_days counts from the due day to the as-of day while it is open."""

    invoice_id: str
    issued_on: date
    due_on: date | None
    paid_on: date | None
    status: str
    total_minor: int | None
    tax_minor: int
    currency: str
    attempts: int
    overdue_days: int | None
    lines: list[Line]
    source: Source


@dataclass(frozen=True)
class Ticket:
    """A support request; times are UTC. One closed after the as-of day is still open."""

    ticket_id: str
    contact_id: str | None
    contact: str | None
    opened_at: datetime
    first_response_at: datetime | None
    closed_at: datetime | None
    priority: str
    subject: str | None
    body: str | None
    reopened: int
    satisfaction: int | None
    is_open: bool
    source: Source


@dataclass(frozen=True)
class Survey:
    """A survey sent to a person, answered or not."""

    response_id: str
    contact_id: str | None
    contact: str | None
    kind: str
    sent_on: date
    answered_on: date | None
    score: int | None
    comment: str | None
    source: Source


@dataclass(frozen=True)
class Opportunity:
    """A deal as it stands; the amount is for a year."""

    opportunity_id: str
    kind: str
    stage: str
    amount_minor: int | None
    currency: str | None
    opened_on: date | None
    close_on: date | None
    changed_on: date
    #: earlier stages and since when, oldest first
    stages: list[tuple[date, str]]
    source: Source


@dataclass(frozen=True)
class Touch:
    """Something we did with the account."""

    touch_id: str
    contact_id: str | None
    contact: str | None
    owner: str | None
    happened_at: datetime
    channel: str
    programme: str | None
    arm: str | None
    replied: bool | None
    subject: str | None
    source: Source


def contacts(records: Records, account_id: str) -> list[Contact]:
    """By department (missing last), those present first, then by name."""
    told = [
        _made(Contact, line, "contact_id", is_present=line["left_on"] is None or line["left_on"] > records.as_of)
        for line in records.of_account("contact", account_id)
        if line["joined_on"] is None or line["joined_on"] <= records.as_of
    ]
    return sorted(
        told,
        key=lambda c: (c.department is None, c.department or "", not c.is_present, c.name or "", c.contact_id),
    )


def invoices(records: Records, account_id: str, limit: int | None = None, *, with_lines: bool = True) -> list[Invoice]:
    """Newest first, each with its lines where they are wanted."""
    found = [line for line in records.of_account("invoice", account_id) if line["issued_on"] <= records.as_of]
    found = _newest(found, "issued_on", "invoice_id", limit)
    lines: dict[str, list[Line]] = {}
    told = records.of_account("invoice_line", account_id) if with_lines else []
    for line in sorted(told, key=lambda line: str(line["line_id"])):
        lines.setdefault(line["invoice_id"], []).append(_made(Line, line, "line_id"))
    return [
        _made(
            Invoice, line, "invoice_id",
            lines=lines.get(line["invoice_id"], []), overdue_days=_overdue(line, records.as_of),
        )
        for line in found
    ]  # fmt: skip


def _overdue(line: dict[str, Any], as_of: date) -> int | None:
    due = line["due_on"] or line["issued_on"]
    paid = line["paid_on"] is not None and line["paid_on"] <= as_of
    return (as_of - due).days if line["status"] == "open" and not paid and due < as_of else None


def tickets(records: Records, account_id: str, limit: int | None = None) -> list[Ticket]:
    """Newest first."""
    found = [line for line in records.of_account("ticket", account_id) if line["opened_at"] < records.until]
    people = _people(records, account_id)
    return [
        _made(
            Ticket, line, "ticket_id", contact=people.get(line["contact_id"]),
            is_open=line["closed_at"] is None or line["closed_at"] >= records.until,
        )
        for line in _newest(found, "opened_at", "ticket_id", limit)
    ]  # fmt: skip


def surveys(records: Records, account_id: str, limit: int | None = None) -> list[Survey]:
    """Newest first, by the day they were sent."""
    found = [line for line in records.of_account("survey", account_id) if line["sent_on"] <= records.as_of]
    people = _people(records, account_id)
    return [
        _made(Survey, line, "response_id", contact=people.get(line["contact_id"]))
        for line in _newest(found, "sent_on", "response_id", limit)
    ]


def opportunities(records: Records, account_id: str) -> list[Opportunity]:
    """Each deal as it stands on the as-of day, the last changed first."""
    found = [line for line in records.of_account("opportunity", account_id) if line["changed_on"] <= records.as_of]
    stages: dict[str, list[tuple[date, str]]] = {}
    newest: dict[str, dict[str, Any]] = {}
    for line in sorted(found, key=lambda line: line["changed_on"]):
        stages.setdefault(line["opportunity_id"], []).append((line["changed_on"], line["stage"]))
        newest[line["opportunity_id"]] = line
    told = [_made(Opportunity, line, "opportunity_id", stages=stages[key]) for key, line in newest.items()]
    return sorted(told, key=lambda deal: (deal.changed_on, deal.opportunity_id), reverse=True)


def touches(records: Records, account_id: str, limit: int | None = None) -> list[Touch]:
    """Newest first."""
    found = [line for line in records.of_account("touch", account_id) if line["happened_at"] < records.until]
    people = _people(records, account_id)
    return [
        _made(Touch, line, "touch_id", contact=people.get(line["contact_id"]))
        for line in _newest(found, "happened_at", "touch_id", limit)
    ]


def _newest(lines: list[dict[str, Any]], at: str, key: str, limit: int | None) -> list[dict[str, Any]]:
    return sorted(lines, key=lambda line: (line[at], line[key]), reverse=True)[:limit]


def _people(records: Records, account_id: str) -> dict[str | None, str | None]:
    return {line["contact_id"]: line["name"] for line in records.of_account("contact", account_id)}


def _made(kind: Callable[..., T], line: dict[str, Any], key: str, **besides: Any) -> T:
    """A dataclass of the row's columns of the same names, with its source."""
    table = _TABLE[kind]
    own = {name: line[name] for name in _COLUMNS[kind] if name in line}
    return kind(**own | besides, source=Source(table, line[key], line["load_no"], line["source_row"]))


_TABLE: dict[Callable[..., Any], str] = {
    Contact: "contact",
    Line: "invoice_line",
    Invoice: "invoice",
    Ticket: "ticket",
    Survey: "survey",
    Opportunity: "opportunity",
    Touch: "touch",
}
_COLUMNS: dict[Callable[..., Any], tuple[str, ...]] = {
    kind: tuple(kind.__dataclass_fields__) for kind in (Contact, Line, Invoice, Ticket, Survey, Opportunity, Touch)
}
