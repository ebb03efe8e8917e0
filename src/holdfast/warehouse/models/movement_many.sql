-- Entities with several currencies (rule 20): they are new, gone or back only when they are so in every currency.
-- The few rows of such entities replace those of movement.
--
-- In:  compared, transfer_month, movement_of_batch. Out: movement_of_batch, corrected
create or replace temp table many as
select distinct position >> 8 as entity_no
from (select position, lag(position) over () as position_before from compared)
where position_before >> 8 = position >> 8 and position_before <> position;

create or replace temp table movement_of_many as
with own as (
    select compared.*, position >> 8 as entity_no
    from compared
    where position >> 8 in (select entity_no from many)
),
grid as (
    select entity_no, month_no, position
    from (select distinct entity_no, month_no from own) join (select distinct entity_no, position from own) using (entity_no)
),
filled as (
    select
        grid.entity_no, grid.month_no, grid.position,
        coalesce(own.mrr, 0) as mrr, coalesce(own.held, 0) as held
    from grid asof left join own on own.position = grid.position and own.month_no <= grid.month_no
),
moved as (
    select
        filled.*,
        coalesce(lag(mrr) over (partition by filled.position order by filled.month_no), 0) as mrr_before,
        coalesce(lag(held) over (partition by filled.position order by filled.month_no), 0) as held_before,
        coalesce(transfer_month.amount, 0) as transfer
    from filled left join transfer_month using (position, month_no)
),
entity_month as (
    select
        entity_no, month_no,
        sum(mrr) as all_mrr, sum(held) as all_held, sum(mrr_before) as all_mrr_before, sum(held_before) as all_held_before,
        bool_or(transfer <> 0) as any_transfer, bool_or(transfer > 0) as any_received
    from moved
    group by entity_no, month_no
),
remembered as (
    select
        *,
        max(case when all_mrr > 0 then month_no end) over earlier as above_month,
        max(case when all_mrr = 0 and all_held = 0 then month_no end) over earlier as gone_month,
        max(case when all_mrr = 0 and all_mrr_before > 0 then month_no end) over earlier as fall_month
    from entity_month
    window earlier as (partition by entity_no order by month_no rows between unbounded preceding and 1 preceding)
),
judged as (
    select
        moved.*, all_mrr, all_held, all_mrr_before, all_held_before, fall_month,
        moved.mrr - moved.mrr_before - moved.transfer as organic,
        above_month is not null as has_been,
        coalesce(above_month > coalesce(gone_month, -1), false) as is_there,
        any_transfer, any_received,
        all_mrr = 0 and all_held = 0 and all_held_before > 0 and not any_transfer
        and (all_mrr_before > 0 or coalesce(above_month > coalesce(gone_month, -1), false)) as lapses
    from moved join remembered using (entity_no, month_no)
)
select
    position, month_no,
    case
        when any_received and all_mrr = 0 then 'churn'
        when any_transfer or (all_mrr_before > 0 and all_mrr > 0) then case when organic > 0 then 'expansion' else 'contraction' end
        else movement_kind(all_mrr_before, all_mrr, all_held_before, all_held, has_been, is_there, fall_month, month_no, 0, organic, lapses)
    end::movement_kind as kind,
    organic - case when lapses then held_before else 0 end as amount,
    mrr_before, mrr
from judged
where organic <> 0 or (lapses and held_before <> 0)
union all
select position, month_no, 'contraction', held_before, mrr_before, mrr from judged where lapses and held_before <> 0
union all
select position, month_no, 'transfer', transfer, mrr_before, mrr from judged where transfer <> 0;

delete from movement_of_batch where position >> 8 in (select entity_no from many);
insert into movement_of_batch select * from movement_of_many;
