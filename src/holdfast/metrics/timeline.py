"""One account's life as one list, newest first: what it paid, bought, asked and said, and what we did.

A page is cut at a cursor, so that what is added later neither repeats nor hides an entry.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from itertools import pairwise

from holdfast.metrics import account_facts as facts
from holdfast.metrics.account import Source, of_entities, own_changes
from holdfast.metrics.steps import Step, steps
from holdfast.warehouse.ledger import Ledger
from holdfast.warehouse.records import Records

TITLE = "Timeline"


class CursorError(ValueError):
    """A cursor that cannot be read."""


@dataclass(frozen=True, order=True)
class Cursor:
    """A place in the timeline: everything before it in the order (at, kind, id)."""

    at: datetime
    kind: str
    id: str

    def text(self) -> str:
        """For a URL."""
        return f"{self.at.isoformat()}~{self.kind}~{self.id}"

    @classmethod
    def parse(cls, text: str) -> Cursor:
        """CursorError: the text is none."""
        try:
            at, kind, id = text.split("~", 2)
            return cls(datetime.fromisoformat(at).replace(tzinfo=None), kind, id)
        except ValueError:
            raise CursorError(f"'{text[:80]}' is no place in a timeline") from None


@dataclass(frozen=True)
class Entry:
    """Something that happened: on a company day, or at a moment (UTC). The title has no amount in it."""

    at: date | datetime
    kind: str
    id: str
    title: str
    detail: str = ""
    amount_minor: int | None = None
    currency: str | None = None
    source: Source | None = None

    @property
    def place(self) -> Cursor:
        moment = self.at if isinstance(self.at, datetime) else datetime.combine(self.at, time())
        return Cursor(moment, self.kind, self.id)


@dataclass(frozen=True)
class Timeline:
    """Some entries, newest first, and where the next ones begin (None: these were the last)."""

    entries: list[Entry]
    next: Cursor | None


Teller = Callable[[Records, Ledger, str], Iterable[Entry]]


def entries(
    records: Records,
    ledger: Ledger,
    account_id: str,
    kinds: Sequence[str] | None = None,
    before: Cursor | None = None,
    limit: int = 50,
    extra: Iterable[Entry] = (),
) -> Timeline:
    """The newest entries before a place. `extra`: entries of other origin, notes for instance, that are put among them."""
    wanted = [teller for kind, teller in TELLERS.items() if kinds is None or kind in kinds]
    told = [entry for teller in wanted for entry in teller(records, ledger, account_id)]
    told += [entry for entry in extra if kinds is None or entry.kind in kinds]
    left = [entry for entry in told if before is None or entry.place < before]
    left.sort(key=lambda entry: entry.place, reverse=True)
    shown = left[:limit]
    return Timeline(shown, shown[-1].place if len(left) > len(shown) and shown else None)


#: how a step of MRR is called
STEPS = {
    "new": "New customer", "reactivation": "Customer again", "expansion": "Expansion", "contraction": "Contraction",
    "pause": "Paused", "churn": "Churn",
}  # fmt: skip


def _movements(records: Records, ledger: Ledger, account_id: str) -> Iterator[Entry]:
    for step in steps(records, ledger, account_id):
        yield _movement(step)


def _movement(step: Step) -> Entry:
    title = f"{STEPS[step.kind]}: {step.detail}" if step.detail else STEPS[step.kind]
    causes = ", ".join(cause.replace("_", " ") for cause in step.causes)
    return Entry(
        step.on, "movement", f"{step.on}-{step.currency}", title, causes, step.delta_minor, step.currency, step.source
    )


def _payments(records: Records, _: Ledger, account_id: str) -> Iterator[Entry]:
    """The first payment, late ones, and those that took several attempts."""
    paid = [
        i
        for i in facts.invoices(records, account_id, with_lines=False)
        if i.paid_on is not None and i.paid_on <= records.as_of
    ]
    paid.sort(key=lambda invoice: (invoice.paid_on or date.min, invoice.invoice_id))
    for place, invoice in enumerate(paid):
        on = invoice.paid_on or invoice.issued_on
        late = (on - (invoice.due_on or on)).days
        title = "First payment" if place == 0 else ""
        detail = []
        if late > 0:
            title = title or "Invoice paid late"
            detail.append(f"{late} {'day' if late == 1 else 'days'} after it was due")
        if invoice.attempts > 1:
            title = title or "Payment went through after failing"
            detail.append(f"{invoice.attempts} attempts")
        if title:
            yield Entry(
                on,
                "payment",
                invoice.invoice_id,
                title,
                "; ".join(detail),
                invoice.total_minor,
                invoice.currency,
                invoice.source,
            )


def _invoices(records: Records, _: Ledger, account_id: str) -> Iterator[Entry]:
    """Invoices that are overdue, and those given up."""
    for invoice in facts.invoices(records, account_id, with_lines=False):
        due = invoice.due_on or invoice.issued_on
        if invoice.overdue_days is not None:
            title, detail = (
                "Invoice overdue",
                f"for {invoice.overdue_days} {'day' if invoice.overdue_days == 1 else 'days'}",
            )
            at = due + timedelta(days=1)
        elif invoice.status == "uncollectible":
            title, detail, at = "Invoice given up", "uncollectible", min(due, records.as_of)
        else:
            continue
        if invoice.attempts > 1:
            detail += f"; {invoice.attempts} failed attempts"
        yield Entry(
            at, "invoice", invoice.invoice_id, title, detail, invoice.total_minor, invoice.currency, invoice.source
        )


def _renewals(_: Records, ledger: Ledger, account_id: str) -> Iterator[Entry]:
    """Contract terms that ended, and whether anything went on: as in the renewal rate, read some days later."""
    grace = max(ledger.policy.gap_days_contract, ledger.policy.gap_days_file, ledger.policy.gap_days_billing)
    changes = own_changes(ledger, account_id)
    for day, currency, due in ledger.rows(
        "select day, currency, sum(amount_minor)::bigint from term "
        f"where {of_entities(ledger, account_id)} and day <= date '{ledger.as_of}' group by all"
    ):
        of_currency = [change for change in changes if change.currency == currency]
        before = sum(change.delta_minor for change in of_currency if change.day < day)
        after = sum(change.delta_minor for change in of_currency if change.day <= day + timedelta(days=grace))
        renewed = max(0, min(due, after - (before - due)))
        title = "Renewed" if renewed == due else "Renewed in part" if renewed else "Not renewed"
        yield Entry(
            day, "renewal", f"{day}-{currency}", title, "the contract term ended", due, currency, Source("term", "")
        )


def _contacts(records: Records, _: Ledger, account_id: str) -> Iterator[Entry]:
    for person in facts.contacts(records, account_id):
        who, part = person.name or person.contact_id, person.title or person.role
        if person.joined_on:
            yield Entry(
                person.joined_on, "contact", f"{person.contact_id}-joined", f"{who} joined", part, source=person.source
            )
        if person.left_on and not person.is_present:
            noticed = f"; noticed on {person.left_noticed_on}" if person.left_noticed_on else ""
            title = f"{who} left" if person.role != "champion" else f"Champion {who} left"
            yield Entry(
                person.left_on, "contact", f"{person.contact_id}-left", title, part + noticed, source=person.source
            )


def _tickets(records: Records, _: Ledger, account_id: str) -> Iterator[Entry]:
    for ticket in facts.tickets(records, account_id):
        urgent = "" if ticket.priority not in ("urgent", "high") else f" ({ticket.priority})"
        subject = ticket.subject or ticket.ticket_id
        yield Entry(
            ticket.opened_at, "ticket", f"{ticket.ticket_id}-opened", f"Ticket opened{urgent}: {subject}",
            f"by {ticket.contact}" if ticket.contact else "", source=ticket.source,
        )  # fmt: skip
        if ticket.closed_at and not ticket.is_open:
            rated = f"rated {ticket.satisfaction} of 5" if ticket.satisfaction is not None else ""
            yield Entry(
                ticket.closed_at,
                "ticket",
                f"{ticket.ticket_id}-closed",
                f"Ticket closed: {subject}",
                rated,
                source=ticket.source,
            )


def _surveys(records: Records, _: Ledger, account_id: str) -> Iterator[Entry]:
    for survey in facts.surveys(records, account_id):
        if survey.answered_on and survey.answered_on <= records.as_of:
            by = f" by {survey.contact}" if survey.contact else ""
            score = "" if survey.score is None else f": {survey.score}"
            yield Entry(
                survey.answered_on, "survey", survey.response_id, f"{survey.kind.upper()} answered{by}{score}",
                survey.comment or "", source=survey.source,
            )  # fmt: skip


def _opportunities(records: Records, _: Ledger, account_id: str) -> Iterator[Entry]:
    for deal in facts.opportunities(records, account_id):
        for place, (on, stage) in enumerate(deal.stages):
            yield Entry(
                on, "opportunity", f"{deal.opportunity_id}-{place}", f"Opportunity ({deal.kind}): {stage}", "",
                deal.amount_minor, deal.currency, deal.source,
            )  # fmt: skip


def _touches(records: Records, _: Ledger, account_id: str) -> Iterator[Entry]:
    for touch in facts.touches(records, account_id):
        words = CHANNELS.get(touch.channel, touch.channel)
        parts = [
            touch.owner or "",
            f"with {touch.contact}" if touch.contact else "",
            "replied" if touch.replied else "",
        ]
        yield Entry(
            touch.happened_at, "touch", touch.touch_id, f"{words}: {touch.subject}" if touch.subject else words,
            ", ".join(part for part in parts if part), source=touch.source,
        )  # fmt: skip


CHANNELS = {
    "email": "E-mail", "call": "Call", "meeting": "Meeting", "in_app": "Message in the product",
    "qbr": "Business review", "webinar": "Webinar",
}  # fmt: skip


def _owners(records: Records, _: Ledger, account_id: str) -> Iterator[Entry]:
    """Hand-overs that the facts tell; those of the desk come as `extra`."""
    states = [
        (line["valid_from"] or date.min, line["owner"] or None, line["load_no"], line["source_row"])
        for line in records.of_account("account_history", account_id)
        if (line["valid_from"] or date.min) <= records.as_of
    ]
    states.sort(key=lambda state: state[0])
    for earlier, (on, owner, load, number) in pairwise(states):
        before = earlier[1]
        if owner != before:
            title = f"Handed over to {owner}" if owner else "Nobody's account any more"
            yield Entry(
                on,
                "owner",
                str(on),
                title,
                f"from {before}" if before else "",
                source=Source("account", account_id, load, number),
            )


TELLERS: dict[str, Teller] = {
    "movement": _movements,
    "payment": _payments,
    "invoice": _invoices,
    "renewal": _renewals,
    "contact": _contacts,
    "ticket": _tickets,
    "survey": _surveys,
    "opportunity": _opportunities,
    "touch": _touches,
    "owner": _owners,
}
KINDS = tuple(TELLERS)
