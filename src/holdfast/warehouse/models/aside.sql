-- Beside MRR (rules 11, 12), of special states: trial MRR, MRR on hold, past due, and pending cancellation, as intervals.
--
-- In:  piece, held. Out: aside_of_batch (lane, account_no, subscription_no, currency, from_day, to_day, amount)
-- The module pieces says the same in arrays.
create or replace temp table aside_of_batch as
select 'trial'::lane as lane, account_no, subscription_no, currency, piece_from as from_day, piece_until as to_day, full_minor as amount
from piece where status = 'trialing' and full_minor <> 0
union all
select 'held', account_no, subscription_no, currency, piece_from, piece_until, held_minor
from held
union all
select 'past_due', account_no, subscription_no, currency, piece_from, piece_until, mrr_minor
from piece where status = 'past_due' and mrr_minor <> 0
union all
select 'pending', account_no, subscription_no, currency, piece_from, piece_until, mrr_minor
from piece where piece_from >= clicked_on and mrr_minor <> 0;
