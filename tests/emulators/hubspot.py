"""HubSpot as its documentation describes it: CRM objects v3 (list, search, batch), properties v3, owners v3, pipelines v3,
associations v4. Limits that are kept: 100 on a page of a list (50 with history), 200 of a search and 10,000 in all, one sort, 1,000
associations asked for at once, 100 objects in a batch (50 with history), scopes, and 207 where only a part was done.
"""

from __future__ import annotations

from datetime import UTC, datetime
from functools import cache
from typing import Any

from .serving import Answer, Asked, Emulator

TOKEN = "pat-na1-0123456789"
READ = (
    "crm.objects.companies.read", "crm.objects.contacts.read", "crm.objects.deals.read", "crm.objects.owners.read", "sales-email-read",
)  # fmt: skip
WRITE = ("crm.objects.companies.write", "crm.schemas.companies.read", "crm.schemas.companies.write")
#: the first type is that of the primary company
LINKS = {"contacts": (1, 279), "deals": (5, 341), "tickets": (26, 339)}
SCOPES = {"companies": "crm.objects.companies", "deals": "crm.objects.deals", "tickets": "tickets"}
NATIVE = {"name": "string", "domain": "string", "industry": "string", "acme_tier": "string"}


def iso(at: datetime) -> str:
    return at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


@cache
def milliseconds(told: str) -> int:
    return int(told) if told.isdigit() else round(datetime.fromisoformat(told).timestamp() * 1000)


def failed(status: int, category: str, message: str, **more: Any) -> Answer:
    return Answer(status, {"status": "error", "category": category, "message": message, "correlationId": "c-1"} | more)


class HubSpot(Emulator):
    routes = (
        ("POST", "/oauth/v2/private-apps/get/access-token-info", "about"),
        ("GET", "/crm/v3/owners", "owners_list"),
        ("GET", "/crm/v3/pipelines/deals", "pipelines_list"),
        ("GET", "/crm/v3/objects/([a-z]+)", "list"),
        ("POST", "/crm/v3/objects/([a-z]+)/search", "search"),
        ("POST", "/crm/v3/objects/([a-z]+)/batch/read", "batch_read"),
        ("POST", "/crm/v3/objects/companies/batch/update", "batch_update"),
        ("POST", "/crm/v4/associations/([a-z]+)/([a-z]+)/batch/read", "associations"),
        ("GET", "/crm/v3/properties/companies", "properties_list"),
        ("POST", "/crm/v3/properties/companies/groups", "group_create"),
        ("POST", "/crm/v3/properties/companies/batch/create", "properties_create"),
    )
    #: results of a search in all
    MOST = 10_000

    def __init__(self) -> None:
        super().__init__()
        self.scopes = {*READ, *WRITE}
        self.objects: dict[str, dict[str, dict[str, Any]]] = {}
        self.links: dict[tuple[str, str, str], list[tuple[str, bool]]] = {}
        #: properties that any object has
        self.names: set[str] = set()
        self.owners: list[dict[str, Any]] = []
        self.pipelines: list[dict[str, Any]] = []
        self.properties = [
            {"name": name, "type": kind, "groupName": "companyinformation"} for name, kind in NATIVE.items()
        ]
        self.groups: set[str] = {"companyinformation"}
        #: associations told at once of one object
        self.links_page = 500
        #: properties that somebody tried to write and that are not ours
        self.trespasses: list[str] = []
        self.written: list[dict[str, Any]] = []

    # -- what is in the portal -------------------------------------------------------------------------------

    def put(self, kind: str, key: str, at: datetime, **properties: Any) -> None:
        """An object as it is from a moment on; properties keep their history."""
        found = self.objects.setdefault(kind, {}).setdefault(
            key,
            {"id": key, "createdAt": iso(at), "archived": False, "properties": {"createdate": iso(at)}, "history": {}},
        )
        for name, value in properties.items():
            if found["properties"].get(name) != value:
                versions = found["history"].setdefault(name, [])
                versions.insert(0, {"value": value, "timestamp": iso(at), "sourceType": "CRM_UI"})
            found["properties"][name] = value
        self.touch(kind, key, at)

    def touch(self, kind: str, key: str, at: datetime) -> None:
        found = self.objects[kind][key]
        found["updatedAt"] = iso(at)
        found["properties"]["lastmodifieddate" if kind == "contacts" else "hs_lastmodifieddate"] = iso(at)
        found["properties"]["hs_object_id"] = key
        self.names |= set(found["properties"])

    def archive(self, kind: str, key: str, at: datetime) -> None:
        self.objects[kind][key] |= {"archived": True, "archivedAt": iso(at)}

    def link(self, kind: str, key: str, to: str, other: str, primary: bool = False) -> None:
        self.links.setdefault((kind, key, to), []).append((other, primary))

    def values(self, key: str) -> dict[str, Any]:
        """The fields of ours that a company has."""
        return {n: v for n, v in self.objects["companies"][key]["properties"].items() if n.startswith("holdfast_")}

    # -- who may ask -----------------------------------------------------------------------------------------

    def allowed(self, asked: Asked) -> Answer | None:
        if asked.path.startswith("/oauth"):
            return None
        if asked.headers.get("authorization") != f"Bearer {TOKEN}":
            return failed(401, "INVALID_AUTHENTICATION", "Authentication credentials not found")
        scope = self._scope(asked)
        if scope not in self.scopes:
            context = [{"message": "missing", "context": {"requiredGranularScopes": [scope]}}]
            return failed(403, "MISSING_SCOPES", "This app hasn't been granted all required scopes", errors=context)
        return None

    def _scope(self, asked: Asked) -> str:
        parts = asked.path.strip("/").split("/")
        if parts[2] == "owners":
            return "crm.objects.owners.read"
        if parts[2] == "pipelines":
            return "crm.objects.deals.read"
        if parts[2] == "properties":
            return f"crm.schemas.companies.{'read' if asked.method == 'GET' else 'write'}"
        if parts[3] == "tickets":
            return "tickets"
        writes = asked.path.endswith("/batch/update")
        return f"{SCOPES.get(parts[3], 'crm.objects.contacts')}.{'write' if writes else 'read'}"

    # -- reading ---------------------------------------------------------------------------------------------

    def about(self, asked: Asked) -> Answer:
        if asked.json().get("tokenKey") != TOKEN:
            return failed(404, "OBJECT_NOT_FOUND", "no such token")
        return Answer(200, {"userId": 1, "hubId": 4711, "appId": 7, "scopes": sorted(self.scopes)})

    def owners_list(self, asked: Asked) -> dict[str, Any]:
        archived = asked.first("archived") == "true"
        return {"results": [one for one in self.owners if one.get("archived", False) == archived]}

    def pipelines_list(self, asked: Asked) -> dict[str, Any]:
        return {"results": self.pipelines}

    def _said(self, obj: dict[str, Any], names: list[str], history: list[str]) -> dict[str, Any]:
        said = {name: value for name, value in obj.items() if name != "history"}
        # a property that the portal has and the object has not is null; one that the portal lacks is left out
        said["properties"] = {name: obj["properties"].get(name) for name in names if name in self.names}
        if history:
            said["propertiesWithHistory"] = {name: obj["history"].get(name, []) for name in history}
        return said

    def list(self, asked: Asked, kind: str) -> Answer | dict[str, Any]:
        limit, history = (
            int(asked.first("limit", "10")),
            [n for n in asked.first("propertiesWithHistory").split(",") if n],
        )
        if limit > (50 if history else 100):
            return failed(400, "VALIDATION_ERROR", f"limit {limit} is too large")
        archived, after = asked.first("archived") == "true", int(asked.first("after", "0"))
        found = [
            one for key, one in sorted(self.objects.get(kind, {}).items(), key=lambda pair: int(pair[0]))
            if one["archived"] == archived and int(key) > after
        ]  # fmt: skip
        names = asked.first("properties").split(",")
        body: dict[str, Any] = {"results": [self._said(one, names, history) for one in found[:limit]]}
        if len(found) > limit:
            # the cursor is the id of the last one
            body["paging"] = {"next": {"after": found[limit - 1]["id"], "link": "https://api.hubapi.com/…"}}
        return body

    def search(self, asked: Asked, kind: str) -> Answer | dict[str, Any]:
        body = asked.json()
        limit, after = int(body.get("limit", 10)), int(body.get("after") or 0)
        if limit > 200 or len(body.get("sorts", [])) > 1 or after + limit > self.MOST:
            return failed(400, "VALIDATION_ERROR", "There was a problem with the request.")
        found = [one for one in self.objects.get(kind, {}).values() if not one["archived"]]
        for one in body["filterGroups"][0]["filters"]:
            found = [obj for obj in found if self._fits(obj, one["propertyName"], one["operator"], one["value"])]
        by = body["sorts"][0]["propertyName"]
        found.sort(key=lambda obj: (self._number(obj, by), -int(obj["id"])))
        page = found[after : after + limit]
        told: dict[str, Any] = {
            "total": len(found),
            "results": [self._said(one, body["properties"], []) for one in page],
        }
        if after + limit < len(found):
            told["paging"] = {"next": {"after": str(after + limit)}}
        return told

    def _fits(self, obj: dict[str, Any], name: str, how: str, value: str) -> bool:
        mine, other = self._number(obj, name), int(value)
        return {"GTE": mine >= other, "LT": mine < other, "GT": mine > other, "EQ": mine == other}[how]

    @staticmethod
    def _number(obj: dict[str, Any], name: str) -> int:
        return milliseconds(obj["properties"].get(name) or "0")

    def batch_read(self, asked: Asked, kind: str) -> Answer | dict[str, Any]:
        body = asked.json()
        history = body.get("propertiesWithHistory") or []
        if len(body["inputs"]) > (50 if history else 100):
            return failed(400, "VALIDATION_ERROR", "too many inputs")
        there = self.objects.get(kind, {})
        found = [there[one["id"]] for one in body["inputs"] if one["id"] in there and not there[one["id"]]["archived"]]
        return {"status": "COMPLETE", "results": [self._said(one, body["properties"], history) for one in found]}

    def associations(self, asked: Asked, kind: str, to: str) -> Answer | dict[str, Any]:
        inputs = asked.json()["inputs"]
        if len(inputs) > 1000:
            return failed(400, "VALIDATION_ERROR", "too many inputs")
        results, errors = [], []
        for one in inputs:
            links = self.links.get((kind, one["id"], to), [])
            start = int(one.get("after") or 0)
            if not links:
                errors.append(
                    {
                        "status": "error",
                        "category": "OBJECT_NOT_FOUND",
                        "subCategory": "crm.associations.NO_ASSOCIATIONS_FOUND",
                    }
                )
                continue
            told: dict[str, Any] = {"from": {"id": one["id"]}, "to": []}
            for other, primary in links[start : start + self.links_page]:
                first, plain = LINKS.get(kind, (0, 182))
                types = [{"category": "HUBSPOT_DEFINED", "typeId": plain, "label": None}]
                if primary:
                    types.insert(0, {"category": "HUBSPOT_DEFINED", "typeId": first, "label": "Primary"})
                told["to"].append({"toObjectId": int(other), "associationTypes": types})
            if start + self.links_page < len(links):
                told["paging"] = {"next": {"after": str(start + self.links_page)}}
            results.append(told)
        more = {"numErrors": len(errors), "errors": errors} if errors else {}
        return Answer(207 if errors else 200, {"status": "COMPLETE", "results": results} | more)

    # -- writing ---------------------------------------------------------------------------------------------

    def properties_list(self, asked: Asked) -> dict[str, Any]:
        return {"results": self.properties}

    def group_create(self, asked: Asked) -> Answer:
        name = asked.json()["name"]
        if name in self.groups:
            return failed(409, "CONFLICT", "the group exists")
        self.groups.add(name)
        return Answer(201, asked.json())

    def properties_create(self, asked: Asked) -> Answer:
        for one in asked.json()["inputs"]:
            if one["name"] in {there["name"] for there in self.properties} or one["groupName"] not in self.groups:
                return failed(409, "OBJECT_ALREADY_EXISTS", one["name"])
            if not {"label", "type", "fieldType", "description"} <= set(one):
                return failed(400, "VALIDATION_ERROR", "label, type and fieldType are required")
            self.properties.append(one)
        return Answer(201, {"status": "COMPLETE", "results": asked.json()["inputs"]})

    def batch_update(self, asked: Asked) -> Answer:
        inputs = asked.json()["inputs"]
        kinds = {one["name"]: one["type"] for one in self.properties}
        if len(inputs) > 100 or len({one["id"] for one in inputs}) < len(inputs):
            return failed(400, "VALIDATION_ERROR", "too many inputs, or one twice")
        for one in inputs:
            self.trespasses += [name for name in one["properties"] if not name.startswith("holdfast_")]
            for name, value in one["properties"].items():
                if name not in kinds:
                    return failed(400, "VALIDATION_ERROR", f"Property {name} does not exist")
                if value and kinds[name] == "number" and not _is_number(value):
                    return failed(400, "VALIDATION_ERROR", f"{value} was not a valid number.")
        there = self.objects.get("companies", {})
        gone = [one["id"] for one in inputs if one["id"] not in there or there[one["id"]]["archived"]]
        done = [one for one in inputs if one["id"] not in gone]
        for one in done:
            there[one["id"]]["properties"] |= one["properties"]
            self.written.append(one)
        body: dict[str, Any] = {"status": "COMPLETE", "results": [{"id": one["id"]} for one in done]}
        if gone:
            error = {
                "status": "error",
                "category": "OBJECT_NOT_FOUND",
                "message": "Could not get some objects",
                "context": {"ids": gone},
            }
            body |= {"numErrors": 1, "errors": [error]}
        return Answer(207 if gone else 200, body)


def _is_number(value: Any) -> bool:
    try:
        float(value)
    except ValueError:
        return False
    return True
