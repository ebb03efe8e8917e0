"""Setup → Matches: what is doubtful is shown side by side and decided; every decision can be taken back and is in the audit log."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from holdfast.desk.models import AuditEntry, Party
from holdfast.domain.matching import PartyTold
from holdfast.flows.home import open_home
from holdfast.flows.identity import match, tell
from holdfast.flows.identity_facts import links
from holdfast.web import answers
from tests.records.company import company
from tests.web.homes import done

pytestmark = pytest.mark.slow

Site = Callable[..., Any]
NOW = datetime(2026, 1, 2, 12, tzinfo=UTC)
PARTIES = [
    PartyTold("1", "Bolt", "bolt.example"),
    PartyTold("2", "Cora", "elsewhere.com", owner="Casey <b>Lin</b>"),
    PartyTold("3", "Unheard Of"),
]


@pytest.fixture(scope="module")
def booked(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return company(tmp_path_factory.mktemp("matches")).path


@pytest.fixture
def home(booked: Path, tmp_path: Path, settings: Any, db: None) -> Path:
    shutil.copytree(booked, tmp_path / "home")
    settings.HOME = tmp_path / "home"
    answers.forget()
    return tmp_path / "home"


@pytest.fixture
def told(home: Path) -> Path:
    opened = open_home(home)
    tell(opened, "hubspot", PARTIES, NOW)
    match(opened, NOW)
    return home


def _decide(admin: Any, what: str, party: str, account: str = "") -> str:
    response = admin.post("/setup/matches/decide/", {"what": what, "party": party, "account": account}, follow=True)
    assert response.status_code == 200
    return str(response.content.decode())


def test_without_systems_the_page_says_what_to_do(site: Site, home: Path) -> None:
    page = site("admin").get("/setup/matches/").content.decode()
    assert "Nothing to match yet" in page
    assert "/setup/sources/" in page


def test_both_sides_are_shown_with_what_speaks_for_it(site: Site, told: Path) -> None:
    page = site("admin").get("/setup/matches/").content.decode()
    for text in (
        "hubspot has",
        "elsewhere.com",
        "cora.example",
        "$20",
        "same name; but another domain",
        "hubspot:1",
        "Undo",
    ):
        assert text in page, text
    assert "<b>Lin</b>" not in page


def test_another_account_is_searched_for_and_chosen(site: Site, told: Path) -> None:
    admin, one = site("admin"), Party.objects.get(external_id="3")
    page = admin.get("/setup/matches/", {"for": one.pk, "q": "dune"}).content.decode()
    assert 'value="dune" checked' in page
    assert "No account is called" in admin.get("/setup/matches/", {"for": one.pk, "q": "zzz"}).content.decode()
    _decide(admin, "confirm", "hubspot:3", "dune")
    assert links(open_home(told))["hubspot:3"] == "dune"
    done(told)


def test_same_and_not_the_same_and_back_are_kept_in_the_audit_log(site: Site, told: Path) -> None:
    admin = site("admin")
    _decide(admin, "confirm", "hubspot:2", "cora")
    done(told)
    assert links(open_home(told)) == {"hubspot:1": "bolt", "hubspot:2": "cora"}
    _decide(admin, "undo", "hubspot:1")
    done(told)
    assert links(open_home(told)) == {"hubspot:2": "cora"}
    _decide(admin, "none", "hubspot:3")
    found = AuditEntry.objects.filter(target__startswith="hubspot:").order_by("id").values_list("action", "actor")
    assert list(found) == [
        (action, "admin@holdfast.example") for action in ("confirmed match", "took back match", "refused match")
    ]


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (("confirm", "hubspot:2"), "choose one of the accounts"),
        (("confirm", "hubspot:2", "nobody"), "there is no account"),
        (("explode", "hubspot:2"), "choose what to do"),
    ],
)
def test_what_cannot_be_decided_is_said(site: Site, told: Path, given: tuple[str, ...], said: str) -> None:
    assert said in _decide(site("admin"), *given)
    assert Party.objects.get(external_id="2").state == Party.DOUBTFUL


@pytest.mark.parametrize("role", ["viewer", "csm", "finance"])
def test_only_those_who_may_set_up_decide(site: Site, told: Path, role: str) -> None:
    assert site(role).post("/setup/matches/decide/", {"what": "undo", "party": "hubspot:1"}).status_code == 403
    assert links(open_home(told)) == {"hubspot:1": "bolt"}
