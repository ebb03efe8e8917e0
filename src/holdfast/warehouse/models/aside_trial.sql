-- Beside MRR, of all other states: trial MRR.
--
-- In:  state, piece, aside_of_batch. Out: aside_of_batch
insert into aside_of_batch
select 'trial', account_no, subscription_no, currency, valid_from, valid_until, full_minor
from state
where status = 'trialing' and full_minor <> 0 and state_no not in (select state_no from piece);
