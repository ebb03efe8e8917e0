"""Reconciliation: the ledger's month-end MRR beside what the invoices of the month imply, by account, with a likely reason."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from holdfast.domain.period import month_name
from holdfast.warehouse.booking import scan
from holdfast.warehouse.ledger import Ledger
from holdfast.warehouse.sql import model
from holdfast.warehouse.window import WindowError

TITLE = "Reconciliation"


@dataclass(frozen=True)
class Difference:
    """One account and month in which ledger and invoices differ; minor units of the currency."""

    month: str
    account: str
    currency: str
    ledger: int
    invoiced: int
    reason: str

    @property
    def difference(self) -> int:
        return self.ledger - self.invoiced


@dataclass(frozen=True)
class Reconciliation:
    """What was compared, what tied, and what did not (largest first)."""

    compared: int
    tied: int
    #: by currency: ledger and invoices over all months
    totals: dict[str, tuple[int, int]]
    differences: tuple[Difference, ...]


#: reasons in the order in which they are tried; the words are the user's
REASONS = {
    "past_due": "past due: the invoice is open, the MRR is kept for the days of grace or already given up",
    "trial": "on trial or paused: invoiced, but not MRR",
    "coupon": "a coupon of limited duration lowers the invoice; the policy does not count it against MRR",
    "not_collectible": "the invoice is void, a draft, or was written off",
    "prorated": "changed inside the service period: the invoice shows the old price, a proration line the rest",
    "credited": "a credit note or refund covers this month",
    "not_invoiced": "no invoice covers this month",
    "not_subscribed": "invoiced, but no subscription is in force at the month's end",
    "rounding": "rounding of a yearly or weekly price to a month",
    "other": "the prices differ: compare the subscription's price with the invoice line",
}


def measure(
    ledger: Ledger, months: range, items: Sequence[Path], lines: Sequence[Path], invoices: Sequence[Path]
) -> Reconciliation:
    """Compare month by month. WindowError: the ledger does not follow accounts, or there are no invoices."""
    if ledger.policy.grain != "account":
        raise WindowError(
            f"policy '{ledger.policy.name}' follows {ledger.policy.grain}s; reconcile under one that follows accounts"
        )
    if not lines:
        raise WindowError("no invoice lines are loaded; load a table of kind invoice_line first")
    c = ledger.connection
    known = [month for month in months if ledger.first_month <= month <= ledger.last_month]
    if not known:
        raise WindowError(f"the ledger runs from {month_name(ledger.first_month)} to {month_name(ledger.last_month)}")
    newest = "qualify row_number() over (partition by {} order by learned_at desc, load_no desc, source_row desc) = 1"
    c.execute(f"create or replace temp table landed_line as select * from {scan(lines)} {newest.format('line_id')}")
    if invoices:
        c.execute(
            f"create or replace temp table landed_invoice as select * from {scan(invoices)} {newest.format('invoice_id')}"
        )
    else:
        c.execute(
            "create or replace temp table landed_invoice as select null::varchar as invoice_id, null::varchar as status where false"
        )
    c.execute(f"create or replace temp view landed_state as select * from {scan(items)}")
    balances = " union all ".join(
        f"select entity_id as account_id, currency, {m} as month_no, m{m}::bigint as ledger from position join entity using (entity_key) where m{m} <> 0"
        for m in known
    )
    c.execute(f"create or replace temp table booked as {balances}")
    c.execute(f"set variable first_month = {known[0]}")
    c.execute(f"set variable last_month = {known[-1]}")
    c.execute(model("reconcile"))
    compared, tied = ledger.rows("select count(*), count(*) filter (where reason is null) from reconciled")[0]
    totals = {
        currency: (int(booked), int(invoiced))
        for currency, booked, invoiced in ledger.rows(
            "select currency, sum(ledger)::bigint, sum(invoiced)::bigint from reconciled group by 1 order by 1"
        )
    }
    rows = ledger.rows(
        "select month_no, account_id, currency, ledger, invoiced, reason from reconciled where reason is not null "
        "order by abs(ledger - invoiced) desc, account_id, month_no"
    )
    differences = tuple(
        Difference(month_name(month), account, currency, int(booked), int(invoiced), REASONS[reason])
        for month, account, currency, booked, invoiced, reason in rows
    )
    return Reconciliation(compared, tied, totals, differences)
