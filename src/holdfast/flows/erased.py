"""Who was erased, known again on the way in: so that the next load or sync does not bring them back.

HOME/erased.json holds keyed hashes of addresses and of contacts' ids, and nothing else; the key comes from the home's secret. The desk's
rows are the truth, and the file is made of them, so that a load needs no database.
"""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Iterable
from functools import cached_property, lru_cache
from pathlib import Path

import pyarrow as pa

from holdfast.domain.erased import Person, addresses_in
from holdfast.flows.home import write_whole
from holdfast.warehouse.erasing import Rule, cleaned

FILE = "erased.json"
PURPOSE = b"holdfast erased addresses 1"


def digest(home: Path, text: str) -> str:
    """The keyed hash of an address (small letters) or of a contact's id, under the home's newest secret."""
    return _digest(_keys(home)[0], text)


def mark(address_hash: str) -> str:
    """What stands in the place of an erased address, the same everywhere: whose it was can be seen only with the key."""
    return f"erased-{address_hash[:16]}"


def remember(home: Path, erased: dict[str, list[str]]) -> None:
    """Write the file: hash of an address → hashes of the ids of the contacts who had it."""
    write_whole(home / FILE, json.dumps(erased, indent=1, sort_keys=True))


def known(home: Path, addresses: Iterable[str]) -> set[str]:
    """Those of some addresses that were erased."""
    guard = Guard(home)
    return {address for address in addresses if guard.person(address.strip().lower()) is not None}


class Guard:
    """Takes erased people out of what comes in. It is true where anybody was erased; read it anew for each load."""

    def __init__(self, home: Path) -> None:
        path = home / FILE
        self.home = home
        self.erased: dict[str, list[str]] = json.loads(path.read_text()) if path.exists() else {}
        self._people: dict[str, Person | None] = {}

    def __bool__(self) -> bool:
        return bool(self.erased)

    def person(self, address: str) -> Person | None:
        """The person who had an address (small letters), if they were erased."""
        if address not in self._people:
            hashes = (_digest(key, address) for key in self._secrets)
            found = next((one for one in hashes if one in self.erased), None)
            self._people[address] = Person(address, mark(found)) if found else None
        return self._people[address]

    def is_contact(self, contact_id: str) -> bool:
        """Whether a contact was erased."""
        return any(_digest(key, contact_id) in self._contacts for key in self._secrets)

    def text(self, text: str) -> str:
        """A text without erased addresses."""
        for person in self._in(text):
            text = person.taken_out(text)
        return text

    def json(self, text: str, *, of_companies: bool = False) -> str:
        """A JSON text without erased people; `of_companies`: `name` in it is a company's. Text without them stays as it is."""
        for person in self._in(text):
            text = person.taken_out_of_json(text, of_companies=of_companies)
        return text

    def rows(self, table: str, rows: pa.Table) -> pa.Table:
        """Rows of a fact table without erased people; every row stays. Columns may be missing."""
        return cleaned(table, rows, self._rule)[0] if self and rows.num_rows else rows

    def _in(self, text: str) -> list[Person]:
        if not self:
            return []
        found = (self.person(address) for address in sorted(addresses_in(text)))
        return [person for person in found if person is not None]

    @cached_property
    def _rule(self) -> Rule:
        return Rule(r"(?i)@|%40|\\u0040", self.text, lambda address: self.person(address) is not None, self.is_contact)

    @cached_property
    def _secrets(self) -> tuple[bytes, ...]:
        return _keys(self.home)

    @cached_property
    def _contacts(self) -> frozenset[str]:
        return frozenset(one for contacts in self.erased.values() for one in contacts)


def _digest(key: bytes, text: str) -> str:
    return hmac.new(key, text.encode(), hashlib.sha256).hexdigest()


def _keys(home: Path) -> tuple[bytes, ...]:
    """One key for each secret of the home, the newest first."""
    old = home / "secret.key.old"
    return _derived((home / "secret.key").read_text().strip(), *(old.read_text().split() if old.exists() else ()))


@lru_cache(maxsize=8)
def _derived(*secrets: str) -> tuple[bytes, ...]:
    return tuple(hmac.new(secret.encode(), PURPOSE, hashlib.sha256).digest() for secret in secrets)
