"""The table of accounts: filtered, sorted, paged, searched and exported, from one summary row per account.

Every value is a bound parameter and every column is looked up in a list. `owner_in` leaves the accounts of some owners only,
wherever it is given: in rows, totals, choices, names, search and export.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, fields
from datetime import date, datetime, timedelta
from typing import Any

import pyarrow as pa

from holdfast.domain.period import month_no, month_start
from holdfast.metrics import standing
from holdfast.metrics.standing import Standing
from holdfast.warehouse.records import Records
from holdfast.warehouse.sql import quoted

TITLE = "Accounts"

#: stands for "no owner" where owners are chosen
NOBODY = ""

#: from this row on it is quicker to find the rows of a page by few columns first
DEEP = 2000


class UnknownColumnError(LookupError):
    """A column that cannot be sorted, filtered or chosen by; the message lists those that can."""


class Owners:
    """Today's hand-overs: which account is whose, where that is not what the facts say. Build once, and use again."""

    def __init__(self, owner_of: Mapping[str, str | None]) -> None:
        self.owner_of = dict(owner_of)
        self.table = pa.table(
            {
                "account_id": pa.array(list(self.owner_of), pa.string()),
                "owner": pa.array([owner or None for owner in self.owner_of.values()], pa.string()),
            }
        )


NO_OVERRIDES = Owners({})


@dataclass(frozen=True)
class Query:
    """Which accounts, and in which order. Empty filters leave all."""

    #: words that must all be in name, domain or id; case and accents do not matter
    text: str = ""
    owners: tuple[str, ...] = ()
    statuses: tuple[str, ...] = ()
    #: attribute and the values allowed; None is a missing value
    segments: tuple[tuple[str, tuple[str | None, ...]], ...] = ()
    #: renewal date within so many days after the as-of day
    renews_within: int | None = None
    mrr_from: int | None = None
    mrr_to: int | None = None
    #: kinds of movement in the month of the as-of day
    changed: tuple[str, ...] = ()
    #: bands of health
    bands: tuple[str, ...] = ()
    #: the least chance of leaving within 90 days
    risk_from: float | None = None
    #: signals now, by name; `any`
    signals: tuple[str, ...] = ()
    sort: str = "mrr_minor"
    descending: bool = True
    #: only accounts of these owners exist for the reader; None: all
    owner_in: frozenset[str] | None = None


@dataclass(frozen=True)
class AccountRow:
    """An account on the as-of day; minor units of the records' currency, all at the same rates."""

    account_id: str
    name: str
    domain: str | None
    owner: str | None
    parent_id: str | None
    #: customer, trial, churned, prospect or merged
    status: str
    #: the account whose MRR holds this one's: merges, and children under the grain `parent`
    counted_with: str | None
    #: first day of the first month with MRR
    customer_since: date | None
    created_on: date | None
    mrr_minor: int
    mrr_month_ago_minor: int
    mrr_quarter_ago_minor: int
    mrr_year_ago_minor: int
    #: MRR whose cancellation was asked for
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
    last_touch_at: datetime | None
    #: active people on the busiest of the last 28 days, and of the 28 before
    active_users_28: int
    active_users_28_before: int
    events_28: int
    events_28_before: int
    seats: int
    seats_limit: int | None
    champions: int
    contacts: int
    overdue_invoices: int
    #: None: an invoice stands in a currency without rate
    overdue_minor: int | None
    nps: int | None
    nps_on: date | None
    segments: Mapping[str, str | None]
    #: None: it is not watched
    standing: Standing | None = None


#: the columns that every summary has
FIXED = tuple(field.name for field in fields(AccountRow) if field.name not in ("segments", "standing"))
#: columns with few values, to choose from
CHOOSABLE = ("owner", "status", "last_movement_kind", "band")


@dataclass(frozen=True)
class Page:
    """Some rows, and what all that fit sum up to."""

    rows: list[AccountRow]
    total: int
    total_mrr_minor: int
    currency: str


@dataclass(frozen=True)
class Choice:
    """A value of a column, and how many accounts have it."""

    value: str | None
    accounts: int


@dataclass(frozen=True)
class Found:
    """An account that a quick search found."""

    account_id: str
    name: str
    domain: str | None
    status: str
    mrr_minor: int


class Where:
    """Conditions that all must hold, with their parameters."""

    def __init__(self) -> None:
        self.clauses = ["true"]
        self.parameters: list[Any] = []

    def add(self, clause: str, *parameters: Any) -> None:
        self.clauses.append(f"({clause})")
        self.parameters += parameters

    def __str__(self) -> str:
        return " and ".join(self.clauses)


def columns(records: Records) -> tuple[str, ...]:
    """The columns of an export, in order; all of them can be sorted by. Attributes are `seg_<name>`."""
    return (*FIXED, *standing.COLUMNS, *(f"seg_{name}" for name in records.segments))


def page(records: Records, query: Query, owners: Owners = NO_OVERRIDES, limit: int = 50, offset: int = 0) -> Page:
    """One page of the accounts that fit. UnknownColumnError: a sort column or attribute that is not there."""
    where = condition(records, query)
    source = _source(records, owners, query)
    total, mrr = records.rows(
        f"select count(*), coalesce(sum(mrr_minor), 0)::bigint from {source} where {where}", where.parameters
    )[0]
    rest, parameters = (
        f"from {source} where {where} {_order(records, query)} limit ? offset ?",
        [*where.parameters, limit, offset],
    )
    if offset > DEEP:
        ids = [found[0] for found in records.rows(f"select account_id {rest}", parameters)]
        rest, parameters = (
            f"from {source} where account_id in (select unnest(?::varchar[])) {_order(records, query)}",
            [ids],
        )
    rows = _rows(records, rest, parameters)
    return Page(rows, total, mrr, records.currency)


def row(
    records: Records, account_id: str, owners: Owners = NO_OVERRIDES, owner_in: frozenset[str] | None = None
) -> AccountRow | None:
    """One account; None where there is none, or none for this reader."""
    lines = records.of_account("summary", account_id)
    if not lines:
        return None
    line = lines[0] | {"owner": owners.owner_of.get(account_id, lines[0]["owner"]) or None}
    if owner_in is not None and line["owner"] not in owner_in:
        return None
    return _row(records, line, standing.of_account(records, account_id))


def some(
    records: Records, where: Where, order: str, limit: int, owners: Owners = NO_OVERRIDES, *, watched: bool = False
) -> list[AccountRow]:
    """Accounts under a condition of the caller's; `order` is SQL, and never a reader's text. `watched`: both may name its columns."""
    source = reachable(records, owners)
    source = standing.beside(source, records) if watched else source
    return _rows(
        records, f"from {source} where {where} order by {order}, account_id limit ?", [*where.parameters, limit]
    )


def choices(
    records: Records, column: str, owners: Owners = NO_OVERRIDES, owner_in: frozenset[str] | None = None
) -> list[Choice]:
    """The values of a column, the most frequent first. UnknownColumnError: not owner, status, last_movement_kind or an attribute."""
    name = quoted(column) if column in CHOOSABLE else _attribute(records, column)
    where = within(owner_in)
    source = reachable(records, owners)
    if column in standing.COLUMNS:
        source = standing.beside(source, records)
        where.add(f"{name} is not null")
    found = records.rows(
        f"select {name} as value, count(*) as accounts from {source} where {where} "
        "group by all order by accounts desc, value nulls last",
        where.parameters,
    )
    return [Choice(*line) for line in found]


def export(
    records: Records, query: Query, owners: Owners = NO_OVERRIDES, batch: int = 1000
) -> Iterator[list[tuple[Any, ...]]]:
    """All accounts that fit, in batches of rows in the order of `columns`; text is as it was told, not made safe for spreadsheets."""
    where = condition(records, query)
    chosen, order = ", ".join(map(quoted, columns(records))), _order(records, query)
    with records.fork() as reader:
        source = standing.beside(reachable(reader, owners), reader)
        result = reader.connection.execute(f"select {chosen} from {source} where {where} {order}", where.parameters)
        while rows := result.fetchmany(batch):
            yield rows


def names(
    records: Records,
    ids: Iterable[str] | None,
    owners: Owners = NO_OVERRIDES,
    owner_in: frozenset[str] | None = None,
) -> dict[str, str]:
    """Names by account id, of those that there are for this reader; of all where no ids are given."""
    where = within(owner_in)
    if ids is not None:
        where.add("account_id in (select unnest(?::varchar[]))", list(ids))
    return dict(
        records.rows(f"select account_id, name from {reachable(records, owners)} where {where}", where.parameters)
    )


def search(
    records: Records,
    text: str,
    limit: int = 8,
    owners: Owners = NO_OVERRIDES,
    owner_in: frozenset[str] | None = None,
) -> list[Found]:
    """Accounts by a part of name, domain or id; names that begin with it first, then customers, then by MRR."""
    if not text.strip():
        return []
    where = within(owner_in)
    _add_text(where, text)
    found = records.rows(
        f"select account_id, name, domain, status, mrr_minor from {reachable(records, owners)} where {where} "
        "order by starts_with(search_name, strip_accents(lower(?))) desc, status = 'customer' desc, mrr_minor desc, account_id limit ?",
        [*where.parameters, text.strip(), limit],
    )
    return [Found(*line) for line in found]


def reachable(records: Records, owners: Owners) -> str:
    """The SQL source of summary rows with the owners of today."""
    if not owners.owner_of:
        return "summary"
    records.give("owner_today", owners.table)
    return (
        "(select summary.* replace (case when today.account_id is null then summary.owner else today.owner end as owner) "
        "from summary left join owner_today as today on today.account_id = summary.account_id)"
    )


def _source(records: Records, owners: Owners, query: Query) -> str:
    """Accounts, with the columns of the watch where the query names one: most lists do without."""
    source = reachable(records, owners)
    watched = query.bands or query.risk_from is not None or query.sort in standing.COLUMNS
    return standing.beside(source, records) if watched else source


def within(owner_in: frozenset[str] | None) -> Where:
    """The condition that leaves the accounts of some owners; without owner they are nobody's."""
    where = Where()
    if owner_in is not None:
        where.add("owner in (select unnest(?::varchar[]))", sorted(owner_in - {NOBODY}))
    return where


def condition(records: Records, query: Query) -> Where:
    """The condition of a query. UnknownColumnError: an attribute that is not there."""
    where = within(query.owner_in)
    _add_text(where, query.text)
    if query.owners:
        where.add("coalesce(owner, '') in (select unnest(?::varchar[]))", list(query.owners))
    if query.statuses:
        where.add("status in (select unnest(?::varchar[]))", list(query.statuses))
    for attribute, values in query.segments:
        _add_values(where, _attribute(records, attribute), values)
    if query.renews_within is not None:
        last = records.as_of + timedelta(days=min(max(query.renews_within, 0), 36_500))
        where.add("renewal_on between ? and ?", records.tomorrow, last)
    if query.mrr_from is not None:
        where.add("mrr_minor >= ?", query.mrr_from)
    if query.mrr_to is not None:
        where.add("mrr_minor <= ?", query.mrr_to)
    if query.changed:
        where.add("last_movement_month = ?", month_start(month_no(records.as_of)))
        where.add("last_movement_kind in (select unnest(?::varchar[]))", list(query.changed))
    _add_watched(where, records, query)
    return where


def _add_watched(where: Where, records: Records, query: Query) -> None:
    if query.bands:
        where.add("band in (select unnest(?::varchar[]))", list(query.bands))
    if query.risk_from is not None:
        where.add("churn_90 >= ?", query.risk_from)
    if query.signals:
        clause, parameters = standing.with_signals(records, query.signals)
        where.add(clause, *parameters)


def _add_text(where: Where, text: str) -> None:
    for word in text.split():
        where.add("contains(search_text, strip_accents(lower(?)))", word)


def _add_values(where: Where, column: str, values: tuple[str | None, ...]) -> None:
    named = [value for value in values if value is not None]
    clause = f"{column} in (select unnest(?::varchar[]))"
    where.add(f"{clause} or {column} is null" if None in values else clause, named)


def _attribute(records: Records, name: str) -> str:
    plain = name.removeprefix("seg_") if name not in records.segments else name
    if plain not in records.segments:
        listed = ", ".join([*CHOOSABLE, *records.segments])
        raise UnknownColumnError(f"accounts have no column '{name}' to choose by; there are: {listed}")
    return quoted(f"seg_{plain}")


def _order(records: Records, query: Query) -> str:
    if query.sort not in columns(records):
        raise UnknownColumnError(
            f"accounts cannot be sorted by '{query.sort}'; there are: {', '.join(columns(records))}"
        )
    column = "search_name" if query.sort == "name" else quoted(query.sort)
    return f"order by {column} {'desc' if query.descending else 'asc'} nulls last, account_id"


def _rows(records: Records, rest: str, parameters: list[Any]) -> list[AccountRow]:
    selected = ", ".join(map(quoted, (*FIXED, *(f"seg_{name}" for name in records.segments))))
    lines = records.told(f"select {selected} {rest}", parameters)
    stand = standing.of_accounts(records, [line["account_id"] for line in lines])
    return [_row(records, line, stand.get(line["account_id"])) for line in lines]


def _row(records: Records, line: dict[str, Any], stands: Standing | None) -> AccountRow:
    own = {name: line[name] for name in FIXED}
    return AccountRow(**own, segments={name: line[f"seg_{name}"] for name in records.segments}, standing=stands)
