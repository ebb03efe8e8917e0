-- Accounts: their states as known, the one in force on the as-of day, and each later change of a segment attribute.
-- Most accounts have one state; only the others are put in order.
--
-- In:  landed_account. Out: account_history (accounts with several states, in order), account_now, link_state
create or replace temp table several as
select account_id from landed_account group by account_id having count(*) > 1;

create or replace temp table account_history as
with newest as (
    select *
    from landed_account
    where account_id in (select account_id from several)
    qualify row_number() over (partition by account_id, valid_from order by learned_at desc, load_no desc, source_row desc) = 1
)
select
    *,
    coalesce(valid_from, date '0001-01-01') as from_day,
    row_number() over (partition by account_id order by valid_from nulls first) as nth,
    count(*) over (partition by account_id) as states
from newest
where coalesce(valid_from, date '0001-01-01') <= getvariable('as_of');

create or replace temp view account_now as
select * from landed_account
where account_id not in (select account_id from several) and coalesce(valid_from, date '0001-01-01') <= getvariable('as_of')
union all by name
select * exclude (nth, states, from_day) from account_history where nth = states;

create or replace temp table link_state as
with state as (
    select account_id, coalesce(valid_from, date '0001-01-01') as from_day, nullif(merged_into, '') as merged_into, nullif(parent_id, '') as parent_id
    from landed_account
    where account_id not in (select account_id from several) and coalesce(valid_from, date '0001-01-01') <= getvariable('as_of')
    union all
    select account_id, from_day, nullif(merged_into, ''), nullif(parent_id, '') from account_history
)
select *
from state
where account_id in (
    select account_id from state
    where merged_into is not null or (getvariable('grain') = 'parent' and parent_id is not null));
