-- Entities of linked accounts: where each account belongs, day by day.
-- In: state, line_owner, belonging_day, passage_day. Out: account_number, entity_number, belongs, passage
create or replace temp table account_number as
select distinct account_no, account_id from state where account_id is not null
union
select distinct account_no, account_id from line_owner;

create or replace temp table entity_number as
select row_number() over (order by entity_id)::integer as entity_no, entity_id, entity_id as account_id
from (select distinct entity_id from belonging_day);

create or replace temp table belongs as
select account_no, from_day, to_day, entity_no
from belonging_day join account_number using (account_id) join entity_number using (entity_id);

create or replace temp table passage as
select account_no, passage_day.day, before.entity_no as from_entity, after.entity_no as to_entity
from passage_day
join account_number using (account_id)
join entity_number as before on before.entity_id = passage_day.from_entity_id
join entity_number as after on after.entity_id = passage_day.to_entity_id;
