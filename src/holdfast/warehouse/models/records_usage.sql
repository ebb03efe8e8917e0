-- Usage by account, day and feature, and by account and day; the source's own total (`*`) goes before the sum of features.
--
-- In: newest (later). Out: usage_day, usage_total, member, the view total_of_newest
create table usage_day (account_id varchar, day date, feature varchar, events bigint, active_users bigint);
-- is_told: the source told the total itself
create table usage_total (account_id varchar, day date, events bigint, active_users bigint, is_told boolean);
-- accounts that links name, and the ids that tell of their usage
create table member (account_id varchar, told_account_id varchar);
create temp table newest as from usage_day;
create temp view total_of_newest as
select
    account_id, day,
    coalesce(sum(events) filter (where feature = '*'), sum(events))::bigint as events,
    case when bool_or(feature = '*') then max(active_users) filter (where feature = '*') else max(active_users) end as active_users,
    bool_or(feature = '*') as is_told
from newest
group by account_id, day
order by account_id, day;
