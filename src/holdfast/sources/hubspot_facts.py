"""What HubSpot's objects say in the columns of the fact tables. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from holdfast.domain.matching import PartyTold
from holdfast.sources import crm
from holdfast.sources.hubspot_reading import ID_PROPERTIES
from holdfast.sources.source import Bad, Facts, Object, Row, State, Told

#: kinds that become touches, and the properties of their titles
TOUCHES = {"calls": "hs_call_title", "meetings": "hs_meeting_title", "emails": "hs_email_subject"}
#: what did not take place
NOT_HELD = frozenset({"CANCELED", "NO_SHOW", "RESCHEDULED"})
NOT_SENT = frozenset({"BOUNCED", "FAILED", "SCHEDULED"})
PRIORITIES = {"low": "low", "medium": "normal", "high": "high", "urgent": "urgent"}


def facts(told: Told) -> Facts:
    """What is known of one company."""
    found = Facts()
    _party(told, found)
    _contacts(told, found)
    _deals(told, found)
    for kind in TOUCHES:
        _touches(told, kind, found)
    _tickets(told, found)
    return found


def of(obj: Object) -> dict[str, Any]:
    """An object's properties; empty where they are not an object."""
    properties = obj.get("properties")
    return properties if isinstance(properties, dict) else {}


def _owner(told: Told, key: Any) -> str:
    owner = told.shared.get("owners", {}).get(str(key or ""), {})
    name = f"{owner.get('firstName') or ''} {owner.get('lastName') or ''}".strip()
    return name or str(owner.get("email") or "")


# -- the company ---------------------------------------------------------------------------------------------


def _party(told: Told, found: Facts) -> None:
    for key, states in told.states("companies").items():
        last = states[-1]
        company = of(last.obj)
        wanted = (*crm.listed(told.settings.get("id_property", "")), *ID_PROPERTIES)
        keys = {name: company.get(name) for name in dict.fromkeys(wanted)}
        found.parties.append(
            PartyTold(
                key, name=str(company.get("name") or ""), domain=crm.domain_of(company.get("domain") or company.get("website")),
                keys=tuple(dict.fromkeys(crm.key_of(name, value) for name, value in keys.items() if value)),
                attributes=_attributes(told, company), owner=_owner(told, company.get("hubspot_owner_id")), is_gone=last.is_deleted,
            )
        )  # fmt: skip


def _attributes(told: Told, company: Mapping[str, Any]) -> dict[str, str]:
    values = {
        "industry": company.get("industry"),
        "country": company.get("country"),
        "employees": crm.size_of(company.get("numberofemployees")),
        "lifecycle_stage": company.get("lifecyclestage"),
        "parent": company.get("hs_parent_company_id"),
    }
    values |= {name: company.get(name) for name in crm.listed(told.settings.get("attributes", ""))}
    return {name: str(value) for name, value in values.items() if value not in (None, "")}


def _contacts(told: Told, found: Facts) -> None:
    for key, states in told.states("contacts").items():
        last = states[-1]
        person = of(last.obj)
        row: Row = {
            "contact_id": key, "account_id": told.group,
            "name": f"{person.get('firstname') or ''} {person.get('lastname') or ''}".strip(),
            "email": str(person.get("email") or "").lower(), "title": crm.text(person.get("jobtitle")),
            "department": crm.text(person.get("job_function")), "role": crm.role_of(str(person.get("hs_buying_role") or "").split(";")),
            "joined_on": crm.day(person.get("createdate") or last.obj.get("createdAt"), told.timezone),
        }  # fmt: skip
        if last.is_deleted:
            noticed = crm.day_of(last.seen_at, told.timezone)
            row |= {"left_on": noticed, "left_noticed_on": noticed, "deleted": True}
        found.add("contact", row)


# -- deals ---------------------------------------------------------------------------------------------------


def _deals(told: Told, found: Facts) -> None:
    for key, states in told.states("deals").items():
        last = states[-1]
        deal = of(last.obj)
        same: Row = {
            "opportunity_id": key, "account_id": told.group, "kind": _kind(told, deal),
            "opened_on": crm.day(deal.get("createdate") or last.obj.get("createdAt"), told.timezone),
        }  # fmt: skip
        if last.is_deleted:
            same["deleted"] = True
        rows = crm.deal_rows(same, _deal_states(told, key, states, found), told.timezone)
        if not rows:
            found.bad.append(
                Bad("deals", key, "dealstage", "", "the deal has no stage", "Give the deal a stage in HubSpot")
            )
        for row in rows:
            found.add("opportunity", row)


def _kind(told: Told, deal: Mapping[str, Any]) -> str:
    """By the pipeline, where it is one of renewals, else by the deal's type."""
    pipeline = told.shared.get("pipelines", {}).get(str(deal.get("pipeline") or ""), {})
    names = {str(deal.get("pipeline") or "").lower(), str(pipeline.get("label") or "").lower()}
    renewals = {one.lower() for one in crm.listed(told.settings.get("renewal_pipelines", ""))}
    if names & renewals or (not renewals and any("renew" in name for name in names)):
        return "renewal"
    return crm.kind_of(deal.get("dealtype"))


def _deal_states(told: Told, key: str, states: Sequence[State], found: Facts) -> Iterator[tuple[datetime, Row]]:
    """When a deal's stage, amount or closing day changed, and what they were then."""
    amount_property = told.settings.get("amount_property") or "amount"
    histories = {name: _history(states, name) for name in ("dealstage", amount_property, "closedate")}
    currency = str(of(states[-1].obj).get("deal_currency_code") or told.settings.get("currency") or told.currency)
    labels = {
        str(stage.get("id")): str(stage.get("label") or stage.get("id"))
        for pipeline in told.shared.get("pipelines", {}).values()
        for stage in pipeline.get("stages") or []
    }
    refused: set[str] = set()
    for at in sorted({at for history in histories.values() for at in history}):
        stage = _at(histories["dealstage"], at)
        if not stage:
            continue
        amount = _at(histories[amount_property], at)
        try:
            amount_minor = crm.minor(amount, currency.upper())
        except ValueError as error:
            amount_minor = None
            if str(amount) not in refused:
                refused.add(str(amount))
                found.bad.append(
                    Bad("deals", key, amount_property, str(amount), str(error), "Correct the amount in HubSpot")
                )
        closes = crm.day(_at(histories["closedate"], at), told.timezone)
        yield (
            at,
            {
                "stage": labels.get(stage, stage),
                "amount_minor": amount_minor,
                "currency": currency.upper(),
                "close_on": closes,
            },
        )


def _history(states: Sequence[State], name: str) -> dict[datetime, str]:
    """Since when a property had which value: as HubSpot tells it, and as we saw it where it tells none."""
    history: dict[datetime, str] = {}
    for state in states:
        told = state.obj.get("propertiesWithHistory")
        versions = told.get(name) if isinstance(told, dict) else None
        versions = [one for one in versions if isinstance(one, dict)] if isinstance(versions, list) else []
        for version in versions:
            at = crm.moment(version.get("timestamp"))
            if at:
                history[at] = str(version.get("value") or "")
        if not versions and not state.is_deleted:
            history.setdefault(state.changed_at or state.seen_at, str(of(state.obj).get(name) or ""))
    return history


def _at(history: Mapping[datetime, str], at: datetime) -> str:
    before = [moment for moment in history if moment <= at]
    return history[max(before)] if before else ""


# -- touches and tickets -------------------------------------------------------------------------------------


def _touches(told: Told, kind: str, found: Facts) -> None:
    answered = _answered(told) if kind == "emails" else {}
    for key, states in told.states(kind).items():
        last = states[-1]
        row = _touch(told, kind, key, last.obj, answered)
        if row is None or last.is_deleted:
            # it may have been one before
            earlier = (_touch(told, kind, key, state.obj, answered) for state in reversed(states))
            row = next((one | {"deleted": True} for one in earlier if one), None)
        if row:
            found.add("touch", row)
        elif not last.is_deleted and crm.moment(of(last.obj).get("hs_timestamp")) is None:
            value = str(of(last.obj).get("hs_timestamp"))
            found.bad.append(Bad(kind, key, "hs_timestamp", value, "it has no time", "Give it a time in HubSpot"))


def _touch(told: Told, kind: str, key: str, obj: Object, answered: Mapping[str, datetime]) -> Row | None:
    """The touch that an object is; None: it is none, or did not take place."""
    entry = of(obj)
    at = crm.moment(entry.get("hs_meeting_start_time")) or crm.moment(entry.get("hs_timestamp"))
    if at is None or _did_not_happen(kind, entry):
        return None
    title = str(entry.get(TOUCHES[kind]) or "")
    row: Row = {
        "touch_id": f"{kind}:{key}", "account_id": told.group, "contact_id": next(iter(obj.get("contacts") or []), None),
        "owner": _owner(told, entry.get("hubspot_owner_id")) or None, "happened_at": at,
        "channel": {"calls": "call", "emails": "email"}.get(kind) or crm.meeting(title), "subject": title or None,
    }  # fmt: skip
    thread = str(entry.get("hs_email_thread_id") or "")
    if kind == "emails" and thread:
        row["replied"] = thread in answered and answered[thread] > at
    return row


def _did_not_happen(kind: str, entry: Mapping[str, Any]) -> bool:
    if kind == "meetings":
        return str(entry.get("hs_meeting_outcome")) in NOT_HELD
    if kind == "emails":
        return (
            entry.get("hs_email_direction") not in (None, "", "EMAIL") or str(entry.get("hs_email_status")) in NOT_SENT
        )
    return str(entry.get("hs_call_status")) in NOT_HELD | NOT_SENT


def _answered(told: Told) -> dict[str, datetime]:
    """By thread when its last mail from outside came."""
    found: dict[str, datetime] = {}
    for obj in told.newest("emails"):
        mail = of(obj)
        at, thread = crm.moment(mail.get("hs_timestamp")), str(mail.get("hs_email_thread_id") or "")
        if at and thread and mail.get("hs_email_direction") == "INCOMING_EMAIL":
            found[thread] = max(found.get(thread, at), at)
    return found


def _tickets(told: Told, found: Facts) -> None:
    for key, states in told.states("tickets").items():
        last = states[-1]
        ticket = of(last.obj)
        opened = crm.moment(ticket.get("createdate") or last.obj.get("createdAt"))
        if opened is None:
            found.bad.append(
                Bad("tickets", key, "createdate", str(ticket.get("createdate")), "it has no time", "See it in HubSpot")
            )
            continue
        row: Row = {
            "ticket_id": key, "account_id": told.group, "contact_id": next(iter(last.obj.get("contacts") or []), None),
            "opened_at": opened, "first_response_at": crm.moment(ticket.get("first_agent_reply_date")),
            "closed_at": crm.moment(ticket.get("closed_date")),
            "priority": PRIORITIES.get(str(ticket.get("hs_ticket_priority") or "").lower(), "normal"),
            "subject": crm.text(ticket.get("subject")), "body": crm.text(ticket.get("content")),
        }  # fmt: skip
        found.add("ticket", row | ({"deleted": True} if last.is_deleted else {}))
