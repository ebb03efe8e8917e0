"""Reading Salesforce: a token that is renewed once when it ran out, queries over the fields that the org has, and what changed since
a moment, the deleted among it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from holdfast.sources.access import Access
from holdfast.sources.crm import listed
from holdfast.sources.source import Object, SourceError, Span

if TYPE_CHECKING:
    from dlt.sources.helpers.rest_client.client import RESTClient

VERSION = "v60.0"
DATA = f"/services/data/{VERSION}"
ASK_ADMIN = "Give the integration user a permission set that reads it, and its fields"


@dataclass(frozen=True)
class Table:
    """Objects of one kind, as the API names them."""

    name: str
    #: fields that are read where the org has them
    fields: tuple[str, ...]
    #: fields of what it belongs to: (field that must be there, path)
    through: tuple[str, str] | None = None
    #: an org may do without it
    is_optional: bool = False


TABLES = {
    "users": Table("User", ("Name", "Email", "IsActive")),
    "accounts": Table(
        "Account",
        ("Name", "ParentId", "OwnerId", "Website", "Industry", "Type", "BillingCountry", "NumberOfEmployees", "CreatedDate"),
    ),
    "contacts": Table("Contact", ("Name", "Email", "Title", "Department", "AccountId", "CreatedDate")),
    "roles": Table("OpportunityContactRole", ("ContactId", "OpportunityId", "Role"), ("OpportunityId", "Opportunity.AccountId"), True),
    "relations": Table("AccountContactRelation", ("AccountId", "ContactId", "Roles", "IsActive", "StartDate", "EndDate"), None, True),
    "opportunities": Table(
        "Opportunity", ("AccountId", "Name", "StageName", "Amount", "CloseDate", "Type", "CurrencyIsoCode", "CreatedDate"),
    ),
    "opportunity_history": Table(
        "OpportunityHistory", ("OpportunityId", "StageName", "Amount", "CloseDate", "CreatedDate"),
        ("OpportunityId", "Opportunity.AccountId"), True,
    ),
    "tasks": Table(
        "Task", ("AccountId", "WhoId", "OwnerId", "Subject", "TaskSubtype", "Type", "IsClosed", "ActivityDate", "CompletedDateTime"),
    ),
    "events": Table("Event", ("AccountId", "WhoId", "OwnerId", "Subject", "Type", "StartDateTime", "IsChild", "IsRecurrence")),
}  # fmt: skip


# -- asking --------------------------------------------------------------------------------------------------


def client(access: Access) -> RESTClient:
    """A client that is signed in; a token that ran out is renewed. SourceError: Salesforce does not let us in."""
    from dlt.sources.helpers.rest_client.auth import BearerTokenAuth

    token, address = sign_in(access)

    class Signed(BearerTokenAuth):
        def __call__(self, request: Any) -> Any:
            request.headers["Authorization"] = f"Bearer {self.token}"
            request.register_hook("response", self.renewed)
            return request

        def renewed(self, response: Any, **kwargs: Any) -> Any:
            """The answer, or that of the same request under a new token: asked once."""
            if response.status_code != 401 or errors(response)[0] != "INVALID_SESSION_ID":
                return response
            self.token = sign_in(access)[0]
            again = response.request.copy()
            again.headers["Authorization"] = f"Bearer {self.token}"
            return response.connection.send(again, **kwargs)

    return access.client(address, auth=Signed(token=token))


def sign_in(access: Access) -> tuple[str, str]:
    """A new token, and the address that it is for. SourceError: there is none, and why."""
    base = access.value("base_url").rstrip("/")
    refresh = access.value("refresh_token")
    asked = {"client_id": access.value("client_id"), "client_secret": access.value("client_secret")}
    asked |= (
        {"grant_type": "refresh_token", "refresh_token": refresh} if refresh else {"grant_type": "client_credentials"}
    )
    response = access.client(base).post("/services/oauth2/token", data=asked)
    body = told(response)
    if response.status_code != 200 or not body.get("access_token"):
        raise _refused(str(body.get("error") or ""), response.status_code)
    return str(body["access_token"]), str(body.get("instance_url") or base)


def _refused(error: str, status: int) -> SourceError:
    if error in ("invalid_client", "invalid_client_id"):
        return SourceError(
            "Salesforce does not know the consumer key or secret",
            "Copy both anew: Setup, External Client App Manager, your app, Settings, OAuth Settings",
        )
    if error == "invalid_grant":
        return SourceError(
            "Salesforce does not let the app act for anybody (invalid_grant)",
            "Name a user under Policies, Client Credentials Flow, Run As; or give a refresh token that was not revoked",
        )
    if error in ("unsupported_grant_type", "invalid_request"):
        return SourceError(
            f"The app does not have this way to sign in ({error})",
            "Switch on the Client Credentials Flow in the app, and give the address of My Domain, not login.salesforce.com",
        )
    return SourceError(
        f"Salesforce did not give a token ({error or status})",
        "See whether base_url is the org's My Domain, as https://acme.my.salesforce.com",
    )


def told(response: Any) -> dict[str, Any]:
    """The body of an answer; empty where it is not an object."""
    try:
        body = response.json()
    except ValueError:
        return {}
    return body if isinstance(body, dict) else {}


def errors(response: Any) -> tuple[str, str]:
    """Code and message of the first error of an answer; empty where it tells none."""
    try:
        body = response.json()
    except ValueError:
        return "", ""
    first = body[0] if isinstance(body, list) and body and isinstance(body[0], dict) else {}
    return str(first.get("errorCode") or ""), str(first.get("message") or "")


def look(response: Any, *args: Any, **kwargs: Any) -> None:
    """SourceError: a refusal that waiting does not help with. HTTPError: any other."""
    if response.status_code < 400:
        return
    code, message = errors(response)
    if code == "REQUEST_LIMIT_EXCEEDED":
        raise SourceError(
            "Salesforce's limit of API requests in 24 hours is used up",
            "See Setup, Company Information, API Requests for what uses them; it is tried again by itself",
        )
    if code in ("API_DISABLED_FOR_ORG", "API_CURRENTLY_DISABLED"):
        raise SourceError(
            "The API is switched off for this org or user",
            "Give the integration user the permission API Enabled; the org's edition must have the API",
        )
    if code in ("INVALID_FIELD", "INVALID_TYPE"):
        raise SourceError(f"Salesforce does not answer the query: {message[:200]}", ASK_ADMIN)
    response.raise_for_status()


# -- objects -------------------------------------------------------------------------------------------------


def read(access: Access, span: Span, name: str) -> Iterator[Sequence[Object]]:
    """Pages of records; a whole listing is without the deleted ones, which shows that they are gone."""
    api = client(access)
    table = TABLES[name]
    there = fields_of(api, table)
    if there is None:
        return
    chosen = selected(access, table, there)
    conditions = ["IsDeleted = false"] if span.is_whole and "IsDeleted" in there else []
    if span.since:
        conditions.append(f"SystemModstamp >= {_soql(span.since)}")
    if span.until:
        conditions.append(f"SystemModstamp < {_soql(span.until)}")
    where = f" WHERE {' AND '.join(conditions)}" if conditions else ""
    for page in pages(api, f"SELECT {', '.join(chosen)} FROM {table.name}{where} ORDER BY SystemModstamp, Id"):
        yield [record for record in page if _belongs(table, record)]


def _belongs(table: Table, record: Object) -> bool:
    """Whether it belongs to an account; what does not is left out, and gone where it did before."""
    if table.through:
        return bool((record.get("Opportunity") or {}).get("AccountId"))
    return "AccountId" not in table.fields or bool(record.get("AccountId"))


def pages(api: RESTClient, query: str) -> Iterator[list[Object]]:
    """Pages of what a query finds, deleted and archived records among it."""
    from dlt.sources.helpers.rest_client.paginators import JSONLinkPaginator

    yield from api.paginate(
        f"{DATA}/queryAll", params={"q": query}, data_selector="records", hooks={"response": [look]},
        paginator=JSONLinkPaginator(next_url_path="nextRecordsUrl"),
    )  # fmt: skip


def fields_of(api: RESTClient, table: Table) -> dict[str, dict[str, Any]] | None:
    """The fields of an object that may be read, by name; None: an org may do without it, and this one does.

    SourceError: it is needed and may not be read.
    """
    response = api.get(f"{DATA}/sobjects/{table.name}/describe")
    if response.status_code == 404:
        if table.is_optional:
            return None
        raise SourceError(f"The user may not read the object {table.name}", ASK_ADMIN)
    look(response)
    return {one["name"]: one for one in told(response).get("fields") or []}


def selected(access: Access, table: Table, there: dict[str, dict[str, Any]]) -> list[str]:
    """The fields that are asked for: those that are wanted and that the org has."""
    names = {name.lower(): name for name in there}
    wanted = ["Id", "IsDeleted", "SystemModstamp", *table.fields, *extra(access, table, there)]
    chosen = [names[name.lower()] for name in wanted if name.lower() in names]
    if table.through and table.through[0] in there:
        chosen.append(table.through[1])
    return list(dict.fromkeys(chosen))


def extra(access: Access, table: Table, there: dict[str, dict[str, Any]]) -> list[str]:
    """Fields that the settings name, and of accounts those that look like ids of other systems."""
    if table.name == "Opportunity":
        return [access.value("amount_field") or "Amount"]
    if table.name != "Account":
        return []
    named = [*listed(access.value("id_field")), *listed(access.value("attributes"))]
    return named + [name for name in there if is_id(name)]


def is_id(field: str) -> bool:
    """Whether a field of accounts looks like the id of another system."""
    name = field.lower().replace("_", "")
    return field.endswith("__c") and any(
        sign in name for sign in ("stripecustomer", "stripeid", "chargebee", "customerid", "externalid", "zendesk", "intercom")
    )  # fmt: skip


def _soql(at: datetime) -> str:
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
