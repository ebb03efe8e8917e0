-- Billing: what was bought, at what price, and where the account stands in the book.
--
-- In: spot, item_now, seats_then. Out: billing_items
--
-- discount_share | share | + | 0 | Discounts ÷ list price of the items in force.
-- price_against_plan | ratio | 0 | 0 | Price of a unit after discounts ÷ the median of all paying accounts on the plan, weighed by list price.
-- mrr_per_seat | minor units | 0 | 0 | MRR for each seat.
-- products | count | - | 0 | Different products in force.
-- items | count | - | 0 | Items in force.
-- subscriptions | count | - | 0 | Subscriptions in force.
-- metered_items | count | - | + | Metered items in force.
-- yearly_share | share | - | 0 | Share of the list price that is billed for a year or longer.
-- billing_months | months | - | 0 | Months billed at once, weighed by list price.
-- seats_added_90d | seats | - | + | Seats less those of 90 days before.
-- seats_added_365d | seats | - | + | Seats less those of 365 days before.
-- seats_growth_365d | share | - | + | Change of seats in the last 365 days.
-- mrr_percentile | share | - | 0 | Share of the paying accounts with less MRR.
-- mrr_percentile_in_plan | share | - | 0 | Share of the paying accounts on the same main plan with less MRR.
create or replace temp table billing_items as
with typical as (
    select as_of, plan_id, median(net_minor / quantity) as price
    from item_now
    where quantity > 0 and list_minor > 0 and usage_type = 'licensed' and plan_id is not null
    group by as_of, plan_id
    having count(distinct who_no) >= 3
),
summed as (
    select
        who_no,
        as_of,
        sum(exact(list_minor)) filter (usage_type = 'licensed') as list,
        sum(exact(list_minor) - exact(net_minor)) filter (usage_type = 'licensed') as off,
        sum(exact(list_minor * (net_minor / quantity / price))) filter (price > 0 and quantity > 0 and usage_type = 'licensed') as priced,
        sum(exact(list_minor)) filter (price > 0 and quantity > 0 and usage_type = 'licensed') as priced_list,
        count(distinct product_id) as products,
        count(distinct (subscription_id, item_id)) as items,
        count(distinct subscription_id) as subscriptions,
        count(*) filter (usage_type = 'metered') as metered,
        sum(exact(list_minor)) filter (usage_type = 'licensed' and months >= 12) as yearly,
        sum(exact(list_minor * months)) filter (usage_type = 'licensed') as month_weight,
        arg_max(plan_id, (list_minor, plan_id)) filter (usage_type = 'licensed' and plan_id is not null) as main_plan
    from item_now left join typical using (as_of, plan_id)
    group by who_no, as_of
),
ranked as (
    select
        spot.who_no,
        spot.as_of,
        percent_rank() over (partition by spot.as_of order by mrr_minor) as place,
        case when main_plan is not null then percent_rank() over (partition by spot.as_of, main_plan order by mrr_minor) end as place_in_plan
    from spot left join summed using (who_no, as_of)
)
select
    spot.who_no,
    spot.as_of,
    off / nullif(list, 0) as discount_share,
    priced / nullif(priced_list, 0) as price_against_plan,
    mrr_minor / nullif(now.seats, 0) as mrr_per_seat,
    products,
    items,
    subscriptions,
    metered as metered_items,
    coalesce(yearly, 0) / nullif(list, 0) as yearly_share,
    month_weight / nullif(list, 0) as billing_months,
    now.seats - ago_90.seats as seats_added_90d,
    now.seats - ago_365.seats as seats_added_365d,
    now.seats / nullif(ago_365.seats, 0) - 1 as seats_growth_365d,
    place as mrr_percentile,
    place_in_plan as mrr_percentile_in_plan
from spot
join ranked using (who_no, as_of)
left join summed using (who_no, as_of)
left join seats_then as now on now.who_no = spot.who_no and now.as_of = spot.as_of and now.back = 0
left join seats_then as ago_90 on ago_90.who_no = spot.who_no and ago_90.as_of = spot.as_of and ago_90.back = 90
left join seats_then as ago_365 on ago_365.who_no = spot.who_no and ago_365.as_of = spot.as_of and ago_365.back = 365;
