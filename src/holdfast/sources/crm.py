"""What the sources of customer relations have in common: how moments, money, domains and roles are read, and the fields that we may
write. Everything here is pure.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal, InvalidOperation
from typing import Any
from zoneinfo import ZoneInfo

from holdfast.domain.companies import host_in
from holdfast.domain.money import decimals
from holdfast.sources.source import Row

#: systems whose ids a field is known to hold by its name
SYSTEMS = ("stripe", "chargebee", "zendesk", "intercom", "salesforce", "hubspot", "posthog", "segment")
#: smallest number of employees of a bucket, and its name
SIZES = ((5001, "5001+"), (1001, "1001-5000"), (201, "201-1000"), (51, "51-200"), (11, "11-50"), (1, "1-10"))
#: roles of the contact table, the most telling first, and the words in a system's role that mean them
ROLES = (
    ("champion", ("champion",)),
    ("sponsor", ("sponsor", "decision maker", "decision_maker", "economic")),
    ("billing", ("billing", "budget", "finance", "invoice", "accounts payable")),
    ("admin", ("admin",)),
)
REVIEW = re.compile(r"\bqbr\b|\bbusiness review\b", re.IGNORECASE)


# -- the fields that we may write ----------------------------------------------------------------------------


@dataclass(frozen=True)
class Written:
    """A field of ours in another system."""

    #: its name in HubSpot, and in Salesforce
    name: str
    salesforce: str
    title: str
    #: `money` and `number` with two decimals, `percent` with one, `count`, `text` or `date`
    kind: str
    description: str


#: everything that may ever be written into another system; nothing else is touched there
WRITTEN = {
    field.name: field
    for field in (
        Written(
            "holdfast_mrr", "Holdfast_MRR__c", "Holdfast MRR", "money",
            "Monthly recurring revenue in the reporting currency of Holdfast. Written by Holdfast.",
        ),
        Written(
            "holdfast_arr", "Holdfast_ARR__c", "Holdfast ARR", "money",
            "Annual recurring revenue (12 × MRR) in the reporting currency of Holdfast. Written by Holdfast.",
        ),
        Written(
            "holdfast_nrr", "Holdfast_NRR__c", "Holdfast NRR, 12 months", "percent",
            "MRR in percent of the MRR twelve months ago; empty where there was none. Written by Holdfast.",
        ),
        Written(
            "holdfast_renewal_date", "Holdfast_Renewal_Date__c", "Holdfast renewal date", "date",
            "First day after the current contract term. Written by Holdfast.",
        ),
        Written(
            "holdfast_health", "Holdfast_Health__c", "Holdfast health", "number",
            "Health of the account, 0 (bad) to 100 (good); empty where too little is known. Written by Holdfast.",
        ),
        Written(
            "holdfast_health_band", "Holdfast_Health_Band__c", "Holdfast health band", "text",
            "Band of the account's health: green, yellow or red, as its scorecard has it. Written by Holdfast.",
        ),
        Written(
            "holdfast_risk", "Holdfast_Risk__c", "Holdfast risk, 90 days", "percent",
            "Chance that the account leaves within 90 days, in percent. Written by Holdfast.",
        ),
        Written(
            "holdfast_mrr_at_risk", "Holdfast_MRR_At_Risk__c", "Holdfast MRR at risk", "money",
            "MRR at risk within 90 days in the reporting currency of Holdfast. Written by Holdfast.",
        ),
        Written(
            "holdfast_open_ctas", "Holdfast_Open_CTAs__c", "Holdfast open CTAs", "count",
            "Calls to action that are open for the account. Written by Holdfast.",
        ),
        Written(
            "holdfast_top_cta", "Holdfast_Top_CTA__c", "Holdfast gravest CTA", "text",
            "The gravest open call to action that Holdfast's signals raised. Written by Holdfast.",
        ),
        Written(
            "holdfast_as_of", "Holdfast_As_Of__c", "Holdfast as of", "date",
            "The last day that the numbers of Holdfast see. Written by Holdfast.",
        ),
    )
}  # fmt: skip


# -- moments and days ----------------------------------------------------------------------------------------


def moment(told: Any) -> datetime | None:
    """A moment in UTC of an ISO text or milliseconds since 1970; None where it is neither."""
    written = text(told)
    if written is None:
        return None
    try:
        is_count = written.lstrip("-").isdecimal()
        found = datetime.fromtimestamp(int(written) / 1000, UTC) if is_count else datetime.fromisoformat(written)
    except (ValueError, OverflowError, OSError):
        return None
    if not 1900 <= found.year < 9000:
        # no moment of a company's life, and beyond what time zones can be worked out for
        return None
    return found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)


def day_of(at: datetime, timezone: str) -> date:
    """The company's day at a moment."""
    return at.astimezone(ZoneInfo(timezone)).date()


def day(told: Any, timezone: str) -> date | None:
    """A day as it is written, or the company's day at a moment; None where it is neither."""
    written = text(told) or ""
    if re.fullmatch(r"\d{4}-\d\d-\d\d", written):
        try:
            return date.fromisoformat(written)
        except ValueError:
            return None
    at = moment(written)
    return day_of(at, timezone) if at else None


# -- values --------------------------------------------------------------------------------------------------


def text(told: Any) -> str | None:
    """A text; None where it is empty."""
    return str(told).strip() or None if told is not None else None


def minor(told: Any, currency: str) -> int | None:
    """An amount in major units as minor units, halves to even; None: there is none. ValueError: it is not a number."""
    written = text(told)
    if written is None:
        return None
    try:
        amount = Decimal(written)
    except InvalidOperation:
        raise ValueError(f"'{written}' is not an amount") from None
    if not amount.is_finite() or abs(amount) > Decimal(10) ** 15:
        raise ValueError(f"'{written}' is not an amount")
    return int(amount.scaleb(decimals(currency)).to_integral_value())


def domain_of(told: Any) -> str:
    """The domain of an address as people write it: `https://www.Acme.com/de` is acme.com."""
    host = host_in(str(told or "")).removeprefix("www.")
    return host if "." in host else ""


def size_of(told: Any) -> str:
    """The bucket of a number of employees; "" where there is none."""
    try:
        count = int(float(str(told)))
    except (ValueError, OverflowError):
        return ""
    return next((name for least, name in SIZES if count >= least), "")


def role_of(told: Iterable[Any]) -> str:
    """The role of the contact table that a system's roles come nearest to."""
    words = [str(one).lower() for one in told if one]
    return next((role for role, signs in ROLES if any(sign in word for word in words for sign in signs)), "user")


def key_of(field: str, value: Any) -> str:
    """An id of another system, with that system's name before it where the field's name tells it: `stripe:cus_1`."""
    system = next((name for name in SYSTEMS if name in field.lower()), "")
    key = str(value).strip()
    return f"{system}:{key}" if system and not key.startswith(f"{system}:") else key


def kind_of(told: Any, renewals: Iterable[str] = ()) -> str:
    """What a deal is for, of the words of its type. One without any is new business: it is not counted on for retention."""
    words = str(told or "").lower()
    if "renew" in words or words in {one.lower() for one in renewals}:
        return "renewal"
    if any(sign in words for sign in ("existing", "expan", "upgrade", "upsell", "cross", "add-on", "amend")):
        return "expansion"
    return "new"


def meeting(title: str) -> str:
    """The channel of a meeting."""
    return "qbr" if REVIEW.search(title) else "meeting"


def listed(setting: str) -> tuple[str, ...]:
    """Names in a setting, with commas."""
    return tuple(dict.fromkeys(name.strip() for name in setting.split(",") if name.strip()))


def deal_rows(same: Row, states: Iterable[tuple[datetime, Row]], timezone: str) -> list[Row]:
    """Rows of a deal's states: one per day on which something changed, and the last of a day is what holds."""
    by_day = {day_of(at, timezone): told for at, told in sorted(states, key=lambda state: state[0])}
    rows: list[Row] = []
    before: Row | None = None
    for on, told in sorted(by_day.items()):
        if told != before:
            rows.append({**same, **told, "changed_on": on})
        before = told
    return rows
