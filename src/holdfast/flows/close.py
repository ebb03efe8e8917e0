"""Close: sign a month. What is signed stays as it was; a later change of the month is a restatement, shown by account and amount.

HOME/closes/<month>.<policy>.json        who signed what, when, and the totals
HOME/closes/<month>.<policy>.parquet     the signed movements of every account
"""

from __future__ import annotations

import hashlib
import json
import os
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from holdfast.domain.period import month_name, month_start, parse_month
from holdfast.flows.book import open_ledger, published
from holdfast.flows.home import Home, HomeError, locked, write_whole
from holdfast.warehouse.ledger import Ledger


@dataclass(frozen=True)
class Close:
    """A signed month. Amounts by currency, in minor units."""

    month: str
    policy: str
    signed_by: str
    signed_at: str
    as_of: str
    last_load_no: int
    opening: dict[str, int]
    closing: dict[str, int]
    movements: dict[str, dict[str, int]]
    sha256: str


@dataclass(frozen=True)
class Restatement:
    """What an account's month was when it was signed, and what it is now; minor units."""

    entity: str
    currency: str
    kind: str
    signed: int
    now: int

    @property
    def difference(self) -> int:
        return self.now - self.signed


def close(home: Home, month: str, signed_by: str, now: datetime) -> Close:
    """Sign a month under the home's policy. HomeError: it is not over, or it is signed already."""
    number = parse_month(month)
    current = published(home)
    if current is None:
        raise HomeError("nothing is booked yet; run: holdfast book")
    with locked(home.closes), open_ledger(home) as ledger:
        if ledger.as_of < month_start(number + 1) - timedelta(days=1):
            raise HomeError(f"{month} is not over: the ledger runs up to {ledger.as_of}")
        if number < ledger.first_month:
            raise HomeError(f"{month} lies before the first month of the ledger, {month_name(ledger.first_month)}")
        path = home.closes / f"{month}.{home.settings.policy}.json"
        if path.exists():
            raise HomeError(
                f"{month} is closed already; see what changed since with: holdfast close {month} --restatements"
            )
        rows = _rows(ledger, number)
        evidence = path.with_suffix(".parquet")
        digest = _write(evidence, rows)
        signed = Close(
            month, home.settings.policy, signed_by, now.isoformat(timespec="seconds"), current.as_of, current.last_load_no,
            _balance(ledger, number - 1), _balance(ledger, number), _totals(rows), digest,
        )  # fmt: skip
        write_whole(path, json.dumps(asdict(signed), indent=2))
        return signed


def closes(home: Home) -> list[Close]:
    """Signed months in order."""
    return [Close(**json.loads(path.read_text())) for path in sorted(home.closes.glob("*.json"))]


def restatements(home: Home, signed: Close) -> list[Restatement]:
    """What differs today from what was signed, by account, currency and kind; largest first.

    HomeError: the signed evidence was altered.
    """
    path = home.closes / f"{signed.month}.{signed.policy}.parquet"
    if not path.exists():
        raise HomeError(f"{path} is gone: it is what was signed; put it back from a backup")
    if hashlib.sha256(path.read_bytes()).hexdigest() != signed.sha256:
        raise HomeError(f"{path} is not the file that was signed: its checksum differs")
    rows = pq.read_table(path)
    if not _adds_up(signed, rows):
        raise HomeError(
            f"the totals of {signed.month} are not those that were signed: {path.with_suffix('.json')} was altered"
        )
    before = {(row["entity"], row["currency"], row["kind"]): row["amount_minor"] for row in rows.to_pylist()}
    with open_ledger(home, policy=home.policy(signed.policy)) as ledger:
        after = {
            (row["entity"], row["currency"], row["kind"]): row["amount_minor"]
            for row in _rows(ledger, parse_month(signed.month)).to_pylist()
        }
    found = [
        Restatement(*key, before.get(key, 0), after.get(key, 0))
        for key in sorted({*before, *after})
        if before.get(key, 0) != after.get(key, 0)
    ]
    return sorted(found, key=lambda r: (-abs(r.difference), r.entity))


def _adds_up(signed: Close, rows: pa.Table) -> bool:
    """Whether the totals told are those of the signed rows."""
    opening: dict[str, int] = dict.fromkeys(signed.opening, 0)
    for row in rows.to_pylist():
        if row["kind"] == "opening":
            opening[row["currency"]] = opening.get(row["currency"], 0) + row["amount_minor"]
    movements = _totals(rows)
    closing = {code: amount + sum(movements.get(code, {}).values()) for code, amount in opening.items()}
    return (opening, closing, movements) == (signed.opening, signed.closing, signed.movements)


def _rows(ledger: Ledger, month: int) -> pa.Table:
    """The month's movements by entity, and the opening balance of every entity that had one."""
    opening = ledger.month_column(month - 1)
    return ledger.connection.sql(
        "select * from ("
        "select entity_id as entity, currency::varchar as currency, kind::varchar as kind, amount_minor from movement join entity using (entity_key) "
        f"where month_no = {month} union all "
        f"select entity_id, currency, 'opening', {opening} from position join entity using (entity_key) where {opening} <> 0"
        ") order by entity, currency, kind"
    ).to_arrow_table()


def _write(path: Path, rows: pa.Table) -> str:
    beside = path.with_suffix(".tmp")
    pq.write_table(rows, beside, compression="zstd")
    with beside.open("rb+") as file:
        os.fsync(file.fileno())
    digest = hashlib.sha256(beside.read_bytes()).hexdigest()
    beside.replace(path)
    return digest


def _balance(ledger: Ledger, month: int) -> dict[str, int]:
    column = ledger.month_column(month)
    return {
        currency: int(amount or 0)
        for currency, amount in ledger.rows(
            f"select currency, sum({column})::bigint from position group by 1 order by 1"
        )
    }


def _totals(rows: pa.Table) -> dict[str, dict[str, int]]:
    totals: dict[str, dict[str, int]] = {}
    for row in rows.to_pylist():
        if row["kind"] != "opening":
            by_kind = totals.setdefault(row["currency"], {})
            by_kind[row["kind"]] = by_kind.get(row["kind"], 0) + row["amount_minor"]
    return totals
