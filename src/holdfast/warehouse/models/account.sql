-- Accounts: their states as known, the one in force on the as-of day, and each later change of a segment attribute.
--
-- In:  landed_account. Out: account_state (in order), account_now, link_state
create or replace temp table account_state as
with newest as (
    select *
    from landed_account
    qualify row_number() over (partition by account_id, valid_from order by learned_at desc, load_no desc, source_row desc) = 1
)
select *, coalesce(valid_from, date '0001-01-01') as from_day,
    row_number() over (partition by account_id order by valid_from nulls first) as nth,
    count(*) over (partition by account_id) as states
from newest
where coalesce(valid_from, date '0001-01-01') <= getvariable('as_of');

create or replace temp table account_now as
select * exclude (nth, states, load_no, source_row, learned_at)
from account_state
where nth = states;

create or replace temp table link_state as
select account_id, from_day, nullif(merged_into, '') as merged_into, nullif(parent_id, '') as parent_id
from account_state
where account_id in (
    select account_id from account_state
    where nullif(merged_into, '') is not null or (getvariable('grain') = 'parent' and nullif(parent_id, '') is not null));
