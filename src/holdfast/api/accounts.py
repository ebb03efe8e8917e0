"""Accounts and contacts: listed, read, and upserted by the id that another system gave them."""

from __future__ import annotations

from dataclasses import fields
from datetime import UTC, date, datetime
from typing import Annotated, Any, Literal

from django.http import HttpRequest
from ninja import Path, Query
from pydantic import AfterValidator, BaseModel, Field, StringConstraints

from holdfast.api import moment, pages
from holdfast.api.door import get, operation
from holdfast.api.fields import DIGITS, LINE, Day, Given, Id, Line
from holdfast.api.pages import Paged
from holdfast.api.problems import Problem
from holdfast.desk.models import AuditEntry
from holdfast.flows import answers, owners, upsert
from holdfast.metrics import accounts as read
from holdfast.metrics import contacts as people
from holdfast.warehouse.records import Records

Status = Literal["customer", "trial", "churned", "prospect", "merged"]
Role = Literal["champion", "sponsor", "admin", "user", "billing"]
Text = Annotated[str, StringConstraints(min_length=1, max_length=400, pattern=LINE)]
Domain = Annotated[str, StringConstraints(pattern=r"^[a-z0-9]([a-z0-9.-]{0,250}[a-z0-9])?$")]
Email = Annotated[str, StringConstraints(max_length=254, pattern=r"^[^@\s\x00-\x20\x7f]+@[^@\s\x00-\x20\x7f]+$")]
NAME = r"^[A-Za-z][A-Za-z0-9_.-]{0,39}$"
Name = Annotated[str, StringConstraints(pattern=NAME)]

#: facts keep moments in UTC without saying so
Moment = Annotated[datetime, AfterValidator(lambda moment: moment if moment.tzinfo else moment.replace(tzinfo=UTC))]

#: rows of one call
MOST_ROWS = 500


class Account(BaseModel):
    """An account on the last day booked; minor units of `currency`, all at the same rates."""

    account_id: str
    name: str
    domain: str | None
    owner: str | None
    parent_id: str | None
    status: str
    counted_with: str | None
    customer_since: date | None
    created_on: date | None
    currency: str
    mrr_minor: int
    mrr_month_ago_minor: int
    mrr_quarter_ago_minor: int
    mrr_year_ago_minor: int
    leaving_minor: int
    past_due_minor: int
    held_minor: int
    trial_minor: int
    renewal_on: date | None
    renewal_minor: int | None
    last_movement_kind: str | None
    last_movement_month: date | None
    last_movement_minor: int | None
    open_tickets: int
    urgent_tickets: int
    last_touch_at: Moment | None
    active_users_28: int
    active_users_28_before: int
    events_28: int
    events_28_before: int
    seats: int
    seats_limit: int | None
    champions: int
    contacts: int
    overdue_invoices: int
    overdue_minor: int | None
    nps: int | None
    nps_on: date | None
    segments: dict[str, str | None]


class Accounts(BaseModel):
    as_of: date
    accounts: list[Account]
    next: str | None


class AccountsAsked(Paged):
    """Filters that all must hold; the list is in the order of ids."""

    text: Line | None = Field(None, description="Words that must all be in name, domain or id.")
    owner: Line | None = Field(None, description="Accounts that this owner carries today.")
    unowned: Literal["true"] | None = Field(None, description="Only accounts that nobody carries.")
    status: Status | None = None
    segment: Annotated[list[Line], Field(max_length=5)] = Field([], description="`industry=DevTools`; may be repeated.")
    renews_within: Annotated[int, Field(ge=0, le=3650), DIGITS] | None = Field(
        None, description="Renewal within so many days."
    )
    mrr_from: Annotated[int, Field(ge=-(10**14), le=10**14), DIGITS] | None = Field(
        None, description="MRR from so many minor units on."
    )
    mrr_to: Annotated[int, Field(ge=-(10**14), le=10**14), DIGITS] | None = Field(
        None, description="MRR up to so many minor units."
    )


class AccountGiven(Given):
    """What is known of an account. What is left out stays as it was; null takes a value away."""

    name: Text | None = None
    domain: Domain | None = None
    parent_id: Line | None = None
    owner: Annotated[str, StringConstraints(min_length=1, max_length=200, pattern=LINE)] | None = Field(
        None, description="The owner as the CRM knows it; a hand-over made here goes before it."
    )
    created_on: Day | None = None
    attributes: Annotated[dict[Name, Text | None], Field(max_length=50)] | None = Field(
        None,
        description="Segment attributes by name; null takes one away.",
        json_schema_extra={"propertyNames": {"pattern": NAME}},
    )


class AccountWithId(AccountGiven):
    account_id: Line


class AccountsGiven(Given):
    accounts: Annotated[list[AccountWithId], Field(min_length=1, max_length=MOST_ROWS)]


class ContactGiven(Given):
    """What is known of a person. What is left out stays as it was; a new contact names its account."""

    account_id: Line | None = None
    name: Text | None = None
    email: Email | None = None
    title: Text | None = None
    department: Text | None = None
    role: Role | None = None
    joined_on: Day | None = None
    left_on: Day | None = None
    left_noticed_on: Day | None = None


class Landed(BaseModel):
    """What became of an upsert. It shows in accounts and numbers after the next booking."""

    changed: int = Field(description="How many said something new.")
    load_no: int | None = Field(description="The load in which it landed; null where nothing was new.")
    shows: Literal["after the next booking", "nothing new"]


class Contact(BaseModel):
    contact_id: str
    account_id: str
    name: str | None
    email: str | None
    title: str | None
    department: str | None
    role: str
    joined_on: date | None
    left_on: date | None
    left_noticed_on: date | None


class Contacts(BaseModel):
    contacts: list[Contact]
    next: str | None


class ContactsAsked(Paged):
    account_id: Line | None = Field(None, description="Only people of this account.")


@get("/accounts", needs="accounts:read", answers=Accounts, tag="Accounts", cached=True)
def accounts(request: HttpRequest, asked: Query[AccountsAsked]) -> Accounts:
    """Accounts, filtered, in the order of ids."""
    records = answers.records()
    query = read.Query(
        text=asked.text or "", owners=_owners(asked), statuses=(asked.status,) if asked.status else (),
        segments=tuple(_segment(one) for one in asked.segment), renews_within=asked.renews_within,
        mrr_from=asked.mrr_from, mrr_to=asked.mrr_to,
    )  # fmt: skip
    try:
        where = read.condition(records, query)
    except read.UnknownColumnError as error:
        raise Problem(422, str(error), [("query.segment", "not an attribute")]) from None
    where.add("account_id > ?", pages.after("accounts", asked, ""))
    found = read.some(records, where, "account_id", asked.limit + 1, owners.standing())
    rows = [_account(row, records) for row in found[: asked.limit]]
    more = len(found) > asked.limit
    return Accounts(
        as_of=records.as_of, accounts=rows, next=pages.cursor("accounts", rows[-1].account_id) if more else None
    )


def _owners(asked: AccountsAsked) -> tuple[str, ...]:
    if asked.unowned and asked.owner:
        raise Problem(422, "say `owner` or `unowned`, not both", [("query.unowned", "stands beside owner")])
    return (read.NOBODY,) if asked.unowned else (asked.owner,) if asked.owner else ()


def _segment(given: str) -> tuple[str, tuple[str | None, ...]]:
    name, equals, value = given.partition("=")
    if not equals:
        raise Problem(
            422, f"'{given}' is not a segment; write it as industry=DevTools", [("query.segment", "has no =")]
        )
    return name.strip(), (value.strip() or None,)


def _account(row: read.AccountRow, records: Records) -> Account:
    told = {one.name: getattr(row, one.name) for one in fields(row)}
    return Account(**told | {"segments": dict(row.segments), "currency": records.currency})


@get("/accounts/{external:account_id}", needs="accounts:read", answers=Account, tag="Accounts", cached=True)
def account(request: HttpRequest, account_id: Annotated[Id, Path()]) -> Account:
    """One account as it stands on the last day booked."""
    records = answers.records()
    row = read.row(records, account_id, owners.standing())
    if row is None:
        raise Problem(404, f"there is no account '{account_id}' in what is booked")
    return _account(row, records)


def _landed(done: upsert.Upserted) -> Landed:
    return Landed(
        changed=len(done.changed),
        load_no=done.load_no,
        shows="after the next booking" if done.changed else "nothing new",
    )


def _upsert(request: HttpRequest, table: str, changes: dict[str, dict[str, Any]]) -> Landed:
    """Land changes and write down who told them."""
    land = upsert.upsert_accounts if table == "account" else upsert.upsert_contacts
    now = moment.now()
    try:
        done = land(answers.home(), changes, now)
    except upsert.UpsertError as error:
        raise Problem(422, str(error), [(f"body.{error.field}", str(error))]) from None
    if done.changed:
        target = next(iter(changes)) if len(changes) == 1 else f"{len(changes)} rows"
        AuditEntry.add(f"upserted {table}", target, now, key=request.auth, load_no=done.load_no)  # type: ignore[attr-defined]
    return _landed(done)


@operation("PUT", "/accounts/{external:account_id}", needs="accounts:write", answers=Landed, tag="Accounts")
def put_account(request: HttpRequest, account_id: Annotated[Id, Path()], given: AccountGiven) -> Landed:
    """Tell of an account; one that is not known yet is made. It shows after the next booking."""
    return _upsert(request, "account", {account_id: given.model_dump(exclude_unset=True)})


@operation("PUT", "/accounts", needs="accounts:write", answers=Landed, tag="Accounts")
def put_accounts(request: HttpRequest, given: AccountsGiven) -> Landed:
    """Tell of up to 500 accounts at once: all of them land, or none. They show after the next booking."""
    changes = {one.account_id: one.model_dump(exclude_unset=True, exclude={"account_id"}) for one in given.accounts}
    if len(changes) < len(given.accounts):
        raise Problem(422, "an account is told of twice", [("body.accounts", "has an account_id twice")])
    return _upsert(request, "account", changes)


@get("/contacts", needs="accounts:read", answers=Contacts, tag="Accounts", cached=True)
def contacts(request: HttpRequest, asked: Query[ContactsAsked]) -> Contacts:
    """People at accounts, in the order of ids."""
    found = people.listed(answers.records(), asked.account_id, pages.after("contacts", asked, ""), asked.limit + 1)
    rows = [Contact(**vars(one)) for one in found[: asked.limit]]
    return Contacts(
        contacts=rows, next=pages.cursor("contacts", rows[-1].contact_id) if len(found) > asked.limit else None
    )


@operation("PUT", "/contacts/{external:contact_id}", needs="accounts:write", answers=Landed, tag="Accounts")
def put_contact(request: HttpRequest, contact_id: Annotated[Id, Path()], given: ContactGiven) -> Landed:
    """Tell of a person; one that is not known yet is made. It shows after the next booking."""
    return _upsert(request, "contact", {contact_id: given.model_dump(exclude_unset=True)})
