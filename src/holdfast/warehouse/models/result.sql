-- What a batch gives to the ledger besides movements and changes, as views.
--
-- In: aside_of_batch, valued, entity_number. Out: one view per table
create or replace temp view result_entity as
select entity_no, entity_id, account_id from entity_number;

create or replace temp view result_aside as
select
    case when getvariable('grain') = 'subscription' then subscription_no else account_no end as entity_no,
    lane, currency, from_day, to_day, amount as amount_minor
from aside_of_batch;

create or replace temp view result_term as
select
    case when getvariable('grain') = 'subscription' then subscription_no else account_no end as entity_no,
    currency, term_end as day, last_minor as amount_minor
from valued
where term_end > valid_from and term_end <= valid_until and last_minor > 0;

create or replace temp view result_belonging as
select null::varchar as account_id, null::date as from_day, null::date as to_day, null::integer as entity_no where false;
