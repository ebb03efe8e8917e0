"""As known and as restated, month by month; what a month would be signed with; and the invoices beside the ledger."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from holdfast.domain.period import month_no, parse_month
from holdfast.domain.policy import Policy
from holdfast.flows.book import open_ledger
from holdfast.flows.close import Close, closes
from holdfast.flows.home import Home
from holdfast.flows.revenue import landed
from holdfast.metrics import bridge, reconcile
from holdfast.metrics.reconcile import Difference, Reconciliation
from holdfast.warehouse.ledger import Ledger
from holdfast.warehouse.sql import literal


@dataclass(frozen=True)
class MonthBoth:
    """One month as known on a day and as restated; minor units."""

    months: range
    known: bridge.Row
    restated: bridge.Row

    @property
    def month(self) -> int:
        return self.months.start

    @property
    def closing_difference(self) -> int:
        return self.restated.closing - self.known.closing

    @property
    def moved_difference(self) -> int:
        """Of what moved in the month."""
        return sum(self.restated.moved.values()) - sum(self.known.moved.values())

    @property
    def fx_difference(self) -> int:
        """Of what exchange rates did in the month."""
        return self.restated.fx - self.known.fx


def beside(known: Sequence[bridge.Row], restated: Sequence[bridge.Row]) -> list[MonthBoth]:
    """Months of both, paired."""
    now = {row.months.start: row for row in restated}
    return [MonthBoth(row.months, row, now.get(row.months.start, bridge.Row(row.months, ()))) for row in known]


def last_whole_month(day: date) -> int:
    """The last month that is over on a day."""
    return month_no(day + timedelta(days=1)) - 1


@dataclass(frozen=True)
class ToSign:
    """One currency of a month as it would be signed; minor units."""

    currency: str
    opening: int
    movements: dict[str, int]
    closing: int

    @property
    def difference(self) -> int:
        """0: opening and movements are the closing."""
        return self.closing - self.opening - sum(self.movements.values())


def to_sign(ledger: Ledger, month: int) -> tuple[ToSign, ...]:
    """The totals of a month by currency, as a close writes them down."""
    before, after = ledger.month_column(month - 1), ledger.month_column(month)
    balances = ledger.rows(
        f"select currency, sum({before})::bigint, sum({after})::bigint from position group by 1 order by 1"
    )
    moved: dict[str, dict[str, int]] = {}
    for code, kind, amount in ledger.rows(
        f"select currency, kind::varchar, sum(amount_minor)::bigint from movement where month_no = {month} group by all order by all"
    ):
        moved.setdefault(code, {})[kind] = int(amount)
    return tuple(ToSign(code, int(a or 0), moved.get(code, {}), int(b or 0)) for code, a, b in balances)


def next_to_sign(home: Home, ledger: Ledger) -> int | None:
    """The first month that is over and not signed after the last signed one, or the last month that is over; None: all are signed."""
    last = last_whole_month(ledger.as_of)
    signed = {parse_month(one.month) for one in closes(home) if one.policy == home.settings.policy}
    if not signed:
        return last if last >= ledger.first_month else None
    following = max(signed) + 1
    return following if following <= last else None


def signed_by_month(home: Home) -> list[Close]:
    """All closes, newest first."""
    return sorted(closes(home), key=lambda one: (one.month, one.policy), reverse=True)


def reconciled(home: Home, policy: Policy, known_on: date | None, months: range) -> Reconciliation:
    """The ledger beside the invoices of the publication."""
    with open_ledger(home, policy=policy, known_on=known_on) as ledger:
        return reconcile.measure(
            ledger, months, landed(home, "subscription_item"), landed(home, "invoice_line"), landed(home, "invoice")
        )


@dataclass(frozen=True)
class Reason:
    """One reason for differences: how many, and what they sum to by currency in minor units."""

    word: str
    text: str
    count: int
    sums: tuple[tuple[str, int], ...]


def reasons(found: Reconciliation) -> list[Reason]:
    """The reasons that occur, most frequent first."""
    words = {text: word for word, text in reconcile.REASONS.items()}
    counts = Counter(one.reason for one in found.differences)
    told = []
    for text, count in counts.most_common():
        sums: Counter[str] = Counter()
        for one in found.differences:
            if one.reason == text:
                sums[one.currency] += one.difference
        told.append(Reason(words[text], text, count, tuple(sorted(sums.items()))))
    return told


#: orders of the differences
ORDERS = ("size", "month", "account")


def chosen(found: Reconciliation, reason: str, account: str, order: str) -> list[Difference]:
    """The differences of a reason and of an account's id, in an order."""
    text = reconcile.REASONS.get(reason, "")
    rows = [
        one for one in found.differences if (not text or one.reason == text) and (not account or one.account == account)
    ]
    if order == "month":
        rows.sort(key=lambda one: (one.month, one.account), reverse=True)
    elif order == "account":
        rows.sort(key=lambda one: (one.account, one.month))
    return rows


def names(ledger: Ledger, accounts: tuple[str, ...]) -> dict[str, str]:
    """Names of accounts by id."""
    listed = ", ".join(map(literal, accounts)) or "null"
    return {
        row[0]: row[1]
        for row in ledger.rows(
            f"select account_id, name from account where account_id in ({listed}) and name is not null"
        )
    }
