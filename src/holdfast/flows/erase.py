"""Erasing a person: their address and what stands beside it, out of landing, facts, desk and publications. The numbers stay.

What is to be done is written down first, sealed, so that an erasure that was cut off is finished by `go_on`. Afterwards only a keyed
hash of the address is kept, by which the person is known again if they come in anew.
"""

from __future__ import annotations

import json
import shutil
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from datetime import date, datetime
from pathlib import Path
from typing import Any

from django.core.exceptions import ValidationError
from django.core.validators import validate_email

from holdfast.desk import sealing
from holdfast.desk.models import AuditEntry, Erasure
from holdfast.domain.erased import Person
from holdfast.flows import erase_desk, erase_files, erased, events_in, watched
from holdfast.flows.book import Published, book, facts_of, open_ledger, published
from holdfast.flows.connections import alone
from holdfast.flows.home import Home, locked
from holdfast.warehouse import erasing
from holdfast.warehouse.booking import Booking
from holdfast.warehouse.build import build
from holdfast.warehouse.compaction import rewriting
from holdfast.warehouse.landing import Landing
from holdfast.warehouse.ledger import Ledger

#: how long a sync that runs is waited for, in seconds
WAIT = 600.0
#: MRR in minor units by currency and month
Totals = dict[tuple[str, int], int]


class EraseError(ValueError):
    """It cannot be done; the message says why and what to do."""


@dataclass(frozen=True)
class _Plan:
    """What is to be done: who, and which contacts they are."""

    person: Person
    contacts: frozenset[str]

    def sealed(self) -> str:
        told = {
            "address": self.person.address, "mark": self.person.mark, "names": sorted(self.person.names), "contacts": sorted(self.contacts),
        }  # fmt: skip
        return sealing.seal(json.dumps(told))

    @classmethod
    def opened(cls, sealed: str) -> _Plan:
        told = json.loads(sealing.unseal(sealed))
        return cls(Person(told["address"], told["mark"], frozenset(told["names"])), frozenset(told["contacts"]))


def look(home: Home, address: str, now: datetime) -> dict[str, int]:
    """What would be erased, counted by place; nothing is changed. EraseError: it is no address, or somebody's who signs in."""
    plan = _plan(home, _checked(address))
    landing = home.landing
    found = {f"facts: {k}": n for k, n in erasing.erase(landing, plan.person, plan.contacts, write=False).items()}
    found |= {f"files: {k}": n for k, n in erase_files.scrub(home.path, plan.person, write=False).items()}
    return found | {f"desk: {k}": n for k, n in erase_desk.erase(plan.person, plan.contacts, now, write=False).items()}


def erase(home: Home, address: str, now: datetime, by: Any = None) -> Erasure:
    """Erase a person, book anew, and tell what was done; `by` is the user who asked. Done again, it changes nothing.

    EraseError: it is no address, or somebody's who signs in; or the numbers would not be the same, and the last publication stays.
    """
    plan = _plan(home, _checked(address))
    row, _ = Erasure.objects.get_or_create(
        address_hash=erased.digest(home.path, plan.person.address), defaults={"asked_at": now, "asked_by": by}
    )
    if "sealed" in row.erased:
        # cut off before: the contacts that were found then may not be found again
        before = _Plan.opened(row.erased["sealed"])
        plan = _Plan(
            replace(plan.person, names=plan.person.names | before.person.names), plan.contacts | before.contacts
        )
    contacts = {erased.digest(home.path, one) for one in plan.contacts} | set(row.erased.get("contacts", ()))
    row.erased = {"sealed": plan.sealed(), "contacts": sorted(contacts), "places": row.erased.get("places", {})}
    row.done_at = None
    row.save()
    return _carry_out(home, row, plan, now)


def go_on(home: Home, now: datetime) -> int:
    """Finish erasures that were cut off, and make sure that all are known on the way in; how many were finished."""
    waiting = list(Erasure.objects.filter(done_at=None))
    for row in waiting:
        if "sealed" in row.erased:
            _carry_out(home, row, _Plan.opened(row.erased["sealed"]), now)
    if not waiting:
        _remember(home)
    return len(waiting)


def _checked(address: str) -> str:
    """The address in small letters."""
    plain = address.strip().lower()
    try:
        validate_email(plain)
    except ValidationError:
        raise EraseError(f"'{address}' is not an e-mail address") from None
    if erase_desk.can_sign_in(plain):
        raise EraseError(f"{plain} signs in to Holdfast: deactivate them under People first, then erase them")
    return plain


def _plan(home: Home, address: str) -> _Plan:
    contacts, names = erasing.contacts_of(home.landing, address)
    return _Plan(Person(address, erased.mark(erased.digest(home.path, address)), names), contacts)


def _remember(home: Home) -> None:
    told = {row.address_hash: row.erased.get("contacts", []) for row in Erasure.objects.all()}
    if told and told != erased.Guard(home.path).erased:
        erased.remember(home.path, told)


def _carry_out(home: Home, row: Erasure, plan: _Plan, now: datetime) -> Erasure:
    # from here on nobody brings them in any more; what comes in meanwhile waits for the landing's lock, or is seen below
    _remember(home)
    before = published(home)
    if before is not None:
        before = book(home, now)
    with _nobody_syncs(home):
        # events first: what they still have to tell is among the facts then
        _count(row, "events", _events(home, plan.person, now))
        _count(row, "facts", _facts(home, plan, before))
        _count(row, "files", erase_files.scrub(home.path, plan.person))
    _count(row, "desk", erase_desk.erase(plan.person, plan.contacts, now))
    if before is not None:
        _forget_publications(home, book(home, now, full=True))
    AuditEntry.add("erased person", plan.person.mark, now, user=row.asked_by, **row.erased["places"])
    row.erased = {"contacts": row.erased["contacts"], "places": row.erased["places"]}
    row.save()
    erase_desk.rebuild()
    row.done_at = now
    row.save()
    return row


@contextmanager
def _nobody_syncs(home: Home) -> Iterator[None]:
    """Hold every connection, so that what a sync is about to write is not missed. EraseError: one runs on and on."""
    folder, until = home.path / "connections", time.monotonic() + WAIT
    with ExitStack() as held:
        for name in sorted(path.name for path in folder.iterdir() if path.is_dir()) if folder.is_dir() else ():
            while not held.enter_context(alone(home, name)):
                if time.monotonic() > until:
                    raise EraseError(f"'{name}' is being synced; the erasure goes on by itself")
                time.sleep(0.2)
        yield


def _count(row: Erasure, place: str, found: dict[str, int]) -> None:
    """Add what was done to what was done before it was cut off."""
    told = row.erased["places"].setdefault(place, {})
    for name, count in found.items():
        told[name] = told.get(name, 0) + count
    row.save()


def _facts(home: Home, plan: _Plan, before: Published | None) -> dict[str, int]:
    """Take the person out of the facts, and prove that the numbers stay. The landing is held meanwhile."""
    landing = home.landing
    with rewriting(landing), landing.locked():
        as_of = date.fromisoformat(before.as_of) if before else None
        same = before is not None and before.last_load_no == landing.last_load_no()
        totals = _published_totals(home) if same else _totals(home, landing, as_of) if as_of else {}
        found = erasing.erase(landing, plan.person, plan.contacts)
        _loads(landing, plan.person)
        if found and as_of is not None and _totals(home, landing, as_of) != totals:
            raise EraseError("the MRR of a month would not be what it was; this is a fault of ours, report it")
    return found


def _events(home: Home, person: Person, now: datetime) -> dict[str, int]:
    events_in.consume(home.path, now, tell=True)
    found = events_in.erase(home.path, person.address)
    if (home.path / "events").is_dir():
        with locked(home.path / "events"):
            found = found | {"files": erase_files.scrub_events(home.path, person)}
    return {name: count for name, count in found.items() if count}


def _loads(landing: Landing, person: Person) -> None:
    """Files and sources that are called by the address."""
    loads = landing.loads()
    new = [
        replace(
            one,
            file=person.taken_out(one.file),
            source=person.taken_out(one.source),
            mapping=person.taken_out(one.mapping),
        )
        for one in loads
    ]
    if new != loads:
        landing.replace_manifest(new)


def _published_totals(home: Home) -> Totals:
    with open_ledger(home) as ledger:
        return _sums(ledger)


def _totals(home: Home, landing: Landing, as_of: date) -> Totals:
    """The totals of what is landed now."""
    folder = home.path / "warehouse" / ".proof"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    try:
        path: Path = folder / "proof.duckdb"
        build(path, facts_of(landing), Booking(home.policy(), as_of))
        with Ledger(path, home.policy()) as ledger:
            return _sums(ledger)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _sums(ledger: Ledger) -> Totals:
    months = range(ledger.first_month, ledger.last_month + 1)
    columns = ", ".join(f"sum({ledger.month_column(month)})::hugeint" for month in months)
    return {
        (row[0], month): int(amount)
        for row in ledger.rows(f"select currency, {columns} from position group by currency")
        for month, amount in zip(months, row[1:], strict=True)
        if amount
    }


def _forget_publications(home: Home, current: Published) -> None:
    """Only what was booked since stays; who reads an earlier publication keeps it open until they are done."""
    with locked(home.warehouse):
        for folder in home.warehouse.iterdir():
            if folder.is_dir() and folder.name != current.folder:
                shutil.rmtree(folder, ignore_errors=True)
    # evidence of signals names people; the next watch is made of what is left
    watched.forget(home)
