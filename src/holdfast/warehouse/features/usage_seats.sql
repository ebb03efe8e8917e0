-- Usage: against what was bought and what the plan allows. Seats of a subscription are those of its largest licensed item.
--
-- In: spot, item_now, known_item, records."limit", usage_volume, grid, seat_week, covered. Out: usage_seats, seats_then
--
-- seats | seats | 0 | 0 | Seats bought: of each subscription those of its largest licensed item.
-- seats_limit | seats | 0 | 0 | Seats that the plan allows.
-- seat_use_share_28d | share | - | + | Active people of the last 28 days ÷ seats.
-- seat_use_share_84d | share | - | + | Active people of the last 84 days ÷ seats.
-- seat_use_weekday_28d | share | - | + | Active people on the average tracked Monday to Friday of the last 28 days ÷ seats.
-- seat_use_change_28d | points | - | + | Active people ÷ seats, mean of the last 4 weeks less that of the 8 weeks before.
-- seats_unused_28d | seats | + | - | Seats beyond the active people of the last 28 days.
-- limit_use_share_28d | share | - | + | The fullest of the plan's limits: active people ÷ seats allowed, or a month's events ÷ events allowed.
-- event_limit_use_share_28d | share | - | + | Events of the last 28 days, as a month's, ÷ the events a month that the plan allows.
-- limit_days_85_56d | days | - | + | Days of the last 56 on which at least 85 % of the allowed seats were in use.
-- limit_days_85_28d | days | - | + | Days of the last 28 on which at least 85 % of the allowed seats were in use.
-- events_per_seat_28d | events | - | + | Events of the last 28 days for each seat.
create or replace temp table seats_then as
select who_no, as_of, back, sum(seats)::double as seats
from (
    select spot.who_no, spot.as_of, ago.back, item.subscription_id, max(item.quantity) as seats
    from spot cross join (values (0), (90), (365)) as ago(back)
    join known_item as item on item.who_no = spot.who_no
        and item.valid_from <= spot.as_of - ago.back and item.valid_until > spot.as_of - ago.back
    where item.usage_type = 'licensed' and item.status <> 'canceled'
    group by all
)
group by who_no, as_of, back;

create or replace temp table usage_seats as
with allowed as (
    select spot.who_no, spot.as_of, measure, sum(allowed)::double as allowed
    from (
        select spot.who_no, spot.as_of, account_id, measure, arg_max(allowed, (valid_from, allowed)) as allowed
        from (select who_no, as_of from spot) as spot join member using (who_no) join records."limit" as plan using (account_id)
        where plan.valid_from <= spot.as_of and measure in ('seats', 'events')
        group by all
    ) as spot
    group by all
),
weekly as (
    select
        who_no, as_of, avg(users) filter (back < 4) as u4, avg(users) filter (back between 4 and 11) as u8,
        sum(weekday_person_days) filter (back < 4) / nullif(sum(weekdays) filter (back < 4), 0) as weekday_users
    from grid
    where since_first
    group by who_no, as_of
),
full_days as (
    select spot.who_no, spot.as_of, sum(days) as near_8, sum(days) filter (seat_week.week_no > spot.week_no - 4) as near_4
    from spot join seat_week
        on seat_week.who_no = spot.who_no and seat_week.week_no > spot.week_no - 8 and seat_week.week_no <= spot.week_no
    group by spot.who_no, spot.as_of
),
told as (
    select
        spot.who_no,
        spot.as_of,
        seats_then.seats,
        seat.allowed as seats_limit,
        active_users_28d / nullif(coalesce(seat.allowed, seats_then.seats), 0) as seat_limit_share,
        -- a limit on events is one for a month
        events_28d * (30.4375 / 28) / nullif(event.allowed, 0) as event_limit_share,
        active_users_28d, active_users_84d, events_28d, u4, u8, weekday_users, near_4, near_8, whole_12, tracked_4, tracked_8
    from spot
    left join covered using (as_of)
    left join usage_volume using (who_no, as_of)
    left join seats_then on seats_then.who_no = spot.who_no and seats_then.as_of = spot.as_of and seats_then.back = 0
    left join allowed as seat on seat.who_no = spot.who_no and seat.as_of = spot.as_of and seat.measure = 'seats'
    left join allowed as event on event.who_no = spot.who_no and event.as_of = spot.as_of and event.measure = 'events'
    left join weekly on weekly.who_no = spot.who_no and weekly.as_of = spot.as_of
    left join full_days on full_days.who_no = spot.who_no and full_days.as_of = spot.as_of
)
select
    who_no,
    as_of,
    seats,
    seats_limit,
    active_users_28d / nullif(seats, 0) as seat_use_share_28d,
    active_users_84d / nullif(seats, 0) as seat_use_share_84d,
    weekday_users / nullif(seats, 0) as seat_use_weekday_28d,
    (u4 - u8) / nullif(seats, 0) as seat_use_change_28d,
    at_least(seats - active_users_28d, 0) as seats_unused_28d,
    case when seat_limit_share is null then event_limit_share when event_limit_share is null then seat_limit_share
        else greatest(seat_limit_share, event_limit_share) end as limit_use_share_28d,
    event_limit_share as event_limit_use_share_28d,
    case when seats_limit is not null and active_users_28d is not null and whole_12 >= 8 and tracked_8 > 0
        then coalesce(near_8, 0) * (56.0 / tracked_8) end as limit_days_85_56d,
    case when seats_limit is not null and active_users_28d is not null and tracked_4 > 0
        then coalesce(near_4, 0) * (28.0 / tracked_4) end as limit_days_85_28d,
    events_28d / nullif(seats, 0) as events_per_seat_28d
from told;
