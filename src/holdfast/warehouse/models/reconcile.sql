-- Reconciliation: what the invoices of a month imply as MRR, beside the ledger.
-- A recurring line implies its amount ÷ months of its service period in every month whose last day lies in the period.
--
-- In:  landed_line, landed_invoice, landed_state, booked, the variables first_month and last_month. Out: reconciled
create or replace temp table reconciled as
with line as (
    select
        landed_line.account_id, landed_line.currency, kind, amount_minor, period_start, period_end,
        greatest(1, half_even(date_diff('day', period_start, period_end)::hugeint * 10000, 304375::hugeint))::bigint as months,
        coalesce(landed_invoice.status, 'open') as status
    from landed_line left join landed_invoice using (invoice_id)
    where period_start is not null and period_end > period_start
),
month_of_line as (
    select
        line.*,
        unnest(range(
            greatest((year(period_start) - 1970) * 12 + month(period_start) - 1, getvariable('first_month')),
            least((year(period_end) - 1970) * 12 + month(period_end) - 1, getvariable('last_month')) + 1))::integer as month_no
    from line
),
covered as (
    select *, month_start(month_no + 1) - 1 as last_day
    from month_of_line
    where month_start(month_no + 1) - 1 >= period_start and month_start(month_no + 1) - 1 < period_end
),
implied as (
    select
        account_id, currency, month_no,
        sum(case when kind = 'recurring' and status not in ('void', 'draft')
            then half_even(amount_minor::hugeint, months::hugeint) else 0 end)::bigint as invoiced,
        count(*) filter (where kind = 'recurring') as lines,
        bool_or(kind = 'proration') as prorated,
        bool_or(kind in ('credit', 'refund')) as credited,
        bool_or(status in ('void', 'draft', 'uncollectible')) as not_collectible,
        bool_or(kind = 'recurring' and months > 1) as spread
    from covered
    group by all
),
beside as (
    select entity.entity_id as account_id, aside.currency, lane, from_day, to_day from aside join entity using (entity_key)
),
coupon as (
    select distinct account_id, currency, valid_from, coalesce(valid_to, date '9999-12-31') as valid_to,
        coalesce(greatest(repeating_until, once_until), date '9999-12-31') as until
    from landed_state
    where repeating_off_ppm + repeating_off_minor + once_off_ppm + once_off_minor > 0
),
past_due_state as (
    select distinct account_id, valid_from, coalesce(valid_to, date '9999-12-31') as valid_to, status
    from landed_state where status in ('past_due', 'unpaid', 'trialing', 'paused')
),
compared as (
    select
        coalesce(booked.account_id, implied.account_id) as account_id,
        coalesce(booked.currency, implied.currency) as currency,
        coalesce(booked.month_no, implied.month_no) as month_no,
        coalesce(ledger, 0) as ledger, coalesce(invoiced, 0) as invoiced, coalesce(lines, 0) as lines,
        coalesce(prorated, false) as prorated, coalesce(credited, false) as credited,
        coalesce(not_collectible, false) as not_collectible, coalesce(spread, false) as spread
    from booked full join implied using (account_id, currency, month_no)
    where coalesce(ledger, 0) <> 0 or coalesce(invoiced, 0) <> 0
),
-- only what differs is asked for its reason
differing as (
    select *, month_start(month_no + 1) - 1 as last_day from compared where ledger <> invoiced
),
reasoned as (
    select
        account_id, currency, month_no,
        case
            when exists (
                select 1 from past_due_state as s where s.account_id = d.account_id and s.status in ('past_due', 'unpaid')
                and s.valid_from <= d.last_day and s.valid_to >= d.last_day - 31) then 'past_due'
            when invoiced > ledger and exists (
                select 1 from past_due_state as s where s.account_id = d.account_id and s.status in ('trialing', 'paused')
                and s.valid_from <= d.last_day and s.valid_to > d.last_day) then 'trial'
            when ledger > invoiced and lines > 0 and exists (
                select 1 from coupon where coupon.account_id = d.account_id
                and coupon.valid_from <= d.last_day and d.last_day <= least(coupon.valid_to, coupon.until + 31)) then 'coupon'
            when not_collectible then 'not_collectible'
            when spread and abs(ledger - invoiced) <= lines then 'rounding'
            when prorated then 'prorated'
            when credited then 'credited'
            when lines = 0 then 'not_invoiced'
            when ledger = 0 then 'not_subscribed'
            else 'other'
        end as reason
    from differing as d
)
select compared.account_id, compared.currency, compared.month_no, ledger, invoiced, reason
from compared left join reasoned using (account_id, currency, month_no);
