-- Usage that came later: it takes the place of what was held for its key, and totals of its days are made anew.
--
-- In: newest. Out: usage_day, usage_total
create or replace temp table held_total as
select usage_total.* from usage_total semi join newest using (account_id, day) where is_told;

delete from usage_day using newest
where usage_day.account_id = newest.account_id and usage_day.day = newest.day and usage_day.feature = newest.feature;
delete from usage_total using (select distinct account_id, day from newest) as touched
where usage_total.account_id = touched.account_id and usage_total.day = touched.day;

insert into usage_day select account_id, day, feature, events, active_users from newest where feature <> '*' order by account_id, day, feature;

insert into usage_total
with touched as (select distinct account_id, day from newest),
of_features as (
    select account_id, day, sum(events)::bigint as events, max(active_users) as active_users
    from usage_day semi join touched using (account_id, day)
    group by account_id, day
)
select
    account_id, day,
    case when told.feature is not null then told.events when held.is_told then held.events else of_features.events end as events,
    case when told.feature is not null then told.active_users when held.is_told then held.active_users else of_features.active_users end as active_users,
    told.feature is not null or coalesce(held.is_told, false) as is_told
from touched
left join (select * from newest where feature = '*') as told using (account_id, day)
left join held_total as held using (account_id, day)
left join of_features using (account_id, day)
order by account_id, day;
drop table held_total;
drop table newest;
