-- Support: how people speak and what they rate. Tone is −1 (angry) to +1 (kind), told by a lexicon (domain/tone.py).
--
-- In: spot, known_ticket, since. Out: support_mood
--
-- satisfaction_180d | points | - | + | Mean rating, 1 to 5, of tickets closed in the last 180 days.
-- satisfaction_change_180d | points | - | + | The mean rating of the last 180 days less that of the 180 days before.
-- bad_ratings_180d | count | + | - | Ratings of 1 or 2 on tickets closed in the last 180 days.
-- last_satisfaction | points | - | + | The last rating given within two years.
-- rated_share_180d | share | - | 0 | Share of the tickets closed in the last 180 days that were rated.
-- tone_84d | points | - | 0 | Mean tone of the last 84 days' tickets.
-- tone_change_84d | points | - | 0 | Mean tone of the last 84 days' tickets less that of the 180 days before.
-- tone_against_book | points | - | 0 | Mean tone of the last 84 days' tickets less the median of all paying accounts.
-- worst_tone_84d | points | 0 | 0 | The tone of the angriest ticket of the last 84 days.
-- angry_tickets_84d | tickets | + | 0 | Tickets of the last 84 days with a tone of −0.4 or below.
-- kind_tickets_84d | tickets | - | 0 | Tickets of the last 84 days with a tone of 0.4 or above.
create or replace temp table support_mood as
with told as (
    select spot.who_no, spot.as_of, ticket.* exclude (who_no), case when closed_on <= spot.as_of then satisfaction end as rating
    from spot join known_ticket as ticket on ticket.who_no = spot.who_no and ticket.opened_on <= spot.as_of
),
summed as (
    select
        who_no,
        as_of,
        avg(rating) filter (closed_on > as_of - 180) as rating_180,
        avg(rating) filter (closed_on <= as_of - 180 and closed_on > as_of - 360) as rating_before,
        count(*) filter (rating <= 2 and closed_on > as_of - 180) as bad,
        arg_max(rating, (closed_on, ticket_id)) filter (rating is not null and closed_on > as_of - 730) as last_rating,
        count(rating) filter (closed_on > as_of - 180) as rated,
        count(*) filter (closed_on <= as_of and closed_on > as_of - 180) as closed,
        avg(tone) filter (opened_on > as_of - 84) as tone_84,
        avg(tone) filter (opened_on <= as_of - 84 and opened_on > as_of - 264) as tone_before,
        min(tone) filter (opened_on > as_of - 84) as worst,
        count(*) filter (opened_on > as_of - 84) as tickets,
        count(*) filter (opened_on > as_of - 84 and tone <= -0.4) as angry,
        count(*) filter (opened_on > as_of - 84 and tone >= 0.4) as kind
    from told
    group by who_no, as_of
),
book as (
    select as_of, median(tone_84) as tone from summed group by as_of having count(tone_84) >= 5
)
select
    spot.who_no,
    spot.as_of,
    rating_180 as satisfaction_180d,
    rating_180 - rating_before as satisfaction_change_180d,
    coalesce(bad, 0) as bad_ratings_180d,
    last_rating as last_satisfaction,
    rated / nullif(closed, 0)::double as rated_share_180d,
    tone_84 as tone_84d,
    tone_84 - tone_before as tone_change_84d,
    tone_84 - book.tone as tone_against_book,
    worst as worst_tone_84d,
    coalesce(angry, 0) as angry_tickets_84d,
    coalesce(kind, 0) as kind_tickets_84d
from spot
join since on since.tickets_from <= spot.as_of
left join summed using (who_no, as_of)
left join book using (as_of);
