-- What a batch gives to the ledger month by month, as views.
--
-- In: movement_of_batch, compared, many, movement_of_many. Out: result_movement, result_left_month
create or replace temp view result_movement as
select
    (position >> 8)::integer as entity_no, position_currency(position) as currency, month_no::smallint as month_no, kind,
    amount::bigint as amount_minor, mrr_before::bigint as opening_minor, mrr::bigint as closing_minor
from movement_of_batch;

-- the months at whose end an entity was gone and after which it still moved: the few that may have come back
create or replace temp view result_left_month as
select (position >> 8)::integer as entity_no, month_no::smallint as month_no
from (select *, lead(position) over () as next_position from compared)
where mrr = 0 and held = 0 and (mrr_before > 0 or (held_before > 0 and is_there)) and next_position = position
  and position >> 8 not in (select entity_no from many)
union all
select distinct (position >> 8)::integer, month_no::smallint from movement_of_many where kind = 'churn';
