-- Billing: invoices, how they were paid, and what failed. An invoice paid later is unpaid, also one that was written off or made void
-- later; how often a payment was tried is known when it is paid. Overdue are those due within the last 365 days.
--
-- In: spot, known_invoice, known_line, since. Out: billing_payments
--
-- overdue_invoices | invoices | + | - | Invoices due and not paid.
-- overdue_days | days | + | - | Days since the oldest overdue invoice was due; 0 where none is.
-- overdue_months | months | + | - | Amount overdue ÷ MRR.
-- failed_attempts_90d | count | + | - | Payment attempts that failed on invoices due in the last 90 days; an unpaid one counts as one.
-- failed_invoices_365d | invoices | + | - | Invoices of the last 365 days that a first attempt did not pay.
-- days_since_failed_payment | days | - | 0 | Days since the last invoice was due that a first attempt did not pay, within 365 days.
-- paid_late_days_365d | days | 0 | 0 | Mean days paid after the due day, invoices paid in the last 365 days; early is 0.
-- paid_late_share_365d | share | 0 | 0 | Share of the invoices paid in the last 365 days that were paid after the due day.
-- payment_days_365d | days | 0 | 0 | Mean days from invoice to payment, invoices paid in the last 365 days.
-- invoices_365d | invoices | 0 | 0 | Invoices of the last 365 days.
-- invoiced_365d | minor units | 0 | + | Invoice totals of the last 365 days.
-- days_since_invoice | days | + | 0 | Days since the last invoice, within 365 days.
-- credits_365d | count | + | - | Credits and refunds of the last 365 days.
-- credited_share_365d | share | + | - | Credits and refunds of the last 365 days ÷ what was charged for recurring items.
-- metered_share_365d | share | - | + | Metered charges of the last 365 days ÷ all charges.
create or replace temp table billing_payments as
with told as (
    select
        spot.who_no, spot.as_of, spot.mrr_minor, invoice.* exclude (who_no, paid_on),
        case when invoice.paid_on <= spot.as_of then invoice.paid_on end as paid_on
    from spot join known_invoice as invoice on invoice.who_no = spot.who_no
        and invoice.issued_on <= spot.as_of and invoice.issued_on > spot.as_of - 750 and invoice.void_on > spot.as_of
),
judged as (
    select
        *,
        paid_on is null and due_on < as_of and due_on > as_of - 365 as is_overdue,
        case when paid_on is null and due_on < as_of then 1 when paid_on is not null then at_least(attempts - 1, 0) else 0 end as failed
    from told
),
summed as (
    select
        who_no,
        as_of,
        count(*) filter (is_overdue) as overdue, max(as_of - due_on) filter (is_overdue) as overdue_days,
        sum(round(total)) filter (is_overdue) as overdue_total,
        sum(failed) filter (due_on > as_of - 90) as failed_90,
        count(*) filter (failed > 0 and issued_on > as_of - 365) as failed_365,
        max(least(due_on, paid_on)) filter (failed > 0 and due_on > as_of - 365) as failed_on,
        avg(at_least(paid_on - due_on, 0)) filter (paid_on > as_of - 365) as late_days,
        count(*) filter (paid_on > due_on and paid_on > as_of - 365) as late, count(*) filter (paid_on > as_of - 365) as paid,
        avg(paid_on - issued_on) filter (paid_on > as_of - 365) as payment_days,
        count(*) filter (issued_on > as_of - 365) as invoices, sum(round(total)) filter (issued_on > as_of - 365) as invoiced,
        max(issued_on) filter (issued_on > as_of - 365) as last_on
    from judged
    group by who_no, as_of
),
charged as (
    select
        spot.who_no,
        spot.as_of,
        count(*) filter (kind in ('credit', 'refund')) as credits,
        sum(round(amount)) filter (kind in ('credit', 'refund')) as credited,
        sum(round(amount)) filter (kind in ('recurring', 'proration')) as recurring,
        sum(round(amount)) filter (kind = 'metered') as metered,
        sum(round(amount)) filter (kind not in ('credit', 'refund')) as charged
    from spot join known_line as line
        on line.who_no = spot.who_no and line.issued_on <= spot.as_of and line.issued_on > spot.as_of - 365
    group by spot.who_no, spot.as_of
)
select
    spot.who_no,
    spot.as_of,
    coalesce(overdue, 0) as overdue_invoices,
    coalesce(summed.overdue_days, 0) as overdue_days,
    coalesce(overdue_total, 0) / spot.mrr_minor as overdue_months,
    coalesce(failed_90, 0) as failed_attempts_90d,
    coalesce(failed_365, 0) as failed_invoices_365d,
    spot.as_of - failed_on as days_since_failed_payment,
    late_days as paid_late_days_365d,
    late / nullif(paid, 0)::double as paid_late_share_365d,
    payment_days as payment_days_365d,
    coalesce(invoices, 0) as invoices_365d,
    coalesce(invoiced, 0) as invoiced_365d,
    spot.as_of - last_on as days_since_invoice,
    coalesce(credits, 0) as credits_365d,
    coalesce(-credited, 0) / nullif(recurring, 0) as credited_share_365d,
    coalesce(metered, 0) / nullif(charged, 0) as metered_share_365d
from spot
-- before the company's first invoice nothing is known of payments
join since on since.invoices_from <= spot.as_of
left join summed using (who_no, as_of)
left join charged using (who_no, as_of);
