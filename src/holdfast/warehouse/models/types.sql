-- The fixed words of the ledger; currency_code is made from the facts' currencies.
create type item_status as enum ('trialing', 'active', 'past_due', 'unpaid', 'paused', 'canceled');
create type change_cause as enum (
    'start', 'cancel', 'plan', 'seats', 'price', 'discount', 'discount_end', 'pause', 'involuntary', 'usage', 'add_on',
    'cross_sell', 'transfer');
create type movement_kind as enum (
    'new', 'expansion', 'contraction', 'churn', 'reactivation', 'fx', 'transfer');
create type lane as enum ('trial', 'held', 'past_due', 'pending');
