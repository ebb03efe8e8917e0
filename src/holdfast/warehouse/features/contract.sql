-- Contract: terms, notice, and what beside MRR is on the way. Shares are weighed by what items cost a month after discounts.
--
-- In: spot, item_now, ledger.aside, ledger.term, rate. Out: contract
--
-- days_to_renewal | days | 0 | 0 | Days to the next end of a term.
-- renewal_in_30d | flag | + | 0 | Whether a term ends within 30 days.
-- renewal_in_90d | flag | + | 0 | Whether a term ends within 90 days.
-- renewal_in_180d | flag | + | 0 | Whether a term ends within 180 days.
-- term_months | months | - | 0 | Length of the longest term as far as it was seen, at least what is billed at once.
-- term_passed_share | share | 0 | 0 | Share of the current term that has passed, as far as it was seen.
-- has_term | flag | - | 0 | Whether any item has a term's end.
-- contracts_ending_90d_share | share | + | 0 | Share of the items' value whose term ends within 90 days.
-- contract_ends | count | 0 | 0 | Different days on which terms end.
-- renewals_past | count | - | 0 | Terms that came to their end before, while the account stayed.
-- days_since_renewal | days | 0 | 0 | Days since the last term came to its end.
-- auto_renew | share | - | 0 | Share of the items' value that renews by itself.
-- cancel_requested | share | + | - | Share of the items' value for which a cancellation was asked for.
-- days_since_cancel_request | days | 0 | 0 | Days since a cancellation was asked for that stands.
-- trial_share | share | 0 | + | What trials would pay ÷ that and MRR.
-- past_due_share | share | + | - | MRR past due ÷ MRR.
-- held_share | share | + | - | MRR on hold ÷ that and MRR.
-- past_due_days | days | + | - | Days since the oldest item went past due.
-- month_of_year_sin | ratio | 0 | 0 | Place of the day in the year, sine.
-- month_of_year_cos | ratio | 0 | 0 | Place of the day in the year, cosine.
create or replace temp table contract as
with summed as (
    select
        who_no,
        as_of,
        min(term_end) filter (term_end > as_of) as ends_on,
        max(greatest(round((term_end - term_seen) / 30.4375), months)) filter (term_end > as_of) as term_months,
        max(months) filter (usage_type = 'licensed') as billed_months,
        min((as_of - term_seen) / (term_end - term_seen)::double) filter (term_end > as_of and term_end > term_seen) as passed,
        count(distinct term_end) filter (term_end > as_of) as ends,
        sum(exact(net_minor)) filter (usage_type = 'licensed') as value,
        sum(exact(net_minor)) filter (usage_type = 'licensed' and term_end > as_of and term_end <= as_of + 90) as ending,
        sum(exact(net_minor)) filter (usage_type = 'licensed' and auto_renew) as renewing,
        count(auto_renew) as told_renewing,
        sum(exact(net_minor)) filter (usage_type = 'licensed' and cancel_requested_on <= as_of) as leaving,
        max(cancel_requested_on) filter (cancel_requested_on <= as_of) as asked_on
    from item_now
    group by who_no, as_of
),
beside as (
    select
        spot.who_no,
        spot.as_of,
        sum(exact(amount_minor * factor)) filter (lane = 'trial') as trial,
        sum(exact(amount_minor * factor)) filter (lane = 'held') as held,
        sum(exact(amount_minor * factor)) filter (lane = 'past_due') as past_due,
        min(from_day) filter (lane = 'past_due') as past_due_from
    from spot
    join ledger.aside as aside on aside.entity_key = spot.entity_key and aside.from_day <= spot.as_of and aside.to_day > spot.as_of
    join rate using (currency)
    group by spot.who_no, spot.as_of
),
ended as (
    select spot.who_no, spot.as_of, count(distinct day) as terms, max(day) as last_on
    from spot join ledger.term as term on term.entity_key = spot.entity_key and term.day <= spot.as_of
    group by spot.who_no, spot.as_of
)
select
    spot.who_no,
    spot.as_of,
    ends_on - spot.as_of as days_to_renewal,
    (coalesce(ends_on, date '9999-12-31') <= spot.as_of + 30)::integer as renewal_in_30d,
    (coalesce(ends_on, date '9999-12-31') <= spot.as_of + 90)::integer as renewal_in_90d,
    (coalesce(ends_on, date '9999-12-31') <= spot.as_of + 180)::integer as renewal_in_180d,
    coalesce(term_months, billed_months) as term_months,
    passed as term_passed_share,
    case when value is not null then (ends_on is not null)::integer end as has_term,
    coalesce(ending, 0) / nullif(value, 0) as contracts_ending_90d_share,
    coalesce(ends, 0) as contract_ends,
    coalesce(terms, 0) as renewals_past,
    spot.as_of - ended.last_on as days_since_renewal,
    case when told_renewing > 0 then coalesce(renewing, 0) / nullif(value, 0) end as auto_renew,
    coalesce(leaving, 0) / nullif(value, 0) as cancel_requested,
    spot.as_of - asked_on as days_since_cancel_request,
    coalesce(trial, 0) / (coalesce(trial, 0) + mrr_minor) as trial_share,
    at_most(coalesce(past_due, 0) / mrr_minor, 1) as past_due_share,
    coalesce(held, 0) / (coalesce(held, 0) + mrr_minor) as held_share,
    coalesce(spot.as_of - past_due_from, 0) as past_due_days,
    round(sin(2 * pi() * (dayofyear(spot.as_of) - 1) / 365.25), 9) as month_of_year_sin,
    round(cos(2 * pi() * (dayofyear(spot.as_of) - 1) / 365.25), 9) as month_of_year_cos
from spot
left join summed using (who_no, as_of)
left join beside using (who_no, as_of)
left join ended using (who_no, as_of);
