-- Special states (rules 8, 11, 12): those that the policy makes change by themselves.
--
-- In:  state. Out: special: the columns of state that pieces are made of; run_from: the first day of the state's chain of states
--      with one status; state_before: the state before that. The module pieces says the same in arrays.
create or replace temp table special as
with chained as (
    select
        account_no, subscription_no, item_no, state_no, currency, gap_days, load_no, source_row,
        status, valid_from, valid_until, touches, is_special,
        lag(status) over () as status_before,
        lag(state_no) over () as state_before
    from state
),
marked as (
    select *, not (touches and status_before is not distinct from status and status in ('past_due', 'paused')) as opens_run
    from chained
    where is_special
),
-- a run is a chain of states of one item with one status; only past due and paused runs matter
numbered as (
    select *, sum(opens_run::integer) over (order by state_no rows unbounded preceding) as run_no from marked
),
run as (
    select run_no, valid_from as run_from, case when touches then state_before end as state_before from numbered where opens_run
)
select numbered.* exclude (touches, is_special, status_before, state_before, opens_run, run_no), run.run_from, run.state_before
from numbered join run using (run_no);
