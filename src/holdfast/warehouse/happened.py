"""What happened to each account, day by day, at constant exchange rates: it left, shrank or grew."""

from __future__ import annotations

from datetime import timedelta

import duckdb
import pyarrow as pa

from holdfast.warehouse.features.dictionary import text
from holdfast.warehouse.ledger import Ledger
from holdfast.warehouse.outcomes import OWN
from holdfast.warehouse.sql import literal, run

SCHEMA = pa.schema(
    [("account_id", pa.string()), ("day", pa.date32()), ("kind", pa.string()), ("delta_minor", pa.int64())]
)

_DAYS = """
with moved as (
    select who_no, day, sum($converted)::bigint as delta_minor from own group by all
),
stood as (
    select *, sum(delta_minor) over (partition by who_no order by day) as after_minor from moved where delta_minor <> 0
)
select
    entity.entity_id as account_id,
    day,
    case when after_minor <= 0 then 'churn' when delta_minor < 0 then 'contraction' else 'expansion' end as kind,
    delta_minor::bigint as delta_minor
from stood
join who using (who_no)
join ledger.entity as entity using (entity_key)
where after_minor - delta_minor > 0
order by account_id, day
"""


def happened(ledger: Ledger, currency: str) -> pa.Table:
    """Every day on which an account with MRR lost all of it, lost some, or won more: account, day, kind, amount in `currency`.

    The rates are those of the ledger's as-of day. What passes between linked accounts is none of it.
    """
    with duckdb.connect() as c:
        c.execute("set enable_progress_bar = false")
        c.execute(f"attach {literal(str(ledger.path))} as ledger (read_only)")
        c.execute(f"set variable ledger_as_of = date '{ledger.as_of}'")
        run(c, "macros")
        c.execute(text("who"))
        c.execute(OWN)
        converted = ledger.converted("delta_minor", ledger.as_of + timedelta(days=1), currency)
        return c.sql(_DAYS.replace("$converted", converted)).to_arrow_table().cast(SCHEMA)
