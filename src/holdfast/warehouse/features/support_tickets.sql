-- Support: how much is asked, how badly, and how well we answer. A ticket closed later is open; its rating and its reopenings count
-- from the day on which it was closed. A fault, a bill, a question are told by plain words in subject and text.
--
-- In: spot, known_ticket, since, usage_volume. Out: support_tickets
--
-- tickets_28d | tickets | 0 | 0 | Tickets opened in the last 28 days.
-- tickets_84d | tickets | 0 | 0 | Tickets opened in the last 84 days.
-- tickets_change_84d | tickets | + | 0 | Tickets opened in the last 84 days less those of the 84 days before.
-- ticket_spike_28d | ratio | + | 0 | Tickets of the last 28 days, plus one, ÷ those per 28 days of the half year before, plus one.
-- tickets_per_user_84d | ratio | + | 0 | Tickets of the last 84 days ÷ active people of the last 84 days.
-- ticket_people_84d | people | 0 | 0 | Different people who opened tickets in the last 84 days.
-- days_since_ticket | days | 0 | 0 | Days since the last ticket was opened, within two years.
-- open_tickets | tickets | + | 0 | Tickets open.
-- urgent_open_tickets | tickets | + | 0 | Urgent tickets open.
-- high_open_tickets | tickets | + | 0 | Tickets of high or urgent priority open.
-- unanswered_tickets | tickets | + | 0 | Open tickets that had no first answer yet.
-- oldest_open_days | days | + | 0 | Age of the oldest open ticket; 0 where none is open.
-- oldest_urgent_open_days | days | + | 0 | Age of the oldest urgent open ticket; 0 where none is open.
-- urgent_tickets_84d | tickets | + | 0 | Urgent tickets opened in the last 84 days.
-- high_share_84d | share | + | 0 | Share of the last 84 days' tickets with high or urgent priority.
-- priorities_84d | count | 0 | 0 | Different priorities among the last 84 days' tickets.
-- first_response_hours_84d | hours | + | 0 | Mean hours to our first answer, tickets of the last 84 days that were answered.
-- first_response_against_book | ratio | + | 0 | The mean hours to our first answer ÷ the median of all paying accounts.
-- resolution_hours_84d | hours | 0 | 0 | Mean hours from opening to closing, tickets closed in the last 84 days.
-- resolution_against_book | ratio | 0 | 0 | The mean hours to closing ÷ the median of all paying accounts.
-- reopened_84d | count | + | 0 | How often tickets closed in the last 84 days were reopened.
-- reopened_share_180d | share | 0 | 0 | Share of the tickets closed in the last 180 days that were reopened.
-- fault_tickets_84d | tickets | 0 | 0 | Tickets of the last 84 days that tell of a fault, by plain words.
-- billing_tickets_84d | tickets | + | 0 | Tickets of the last 84 days about bills and prices, by plain words.
-- question_tickets_84d | tickets | 0 | 0 | Tickets of the last 84 days that ask how to do something, by plain words.
-- wish_tickets_84d | tickets | - | + | Tickets of the last 84 days that wish for something new, by plain words.
-- leaving_tickets_180d | tickets | + | - | Tickets of the last 180 days that speak of cancelling or of another product, by plain words.
create or replace temp table support_tickets as
with summed as (
    select
        spot.who_no,
        spot.as_of,
        count(*) filter (opened_on > as_of - 28) as t28, count(*) filter (opened_on > as_of - 84) as t84,
        count(*) filter (opened_on <= as_of - 84 and opened_on > as_of - 168) as t84_before,
        count(*) filter (opened_on <= as_of - 28 and opened_on > as_of - 210) as t182_before,
        count(distinct contact_id) filter (opened_on > as_of - 84) as people,
        max(opened_on) filter (opened_on > as_of - 730) as last_on,
        count(*) filter (is_open) as open_now, count(*) filter (is_open and priority = 'urgent') as urgent_open,
        count(*) filter (is_open and priority in ('urgent', 'high')) as high_open,
        count(*) filter (is_open and (answered_on is null or answered_on > as_of)) as unanswered,
        max(as_of - opened_on) filter (is_open) as oldest, max(as_of - opened_on) filter (is_open and priority = 'urgent') as oldest_urgent,
        count(*) filter (opened_on > as_of - 84 and priority = 'urgent') as urgent_84,
        count(*) filter (opened_on > as_of - 84 and priority in ('urgent', 'high')) as high_84,
        count(distinct priority) filter (opened_on > as_of - 84) as priorities,
        avg(response_hours) filter (opened_on > as_of - 84 and answered_on <= as_of) as response,
        avg(resolution_hours) filter (closed_on <= as_of and closed_on > as_of - 84) as resolution,
        sum(reopened) filter (closed_on <= as_of and closed_on > as_of - 84) as reopened,
        count(*) filter (closed_on <= as_of and closed_on > as_of - 180) as closed_180,
        count(*) filter (closed_on <= as_of and closed_on > as_of - 180 and reopened > 0) as reopened_180,
        count(*) filter (opened_on > as_of - 84 and about_fault) as fault,
        count(*) filter (opened_on > as_of - 84 and about_billing) as billing,
        count(*) filter (opened_on > as_of - 84 and about_use) as question,
        count(*) filter (opened_on > as_of - 84 and about_wish) as wish,
        count(*) filter (opened_on > as_of - 180 and about_leaving) as leaving
    from (
        select spot.who_no, spot.as_of, ticket.* exclude (who_no), closed_on is null or closed_on > spot.as_of as is_open
        from spot join known_ticket as ticket on ticket.who_no = spot.who_no and ticket.opened_on <= spot.as_of
    ) as spot
    group by spot.who_no, spot.as_of
),
book as (
    select as_of, median(response) as response, median(resolution) as resolution
    from summed
    group by as_of
    having count(*) >= 5
)
select
    spot.who_no,
    spot.as_of,
    coalesce(t28, 0) as tickets_28d,
    coalesce(t84, 0) as tickets_84d,
    coalesce(t84, 0) - coalesce(t84_before, 0) as tickets_change_84d,
    (coalesce(t28, 0) + 1) / (coalesce(t182_before, 0) / 6.5 + 1) as ticket_spike_28d,
    coalesce(t84, 0) / nullif(active_users_84d, 0) as tickets_per_user_84d,
    coalesce(people, 0) as ticket_people_84d,
    spot.as_of - last_on as days_since_ticket,
    coalesce(open_now, 0) as open_tickets,
    coalesce(urgent_open, 0) as urgent_open_tickets,
    coalesce(high_open, 0) as high_open_tickets,
    coalesce(unanswered, 0) as unanswered_tickets,
    coalesce(oldest, 0) as oldest_open_days,
    coalesce(oldest_urgent, 0) as oldest_urgent_open_days,
    coalesce(urgent_84, 0) as urgent_tickets_84d,
    high_84 / nullif(t84, 0)::double as high_share_84d,
    coalesce(priorities, 0) as priorities_84d,
    summed.response as first_response_hours_84d,
    summed.response / nullif(book.response, 0) as first_response_against_book,
    summed.resolution as resolution_hours_84d,
    summed.resolution / nullif(book.resolution, 0) as resolution_against_book,
    coalesce(reopened, 0) as reopened_84d,
    reopened_180 / nullif(closed_180, 0)::double as reopened_share_180d,
    coalesce(fault, 0) as fault_tickets_84d,
    coalesce(billing, 0) as billing_tickets_84d,
    coalesce(question, 0) as question_tickets_84d,
    coalesce(wish, 0) as wish_tickets_84d,
    coalesce(leaving, 0) as leaving_tickets_180d
from spot
-- before the company's first ticket nothing is known of support
join since on since.tickets_from <= spot.as_of
left join summed using (who_no, as_of)
left join book using (as_of)
left join usage_volume using (who_no, as_of);
