"""A small company with books, served: Alice owns, Bob helps, Charlie sees nothing; and accounts with odd names and ids."""

from __future__ import annotations

import atexit
import shutil
import tempfile
from functools import cache
from pathlib import Path
from typing import Any

from ..records.company import FILES, company

#: every account by id: Alice's, Bob's, and one that nobody carries
ALICES = ("acme", "dune", "a/b c", "ünï~co?de#1", "..", "long", "rtl", "bare", "formula")
BOBS = ("bolt", "echo")
LONG_NAME = "Vereinigte " + "Dampfschifffahrtsgesellschaft " * 5 + "Süd und Söhne"
ODD = f"""
        a/b c,Slash and Space,slash.example,Alice,2024-01-01,Retail,Team
        ünï~co?de#1,Unicode,,Alice,2024-01-01,Retail,Team
        ..,Dots,,Alice,2024-01-01,Retail,Team
        long,{LONG_NAME},,Alice,2024-01-01,Retail,Team
        rtl,شركة الاختبار المحدودة,,Alice,2024-01-01,Retail,Team
        bare,Only A Name,,Alice,,,
        formula,=1+1,,Alice,2024-01-01,@Retail,Team"""
#: minor units
MRR = {"Alice": 20_500, "Bob": 10_000, "nobody": 2_000}


@cache
def home() -> Path:
    """The company, booked once for the process."""
    folder = Path(tempfile.mkdtemp(prefix="holdfast-books-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return company(folder, account=FILES["account.csv"] + ODD).path


class Served:
    """The company in the browser of each of its people."""

    def __init__(self, settings: Any) -> None:
        from holdfast.flows import answers

        settings.HOME = home()
        answers.forget()

    def user(self, role: str, name: str, owner_name: str = "") -> Any:
        """Somebody who can sign in; the same one when asked for again."""
        from holdfast.desk.models import User

        email = f"{name.lower()}@holdfast.example"
        found = User.objects.filter(email=email).first()
        return found or User.objects.create_user(email, "correct-horse", role=role, name=name, owner_name=owner_name)

    def client(self, user: Any) -> Any:
        from django.test import Client

        browser = Client()
        browser.force_login(user)
        return browser

    @property
    def alice(self) -> Any:
        return self.client(self.user("csm", "Alice", "Alice"))

    @property
    def bob(self) -> Any:
        return self.client(self.user("csm", "Bob", "Bob"))

    @property
    def charlie(self) -> Any:
        return self.client(self.user("csm", "Charlie", "Charlie"))

    @property
    def admin(self) -> Any:
        return self.client(self.user("admin", "Ada"))

    @property
    def manager(self) -> Any:
        return self.client(self.user("manager", "Mia"))

    @property
    def finance(self) -> Any:
        return self.client(self.user("finance", "Finn"))

    @property
    def viewer(self) -> Any:
        return self.client(self.user("viewer", "Vic"))


def text(response: Any) -> str:
    """What a page says."""
    body = b"".join(response.streaming_content) if response.streaming else response.content
    return str(body.decode())
