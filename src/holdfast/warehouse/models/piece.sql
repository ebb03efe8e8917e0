-- Pieces (rules 8, 11, 12): states that the policy makes change by themselves, cut at the days on which they do.
-- Few states are special; all others have one value from beginning to end.
--
-- In:  landed_item, state
-- Out: piece (state_no, piece_from, piece_until, mrr_minor, held_minor); edge (state_no and its first and last values)
create or replace temp table special as
with chained as (
    select
        state_no, status, valid_from, touches, is_special,
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
select numbered.state_no, run.run_from, run.state_before
from numbered join run using (run_no);

create or replace temp table piece as
with sourced as (
    select
        special.*,
        state.status, state.valid_from, state.valid_until, landed_item.usage_type,
        landed_item.quantity * landed_item.unit_amount_minor as billing,
        month_num(landed_item."interval") as num,
        month_den(landed_item."interval", landed_item.interval_count) as den,
        case when getvariable('forever_discounts') then landed_item.forever_off_ppm else 0 end as forever_ppm,
        case when getvariable('forever_discounts') then landed_item.forever_off_minor else 0 end as forever_minor,
        case when getvariable('repeating_discounts') then landed_item.repeating_off_ppm else 0 end as repeating_ppm,
        case when getvariable('repeating_discounts') then landed_item.repeating_off_minor else 0 end as repeating_minor,
        case when getvariable('once_discounts') then landed_item.once_off_ppm else 0 end as once_ppm,
        case when getvariable('once_discounts') then landed_item.once_off_minor else 0 end as once_minor,
        coalesce(landed_item.repeating_until, never()) as repeating_until,
        coalesce(landed_item.once_until, never()) as once_until,
        coalesce(landed_item.cancel_requested_on, never()) as clicked_on,
        case state.status
            when 'past_due' then run_from + getvariable('past_due_grace_days')::integer
            when 'paused' then run_from + getvariable('pause_grace_days')::integer
        end as grace_until
    from special
    join state using (state_no)
    join (select * from landed_item where is_special) as landed_item
        on landed_item.load_no = state.load_no and landed_item.source_row = state.source_row
),
cut as (
    select
        *,
        unnest(list_distinct([
            valid_from,
            clamped(repeating_until, valid_from, valid_until),
            clamped(once_until, valid_from, valid_until),
            clamped(clicked_on, valid_from, valid_until),
            clamped(grace_until, valid_from, valid_until)])) as piece_from
    from sourced
),
bounded as (
    select *, coalesce(lead(piece_from) over (partition by state_no order by piece_from), valid_until) as piece_until
    from cut
    where piece_from < valid_until
),
priced as (
    select
        *,
        case when usage_type = 'metered' then 0 else monthly(
            billing,
            forever_ppm,
            case when piece_from < repeating_until then repeating_ppm else 0 end,
            case when piece_from < once_until then once_ppm else 0 end,
            forever_minor
            + case when piece_from < repeating_until then repeating_minor else 0 end
            + case when piece_from < once_until then once_minor else 0 end,
            num, den, getvariable('round_down'))
        end as full_minor
    from bounded
)
select
    state_no, status, piece_from, piece_until, full_minor, state_before, grace_until, clicked_on,
    case
        when getvariable('cancel_at_click') and piece_from >= clicked_on then 0
        when status = 'active' then full_minor
        when status = 'past_due' and getvariable('past_due_counts') and (grace_until is null or piece_from < grace_until) then full_minor
        when status = 'unpaid' and getvariable('unpaid_counts') then full_minor
        else 0
    end as mrr_minor
from priced;

create or replace temp table edge as
select state_no, arg_min(mrr_minor, piece_from) as first_minor, arg_max(mrr_minor, piece_from) as last_minor
from piece
group by state_no;

-- What is on hold: for the days of grace, the MRR the item had right before it was paused.
create or replace temp table held as
select
    piece.state_no, before.currency, piece_from, piece_until, coalesce(edge.last_minor, plain_minor(before.status, before.full_minor)) as held_minor
from piece
join state as before on before.state_no = piece.state_before
left join edge on edge.state_no = piece.state_before
where piece.status = 'paused'
  and (grace_until is null or piece_from < grace_until)
  and coalesce(edge.last_minor, plain_minor(before.status, before.full_minor)) <> 0;
