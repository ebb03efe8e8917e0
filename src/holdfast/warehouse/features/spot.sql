-- Who pays on each of the days: one row per entity and day, with its MRR and the attributes of the day.
--
-- In: day, who, ledger.change, ledger.entity, ledger.account, ledger.attribute_change. Out: spot, covered, item_now
create or replace temp table spot as
with balance as (
    select entity_key, as_of, currency, sum(delta_minor)::bigint as balance_minor
    from ledger.change as change join day on change.day <= day.as_of
    group by all
),
mrr as (
    select entity_key, as_of, sum($converted)::bigint as mrr_minor from balance group by all having sum($converted) > 0
)
select who_no, as_of, mrr.entity_key, entity_id as account_id, entity.account_id as holder, mrr_minor, week_of(as_of) as week_no$attributes
from mrr
join who on who.entity_key = mrr.entity_key and who.from_day <= as_of and who.to_day > as_of
join ledger.entity as entity on entity.entity_key = mrr.entity_key
left join ledger.account as account on account.account_id = entity.account_id
$changes;

-- how much of each window of weeks the company tracked
create or replace temp table covered as
select
    as_of,
    count(*) filter (is_whole and back < 1) as whole_1, count(*) filter (is_known and back < 1) as known_1,
    count(*) filter (is_whole and back < 4) as whole_4, count(*) filter (is_known and back < 4) as known_4,
    count(*) filter (is_whole and back < 12) as whole_12, count(*) filter (is_known and back < 12) as known_12,
    count(*) filter (is_whole and back between 4 and 15) as whole_before, count(*) filter (is_known and back between 4 and 15) as known_before,
    count(*) filter (is_whole and back < 26) as whole_26, count(*) filter (is_known and back < 26) as known_26,
    count(*) filter (is_whole and back between 52 and 55) as whole_year, count(*) filter (is_known and back between 52 and 55) as known_year,
    sum(tracked_days) filter (back < 4) as tracked_4, sum(tracked_days) filter (back < 8) as tracked_8,
    sum(gap_days) filter (back < 4) as gaps_4
from (
    select as_of, week_of(as_of) - week_no as back, company_week.*
    from day join company_week on week_no between week_of(as_of) - 55 and week_of(as_of)
)
group by as_of;

-- items in force: what they cost a month, before and after discounts
create or replace temp table item_now as
select
    * exclude (billed),
    billed / months as list_minor,
    greatest(0.0, billed * (1 - forever_off) * (1 - case when repeating_until > as_of then repeating_off else 0 end)
        * (1 - case when once_until > as_of then once_off else 0 end) - forever_off_minor
        - case when repeating_until > as_of then repeating_off_minor else 0 end
        - case when once_until > as_of then once_off_minor else 0 end) / months as net_minor
from (
    select spot.as_of, item.*, unit_minor * quantity as billed
    from spot join known_item as item using (who_no)
    where item.valid_from <= spot.as_of and item.valid_until > spot.as_of and item.status <> 'canceled'
);
