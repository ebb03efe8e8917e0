-- Billing: what the account pays and how that moved. Amounts are at constant exchange rates: a rate moves nothing.
--
-- In: spot, move, step. Out: billing_mrr
--
-- tenure_days | days | - | 0 | Days since the account first paid.
-- days_since_return | days | - | 0 | Days since the account last came back after paying nothing.
-- reactivations | count | + | 0 | How often the account came back after paying nothing.
-- mrr | minor units | 0 | 0 | MRR in the reporting currency.
-- mrr_change_28d | share | - | 0 | Change of MRR in the last 28 days.
-- mrr_change_90d | share | - | 0 | Change of MRR in the last 90 days.
-- mrr_change_365d | share | - | + | Change of MRR in the last 365 days.
-- mrr_growth_since_start | share | - | + | Change of MRR since the account first paid.
-- mrr_share_of_peak | share | - | + | MRR ÷ the highest the account ever had.
-- contractions_365d | count | + | - | Days of the last 365 on which MRR fell without ending.
-- contractions_ever | count | + | - | Days on which MRR ever fell without ending.
-- expansions_365d | count | - | + | Days of the last 365 on which MRR rose.
-- expansions_ever | count | - | + | Days on which MRR ever rose.
-- days_since_contraction | days | - | 0 | Days since MRR last fell without ending.
-- days_since_expansion | days | 0 | 0 | Days since MRR last rose.
-- days_since_change | days | 0 | 0 | Days since MRR last moved.
-- last_change_share | share | - | + | The last move of MRR ÷ MRR before it.
-- contracted_share_365d | share | + | - | MRR lost by contractions in the last 365 days ÷ MRR before that.
-- expanded_share_365d | share | - | + | MRR won by expansions in the last 365 days ÷ MRR before that.
-- price_rise_365d | share | 0 | 0 | MRR added by prices in the last 365 days ÷ MRR before that.
-- price_rise_90d | share | + | 0 | MRR added by prices in the last 90 days ÷ MRR before that.
-- discount_ended_180d | share | + | 0 | MRR added by discounts that ended in the last 180 days ÷ MRR.
-- plan_changes_365d | count | 0 | + | Changes of plan in the last 365 days.
-- plan_downgrades_365d | count | + | - | Changes to a cheaper plan in the last 365 days.
-- days_since_plan_change | days | 0 | 0 | Days since the plan last changed.
-- pauses_365d | count | + | - | Pauses begun in the last 365 days.
-- add_ons_365d | count | - | + | Items added beside the first in the last 365 days.
create or replace temp table billing_mrr as
with moved as (
    select
        spot.who_no,
        spot.as_of,
        min(day) filter (after >= 0.5) as first_paid,
        max(day) filter (before < 0.5 and after >= 0.5 and nth > 1) as came_back,
        count(*) filter (before < 0.5 and after >= 0.5 and nth > 1) as returns,
        sum(delta) filter (day <= as_of - 28) as then_28,
        sum(delta) filter (day <= as_of - 90) as then_90,
        sum(delta) filter (day <= as_of - 365) as then_365,
        count(*) filter (is_fall and day > as_of - 365) as falls, count(*) filter (is_fall) as falls_ever,
        count(*) filter (is_rise and day > as_of - 365) as rises, count(*) filter (is_rise) as rises_ever,
        max(day) filter (is_fall) as fell_on, max(day) filter (is_rise) as rose_on, max(day) as moved_on,
        arg_max(delta / before, (day, part)) filter (is_fall or is_rise) as last_share,
        sum(delta) filter (is_fall and day > as_of - 365) as lost, sum(delta) filter (is_rise and day > as_of - 365) as won,
        arg_min(after, (day, part)) filter (after >= 0.5) as at_start
    from spot join (
        select *, before >= 0.5 and after >= 0.5 and delta < 0 as is_fall, before >= 0.5 and delta > 0 as is_rise from move
    ) as move on move.who_no = spot.who_no and move.day <= spot.as_of
    group by spot.who_no, spot.as_of
),
height as (
    -- of linked accounts the sum of their heights, which is what they might have had together
    select who_no, as_of, sum(highest) as highest
    from (
        select spot.who_no, spot.as_of, part, max(after) as highest
        from spot join move on move.who_no = spot.who_no and move.day <= spot.as_of
        group by all
    )
    group by who_no, as_of
),
caused as (
    select
        spot.who_no,
        spot.as_of,
        sum(delta) filter (cause = 'price' and day > as_of - 365) as price_365,
        sum(delta) filter (cause = 'price' and day > as_of - 90) as price_90,
        sum(delta) filter (cause = 'discount_end' and day > as_of - 180) as discount_end,
        count(distinct day) filter (cause = 'plan' and day > as_of - 365) as plans,
        count(distinct day) filter (cause = 'plan' and day > as_of - 365 and delta < 0) as downgrades,
        max(day) filter (cause = 'plan') as plan_on,
        count(distinct day) filter (cause = 'pause' and delta < 0 and day > as_of - 365) as pauses,
        count(*) filter (cause in ('add_on', 'cross_sell') and delta > 0 and day > as_of - 365) as add_ons
    from spot join step on step.who_no = spot.who_no and step.day <= spot.as_of
    group by spot.who_no, spot.as_of
)
select
    spot.who_no,
    spot.as_of,
    spot.as_of - first_paid as tenure_days,
    spot.as_of - came_back as days_since_return,
    returns as reactivations,
    mrr_minor as mrr,
    case when then_28 >= 0.5 then mrr_minor / then_28 - 1 end as mrr_change_28d,
    case when then_90 >= 0.5 then mrr_minor / then_90 - 1 end as mrr_change_90d,
    case when then_365 >= 0.5 then mrr_minor / then_365 - 1 end as mrr_change_365d,
    mrr_minor / at_start - 1 as mrr_growth_since_start,
    at_most(mrr_minor / highest, 1) as mrr_share_of_peak,
    falls as contractions_365d,
    falls_ever as contractions_ever,
    rises as expansions_365d,
    rises_ever as expansions_ever,
    spot.as_of - fell_on as days_since_contraction,
    spot.as_of - rose_on as days_since_expansion,
    spot.as_of - moved_on as days_since_change,
    last_share as last_change_share,
    coalesce(-lost, 0) / at_least(year_base, 1) as contracted_share_365d,
    coalesce(won, 0) / at_least(year_base, 1) as expanded_share_365d,
    coalesce(price_365, 0) / at_least(year_base, 1) as price_rise_365d,
    coalesce(price_90, 0) / at_least(case when then_90 >= 0.5 then then_90 else at_start end, 1) as price_rise_90d,
    coalesce(discount_end, 0) / mrr_minor as discount_ended_180d,
    plans as plan_changes_365d,
    downgrades as plan_downgrades_365d,
    spot.as_of - plan_on as days_since_plan_change,
    pauses as pauses_365d,
    add_ons as add_ons_365d
from spot
left join (
    -- what stood before the year; of accounts younger than that, what they began with
    select *, case when then_365 >= 0.5 then then_365 else at_start end as year_base from moved
) as moved using (who_no, as_of)
left join height using (who_no, as_of)
left join caused using (who_no, as_of);
