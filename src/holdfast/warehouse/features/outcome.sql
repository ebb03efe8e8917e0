-- Outcome: the customer's own figures. A value is known when its period is over; measures that should fall are turned about, so that
-- up is good; of several measures the mean is told.
--
-- In: spot, known_outcome. Out: outcome
--
-- outcome_change_90d | share | - | + | Change of the customer's own measures over the last 90 days.
-- outcome_change_365d | share | - | + | Change of the customer's own measures over the last 365 days.
-- outcome_level_against_first | ratio | - | + | The customer's own measures now ÷ their first value.
-- outcome_level_against_best | share | - | + | Distance of the customer's own measures from their best value, 0 is the best.
-- outcome_age_days | days | + | - | Days since the newest value that is known is of.
-- outcome_measures | count | - | + | Measures of the customer's own with a value of the last 180 days.
create or replace temp table outcome as
with told as (
    select
        spot.who_no, spot.as_of, measure,
        arg_max(value, day) as now,
        max(day) as newest,
        arg_max(value, day) filter (day <= spot.as_of - 90 and day > spot.as_of - 270) as then_90,
        arg_max(value, day) filter (day <= spot.as_of - 365 and day > spot.as_of - 545) as then_365,
        arg_min(value, day) as first_value,
        min(day) as first_day,
        max(value) as best
    from spot join known_outcome as known on known.who_no = spot.who_no and known.known_on <= spot.as_of
    group by spot.who_no, spot.as_of, measure
    having max(day) > spot.as_of - 180
)
select
    spot.who_no,
    spot.as_of,
    avg(exact_share((now - then_90) / nullif(abs(then_90), 0))) filter (newest > spot.as_of - 90) as outcome_change_90d,
    avg(exact_share((now - then_365) / nullif(abs(then_365), 0))) as outcome_change_365d,
    1 + avg(exact_share((now - first_value) / nullif(abs(first_value), 0))) filter (newest > first_day) as outcome_level_against_first,
    avg(exact_share((now - best) / nullif(abs(best), 0))) as outcome_level_against_best,
    spot.as_of - max(newest) as outcome_age_days,
    case when max(since.outcomes_from) <= spot.as_of then count(measure) end as outcome_measures
from spot cross join since left join told using (who_no, as_of)
group by spot.who_no, spot.as_of;
