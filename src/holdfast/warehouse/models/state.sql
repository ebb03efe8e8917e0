-- The states that hold (rules 4, 5), and the MRR of each while it is active (rules 7-10).
--
-- In:  landed_item: one batch of accounts, in the order account, subscription, item, first day, when it was learned
-- Out: state: the same order, one row a state; accounts, subscriptions, items and states are numbered from 1 within the batch.
--      Ids are kept only where they open, which keeps the table narrow.
create or replace temp table state as
with priced as (
    -- what is worked out here is not carried through the windows below as its many parts;
    -- the marks tell one plan, and one discount, from another
    select
        account_id, subscription_id, item_id,
        hash(plan_id, product_id, "interval", interval_count) as plan_mark,
        hash(forever_off_ppm, forever_off_minor) as discount_mark,
        currency::currency_code as currency,
        status::item_status as status,
        quantity,
        case
            when usage_type = 'metered' then 0
            else monthly(
                quantity * unit_amount_minor,
                case when getvariable('forever_discounts') then forever_off_ppm else 0 end, 0, 0,
                case when getvariable('forever_discounts') then forever_off_minor else 0 end,
                month_num("interval"), month_den("interval", interval_count), getvariable('round_down'))
        end as full_minor,
        case source_kind
            when 'billing' then getvariable('gap_days_billing')
            when 'contract' then getvariable('gap_days_contract')
            when 'file' then getvariable('gap_days_file')
            else 0
        end::integer as gap_days,
        valid_from, valid_to, term_end, load_no, source_row, is_special, deleted
    from landed_item
),
neighbours as (
    select
        * exclude (item_id),
        lag(account_id) over () is distinct from account_id as new_account,
        lag(subscription_id) over () is distinct from subscription_id as new_subscription,
        lag(item_id) over () is distinct from item_id as new_item,
        -- the last of several rows with one key was learned last
        lead(valid_from) over () is not distinct from valid_from
        and lead(item_id) over () is not distinct from item_id
        and lead(subscription_id) over () is not distinct from subscription_id
        and lead(account_id) over () is not distinct from account_id as is_superseded
    from priced
),
numbered as (
    select
        *,
        sum(new_account::integer) over (rows unbounded preceding)::integer as account_no,
        sum((new_account or new_subscription)::integer) over (rows unbounded preceding)::integer as subscription_no,
        sum((new_account or new_subscription or new_item)::integer) over (rows unbounded preceding)::integer as item_no
    from neighbours
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
