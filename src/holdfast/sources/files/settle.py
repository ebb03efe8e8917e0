"""What the values of a file decide once its columns are found: shape, dates, numbers, money, lists, segments.

Each decision is written into the mapping with its reason; those that the values leave open begin with
PLEASE CHECK.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from zoneinfo import ZoneInfo

import pyarrow as pa
import pyarrow.compute as pc

from holdfast.sources.files.amounts import choose_decimal_mark
from holdfast.sources.files.mapping import Mapping
from holdfast.sources.files.parse import DateFormat, choose_date_format
from holdfast.sources.files.profile import Profile, choice, choices_of, days_of, field_kind, month_columns
from holdfast.sources.files.vocabulary import (
    AMOUNT_WORDS,
    SEGMENT_WORDS,
    currency_in,
    is_minor,
    plain_name,
    readings,
)

_ONE_DAY = timedelta(days=1)

#: The amount column by which units and currency of a file are decided.
_MONEY = {
    "subscription_item": "unit_amount_minor",
    "invoice": "total_minor",
    "invoice_line": "amount_minor",
    "spend": "amount_minor",
    "opportunity": "amount_minor",
}
#: What makes a segment attribute the account's plan.
_PLAN_NAMES = ("plan_tier", "plan_name", "tier", "subscription_plan", "plan_type")


def settle(mapping: Mapping, columns: Sequence[Profile]) -> Mapping:
    """Everything that the values decide: shape, dates, numbers, money, lists, what is left over."""
    by_name = {profile.header: profile for profile in columns}
    mapping = settle_dates(mapping, by_name)
    mapping = _settle_money(mapping, by_name)
    mapping = replace(mapping, values=_settle_values(mapping, by_name))
    if mapping.table == "subscription_item":
        mapping = _settle_subscription(mapping, columns)
    mapping = _settle_attributes(mapping, columns)
    used = {*mapping.columns.values(), *mapping.attributes.values(), *mapping.months}
    return replace(mapping, unused=tuple(p.header for p in columns if p.header not in used))


def settle_dates(mapping: Mapping, by_name: dict[str, Profile]) -> Mapping:
    """How each date column is written, where the mapping does not say.

    A column that leaves it open follows one that does not.
    """
    headers = [h for f, h in mapping.columns.items() if field_kind(mapping.table, f) in ("date", "time")]
    chosen = {
        header: made
        for header in headers
        if header not in mapping.date_format and (made := choose_date_format(by_name[header].distinct)) is not None
    }
    sure = [made.form for made in chosen.values() if made.sure and made.form in ("dmy", "mdy")]
    sure += [form for form in mapping.date_format.values() if form in ("dmy", "mdy")]
    forms: dict[str, DateFormat] = dict(mapping.date_format)
    reasons = dict(mapping.reasons)
    for header, made in chosen.items():
        form, reason = made.form, made.reason
        if not made.sure and sure:
            form, reason = sure[0], "the values leave it open; as in the file's other dates"
        elif not made.sure and "assumed" in reason and mapping.currency == "USD":
            if any("/" in text for text in by_name[header].sample):
                form, reason = (
                    "mdy",
                    "PLEASE CHECK: the values leave it open; month first, as the currency is USD",
                )
        elif not made.sure:
            reason = f"PLEASE CHECK: {reason}"
        forms[header] = form
        reasons[f"date_format.{header}"] = reason
    return replace(mapping, date_format=forms, reasons=reasons)


def _settle_money(mapping: Mapping, by_name: dict[str, Profile]) -> Mapping:
    """Decimal mark, units and currency of the amounts, stated with where they come from."""
    reasons = dict(mapping.reasons)
    money = mapping.columns.get(_MONEY.get(mapping.table, ""), "")
    numeric = [
        header
        for field, header in mapping.columns.items()
        if field_kind(mapping.table, field) in ("money", "int", "rate", "ppm")
    ]
    texts = [text for header in ([money] if money else numeric) for text in by_name[header].distinct]
    if mapping.table == "fx_rate":  # a rate has any number of decimals: a lone mark is decimal
        mark = "," if any("," in t and "." not in t for t in texts) else "."
        reasons["decimal"] = "a lone mark in a rate is decimal"
    else:
        mark, reasons["decimal"] = choose_decimal_mark(texts)
    currency = mapping.currency
    if "currency" in mapping.columns:
        reasons["currency"] = f"used where {mapping.columns['currency']} is empty"
    elif named := currency_in(money):
        currency, reasons["currency"] = named, f"named in the column's name {money}"
    elif money or mapping.months:
        reasons["currency"] = "no column names one: the reporting currency"
    minor = bool(money) and is_minor(money)
    if minor:
        reasons["amount_in"] = f"the column's name {money} says so"
    return replace(mapping, decimal=mark, currency=currency, amount_in="minor" if minor else "major", reasons=reasons)


def _settle_values(mapping: Mapping, by_name: dict[str, Profile]) -> dict[str, dict[str, str]]:
    """Translations of texts into our lists, where they differ."""
    told: dict[str, dict[str, str]] = {}
    for field, header in mapping.columns.items():
        if not choices_of(mapping.table, field):
            continue
        words = {
            text.strip(): ours
            for text in by_name[header].distinct[:200]
            if (ours := choice(mapping.table, field, text)) and ours != text.strip()
        }
        if words:
            told[field] = words
    return told


def _settle_subscription(mapping: Mapping, columns: Sequence[Profile]) -> Mapping:
    """Shape, meaning of the amount, whether ends are inclusive, whether one row is a whole history."""
    by_name = {profile.header: profile for profile in columns}
    mapping = _settle_shape(mapping, columns)
    reasons = dict(mapping.reasons)
    reasons["amount_is"] = _why_amount(mapping)
    if mapping.amount_is in ("monthly_total", "yearly_total"):
        # the total says all: how often it is billed and what was taken off make no difference
        spare = ("interval", "interval_count", "discount_percent")
        mapping = replace(mapping, columns={f: h for f, h in mapping.columns.items() if f not in spare})
    why = _ends_inclusive(mapping, by_name)
    if why:
        reasons["end_is"] = why
    own_id = mapping.columns.get("item_id") or mapping.columns.get("subscription_id")
    whole = mapping.shape == "rows" and own_id is not None and by_name[own_id].is_unique
    if own_id is not None:
        reasons["replaces_item"] = f"{own_id} {'is' if whole else 'is not'} unique in the file"
    if "replaces_item" in mapping.columns:
        whole = False
    end_is = "inclusive" if why else "exclusive"
    return replace(mapping, end_is=end_is, replaces_item=whole, reasons=reasons)


def _settle_shape(mapping: Mapping, columns: Sequence[Profile]) -> Mapping:
    """Whether rows are intervals or months, or months stand side by side; and how the amount is meant."""
    by_name = {profile.header: profile for profile in columns}
    reasons = dict(mapping.reasons)
    amount_is = reasons.pop("unit_amount_minor", "monthly_total")
    if "month" in mapping.columns:
        reasons["shape"] = f"each row is one month ({mapping.columns['month']})"
        amount_is = "monthly_total" if amount_is == "interval_total" else amount_is
        return replace(mapping, shape="months_down", amount_is=amount_is, reasons=reasons)
    months = month_columns(columns)
    if "valid_from" in mapping.columns or len(months) < 2:
        return replace(mapping, amount_is=amount_is, reasons=reasons)
    reasons["shape"] = f"{len(months)} columns are months"
    texts = [text for header in months for text in by_name[header].distinct]
    mark, reasons["decimal"] = choose_decimal_mark(texts)
    own = {field: header for field, header in mapping.columns.items() if field != "unit_amount_minor"}
    return replace(
        mapping,
        shape="months_across",
        columns=own,
        months=months,
        decimal=mark,
        amount_is="monthly_total",
        reasons=reasons,
    )


def _why_amount(mapping: Mapping) -> str:
    header = mapping.columns.get("unit_amount_minor", "")
    if mapping.amount_is in ("monthly_total", "yearly_total"):
        return f"{header} is what the whole line costs" if header else ""
    if "interval" in mapping.columns:
        return f"{header} is charged every {mapping.columns['interval']}"
    return f"{header} is charged every month, as no column says otherwise"


def _ends_inclusive(mapping: Mapping, by_name: dict[str, Profile]) -> str:
    """Why the ends are the last day paid; "" where nothing says so.

    Either the ends are month ends, or a period ends the day before its beginning's day of the month.
    """
    start, end = mapping.columns.get("valid_from", ""), mapping.columns.get("valid_to", "")
    if start not in mapping.date_format or end not in mapping.date_format:
        return ""
    zone = ZoneInfo(mapping.timezone)
    ends = days_of(by_name[end].sample, mapping.date_format[end], zone)
    if len(ends) >= 3 and sum((day + _ONE_DAY).day == 1 for day in ends) >= 0.9 * len(ends):
        return "nearly every end is the last day of a month"
    texts = zip(*(by_name[header].values[:1_000].to_pylist() for header in (start, end)), strict=True)
    both = [
        (begin[0], finish[0])
        for first, last in texts
        if (begin := days_of([first or ""], mapping.date_format[start], zone))
        and (finish := days_of([last or ""], mapping.date_format[end], zone))
    ]
    day_before = sum((finish + _ONE_DAY).day == begin.day for begin, finish in both)
    same_day = sum(finish.day == begin.day for begin, finish in both)
    if len(both) >= 2 and day_before >= 0.8 * len(both) and day_before > same_day:
        return "nearly every period ends the day before the day of the month on which it began"
    return ""


def _settle_attributes(mapping: Mapping, columns: Sequence[Profile]) -> Mapping:
    """In a file of accounts every column that nothing else takes is a segment attribute; in a file of
    subscriptions, those that say the same in all rows of an account."""
    used = {*mapping.columns.values(), *mapping.months}
    free = [profile for profile in columns if profile.header not in used]
    reasons = dict(mapping.reasons)
    if mapping.table == "subscription_item":
        account = next(p for p in columns if p.header == mapping.columns["account_id"])
        free = [profile for profile in free if _tells_of_account(profile, account)]
    elif mapping.table != "account":
        return mapping
    named: dict[str, str] = {}
    for profile in free:
        plain = plain_name(profile.header) or profile.header
        name = re.sub(r"^(account|customer|company)_(?=\w)", "", plain)
        name = "plan" if name in _PLAN_NAMES else name
        named[name if name not in named else plain] = profile.header
        if any(reading in words for reading, _ in readings(profile.header) for _, words in AMOUNT_WORDS):
            reasons[f"attributes.{name}"] = (
                f"PLEASE CHECK: {profile.header} looks like a price, but no column says from when on it holds"
            )
    return replace(mapping, attributes=dict(sorted(named.items())), reasons=reasons)


def _tells_of_account(profile: Profile, account: Profile) -> bool:
    """Whether a column is the account's and not the row's: known by its name, or the same in all its rows."""
    if not profile.sample or profile.is_date:
        return False
    if len(account.distinct) == len(account.values):
        return plain_name(profile.header) in SEGMENT_WORDS
    pairs = pa.table([account.values, profile.values], ["account", "value"]).group_by(["account", "value"])
    same = pairs.aggregate([]).num_rows == len(pc.unique(account.values))
    return same and 1 < len(profile.distinct) <= max(50, len(account.distinct) // 2)
