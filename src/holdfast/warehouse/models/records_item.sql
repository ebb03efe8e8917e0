-- The states of subscription items that hold (rules 4, 5), each from its first day up to valid_until, one account's together.
--
-- In: $source (landed rows of subscription_item)
with source as (from $source),
whole as (
    select account_id, subscription_id, item_id, max(learned_at) as newest
    from source
    where replaces_item
    group by all
),
holding as (
    select source.*
    from source left join whole using (account_id, subscription_id, item_id)
    where newest is null or learned_at >= newest
    qualify row_number() over (
        partition by account_id, subscription_id, item_id, valid_from order by learned_at desc, load_no desc, source_row desc) = 1
),
bounded as (
    select
        *,
        least(
            coalesce(valid_to, date '9999-12-31'),
            coalesce(
                lead(valid_from) over (partition by account_id, subscription_id, item_id order by valid_from),
                date '9999-12-31')) as valid_until
    from holding
    where not coalesce(deleted, false)
)
select * exclude (replaces_item, deleted, valid_to)
from bounded
where valid_until > valid_from
order by account_id, subscription_id, item_id, valid_from
