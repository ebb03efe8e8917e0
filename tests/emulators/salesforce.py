"""Salesforce's REST API, version 60, as its documentation describes it: tokens by client credentials or refresh token, describe, query
and queryAll with nextRecordsUrl, and collections of records that are updated. Limits that are kept: a page of a query, 200 records in
a collection, tokens that run out, unknown fields and objects, field-level security, and errors as a list of code and message.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qsl

from .serving import Answer, Asked, Emulator

CLIENT, SECRET, REFRESH = "3MVG9consumer", "s3cr3t-of-the-app", "5Aep861refresh"
DATA = "/services/data/v60.0"
FIELDS = {
    "Organization": "Name IsSandbox",
    "User": "Name Email IsActive",
    "Account": "Name ParentId OwnerId Website Industry Type BillingCountry NumberOfEmployees CreatedDate",
    "Contact": "Name Email Title Department AccountId CreatedDate",
    "OpportunityContactRole": "ContactId OpportunityId Role",
    "AccountContactRelation": "AccountId ContactId Roles IsActive StartDate EndDate",
    "Opportunity": "AccountId Name StageName Amount CloseDate Type CreatedDate",
    "OpportunityHistory": "OpportunityId StageName Amount CloseDate CreatedDate",
    "Task": "AccountId WhoId OwnerId Subject TaskSubtype Type IsClosed ActivityDate CompletedDateTime Description",
    "Event": "AccountId WhoId OwnerId Subject Type StartDateTime IsChild IsRecurrence Description",
}
SYSTEM = ("Id", "IsDeleted", "SystemModstamp")


def iso(at: datetime) -> str:
    """As Salesforce writes moments: +0000, not Z."""
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.000+0000")


def failed(status: int, code: str, message: str) -> Answer:
    return Answer(status, [{"errorCode": code, "message": message}])


class Salesforce(Emulator):
    routes = (
        ("POST", "/services/oauth2/token", "token"),
        ("GET", f"{DATA}/sobjects/([A-Za-z_]+)/describe", "describe"),
        ("GET", f"{DATA}/(query|queryAll)", "query"),
        ("GET", f"{DATA}/query/([0-9a-zA-Z]+)-([0-9]+)", "more"),
        ("PATCH", f"{DATA}/composite/sobjects", "update"),
    )

    def __init__(self) -> None:
        super().__init__()
        self.fields: dict[str, dict[str, dict[str, Any]]] = {
            name: {field: {"name": field, "type": "string", "updateable": True} for field in (*SYSTEM, *told.split())}
            for name, told in FIELDS.items()
        }
        del self.fields["User"]["IsDeleted"], self.fields["Organization"]["IsDeleted"]
        self.records: dict[str, dict[str, dict[str, Any]]] = {
            "Organization": {"00D1": {"Id": "00D1", "Name": "Acme", "IsSandbox": False}}
        }
        self.tokens: list[str] = []
        self.page = 2000
        self.cursors: dict[str, list[dict[str, Any]]] = {}
        #: error of the next sign-ins
        self.refuses = ""
        self.trespasses: list[str] = []
        #: records of each update that was asked for
        self.updates: list[int] = []

    # -- what is in the org ----------------------------------------------------------------------------------

    def put(self, table: str, key: str, at: datetime, **values: Any) -> None:
        """A record as it is from a moment on."""
        found = self.records.setdefault(table, {}).setdefault(
            key, {"attributes": {"type": table}, "Id": key, "CreatedDate": iso(at), "IsDeleted": False}
        )
        found |= {**values, "SystemModstamp": iso(at)}

    def delete(self, table: str, key: str, at: datetime) -> None:
        """Into the recycle bin."""
        self.put(table, key, at, IsDeleted=True)

    def add_field(self, table: str, name: str, kind: str = "string", updateable: bool = True) -> None:
        self.fields[table][name] = {"name": name, "type": kind, "updateable": updateable}

    # -- signing in ------------------------------------------------------------------------------------------

    def token(self, asked: Asked) -> Answer:
        told = dict(parse_qsl(asked.body.decode()))
        if self.refuses:
            return Answer(400, {"error": self.refuses, "error_description": "no"})
        if (told.get("client_id"), told.get("client_secret")) != (CLIENT, SECRET):
            return Answer(401, {"error": "invalid_client", "error_description": "invalid client credentials"})
        if told["grant_type"] == "refresh_token" and told.get("refresh_token") != REFRESH:
            return Answer(400, {"error": "invalid_grant", "error_description": "expired access/refresh token"})
        if told["grant_type"] not in ("client_credentials", "refresh_token"):
            return Answer(400, {"error": "unsupported_grant_type"})
        self.tokens.append(f"00Dtoken!{len(self.tokens)}")
        return Answer(200, {"access_token": self.tokens[-1], "instance_url": self.url, "token_type": "Bearer"})

    def allowed(self, asked: Asked) -> Answer | None:
        if asked.path.startswith("/services/oauth2"):
            return None
        if asked.headers.get("authorization", "").removeprefix("Bearer ") not in self.tokens:
            return failed(401, "INVALID_SESSION_ID", "Session expired or invalid")
        return None

    def expire(self) -> None:
        """All tokens run out."""
        self.tokens = [f"expired {one}" for one in self.tokens]

    # -- reading ---------------------------------------------------------------------------------------------

    def describe(self, asked: Asked, table: str) -> Answer | dict[str, Any]:
        if table not in self.fields:
            return failed(404, "NOT_FOUND", "The requested resource does not exist")
        return {"name": table, "fields": list(self.fields[table].values())}

    def query(self, asked: Asked, how: str) -> Answer | dict[str, Any]:
        soql = asked.first("q")
        found = re.fullmatch(
            r"SELECT (.+?) FROM (\w+)(?: WHERE (.+?))?(?: ORDER BY ([\w, ]+?))?(?: LIMIT (\d+))?", soql
        )
        if not found:
            return failed(400, "MALFORMED_QUERY", soql)
        chosen, table, where, order, limit = found.groups()
        if table not in self.fields:
            return failed(400, "INVALID_TYPE", f"sObject type '{table}' is not supported.")
        names = chosen.split(", ")
        unknown = [name for name in names if "." not in name and name not in self.fields[table]]
        if unknown:
            return failed(400, "INVALID_FIELD", f"No such column '{unknown[0]}' on entity '{table}'.")
        records = list(self.records.get(table, {}).values())
        if how == "query":
            records = [one for one in records if not one.get("IsDeleted")]
        for condition in (where or "").split(" AND ") if where else ():
            records = [one for one in records if self._fits(one, condition)]
        if order:
            records.sort(key=lambda one: [str(one.get(name.strip())) for name in order.split(",")])
        told = [self._said(table, one, names) for one in records[: int(limit) if limit else None]]
        key = f"01g{len(self.cursors)}"
        self.cursors[key] = told
        return self._page(key, 0)

    @staticmethod
    def _fits(record: dict[str, Any], condition: str) -> bool:
        if condition == "IsDeleted = false":
            return not record["IsDeleted"]
        name, how, value = condition.split(" ")
        mine, other = datetime.fromisoformat(record[name]), datetime.fromisoformat(value)
        return mine >= other if how == ">=" else mine < other

    def _said(self, table: str, record: dict[str, Any], names: list[str]) -> dict[str, Any]:
        told: dict[str, Any] = {"attributes": {"type": table, "url": f"{DATA}/sobjects/{table}/{record['Id']}"}}
        for name in names:
            if name.startswith("Opportunity."):
                deal = self.records.get("Opportunity", {}).get(record.get("OpportunityId", ""), {})
                told["Opportunity"] = {"attributes": {"type": "Opportunity"}, "AccountId": deal.get("AccountId")}
            else:
                told[name] = record.get(name)
        return told

    def _page(self, key: str, start: int) -> dict[str, Any]:
        records = self.cursors[key]
        body: dict[str, Any] = {"totalSize": len(records), "records": records[start : start + self.page]}
        body["done"] = start + self.page >= len(records)
        if not body["done"]:
            body["nextRecordsUrl"] = f"{DATA}/query/{key}-{start + self.page}"
        return body

    def more(self, asked: Asked, key: str, start: str) -> Answer | dict[str, Any]:
        if key not in self.cursors:
            return failed(400, "INVALID_QUERY_LOCATOR", "invalid query locator")
        return self._page(key, int(start))

    # -- writing ---------------------------------------------------------------------------------------------

    def update(self, asked: Asked) -> Answer | list[Any]:
        body = asked.json()
        records = body["records"]
        self.updates.append(len(records))
        if len(records) > 200:
            return failed(400, "INVALID_NUMBER_OF_RECORDS", "record limit reached")
        if body.get("allOrNone"):
            return failed(400, "TEST", "one refused account would keep the others waiting")
        return [self._one(one) for one in records]

    def _one(self, record: dict[str, Any]) -> dict[str, Any]:
        table, key = record["attributes"]["type"], record["id"]
        names = [name for name in record if name not in ("attributes", "id")]
        self.trespasses += [name for name in names if not name.startswith("Holdfast_")]
        there = self.records.get(table, {}).get(key)
        if there is None:
            return _refused(key, "INVALID_CROSS_REFERENCE_KEY", "invalid cross reference id")
        if there["IsDeleted"]:
            return _refused(key, "ENTITY_IS_DELETED", "entity is deleted")
        for name in names:
            kind = self.fields[table].get(name, {}).get("type")
            if kind is None or (kind == "double" and isinstance(record[name], str)):
                return _refused(key, "INVALID_FIELD_FOR_INSERT_UPDATE", f"{name} is wrong")
        there |= {name: record[name] for name in names}
        return {"id": key, "success": True, "errors": []}


def _refused(key: str, code: str, message: str) -> dict[str, Any]:
    return {"id": key, "success": False, "errors": [{"statusCode": code, "message": message, "fields": []}]}
