-- Usage: how much, by how many, on how many days. Weeks that were not tracked are made up for by those that were; where a window
-- begins before the company tracked anything, or the account was never tracked, nothing is known.
--
-- In: spot, grid, covered, began, account_week, company_day. Out: usage_volume
--
-- events_7d | events | - | + | Events of the last 7 days.
-- events_28d | events | - | + | Events of the last 28 days.
-- events_84d | events | - | + | Events of the last 84 days.
-- active_users_7d | people | - | + | Active people on the busiest of the last 7 days.
-- active_users_28d | people | - | + | Active people on the busiest of the last 28 days.
-- active_users_84d | people | - | + | Active people on the busiest of the last 84 days.
-- mean_users_28d | people | - | + | Active people on an average active day of the last 28 days.
-- active_days_28d | days | - | + | Days with use among the last 28.
-- active_days_84d | days | - | + | Days with use among the last 84.
-- active_weeks_12w | weeks | - | + | Weeks with use among the last 12.
-- days_since_last_use | days | + | - | Tracked days since the last day with use.
-- events_per_user_28d | events | - | + | Events for each active person and day of the last 28 days.
-- events_per_active_day_28d | events | - | + | Events on an average day with use of the last 28 days.
-- weekday_share_28d | share | 0 | 0 | Share of the last 28 days' events that fell on Monday to Friday.
-- busiest_day_share_28d | share | 0 | 0 | Part of the last 28 days' events that fell on the busiest day of each week.
-- used_ever | flag | - | 0 | Whether any use was ever tracked.
-- days_to_first_use | days | + | - | Days from the first paid day to the first use, so far where there is none yet; unknown where use was not tracked then.
-- days_since_first_use | days | - | 0 | Days since the first use that is kept.
-- tracking_gap_days_28d | days | 0 | 0 | Days of the last 28 on which nothing was tracked in the whole company.
create or replace temp table usage_volume as
with summed as (
    select
        who_no,
        as_of,
        coalesce(sum(events) filter (back < 1), 0) as e1, coalesce(sum(events) filter (back < 4), 0) as e4,
        coalesce(sum(events) filter (back < 12), 0) as e12,
        max(users) filter (back < 1) as u1, max(users) filter (back < 4) as u4, max(users) filter (back < 12) as u12,
        sum(person_days) filter (back < 4) as p4,
        sum(days) filter (back < 4) as d4, sum(raw_days) filter (back < 4) as raw_d4, sum(days) filter (back < 12) as d12,
        count(*) filter (back < 12 and days > 0) as w12,
        sum(weekday_events) filter (back < 4) as weekday_4, sum(raw_events) filter (back < 4) as raw_4,
        sum(busiest_events) filter (back < 4) as busiest_4
    from grid
    group by who_no, as_of
),
paid as (
    select who_no, min(day) as first_paid from move where after >= 0.5 group by who_no
),
started as (
    select min(day) as tracked_from from company_day
)
select
    spot.who_no,
    spot.as_of,
    case when whole_1 = 1 and known_1 > 0 then e1 end as events_7d,
    case when whole_4 = 4 and known_4 > 0 then e4 * (4.0 / known_4) end as events_28d,
    case when whole_12 = 12 and known_12 > 3 then e12 * (12.0 / known_12) end as events_84d,
    case when whole_1 = 1 and known_1 > 0 then u1 end as active_users_7d,
    case when whole_4 = 4 and known_4 > 0 then u4 end as active_users_28d,
    case when whole_12 = 12 and known_12 > 3 then u12 end as active_users_84d,
    case when whole_4 = 4 and raw_d4 > 0 then p4 / raw_d4 end as mean_users_28d,
    case when whole_4 = 4 and known_4 > 0 then d4 * (4.0 / known_4) end as active_days_28d,
    case when whole_12 = 12 and known_12 > 3 then d12 * (12.0 / known_12) end as active_days_84d,
    case when whole_12 = 12 and known_12 > 3 then w12 * (12.0 / known_12) end as active_weeks_12w,
    case when last_day is not null then spot.as_of - last_day - (today.gaps_to - last.gaps_to) end as days_since_last_use,
    case when whole_4 = 4 and p4 > 0 then raw_4 / p4 end as events_per_user_28d,
    case when whole_4 = 4 and raw_d4 > 0 then raw_4 / raw_d4 end as events_per_active_day_28d,
    case when whole_4 = 4 and raw_4 > 0 then weekday_4 / raw_4 end as weekday_share_28d,
    case when whole_4 = 4 and raw_4 > 0 then busiest_4 / raw_4 end as busiest_day_share_28d,
    case when began.first_use <= spot.as_of then 1 when tracked_from <= spot.as_of then 0 end as used_ever,
    case when first_paid >= tracked_from and first_paid <= spot.as_of
        then at_least(case when began.first_use <= spot.as_of then began.first_use else spot.as_of end - first_paid, 0) end as days_to_first_use,
    case when began.first_use <= spot.as_of then spot.as_of - began.first_use end as days_since_first_use,
    case when whole_4 > 0 then gaps_4 end as tracking_gap_days_28d
from spot
cross join started
left join summed using (who_no, as_of)
left join covered using (as_of)
left join began using (who_no)
left join paid using (who_no)
asof left join (select who_no as of_who, week_no as of_week, last_day from account_week) as used
    on of_who = spot.who_no and of_week <= spot.week_no
left join company_day as last on last.day = last_day
left join company_day as today on today.day = spot.as_of;
