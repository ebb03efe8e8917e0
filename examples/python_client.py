"""A small client of the Holdfast API, with nothing but Python's own library.

    python examples/python_client.py http://localhost:8321 hf_…

It waits while numbers are booked and while too many calls were made, goes through pages, and makes every write safe to repeat.
"""

from __future__ import annotations

import json
import sys
import time
import urllib.error
import urllib.parse
import urllib.request
import uuid
from collections.abc import Iterator
from typing import Any


class HoldfastError(Exception):
    """A problem that the API told, as RFC 9457 writes it."""

    def __init__(self, problem: dict[str, Any]) -> None:
        fields = "; ".join(f"{one['field']}: {one['message']}" for one in problem.get("errors", []))
        super().__init__(f"{problem.get('detail', 'no detail')}{f' ({fields})' if fields else ''}")
        self.status, self.problem = problem.get("status", 0), problem


class Holdfast:
    """The API of one home."""

    def __init__(self, address: str, key: str, patience: float = 120.0) -> None:
        self.address, self.key, self.patience = address.rstrip("/"), key, patience

    def get(self, path: str, **query: Any) -> dict[str, Any]:
        """An answer; parameters that are None are left out. `from_` stands for `from`."""
        given = {name.rstrip("_"): value for name, value in query.items() if value is not None}
        return self._call("GET", f"{path}?{urllib.parse.urlencode(given, doseq=True)}" if given else path)

    def write(self, method: str, path: str, body: dict[str, Any] | None = None, key: str = "") -> dict[str, Any]:
        """A write, done once however often it is sent; `key` makes it the same write as one before."""
        return self._call(method, path, body, {"Idempotency-Key": key or str(uuid.uuid4())})

    def pages(self, path: str, name: str, **query: Any) -> Iterator[dict[str, Any]]:
        """Every entry of a list, page after page."""
        cursor = None
        while True:
            page = self.get(path, cursor=cursor, **query)
            yield from page[name]
            cursor = page["next"]
            if cursor is None:
                return

    def _call(self, method: str, path: str, body: Any = None, headers: dict[str, str] | None = None) -> dict[str, Any]:
        until = time.monotonic() + self.patience
        while True:
            status, answer, wait = self._send(method, path, body, headers or {})
            # 202: a ledger is being booked; 409 with Retry-After: the same write is under way; 429: too many calls; none: no connection
            if wait is None or status not in (0, 202, 409, 429, 503) or time.monotonic() + wait > until:
                break
            time.sleep(wait)
        if status == 202 or not 200 <= status < 300:
            raise HoldfastError(answer if status != 202 else {"status": 202, "detail": "it is still being booked"})
        return answer

    def _send(
        self, method: str, path: str, body: Any, headers: dict[str, str]
    ) -> tuple[int, dict[str, Any], float | None]:
        data = json.dumps(body).encode() if body is not None else None
        sent = {"Authorization": f"Bearer {self.key}", "Accept": "application/json"} | headers
        if data is not None:
            sent["Content-Type"] = "application/json"
        request = urllib.request.Request(f"{self.address}/api/v1{path}", data, sent, method=method)
        try:
            with urllib.request.urlopen(request, timeout=60) as response:
                return response.status, json.loads(response.read() or b"{}"), _wait(response.headers.get("Retry-After"))
        except urllib.error.HTTPError as error:
            with error:
                return error.code, json.loads(error.read() or b"{}"), _wait(error.headers.get("Retry-After"))
        except urllib.error.URLError as error:
            return 0, {"status": 0, "detail": f"no connection: {error.reason}"}, 1.0


def _wait(told: str | None) -> float | None:
    return float(told) if told and told.isdigit() else None


def quoted(external_id: str) -> str:
    """An id of another system as a step of an address: ~ and / are marked, the rest is percent-encoded."""
    return urllib.parse.quote(external_id.replace("~", "~7E").replace("/", "~2F"), safe="~")


def main(address: str, key: str) -> None:
    """What one can do with it."""
    holdfast = Holdfast(address, key)
    nrr = holdfast.get("/metrics/nrr")
    print(f"NRR {nrr['rows'][0]['nrr']:.1%} from {nrr['start']} up to {nrr['end']}, {nrr['policy']}")
    for row in holdfast.get("/metrics/nrr", by="industry")["rows"]:
        told = "–" if row["nrr"] is None else f"{row['nrr']:.1%}"
        print(f"  {row['segment']['industry'] or '(none)'}: {told} of {row['accounts']} accounts")
    accounts = list(holdfast.pages("/accounts", "accounts", status="customer", limit=100))
    print(f"accounts in pages: {len(accounts)} customers")
    first = accounts[0]["account_id"]
    upserted = holdfast.write("PUT", f"/accounts/{quoted(first)}", {"attributes": {"crm_stage": "onboarded"}})
    print(f"upsert: {upserted['changed']} changed, {upserted['shows']}")
    note = holdfast.write("PUT", "/notes/external/example-1", {"account_id": first, "text": "Written by a program."})
    print(f"note: {note['note_id']} on {note['account_id']}")


if __name__ == "__main__":
    main(*sys.argv[1:3])
