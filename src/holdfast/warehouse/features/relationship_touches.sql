-- Relationship: what we did with the account, and whether it answered. A reply counts from the day of the touch.
--
-- In: spot, known_touch, known_contact, since. Out: relationship_touches
--
-- days_since_touch | days | + | 0 | Days since anything was done with the account.
-- days_since_talk | days | + | 0 | Days since a call, a meeting or a business review.
-- days_since_review | days | + | 0 | Days since a quarterly business review.
-- days_since_reply | days | + | - | Days since a touch that was replied to.
-- touches_28d | count | - | 0 | Touches of the last 28 days.
-- touches_84d | count | - | 0 | Touches of the last 84 days.
-- touches_change_84d | count | - | 0 | Touches of the last 84 days less those of the 84 days before.
-- replies_84d | count | - | + | Touches of the last 84 days that were replied to.
-- reply_share_180d | share | - | + | Share of the last 180 days' touches that were replied to.
-- reply_share_change_180d | points | - | + | The share replied to in the last 180 days less that of the 180 days before.
-- unanswered_in_a_row | count | + | 0 | Touches since the last reply, at most those of a year.
-- meetings_180d | count | - | + | Meetings and business reviews of the last 180 days.
-- calls_180d | count | - | 0 | Calls of the last 180 days.
-- channels_180d | count | - | 0 | Different ways by which the account was reached in the last 180 days.
-- programmes_180d | count | 0 | 0 | Touches of the last 180 days that belong to a programme.
-- people_touched_180d | people | - | + | Different contacts who were reached in the last 180 days.
-- contacts_touched_share_180d | share | - | + | Share of the contacts there who were reached in the last 180 days.
-- key_people_touched_90d | people | - | + | Champions and sponsors there who were reached in the last 90 days.
-- our_people_180d | people | 0 | 0 | Different people of ours who reached the account in the last 180 days.
create or replace temp table relationship_touches as
with told as (
    select spot.who_no, spot.as_of, touch.* exclude (who_no)
    from spot join known_touch as touch on touch.who_no = spot.who_no and touch.day <= spot.as_of
),
summed as (
    select
        who_no,
        as_of,
        max(day) as last_on,
        max(day) filter (channel in ('call', 'meeting', 'qbr')) as talk_on,
        max(day) filter (channel = 'qbr') as review_on,
        max(day) filter (replied) as reply_on,
        count(*) filter (day > as_of - 28) as n28, count(*) filter (day > as_of - 84) as n84,
        count(*) filter (day <= as_of - 84 and day > as_of - 168) as n84_before,
        count(*) filter (replied and day > as_of - 84) as r84,
        count(*) filter (day > as_of - 180) as n180, count(*) filter (replied and day > as_of - 180) as r180,
        count(*) filter (day <= as_of - 180 and day > as_of - 360) as n180_before,
        count(*) filter (replied and day <= as_of - 180 and day > as_of - 360) as r180_before,
        count(*) filter (channel in ('meeting', 'qbr') and day > as_of - 180) as meetings,
        count(*) filter (channel = 'call' and day > as_of - 180) as calls,
        count(distinct channel) filter (day > as_of - 180) as channels,
        count(*) filter (programme is not null and day > as_of - 180) as programmes,
        count(distinct contact_id) filter (day > as_of - 180) as people,
        count(distinct owner) filter (day > as_of - 180) as owners
    from told
    group by who_no, as_of
),
silent as (
    select who_no, as_of, count(*) as touches
    from told join (select who_no, as_of, reply_on from summed) using (who_no, as_of)
    where day > coalesce(reply_on, date '0001-01-01') and day > as_of - 365
    group by who_no, as_of
),
reached as (
    select
        spot.who_no,
        spot.as_of,
        count(*) as there,
        count(*) filter (touched_on > spot.as_of - 180) as touched,
        count(*) filter (touched_on > spot.as_of - 90 and role in ('champion', 'sponsor')) as key_touched
    from spot
    join known_contact as contact
        on contact.who_no = spot.who_no and contact.joined_on <= spot.as_of and contact.gone_on > spot.as_of
    left join (select who_no, as_of, contact_id, max(day) as touched_on from told where day > as_of - 180 group by all) as touched
        on touched.who_no = spot.who_no and touched.as_of = spot.as_of and touched.contact_id = contact.contact_id
    group by spot.who_no, spot.as_of
)
select
    spot.who_no,
    spot.as_of,
    spot.as_of - last_on as days_since_touch,
    spot.as_of - talk_on as days_since_talk,
    spot.as_of - review_on as days_since_review,
    spot.as_of - reply_on as days_since_reply,
    coalesce(n28, 0) as touches_28d,
    coalesce(n84, 0) as touches_84d,
    coalesce(n84, 0) - coalesce(n84_before, 0) as touches_change_84d,
    coalesce(r84, 0) as replies_84d,
    r180 / nullif(n180, 0)::double as reply_share_180d,
    r180 / nullif(n180, 0)::double - r180_before / nullif(n180_before, 0)::double as reply_share_change_180d,
    coalesce(silent.touches, 0) as unanswered_in_a_row,
    coalesce(meetings, 0) as meetings_180d,
    coalesce(calls, 0) as calls_180d,
    coalesce(channels, 0) as channels_180d,
    coalesce(programmes, 0) as programmes_180d,
    coalesce(people, 0) as people_touched_180d,
    touched / nullif(there, 0)::double as contacts_touched_share_180d,
    coalesce(key_touched, 0) as key_people_touched_90d,
    coalesce(owners, 0) as our_people_180d
from spot
join since on since.touches_from <= spot.as_of
left join summed using (who_no, as_of)
left join silent using (who_no, as_of)
left join reached using (who_no, as_of);
