"""One account, opened: its MRR day by day with movements and causes, what it bought, owes, uses, asks and says."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from holdfast.domain.money import convert
from holdfast.domain.period import month_no, month_start
from holdfast.metrics.accounts import NO_OVERRIDES, AccountRow, Owners, reachable, row, within
from holdfast.warehouse.ledger import Ledger
from holdfast.warehouse.records import Records
from holdfast.warehouse.window import View

TITLE = "Account"


@dataclass(frozen=True)
class Source:
    """The row behind a statement: the fact table and key, and where it was landed."""

    table: str
    key: str
    load_no: int | None = None
    source_row: int | None = None


@dataclass(frozen=True)
class Link:
    """Another account that this one belongs together with."""

    account_id: str
    name: str
    status: str
    mrr_minor: int


@dataclass(frozen=True)
class Header:
    """An account and its relatives, as far as the reader may see them."""

    row: AccountRow
    parent: Link | None
    children: list[Link]
    #: accounts that were merged into this one
    merged: list[Link]
    #: the account whose MRR holds this one's
    counted_with: Link | None


@dataclass(frozen=True)
class Balance:
    """MRR at the end of a day, minor units of the view's currency."""

    on: date
    mrr_minor: int


@dataclass(frozen=True)
class History:
    """MRR from the first day to the as-of day, all at the rates of the day after it."""

    currency: str
    #: after each day on which something changed
    days: list[Balance]


@dataclass(frozen=True)
class Moved:
    """One month's movement in its own currency; what its changes say by cause, and what stood after it."""

    month: date
    kind: str
    amount_minor: int
    currency: str
    causes: dict[str, int]
    mrr_minor: int


@dataclass(frozen=True)
class Discount:
    """What is taken off an item's price: parts per million or an amount for one billing, until a day or without end."""

    kind: str
    ppm: int
    minor: int
    until: date | None


@dataclass(frozen=True)
class Item:
    """A priced line of a subscription in force on the as-of day; its MRR is the ledger's."""

    subscription_id: str
    item_id: str
    product_id: str | None
    plan_id: str | None
    quantity: int
    unit_amount_minor: int
    currency: str
    interval: str
    interval_count: int
    usage_type: str
    status: str
    valid_from: date
    #: first day on which this state no longer holds; None: open
    valid_until: date | None
    term_end: date | None
    auto_renew: bool | None
    cancel_requested_on: date | None
    discounts: list[Discount]
    mrr_minor: int
    source: Source


def header(
    records: Records, account_id: str, owners: Owners = NO_OVERRIDES, owner_in: frozenset[str] | None = None
) -> Header | None:
    """The account; None where there is none, or none for this reader."""
    found = row(records, account_id, owners, owner_in)
    if found is None:
        return None
    if account_id not in records.related:
        return Header(found, None, [], [], None)
    where = within(owner_in)
    above = [other for other in (found.parent_id, found.counted_with) if other]
    where.add(
        "parent_id = ? or account_id in (select unnest(?::varchar[])) or (status = 'merged' and counted_with = ?)",
        account_id, above, account_id,
    )  # fmt: skip
    lines = records.rows(
        f"select account_id, name, status, mrr_minor, parent_id, counted_with from {reachable(records, owners)} "
        f"where {where} order by mrr_minor desc, account_id",
        where.parameters,
    )
    links = {line[0]: Link(*line[:4]) for line in lines}
    return Header(
        found,
        links.get(found.parent_id or ""),
        [links[line[0]] for line in lines if line[4] == account_id],
        [links[line[0]] for line in lines if line[5] == account_id and line[2] == "merged"],
        links.get(found.counted_with or ""),
    )


@dataclass(frozen=True)
class Change:
    """A dated change of the ledger, minor units; it is another account's where the two are linked."""

    day: date
    currency: str
    delta_minor: int
    held_delta_minor: int
    cause: str
    load_no: int | None
    source_row: int | None
    #: whether it stands with an entity of this account, and not of the one it was merged into
    is_own: bool
    account_id: str | None


def changes_of(ledger: Ledger, account_id: str) -> list[Change]:
    """The changes up to the as-of day of an account's entities, and those of entities that it is counted with; in order of days."""
    found: list[Change] = ledger.reads.get(("changes", account_id), lambda: _changes(ledger, account_id))
    return found


def _changes(ledger: Ledger, account_id: str) -> list[Change]:
    own, others = keys(ledger, account_id)
    lines = ledger.rows(
        f"select day, currency, delta_minor, held_delta_minor, cause::varchar, load_no, source_row, entity_key in {_listed(own)}, "
        f"account_id from change where entity_key in {_listed((*own, *others))} and day <= date '{ledger.as_of}' "
        "order by day, currency, abs(delta_minor) desc, cause, load_no, source_row"
    )
    return [Change(*line) for line in lines]


def keys(ledger: Ledger, account_id: str) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """The account's entities, under the grain `subscription` one for each of its subscriptions; and others that it is counted with."""
    found: tuple[tuple[int, ...], tuple[int, ...]] = ledger.reads.get(
        ("keys", account_id), lambda: _keys(ledger, account_id)
    )
    return found


def _keys(ledger: Ledger, account_id: str) -> tuple[tuple[int, ...], tuple[int, ...]]:
    lines = ledger.rows(
        "select entity_key, true from entity where account_id = ? union all select entity_key, false from belonging where account_id = ?",
        [account_id] * 2,
    )
    own = {key for key, is_own in lines if is_own}
    return tuple(sorted(own)), tuple(sorted({key for key, _ in lines} - own))


def of_entities(ledger: Ledger, account_id: str) -> str:
    """SQL: whether a row is of one of the account's entities. The keys stand there, so that a file in their order is read only where they are."""
    return f"entity_key in {_listed(keys(ledger, account_id)[0])}"


def _listed(some: tuple[int, ...]) -> str:
    return f"({', '.join(map(str, some)) or 'null'})"


def own_changes(ledger: Ledger, account_id: str) -> list[Change]:
    """Those of the account's own entities: what its MRR is made of."""
    return [change for change in changes_of(ledger, account_id) if change.is_own]


def mrr_history(ledger: Ledger, account_id: str, view: View) -> History:
    """MRR by day. FxError: a rate is missing."""
    to_view = _Converter(ledger, view)
    days: list[Balance] = []
    standing: dict[str, int] = {}
    for change in own_changes(ledger, account_id):
        if view.only and change.currency != view.only:
            continue
        standing[change.currency] = standing.get(change.currency, 0) + change.delta_minor
        if days and days[-1].on == change.day:
            days.pop()
        days.append(Balance(change.day, sum(to_view(minor, code) for code, minor in standing.items())))
    return History(view.only or view.reporting, days)


class _Converter:
    """Amounts in the view's currency at the rates of the day after the as-of day."""

    def __init__(self, ledger: Ledger, view: View) -> None:
        self.ledger, self.view = ledger, view
        self.day = ledger.as_of + timedelta(days=1)

    def __call__(self, minor: int, currency: str) -> int:
        if not minor or self.view.only or currency == self.view.reporting:
            return minor
        return convert(minor, self.ledger.rates.minor_rate(currency, self.view.reporting, self.day))


def movements(ledger: Ledger, account_id: str) -> list[Moved]:
    """The account's movements, newest first."""
    causes: dict[tuple[int, str], dict[str, int]] = {}
    for change in own_changes(ledger, account_id):
        told = causes.setdefault((month_no(change.day), change.currency), {})
        told[change.cause] = told.get(change.cause, 0) + change.delta_minor
    rows = ledger.rows(
        "select month_no, currency, kind::varchar, amount_minor, closing_minor from movement "
        f"where {of_entities(ledger, account_id)} order by month_no desc, currency, kind"
    )
    return [
        Moved(month_start(month), kind, amount, currency, _by_size(kind, causes.get((month, currency), {})), closing)
        for month, currency, kind, amount, closing in rows
    ]


def _by_size(kind: str, causes: dict[str, int]) -> dict[str, int]:
    """The causes of a month, the largest first; beside other subscriptions, one more or one less is cross-sell."""
    told: dict[str, int] = {}
    for cause, amount in causes.items():
        is_beside = kind in ("expansion", "contraction") and cause in ("start", "cancel")
        name = "cross_sell" if is_beside else cause
        told[name] = told.get(name, 0) + amount
    return {cause: amount for cause, amount in sorted(told.items(), key=lambda pair: -abs(pair[1])) if amount}


def items(records: Records, ledger: Ledger, account_id: str) -> list[Item]:
    """What is in force on the as-of day, the largest MRR first."""
    mrr = _item_mrr(records, ledger, account_id)
    found = [
        line
        for line in records.of_account("item", account_id)
        if line["valid_from"] <= records.as_of < line["valid_until"] and line["status"] != "canceled"
    ]
    told = [_item(line, mrr.get((line["subscription_id"], line["item_id"]), 0), records.as_of) for line in found]
    return sorted(told, key=lambda item: (-item.mrr_minor, item.subscription_id, item.item_id))


def _item_mrr(records: Records, ledger: Ledger, account_id: str) -> dict[tuple[str, str], int]:
    """What the ledger's changes of each item's states sum up to; after a merge they stand with another entity."""
    item_of = {
        (line["load_no"], line["source_row"]): (line["subscription_id"], line["item_id"])
        for line in records.of_account("item", account_id)
    }
    found: dict[tuple[str, str], int] = {}
    for change in changes_of(ledger, account_id):
        item = item_of.get((change.load_no or 0, change.source_row or 0))
        if item and change.cause not in ("usage", "transfer"):
            found[item] = found.get(item, 0) + change.delta_minor
    return found


def _item(line: dict[str, Any], mrr_minor: int, as_of: date) -> Item:
    discounts = [
        Discount(kind, line[f"{kind}_off_ppm"] or 0, line[f"{kind}_off_minor"] or 0, line.get(f"{kind}_until"))
        for kind in ("forever", "repeating", "once")
        if (line[f"{kind}_off_ppm"] or line[f"{kind}_off_minor"])
        and (line.get(f"{kind}_until") is None or line[f"{kind}_until"] > as_of)
    ]
    own = {name: line[name] for name in Item.__dataclass_fields__ if name in line}
    until = None if line["valid_until"].year == 9999 else line["valid_until"]
    source = Source("subscription_item", line["item_id"], line["load_no"], line["source_row"])
    return Item(**own | {"valid_until": until, "discounts": discounts, "mrr_minor": mrr_minor, "source": source})


@dataclass(frozen=True)
class Week:
    """A week from Monday on: the busiest day's active people, events in all, and the seats allowed."""

    start: date
    active_users: int
    events: int
    seats_limit: int | None


@dataclass(frozen=True)
class Usage:
    """Weeks in order, the last one up to the as-of day."""

    weeks: list[Week]
    last_on: date | None


def usage(records: Records, account_id: str, weeks: int = 52) -> Usage:
    """Usage of the last weeks; a week without any is told as 0 from the first week with usage on."""
    first = _first_week(records, weeks)
    totals = {
        start: (active, events, last)
        for start, active, events, last in records.rows(
            "select date_trunc('week', day)::date, coalesce(max(active_users), 0), sum(events)::bigint, max(day) "
            "from usage.usage_total where account_id = ? and day between ? and ? group by 1",
            [account_id, first, records.as_of],
        )
    }
    limits = sorted(
        (line["valid_from"], line["allowed"])
        for line in records.of_account("limit", account_id)
        if line["measure"] == "seats"
    )
    told, begins = [], min(totals, default=records.tomorrow)
    for start in (first + timedelta(days=7 * n) for n in range(weeks)):
        if start < begins:
            continue
        active, events, _ = totals.get(start, (0, 0, None))
        allowed = [limit for day, limit in limits if day <= min(start + timedelta(days=6), records.as_of)]
        told.append(Week(start, active, events, allowed[-1] if allowed else None))
    return Usage(told, max((line[2] for line in totals.values()), default=None))


def features_used(records: Records, account_id: str, weeks: int = 52) -> dict[str, dict[date, int]]:
    """Events by feature and week of the last weeks, the feature used most first."""
    found: dict[str, dict[date, int]] = {}
    for start, feature, events in records.rows(
        "select date_trunc('week', day)::date, feature, sum(events)::bigint from usage.usage_day "
        "where account_id = ? and day between ? and ? group by all",
        [account_id, _first_week(records, weeks), records.as_of],
    ):
        found.setdefault(feature, {})[start] = events
    return dict(sorted(found.items(), key=lambda pair: (-sum(pair[1].values()), pair[0])))


def _first_week(records: Records, weeks: int) -> date:
    return records.as_of - timedelta(days=records.as_of.weekday() + 7 * (weeks - 1))
