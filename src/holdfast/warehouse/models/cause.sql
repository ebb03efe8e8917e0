-- Causes that only the neighbours tell: an item that begins on the day another ends is a change of plan; one that begins or ends
-- within a subscription that goes on is an add-on.
--
-- In:  state, event (in order of key, then cause: starts and cancellations of a day lie side by side). Out: event
create or replace temp table switch_day as
select distinct key
from (select key, cause, lag(key) over () as key_before, lag(cause) over () as cause_before from event)
where cause = 'cancel' and cause_before = 'start' and key_before = key and (key & 65535) < never_code();

create or replace temp table several_items as
select distinct subscription_no
from (
    select subscription_no, item_no, lag(subscription_no) over () as subscription_before, lag(item_no) over () as item_before from state)
where subscription_before = subscription_no and item_before <> item_no;

create or replace temp table lasting as
select subscription_no, min(valid_from) as begins, max(valid_until) as ends
from state
where subscription_no in (select subscription_no from several_items)
group by subscription_no;

create or replace temp table told as
select
    event.* replace (
        case
            when cause not in ('start', 'cancel') then cause
            when event.key in (select key from switch_day) then 'plan'::change_cause
            when cause = 'start' and day > begins then 'add_on'::change_cause
            when cause = 'cancel' and day < ends then 'add_on'::change_cause
            else cause
        end as cause)
from event left join lasting using (subscription_no)
order by key;
create or replace temp table event as from told;
