-- Changes inside special states, and what is put on hold and taken off again.
--
-- In:  piece, held. Out: change_inside
create or replace temp table change_inside as
select account_no, subscription_no, item_no, state_no, currency, piece_from as day, delta, 0::bigint as held_delta, gap_days, cause, load_no, source_row
from (
    select
        *,
        mrr_minor - lag(mrr_minor) over (partition by state_no order by piece_from) as delta,
        case when status = 'past_due' then 'involuntary' when mrr_minor = 0 then 'cancel' else 'discount_end' end as cause
    from piece
)
where delta <> 0
union all
select account_no, subscription_no, item_no, state_no, currency, piece_from, 0, held_minor, gap_days, 'pause', load_no, source_row
from held
union all
select account_no, subscription_no, item_no, state_no, currency, piece_until, 0, -held_minor, gap_days, 'pause', load_no, source_row
from held;
