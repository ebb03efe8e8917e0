-- Events of accounts that belong to other entities (rule 16): each change goes to the entity of its day, and on the days on which
-- an account passes from one entity to another, what it has passes with it.
--
-- In:  change_of_batch, belongs (account_no, from_day, to_day, entity_no), passage (account_no, day, from_entity, to_entity). Out: event
create or replace temp table event as
with own as (
    select belongs.entity_no, change.*
    from change_of_batch as change join belongs on belongs.account_no = change.account_no and change.day >= belongs.from_day and change.day < belongs.to_day
),
carried as (
    select
        passage.from_entity, passage.to_entity, passage.day, change.currency,
        sum(delta)::bigint as delta, sum(held_delta)::bigint as held_delta
    from passage join change_of_batch as change on change.account_no = passage.account_no and change.day < passage.day
    group by all
    having sum(delta) <> 0 or sum(held_delta) <> 0
),
whole as (
    select entity_no, currency, day, delta, held_delta, cause, gap_days, account_no, subscription_no, item_no, state_no, load_no, source_row from own
    union all
    select from_entity, currency, day, -delta, -held_delta, 'transfer', 0, null, null, null, null, null, null from carried
    union all
    select to_entity, currency, day, delta, held_delta, 'transfer', 0, null, null, null, null, null, null from carried
)
select
    (entity_no::bigint << 24) | (enum_code(currency)::bigint << 16)
    | case when day > getvariable('as_of') then never_code() else day_code(day) end as key,
    * exclude (entity_no, currency)
from whole
order by key, cause;
