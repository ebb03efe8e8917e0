-- The company's days and weeks of usage: what was tracked, and what a day weighs. Weeks end on the weekday of the measured days.
-- A day without any usage at all, on a weekday that had some within eight weeks before, was not tracked: no account was idle on it.
--
-- In: usage.usage_total, the variables shift and last_day. Out: company_day, company_week, the macro week_of
create or replace temp macro week_of(d) as (((d) - date '1900-01-01' + getvariable('shift')) // 7)::integer;

create or replace temp table company_day as
with told as (
    select day, sum(events)::double as events from usage.usage_total where day <= getvariable('last_day') group by day having sum(events) > 0
),
every as (
    select unnest(generate_series(min(day), getvariable('last_day')::timestamp, interval 1 day))::date as day from told
),
weighed as (
    select
        every.day,
        any_value(told.events) as events,
        avg(before.events) as expected
    from every
    left join told using (day)
    left join told as before
        on before.day < every.day and before.day >= every.day - 56 and isodow(before.day) = isodow(every.day)
    group by every.day
)
select
    day,
    events is null and expected is not null as is_gap,
    exact(coalesce(expected, events, 0)) as weight,
    count(*) filter (events is null and expected is not null) over (order by day) as gaps_to
from weighed;

-- coverage: what share of a week's usual use its tracked days have; a week under a third of it is not known
create or replace temp table company_week as
select
    *,
    is_whole and coalesce(coverage, 0) >= 0.3 as is_known
from (
    select
        week_of(day) as week_no,
        count(*) = 7 as is_whole,
        sum(weight) filter (not is_gap) / nullif(sum(weight), 0) as coverage,
        count(*) filter (not is_gap) as tracked_days,
        count(*) filter (not is_gap and isodow(day) <= 5) as weekdays,
        count(*) filter (is_gap) as gap_days
    from company_day
    group by week_of(day)
);
