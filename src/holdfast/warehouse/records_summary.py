"""One summary row per account, as of the booking's day. Its MRR is the ledger's, and must sum up to it to the last unit.

Every amount is in the reporting currency at the rates of the day after the as-of day, the earlier ones too: a difference
between them is no exchange rate.
"""

from __future__ import annotations

from datetime import date, datetime, timedelta
from fractions import Fraction

import duckdb
import pyarrow as pa

from holdfast.domain.money import FxError
from holdfast.domain.period import Window, add_months, month_no, month_start
from holdfast.warehouse.ledger import Ledger, case_of_rates, last_month_before, segment_column
from holdfast.warehouse.matrix import LedgerError
from holdfast.warehouse.sql import run, set_variable
from holdfast.warehouse.window import View, create_window

#: how many months ago the earlier balances stood
BACK = {"mrr_minor": 0, "mrr_month_ago_minor": 1, "mrr_quarter_ago_minor": 3, "mrr_year_ago_minor": 12}


def write_summary(c: duckdb.DuckDBPyConnection, ledger: Ledger, currency: str, until: datetime) -> None:
    """Make the tables summary and year. LedgerError: the summary does not sum up to the ledger."""
    after = _day_after(ledger)
    run(c, "macros")
    for name, table in {
        "ledger_account": _accounts(ledger),
        "ledger_balance": _balances(ledger, currency, after),
        "ledger_lane": _lanes(ledger, currency, after),
        "ledger_term": _terms(ledger, currency, after),
        "ledger_movement": _movements(ledger, currency, after),
        "ledger_since": _since(ledger),
    }.items():
        c.register("told", table)
        c.execute(f"create or replace temp table {name} as from told")
        c.unregister("told")
    c.execute(f"set variable as_of = date '{ledger.as_of}'")
    set_variable(c, "until", f"{until:%Y-%m-%d %H:%M:%S.%f}")
    invoices = _invoice_rates(c, ledger, currency, after)
    c.execute(_overdue(case_of_rates("total_minor", invoices)))
    run(c, "records_facts", "records_summary")
    _check(c, ledger, currency, after)
    c.register("told", _year(ledger, currency))
    c.execute("create or replace table year as select * from told order by account_id")
    c.unregister("told")


def _day_after(ledger: Ledger) -> date:
    """The first day that the balances do not see any more; under a policy of monthly figures the month's first."""
    after = ledger.as_of + timedelta(days=1)
    return month_start(month_no(after)) if ledger.policy.month_measure == "daily_mean" else after


def _arrow(ledger: Ledger, query: str) -> pa.Table:
    return ledger.connection.sql(query).to_arrow_table()


def _place(ledger: Ledger) -> str:
    """SQL: the account under which each entity counts on the as-of day. Linked ones count with the one they belong to (rule 22)."""
    return (
        "select entity.entity_key, coalesce(held_by.account_id, entity.account_id) as account_id from entity "
        "left join belonging on belonging.account_id = entity.entity_id and belonging.entity_key <> entity.entity_key "
        f"and belonging.from_day <= date '{ledger.as_of}' and belonging.to_day > date '{ledger.as_of}' "
        "left join entity as held_by on held_by.entity_key = belonging.entity_key"
    )


def _accounts(ledger: Ledger) -> pa.Table:
    """Every account that the ledger knows, what it is called, and with which other one it is counted."""
    segments = "".join(f", {segment_column(name)}" for name in ledger.segments if name not in ("owner", "parent"))
    return _arrow(
        ledger,
        "with known as (select account_id from account union select account_id from entity where account_id is not null "
        "union select account_id from belonging) "
        "select account_id, name, domain, created_on, merged_into, seg_owner as owner, seg_parent as parent_id, "
        f"counted.counted_with{segments} from known left join account using (account_id) left join ("
        "select belonging.account_id, entity.account_id as counted_with from belonging join entity using (entity_key) "
        f"where from_day <= date '{ledger.as_of}' and to_day > date '{ledger.as_of}' and entity.account_id <> belonging.account_id"
        ") as counted using (account_id)",
    )


def _balances(ledger: Ledger, currency: str, after: date) -> pa.Table:
    """What stands today and stood 1, 3 and 12 months ago, by account."""
    days = {name: add_months(after, -months) for name, months in BACK.items()}
    sums, amounts = [], []
    for name, day in days.items():
        sums.append(
            f"sum(delta_minor) filter (where day >= date '{month_start(month_no(day))}' and day < date '{day}') as {name}"
        )
        stood = f"({ledger.month_column(last_month_before(day))} + coalesce({name}, 0))"
        amounts.append(f"coalesce(sum({ledger.converted(stood, after, currency)}), 0)::bigint as {name}")
    first = min(month_start(month_no(day)) for day in days.values())
    return _arrow(
        ledger,
        f"with moved as (select entity_key, currency, {', '.join(sums)} from change "
        f"where day >= date '{first}' and day <= date '{ledger.as_of}' group by all) "
        f"select account_id, {', '.join(amounts)} from position left join moved using (entity_key, currency) "
        f"join ({_place(ledger)}) using (entity_key) group by account_id",
    )


def _lanes(ledger: Ledger, currency: str, after: date) -> pa.Table:
    """What stands beside MRR on the as-of day, by account."""
    amount = ledger.converted("amount_minor", after, currency)
    lanes = ", ".join(
        f"coalesce(sum({amount}) filter (where lane = '{lane}'), 0)::bigint as {lane}_minor"
        for lane in ("trial", "held", "past_due", "pending")
    )
    return _arrow(
        ledger,
        f"select account_id, {lanes} from aside join ({_place(ledger)}) using (entity_key) "
        f"where from_day <= date '{ledger.as_of}' and to_day > date '{ledger.as_of}' group by account_id",
    )


def _terms(ledger: Ledger, currency: str, after: date) -> pa.Table:
    """The next contract term's end of each account, and what is due for renewal on that day."""
    amount = ledger.converted("amount_minor", after, currency)
    return _arrow(
        ledger,
        f"with due as (select account_id, day, sum({amount})::bigint as renewal_minor from term "
        f"join ({_place(ledger)}) using (entity_key) where day > date '{ledger.as_of}' and day < date '9999-01-01' group by all) "
        "select account_id, day as renewal_on, renewal_minor from due "
        "qualify row_number() over (partition by account_id order by day) = 1",
    )


def _movements(ledger: Ledger, currency: str, after: date) -> pa.Table:
    """The last month in which an account moved; its kind is that of the largest movement."""
    amount = ledger.converted("amount_minor", after, currency)
    return _arrow(
        ledger,
        "with told as (select account_id, month_no, kind::varchar as kind, "
        f"sum({amount})::bigint as amount from movement join entity using (entity_key) group by all), "
        "last as (select account_id, max(month_no) as month_no from told group by account_id) "
        "select account_id, make_date((1970 + month_no // 12)::bigint, (1 + month_no % 12)::bigint, 1::bigint) as last_movement_month, "
        "arg_max(kind, (abs(amount), kind)) as last_movement_kind, sum(amount)::bigint as last_movement_minor "
        "from told semi join last using (account_id, month_no) group by account_id, month_no",
    )


def _since(ledger: Ledger) -> pa.Table:
    """The first month at whose end each account had MRR."""
    return _arrow(
        ledger,
        "select account_id, make_date((1970 + min(month_no) // 12)::bigint, (1 + min(month_no) % 12)::bigint, 1::bigint) as customer_since "
        "from movement join entity using (entity_key) where closing_minor > 0 group by account_id",
    )


def _invoice_rates(
    c: duckdb.DuckDBPyConnection, ledger: Ledger, currency: str, after: date
) -> dict[str, Fraction | None]:
    """The rates of the currencies that invoices stand in; None where there is none."""
    found: dict[str, Fraction | None] = {}
    for (code,) in c.execute("select distinct currency from invoice").fetchall():
        if code == currency or "'" in code:
            continue
        try:
            found[code] = ledger.rates.minor_rate(code, currency, after)
        except FxError:
            found[code] = None
    return found


def _overdue(amount: str) -> str:
    """Temp table overdue: invoices that should have been paid before the as-of day. Without a rate there is no sum."""
    return (
        "create or replace temp table overdue as select account_id, count(*) as overdue_invoices, "
        f"case when count({amount}) = count(*) then sum({amount})::bigint end as overdue_minor from invoice "
        "where status = 'open' and coalesce(due_on, issued_on) < getvariable('as_of') "
        "and issued_on <= getvariable('as_of') and (paid_on is null or paid_on > getvariable('as_of')) group by account_id"
    )


def _check(c: duckdb.DuckDBPyConnection, ledger: Ledger, currency: str, after: date) -> None:
    """The summary's MRR is the ledger's closing MRR, and every account has one row."""
    create_window(ledger, Window(after, add_months(after, 1)), View(currency), ())
    booked = int(ledger.rows("select coalesce(sum(opening), 0)::bigint from entity_window")[0][0])
    told, rows, accounts = c.execute(
        "select coalesce(sum(mrr_minor), 0)::bigint, count(*), count(distinct account_id) from summary"
    ).fetchall()[0]
    if int(told) != booked:
        raise LedgerError(f"the accounts' MRR sums to {told}, the ledger's to {booked} minor units of {currency}")
    if rows != accounts:
        raise LedgerError(f"the summary has {rows} rows for {accounts} accounts")


def _year(ledger: Ledger, currency: str) -> pa.Table:
    """The window of the last twelve months as retention sees it, by account (several entities of one are told each)."""
    after = _day_after(ledger)
    create_window(ledger, Window.months_to(after, 12), View(currency), ())
    return _arrow(
        ledger,
        "select account_id, opening, closing_fixed, closing, is_there, has_returned from entity_window "
        "join entity using (entity_key) where opening > 0 or closing > 0",
    )
