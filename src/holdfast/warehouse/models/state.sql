-- The states that hold (rules 4, 5), and the MRR of each while it is active (rules 7-10).
--
-- In:  priced
-- Out: state: the same order, one row a state; accounts, subscriptions, items and states are numbered from 1 within the batch.
--      Ids are kept only where they open, which keeps the table narrow. The module states says the same in arrays.
create or replace temp table state as
with numbered as (
    select
        *,
        sum(new_account::integer) over (rows unbounded preceding)::integer as account_no,
        sum(new_subscription::integer) over (rows unbounded preceding)::integer as subscription_no,
        sum(new_item::integer) over (rows unbounded preceding)::integer as item_no
    from priced
),
bounded as (
    select
        *,
        case
            when lead(item_no) over () = item_no then least(coalesce(valid_to, never()), lead(valid_from) over ())
            else coalesce(valid_to, never())
        end as valid_until
    from numbered
    where not is_superseded and not deleted
),
chained as (
    select
        *,
        lag(account_no) over () is distinct from account_no as opens_account,
        lag(subscription_no) over () is distinct from subscription_no as opens_subscription,
        lag(item_no) over () is not distinct from item_no
        and lag(valid_until) over () is not distinct from valid_from as touches,
        lag(currency) over () is distinct from currency as is_other_currency,
        lag(plan_mark) over () is distinct from plan_mark as is_other_plan,
        lag(discount_mark) over () is distinct from discount_mark as is_other_discount,
        lag(quantity) over () as quantity_before
    from bounded
    where valid_until > valid_from
)
select
    account_no,
    subscription_no,
    item_no,
    row_number() over ()::integer as state_no,
    case when opens_account or opens_subscription then account_id end as account_id,
    case when opens_subscription then subscription_id end as subscription_id,
    touches,
    touches and not is_other_currency as follows,
    is_other_plan,
    is_other_discount,
    valid_from,
    valid_until,
    term_end,
    status,
    currency,
    quantity,
    quantity_before,
    full_minor,
    is_special,
    gap_days,
    load_no,
    source_row
from chained;
