"""Every address × every role × every relation, made from the list of addresses: what the table of roles says is what happens."""

from __future__ import annotations

import threading
import types
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from django.http import HttpRequest, HttpResponse
from django.test import override_settings
from django.urls import URLPattern, path, reverse

from holdfast.desk import roles
from holdfast.web import answers, rights, urls
from holdfast.web.addresses import AccountId
from holdfast.web.urls import right_of_name

Site = Callable[..., Any]
EVERYBODY = (*roles.ROLES, None)
#: what stands in an address by the name of its part, else by its type; most of it is not there, which is no matter of rights
BY_NAME = {
    "name": "waterfall",
    "form": "csv",
    "uidb36": "1",
    "key": "set-password",
    "provider_id": "sso",
    "secret": "nobody-has-it",
}
BY_TYPE = {
    "int": 987_654,
    "string": "holdfast-1",
    "slug": "waterfall",
    "path": "a/b",
    "uuid": "00000000-0000-4000-8000-000000000000",
}


Parts = dict[str, Any]


def _walk(patterns: list[Any], prefix: str = "", space: str = "", parts: Parts = {}) -> Iterator[Address]:  # noqa: B006
    for pattern in patterns:
        regex = getattr(pattern.pattern, "regex", None)
        here = parts | dict.fromkeys(regex.groupindex if regex else ()) | pattern.pattern.converters
        if isinstance(pattern, URLPattern):
            yield Address(prefix + str(pattern.pattern), pattern, space, here)
        else:
            yield from _walk(pattern.url_patterns, prefix + str(pattern.pattern), pattern.app_name or space, here)


@dataclass(frozen=True)
class Address:
    """One line of the list of addresses: how it is written, and the converters of its parts by name."""

    route: str
    pattern: URLPattern
    space: str
    parts: Parts

    @property
    def name(self) -> str:
        return str(self.pattern.name)

    @property
    def is_over_an_account(self) -> bool:
        return any(isinstance(converter, AccountId) for converter in self.parts.values())

    def with_parts(self, account_id: str) -> str:
        """An address that can be asked for."""
        values = {
            name: account_id if isinstance(kind, AccountId) else _sample(name, kind)
            for name, kind in self.parts.items()
        }
        return reverse(f"{self.space}:{self.name}" if self.space else self.name, kwargs=values)


def _sample(name: str, converter: Any) -> Any:
    if name in BY_NAME:
        return BY_NAME[name]
    return BY_TYPE.get(type(converter).__name__.removesuffix("Converter").lower(), "x")


EVERY = [address for address in _walk(urls.urlpatterns) if address.space != "api"]
API = [address for address in _walk(urls.urlpatterns) if address.space == "api"]
NAMES = [address.name for address in EVERY]


def _right(address: Address) -> str | None:
    pattern = address.pattern
    if pattern in urls.OWN:
        return getattr(pattern, "holdfast_right", None)
    return rights.LIBRARY.get(pattern.name or "")


def _outcome(response: HttpResponse) -> str:
    """let in, sent to sign in, or refused."""
    if response.status_code == 403:
        return "refused"
    if response.status_code == 302 and response["Location"].startswith("/sign-in/?next="):
        return "sent to sign in"
    assert response.status_code < 500, f"it broke with {response.status_code}"
    return "let in"


def _expected(right: str, role: str | None, *, over: bool, own: bool, csm_reads_all: bool) -> str:
    """What the table of roles says."""
    if right == rights.PUBLIC:
        return "let in"
    if role is None:
        return "sent to sign in"
    if right == rights.CLOSED:
        return "refused"
    if over and right in roles.OVER_ONE_ACCOUNT:
        allowed = roles.may_over(role, right, own=own, csm_reads_all=csm_reads_all)
    else:
        allowed = roles.may(role, right, csm_reads_all=csm_reads_all)
    return "let in" if allowed else "refused"


@pytest.fixture(autouse=True, scope="module")
def nothing_is_booked_when_all_is_over() -> Iterator[None]:
    """Views under other policies are booked in threads; the process must not end in the middle of one."""
    yield
    for thread in threading.enumerate():
        if "_book" in thread.name:
            thread.join(timeout=60)


@pytest.fixture
def accounts_of(owner_name: str) -> dict[str, str]:
    """An account of Alice, the CSM, and one of somebody else."""
    ledger = answers.Source(answers.home().policy()).ledger()
    find = "select account_id from account where seg_owner {} ? order by account_id limit 1"
    return {
        relation: ledger.rows(find.format(sign), [owner_name])[0][0]
        for relation, sign in (("own", "="), ("other", "<>"))
    }


@pytest.mark.parametrize("address", EVERY, ids=NAMES)
def test_every_address_states_its_right(address: Address) -> None:
    right = _right(address)
    assert right is not None, f"/{address.route} has no right written down"
    assert right in {*roles.RIGHTS, rights.PUBLIC, rights.CLOSED}


@pytest.mark.slow
@pytest.mark.parametrize("address", EVERY, ids=NAMES)
def test_everybody_gets_what_the_table_of_roles_says_and_no_more(
    address: Address, site: Site, accounts_of: dict[str, str]
) -> None:
    right = _right(address)
    assert right is not None, f"/{address.route} has no right written down"
    over = address.is_over_an_account
    for role in EVERYBODY:
        for relation in ("own", "other") if over else ("none",):
            # a client each: an address may sign out
            response = site(role).get(address.with_parts(accounts_of.get(relation, "")))
            expected = _expected(right, role, over=over, own=relation == "own", csm_reads_all=False)
            assert _outcome(response) == expected, f"/{address.route} as {role} over {relation}: {response.status_code}"


TOUCHED = [address for address in EVERY if _right(address) in roles.CSM_WHO_READS_ALL | roles.OVER_ONE_ACCOUNT]


@pytest.mark.slow
@pytest.mark.parametrize("address", TOUCHED, ids=[address.name for address in TOUCHED])
def test_csms_who_may_read_all_read_all_and_change_their_own(
    address: Address, site: Site, accounts_of: dict[str, str]
) -> None:
    from holdfast.desk.models import BookSettings

    right = _right(address)
    assert right is not None
    BookSettings.objects.create(pk=1, csm_reads_all=True)
    over = address.is_over_an_account
    for relation in ("own", "other"):
        response = site("csm").get(address.with_parts(accounts_of[relation]))
        expected = _expected(right, "csm", over=over, own=relation == "own", csm_reads_all=True)
        assert _outcome(response) == expected, f"/{address.route} as a CSM over {relation}"


def test_an_account_that_there_is_not_is_nobodys(site: Site) -> None:
    assert site("csm").get("/accounts/there-is-none/").status_code == 403
    assert site("admin").get("/accounts/there-is-none/").status_code == 404


def test_an_address_without_a_right_is_refused_to_everybody(site: Site) -> None:
    def view(request: HttpRequest) -> HttpResponse:
        return HttpResponse("a secret")

    made_up = types.ModuleType("made_up_urls")
    made_up.__dict__.update(
        {name: getattr(urls, name) for name in ("handler400", "handler403", "handler404", "handler500")}
    )
    made_up.urlpatterns = [path("made-up/", view, name="made_up"), *urls.urlpatterns]  # type: ignore[attr-defined]
    with override_settings(ROOT_URLCONF=made_up):
        for role in EVERYBODY:
            response = site(role).get("/made-up/")
            assert response.status_code == 403
            assert b"a secret" not in response.content


def test_a_right_that_there_is_not_cannot_be_written_down() -> None:
    with pytest.raises(AssertionError, match="there is no right 'anything'"):
        rights.page("somewhere/", lambda request: HttpResponse(), "somewhere", needs="anything")


def test_every_address_has_a_name_of_its_own() -> None:
    assert "None" not in NAMES
    assert len(NAMES) == len(set(NAMES))
    assert right_of_name("made_up") is None


def test_the_library_has_no_address_that_the_table_does_not_know() -> None:
    library = {address.name for address in EVERY if address.pattern not in urls.OWN}
    assert library == set(rights.LIBRARY)


#: open to programs without a key: what the API is
OPEN = {"openapi-json", "docs", "nothing", "api-root", "openapi-view"}


ASKING = [address for address in API if address.name not in OPEN]


@pytest.mark.parametrize("address", ASKING, ids=[address.name for address in ASKING])
def test_the_api_asks_for_a_key(address: Address, site: Site) -> None:
    for browser in (site(None), site("admin")):
        found = {
            browser.generic(verb, address.with_parts("x")).status_code
            for verb in ("GET", "POST", "PUT", "PATCH", "DELETE")
        }
        assert 401 in found, f"/{address.route}: {found}"
        assert found <= {401, 405}, f"/{address.route}: {found}"
