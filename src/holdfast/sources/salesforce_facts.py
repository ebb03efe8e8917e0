"""What Salesforce's records say in the columns of the fact tables. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from holdfast.domain.matching import PartyTold
from holdfast.sources import crm
from holdfast.sources.salesforce_reading import is_id
from holdfast.sources.source import Bad, Facts, Object, Row, State, Told

#: a person's id begins with it; other ids that an activity may name are of leads
PERSON = "003"
#: what tasks are: by their subtype, else by their type
CHANNELS = {"call": "call", "email": "email", "listemail": "email", "cadence": "email", "meeting": "meeting"}


def facts(told: Told) -> Facts:
    """What is known of one account."""
    found = Facts()
    _party(told, found)
    _contacts(told, found)
    _opportunities(told, found)
    for stream in ("tasks", "events"):
        _touches(told, stream, found)
    return found


def _owner(told: Told, key: Any) -> str:
    user = told.shared.get("users", {}).get(str(key or ""), {})
    return str(user.get("Name") or user.get("Email") or "")


def _currency(told: Told, record: Mapping[str, Any]) -> str:
    return str(record.get("CurrencyIsoCode") or told.settings.get("currency") or told.currency).upper()


# -- the account ---------------------------------------------------------------------------------------------


def _party(told: Told, found: Facts) -> None:
    for key, states in told.states("accounts").items():
        account = states[-1].obj
        named = crm.listed(told.settings.get("id_field", ""))
        ids = [name for name in dict.fromkeys((*named, *account)) if name in named or is_id(name)]
        found.parties.append(
            PartyTold(
                key, name=str(account.get("Name") or ""), domain=crm.domain_of(account.get("Website")),
                keys=tuple(dict.fromkeys(crm.key_of(name, account[name]) for name in ids if account.get(name))),
                attributes=_attributes(told, account), owner=_owner(told, account.get("OwnerId")), is_gone=states[-1].is_deleted,
            )
        )  # fmt: skip


def _attributes(told: Told, account: Mapping[str, Any]) -> dict[str, str]:
    values = {
        "industry": account.get("Industry"),
        "country": account.get("BillingCountry"),
        "employees": crm.size_of(account.get("NumberOfEmployees")),
        "type": account.get("Type"),
        "parent": account.get("ParentId"),
    }
    values |= {name: account.get(name) for name in crm.listed(told.settings.get("attributes", ""))}
    return {name: str(value) for name, value in values.items() if value not in (None, "")}


def _contacts(told: Told, found: Facts) -> None:
    roles: dict[str, list[Any]] = {}
    for one in told.newest("roles"):
        roles.setdefault(str(one.get("ContactId")), []).append(one.get("Role"))
    ties = {str(one.get("ContactId")): one for one in told.newest("relations")}
    for key, states in told.states("contacts").items():
        last, tie = states[-1], ties.get(key, {})
        person = last.obj
        row: Row = {
            "contact_id": key, "account_id": told.group, "name": crm.text(person.get("Name")),
            "email": str(person.get("Email") or "").lower(), "title": crm.text(person.get("Title")), "department": crm.text(person.get("Department")),
            "role": crm.role_of([*roles.get(key, ()), *str(tie.get("Roles") or "").split(";")]),
            "joined_on": crm.day(tie.get("StartDate") or person.get("CreatedDate"), told.timezone),
        }  # fmt: skip
        if last.is_deleted:
            noticed = crm.day_of(last.seen_at, told.timezone)
            row |= {"left_on": noticed, "left_noticed_on": noticed, "deleted": True}
        elif tie.get("IsActive") is False:
            noticed = _ended(told, key)
            row |= {"left_on": crm.day(tie.get("EndDate"), told.timezone) or noticed, "left_noticed_on": noticed}
        found.add("contact", row)


def _ended(told: Told, contact: str) -> Any:
    """The day on which we saw that somebody's tie to the account is not active any more."""
    ended = [
        state.seen_at
        for states in told.states("relations").values()
        for state in states
        if str(state.obj.get("ContactId")) == contact and state.obj.get("IsActive") is False
    ]
    return crm.day_of(min(ended), told.timezone) if ended else None


# -- opportunities -------------------------------------------------------------------------------------------


def _opportunities(told: Told, found: Facts) -> None:
    history: dict[str, list[Object]] = {}
    for one in told.newest("opportunity_history"):
        history.setdefault(str(one.get("OpportunityId")), []).append(one)
    renewals = crm.listed(told.settings.get("renewal_types", ""))
    for key, states in told.states("opportunities").items():
        deal = states[-1].obj
        same: Row = {
            "opportunity_id": key, "account_id": told.group, "kind": crm.kind_of(deal.get("Type"), renewals),
            "opened_on": crm.day(deal.get("CreatedDate"), told.timezone),
        }  # fmt: skip
        if states[-1].is_deleted:
            same["deleted"] = True
        rows = crm.deal_rows(same, _deal_states(told, key, states, history.get(key, ()), found), told.timezone)
        if not rows:
            found.bad.append(
                Bad("opportunities", key, "StageName", "", "it has no stage", "Give it a stage in Salesforce")
            )
        for row in rows:
            found.add("opportunity", row)


def _deal_states(
    told: Told, key: str, states: Sequence[State], history: Sequence[Object], found: Facts
) -> Iterator[tuple[datetime, Row]]:
    """What an opportunity was at each time: by its history, and by its states since we watch it."""
    amount_field = told.settings.get("amount_field") or "Amount"
    refused: set[str] = set()
    # the history knows the standard amount only
    past = [(crm.moment(one.get("CreatedDate")), one) for one in history] if amount_field == "Amount" else []
    seen = [(state.changed_at or state.seen_at, state.obj) for state in states if not state.is_deleted]
    if not seen:
        seen = [(states[-1].changed_at or states[-1].seen_at, states[-1].obj)]
    told_until = max((at for at, _ in past if at), default=None)
    for at, record in [*past, *(one for one in seen if told_until is None or one[0] > told_until)]:
        stage = str(record.get("StageName") or "")
        if at is None or not stage:
            continue
        currency = _currency(told, states[-1].obj)
        amount = record.get(amount_field)
        try:
            amount_minor = crm.minor(amount, currency)
        except ValueError as error:
            amount_minor = None
            if str(amount) not in refused:
                refused.add(str(amount))
                found.bad.append(
                    Bad("opportunities", key, amount_field, str(amount), str(error), "Correct it in Salesforce")
                )
        closes = crm.day(record.get("CloseDate"), told.timezone)
        yield at, {"stage": stage, "amount_minor": amount_minor, "currency": currency, "close_on": closes}


# -- activities ----------------------------------------------------------------------------------------------


def _touches(told: Told, stream: str, found: Facts) -> None:
    for key, states in told.states(stream).items():
        last = states[-1]
        row = _touch(told, stream, key, last.obj)
        if row is None or last.is_deleted:
            # it may have been one before
            earlier = (_touch(told, stream, key, state.obj) for state in reversed(states))
            row = next((one | {"deleted": True} for one in earlier if one), None)
        if row:
            found.add("touch", row)


def _touch(told: Told, stream: str, key: str, record: Object) -> Row | None:
    """The touch that an activity is; None: it is none, or is not done yet."""
    subject = str(record.get("Subject") or "")
    if stream == "events":
        at = crm.moment(record.get("StartDateTime"))
        # a series' own record, and the copies of those who are invited, are no meetings of their own
        is_one = not record.get("IsChild") and not record.get("IsRecurrence")
        channel = crm.meeting(subject) if is_one else ""
    else:
        at = crm.moment(record.get("CompletedDateTime")) or crm.moment(record.get("ActivityDate"))
        words = (str(record.get(name) or "").lower() for name in ("TaskSubtype", "Type"))
        channel = next((CHANNELS[word] for word in words if word in CHANNELS), "") if record.get("IsClosed") else ""
    if at is None or not channel:
        return None
    who = str(record.get("WhoId") or "")
    return {
        "touch_id": key, "account_id": told.group, "contact_id": who if who.startswith(PERSON) else None,
        "owner": _owner(told, record.get("OwnerId")) or None, "happened_at": at, "channel": channel, "subject": subject or None,
    }  # fmt: skip
