-- What a batch gives to the ledger, as views. base: what is added to the batch's entity numbers to make keys.
--
-- In: movement_of_batch, event, compared, many, movement_of_many, aside_of_batch, valued, entity_number. Out: one view per table of the ledger
create or replace temp view result_entity as
select entity_no, entity_id, account_id from entity_number;

create or replace temp view result_movement as
select
    (position >> 8)::integer as entity_no, position_currency(position) as currency, month_no::smallint as month_no, kind,
    amount::bigint as amount_minor, mrr_before::bigint as opening_minor, mrr::bigint as closing_minor
from movement_of_batch;

create or replace temp view result_change as
select
    (key >> 24)::integer as entity_no, position_currency(key >> 16) as currency, day, delta as delta_minor, held_delta as held_delta_minor, cause, load_no, source_row,
    null::varchar as account_id
from event;

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

-- the months at whose end an entity was gone and after which it still moved: the few that may have come back
create or replace temp view result_left_month as
select (position >> 8)::integer as entity_no, month_no::smallint as month_no
from (select *, lead(position) over () as next_position from compared)
where mrr = 0 and held = 0 and (mrr_before > 0 or (held_before > 0 and is_there)) and next_position = position
  and position >> 8 not in (select entity_no from many)
union all
select distinct (position >> 8)::integer, month_no::smallint from movement_of_many where kind = 'churn';

create or replace temp view result_belonging as
select null::varchar as account_id, null::date as from_day, null::date as to_day, null::integer as entity_no where false;
