-- Movements (rule 20): each change of a month-end balance, with its kind.
-- month_key = entity × 2^19 + currency × 2^11 + month, so it sorts by entity, currency, month.
--
-- In:  balance, flow. Out: compared, movement_of_batch. The module balances says the same in arrays, of most entities.
create or replace temp table compared as
select
    month_key >> 11 as position,
    (month_key & 2047)::integer as month_no,
    mrr, held,
    case when same then mrr_before else 0 end as mrr_before,
    case when same then held_before else 0 end as held_before,
    -- an earlier month ended above 0
    coalesce(above_key >> 11 = month_key >> 11, false) as has_been,
    -- on hold ever since: never without both after the last month above 0
    coalesce(above_key > coalesce(gone_key, -1) and above_key >> 11 = month_key >> 11, false) as is_there,
    case when fall_key >> 11 = month_key >> 11 then (fall_key & 2047)::integer end as fall_month
from (
    select
        month_key, mrr, held,
        lag(mrr) over () as mrr_before,
        lag(held) over () as held_before,
        coalesce(lag(month_key >> 11) over () = month_key >> 11, false) as same,
        lag(above) over () as above_key,
        lag(gone) over () as gone_key,
        lag(fall) over () as fall_key
    from (
        select
            *,
            max(case when mrr > 0 then month_key end) over (rows unbounded preceding) as above,
            max(case when mrr = 0 and held = 0 then month_key end) over (rows unbounded preceding) as gone,
            max(case when mrr = 0 and mrr_prior > 0 then month_key end) over (rows unbounded preceding) as fall
        from (select *, lag(mrr) over () as mrr_prior from balance)
    )
)
where month_key & 2047 < 2047;

create or replace temp table transfer_month as
select key >> 16 as position, ((key & 65535) >> 5)::integer as month_no, sum(delta)::bigint as amount
from flow
where is_transfer and (key & 65535) < never_code()
group by all
having sum(delta) <> 0;

create or replace temp table movement_of_batch as
with judged as (
    select
        compared.*,
        coalesce(transfer_month.amount, 0) as transfer,
        mrr - mrr_before - coalesce(transfer_month.amount, 0) as organic,
        mrr = 0 and held = 0 and held_before > 0 and (mrr_before > 0 or is_there) and transfer_month.position is null as lapses
    from compared left join transfer_month using (position, month_no)
    where mrr <> mrr_before or held <> held_before or transfer_month.position is not null
)
select
    position, month_no,
    movement_kind(mrr_before, mrr, held_before, held, has_been, is_there, fall_month, month_no, transfer, organic, lapses)::movement_kind as kind,
    organic - case when lapses then held_before else 0 end as amount,
    mrr_before, mrr
from judged
where organic <> 0 or lapses
union all
select position, month_no, 'contraction', held_before, mrr_before, mrr from judged where lapses
union all
select position, month_no, 'transfer', transfer, mrr_before, mrr from judged where transfer <> 0;
