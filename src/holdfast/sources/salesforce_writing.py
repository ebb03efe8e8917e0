"""Writing our fields into Salesforce's accounts. The fields are made by an admin; those that are there are written, and no others."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from holdfast.sources.access import Access
from holdfast.sources.crm import WRITTEN, Written
from holdfast.sources.salesforce_reading import DATA, TABLES, client, fields_of, look
from holdfast.sources.source import SourceError

if TYPE_CHECKING:
    from dlt.sources.helpers.rest_client.client import RESTClient

log = logging.getLogger("holdfast.sources")

#: accounts written at once
AT_ONCE = 200
#: how an admin makes a field, and the types that Salesforce may tell of it
TYPES = {
    "money": ("Number(16, 2)", ("double", "currency")), "number": ("Number(16, 2)", ("double", "currency")),
    "percent": ("Number(16, 1)", ("double", "percent")), "count": ("Number(9, 0)", ("double", "int")), "text": ("Text(255)", ("string",)),
    "date": ("Date", ("date",)),
}  # fmt: skip


def write(access: Access, values: Mapping[str, Mapping[str, Any]]) -> dict[str, str]:
    """Write fields of accounts; by id why one could not be written. SourceError: none can be, and why."""
    wanted = sorted({name for fields in values.values() for name in fields})
    foreign = sorted(set(wanted) - set(WRITTEN))
    if foreign:
        raise ValueError(f"'{foreign[0]}' is not a field of ours")
    api = client(access)
    there, missing = ours(api, wanted)
    if not there:
        raise SourceError("Salesforce's Account has none of Holdfast's fields", " ".join(missing))
    for line in missing:
        log.warning("salesforce: %s", line)
    problems: dict[str, str] = {}
    ids = sorted(values)
    for start in range(0, len(ids), AT_ONCE):
        problems |= _update(api, ids[start : start + AT_ONCE], values, there)
    return problems


def ours(api: RESTClient, wanted: Sequence[str]) -> tuple[dict[str, str], list[str]]:
    """Our fields that can be written, by our name, and what an admin is to do for the others."""
    fields = {name.lower(): one for name, one in (fields_of(api, TABLES["accounts"]) or {}).items()}
    there: dict[str, str] = {}
    missing: list[str] = []
    for name in wanted:
        field = WRITTEN[name]
        found = fields.get(field.salesforce.lower())
        if found is None:
            missing.append(described(field))
        elif found.get("type") not in TYPES[field.kind][1]:
            missing.append(f"{field.salesforce} is a {found.get('type')}; it is to be a {TYPES[field.kind][0]}.")
        elif not found.get("updateable"):
            missing.append(f"Let the integration user edit {field.salesforce} (field-level security).")
        else:
            there[name] = str(found["name"])
    return there, missing


def described(field: Written) -> str:
    """How an admin makes a field."""
    name = field.salesforce.removesuffix("__c")
    return (
        f"Create on Account the field {name}: type {TYPES[field.kind][0]}, label “{field.title}”, "
        f"description “{field.description}”"
    )


def _update(
    api: RESTClient, ids: Sequence[str], values: Mapping[str, Mapping[str, Any]], there: Mapping[str, str]
) -> dict[str, str]:
    records = [
        {
            "attributes": {"type": "Account"},
            "id": key,
            **{there[n]: _value(n, v) for n, v in values[key].items() if n in there},
        }
        for key in ids
    ]
    response = api.request(
        f"{DATA}/composite/sobjects", method="PATCH", json={"allOrNone": False, "records": records}
    )  # fmt: skip
    if response.status_code == 403 and "INSUFFICIENT" in response.text:
        raise SourceError("The user may not edit accounts", "Give the integration user Edit on the object Account")
    look(response)
    return {key: _said(one) for key, one in zip(ids, response.json(), strict=True) if not one.get("success")}


def _value(name: str, value: Any) -> Any:
    """Numbers are told as numbers."""
    return float(value) if value is not None and WRITTEN[name].kind not in ("text", "date") else value


def _said(result: Mapping[str, Any]) -> str:
    """What was wrong with one account, in a line."""
    error: Mapping[str, Any] = next(iter(result.get("errors") or ()), {})
    return f"{error.get('statusCode') or 'refused'}: {error.get('message') or ''}"[:300]
