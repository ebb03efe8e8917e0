"""Asking PostHog: HogQL questions that it answers when they are done, in pages, and what it says where it refuses.

Everything is counted there; events themselves are never read. Questions are answered anew, not out of a cache.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

from holdfast.sources.access import Access
from holdfast.sources.source import Object, SourceError, Span

if TYPE_CHECKING:
    from dlt.sources.helpers.rest_client.client import RESTClient

#: where PostHog's own servers answer
HOME = "https://us.posthog.com"
#: rows that one answer has; the most that PostHog gives are 50,000
PAGE = 10_000
#: seconds between looks whether an answer is there, at first and at most, and how long one is waited for
PAUSE, LONGEST_PAUSE, PATIENCE = 0.5, 10.0, 900.0
#: days that are counted with one question
WINDOW = timedelta(days=30)
#: people who did something within so many days
RECENT_DAYS = 365
#: the one event of PostHog's own that says what people do
PAGEVIEW = "$pageview"
MAKE_KEY = "make one in PostHog under Settings > Personal API keys, with the scopes query:read and group:read"

COUNT = """
    select toString(toDate({moment})) as day, {account} as account, {event} as feature, count() as events,
        count(distinct person_id) as persons
    from events
    where timestamp >= {{since}} and timestamp < {{until}} and {account} != ''
        and (event = '$pageview' or event not like '$%'){only}{without}
    group by day, account, feature order by day, account, feature
"""
PERSONS = """
    select toString(person_id) as id, any(person.properties.email) as email, any(person.properties.name) as name,
        argMax({account}, timestamp) as account, toString(toDate(min(timestamp))) as first_day
    from events
    where timestamp >= {{since}} and {account} != '' and person.properties.email like '%@%'
    group by id order by id
"""
DOMAIN = "lower(splitByChar('@', ifNull(toString(person.properties.email), ''))[-1])"


def client(access: Access) -> RESTClient:
    from dlt.sources.helpers.rest_client.auth import BearerTokenAuth

    base = (access.value("base_url") or HOME).rstrip("/")
    return access.client(f"{base}/api/projects/{project(access)}", auth=BearerTokenAuth(access.value("key")))


def project(access: Access) -> str:
    """The project's number. SourceError: it is none."""
    told = access.value("project").strip()
    if not told.isdigit():
        raise SourceError(
            f"'{told}' is not the number of a project",
            "PostHog shows it under Settings > Project > General, as Project ID",
        )
    return told


def asked(api: RESTClient, method: str, path: str, **more: Any) -> Any:
    """An answer's JSON. SourceError: it is refused, and why."""
    response = api.session.request(method, f"{api.base_url}{path}", auth=api.auth, **more)
    if response.status_code in (400, 401, 403, 404):
        raise _refused(response.status_code, _detail(response))
    response.raise_for_status()
    return response.json()


def _detail(response: Any) -> str:
    try:
        return str(response.json().get("detail") or "")
    except (ValueError, AttributeError):
        return ""


def _refused(status: int, detail: str) -> SourceError:
    if status == 401:
        return SourceError(
            "PostHog does not know the key", f"{MAKE_KEY}; a key of the EU works at eu.posthog.com alone"
        )
    if status == 403:
        return SourceError(f"the key may not do this: {detail or 'a scope is missing'}", MAKE_KEY)
    if status == 404:
        return SourceError(
            "PostHog has no such project, or the key may not see it",
            "check the project's number and the address (US or EU)",
        )
    return SourceError(f"PostHog does not understand the question: {detail}", "check the settings of the connection")


def answer(api: RESTClient, sql: str, values: Mapping[str, Any]) -> list[list[Any]]:
    """The rows of a HogQL question; it is asked, and looked after until it is answered."""
    query = {"kind": "HogQLQuery", "query": sql, "values": dict(values)}
    told = asked(api, "POST", "/query/", json={"query": query, "refresh": "force_async", "name": "holdfast"})
    pause, began = PAUSE, time.monotonic()
    while "results" not in told or told["results"] is None:
        status = told.get("query_status") or {}
        if status.get("error"):
            raise SourceError(
                f"PostHog could not answer: {status.get('error_message') or 'it does not say why'}", "try again later"
            )
        if status.get("complete"):
            told = status.get("results") or {"results": []}
            told = told if isinstance(told, dict) else {"results": told}
            continue
        if not status.get("id") or time.monotonic() - began > PATIENCE:
            raise SourceError("PostHog did not answer in time", "try again later")
        time.sleep(pause)
        pause = min(pause * 1.5, LONGEST_PAUSE)
        told = asked(api, "GET", f"/query/{status['id']}/")
    return list(told["results"])


def pages(api: RESTClient, sql: str, values: Mapping[str, Any], names: Sequence[str]) -> Iterator[list[Object]]:
    """All rows of a question, page by page; it says in which order they are."""
    offset = 0
    while True:
        rows = answer(api, f"{sql} limit {PAGE} offset {offset}", values)
        yield [dict(zip(names, row, strict=False)) for row in rows]
        if len(rows) < PAGE:
            return
        offset += len(rows)


# -- what is asked -----------------------------------------------------------------------------------------------


def group_types(api: RESTClient) -> list[dict[str, Any]]:
    """The project's group types: group_type and group_type_index."""
    return list(asked(api, "GET", "/groups_types/"))


#: what companies call their group of customers
USUAL = ("company", "organization", "organisation", "account", "customer", "workspace", "tenant", "team")


def group_index(access: Access, types: Sequence[Mapping[str, Any]]) -> int | None:
    """Which group type accounts are; None: accounts are told by e-mail domain. SourceError: there is none."""
    if access.value("by") == "domain":
        return None
    by_name = {str(one["group_type"]).lower(): int(one["group_type_index"]) for one in types}
    wanted = access.value("group_type").strip().lower()
    if wanted and wanted in by_name:
        return by_name[wanted]
    found = next((by_name[name] for name in USUAL if name in by_name), None)
    if wanted or found is None:
        there = f"there are {', '.join(by_name)}" if by_name else "the project has none"
        raise SourceError(
            f"there is no group type '{wanted}'; {there}"
            if wanted
            else f"it is not clear which group type accounts are; {there}",
            "name the group type, or let accounts be told by the e-mail domain of people",
        )
    return found


def account_of(index: int | None) -> str:
    """HogQL for the account of an event."""
    return DOMAIN if index is None else f"$group_{index}"


def account_index(access: Access, api: RESTClient) -> int | None:
    return None if access.value("by") == "domain" else group_index(access, group_types(api))


def counts(access: Access, span: Span, first: date) -> Iterator[list[Object]]:
    """Day, account and event with the number of events and people; the event "*" is all of them."""
    api = client(access)
    account = account_of(account_index(access, api))
    zone = {"zone": access.value("timezone")} if access.value("timezone") else {}
    begin, end = _bounds(api, zone)
    since = max(begin, first, span.since.date() if span.since else first)
    until = min(end, span.until.date()) if span.until else end
    values, only, without = _filters(access)
    moment = "toTimeZone(timestamp, {zone})" if zone else "timestamp"
    while since < until:
        stop = min(since + WINDOW, until)
        days = {"since": str(since), "until": str(stop)}
        for event in ("event", "'*'"):
            sql = COUNT.format(moment=moment, account=account, event=event, only=only, without=without)
            yield from pages(
                api, _days(sql, zone), values | zone | days, ("day", "account", "event", "events", "persons")
            )
        since = stop


def _days(sql: str, zone: Mapping[str, str]) -> str:
    """A question with its days as moments, in the project's time zone or the one that was set."""
    more = ", {zone}" if zone else ""
    for name in ("since", "until"):
        sql = sql.replace("{" + name + "}", f"toDateTime(concat({{{name}}}, ' 00:00:00'){more})")
    return sql


def _bounds(api: RESTClient, zone: Mapping[str, str]) -> tuple[date, date]:
    """The day of the first event, and the day after today."""
    moment = "toTimeZone({}, {{zone}})" if zone else "{}"
    sql = f"select toString(toDate({moment.format('min(timestamp)')})), toString(toDate({moment.format('now()')})) from events"
    [[first, today]] = answer(api, sql, zone)
    end = date.fromisoformat(today) + timedelta(days=1)
    return (date.fromisoformat(first) if first else end), end


def _filters(access: Access) -> tuple[dict[str, Any], str, str]:
    only, without = (names(access.value(name)) for name in ("only", "without"))
    values = ({"only": only} if only else {}) | ({"without": without} if without else {})
    return values, " and event in {only}" if only else "", " and event not in {without}" if without else ""


def names(told: str) -> list[str]:
    """Event names, as they were typed with commas; `page` is a page view."""
    found = [one.strip() for one in told.split(",") if one.strip()]
    return [PAGEVIEW if one == "page" else one for one in found]


def people(access: Access, span: Span) -> Iterator[list[Object]]:
    """People with an e-mail address who did something lately, with the account for which they did it last."""
    api = client(access)
    sql = PERSONS.format(account=account_of(account_index(access, api)))
    assert span.now is not None
    since = {"since": str((span.now - timedelta(days=RECENT_DAYS)).date())}
    yield from pages(api, _days(sql, {}), since, ("id", "email", "name", "account", "first_day"))
