"""What people come for, done as they do it."""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
import struct
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.browser.conftest import Site, free_port, own_environment, serve, sign_in, stop

pytestmark = pytest.mark.slow


def test_a_wrong_password_is_said_and_the_right_one_lets_in(site: Site, browser: Any) -> None:
    page = browser.new_page()
    page.goto(f"{site.base}/revenue/cohorts/")
    page.get_by_label(re.compile("E-?mail")).fill("vp@tidewater.example")
    page.get_by_label("Password", exact=True).fill("not-the-password")
    page.keyboard.press("Enter")
    page.get_by_text("not correct").wait_for()
    page.get_by_label("Password", exact=True).fill(site.password)
    page.keyboard.press("Enter")
    page.wait_for_url("**/revenue/cohorts/")
    assert page.get_by_role("heading", level=1).is_visible()
    page.context.close()


def test_from_nrr_down_to_the_row_that_says_so(open_page: Callable[..., Any]) -> None:
    page = open_page("vp", "/overview/")
    page.locator("a.stat").first.click()
    drawer = page.locator("#drawer")
    drawer.wait_for(state="visible")
    drawer.get_by_text("Opening").first.wait_for()
    page.keyboard.press("Escape")
    drawer.wait_for(state="hidden")
    page.goto(page.url.split("/overview")[0] + "/revenue/")
    page.locator("table.data-table tbody a").first.wait_for()
    churn = page.locator("table.data-table a[href*='kind=churn']").last
    told = churn.inner_text()
    churn.click()
    page.wait_for_url("**/revenue/movements/**")
    total = page.locator("main table tr.total").last.inner_text()
    exact = re.search(r"[\d,]+\.\d\d", total)
    assert exact, total
    assert round(float(exact[0].replace(",", ""))) == int(re.sub(r"[^\d]", "", told))
    page.locator("main table tbody a[href*='/revenue/account-movements/']").first.click()
    page.wait_for_url("**/revenue/account-movements/**")
    page.locator("main table a.row-link[href*='source-rows']").first.click()
    page.locator("#drawer").get_by_text(re.compile(r"load \d+, row \d+")).first.wait_for()


def test_accounts_are_found_exported_and_opened_by_keyboard(open_page: Callable[..., Any], tmp_path: Path) -> None:
    page = open_page("vp", "/accounts/")
    with page.expect_download() as got:
        page.get_by_role("link", name=re.compile("CSV")).first.click()
    lines = Path(got.value.path()).read_text().splitlines()
    assert len(lines) > 200 and "account_id" in lines[0]
    page.keyboard.press("/")
    name = page.locator("table.data-table tbody a.row-link").first.inner_text()
    page.keyboard.type(name[:12])
    page.locator("#found a").first.wait_for()
    page.keyboard.press("Enter")
    page.wait_for_url("**/accounts/?q=*")
    assert name in page.locator("main").inner_text()
    page.keyboard.press("Escape")
    page.locator("h1").click()
    page.keyboard.press("j")
    page.keyboard.press("Enter")
    page.wait_for_url(re.compile(r"/accounts/[^?/]+/$"))


def test_the_keys_go_where_they_say(open_page: Callable[..., Any]) -> None:
    page = open_page("vp", "/overview/")
    for key, place in (
        ("r", "revenue"),
        ("a", "accounts"),
        ("t", "today"),
        ("b", "board"),
        ("s", "setup"),
        ("o", "overview"),
    ):
        page.keyboard.press("g")
        page.keyboard.press(key)
        page.wait_for_url(f"**/{place}/**")
    page.keyboard.press("?")
    page.locator("#keys").wait_for(state="visible")
    page.keyboard.press("Escape")
    page.locator("#keys").wait_for(state="hidden")


def test_the_dark_theme_stays(open_page: Callable[..., Any]) -> None:
    page = open_page("vp", "/overview/")
    page.locator("summary.sidebar-foot").click()
    page.get_by_role("button", name="Dark").click()
    assert page.locator("html").get_attribute("data-theme") == "holdfast-dark"
    page.goto(page.url)
    assert page.locator("html").get_attribute("data-theme") == "holdfast-dark"


def test_a_view_can_be_sent_to_somebody(open_page: Callable[..., Any]) -> None:
    page = open_page("vp", "/overview/")
    page.get_by_label("Currency").select_option("EUR")
    page.wait_for_url("**currency=EUR**")
    figure = page.locator(".stat-value").nth(2).inner_text()
    assert "€" in figure
    other = open_page("cfo", page.url[page.url.index("/overview") :])
    assert other.locator(".stat-value").nth(2).inner_text() == figure


def test_a_csm_sees_their_book_and_nothing_else(open_page: Callable[..., Any], site: Site) -> None:
    page = open_page("csm", "/")
    page.wait_for_url("**/today/")
    assert page.request.get(f"{site.base}/overview/").status == 403
    mine = page.request.get(f"{site.base}/accounts/export.csv")
    everyone = open_page("vp", "/today/").request.get(f"{site.base}/accounts/export.csv")
    assert 1 < len(mine.text().splitlines()) < len(everyone.text().splitlines())


def test_the_first_five_minutes_from_an_empty_home_to_an_nrr(browser: Any, tmp_path: Path) -> None:
    home = tmp_path / "new"
    port = free_port()
    server = serve(home, port)
    try:
        told = (tmp_path / "new.log").read_text()
        link = re.search(r"http\S+token=\S+", told)
        assert link, told
        page = browser.new_page()
        page.goto(link[0])
        page.get_by_label(re.compile("E-?mail")).fill("founder@example.com")
        page.get_by_label("Your name").fill("Fay Founder")
        page.get_by_label("Password", exact=True).fill("a-long-first-password")
        page.get_by_role("button", name=re.compile("Continue|Create")).click()
        page.get_by_label("Company").fill("Northwind Analytics")
        page.get_by_role("button", name=re.compile("Continue|Save")).click()
        page.get_by_role("button", name=re.compile("demo", re.IGNORECASE)).click()
        page.get_by_role("heading", name="Your first NRR").wait_for(timeout=120_000)
        page.goto(f"http://localhost:{port}/overview/")
        assert re.search(r"\d+\.\d", page.locator(".stat-value").first.inner_text())
        page.context.close()
    finally:
        stop(server)


def test_a_passkey_is_added_and_lets_in_without_the_password(site: Site, browser: Any) -> None:
    page = browser.new_page()
    chip = page.context.new_cdp_session(page)
    chip.send("WebAuthn.enable")
    options = {"protocol": "ctap2", "transport": "internal", "hasResidentKey": True, "hasUserVerification": True,
               "isUserVerified": True, "automaticPresenceSimulation": True}  # fmt: skip
    chip.send("WebAuthn.addVirtualAuthenticator", {"options": options})
    sign_in(page, site, "cfo")
    page.goto(f"{site.base}/2fa/webauthn/add/")
    page.get_by_label("Password", exact=True).fill(site.password)
    page.keyboard.press("Enter")
    page.get_by_label("Name").fill("The laptop")
    if page.get_by_label(re.compile("[Pp]asswordless")).count():
        page.get_by_label(re.compile("[Pp]asswordless")).check()
    page.get_by_role("button", name=re.compile("Add|Save|Create")).last.click()
    page.wait_for_url(lambda url: "/webauthn/add" not in url)
    page.context.clear_cookies()
    page.goto(f"{site.base}/sign-in/")
    page.get_by_role("button", name="Sign in with a passkey").click()
    page.wait_for_url(lambda url: "sign-in" not in url)
    page.goto(f"{site.base}/profile/")
    page.get_by_text("cfo@tidewater.example").first.wait_for()
    page.context.close()


def test_a_second_factor_is_asked_for_once_it_is_set_up(site: Site, browser: Any) -> None:
    holdfast = Path(sys.executable).with_name("holdfast")
    command = [holdfast, "--home", site.home, "people", "create", "eve@tidewater.example", "--role", "viewer"]
    subprocess.run(
        command, check=True, env=own_environment() | {"HOLDFAST_PASSWORD": site.password}, capture_output=True
    )
    page = browser.new_page()
    sign_in(page, site, "eve")
    page.goto(f"{site.base}/2fa/totp/activate/")
    page.get_by_label("Password", exact=True).fill(site.password)
    page.keyboard.press("Enter")
    secret = page.locator("#authenticator_secret, input[readonly], code").first
    shown = secret.input_value() if secret.evaluate("one => one.tagName") == "INPUT" else secret.inner_text()
    page.get_by_label(re.compile("code", re.IGNORECASE)).first.fill(one_time_code(shown.strip()))
    page.keyboard.press("Enter")
    page.wait_for_url(lambda url: "totp/activate" not in url)
    page.context.clear_cookies()
    page.goto(f"{site.base}/sign-in/")
    page.get_by_label(re.compile("E-?mail")).fill("eve@tidewater.example")
    page.get_by_label("Password", exact=True).fill(site.password)
    page.keyboard.press("Enter")
    page.wait_for_url("**/2fa/authenticate/**")
    page.goto(f"{site.base}/overview/")
    assert "/overview" not in page.url, "the password alone must not be enough"
    page.context.close()


def one_time_code(secret: str) -> str:
    """What an authenticator app shows now (RFC 6238)."""
    counter = struct.pack(">Q", int(time.time()) // 30)
    digest = hmac.new(base64.b32decode(secret.replace(" ", "")), counter, hashlib.sha1).digest()
    at = digest[-1] & 15
    return f"{(struct.unpack('>I', digest[at : at + 4])[0] & 0x7FFFFFFF) % 1_000_000:06d}"
