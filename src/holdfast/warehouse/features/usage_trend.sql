-- Usage: where it goes. Trends compare usual weeks since the first use with each other, so that a new account does not look like growth.
--
-- In: spot, grid, covered, account_week, usage_volume. Out: usage_trend
--
-- events_trend_4w_12w | ratio | - | + | Events per week of the last 4 weeks ÷ those of the last 12.
-- events_trend_1w_4w | ratio | - | + | Events of the last week ÷ events per week of the last 4.
-- events_trend_4w_26w | ratio | - | + | Events per week of the last 4 weeks ÷ those of the last 26.
-- events_trend_against_book | ratio | - | + | The trend of 4 weeks against 12 ÷ the median trend of all paying accounts, which takes the season out.
-- active_users_trend_4w_12w | ratio | - | + | Active people on the busiest day of a week, mean of the last 4 weeks ÷ mean of the last 12.
-- active_users_trend_against_book | ratio | - | + | The trend of active people ÷ the median trend of all paying accounts.
-- active_days_trend_4w_12w | ratio | - | + | Days with use per week, last 4 weeks ÷ last 12.
-- events_change_28d | share | - | + | Change of events from the 28 days before the last 28 to the last 28.
-- users_change_28d | share | - | + | Change of the mean active people from the 4 weeks before the last 4 to the last 4.
-- events_volatility_12w | ratio | + | 0 | Standard deviation of the last 12 weeks' events ÷ their mean.
-- week_on_week_12w | ratio | + | 0 | Mean size of the step from week to week over the last 12 weeks ÷ the mean week.
-- users_volatility_12w | ratio | + | 0 | Standard deviation of the last 12 weeks' active people ÷ their mean.
-- events_slope_4w | share | - | + | Straight line through the last 4 weeks' events: change per week ÷ mean.
-- events_slope_12w | share | - | + | Straight line through the last 12 weeks' events: change per week ÷ mean.
-- events_slope_26w | share | - | + | Straight line through the last 26 weeks' events: change per week ÷ mean.
-- users_slope_12w | share | - | + | Straight line through the last 12 weeks' active people: change per week ÷ mean.
-- quiet_weeks_12w | weeks | + | - | Weeks since the first use without any use, among the last 12.
-- falling_weeks_12w | weeks | + | - | Weeks of the last 12 with less use than the week before.
-- lowest_week_share_12w | share | - | 0 | The quietest of the last 12 weeks ÷ their mean.
-- usage_share_of_peak | share | - | + | Events of the last 28 days ÷ the best 4 weeks of the last year.
-- users_share_of_peak | share | - | + | Active people of the last 28 days ÷ the busiest day of the last year.
-- weeks_since_peak | weeks | + | 0 | Weeks since the end of the best 4 weeks of the last year.
-- events_yoy | ratio | - | + | Events of the last 28 days ÷ those of the same 4 weeks a year before.
create or replace temp table usage_trend as
with stepped as (
    select *, lag(events) over (partition by who_no, as_of order by back desc) as events_before
    from grid
    where since_first
),
summed as (
    select
        who_no,
        as_of,
        count(*) as weeks, count(*) filter (back < 12) as weeks_12, count(*) filter (back < 4) as weeks_4,
        avg(events) filter (back < 1) as e1, avg(events) filter (back < 4) as e4, avg(events) filter (back < 12) as e12, avg(events) as e26,
        avg(events) filter (back between 4 and 7) as e4_before, count(*) filter (back between 4 and 7) as weeks_4_before,
        avg(users) filter (back < 4) as u4, avg(users) filter (back < 12) as u12, avg(users) filter (back between 4 and 7) as u4_before,
        avg(days) filter (back < 4) as d4, avg(days) filter (back < 12) as d12,
        spread(weeks_12, sum(events) filter (back < 12), sum(events * events) filter (back < 12)) as events_sd,
        spread(weeks_12, sum(users) filter (back < 12), sum(users * users) filter (back < 12)) as users_sd,
        slope(weeks_4, sum(-back) filter (back < 4), sum(back * back) filter (back < 4),
            sum(events) filter (back < 4), sum(-back * events) filter (back < 4)) as slope_4,
        slope(weeks_12, sum(-back) filter (back < 12), sum(back * back) filter (back < 12),
            sum(events) filter (back < 12), sum(-back * events) filter (back < 12)) as slope_12,
        slope(weeks, sum(-back), sum(back * back), sum(events), sum(-back * events)) as slope_26,
        slope(weeks_12, sum(-back) filter (back < 12), sum(back * back) filter (back < 12),
            sum(users) filter (back < 12), sum(-back * users) filter (back < 12)) as users_slope,
        avg(abs(events - events_before)) filter (back < 12) as step_12,
        count(*) filter (back < 12 and events = 0) as quiet, count(*) filter (back < 12 and events < events_before) as falling,
        min(events) filter (back < 12) as lowest
    from stepped
    group by who_no, as_of
),
month_sum as (
    select
        who_no, week_no, users,
        sum(events) over (partition by who_no order by week_no range between 3 preceding and current row) as events_4
    from account_week
),
peak as (
    select
        spot.who_no, spot.as_of, max(events_4) as best, max(users) as most,
        spot.week_no - arg_max(month_sum.week_no, (events_4, month_sum.week_no)) as since_best
    from spot join month_sum
        on month_sum.who_no = spot.who_no and month_sum.week_no > spot.week_no - 52 and month_sum.week_no <= spot.week_no
    group by spot.who_no, spot.as_of, spot.week_no
),
year_ago as (
    select spot.who_no, spot.as_of, sum(events) as events
    from spot join account_week
        on account_week.who_no = spot.who_no and account_week.week_no between spot.week_no - 55 and spot.week_no - 52
    group by spot.who_no, spot.as_of
),
told as (
    select
        spot.who_no,
        spot.as_of,
        case when weeks_12 > 4 and e12 > 0 then e4 / e12 end as events_trend_4w_12w,
        case when weeks_4 > 1 and e4 > 0 then e1 / e4 end as events_trend_1w_4w,
        case when weeks > 8 and e26 > 0 then e4 / e26 end as events_trend_4w_26w,
        case when weeks_12 > 4 and u12 > 0 then u4 / u12 end as active_users_trend_4w_12w,
        case when weeks_12 > 4 and d12 > 0 then d4 / d12 end as active_days_trend_4w_12w,
        case when weeks_4_before = 4 and e4_before > 0 then e4 / e4_before - 1 end as events_change_28d,
        case when weeks_4_before = 4 and u4_before > 0 then u4 / u4_before - 1 end as users_change_28d,
        case when weeks_12 > 4 and e12 > 0 then events_sd / e12 end as events_volatility_12w,
        case when weeks_12 > 4 and e12 > 0 then step_12 / e12 end as week_on_week_12w,
        case when weeks_12 > 4 and u12 > 0 then users_sd / u12 end as users_volatility_12w,
        case when weeks_4 = 4 and e4 > 0 then slope_4 / e4 end as events_slope_4w,
        case when weeks_12 > 8 and e12 > 0 then slope_12 / e12 end as events_slope_12w,
        case when weeks > 16 and e26 > 0 then slope_26 / e26 end as events_slope_26w,
        case when weeks_12 > 8 and u12 > 0 then users_slope / u12 end as users_slope_12w,
        case when weeks_12 > 4 then quiet end as quiet_weeks_12w,
        case when weeks_12 > 4 then falling end as falling_weeks_12w,
        case when weeks_12 > 4 and e12 > 0 then lowest / e12 end as lowest_week_share_12w,
        case when whole_26 = 26 and best > 0 then at_most(volume.events_28d / best, 1) end as usage_share_of_peak,
        case when whole_26 = 26 and most > 0 then at_most(volume.active_users_28d / most, 1) end as users_share_of_peak,
        case when whole_26 = 26 then since_best end as weeks_since_peak,
        case when whole_year = 4 and known_year > 0 and year_ago.events > 0
            then volume.events_28d / (year_ago.events * (4.0 / known_year)) end as events_yoy
    from spot
    left join covered using (as_of)
    left join summed using (who_no, as_of)
    left join usage_volume as volume using (who_no, as_of)
    left join peak using (who_no, as_of)
    left join year_ago using (who_no, as_of)
),
book as (
    select as_of, median(events_trend_4w_12w) as events_trend, median(active_users_trend_4w_12w) as users_trend
    from told
    group by as_of
    having count(events_trend_4w_12w) >= 5
)
select
    told.*,
    case when book.events_trend > 0 then events_trend_4w_12w / book.events_trend end as events_trend_against_book,
    case when book.users_trend > 0 then active_users_trend_4w_12w / book.users_trend end as active_users_trend_against_book
from told left join book using (as_of);
