-- The weeks that a day looks back on, the empty ones too: use per week as if all of its days had been tracked.
--
-- Columns that are as they were counted: person_days, weekday_*, raw_*, busiest_events.
--
-- In: spot, company_week, account_week, began, feature_week. Out: grid (26 weeks), key_feature, feature_window
create or replace temp table grid as
select
    spot.who_no,
    spot.as_of,
    spot.week_no - company_week.week_no as back,
    company_week.week_no >= began.first_week as since_first,
    round(coalesce(account_week.events, 0) / coverage) as events,
    case when account_week.who_no is null then 0.0 else account_week.users end as users,
    coalesce(account_week.person_days, 0) as person_days,
    exact(coalesce(account_week.days, 0) * 7 / tracked_days) as days,
    coalesce(account_week.days, 0) as raw_days,
    coalesce(account_week.weekday_events, 0) as weekday_events,
    coalesce(account_week.weekday_person_days, 0) as weekday_person_days,
    weekdays,
    coalesce(account_week.events, 0) as raw_events,
    coalesce(account_week.busiest_events, 0) as busiest_events
from spot
join began on began.who_no = spot.who_no and began.first_use <= spot.as_of
join company_week on company_week.week_no between spot.week_no - 25 and spot.week_no and is_known
left join account_week on account_week.who_no = spot.who_no and account_week.week_no = company_week.week_no;

-- events of each feature: per usual week of the last 4, the last 12, and the 12 before the last 4
create or replace temp table feature_window as
select
    spot.who_no,
    spot.as_of,
    feature,
    coalesce(sum(events) filter (feature_week.week_no > spot.week_no - 4), 0) as events_4,
    coalesce(sum(events) filter (feature_week.week_no > spot.week_no - 12), 0) as events_12,
    coalesce(sum(events) filter (feature_week.week_no <= spot.week_no - 4 and feature_week.week_no > spot.week_no - 16), 0) as events_before,
    coalesce(sum(events) filter (feature_week.week_no <= spot.week_no - 16), 0) as events_long_before
from spot join (
    select who_no, feature, week_no, round(events / coverage) as events
    from feature_week join company_week using (week_no)
    where is_known
) as feature_week
    on feature_week.who_no = spot.who_no and feature_week.week_no > spot.week_no - 26 and feature_week.week_no <= spot.week_no
group by spot.who_no, spot.as_of, feature;

create or replace temp table key_feature as
select who_no, as_of, arg_max(feature, (events_before, feature)) as feature
from feature_window
where events_before > 0
group by who_no, as_of;
