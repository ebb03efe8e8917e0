"""A book: the accounts of some owners, or of everyone. What it holds and kept, what comes due, and what happened in it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from fractions import Fraction

from holdfast.domain import retention
from holdfast.metrics.account import Source
from holdfast.metrics.accounts import NO_OVERRIDES, AccountRow, Owners, reachable, some, within
from holdfast.warehouse.ledger import Ledger
from holdfast.warehouse.records import Records

TITLE = "Book"


@dataclass(frozen=True)
class Totals:
    """A book on the as-of day; minor units of the records' currency.

    NRR and GRR are those of the twelve months up to the as-of day: of the accounts that are in the book today, each account's
    end against its start, at the rates of the start. A policy that sums up monthly movements has none by book: None.
    """

    accounts: int
    customers: int
    mrr_minor: int
    mrr_month_ago_minor: int
    mrr_year_ago_minor: int
    leaving_minor: int
    nrr: Fraction | None
    grr: Fraction | None
    currency: str


@dataclass(frozen=True)
class Renewal:
    """A contract term that ends soon. leaving_minor: of the account's MRR, what was cancelled already."""

    account_id: str
    name: str
    owner: str | None
    renewal_on: date
    renewal_minor: int
    mrr_minor: int
    leaving_minor: int


@dataclass(frozen=True)
class Happened:
    """Something that happened to an account of the book: a movement, a champion who left, an urgent ticket, an overdue invoice."""

    at: date | datetime
    kind: str
    account_id: str
    name: str
    owner: str | None
    #: a movement's amount in its currency; what is owed of an invoice
    amount_minor: int | None
    currency: str | None
    detail: str
    source: Source


def totals(
    records: Records, ledger: Ledger, owners: Owners = NO_OVERRIDES, owner_in: frozenset[str] | None = None
) -> Totals:
    """What the book holds. The ledger is asked for its policy only."""
    where = within(owner_in)
    source = reachable(records, owners)
    sums = records.rows(
        "select count(*), count(*) filter (where status = 'customer'), coalesce(sum(mrr_minor), 0)::bigint, "
        "coalesce(sum(mrr_month_ago_minor), 0)::bigint, coalesce(sum(mrr_year_ago_minor), 0)::bigint, "
        f"coalesce(sum(leaving_minor), 0)::bigint from {source} where {where}",
        where.parameters,
    )[0]
    policy = ledger.policy
    kept = (
        "case when has_returned then 0 else closing_fixed end"
        if policy.left_and_returned == "lost"
        else "closing_fixed"
    )
    opening, closing, capped, unrated = records.rows(
        f"select coalesce(sum(opening), 0)::bigint, coalesce(sum({kept}), 0)::bigint, "
        f"coalesce(sum(least(opening, {kept})), 0)::bigint, count(*) filter (where closing_fixed is null) "
        f"from year where opening > 0 and account_id in (select account_id from {source} where {where})",
        where.parameters,
    )[0]
    nrr = retention.ratio(closing, opening) if policy.nrr == "point_to_point" and not unrated else None
    grr = retention.ratio(capped, opening) if policy.grr == "capped" and not unrated else None
    accounts, customers, mrr, month_ago, year_ago, leaving = sums
    return Totals(accounts, customers, mrr, month_ago, year_ago, leaving, nrr, grr, records.currency)


def renewals(
    records: Records, days: int, owners: Owners = NO_OVERRIDES, owner_in: frozenset[str] | None = None
) -> list[Renewal]:
    """Terms that end in the next days, the next first. Amounts are what is due on that day, in the records' currency."""
    where = within(owner_in)
    where.add("renewal_on <= ?", records.as_of + timedelta(days=days))
    found = records.rows(
        "select account_id, name, owner, renewal_on, renewal_minor, mrr_minor, leaving_minor "
        f"from {reachable(records, owners)} where {where} order by renewal_on, renewal_minor desc, account_id",
        where.parameters,
    )
    return [Renewal(*line) for line in found]


def happened(
    records: Records,
    ledger: Ledger,
    days: int,
    owners: Owners = NO_OVERRIDES,
    owner_in: frozenset[str] | None = None,
    limit: int = 200,
) -> list[Happened]:
    """What happened in the last days, the newest first: at most `limit` of each kind, of movements the largest."""
    first = records.as_of - timedelta(days=days - 1)
    told = _movements(records, ledger, first, owners, owner_in, limit)
    told += _champions(records, first, owners, owner_in, limit)
    told += _tickets(records, days, owners, owner_in, limit)
    told += _overdue(records, first, owners, owner_in, limit)
    return sorted(told, key=lambda one: (_moment(one.at), one.kind, one.account_id), reverse=True)


def _moment(at: date | datetime) -> datetime:
    return at if isinstance(at, datetime) else datetime.combine(at, time())


def _movements(
    records: Records, ledger: Ledger, first: date, owners: Owners, owner_in: frozenset[str] | None, limit: int
) -> list[Happened]:
    """Days on which an account's MRR changed; what it was and became tells the kind, and the causes lie beside."""
    amount = ledger.converted("abs(delta)", ledger.as_of + timedelta(days=1), records.currency)
    rows = ledger.rows(
        f"with touched as (select distinct entity_key, currency from change where day between date '{first}' and date '{ledger.as_of}'), "
        "days as (select entity_key, currency, "
        f"case when day < date '{first}' then null else day end as day, sum(delta_minor)::bigint as delta, "
        "sum(held_delta_minor)::bigint as held_delta, list(distinct cause::varchar order by cause::varchar) as causes, "
        "arg_max(load_no, abs(delta_minor)) as load_no, arg_max(source_row, abs(delta_minor)) as source_row "
        f"from change semi join touched using (entity_key, currency) where day <= date '{ledger.as_of}' group by all), "
        "stood as (select *, (sum(delta) over (partition by entity_key, currency order by day nulls first) - delta)::bigint as before "
        "from days), "
        "began as (select entity_key, currency, min(month_no) as began from movement semi join touched using (entity_key, currency) "
        "where closing_minor > 0 group by all) "
        "select account_id, day, currency, delta, causes, load_no, source_row, "
        "case when before = 0 and began < (year(day) - 1970) * 12 + month(day) - 1 then 'reactivation' when before = 0 then 'new' "
        "when before + delta = 0 then case when held_delta > 0 then 'pause' else 'churn' end "
        "when delta > 0 then 'expansion' else 'contraction' end "
        "from stood left join began using (entity_key, currency) join entity using (entity_key) "
        f"where day is not null and delta <> 0 order by {amount} desc, account_id, day"
    )
    known = _known(records, [row[0] for row in rows], owners, owner_in)
    told: list[Happened] = []
    for account_id, day, currency, delta, causes, load_no, source_row, kind in rows:
        if account_id in known and len(told) < limit:
            name, owner = known[account_id]
            detail = ", ".join(cause.replace("_", " ") for cause in causes)
            source = Source("subscription_item", "", load_no, source_row)
            told.append(Happened(day, kind, account_id, name, owner, delta, currency, detail, source))
    return told


def _known(
    records: Records, ids: list[str], owners: Owners, owner_in: frozenset[str] | None
) -> dict[str, tuple[str, str | None]]:
    """Name and owner of the accounts that are in the book."""
    where = within(owner_in)
    where.add("account_id in (select unnest(?::varchar[]))", ids)
    rows = records.rows(
        f"select account_id, name, owner from {reachable(records, owners)} where {where}", where.parameters
    )
    return {account_id: (name, owner) for account_id, name, owner in rows}


def _champions(
    records: Records, first: date, owners: Owners, owner_in: frozenset[str] | None, limit: int
) -> list[Happened]:
    """Champions who left, by the day on which that was noticed, where it was."""
    where = within(owner_in)
    where.add("coalesce(left_noticed_on, left_on) between ? and ?", first, records.as_of)
    rows = records.rows(
        "select coalesce(left_noticed_on, left_on) as on_day, account_id, summary.name, owner, "
        "concat_ws(', ', coalesce(contact.name, contact_id), contact.title), contact_id, load_no, source_row "
        f"from contact join {reachable(records, owners)} as summary using (account_id) "
        f"where role = 'champion' and left_on <= ? and {where} order by on_day desc, contact_id limit ?",
        [records.as_of, *where.parameters, limit],
    )
    return [
        Happened(day, "champion_left", account_id, name, owner, None, None, who, Source("contact", *place))
        for day, account_id, name, owner, who, *place in rows
    ]


def _tickets(
    records: Records, days: int, owners: Owners, owner_in: frozenset[str] | None, limit: int
) -> list[Happened]:
    """Urgent tickets that were opened."""
    where = within(owner_in)
    where.add("opened_at >= ? and opened_at < ?", records.until - timedelta(days=days), records.until)
    rows = records.rows(
        "select opened_at, account_id, summary.name, owner, coalesce(subject, ticket_id), ticket_id, load_no, source_row "
        f"from ticket join {reachable(records, owners)} as summary using (account_id) "
        f"where priority = 'urgent' and {where} order by opened_at desc, ticket_id limit ?",
        [*where.parameters, limit],
    )
    return [
        Happened(at, "urgent_ticket", account_id, name, owner, None, None, subject, Source("ticket", *place))
        for at, account_id, name, owner, subject, *place in rows
    ]


def _overdue(
    records: Records, first: date, owners: Owners, owner_in: frozenset[str] | None, limit: int
) -> list[Happened]:
    """Invoices that became overdue, and are."""
    where = within(owner_in)
    where.add("coalesce(due_on, issued_on) + 1 between ? and ?", first, records.as_of)
    rows = records.rows(
        "select coalesce(due_on, issued_on) + 1 as on_day, account_id, name, owner, total_minor, currency, "
        "invoice_id, load_no, source_row "
        f"from invoice join {reachable(records, owners)} as summary using (account_id) "
        f"where invoice.status = 'open' and (paid_on is null or paid_on > ?) and {where} "
        "order by on_day desc, invoice_id limit ?",
        [records.as_of, *where.parameters, limit],
    )
    return [
        Happened(
            day, "overdue", account_id, name, owner, amount, currency, f"invoice {place[0]}", Source("invoice", *place)
        )
        for day, account_id, name, owner, amount, currency, *place in rows
    ]


def largest(
    records: Records, owners: Owners = NO_OVERRIDES, owner_in: frozenset[str] | None = None, limit: int = 10
) -> list[AccountRow]:
    """The accounts with the largest MRR."""
    where = within(owner_in)
    where.add("mrr_minor > 0")
    return some(records, where, "mrr_minor desc", limit, owners)


def untouched(
    records: Records,
    days: int,
    owners: Owners = NO_OVERRIDES,
    owner_in: frozenset[str] | None = None,
    limit: int = 50,
) -> list[AccountRow]:
    """Customers with whom nothing was done in the last days, the largest MRR first."""
    where = within(owner_in)
    where.add(
        "status = 'customer' and (last_touch_at is null or last_touch_at < ?)", records.until - timedelta(days=days)
    )
    return some(records, where, "mrr_minor desc", limit, owners)
