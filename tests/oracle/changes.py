"""From states to dated changes of entities (rules 14 to 19)."""

from __future__ import annotations

from datetime import date
from fractions import Fraction
from typing import NamedTuple

from holdfast.domain.policy import Policy

from .states import (
    DAY,
    AccountState,
    Facts,
    ItemState,
    Line,
    Piece,
    by_item,
    known,
    lines_that_hold,
    pieces_of_item,
)


class Change(NamedTuple):
    """What an entity's MRR (or hold, trial MRR, pending MRR) changes by on a day."""

    entity: str
    day: date
    measure: str
    currency: str
    amount: int
    transfer: bool
    source_kind: str


def month_of(day: date) -> date:
    return day.replace(day=1)


def next_month(day: date) -> date:
    return date(day.year + day.month // 12, day.month % 12 + 1, 1)


def days_in_month(day: date) -> int:
    return (next_month(day) - month_of(day)).days


# --- whose an item is (rule 16) ---------------------------------------------------------------------------


class Owners:
    """Which entity an account or a subscription belongs to on a day."""

    def __init__(self, accounts: list[AccountState], grain: str) -> None:
        self.grain = grain
        #: account -> its rows that hold, by the first day on which they do ("missing: since ever")
        self.rows: dict[str, dict[date, AccountState]] = {}
        for row in sorted(accounts, key=lambda row: (row.learned_at, row.arrival)):
            self.rows.setdefault(row.account_id, {})[row.valid_from or date.min] = row

    def entity(self, account: str, subscription: str | None, day: date) -> str:
        if self.grain == "subscription":
            return subscription or account
        return self.account(account, day)

    def account(self, account: str, day: date) -> str:
        """Follow mergers and, with grain `parent`, parents, up to the top."""
        way = [account]
        while (above := self.above(way[-1], day)) is not None:
            if above in way:  # a circle, which no rule foresees: its smallest id stands for all
                return min(way[way.index(above) :])
            way.append(above)
        return way[-1]

    def above(self, account: str, day: date) -> str | None:
        begun = [begin for begin in self.rows.get(account, {}) if begin <= day]
        if not begun:
            return None
        row = self.rows[account][max(begun)]
        if row.merged_into:
            return row.merged_into
        return row.parent_id if self.grain == "parent" and row.parent_id else None

    def days(self, account: str) -> set[date]:
        """Every day on which the entity of this account may change."""
        days: set[date] = set()
        seen, todo = {account}, [account]
        while todo and self.grain != "subscription":
            for begin, row in self.rows.get(todo.pop(), {}).items():
                days.add(begin)
                for above in (row.merged_into, row.parent_id):
                    if above and above not in seen:
                        seen.add(above)
                        todo.append(above)
        return days


# --- MRR from invoice lines (rules 14 and 15) -------------------------------------------------------------


def metered_pieces(lines: list[Line], months: int) -> list[list[Piece]]:
    """Rule 14: each metered line is an item that adds its n-th part in the n months after its period."""
    found = []
    for line in lines:
        if line.kind == "metered" and line.period_end is not None:
            account, subscription = line.account_id, line.subscription_id
            begin = end = next_month(line.period_end - DAY)
            for _ in range(months):
                end = next_month(end)
            part = round(Fraction(line.amount_minor, months))
            found.append([piece_of_line(account, subscription, begin, end, line.currency, part)])
    return found


def piece_of_line(account: str, subscription: str | None, begin: date, end: date, currency: str, amount: int) -> Piece:
    amounts = {("mrr", currency): amount} if amount else {}
    return Piece(account, subscription, "billing", begin, end, amounts)


def revenue_pieces(lines: list[Line]) -> list[list[Piece]]:
    """Rule 15: lines spread over their months; an account's subscription is an item with a state a month."""
    months: dict[tuple[str, str | None, str], dict[date, int]] = {}
    for line in lines:
        if line.kind in ("recurring", "proration", "metered"):
            spread = months.setdefault((line.account_id, line.subscription_id, line.currency), {})
            for month, part in spread_line(line):
                spread[month] = spread.get(month, 0) + part
    return [
        [
            piece_of_line(account, subscription, month, next_month(month), currency, max(spread[month], 0))
            for month in sorted(spread)
        ]
        for (account, subscription, currency), spread in months.items()
    ]


def spread_line(line: Line) -> list[tuple[date, int]]:
    """Rule 15: n months, at least 1; the remainder one unit each to the first months."""
    start = line.period_start or line.issued_on
    days = (line.period_end - start).days if line.period_end else 0
    count = max(1, round(Fraction(days) / Fraction("30.4375")))
    # a negative line is spread like the positive one it takes back
    sign = -1 if line.amount_minor < 0 else 1
    each, remainder = divmod(abs(line.amount_minor), count)
    parts, month = [], month_of(start)
    for number in range(count):
        parts.append((month, sign * (each + (1 if number < remainder else 0))))
        month = next_month(month)
    return parts


# --- changes ----------------------------------------------------------------------------------------------


def changes_of_item(pieces: list[Piece], owners: Owners, as_of: date) -> list[Change]:
    """What one item does to the entities it belongs to, day by day (rules 6, 16 and 17)."""
    days = {piece.begin for piece in pieces} | {piece.end for piece in pieces if piece.end is not None}
    for account in {piece.account_id for piece in pieces}:
        days |= owners.days(account)
    changes: list[Change] = []
    last: Piece | None = None  # the piece in force, or the last one there was
    owner = ""
    worth: dict[tuple[str, str], int] = {}
    for day in sorted(day for day in days if day <= as_of):  # rule 6
        now = next((p for p in pieces if p.begin <= day and (p.end is None or day < p.end)), None)
        last = now or last
        if last is None:
            continue
        before_owner, owner = owner, owners.entity(last.account_id, last.subscription_id, day)
        if owner != before_owner:
            # rule 16: what the item has before the changes of the day passes on
            for (measure, currency), amount in worth.items():
                changes.append(Change(before_owner, day, measure, currency, -amount, True, last.source_kind))
                changes.append(Change(owner, day, measure, currency, amount, True, last.source_kind))
        amounts = now.amounts if now else {}
        for measure, currency in {**worth, **amounts}:
            key = (measure, currency)
            if step := amounts.get(key, 0) - worth.get(key, 0):
                changes.append(Change(owner, day, measure, currency, step, False, last.source_kind))
        worth = amounts
    return changes


def changes_by_entity(
    facts: Facts, policy: Policy, as_of: date, known_on: date | None
) -> tuple[dict[str, list[Change]], Owners]:
    """Every dated change of every entity, gaps bridged and months averaged as the policy says."""
    facts = known(facts, known_on)
    lines = lines_that_hold(facts.lines)
    owners = Owners(facts.accounts, policy.grain)
    if policy.basis == "revenue":
        items = revenue_pieces(lines)
    else:
        items = [pieces_of_item(rows, refunds_of(rows, lines), policy) for rows in by_item(facts.items).values()]
        if policy.metered_months:
            items += metered_pieces(lines, policy.metered_months)
    entities: dict[str, list[Change]] = {}
    for pieces in items:
        for change in changes_of_item(pieces, owners, as_of):
            entities.setdefault(change.entity, []).append(change)
    for entity, changes in entities.items():
        changes = bridged(changes, policy)
        if policy.month_measure == "daily_mean":
            changes = [change for change in averaged(changes) if change.day <= as_of]
        entities[entity] = changes
    return entities, owners


def refunds_of(rows: list[ItemState], lines: list[Line]) -> list[Line]:
    """The refund lines that may concern an item (rule 13 looks at the rest)."""
    return [
        line
        for line in lines
        if line.kind == "refund"
        and line.account_id == rows[0].account_id
        and (line.item_id == rows[0].item_id if line.item_id else line.subscription_id == rows[0].subscription_id)
    ]


def bridged(changes: list[Change], policy: Policy) -> list[Change]:
    """Rule 18, for the changes of one entity: short gaps are no gaps."""
    allowance = {
        "billing": policy.gap_days_billing,
        "contract": policy.gap_days_contract,
        "file": policy.gap_days_file,
    }
    days: dict[date, list[Change]] = {}
    for change in changes:
        days.setdefault(change.day, []).append(change)
    balance: dict[tuple[str, str], int] = {}  # (measure, currency)
    fall: date | None = None  # the open fall: no MRR since that day
    moved: dict[date, date] = {}
    for day in sorted(days):
        had = above_zero(balance)
        for change in days[day]:
            key = (change.measure, change.currency)
            balance[key] = balance.get(key, 0) + change.amount
        has = above_zero(balance)
        if had and not has:
            on_hold = any(amount for (measure, _), amount in balance.items() if measure == "hold")
            fall = None if on_hold else day
        elif has and not had and fall is not None:
            # the largest allowance of the sources of that day's changes; other kinds of sources have none
            kinds = [c.source_kind for c in days[fall] if c.measure == "mrr" and not c.transfer]
            if (day - fall).days <= max((allowance.get(kind, 0) for kind in kinds), default=0):
                moved[fall] = day
            fall = None
    return [
        change._replace(day=moved[change.day])
        if change.day in moved and change.measure == "mrr" and not change.transfer
        else change
        for change in changes
    ]


def above_zero(balance: dict[tuple[str, str], int]) -> bool:
    return any(amount for (measure, _), amount in balance.items() if measure == "mrr")


def averaged(changes: list[Change]) -> list[Change]:
    """Rule 19, `daily_mean`: a part of a day's changes counts in its month, the rest on the next 1st."""
    found = [change for change in changes if change.measure != "mrr"]
    sums: dict[tuple[str, date, str, bool], int] = {}
    for change in changes:
        if change.measure == "mrr":
            key = (change.entity, change.day, change.currency, change.transfer)
            sums[key] = sums.get(key, 0) + change.amount
    for (entity, day, currency, transfer), amount in sums.items():
        n = days_in_month(day)
        part = round(Fraction(amount * (n - day.day + 1), n))
        found.append(Change(entity, day, "mrr", currency, part, transfer, ""))
        found.append(Change(entity, next_month(day), "mrr", currency, amount - part, transfer, ""))
    return found
