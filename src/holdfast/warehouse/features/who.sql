-- Whose facts count together: the accounts of each entity, from a day up to another (rule 16). An account that stands alone is one.
--
-- In: ledger.entity, ledger.belonging. Out: who (who_no: an entity while its accounts are the same), member
create or replace temp table who as
with bound as (
    select entity_key, from_day as day from ledger.belonging union select entity_key, to_day from ledger.belonging
),
span as (
    select entity_key, day as from_day, lead(day) over (partition by entity_key order by day) as to_day from bound
),
spans as (
    select entity_key, from_day, to_day
    from span
    where to_day is not null and exists (
        from ledger.belonging as b
        where b.entity_key = span.entity_key and b.from_day <= span.from_day and b.to_day >= span.to_day)
    union all
    select entity_key, date '0001-01-01', date '9999-12-31'
    from ledger.entity
    where coalesce(account_id, entity_id) not in (select account_id from ledger.belonging)
)
select row_number() over (order by entity_key, from_day)::integer as who_no, entity_key, from_day, to_day from spans;

create or replace temp table member as
select who_no, b.account_id
from who join ledger.belonging as b
    on b.entity_key = who.entity_key and b.from_day <= who.from_day and b.to_day >= who.to_day
union
select who_no, coalesce(entity.account_id, entity.entity_id)
from who join ledger.entity as entity using (entity_key)
where coalesce(entity.account_id, entity.entity_id) not in (select account_id from ledger.belonging);
