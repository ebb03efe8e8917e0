-- The published ledger. Money is in minor units of the row's currency; days are in the company's time zone.
-- currency_code is made from the facts' currencies: what is written millions of times is a number.

-- what the file is: policy, clocks, generation
create table setting (name varchar, value varchar);
-- who is followed; account_id gives the entity its attributes
create table entity (entity_key integer, entity_id varchar, account_id varchar);
-- what moved, by entity, currency and month: opening + Σ amount = closing
create table movement (
    entity_key integer, currency currency_code, month_no smallint, kind movement_kind,
    amount_minor bigint, opening_minor bigint, closing_minor bigint);
-- the event log: what each state changed, on which day, why, and the landed row that says so;
-- account_id: of linked accounts, whose it was
create table change (
    entity_key integer, currency currency_code, day date, delta_minor bigint, held_delta_minor bigint, cause change_cause,
    load_no integer, source_row bigint, account_id varchar);
-- beside MRR, as intervals: trial, held, past_due, pending
create table aside (
    entity_key integer, lane lane, currency currency_code, from_day date, to_day date, amount_minor bigint);
-- contract terms that came to their end: what was due for renewal
create table term (entity_key integer, currency currency_code, day date, amount_minor bigint);
-- months at whose end an entity was gone, where something moved later: who may have come back
create table left_month (entity_key integer, month_no smallint);
-- accounts linked by merges or parents: where each one stood
create table belonging (account_id varchar, from_day date, to_day date, entity_key integer);
create table fx_rate (currency varchar, quote varchar, day date, rate double);
create table attribute (attribute varchar);
create table attribute_change (account_id varchar, attribute varchar, day date, before varchar, after varchar);
-- the same by entity, for reading
create table dated_attribute (entity_key integer, attribute varchar, day date, before varchar);
