-- Usage by week: of each account in all, and by feature for the weeks that are looked at.
--
-- In: usage.usage_total, usage.usage_day, member, records."limit", the variables first_day, last_day. Out: account_week, began,
-- feature_week, seat_week
create or replace temp table account_week as
with counted as (
    select
        account_id,
        week_of(day) as week_no,
        sum(events)::double as events,
        max(active_users)::double as users,
        sum(active_users)::double as person_days,
        count(*) filter (events > 0)::double as days,
        coalesce(sum(events) filter (isodow(day) <= 5), 0)::double as weekday_events,
        coalesce(sum(active_users) filter (isodow(day) <= 5), 0)::double as weekday_person_days,
        max(events)::double as busiest_events,
        min(day) as first_day,
        max(day) as last_day
    from usage.usage_total
    where day <= getvariable('last_day') and events > 0
    group by account_id, week_of(day)
)
select
    who_no,
    week_no,
    sum(events) as events,
    sum(users) as users,
    sum(person_days) as person_days,
    max(days) as days,
    sum(weekday_events) as weekday_events,
    sum(weekday_person_days) as weekday_person_days,
    sum(busiest_events) as busiest_events,
    min(first_day) as first_day,
    max(last_day) as last_day
from counted join member using (account_id)
group by who_no, week_no;

create or replace temp table began as
select who_no, min(first_day) as first_use, min(week_no) as first_week from account_week group by who_no;

create or replace temp table feature_week as
with counted as (
    select account_id, feature, week_of(day) as week_no, sum(events)::double as events
    from usage.usage_day
    where day > getvariable('first_day') - 7 * 26 and day <= getvariable('last_day') and events > 0
    group by account_id, feature, week_of(day)
)
select who_no, feature, week_no, sum(events) as events
from counted join member using (account_id)
group by who_no, feature, week_no;

-- days of a week on which at least 85 of 100 allowed seats were in use
create or replace temp table seat_week as
with allowed as (
    select account_id, valid_from, max(allowed) as allowed from records."limit" where measure = 'seats' group by all
),
near as (
    select total.account_id, week_of(total.day) as week_no, count(*) as days
    from (
        from usage.usage_total
        where day > getvariable('first_day') - 7 * 12 and day <= getvariable('last_day') and active_users > 0
    ) as total
    asof join allowed on allowed.account_id = total.account_id and allowed.valid_from <= total.day
    where total.active_users >= 0.85 * allowed.allowed
    group by all
)
select who_no, week_no, max(days)::double as days from near join member using (account_id) group by who_no, week_no;
