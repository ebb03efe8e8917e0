-- Rows of several loads in one order, without those that a newer row of the item's whole history supersedes (rule 4).
--
-- In:  $source (the landing files of a batch). Out: landed_row. The module prices says the same in arrays.
create or replace temp table landed_row as
with source as ($source),
whole as (
    select account_id, subscription_id, item_id, max(learned_at) as newest
    from source
    where replaces_item
    group by all
)
select source.* exclude (replaces_item, learned_at)
from source left join whole using (account_id, subscription_id, item_id)
where newest is null or learned_at >= newest
order by account_id, subscription_id, item_id, valid_from, learned_at, load_no, source_row;
