-- Changes: what each state adds to or takes from its item's MRR, on which day, and why.
--
-- In:  state, edge, change_inside. Out: valued; change_of_batch (one row per item, day and cause). The module events says the same in arrays.
create or replace temp table valued as
select
    account_no, subscription_no, item_no, state_no, currency, valid_from, valid_until, term_end, gap_days, status, follows,
    is_other_plan, is_other_discount, quantity, quantity_before, load_no, source_row,
    coalesce(edge.first_minor, plain_minor(status, full_minor)) as first_minor,
    coalesce(edge.last_minor, plain_minor(status, full_minor)) as last_minor
from state left join edge using (state_no);

create or replace temp table change_of_batch as
select * replace (cause::change_cause as cause)
from (
with compared as (
    select
        * exclude (term_end),
        case when follows then lag(last_minor) over () else 0 end as before_minor,
        lag(status) over () as status_before,
        coalesce(not lead(follows) over (), true) as is_last
    from valued
),
-- seats and price moved at once: at the old price first, the rest is price
split as materialized (
    select
        *,
        first_minor - before_minor as delta,
        case
            when follows and before_minor > 0 and first_minor > 0 and not is_other_plan and quantity <> quantity_before and quantity_before > 0
                then share(before_minor, quantity - quantity_before, quantity_before)
            else 0
        end as seats_delta
    from compared
    where first_minor <> before_minor or is_last or quantity <> quantity_before
)
select
    account_no, subscription_no, item_no, state_no, currency, valid_from as day, delta - seats_delta as delta, 0::bigint as held_delta, gap_days,
    case
        when not follows then 'start'
        when status = 'paused' or status_before = 'paused' then 'pause'
        when first_minor = 0 and status in ('past_due', 'unpaid') then 'involuntary'
        when first_minor = 0 and status_before in ('past_due', 'unpaid') then 'involuntary'
        when first_minor = 0 then 'cancel'
        when before_minor = 0 then 'start'
        when is_other_plan then 'plan'
        when is_other_discount then 'discount'
        else 'price'
    end as cause,
    load_no, source_row
from split
where delta <> seats_delta
union all
select account_no, subscription_no, item_no, state_no, currency, valid_from, seats_delta, 0, gap_days, 'seats', load_no, source_row
from split
where seats_delta <> 0
union all
select
    account_no, subscription_no, item_no, state_no, currency, valid_until, -last_minor, 0, gap_days,
    case when status in ('past_due', 'unpaid') then 'involuntary' else 'cancel' end, load_no, source_row
from split
where is_last and last_minor <> 0
union all
select account_no, subscription_no, item_no, state_no, currency, day, delta, held_delta, gap_days, cause, load_no, source_row from change_inside
);
