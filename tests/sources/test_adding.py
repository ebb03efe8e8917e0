"""The source on the page about adding works: read from a real server, said as facts, and refused with a wrong token."""

from __future__ import annotations

import re
import types
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from holdfast.sources.access import Access
from holdfast.sources.source import Source, SourceError
from tests.emulators.serving import Answer, Asked, Emulator

from .conftest import NOW
from .harness import Reader

PAGE = Path(__file__).parents[2] / "docs" / "adding.md"


class Desk(Emulator):
    """Acme Desk with one company and two tickets."""

    routes = (("GET", "/(companies|tickets)", "list"),)

    def __init__(self) -> None:
        super().__init__()
        at = {"updated_at": "2026-11-01T10:00:00+00:00"}
        self.companies = [{"id": "7", "name": "Dogwood AG", "domain": "dogwood.example", "billing_id": "cus_1", **at}]
        self.tickets = [
            {"id": "1", "company": "7", "opened_at": "2026-11-01T09:00:00+00:00", "title": "Cannot sign in", **at},
            {"id": "2", "company": "7", "opened_at": "yesterday", "title": "Slow", **at},
        ]

    def allowed(self, asked: Asked) -> Answer | None:
        return None if asked.headers.get("authorization") == "Bearer good" else Answer(401, {})

    def list(self, asked: Asked, what: str) -> dict[str, Any]:
        return {"data": getattr(self, what)}


@pytest.fixture(scope="module")
def source() -> Source:
    text = PAGE.read_text()
    code = next(block for block in re.findall(r"```python\n(.*?)```", text, re.DOTALL) if "SOURCE = Source(" in block)
    module = types.ModuleType("acmedesk")
    exec(compile(code, "acmedesk.py", "exec"), module.__dict__)
    found: Source = module.SOURCE
    return found


def test_it_reads_and_says_facts(source: Source, tmp_path: Path) -> None:
    with Desk() as desk:
        reader = Reader(source, tmp_path, {"base_url": desk.url}, {"token": "good"})
        reader.pull(NOW)
        facts = reader.facts(NOW)
        assert [(row["ticket_id"], row["account_id"], row["subject"]) for row in facts.rows["ticket"]] == [
            ("1", "7", "Cannot sign in")
        ]
        assert [(one.external_id, one.keys) for one in facts.parties] == [("7", ("cus_1",))]
        assert [(one.object_id, one.value) for one in facts.bad] == [("2", "yesterday")]
        desk.tickets.pop(0)
        reader.pull(NOW + timedelta(days=2))
        assert [row["deleted"] for row in reader.facts(NOW).rows["ticket"]] == [True]


def test_it_tries_the_token(source: Source) -> None:
    with Desk() as desk:
        assert source.check(Access({"base_url": desk.url}, {"token": "good"})).seen == {"companies": 1}
        with pytest.raises(SourceError, match="does not take the token"):
            source.check(Access({"base_url": desk.url}, {"token": "bad"}))
