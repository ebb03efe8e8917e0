-- Pieces (rules 8, 11, 12): special states, cut at the days on which the policy makes them change by themselves.
-- Few states are special; all others have one value from beginning to end.
--
-- In:  landed_item, state, special
-- Out: piece (one row a piece: state_no, piece_from, piece_until, mrr_minor and what its state is);
--      edge (state_no and its first and last values); held. The module pieces says the same of states of one value, in arrays.
create or replace temp table piece as
with sourced as (
    select
        special.*,
        landed_item.usage_type,
        landed_item.quantity * landed_item.unit_amount_minor as billing,
        month_num(landed_item."interval") as num,
        month_den(landed_item."interval", landed_item.interval_count) as den,
        case when getvariable('forever_discounts') then landed_item.forever_off_ppm else 0 end as forever_ppm,
        case when getvariable('forever_discounts') then landed_item.forever_off_minor else 0 end as forever_minor,
        case when getvariable('repeating_discounts') then landed_item.repeating_off_ppm else 0 end as repeating_ppm,
        case when getvariable('repeating_discounts') then landed_item.repeating_off_minor else 0 end as repeating_minor,
        case when getvariable('once_discounts') then landed_item.once_off_ppm else 0 end as once_ppm,
        case when getvariable('once_discounts') then landed_item.once_off_minor else 0 end as once_minor,
        -- a discount that does not count changes nothing when it ends
        case when getvariable('repeating_discounts') then coalesce(landed_item.repeating_until, never()) else never() end as repeating_until,
        case when getvariable('once_discounts') then coalesce(landed_item.once_until, never()) else never() end as once_until,
        coalesce(landed_item.cancel_requested_on, never()) as clicked_on,
        case special.status
            when 'past_due' then run_from + getvariable('past_due_grace_days')::integer
            when 'paused' then run_from + getvariable('pause_grace_days')::integer
        end as grace_until
    from special
    join (select * from landed_item where is_special) as landed_item
        on landed_item.load_no = special.load_no and landed_item.source_row = special.source_row
),
-- a day of change within the state, which nearly no state has
marked as materialized (
    select
        *,
        (repeating_until > valid_from and repeating_until < valid_until)
        or (once_until > valid_from and once_until < valid_until)
        or (clicked_on > valid_from and clicked_on < valid_until)
        or coalesce(grace_until > valid_from and grace_until < valid_until, false) as is_cut
    from sourced
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
    from marked
    where is_cut
),
bounded as (
    select *, coalesce(lead(piece_from) over (partition by state_no order by piece_from), valid_until) as piece_until
    from cut
    where piece_from < valid_until
    union all
    select *, valid_from as piece_from, valid_until as piece_until
    from marked
    where not is_cut
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
    account_no, subscription_no, item_no, currency, gap_days, load_no, source_row,
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
    piece.account_no, piece.subscription_no, piece.item_no, piece.gap_days, piece.load_no, piece.source_row,
    piece.state_no, before.currency, piece_from, piece_until, coalesce(edge.last_minor, plain_minor(before.status, before.full_minor)) as held_minor
from piece
join state as before on before.state_no = piece.state_before
left join edge on edge.state_no = piece.state_before
where piece.status = 'paused'
  and (grace_until is null or piece_from < grace_until)
  and coalesce(edge.last_minor, plain_minor(before.status, before.full_minor)) <> 0;
