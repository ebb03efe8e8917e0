"""Who may do what: the only place where a role is given a right. Doors ask `may`; they decide nothing themselves."""

from __future__ import annotations

from typing import Literal

Role = Literal["admin", "manager", "csm", "finance", "viewer"]

#: role: what it is called, and what it is for
ROLES: dict[str, tuple[str, str]] = {
    "admin": ("Admin", "Everything, and the setup"),
    "manager": ("Manager", "All accounts, all books, hand-overs"),
    "csm": ("CSM", "Their own book of accounts"),
    "finance": ("Finance", "Numbers, closes and reconciliation; no notes"),
    "viewer": ("Viewer", "Numbers and accounts, read only; no notes"),
}

#: right: what it lets one do, and the roles that have it
RIGHTS: dict[str, tuple[str, frozenset[str]]] = {
    "self": ("Their own profile, password, devices and sessions", frozenset(ROLES)),
    "home": ("The first page, which sends each role where it works", frozenset(ROLES)),
    "numbers": ("The company's numbers", frozenset({"admin", "manager", "finance", "viewer"})),
    "accounts": ("The list of the accounts they may read", frozenset(ROLES)),
    "account": ("One account, if it is among those they may read", frozenset(ROLES)),
    "account.edit": ("Change what we hold about an account they work on", frozenset({"admin", "manager", "csm"})),
    "notes": ("Read and write notes on an account they work on", frozenset({"admin", "manager", "csm"})),
    "ctas": ("The list of CTAs of the accounts they may read", frozenset(ROLES)),
    "cta": ("One account's CTAs; without the right to notes not what people wrote there", frozenset(ROLES)),
    "cta.work": ("Work on the CTAs of an account, and say how it stands", frozenset({"admin", "manager", "csm"})),
    "watch": ("Health, risk, signals and features of the accounts they may read", frozenset(ROLES)),
    "scorecards": ("Change the scorecards of health", frozenset({"admin", "manager"})),
    "today": ("The day's work in a book", frozenset({"admin", "manager", "csm"})),
    "owners": ("Hand accounts over from owner to owner", frozenset({"admin", "manager"})),
    "close": ("Sign a month", frozenset({"admin", "finance"})),
    "board": ("The board pack, and its schedule", frozenset({"admin", "manager", "finance"})),
    "setup": ("Sources, policies, people, keys, webhooks, audit log", frozenset({"admin"})),
}

#: rights over one account, which a CSM has in their own book only
OVER_ONE_ACCOUNT = frozenset({"account", "account.edit", "notes", "cta", "cta.work"})

#: rights over one account that a CSM has, too, where a CTA of it was passed to them
BY_ASSIGNMENT = frozenset({"cta", "cta.work"})

#: rights a CSM gains where the company lets its CSMs read everything
CSM_WHO_READS_ALL = frozenset({"numbers"})

#: rights over any account for a CSM who may read all: reading, not changing
READING = frozenset({"account", "cta"})

#: scopes of an API key, with what they open
SCOPES: dict[str, str] = {
    "numbers:read": "Metrics, bridge, cohorts, explanations, closes, track records",
    "accounts:read": "Accounts, contacts, owners, health, risk, signals, features",
    "accounts:write": "Upsert accounts, contacts and other facts, hand accounts over",
    "notes:read": "Notes",
    "notes:write": "Write notes",
    "ctas:read": "CTAs with their history, and the sentiment of an account",
    "ctas:write": "Write and work on CTAs, say the sentiment of an account",
    "sources:read": "Sources and their state",
    "webhooks:write": "Webhook endpoints and replay",
    "events:write": "Send product events to the event endpoint; nothing of this API",
}


def may(role: str, right: str, *, csm_reads_all: bool = False) -> bool:
    """Whether a role has a right at all. KeyError: there is no such right."""
    _, roles = RIGHTS[right]
    return role in roles or (role == "csm" and csm_reads_all and right in CSM_WHO_READS_ALL)


def may_over(role: str, right: str, *, own: bool, csm_reads_all: bool = False) -> bool:
    """Whether a role has a right over one account; `own`: the account is in their book today."""
    if not may(role, right, csm_reads_all=csm_reads_all):
        return False
    return role != "csm" or own or (csm_reads_all and right in READING)
