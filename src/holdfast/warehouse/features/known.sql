-- The facts under the entity that they count with, each with the days from which it could be known. Moments count on their UTC day.
--
-- `exact` makes sums the same in any order.
--
-- In: ledger.change, records.*, member, who, rate, text_tone, the variables first_day, last_day. Out: since, known_*, step, move

-- what the company has facts of, from when on
create or replace temp table since as
select
    (select min(opened_at)::date from records.ticket) as tickets_from,
    (select min(issued_on) from records.invoice) as invoices_from,
    (select min(coalesce(joined_on, date '0001-01-01')) from records.contact) as contacts_from,
    (select min(sent_on) from records.survey) as surveys_from,
    (select min(happened_at)::date from records.touch) as touches_from,
    (select min(changed_on) from records.opportunity) as opportunities_from,
    (select min(day) from records.outcome) as outcomes_from;

create or replace temp table step as
select
    coalesce(linked.who_no, own.who_no) as who_no,
    coalesce(change.account_id, change.entity_key::varchar) as part,
    change.day,
    exact(change.delta_minor * rate.factor) as delta,
    change.cause::varchar as cause
from ledger.change as change
join rate using (currency)
left join (select member.*, who.entity_key from member join who using (who_no)) as linked
    on change.account_id is not null and linked.account_id = change.account_id
left join who as own on change.account_id is null and own.entity_key = change.entity_key
where change.day <= getvariable('last_day') and change.cause <> 'transfer' and change.delta_minor <> 0;

-- what an account's MRR was before and after each day on which it moved; what moves to and fro on one day did not move
create or replace temp table move as
select
    *,
    sum(delta) over w - delta as before,
    sum(delta) over w as after,
    row_number() over w as nth
from (select who_no, part, day, sum(delta) as delta from step group by all having abs(sum(delta)) >= 0.5)
window w as (partition by who_no, part order by day rows unbounded preceding);

create or replace temp table known_item as
select
    member.who_no, item.subscription_id, item.item_id, item.product_id, item.plan_id, item.quantity, item.usage_type, item.status,
    item.valid_from, item.valid_until, item.cancel_requested_on, item.term_end, item.auto_renew,
    item.repeating_until, item.once_until,
    case item.interval when 'year' then 12.0 when 'week' then 7 / 30.4375 when 'day' then 1 / 30.4375 else 1.0 end * coalesce(item.interval_count, 1) as months,
    item.unit_amount_minor * rate.factor as unit_minor,
    coalesce(item.forever_off_ppm, 0) / 1e6 as forever_off, coalesce(item.forever_off_minor, 0) * rate.factor as forever_off_minor,
    coalesce(item.repeating_off_ppm, 0) / 1e6 as repeating_off, coalesce(item.repeating_off_minor, 0) * rate.factor as repeating_off_minor,
    coalesce(item.once_off_ppm, 0) / 1e6 as once_off, coalesce(item.once_off_minor, 0) * rate.factor as once_off_minor,
    min(item.valid_from) over (partition by member.who_no, item.subscription_id, item.item_id, item.term_end) as term_seen
from records.item as item join member using (account_id) join rate using (currency)
where item.valid_from <= getvariable('last_day');

create or replace temp table known_invoice as
select
    member.who_no, issued_on, coalesce(due_on, issued_on) as due_on,
    case when paid_on <= getvariable('last_day') then paid_on end as paid_on,
    attempts, total_minor * rate.factor as total,
    -- nothing dates that it was made void: it is known from the day on which we learned of it
    case when status = 'void' then least(learned_at::date, getvariable('known_to')) else date '9999-12-31' end as void_on
from records.invoice as invoice join member using (account_id) left join rate using (currency)
where issued_on <= getvariable('last_day') and issued_on > getvariable('first_day') - 800 and status <> 'draft';

create or replace temp table known_line as
select member.who_no, line.issued_on, line.kind, line.amount_minor * rate.factor as amount
from records.invoice_line as line join member using (account_id) left join rate using (currency)
where line.issued_on <= getvariable('last_day') and line.issued_on > getvariable('first_day') - 400;

create or replace temp table known_contact as
select
    member.who_no, contact_id, role, nullif(trim(department), '') as department,
    coalesce(joined_on, date '0001-01-01') as joined_on,
    joined_on is not null as is_dated,
    coalesce(left_noticed_on, left_on, date '9999-12-31') as gone_on
from records.contact as contact join member using (account_id)
where coalesce(joined_on, date '0001-01-01') <= getvariable('last_day');

-- how a text sounds and what it is about, by plain words; the same text is read once
create or replace temp table said as
select
    text, tone,
    regexp_matches(lower(text), '\b(invoice|billing|billed|charge|charged|payment|refund|price|pricing|credit card|vat)') as about_billing,
    regexp_matches(lower(text), '\b(bug|error|crash|broken|fails?|failed|wrong|missing|slow|down|outage|loops?|refuses|gaps)\b') as about_fault,
    regexp_matches(lower(text), '\b(how (do|can|to)|guide|help us|training|where (is|can))\b') as about_use,
    regexp_matches(lower(text), '\b(please add|would like (a|an|one|more|to see|to have)|feature request|could you add|wish|missing feature)\b') as about_wish,
    regexp_matches(lower(text), '\b(cancel|cancellation|terminate|switch(ing)? to|competitor|alternative|export all|leave you|leaving)\b') as about_leaving
from text_tone;

create or replace temp table known_ticket as
select
    member.who_no, ticket_id, contact_id, priority, opened_at::date as opened_on, opened_at,
    first_response_at::date as answered_on, closed_at::date as closed_on,
    case when first_response_at >= opened_at then exact(epoch(first_response_at - opened_at) / 3600) end as response_hours,
    case when closed_at >= opened_at then exact(epoch(closed_at - opened_at) / 3600) end as resolution_hours,
    coalesce(reopened, 0) as reopened, satisfaction, said.tone,
    about_billing, about_fault, about_use, about_wish, about_leaving
from records.ticket as ticket join member using (account_id)
left join said on said.text = concat_ws('. ', subject, body)
where opened_at::date <= getvariable('last_day')
    and (opened_at::date > getvariable('first_day') - 800 or closed_at is null or closed_at::date > getvariable('first_day') - 800);

create or replace temp table known_survey as
select member.who_no, response_id, contact_id, kind, sent_on, answered_on, score, said.tone
from records.survey as survey join member using (account_id) left join said on said.text = comment
where sent_on <= getvariable('last_day');

create or replace temp table known_touch as
select
    member.who_no, touch_id, contact_id, owner, channel, programme, coalesce(replied, false) as replied,
    happened_at::date as day
from records.touch as touch join member using (account_id)
where happened_at::date <= getvariable('last_day');

-- a deal's states, each from its day up to the next one's
create or replace temp table known_opportunity as
select
    member.who_no, opportunity_id, kind, changed_on,
    lead(changed_on, 1, date '9999-12-31') over w as changed_next,
    coalesce(opened_on, min(changed_on) over (partition by member.who_no, opportunity_id)) as opened_on,
    close_on, amount_minor * rate.factor as amount,
    close_on > lag(close_on) over w as slips,
    regexp_matches(lower(stage), 'won') as is_won,
    regexp_matches(lower(stage), 'won|lost|closed|abandon|disqualif') as is_closed
from records.opportunity as opportunity join member using (account_id) left join rate using (currency)
where changed_on <= getvariable('last_day')
window w as (partition by member.who_no, opportunity_id order by changed_on);

-- a value is known when its period is over: the period is as long as the one before, a month where there is none before
create or replace temp table known_outcome as
select
    member.who_no, measure, day,
    day + least(greatest(coalesce(day - lag(day) over w, 31), 1), 92)::integer as known_on,
    value * case when higher_is_better is false then -1 else 1 end as value
from records.outcome as outcome join member using (account_id)
where day <= getvariable('last_day')
window w as (partition by member.who_no, outcome.account_id, measure order by day);
