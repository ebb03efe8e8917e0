-- Usage of accounts that several ids tell of: events of one day are added up; of people no more are counted than one id saw, as
-- the same person may be behind two of them.
--
-- In: told_newest (of each id, day and feature the newest row, with the account that it is), rebuilt. Out: usage_day, usage_total
delete from usage_day using rebuilt where usage_day.account_id = rebuilt.account_id;
delete from usage_total using rebuilt where usage_total.account_id = rebuilt.account_id;

insert into usage_day
select account_id, day, feature, sum(events)::bigint, max(active_users)
from told_newest where feature <> '*'
group by account_id, day, feature
order by account_id, day, feature;

insert into usage_total
with of_id as (
    select
        account_id, told_account_id, day,
        coalesce(sum(events) filter (where feature = '*'), sum(events))::bigint as events,
        case when bool_or(feature = '*') then max(active_users) filter (where feature = '*') else max(active_users) end as active_users,
        bool_or(feature = '*') as is_told
    from told_newest
    group by account_id, told_account_id, day
)
select account_id, day, sum(events)::bigint, max(active_users), bool_or(is_told)
from of_id
group by account_id, day
order by account_id, day;
drop table told_newest;
