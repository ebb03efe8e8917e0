-- Item states with their price (rules 7-10), and the marks that tell each from its neighbours.
--
-- In:  landed_item: one batch of accounts, in the order account, subscription, item, first day, when it was learned
-- Out: priced, a view: the same rows. What is worked out here is not carried on as its many parts;
--      plan_mark and discount_mark tell one plan, and one discount, from another.
create or replace temp view priced as
with told as (
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
)
select
    * exclude (item_id),
    lag(account_id) over () is distinct from account_id as new_account,
    lag(account_id) over () is distinct from account_id
    or lag(subscription_id) over () is distinct from subscription_id as new_subscription,
    lag(account_id) over () is distinct from account_id
    or lag(subscription_id) over () is distinct from subscription_id
    or lag(item_id) over () is distinct from item_id as new_item,
    -- the last of several rows with one key was learned last
    lead(valid_from) over () is not distinct from valid_from
    and lead(item_id) over () is not distinct from item_id
    and lead(subscription_id) over () is not distinct from subscription_id
    and lead(account_id) over () is not distinct from account_id as is_superseded
from told;
