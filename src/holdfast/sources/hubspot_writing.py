"""Writing our fields into HubSpot's companies: properties of our own, in a group of our own, and nothing else."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from holdfast.sources.access import Access
from holdfast.sources.crm import WRITTEN
from holdfast.sources.hubspot_reading import client, told
from holdfast.sources.source import SourceError

if TYPE_CHECKING:
    from dlt.sources.helpers.rest_client.client import RESTClient

#: companies written at once
AT_ONCE = 100
GROUP = "holdfast"
TYPES = {
    "money": ("number", "number"), "number": ("number", "number"), "percent": ("number", "number"), "count": ("number", "number"),
    "text": ("string", "text"), "date": ("date", "date"),
}  # fmt: skip
#: what writing needs besides reading
SCOPES = ("crm.objects.companies.write", "crm.schemas.companies.read", "crm.schemas.companies.write")


def write(access: Access, values: Mapping[str, Mapping[str, Any]]) -> dict[str, str]:
    """Write fields of companies; by id why one could not be written. SourceError: none can be, and why."""
    foreign = sorted({name for fields in values.values() for name in fields} - set(WRITTEN))
    if foreign:
        raise ValueError(f"'{foreign[0]}' is not a field of ours")
    api = client(access)
    describe(api, sorted({name for fields in values.values() for name in fields}))
    problems: dict[str, str] = {}
    ids = sorted(values)
    for start in range(0, len(ids), AT_ONCE):
        problems |= _update(api, ids[start : start + AT_ONCE], values)
    return problems


def describe(api: RESTClient, names: Sequence[str]) -> None:
    """Make those of our properties that are not there. SourceError: they may not be made, or a name is taken for something else."""
    known = {one["name"]: one for one in _done(api.get("/crm/v3/properties/companies")).get("results") or []}
    for name in names:
        wanted = TYPES[WRITTEN[name].kind][0]
        if name in known and known[name].get("type") != wanted:
            raise SourceError(
                f"HubSpot's company property {name} is a {known[name].get('type')}, and is to be a {wanted}",
                "Delete or rename it under Settings, Properties; Holdfast makes its own",
            )
    missing = [name for name in names if name not in known]
    if not missing:
        return
    made = api.post("/crm/v3/properties/companies/groups", json={"name": GROUP, "label": "Holdfast"})
    if made.status_code != 409:
        _done(made)
    _done(api.post("/crm/v3/properties/companies/batch/create", json={"inputs": [_property(name) for name in missing]}))


def _property(name: str) -> dict[str, Any]:
    field = WRITTEN[name]
    kind, shown = TYPES[field.kind]
    return {
        "name": name, "label": field.title, "description": field.description, "groupName": GROUP, "type": kind, "fieldType": shown,
        "formField": False,
    }  # fmt: skip


def _update(api: RESTClient, ids: Sequence[str], values: Mapping[str, Mapping[str, Any]]) -> dict[str, str]:
    """Update a batch; where HubSpot refuses it whole, its halves, so that one company does not keep the others waiting."""
    inputs = [
        {"id": key, "properties": {name: "" if value is None else value for name, value in values[key].items()}}
        for key in ids
    ]
    response = api.post("/crm/v3/objects/companies/batch/update", json={"inputs": inputs})
    if response.status_code in (400, 404):
        if len(ids) == 1:
            return {ids[0]: str(told(response).get("message") or f"HubSpot answered {response.status_code}")[:300]}
        middle = len(ids) // 2
        return _update(api, ids[:middle], values) | _update(api, ids[middle:], values)
    answer = _done(response)
    written = {str(one["id"]) for one in answer.get("results") or []}
    refused = {
        str(key): str(error.get("message") or "HubSpot refused it")[:300]
        for error in answer.get("errors") or []
        for key in (error.get("context") or {}).get("ids") or []
    }
    return {key: refused.get(key, "HubSpot does not have this company any more") for key in ids if key not in written}


def _done(response: Any) -> dict[str, Any]:
    """The body of an answer that says it was done. SourceError: a scope is missing."""
    if response.status_code == 403:
        raise SourceError(
            "The token may not write into HubSpot's companies",
            f"Add the scopes {', '.join(SCOPES)} to the private app, or switch write-back off",
        )
    response.raise_for_status()
    return told(response)
