-- One row per account: what a table of accounts shows. A missing name is the id; a missing count is 0.
--
-- In: ledger_account, ledger_balance, ledger_lane, ledger_term, ledger_movement, ledger_since, overdue, of_*. Out: summary
create or replace table summary as
select
    account.account_id,
    coalesce(account.name, account.account_id) as name,
    account.domain,
    account.owner,
    account.parent_id,
    case
        when account.merged_into is not null and account.merged_into <> '' then 'merged'
        when coalesce(mrr_minor, 0) > 0 or coalesce(held_minor, 0) > 0 then 'customer'
        when coalesce(group_mrr.mrr, 0) > 0 then 'customer'
        when coalesce(trial_minor, 0) > 0 then 'trial'
        when customer_since is not null then 'churned'
        else 'prospect'
    end as status,
    account.counted_with,
    customer_since,
    account.created_on,
    coalesce(mrr_minor, 0) as mrr_minor,
    coalesce(mrr_month_ago_minor, 0) as mrr_month_ago_minor,
    coalesce(mrr_quarter_ago_minor, 0) as mrr_quarter_ago_minor,
    coalesce(mrr_year_ago_minor, 0) as mrr_year_ago_minor,
    coalesce(pending_minor, 0) as leaving_minor,
    coalesce(past_due_minor, 0) as past_due_minor,
    coalesce(held_minor, 0) as held_minor,
    coalesce(trial_minor, 0) as trial_minor,
    renewal_on,
    renewal_minor,
    last_movement_kind,
    last_movement_month,
    last_movement_minor,
    coalesce(open_tickets, 0) as open_tickets,
    coalesce(urgent_tickets, 0) as urgent_tickets,
    last_touch_at,
    coalesce(active_users_28, 0) as active_users_28,
    coalesce(active_users_28_before, 0) as active_users_28_before,
    coalesce(events_28, 0) as events_28,
    coalesce(events_28_before, 0) as events_28_before,
    coalesce(seats, 0) as seats,
    seats_limit,
    coalesce(champions, 0) as champions,
    coalesce(contacts, 0) as contacts,
    coalesce(overdue_invoices, 0) as overdue_invoices,
    case when overdue_invoices is null then 0 else overdue_minor end as overdue_minor,
    nps,
    nps_on,
    account.* exclude (account_id, name, domain, owner, parent_id, counted_with, created_on, merged_into),
    strip_accents(lower(coalesce(account.name, ''))) as search_name,
    strip_accents(lower(concat_ws(' ', account.name, account.domain, account.account_id))) as search_text
from ledger_account as account
left join ledger_balance using (account_id)
left join ledger_lane using (account_id)
left join ledger_term using (account_id)
left join ledger_movement using (account_id)
left join ledger_since using (account_id)
left join overdue using (account_id)
left join of_ticket using (account_id)
left join of_touch using (account_id)
left join of_contact using (account_id)
left join of_limit using (account_id)
left join of_item using (account_id)
left join of_survey using (account_id)
left join of_usage using (account_id)
left join (select account_id as counted_with, mrr_minor as mrr from ledger_balance) as group_mrr
    on group_mrr.counted_with = account.counted_with
        and exists (select 1 from item where item.account_id = account.account_id
            and item.valid_from <= getvariable('as_of') and item.valid_until > getvariable('as_of'))
order by account.account_id;
