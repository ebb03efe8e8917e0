-- What the other facts say of each account on the as-of day: one row per account in each table.
--
-- In: ticket, touch, contact, limit, item, survey, usage.usage_total. Out: of_ticket, of_touch, of_contact, of_limit, of_item, of_survey, of_usage
create or replace temp table of_ticket as
select account_id, count(*) as open_tickets, count(*) filter (where priority = 'urgent') as urgent_tickets
from ticket
where opened_at < getvariable('until')::timestamp and (closed_at is null or closed_at >= getvariable('until')::timestamp)
group by account_id;

create or replace temp table of_touch as
select account_id, max(happened_at) as last_touch_at
from touch
where happened_at < getvariable('until')::timestamp
group by account_id;

create or replace temp table of_contact as
select account_id, count(*) as contacts, count(*) filter (where role = 'champion') as champions
from contact
where coalesce(joined_on, date '0001-01-01') <= getvariable('as_of') and (left_on is null or left_on > getvariable('as_of'))
group by account_id;

create or replace temp table of_limit as
select account_id, arg_max(allowed, (valid_from, allowed)) as seats_limit
from "limit"
where measure = 'seats' and valid_from <= getvariable('as_of')
group by account_id;

-- seats of a subscription: those of its largest licensed line, beside which add-ons count nothing
create or replace temp table of_item as
with seats as (
    select account_id, subscription_id, max(quantity) as seats
    from item
    where valid_from <= getvariable('as_of') and valid_until > getvariable('as_of')
        and usage_type = 'licensed' and status <> 'canceled'
    group by account_id, subscription_id
)
select account_id, sum(seats)::bigint as seats from seats group by account_id;

create or replace temp table of_survey as
select account_id, arg_max(score, (answered_on, response_id)) as nps, max(answered_on) as nps_on
from survey
where kind = 'nps' and score is not null and answered_on <= getvariable('as_of')
group by account_id;

-- distinct people over several days are not told by counts of days: the busiest day stands for them
create or replace temp table of_usage as
select
    account_id,
    coalesce(max(active_users) filter (where day > getvariable('as_of') - 28), 0) as active_users_28,
    coalesce(max(active_users) filter (where day <= getvariable('as_of') - 28), 0) as active_users_28_before,
    coalesce(sum(events) filter (where day > getvariable('as_of') - 28), 0)::bigint as events_28,
    coalesce(sum(events) filter (where day <= getvariable('as_of') - 28), 0)::bigint as events_28_before
from usage.usage_total
where day > getvariable('as_of') - 56 and day <= getvariable('as_of')
group by account_id;
