-- Balances (rules 17, 19): what each entity has in each currency at the end of every month in which something changed.
-- Every entity ends at 0 on the last day of all, so one running sum over all rows is each entity's balance.
--
-- In:  flow (key, delta, held_delta, in order of key). Out: balance (month_key = entity × 2^19 + currency × 2^11 + month, mrr, held)
-- The module balances says the same in arrays, of entities with one currency and nothing on hold.
create or replace temp table balance as
select (key >> 5) as month_key, mrr, held
from (
    select
        key,
        sum(delta) over (rows unbounded preceding)::bigint as mrr,
        sum(held_delta) over (rows unbounded preceding)::bigint as held,
        lead(key >> 5) over () as next_month_key
    from flow
)
where next_month_key is distinct from (key >> 5);
