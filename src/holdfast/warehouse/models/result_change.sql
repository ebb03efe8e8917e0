-- The events of a batch as the ledger has them, a view. In: event. Out: result_change
create or replace temp view result_change as
select
    (key >> 24)::integer as entity_no, position_currency(key >> 16) as currency, day, delta as delta_minor, held_delta as held_delta_minor, cause, load_no, source_row,
    null::varchar as account_id
from event;
