-- Metered usage as MRR (rule 14): the mean of the last months' metered lines, month by month.
--
-- In:  landed_line, line_owner. Out: rows added to change_of_batch
insert into change_of_batch
with metered as (
    select
        account_no, subscription_no, currency, load_no, source_row,
        ((year(period_end - 1) - 1970) * 12 + month(period_end - 1) - 1)::integer as month_no,
        half_even(amount_minor::hugeint, getvariable('metered_months')::hugeint)::bigint as part
    from landed_line join line_owner
        on line_owner.account_id = landed_line.account_id
        and line_owner.subscription_id = coalesce(landed_line.subscription_id, landed_line.account_id)
    where kind = 'metered' and period_end is not null
)
select account_no, subscription_no, 0, null, currency::currency_code, month_start(month_no + 1), part, 0, getvariable('gap_days_billing')::integer, 'usage', load_no, source_row
from metered where part <> 0
union all
select account_no, subscription_no, 0, null, currency::currency_code, month_start(month_no + 1 + getvariable('metered_months')::integer), -part, 0, getvariable('gap_days_billing')::integer, 'usage', load_no, source_row
from metered where part <> 0;
