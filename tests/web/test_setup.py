"""Setup: files looked through and loaded, mappings put right, rejected rows, policies, settings, segments, owners, roles."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from holdfast.desk.models import AuditEntry, BookSettings, Handover, User
from holdfast.flows.home import Settings, create, open_home
from holdfast.flows.setup_files import safe_name
from holdfast.flows.setup_work import BusyError, Teller, begin, working
from holdfast.web import answers
from tests.web.homes import SUBSCRIPTIONS, WITH_BAD_ROWS, done

pytestmark = pytest.mark.slow

Site = Callable[..., Any]


def _now() -> datetime:
    return datetime(2026, 11, 20, 9, 0, tzinfo=UTC)


@pytest.fixture
def home(tmp_path: Path, settings: Any) -> Path:
    """A home of the test's own, without data."""
    settings.HOME = create(tmp_path / "home", Settings("Acme", as_of="2026-10-31")).path
    answers.forget()
    return Path(settings.HOME)


def _file(text: str, name: str = "subscriptions.csv") -> SimpleUploadedFile:
    return SimpleUploadedFile(name, text.encode(), "text/csv")


def _upload(admin: Any, *files: SimpleUploadedFile) -> str:
    """The address of the page on which the files are looked through."""
    response = admin.post("/setup/sources/upload/", {"files": list(files)})
    assert response.status_code == 303
    return str(response["Location"])


def _loaded(admin: Any, home: Path, text: str = SUBSCRIPTIONS) -> None:
    assert admin.post(_upload(admin, _file(text)) + "load/").status_code == 303
    assert done(home).state == "done", working(home)


# -- files ---------------------------------------------------------------------------------------------------


def test_files_are_looked_through_before_anything_is_loaded(site: Site, home: Path) -> None:
    admin = site("admin")
    page = admin.get(_upload(admin, _file(WITH_BAD_ROWS))).content.decode()
    assert "subscription_item" in page
    assert "2 of the first 82 rows would be rejected" in page
    assert "ten dollars" in page
    assert "someday" in page
    assert open_home(home).landing.last_load_no() == 0


def test_files_are_loaded_and_booked_and_their_source_is_told(site: Site, home: Path) -> None:
    admin = site("admin")
    _loaded(admin, home, WITH_BAD_ROWS)
    told = working(home).told
    assert (told["files"][0]["loaded"], told["files"][0]["rejected"], told["as_of"]) == (80, 2, "2026-10-31")
    page = admin.get("/setup/sources/").content.decode()
    assert "subscriptions.csv" in page
    assert "booked</span>" in page
    assert admin.get("/overview/").status_code == 200
    assert AuditEntry.objects.filter(action="loaded", target="subscriptions.csv").exists()


def test_the_same_file_again_changes_nothing(site: Site, home: Path) -> None:
    admin = site("admin")
    _loaded(admin, home)
    _loaded(admin, home)
    assert open_home(home).landing.last_load_no() == len(open_home(home).landing.loads())
    assert working(home).told["files"][0]["loaded"] == 0


def test_rejected_rows_are_listed_with_what_to_do_and_given_back(site: Site, home: Path) -> None:
    admin = site("admin")
    _loaded(admin, home, WITH_BAD_ROWS)
    name = working(home).told["files"][0]["rejected_file"]
    page = admin.get(f"/setup/rejected/{name}/").content.decode()
    for told in (">81<", "ten dollars", ">82<", "someday", "start_date"):
        assert told in page, told
    given = b"".join(admin.get(f"/setup/rejected/{name}/file").streaming_content).decode()
    assert given.splitlines()[0].endswith("_row,_column,_reason,_remedy")
    corrected = given.replace("ten dollars", "10.00").replace("someday", "2025-02-01")
    assert admin.post(_upload(admin, _file(corrected, name)) + "load/").status_code == 303
    assert done(home).told["files"][0]["loaded"] == 2


@pytest.mark.parametrize("name", ["..%2F..%2Fholdfast.toml", "no-such.csv", "..", "secret.key"])
def test_nothing_else_of_the_home_is_given_out(site: Site, home: Path, name: str) -> None:
    admin = site("admin")
    for address in (
        f"/setup/rejected/{name}/",
        f"/setup/rejected/{name}/file",
        f"/setup/mappings/{name}/",
        f"/setup/sources/files/{name}/",
    ):
        assert admin.get(address).status_code == 404, address


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("../../etc/passwd.csv", "passwd.csv"),
        ("C:\\data\\subs.xlsx", "subs.xlsx"),
        ("a<b>;c.csv", "a_b__c.csv"),
        (".hidden.csv", "hidden.csv"),
    ],
)
def test_names_of_files_are_kept_harmless(given: str, kept: str) -> None:
    assert safe_name(given) == kept


def test_what_is_no_table_is_refused(site: Site, home: Path) -> None:
    page = site("admin").post("/setup/sources/upload/", {"files": [_file("x", "run.sh")]}, follow=True)
    assert b"is not a kind of file that is read" in page.content
    assert not list((home / "uploads").iterdir())


def test_what_is_too_large_is_dropped_before_it_is_kept(site: Site, home: Path, settings: Any) -> None:
    settings.UPLOAD_BYTES = 1000
    page = site("admin").post("/setup/sources/upload/", {"files": [_file("a,b\n" * 1000)]}, follow=True)
    assert b"are larger than" in page.content
    assert not (home / "uploads").exists()


@pytest.mark.parametrize("role", ["manager", None])
def test_files_of_those_who_may_not_set_up_are_dropped(site: Site, home: Path, role: str | None) -> None:
    assert site(role).post("/setup/sources/upload/", {"files": [_file(SUBSCRIPTIONS)]}).status_code in (302, 403)
    assert not (home / "uploads").exists()


def test_a_mapping_is_put_right_in_the_form_and_holds_for_the_next_load(site: Site, home: Path) -> None:
    admin = site("admin")
    review = _upload(admin, _file(SUBSCRIPTIONS))
    name = next(path.stem for path in (home / "mappings").glob("*.toml"))
    batch = review.rstrip("/").rpartition("/")[2]
    form = admin.get(f"/setup/mappings/{name}/?batch={batch}").content.decode()
    assert 'name="column.unit_amount_minor"' in form
    given = {"column.account_id": "customer_id", "column.unit_amount_minor": "mrr", "column.valid_from": "start_date",
             "column.canceled_on": "", "attribute": ["tier", ""], "attribute_column": ["plan", ""], "setting.amount_is": "yearly_total"}  # fmt: skip
    saved = admin.post(f"/setup/mappings/{name}/?batch={batch}", given)
    # nothing is booked yet: one goes on in the first steps
    assert (saved.status_code, saved["Location"]) == (303, f"/welcome/files/{batch}/")
    text = (home / "mappings" / f"{name}.toml").read_text()
    assert 'amount_is = "yearly_total"' in text
    assert 'tier = "plan"' in text
    assert admin.post(f"{review}load/").status_code == 303
    assert done(home).state == "done"
    # a year's price is a twelfth of it each month, and without its column no subscription ends
    mrr = answers.Source(answers.home().policy()).ledger().rows("select sum(m681) from position")[0][0]
    assert mrr == pytest.approx((sum(100 + n for n in range(60)) + 20 * 50) * 100 / 12, abs=60)


def test_a_mapping_that_cannot_be_is_refused_and_the_one_before_stays(site: Site, home: Path) -> None:
    admin = site("admin")
    _upload_page = admin.get(_upload(admin, _file(SUBSCRIPTIONS)))
    assert _upload_page.status_code == 200
    name = next(path.stem for path in (home / "mappings").glob("*.toml"))
    before = (home / "mappings" / f"{name}.toml").read_text()
    for given in ({"column.account_id": "customer_id"}, {"text": 'table = "nothing"'}, {"text": "not toml ["}):
        response = admin.post(f"/setup/mappings/{name}/", given)
        assert response.status_code == 400
        assert b"Not saved" in response.content
    assert (home / "mappings" / f"{name}.toml").read_text() == before


# -- work in the background ----------------------------------------------------------------------------------


def test_one_piece_of_work_at_a_time(site: Site, home: Path) -> None:
    import threading

    release = threading.Event()

    def job(tell: Teller) -> dict[str, Any]:
        tell.progress(1, 4)
        release.wait(10)
        return {"made": 1}

    thread = begin(home, "Something long", job, _now)
    try:
        with pytest.raises(BusyError):
            begin(home, "Another", job, _now)
        admin = site("admin")
        assert b"Something long" in admin.get("/setup/sources/").content
        fragment = admin.get("/setup/working/", HTTP_HX_REQUEST="true")
        assert b"Something long" in fragment.content
        assert b"<html" not in fragment.content
    finally:
        release.set()
    thread.join()
    assert (working(home).state, working(home).told) == ("done", {"made": 1})
    assert admin.get("/setup/working/", HTTP_HX_REQUEST="true")["HX-Refresh"] == "true"


def test_work_that_was_cut_off_is_told_as_failed_with_what_to_do(home: Path) -> None:
    (home / "working.json").write_text(json.dumps({"state": "working", "title": "Booking", "done": 3, "total": 9}))
    assert working(home).state == "failed"
    assert "Start it again" in working(home).error


@pytest.mark.parametrize(
    ("raised", "told"),
    [(ValueError("the file is empty"), "the file is empty"), (KeyError("secret"), "Something broke (KeyError)")],
)
def test_work_that_fails_says_why_to_people_and_the_rest_to_the_log(home: Path, raised: Exception, told: str) -> None:
    def job(tell: Teller) -> dict[str, Any]:
        raise raised

    begin(home, "Booking", job, _now).join()
    assert working(home).state == "failed"
    assert told in working(home).error
    assert "secret" not in working(home).error


# -- policies, settings --------------------------------------------------------------------------------------


def test_a_policy_is_read_in_words_and_beside_another(site: Site, home: Path) -> None:
    admin = site("admin")
    assert b"the same accounts at the end over the start" in admin.get("/setup/policies/holdfast-1/").content
    page = admin.get("/setup/policies/compare/?a=holdfast-1&b=chartmogul").content.decode()
    assert "12 months" in page
    assert "1 months" in page
    assert "Weeks in a month" not in page
    assert admin.get("/setup/policies/none/").status_code == 404


def test_every_setting_of_a_policy_is_said(home: Path) -> None:
    from dataclasses import fields

    from holdfast.domain.policy import Policy
    from holdfast.flows.settings_policy import TEXTS, WORDS, said

    assert set(WORDS) | set(TEXTS) == {field.name for field in fields(Policy)}
    for policy in open_home(home).policies().values():
        assert all(one.text and "{}" not in one.text for one in said(policy))


def test_another_policy_is_chosen_and_booked_in_the_background(site: Site, home: Path) -> None:
    admin = site("admin")
    _loaded(admin, home)
    before = answers.generation()
    admin.post("/setup/policies/chartmogul/choose/")
    assert done(home).state == "done"
    assert open_home(home).settings.policy == "chartmogul"
    assert answers.generation() == before + 1
    assert "# the definition of the headline numbers" in (home / "holdfast.toml").read_text()
    assert AuditEntry.objects.get(action="chose policy").detail == {"before": "holdfast-1"}


def test_a_policy_of_ones_own_says_only_what_differs(site: Site, home: Path) -> None:
    admin = site("admin")
    given = {
        "base": "holdfast-1",
        "name": "acme-1",
        "title": "Acme",
        "description": "",
        "pause_grace_days": "30",
        "grr": "summed",
        "rounding": "half_even",
    }
    assert admin.post("/setup/policies/new/", given).status_code == 303
    text = (home / "policies" / "acme-1.toml").read_text()
    assert "rounding" not in text
    made = open_home(home).policy("acme-1")
    assert open_home(home).policy().differences(made) == {"pause_grace_days": (90, 30), "grr": ("capped", "summed")}


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"name": "holdfast-1", "title": "x"}, "exists already"),
        ({"name": "../x", "title": "x"}, "write it with letters"),
        ({"name": "acme", "title": "x", "pause_grace_days": "soon"}, "is not a whole number"),
        ({"name": "acme", "title": "x", "week_factor": "0"}, "must be above zero"),
        ({"text": "name = 'acme'"}, "&#x27;title&#x27; is missing"),
        ({"text": "name = 'acme'\ntitle='x'\ncolour='red'"}, "unknown setting"),
    ],
)
def test_a_policy_that_cannot_be_is_refused(site: Site, home: Path, given: dict[str, str], told: str) -> None:
    response = site("admin").post("/setup/policies/new/", given)
    assert response.status_code == 400
    assert told in response.content.decode()
    assert not list((home / "policies").iterdir())


def test_settings_are_written_with_their_comments_and_checked(site: Site, home: Path) -> None:
    admin = site("admin")
    given = {"company": "Acme & Söhne", "currency": "eur", "timezone": "Europe/Berlin", "as_of": ""}
    assert admin.post("/setup/settings/", given).status_code == 303
    assert open_home(home).settings == Settings("Acme & Söhne", "EUR", "Europe/Berlin", "holdfast-1", "")
    assert "# shown on every page" in (home / "holdfast.toml").read_text()
    for name, bad in (("company", ""), ("currency", "EURO"), ("timezone", "Berlin"), ("as_of", "soon")):
        assert admin.post("/setup/settings/", given | {name: bad}).status_code == 400
    assert open_home(home).settings.currency == "EUR"


# -- segments, owners, roles ---------------------------------------------------------------------------------


def test_segments_tell_their_values_coverage_and_dated_changes(site: Site) -> None:
    page = site("admin").get("/setup/segments/").content.decode()
    ledger = answers.Source(answers.home().policy()).ledger()
    attribute, many = ledger.rows(
        "select attribute, count(*) from attribute_change group by 1 order by 2 desc, 1 limit 1"
    )[0]
    assert "industry" in page
    assert f"of {many}" in site("admin").get(f"/setup/segments/?attribute={attribute}").content.decode()


def test_an_owner_is_linked_to_one_person(site: Site, person: Callable[..., Any], owner_name: str) -> None:
    admin, alice, bob = site("admin"), person("csm"), person("manager")
    admin.post("/setup/owners/link/", {"owner": owner_name, "person": alice.pk})
    admin.post("/setup/owners/link/", {"owner": owner_name, "person": bob.pk})
    assert list(User.objects.filter(owner_name=owner_name)) == [bob]
    admin.post("/setup/owners/link/", {"owner": owner_name, "person": "nobody at all"})
    assert not User.objects.filter(owner_name=owner_name).exists()


def test_a_whole_book_goes_to_another_from_a_day_on(site: Site, owner_name: str) -> None:
    admin, alice = site("admin"), site("csm")
    held = (
        answers.Source(answers.home().policy())
        .ledger()
        .rows("select account_id from account where seg_owner = ? order by 1", [owner_name])
    )
    one = held[0][0]
    assert alice.get(f"/accounts/{one}/").status_code == 200
    admin.post(
        "/setup/owners/hand-over/", {"from": owner_name, "to": "Bob New", "day": "2026-10-01", "reason": "leave"}
    )
    found = Handover.objects.filter(owner="Bob New")
    assert {row.account_id for row in found} >= {one}
    assert {(row.from_day, row.reason) for row in found} == {(date(2026, 10, 1), "leave")}
    assert alice.get(f"/accounts/{one}/").status_code == 403
    page = admin.get("/setup/owners/").content.decode()
    assert "Bob New" in page
    assert f'value="{owner_name}"' not in page


@pytest.mark.parametrize(
    "given", [{"day": "soon"}, {"day": "2026-10-01", "to": "SAME"}, {"day": "2026-10-01", "from": "Nobody Such"}]
)
def test_a_hand_over_that_cannot_be_is_said(site: Site, owner_name: str, given: dict[str, str]) -> None:
    given = {"from": owner_name, "to": "Bob"} | given
    given["to"] = given["to"].replace("SAME", owner_name)
    page = site("admin").post("/setup/owners/hand-over/", given, follow=True)
    assert b"was not handed over" in page.content
    assert not Handover.objects.exists()


def test_the_table_of_roles_is_what_is_enforced_and_the_switch_works(site: Site) -> None:
    from holdfast.desk import roles

    admin, alice = site("admin"), site("csm")
    page = admin.get("/setup/roles/").content.decode()
    for text, _ in roles.RIGHTS.values():
        assert text.replace("'", "&#x27;") in page
    assert alice.get("/overview/").status_code == 403
    admin.post("/setup/roles/", {"csm_reads_all": "on"})
    assert BookSettings.now().csm_reads_all
    assert alice.get("/overview/").status_code == 200
    admin.post("/setup/roles/", {})
    assert alice.get("/overview/").status_code == 403


def test_rooms_of_a_home_without_data_say_what_to_do(site: Site, home: Path) -> None:
    admin = site("admin")
    for room in ("sources", "policies", "segments", "settings", "people", "owners", "roles", "keys", "audit"):
        response = admin.get(f"/setup/{room}/")
        assert response.status_code == 200, room
        assert b"<h1" in response.content
    assert Client().get("/setup/").status_code == 302
