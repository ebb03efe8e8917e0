-- Contract: the deals of the CRM, each in the state that it had on the day.
--
-- In: spot, known_opportunity, item_now, since. Out: contract_deals
--
-- renewal_opportunity_open | flag | - | 0 | Whether a deal for the renewal is open.
-- expansion_opportunity_open | flag | - | + | Whether a deal for an expansion is open.
-- open_opportunity_amount | minor units | - | + | Yearly amounts of the open expansions.
-- open_opportunity_share | share | - | + | Yearly amounts of the open expansions ÷ 12 × MRR.
-- open_opportunities | count | 0 | + | Deals open.
-- opportunity_stage_days | days | + | - | Days that the open deal longest in its stage has been in it.
-- opportunity_slips_365d | count | 0 | 0 | How often in the last 365 days the closing day of a deal was put off.
-- opportunities_won_365d | count | - | + | Expansions and renewals won in the last 365 days.
-- opportunities_lost_365d | count | + | - | Expansions and renewals lost in the last 365 days.
-- renewal_overdue_deals | count | + | - | Open deals whose closing day has passed.
-- renewal_without_deal_90d | flag | + | 0 | Whether a term ends within 90 days and no deal for the renewal is open.
create or replace temp table contract_deals as
with told as (
    select spot.who_no, spot.as_of, deal.* exclude (who_no), changed_next > spot.as_of as is_now
    from spot join known_opportunity as deal on deal.who_no = spot.who_no and deal.changed_on <= spot.as_of
),
summed as (
    select
        who_no,
        as_of,
        count(*) filter (is_open and kind = 'renewal') as renewals,
        count(*) filter (is_open and kind = 'expansion') as expansions,
        sum(round(amount)) filter (is_open and kind = 'expansion') as amount,
        count(*) filter (is_open) as open_now,
        max(as_of - changed_on) filter (is_open) as stage_days,
        count(*) filter (slips and changed_on > as_of - 365) as slips,
        count(*) filter (is_now and is_won and kind <> 'new' and changed_on > as_of - 365) as won,
        count(*) filter (is_now and is_closed and not is_won and kind <> 'new' and changed_on > as_of - 365) as lost,
        count(*) filter (is_open and close_on < as_of) as overdue
    from (select *, is_now and not is_closed as is_open from told)
    group by who_no, as_of
),
ending as (
    select who_no, as_of, bool_or(term_end > as_of and term_end <= as_of + 90) as soon from item_now group by who_no, as_of
)
select
    spot.who_no,
    spot.as_of,
    (coalesce(renewals, 0) > 0)::integer as renewal_opportunity_open,
    (coalesce(expansions, 0) > 0)::integer as expansion_opportunity_open,
    coalesce(amount, 0) as open_opportunity_amount,
    coalesce(amount, 0) / (12.0 * mrr_minor) as open_opportunity_share,
    coalesce(open_now, 0) as open_opportunities,
    stage_days as opportunity_stage_days,
    coalesce(slips, 0) as opportunity_slips_365d,
    coalesce(won, 0) as opportunities_won_365d,
    coalesce(lost, 0) as opportunities_lost_365d,
    coalesce(overdue, 0) as renewal_overdue_deals,
    (coalesce(ending.soon, false) and coalesce(renewals, 0) = 0)::integer as renewal_without_deal_90d
from spot
join since on since.opportunities_from <= spot.as_of
left join summed using (who_no, as_of)
left join ending using (who_no, as_of);
