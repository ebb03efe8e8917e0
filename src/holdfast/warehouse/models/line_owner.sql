-- The owners of invoice lines, numbered on where an account or subscription has no state.
--
-- In:  landed_line, state. Out: line_owner (account_id, subscription_id, account_no, subscription_no)
create or replace temp table line_owner as
with wanted as (
    select distinct account_id, coalesce(subscription_id, account_id) as subscription_id from landed_line
),
known_account as (select account_id, any_value(account_no) as account_no from state where account_id is not null group by account_id),
known_subscription as (
    select account_id, subscription_id, subscription_no from state where subscription_id is not null
)
select
    wanted.account_id, wanted.subscription_id,
    coalesce(account_no, (select coalesce(max(account_no), 0) from state) + dense_rank() over (order by account_no is not null, wanted.account_id))::integer
        as account_no,
    coalesce(subscription_no, (select coalesce(max(subscription_no), 0) from state)
        + row_number() over (order by subscription_no is not null, wanted.account_id, wanted.subscription_id))::integer as subscription_no
from wanted
left join known_account using (account_id)
left join known_subscription using (account_id, subscription_id);
