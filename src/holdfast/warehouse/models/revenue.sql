-- Revenue as the basis (rule 15): invoice lines spread over the months of their service period.
--
-- In:  landed_line, line_owner. Out: change_of_batch, of invoice lines alone
create or replace temp table change_of_batch as
with line as (
    select
        account_no, subscription_no, currency, amount_minor, load_no, source_row,
        coalesce(period_start, issued_on) as begins,
        greatest(1, half_even(
            coalesce(date_diff('day', coalesce(period_start, issued_on), period_end), 0)::hugeint * 10000, 304375::hugeint))::integer as months
    from landed_line join line_owner
        on line_owner.account_id = landed_line.account_id
        and line_owner.subscription_id = coalesce(landed_line.subscription_id, landed_line.account_id)
    where kind in ('recurring', 'proration', 'metered')
),
spread as (
    select *, ((year(begins) - 1970) * 12 + month(begins) - 1)::integer as first_month, unnest(range(0, months))::integer as nth
    from line
),
monthly_line as (
    select
        account_no, subscription_no, currency, first_month + nth as month_no, load_no, source_row,
        -- the remainder goes one unit each to the first months
        sign(amount_minor)::bigint * (abs(amount_minor) // months + case when nth < abs(amount_minor) % months then 1 else 0 end) as amount
    from spread
),
earned as (
    select account_no, subscription_no, currency, month_no, greatest(0, sum(amount))::bigint as amount, 
        min({'load_no': load_no, 'source_row': source_row}) as first_line
    from monthly_line
    group by account_no, subscription_no, currency, month_no
)
select
    account_no, subscription_no, 0::integer as item_no, null::integer as state_no, currency::currency_code as currency,
    month_start(month_no) as day, amount as delta, 0::bigint as held_delta, getvariable('gap_days_billing')::integer as gap_days, 'usage'::change_cause as cause,
    first_line.load_no as load_no, first_line.source_row as source_row
from earned where amount <> 0
union all
select account_no, subscription_no, 0, null, currency::currency_code, month_start(month_no + 1), -amount, 0, getvariable('gap_days_billing')::integer, 'usage',
    first_line.load_no, first_line.source_row
from earned where amount <> 0;
