-- Entities of a batch, grain subscription: each subscription is one, with the attributes of its account.
-- In: state, line_owner. Out: entity_number
create or replace temp table entity_number as
select subscription_no as entity_no, subscription_id as entity_id, account_id
from state
where subscription_id is not null
union all
select subscription_no, subscription_id, account_id from line_owner
where subscription_no not in (select subscription_no from state);
