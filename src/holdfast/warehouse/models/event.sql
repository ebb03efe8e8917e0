-- Events: the changes by entity and day, in one order, ready to be summed up.
-- key = entity × 2^24 + currency × 2^16 + day; what is not yet due on the as-of day gets the last day of all.
--
-- In:  change_of_batch. Out: event
create or replace temp table event as
select
    (entity_no::bigint << 24) | (enum_code(currency)::bigint << 16)
    | case when day > getvariable('as_of') then never_code() else day_code(day) end as key,
    delta, held_delta, cause, gap_days, day, account_no, subscription_no, item_no, state_no, load_no, source_row
from (
    select *, case when getvariable('grain') = 'subscription' then subscription_no else account_no end as entity_no
    from change_of_batch
)
order by key, cause;
