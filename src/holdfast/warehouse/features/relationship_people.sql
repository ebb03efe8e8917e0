-- Relationship: who is there. A departure counts from the day on which we noticed it; a contact without a first day was always there.
--
-- In: spot, known_contact, known_touch, usage_volume, seats_then, dated, since. Out: relationship_people
--
-- contacts | people | - | 0 | Contacts at the account.
-- champions | people | - | 0 | Champions at the account.
-- champion_left_180d | flag | + | - | Whether a champion's departure was noticed in the last 180 days.
-- champion_unreplaced | flag | + | - | Whether a champion's departure was noticed in the last 365 days and no champion has joined since.
-- days_since_champion_left | days | - | 0 | Days since we last noticed a champion's departure.
-- champion_age_days | days | - | 0 | Days since the champion who is there longest joined.
-- new_champion_180d | flag | 0 | + | Whether a champion joined in the last 180 days, after the account's first 90 days.
-- sponsor_present | flag | - | + | Whether a sponsor is there.
-- sponsor_left_180d | flag | + | - | Whether a sponsor's departure was noticed in the last 180 days.
-- days_since_sponsor_left | days | - | 0 | Days since we last noticed a sponsor's departure.
-- admins | people | - | 0 | Administrators at the account.
-- roles_covered | count | - | 0 | Of champion, sponsor, administrator, user and billing, how many are there.
-- departments | count | - | + | Departments with a contact.
-- new_contacts_90d | people | - | 0 | Contacts who joined in the last 90 days.
-- new_contacts_365d | people | - | 0 | Contacts who joined in the last 365 days.
-- new_departments_90d | count | - | + | Departments whose first contact joined in the last 90 days, after the account's first 90 days.
-- contacts_left_180d | people | + | - | Contacts whose departure was noticed in the last 180 days.
-- contact_turnover_365d | share | + | - | Contacts whose departure was noticed in the last 365 days ÷ all who were there.
-- single_threaded | flag | + | - | Whether at most one champion, sponsor or administrator is there.
-- owner_changed_180d | flag | + | 0 | Whether the account passed to another owner in the last 180 days.
-- days_since_owner_change | days | - | 0 | Days since the account passed to another owner.
-- contacts_per_100_seats | ratio | 0 | 0 | Contacts for each 100 seats.
-- users_per_department | ratio | 0 | 0 | Active people of the last 28 days for each department with a contact.
create or replace temp table relationship_people as
with told as (
    select spot.who_no, spot.as_of, contact.* exclude (who_no), gone_on > spot.as_of as is_there
    from spot join known_contact as contact on contact.who_no = spot.who_no and contact.joined_on <= spot.as_of
),
summed as (
    select
        who_no,
        as_of,
        count(*) filter (is_there) as contacts,
        count(*) filter (is_there and role = 'champion') as champions,
        max(gone_on) filter (not is_there and role = 'champion') as champion_left,
        max(joined_on) filter (is_dated and role = 'champion') as champion_joined,
        min(joined_on) filter (is_dated and is_there and role = 'champion') as champion_since,
        count(*) filter (is_there and role = 'sponsor') as sponsors,
        max(gone_on) filter (not is_there and role = 'sponsor') as sponsor_left,
        count(*) filter (is_there and role = 'admin') as admins,
        count(distinct role) filter (is_there) as roles,
        count(distinct department) filter (is_there) as departments,
        count(*) filter (is_dated and joined_on > as_of - 90) as new_90, count(*) filter (is_dated and joined_on > as_of - 365) as new_365,
        count(*) filter (not is_there and gone_on > as_of - 180) as left_180, count(*) filter (not is_there and gone_on > as_of - 365) as left_365,
        count(*) filter (is_there or gone_on > as_of - 365) as there_365,
        count(*) filter (is_there and role in ('champion', 'sponsor', 'admin')) as threads,
        min(joined_on) as first_joined
    from told
    group by who_no, as_of
),
new_department as (
    select who_no, as_of, count(*) filter (first_on > as_of - 90 and first_on > since_on + 90) as departments
    from (
        select who_no, as_of, department, min(joined_on) as first_on, any_value(since_on) as since_on
        from told join (select who_no, as_of, first_joined as since_on from summed) using (who_no, as_of)
        where department is not null
        group by who_no, as_of, department
    )
    group by who_no, as_of
)
select
    spot.who_no,
    spot.as_of,
    coalesce(contacts, 0) as contacts,
    coalesce(champions, 0) as champions,
    coalesce((champion_left > spot.as_of - 180)::integer, 0) as champion_left_180d,
    coalesce((champion_left > spot.as_of - 365 and coalesce(champion_joined <= champion_left, true))::integer, 0) as champion_unreplaced,
    spot.as_of - champion_left as days_since_champion_left,
    spot.as_of - champion_since as champion_age_days,
    coalesce((champion_joined > spot.as_of - 180 and champion_joined > first_joined + 90)::integer, 0) as new_champion_180d,
    coalesce((sponsors > 0)::integer, 0) as sponsor_present,
    coalesce((sponsor_left > spot.as_of - 180)::integer, 0) as sponsor_left_180d,
    spot.as_of - sponsor_left as days_since_sponsor_left,
    coalesce(admins, 0) as admins,
    coalesce(roles, 0) as roles_covered,
    coalesce(summed.departments, 0) as departments,
    coalesce(new_90, 0) as new_contacts_90d,
    coalesce(new_365, 0) as new_contacts_365d,
    coalesce(new_department.departments, 0) as new_departments_90d,
    coalesce(left_180, 0) as contacts_left_180d,
    left_365 / nullif(there_365, 0)::double as contact_turnover_365d,
    (coalesce(threads, 0) <= 1)::integer as single_threaded,
    coalesce((owner_since > spot.as_of - 180)::integer, 0) as owner_changed_180d,
    spot.as_of - owner_since as days_since_owner_change,
    100 * coalesce(contacts, 0) / nullif(now.seats, 0) as contacts_per_100_seats,
    active_users_28d / nullif(summed.departments, 0) as users_per_department
from spot
join since on since.contacts_from <= spot.as_of
left join summed using (who_no, as_of)
left join new_department using (who_no, as_of)
left join usage_volume using (who_no, as_of)
left join seats_then as now on now.who_no = spot.who_no and now.as_of = spot.as_of and now.back = 0
asof left join (
    select account_id as owned, day as owner_since from ledger.attribute_change where attribute = 'owner' and before is not null
) as handed on handed.owned = spot.holder and handed.owner_since <= spot.as_of;
