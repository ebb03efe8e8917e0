-- What the linked accounts give to the ledger besides: what stands beside MRR goes to the entity of the day.
--
-- In: as result, and belongs. Out: the views result_change, result_aside, result_term and result_belonging, replaced
create or replace temp view result_change as
select
    (key >> 24)::integer as entity_no, position_currency(key >> 16) as currency, day, delta as delta_minor, held_delta as held_delta_minor, cause, load_no, source_row,
    account_number.account_id
from event left join account_number using (account_no);

create or replace temp view result_aside as
select
    belongs.entity_no, lane, currency,
    greatest(aside_of_batch.from_day, belongs.from_day) as from_day, least(aside_of_batch.to_day, belongs.to_day) as to_day, amount as amount_minor
from aside_of_batch join belongs
    on belongs.account_no = aside_of_batch.account_no
    and belongs.from_day < aside_of_batch.to_day and belongs.to_day > aside_of_batch.from_day;

create or replace temp view result_term as
select belongs.entity_no, currency, term_end as day, last_minor as amount_minor
from valued join belongs
    on belongs.account_no = valued.account_no and term_end > belongs.from_day and term_end <= belongs.to_day
where term_end > valid_from and term_end <= valid_until and last_minor > 0;

create or replace temp view result_belonging as
select belonging_day.account_id, from_day, to_day, entity_no
from belonging_day join entity_number using (entity_id);
