-- Firmographics: what the account is beside what it does, and what its owner carries.
--
-- In: spot, ledger.account. Out: firmographics
--
-- account_age_days | days | - | 0 | Days since the account came into being.
-- has_parent | flag | - | 0 | Whether the account has a parent.
-- siblings | accounts | - | + | Other paying accounts with the same parent.
-- mrr_share_of_book | share | 0 | 0 | The account's MRR ÷ that of all.
-- mrr_share_of_owner | share | - | 0 | The account's MRR ÷ that of all accounts of its owner.
-- owner_accounts | accounts | + | 0 | Paying accounts that its owner carries.
-- has_owner | flag | - | 0 | Whether the account has an owner.
-- cohort_age_months | months | - | 0 | Months since the month in which the account came into being.
create or replace temp table firmographics as
with placed as (
    select
        spot.*,
        sum(mrr_minor) over (partition by as_of) as book,
        nullif("attribute.owner", '') as owner,
        nullif("attribute.parent", '') as parent
    from spot
)
select
    placed.who_no,
    placed.as_of,
    case when created_on <= placed.as_of then placed.as_of - created_on end as account_age_days,
    (parent is not null)::integer as has_parent,
    case when parent is null then 0 else count(*) over (partition by placed.as_of, parent) - 1 end as siblings,
    mrr_minor / book::double as mrr_share_of_book,
    case when owner is not null then mrr_minor / (sum(mrr_minor) over (partition by placed.as_of, owner))::double end as mrr_share_of_owner,
    case when owner is not null then count(*) over (partition by placed.as_of, owner) end as owner_accounts,
    (owner is not null)::integer as has_owner,
    case when created_on <= placed.as_of then datediff('month', created_on, placed.as_of) end as cohort_age_months
from placed left join ledger.account as account on account.account_id = placed.holder;
