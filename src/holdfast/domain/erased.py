"""A person taken out of texts: every spelling of their e-mail address, and in JSON what stands beside it about them.

The address of somebody else that only ends or begins like it is left alone.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any
from urllib.parse import unquote

#: what stands where a name stood
ERASED = "erased"
#: what looks like an address, also as links and JSON write it
ADDRESS = re.compile(r"[a-z0-9._%+'\\-]+(?:@|%40|\\u0040)[a-z0-9.%-]+", re.IGNORECASE)
#: fields that tell of a person who has an address beside them; small letters only
FIELDS = frozenset({
    "firstname", "lastname", "middlename", "givenname", "familyname", "fullname", "displayname", "realname", "nickname",
    "phone", "phonenumber", "phones", "mobile", "mobilephone", "mobilenumber", "cellphone", "telephone", "tel", "fax",
    "birthday", "dateofbirth", "jobtitle", "avatar", "avatarurl", "photo", "photourl",
})  # fmt: skip
#: lists of companies: `name` there is the company's
COMPANIES = frozenset({"customers", "accounts", "companies", "organizations", "organisations", "groups"})
_SIGNS_OF_ADDRESSES = "._%+'-"


@dataclass(frozen=True)
class Person:
    """Who is taken out: the address in small letters, and the mark that takes its place, the same everywhere."""

    address: str
    mark: str
    #: full names under which the person is known, in small letters
    names: frozenset[str] = frozenset()

    @property
    def sql(self) -> str:
        """The address as a regular expression for databases; it also finds what is not the address itself."""
        return "(?i)" + _spellings(self.address)

    @cached_property
    def _pattern(self) -> re.Pattern[str]:
        return re.compile(_spellings(self.address), re.IGNORECASE)

    def is_in(self, text: str) -> bool:
        """Whether the text has the address."""
        return any(_stands_alone(text, *found.span()) for found in self._pattern.finditer(text))

    def may_be_in(self, text: str) -> bool:
        """Whether the text has the address, or one that ends or begins like it; for bytes, where no word ends are known."""
        return self._pattern.search(text) is not None

    def taken_out(self, text: str) -> str:
        """The text with the mark in the address's place."""
        return self._pattern.sub(lambda found: self.mark if _stands_alone(text, *found.span()) else found[0], text)

    def taken_out_of_json(self, text: str, *, of_companies: bool = False) -> str:
        """A JSON text with the mark in the address's place, and without the person's names and numbers; still JSON.

        Text that is no JSON is taken as text; one without the address is given back as it is.
        """
        if not self.is_in(text):
            return text
        try:
            told = json.loads(text)
        except ValueError:
            return self.taken_out(text)
        return json.dumps(self.taken_out_of(told, of_companies=of_companies), ensure_ascii=False)

    def taken_out_of(self, value: Any, *, of_companies: bool = False) -> Any:
        """The same of JSON that is read already."""
        if isinstance(value, str):
            return self.taken_out(value)
        if isinstance(value, list):
            return [self.taken_out_of(one, of_companies=of_companies) for one in value]
        if not isinstance(value, Mapping):
            return value
        theirs = self._is_theirs(value)
        return {
            self.taken_out(key): (
                ERASED
                if theirs and one and self._tells_of_them(key, one, of_companies)
                else self.taken_out_of(one, of_companies=of_companies)
            )
            for key, one in value.items()
        }

    def _is_theirs(self, value: Mapping[str, Any]) -> bool:
        """Whether an object has the address itself as a field, or in a list of addresses."""
        for key, one in value.items():
            listed = one if isinstance(one, list) and "mail" in key.lower() else [one]
            for each in listed:
                values = each.values() if isinstance(each, Mapping) and listed is one else [each]
                if any(isinstance(v, str) and v.strip().lower() == self.address for v in values):
                    return True
        return False

    def _tells_of_them(self, key: str, value: Any, of_companies: bool) -> bool:
        plain = re.sub(r"[^a-z]", "", key.lower())
        if plain == "name" and isinstance(value, str):
            return not of_companies or value.strip().lower() in self.names
        return plain in FIELDS


def addresses_in(text: str) -> set[str]:
    """Everything in a text that may be an address, in small letters."""
    if "@" not in text and "%40" not in text and "\\u0040" not in text:
        return set()
    found = set()
    for each in ADDRESS.findall(text):
        plain = unquote(each.replace("\\u0040", "@"))
        # `%3Dada%40…` is =ada@…, and `\nada@…` of JSON a line that begins with it
        for one in re.findall(r"[a-z0-9._+%'-]+@[a-z0-9.-]*[a-z0-9]", plain, re.IGNORECASE):
            found.add(one.lower())
            found.add(one.lower().lstrip(_SIGNS_OF_ADDRESSES))
            if "\\" in plain:
                found.add(one.lower()[1:])
    return found


def _spellings(address: str) -> str:
    """A regular expression of the address as it is, as links write it (%40), and as JSON may (\\u0040)."""
    return "".join(
        one if one.isalnum() and one.isascii() else f"(?:{re.escape(one)}|{_quoted(one)}|{_escaped(one)})"
        for one in address
    )


def _quoted(sign: str) -> str:
    return "".join(f"%{byte:02x}" for byte in sign.encode())


def _escaped(sign: str) -> str:
    return "".join(f"\\\\u{ord(sign):04x}")


def _stands_alone(text: str, start: int, end: int) -> bool:
    """Whether what is between the places is a whole address, not the end or the beginning of another one."""
    before, behind = text[max(0, start - 64) : start], text[end : end + 2]
    if behind and (behind[0].isalnum() or behind[0] in "-_" or (behind[0] in ".@" and behind[1:].isalnum())):
        return False
    if re.search(r"(%[0-9a-f]{2}|\\[nrtbf]|\\u[0-9a-f]{4})$", before, re.IGNORECASE):
        return True
    left = before.rstrip(_SIGNS_OF_ADDRESSES)
    return not (left and left[-1].isalnum() and len(before) - len(left) < 2)
