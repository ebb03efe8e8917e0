"""What a watch asks for: CTAs from signals and learned risk, one for each account and cause, ranked by the money at stake.

A signal that its own record calls noise asks for nothing. Learned risk asks where it is used and the chance is well above the usual.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from holdfast.domain.ctas import Wanted
from holdfast.domain.judgement import NOTICE, URGENT, WARNING, Evidence, Judgement, number
from holdfast.flows import ctas, ctas_sentiment, owners
from holdfast.flows.foretold import Foretold
from holdfast.flows.home import Home
from holdfast.flows.signalled import Signalled
from holdfast.signals.shelf import shelf
from holdfast.warehouse.records import Records

#: signals that one conversation is about
CAUSES = {
    "use_declines": "use", "people_fewer": "use", "key_feature_dropped": "use", "seats_unused": "use", "paid_features_unused": "use",
    "champion_left": "relationship", "sponsor_left": "relationship", "single_threaded": "relationship", "no_touch": "relationship",
    "nps_fell": "mood", "tone_angry": "mood", "ticket_spike": "mood", "answers_slow": "mood", "health_disagreement": "mood",
    "limit_near": "room", "seats_full": "room", "power_user_light_plan": "plan", "plan_misfit": "plan",
}  # fmt: skip
TITLES = {
    "use": "Use is falling", "relationship": "The relationship is thin", "mood": "Something annoys them", "room": "They need more room",
    "plan": "Another plan fits better", "learned_risk": "Likely to leave", "notice_given": "They have given notice",
    "sentiment_due": "Say how the account stands",
}  # fmt: skip
#: days until a CTA is due, by severity
DUE = {URGENT: 3, WARNING: 7, NOTICE: 14}
#: a chance of leaving is told of from so many times the usual one on, and from this one on in any case
TIMES_USUAL, HIGH = 2.0, 0.25


@dataclass(frozen=True)
class Stakes:
    """Of one account, in minor units of the reporting currency."""

    mrr: int
    at_risk: int
    growth: int
    churn: float
    owner: str
    renewal_on: date | None
    reasons: tuple[str, ...]
    has_given_notice: bool = False


def ask(
    home: Home,
    seen: Signalled,
    stakes: Mapping[str, Stakes],
    today: date,
    now: datetime,
    *,
    learned: bool,
) -> ctas.Opened:
    """Open what is asked for today. `learned`: whether the chances of leaving are the model's, and not a stand-in."""
    noise = {one["signal"] for one in seen.record if one["verdict"] == "noise"}
    currency = home.settings.currency
    wanted = [
        _of_signal(one, stakes[one.account_id], currency, today)
        for one in seen.judgements
        if one.account_id in stakes and one.kind != "portfolio" and one.signal not in noise
    ]
    wanted += [_notice(account, at, currency, today) for account, at in stakes.items() if at.has_given_notice]
    wanted += _of_risk(stakes, currency, today) if learned else []
    wanted += _checkpoints(stakes, currency, today)
    return ctas.open_from(wanted, now, today, ctas.budget())


def stakes_of(facts: Records, told: Foretold) -> dict[str, Stakes]:
    """What is at stake of each watched account, and whose it is today."""
    of_today = owners.standing().owner_of
    rows = facts.rows("select account_id, mrr_minor, owner, renewal_on from summary where mrr_minor > 0")
    found = {}
    for account, mrr, owner, renewal_on in rows:
        standing = told.by_account.get(account)
        if standing is not None:
            carried = of_today.get(account, owner)
            found[account] = Stakes(
                mrr, standing["at_risk_minor"], told.growth.get(account, 0), standing["churn_90"], carried or "", renewal_on,
                tuple(told.reasons.get(account, ())), account in told.leaving,
            )  # fmt: skip
    return found


def _of_signal(one: Judgement, at: Stakes, currency: str, today: date) -> Wanted:
    signal = _SIGNALS[one.signal]
    cause = CAUSES.get(one.signal, one.signal)
    grows = one.kind == "opportunity"
    return Wanted(
        one.account_id, one.kind, cause, one.severity, one.sentence, one.evidence, (one.signal,), at.growth if grows else at.at_risk,
        currency, at.owner, signal.next, today + timedelta(days=DUE[one.severity]), TITLES.get(cause, signal.title), at.mrr,
    )  # fmt: skip


def _of_risk(stakes: Mapping[str, Stakes], currency: str, today: date) -> list[Wanted]:
    """Accounts whose chance of leaving is well above the usual."""
    staying = [one.churn for one in stakes.values() if not one.has_given_notice]
    usual = sum(staying) / max(len(staying), 1)
    found = []
    for account, at in stakes.items():
        if at.has_given_notice or at.churn < min(max(TIMES_USUAL * usual, 0.05), HIGH):
            continue
        severity = URGENT if at.churn >= 2 * HIGH else WARNING if at.churn >= HIGH else NOTICE
        sentence = (
            f"The chance of leaving within 90 days is {number(at.churn, '%')}; the usual one is {number(usual, '%')}."
        )
        evidence = tuple(Evidence("why", told) for told in at.reasons)
        found.append(
            Wanted(
                account, "risk", "learned_risk", severity, sentence, evidence, ("learned_risk",), at.at_risk, currency, at.owner,
                "Read the reasons, and talk to whoever decides there.", today + timedelta(days=DUE[severity]),
                TITLES["learned_risk"], at.mrr,
            )
        )  # fmt: skip
    return found


def _notice(account: str, at: Stakes, currency: str, today: date) -> Wanted:
    return Wanted(
        account, "risk", "notice_given", URGENT, "Cancellation was asked for.", (), ("notice_given",), at.at_risk, currency, at.owner,
        "Find out why, and what would make them stay; note the reason in any case.", today + timedelta(days=DUE[URGENT]),
        TITLES["notice_given"], at.mrr,
    )  # fmt: skip


def _checkpoints(stakes: Mapping[str, Stakes], currency: str, today: date) -> list[Wanted]:
    """Six and three months before a renewal the CSM says how the account stands."""
    renewals = {account: at.renewal_on for account, at in stakes.items() if at.renewal_on is not None}
    found = []
    for one in ctas_sentiment.due(renewals, today):
        at = stakes[one.account_id]
        sentence = f"The renewal is on {one.renewal_on:%-d %B %Y}; nobody has said since {one.due_from:%-d %B} how the account stands."
        found.append(
            Wanted(
                one.account_id, "lifecycle", "sentiment_due", NOTICE, sentence, (), ("sentiment_due",), at.at_risk, currency, at.owner,
                "Say on the account's page how it stands, from 1 to 5.", today + timedelta(days=DUE[NOTICE]), TITLES["sentiment_due"],
                at.mrr,
            )
        )  # fmt: skip
    return found


_SIGNALS = {one.name: one for one in shelf()}
