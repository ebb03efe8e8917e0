"""The pages that are looked at, by the person who opens them; `{account}` stands for the largest account of the CSM's book."""

from __future__ import annotations

ADMIN = (
    "/overview/", "/revenue/", "/revenue/?by=segment", "/revenue/cohorts/", "/revenue/segments/?by=plan", "/revenue/policies/",
    "/revenue/known/", "/revenue/reconcile/", "/revenue/concentration/", "/revenue/retention/", "/explain/nrr/", "/explain/arr/",
    "/accounts/", "/accounts/?q=nobody-is-called-this", "/accounts/{account}/", "/accounts/{account}/people/", "/accounts/{account}/usage/",
    "/accounts/{account}/support/", "/accounts/{account}/billing/", "/accounts/{account}/timeline/", "/today/", "/board/",
    "/setup/", "/setup/connections/", "/setup/connections/new/stripe/", "/setup/connections/new/hubspot/", "/setup/matches/",
    "/setup/policies/", "/setup/settings/", "/setup/segments/", "/setup/owners/", "/setup/people/", "/setup/roles/",
    "/setup/keys/", "/setup/audit/", "/setup/webhooks/", "/setup/outbox/", "/profile/",
)  # fmt: skip
CSM = ("/today/", "/accounts/", "/accounts/{account}/")
