"""The pages that are looked at, by the person who opens them; `{account}` stands for the largest account of the CSM's book."""

from __future__ import annotations

ADMIN = (
    "/overview/", "/revenue/", "/revenue/?by=segment", "/revenue/cohorts/", "/revenue/segments/?by=plan", "/revenue/policies/",
    "/revenue/known/", "/revenue/reconcile/", "/revenue/concentration/", "/revenue/retention/", "/explain/nrr/", "/explain/arr/",
    "/accounts/", "/accounts/?q=nobody-is-called-this", "/accounts/{account}/", "/accounts/{account}/people/", "/accounts/{account}/usage/",
    "/accounts/{account}/support/", "/accounts/{account}/billing/", "/accounts/{account}/timeline/", "/today/", "/board/",
    "/ctas/", "/ctas/?tab=waiting", "/ctas/?tab=closed", "/ctas/?tab=pooled", "/ctas/budget", "/accounts/{account}/ctas/new/",
    "/accounts/{account}/ctas/cta_0000000000000001/", "/accounts/{account}/ctas/cta_0000000000000001/close/",
    "/risk/", "/risk/explain/expected_mrr/", "/signals/", "/signals/champion_left/", "/health/", "/health/edit/", "/trackrecord/", "/features/?q=ticket",
    "/accounts/{account}/health/", "/accounts/{account}/features/?q=ticket",
    "/setup/", "/setup/connections/", "/setup/connections/new/stripe/", "/setup/connections/new/hubspot/", "/setup/matches/",
    "/setup/policies/", "/setup/settings/", "/setup/segments/", "/setup/owners/", "/setup/people/", "/setup/roles/",
    "/setup/keys/", "/setup/audit/", "/setup/webhooks/", "/setup/outbox/", "/profile/",
)  # fmt: skip
CSM = ("/today/", "/accounts/", "/accounts/{account}/", "/ctas/", "/risk/")
