"""Account ids in addresses: any text can be an id, also one with a slash or a dot."""

from __future__ import annotations

from urllib.parse import unquote

from django.urls import register_converter
from django.urls.converters import get_converters

#: what an address cannot carry in one step of its path, and the sign that marks them
MARKED = {"~": "~7E", "/": "~2F", "\\": "~5C", "?": "~3F", "#": "~23", "%": "~25"}


class AccountId:
    """`<account:account_id>` in an address."""

    regex = "[^/]+"

    def to_python(self, value: str) -> str:
        return unquote(value.replace("~", "%"))

    def to_url(self, value: str) -> str:
        text = "".join(MARKED.get(sign, sign) for sign in str(value))
        # a browser would take . and .. for the folder and the one above
        return text.replace(".", "~2E") if set(text) == {"."} else text


def teach() -> None:
    """Let addresses say `<account:…>`; once is enough."""
    if "account" not in get_converters():
        register_converter(AccountId, "account")
