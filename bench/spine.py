"""The usual SQL, made correct: customers × months, join what was in force at each month's end, look one row back."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import duckdb

from bench.answers import Answers, run
from holdfast.domain.period import month_no
from holdfast.flows.home import open_home
from holdfast.warehouse.booking import scan

STATES = """
create temp table state as
with told as (
    select * from $items
    qualify row_number() over (
        partition by account_id, subscription_id, item_id, valid_from
        order by learned_at desc, load_no desc, source_row desc) = 1
),
bounded as (
    select
        *,
        least(coalesce(valid_to, date '9999-12-31'), coalesce(
            lead(valid_from) over (partition by account_id, subscription_id, item_id order by valid_from),
            date '9999-12-31')) as valid_until,
        greatest(
            0, quantity * unit_amount_minor * (1000000 - forever_off_ppm) - forever_off_minor * 1000000) as n,
        1000000 * interval_count * case "interval" when 'year' then 12 else 1 end as d
    from told
    where not deleted
)
select
    account_id, currency, valid_from, valid_until,
    n // d + case when 2 * (n % d) > d or (2 * (n % d) = d and (n // d) % 2 = 1) then 1 else 0 end as mrr
from bounded
where valid_until > valid_from and status in ('active', 'past_due') and usage_type = 'licensed'
"""

SPINE = """
create temp table spine as
with customer as (select account_id, any_value(currency) as currency from state group by account_id),
begun as (select (year(min(valid_from)) - 1970) * 12 + month(min(valid_from)) - 1 as month_no from state),
calendar as (
    select
        month_no,
        last_day(make_date((1970 + month_no // 12)::bigint, (1 + month_no % 12)::bigint, 1::bigint)) as month_end
    from (select unnest(range((select month_no from begun), $last + 1)) as month_no)
)
select customer.account_id, customer.currency, month_no, coalesce(sum(mrr), 0)::bigint as mrr
from customer cross join calendar
left join state
on state.account_id = customer.account_id and valid_from <= month_end and valid_until > month_end
group by all
"""

MOVEMENTS = """
create temp table movement as
with compared as (
    select
        *,
        coalesce(lag(mrr) over w, 0) as before,
        coalesce(max(mrr) over (w rows between unbounded preceding and 1 preceding), 0) > 0 as has_been
    from spine
    window w as (partition by account_id order by month_no)
)
select
    account_id, currency, month_no, mrr - before as amount,
    case
        when before = 0 and not has_been then 'new'
        when before = 0 then 'reactivation'
        when mrr = 0 then 'churn'
        when mrr > before then 'expansion'
        else 'contraction'
    end as kind
from compared
where mrr <> before
"""

TOTALS = "select month_no, kind, currency, count(*), sum(amount)::bigint from movement group by all"

NRR = """
with account as (
    select account_id, attributes['segment'] as segment
    from $accounts
    where coalesce(valid_from, date '0001-01-01') <= (date '$as_of' + 1 - interval 12 months)
    qualify row_number() over (
        partition by account_id order by valid_from desc nulls last, learned_at desc, source_row desc) = 1
),
cohort as (
    select
        any_value(currency) as currency, account_id,
        sum(mrr) filter (where month_no = $last - 12) as opening,
        sum(mrr) filter (where month_no = $last) as closing,
        coalesce(min(mrr) filter (where month_no between $last - 11 and $last - 1) = 0, false) as touched
    from spine
    where month_no >= $last - 12
    group by account_id
    having opening > 0
)
select
    segment, currency, count(*), sum(opening)::bigint,
    coalesce(sum(closing - opening) filter (where closing > opening and not touched), 0)::bigint,
    coalesce(
        sum(closing - opening) filter (where closing < opening and closing > 0 and not touched), 0)::bigint,
    coalesce(-sum(opening) filter (where closing = 0 or touched), 0)::bigint,
    coalesce(sum(closing) filter (where touched), 0)::bigint,
    sum(closing)::bigint, sum(least(opening, closing))::bigint, count(*) filter (where closing > 0)
from cohort join account using (account_id)
group by all
"""

COHORTS = """
with first as (select account_id, min(month_no) as first_month from spine where mrr > 0 group by account_id)
select first_month, month_no, currency, count(*) filter (where mrr > 0), sum(mrr)::bigint
from spine join first using (account_id)
where month_no >= first_month
group by all
"""

TRAILING = """
select later.month_no, later.currency, count(*), sum(earlier.mrr)::bigint, sum(later.mrr)::bigint,
    sum(least(earlier.mrr, later.mrr))::bigint
from spine as later join spine as earlier
on earlier.account_id = later.account_id and earlier.month_no = later.month_no - 12
where earlier.mrr > 0
group by all
"""


def answer(folder: Path, answers: Answers) -> None:
    home = open_home(folder)
    as_of = home.settings.as_of
    names = {
        "$items": scan(home.landing.files("subscription_item")),
        "$accounts": scan(home.landing.files("account")),
        "$as_of": as_of,
        "$last": str(month_no(date.fromisoformat(as_of))),
    }
    with duckdb.connect() as c:

        def ask(query: str) -> list[tuple[object, ...]]:
            for name, value in names.items():
                query = query.replace(name, value)
            return c.execute(query).fetchall()

        with answers.stage("book"):
            for query in (STATES, SPINE, MOVEMENTS):
                ask(query)
            answers.movements = ask(TOTALS)
        with answers.stage("nrr"):
            answers.nrr = ask(NRR)
        with answers.stage("cohorts"):
            answers.cohorts = ask(COHORTS)
        with answers.stage("trailing"):
            answers.trailing = ask(TRAILING)


if __name__ == "__main__":
    run(answer)
