-- Usage: whether it has turned down. Person-days, active people summed over days, swing less than events: each of the account's weeks is
-- held against what the week was to the whole company, which takes the season out, and the last ones against those before.
--
-- In: spot, grid, company_week, account_week, began. Out: usage_turn
--
-- person_days_trend_2w_26w | ratio | - | + | Person-days per week of the last 2 weeks ÷ those of the 24 weeks before, season taken out.
-- person_days_trend_2w_16w | ratio | - | + | Person-days per week of the last 2 weeks ÷ those of the 14 weeks before, season taken out.
-- person_days_since_turn | ratio | - | + | Person-days per week since the likeliest turn for the worse in the last 12 weeks ÷ those before it, season taken out; 1 is no turn.
create or replace temp table usage_turn as
-- what a week was to accounts that had been there for 13: their median person-days ÷ their mean of it and the 12 before;
-- where few accounts tell, as good as any other. What was not tracked of a week is taken out by its coverage
with usual as (
    select week_no, exact(greatest(median(people / mean_13), 0.05)) as level
    from (
        select *, sum(people) over (partition by who_no order by week_no range between 12 preceding and current row) / 13 as mean_13
        from (
            select who_no, week_no, exact(person_days / coverage) as people
            from account_week join company_week using (week_no)
            where is_known
        )
    ) join began using (who_no)
    where week_no >= first_week + 13 and mean_13 > 5
    group by week_no
    having count(*) >= 20
),
looked_at as (
    select who_no, as_of, back, person_days, exact(coalesce(level, 1) * coverage) as level
    from grid
    join spot using (who_no, as_of)
    join company_week on company_week.week_no = spot.week_no - back
    left join usual on usual.week_no = company_week.week_no
    where since_first
),
-- what came since a week, and what before it
split as (
    select
        who_no, as_of, back, person_days, level,
        count(*) over account as weeks,
        sum(person_days) over since as people_since, sum(level) over since as level_since,
        sum(person_days) over account - people_since as people_before, sum(level) over account - level_since as level_before
    from looked_at
    window account as (partition by who_no, as_of), since as (partition by who_no, as_of order by back rows unbounded preceding)
),
-- how much likelier it is that use has fallen since a week than that it never changed, people counted as chance counts
turned as (
    select
        *,
        ((people_since + 0.5) / level_since) / ((people_before + 0.5) / level_before) as ratio,
        people_since * ln(greatest(people_since, 0.5) / level_since) + people_before * ln(greatest(people_before, 0.5) / level_before)
        - (people_since + people_before) * ln(greatest(people_since + people_before, 0.5) / (level_since + level_before)) as gain
    from split
    where level_before > 0
),
told as (
    select
        who_no, as_of, any_value(weeks) as weeks,
        avg(person_days / level) filter (back < 2) as now,
        avg(person_days / level) filter (back >= 2) as before_26,
        avg(person_days / level) filter (back between 2 and 15) as before_16
    from split
    group by who_no, as_of
),
turn as (
    select who_no, as_of, arg_max(ratio, (gain, back)) as ratio
    from turned
    where back < 12 and back < weeks - 5 and ratio < 1
    group by who_no, as_of
)
select
    spot.who_no,
    spot.as_of,
    case when weeks > 8 then (now + 0.5) / (before_26 + 0.5) end as person_days_trend_2w_26w,
    case when weeks > 6 then (now + 0.5) / (before_16 + 0.5) end as person_days_trend_2w_16w,
    case when weeks > 6 then coalesce(turn.ratio, 1) end as person_days_since_turn
from spot left join told using (who_no, as_of) left join turn using (who_no, as_of);
