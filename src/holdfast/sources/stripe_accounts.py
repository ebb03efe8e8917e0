"""Stripe's customers as accounts: name, domain, when they came, and what is told of them in metadata."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import date

from holdfast.domain.companies import company_domain
from holdfast.sources.source import Object, Row, Told
from holdfast.sources.stripe_shape import ident, items_of, seconds

#: texts longer than this are no segment attributes
LONGEST = 64


def newest_customer(told: Told) -> Object:
    """The last that was said of the customer; one that is deleted is told by what was said before."""
    states = told.states("customers").get(told.group, ())
    found: Object = {}
    for state in states:
        if not state.obj.get("deleted") or not found:
            found = state.obj
    return found


def gone_at(told: Told) -> int | None:
    """When the customer was deleted, or was seen to be; None where it is there."""
    states = told.states("customers").get(told.group, ())
    if not states or not states[-1].is_deleted:
        return None
    # the first word of a deletion is nearest to it
    last = None
    for state in reversed(states):
        if not state.is_deleted:
            break
        last = state
    return int((last.changed_at or last.seen_at).timestamp()) if last else None


def account_row(
    told: Told, subscriptions: Sequence[Object], products: Mapping[str, Object], day: Callable[[int], date]
) -> Row:
    """The row of the customer."""
    customer = newest_customer(told)
    created = seconds(customer.get("created"))
    return {
        "account_id": told.group, "name": name_of(customer, told.group), "domain": domain_of(customer),
        "created_on": day(created) if created is not None else None,
        "attributes": attributes_of(customer, subscriptions, products),
    }  # fmt: skip


def name_of(customer: Object, otherwise: str) -> str:
    told = (customer.get("business_name"), customer.get("name"), customer.get("description"), customer.get("email"))
    return next((text.strip() for text in told if isinstance(text, str) and text.strip()), otherwise)


def domain_of(customer: Object) -> str | None:
    """The domain of the e-mail address, where it is a company's."""
    email = customer.get("email")
    if not isinstance(email, str) or email.count("@") != 1:
        return None
    return company_domain(email) or None


def attributes_of(customer: Object, subscriptions: Sequence[Object], products: Mapping[str, Object]) -> dict[str, str]:
    """Country, currency and plan, and metadata that is short; what somebody wrote there goes first."""
    address = customer.get("address") if isinstance(customer.get("address"), dict) else {}
    found = {
        "country": str((address or {}).get("country") or ""),
        "currency": str(customer.get("currency") or "").upper(),
        "plan": _plan(subscriptions, products),
    }
    metadata = customer.get("metadata")
    for key, value in metadata.items() if isinstance(metadata, dict) else ():
        if isinstance(value, str) and 0 < len(value.strip()) <= LONGEST and len(str(key)) <= LONGEST:
            found[str(key)] = value.strip()
    return {key: value for key, value in found.items() if value}


def _plan(subscriptions: Sequence[Object], products: Mapping[str, Object]) -> str:
    """The product of the running subscription that began last, by its name."""
    running = [
        sub for sub in subscriptions if sub.get("status") in ("active", "trialing", "past_due", "paused", "unpaid")
    ]
    for sub in sorted(running, key=lambda sub: -(seconds(sub.get("created")) or 0)):
        for item in items_of(sub):
            product = products.get(ident(item.price.get("product")), {})
            name = product.get("name") or item.price.get("nickname") or item.price.get("name")
            if isinstance(name, str) and 0 < len(name) <= LONGEST:
                return name
    return ""
