"""Plain measurements over the demo company's rows, by the rules of docs/definitions.md, not by the ledger."""

from __future__ import annotations

from datetime import date

import duckdb
import pyarrow as pa

from holdfast.sources.demo import World, generate
from holdfast.sources.demo.hidden import whale

#: MRR of each account just before a day, in its currency; on hold where paused for less than 90 days.
BALANCES = """
with held as (
    select * from item
    qualify row_number() over (partition by item_id, valid_from order by learned_at desc) = 1
), states as (
    select *, least(valid_to, lead(valid_from) over (partition by item_id order by valid_from)) as until
    from held
), at_day as (
    select account_id, currency,
        case when usage_type = 'metered' or status not in ('active', 'past_due') then 0 else
        round(greatest(quantity * unit_amount_minor * (1 - forever_off_ppm / 1e6) - forever_off_minor, 0)
            / (interval_count * case "interval" when 'year' then 12 else 1 end)) end as minor,
        status = 'paused' and $day - valid_from <= 90 and usage_type = 'licensed'
            and forever_off_ppm < 1000000 as hold
    from states where valid_from < $day and (until is null or until >= $day)
)
select account_id, currency, sum(minor) as minor, bool_or(hold) as hold from at_day group by all
"""

RETENTION = """
with merged as (select account_id, max(merged_into) as into_id from account where valid_from < $end
                group by all having max(merged_into) is not null),
rates as (select currency, last(rate order by day) as rate from fx_rate
          where quote = 'USD' and day < $start group by all union all select 'USD', 1.0),
opening as (select coalesce(into_id, account_id) as id, sum(minor * rate) as mrr
            from opened left join merged using (account_id) join rates using (currency) group by all),
closing as (select coalesce(into_id, account_id) as id, sum(minor * rate) as mrr, bool_or(hold) as hold
            from closed left join merged using (account_id) join rates using (currency) group by all),
kind as (select account_id as id, first(attributes['segment'] order by valid_from desc) as segment,
                first(attributes order by valid_from desc) as attributes
         from account where valid_from is null or valid_from < $start group by all)
select kind.segment, kind.attributes, o.id, o.mrr as opening, coalesce(c.mrr, 0) as closing,
       coalesce(c.mrr > 0 or c.hold, false) as kept
from opening o join kind using (id) left join closing c using (id) where o.mrr > 0
"""


class Book:
    """Tables of a world in an in-memory DuckDB."""

    def __init__(self, world: World) -> None:
        parts: dict[str, list[pa.Table]] = {}
        for name, table in generate(world):
            parts.setdefault(name, []).append(table)
        self.world = world
        self.tables = {name: pa.concat_tables(tables) for name, tables in parts.items()}
        self.sql = duckdb.connect()
        for name, table in self.tables.items():
            self.sql.register("item" if name == "subscription_item" else name, table)

    def window(self, start: date, end: date) -> None:
        """The table `kept`: opening and closing of each account of the cohort."""
        self.sql.execute(f"create or replace temp table opened as {BALANCES}", {"day": start})
        self.sql.execute(f"create or replace temp table closed as {BALANCES}", {"day": end})
        self.sql.execute(f"create or replace temp table kept as {RETENTION}", {"start": start, "end": end})

    def retention(self, where: str = "true") -> tuple[float, float, float, int]:
        """NRR, GRR, logo retention and the number of accounts, of the window."""
        row = self.one(f"""select sum(closing) / sum(opening), sum(least(opening, closing)) / sum(opening),
                       avg(kept::int), count(*) from kept where {where}""")
        return float(row[0]), float(row[1]), float(row[2]), int(row[3])

    def one(self, query: str) -> tuple[float, ...]:
        row: tuple[float, ...] = self.sql.execute(query).fetchall()[0]
        return row

    # --- what happened to whom ------------------------------------------------------------------------------

    def add_hidden(self, table: pa.Table) -> None:
        self.sql.register("hidden_rows", table)
        self.sql.execute("create or replace temp table hidden as select * from hidden_rows")

    def churn_share(self, where: str) -> float:
        """Part of the departures for which `where` holds."""
        return float(self.one(f"select avg(({where})::int) from hidden where churned")[0])

    def growth(self, near: bool) -> float:
        """Share of account-months, near a limit or not, followed within 90 days by growth (no renewal)."""
        self.sql.execute("""create or replace temp table grown as
            with s as (select distinct account_id, item_id, valid_from, quantity, plan_id, term_end,
                              usage_type, status, unit_amount_minor from item),
            c as (select *, lag(quantity) over w as q, lag(unit_amount_minor) over w as u,
                         lag(status) over w as st, lag(term_end) over w as te, lag(plan_id) over w as p,
                         min(valid_from) over (partition by account_id) as first
                  from s window w as (partition by item_id order by valid_from))
            select account_id, valid_from as day from c
            where status = 'active' and usage_type = 'licensed' and (
                (q is null and valid_from > first + 40 and right(item_id, 1) in ('1', '2', '3', '5'))
                or (quantity > q and unit_amount_minor = u and st = 'active'
                    and te is distinct from valid_from)
                or (p <> plan_id and unit_amount_minor > u and st = 'active'))""")
        return float(
            self.one(f"""select avg(hit) from (select exists (select 1 from grown g
              where g.account_id = h.account_id and g.day >= h.month and g.day < h.month + 90)::int as hit
            from hidden h where (near_months >= 2) = {near}
              and h.month < (select max(month) from hidden) - 90)""")[0]
        )

    def programme(self, name: str, segment: str, months: int = 6) -> float:
        """Departures within six months of enrolment: treated ÷ holdout."""
        query = f"""
            with e as (select account_id, date_trunc('month', happened_at)::date as month, arm from touch
                       where programme = '{name}' and happened_at < $last),
            k as (select account_id, first(segment) as segment from hidden group by all),
            o as (select arm, exists (select 1 from hidden h where h.account_id = e.account_id and h.churned
                    and h.month >= e.month and h.month < e.month + interval {months} month)::int as lost
                  from e join k using (account_id) where {segment})
            select arm, avg(lost) from o group by all"""
        rows = dict(self.sql.execute(query, {"last": self._months_before_end(months)}).fetchall())
        return float(rows["treated"] / rows["holdout"])

    def naive(self, name: str, segment: str) -> float:
        """What a plain comparison says: monthly departures of the touched in six months ÷ of all others."""
        return float(
            self.one(f"""
            with e as (select account_id, date_trunc('month', happened_at)::date as month from touch
                       where programme = '{name}' and arm = 'treated'),
            m as (select churned::int as lost, exists (select 1 from e where e.account_id = h.account_id
                    and h.month >= e.month and h.month < e.month + interval 6 month) as touched
                  from hidden h where {segment})
            select avg(lost) filter (touched) / avg(lost) filter (not touched) from m""")[0]
        )

    def whale(self) -> str:
        return whale(self.world)

    def _months_before_end(self, months: int) -> date:
        month = self.world.end.year * 12 + self.world.end.month - 1 - months
        return date(month // 12, month % 12 + 1, 1)
