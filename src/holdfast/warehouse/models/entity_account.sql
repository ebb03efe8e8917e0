-- Entities of a batch, grain account: each account is one.
-- In: state, line_owner. Out: entity_number
create or replace temp table entity_number as
select account_no as entity_no, account_id as entity_id, account_id
from (select account_no, account_id, lag(account_no) over () as account_before from state where account_id is not null)
where account_before is distinct from account_no
union all
select distinct account_no, account_id, account_id from line_owner
where account_no not in (select account_no from state);
