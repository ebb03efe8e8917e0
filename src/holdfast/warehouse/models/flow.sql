-- The flow into balances: events as they are, or with each day's change spread over what is left of its month (rule 19).
--
-- In:  event. Out: flow (key, delta, held_delta, is_transfer), in order of key
create or replace temp table flow as
with daily as (
    select
        key, sum(delta)::bigint as delta, sum(held_delta)::bigint as held_delta,
        cause = 'transfer' as is_transfer, day_code_month(key & 65535) as month_no, (key & 31) as day_of_month
    from event
    group by key, cause = 'transfer'
),
divided as (
    select
        *,
        case when key & 65535 = never_code() then delta else half_even(
            delta::hugeint * (date_diff('day', month_start(month_no), month_start(month_no + 1)) - day_of_month + 1),
            date_diff('day', month_start(month_no), month_start(month_no + 1))::hugeint)::bigint end as part
    from daily
)
select key, part as delta, held_delta, is_transfer from divided
union all
select
    (key >> 16 << 16)
    | case when (month_no + 1) > getvariable('as_of_month') then never_code() else (month_no + 1) * 32 + 1 end,
    delta - part, 0, is_transfer
from divided
where delta <> part
order by key;
