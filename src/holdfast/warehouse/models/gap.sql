-- Gaps (rule 18): where an entity falls to nothing and is back in time, the changes of the day of the fall are dated to the day
-- of the return.
--
-- In:  event. Out: event, with the moved days; order kept by a new sort
create or replace temp table fall as
with entity_day as (
    select key >> 24 as entity_no, (key & 65535) as code, min(day) as day, sum(delta) as delta, sum(held_delta) as held_delta, max(gap_days) as gap_days
    from event
    group by all
),
summed as (
    select
        *,
        sum(delta) over entity as mrr,
        sum(held_delta) over entity as held
    from entity_day
    window entity as (partition by entity_no order by code rows unbounded preceding)
),
back as (
    select
        *,
        first_value(case when mrr > 0 then code end ignore nulls) over later_days as next_code,
        first_value(case when mrr > 0 then day end ignore nulls) over later_days as next_day
    from summed
    window later_days as (partition by entity_no order by code rows between 1 following and unbounded following)
)
select entity_no, code, next_code, next_day
from back
where mrr = 0 and held = 0 and delta < 0 and next_code < never_code() and date_diff('day', day, next_day) <= gap_days;

create or replace temp table event as
select
    case when fall.entity_no is null then key else (key >> 16 << 16) | fall.next_code end as key,
    delta, held_delta, cause, gap_days, coalesce(fall.next_day, day) as day, account_no, subscription_no, item_no, state_no, load_no, source_row
from event left join fall on fall.entity_no = key >> 24 and fall.code = (key & 65535)
    -- what passes from entity to entity keeps its day, or both would have it
    and cause <> 'transfer'
order by 1, cause;
