-- Refunds (rule 13): an item that ends inside a refunded period ends at that period's beginning.
--
-- In:  landed_line, landed_item, state. Out: state, with earlier ends
create or replace temp table refunded as
with ending as (
    select state_no, valid_until, load_no, source_row
    from (select *, coalesce(lead(touches) over (), false) as is_followed from state)
    where not is_followed and valid_until < never()
)
select state_no, min(period_start) as period_start
from ending
join landed_item using (load_no, source_row)
join landed_line on landed_line.kind = 'refund' and landed_line.account_id = landed_item.account_id
    and (landed_line.item_id = landed_item.item_id
        or (landed_line.item_id is null and landed_line.subscription_id = landed_item.subscription_id))
where period_start < valid_until and valid_until <= period_end
group by state_no;

-- a state that would end before it begins stays, empty: its row may be the one that names account and subscription
create or replace temp table state as
select state.* replace (greatest(valid_from, coalesce(period_start, valid_until)) as valid_until)
from state left join refunded using (state_no)
order by state_no;
