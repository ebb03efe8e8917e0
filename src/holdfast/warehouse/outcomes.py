"""What became of each account after a day: its MRR then and at the end of each horizon, at constant exchange rates.

Churn is nothing left, contraction less than before, expansion more. An account that is merged into another has not left.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta

import duckdb
import pyarrow as pa

from holdfast.warehouse.features.dictionary import text
from holdfast.warehouse.ledger import Ledger
from holdfast.warehouse.sql import literal, run

SCHEMA = pa.schema(
    [
        ("account_id", pa.string()),
        ("as_of", pa.date32()),
        ("horizon_days", pa.int32()),
        ("mrr_minor", pa.int64()),
        ("after_minor", pa.int64()),
    ]
)

#: changes of the accounts themselves: what passes between linked ones is neither lost nor won
OWN = """
create or replace temp table own as
select coalesce(linked.who_no, alone.who_no) as who_no, change.day, change.currency, sum(change.delta_minor)::bigint as delta_minor
from ledger.change as change
left join member as linked on change.account_id is not null and linked.account_id = change.account_id
left join who as alone on change.account_id is null and alone.entity_key = change.entity_key
where change.cause <> 'transfer' and change.day <= getvariable('ledger_as_of')
group by all
"""

_BALANCES = """
with asked as (
    select as_of, horizon, as_of + horizon as until from day cross join (select 0 as horizon union select horizon from ahead)
),
balance as (
    select own.who_no, asked.as_of, asked.horizon, own.currency, sum(own.delta_minor)::bigint as balance_minor
    from asked
    join own on own.day <= asked.until
    join who on who.who_no = own.who_no and who.from_day <= asked.as_of and who.to_day > asked.as_of
    where asked.until <= getvariable('ledger_as_of')
    group by all
),
stood as (
    select who_no, as_of, horizon, sum($converted)::bigint as minor from balance group by all
)
select
    entity.entity_id as account_id,
    now.as_of,
    ahead.horizon::integer as horizon_days,
    now.minor as mrr_minor,
    case when later.minor < 0 then 0 else later.minor end as after_minor
from stood as now
cross join ahead
join who using (who_no)
join ledger.entity as entity using (entity_key)
left join stood as later on later.who_no = now.who_no and later.as_of = now.as_of and later.horizon = ahead.horizon
where now.horizon = 0 and now.minor > 0
order by now.as_of, account_id, horizon_days
"""


def outcomes(ledger: Ledger, days: Sequence[date], horizons: Sequence[int], currency: str | None = None) -> pa.Table:
    """One row per account with MRR on each of the days, and per horizon in days.

    after_minor: MRR at the end of the day that many days later; null where the ledger does not reach there. `currency`: what amounts
    are told in; None: the one in which most of the ledger's changes are. Rates are those of the ledger's as-of day.
    """
    if not days or not horizons:
        return SCHEMA.empty_table()
    if min(horizons) < 1:
        raise ValueError("a horizon is at least one day")
    with duckdb.connect() as c:
        c.execute("set enable_progress_bar = false")
        c.execute(f"attach {literal(str(ledger.path))} as ledger (read_only)")
        c.execute(f"set variable ledger_as_of = date '{ledger.as_of}'")
        run(c, "macros")
        c.execute(text("who"))
        c.execute(OWN)
        c.register("day", pa.table({"as_of": pa.array(sorted(set(days)), pa.date32())}))
        c.register("ahead", pa.table({"horizon": pa.array(sorted(set(horizons)), pa.int32())}))
        converted = ledger.converted("balance_minor", ledger.as_of + timedelta(days=1), currency or _usual(c))
        return c.sql(_BALANCES.replace("$converted", converted)).to_arrow_table().cast(SCHEMA)


def _usual(c: duckdb.DuckDBPyConnection) -> str:
    """The currency of most changes."""
    rows = c.execute(
        "select currency from ledger.change group by currency order by count(*) desc, currency limit 1"
    ).fetchall()
    return str(rows[0][0]) if rows else "USD"
