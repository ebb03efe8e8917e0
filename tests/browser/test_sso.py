"""Single sign-on with a real OpenID Connect provider: invited people come in, others are told why not."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.browser.conftest import CHROMIUM, Site, free_port, own_environment, serve, stop

pytestmark = pytest.mark.slow

FOLDER = Path(__file__).parent / "oidc"
OWN_NODE = Path(__file__).parents[2] / ".tools" / "node" / "path"


@pytest.fixture(scope="module")
def with_provider(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """A server that lets people in through the provider; an admin is there, and one invitation."""
    if CHROMIUM is None:
        pytest.skip("no Chromium on this machine: install the package chromium to run the browser tests")
    path = os.environ["PATH"] if shutil.which("npm") else f"{OWN_NODE}:{os.environ['PATH']}"
    npm = shutil.which("npm", path=path)
    if npm is None:
        pytest.skip("no npm on this machine: the OpenID Connect provider of this test runs on Node")
    work = tmp_path_factory.mktemp("oidc")
    shutil.copytree(FOLDER, work / "provider", ignore=shutil.ignore_patterns("node_modules"))
    subprocess.run(
        [npm, "ci", "--silent", "--no-audit", "--no-fund"],
        cwd=work / "provider",
        check=True,
        env=os.environ | {"PATH": path},
    )
    port, issuer_port = free_port(), free_port()
    home, base = work / "home", f"http://localhost:{port}"
    provider = subprocess.Popen(
        ["node", "provider.mjs", str(issuer_port), f"{base}/oidc/sso/login/callback/"],
        cwd=work / "provider", stdout=subprocess.PIPE, env=os.environ | {"PATH": path},
    )  # fmt: skip
    assert provider.stdout is not None and b"ready" in provider.stdout.readline()
    holdfast = Path(sys.executable).with_name("holdfast")
    clean = own_environment()
    subprocess.run([holdfast, "--home", home, "init"], check=True, env=clean, capture_output=True)
    subprocess.run(
        [holdfast, "--home", home, "people", "create", "alice@example.com", "--role", "admin"],
        check=True, env=clean | {"HOLDFAST_PASSWORD": "a-long-first-password"}, capture_output=True,
    )  # fmt: skip
    server = serve(
        home, port, HOLDFAST_OIDC_ISSUER=f"http://localhost:{issuer_port}", HOLDFAST_OIDC_CLIENT_ID="holdfast",
        HOLDFAST_OIDC_CLIENT_SECRET="a-secret-of-the-test", HOLDFAST_OIDC_NAME="Example SSO",
    )  # fmt: skip
    yield Site(base, home, "a-long-first-password")
    stop(server)
    provider.kill()


def _through_the_provider(page: Any, site: Site, address: str) -> None:
    page.goto(f"{site.base}/sign-in/")
    page.get_by_role("button", name=re.compile("Example SSO")).or_(
        page.get_by_role("link", name=re.compile("Example SSO"))
    ).first.click()
    page.locator("input[name=login]").fill(address)
    page.locator("input[name=password]").fill("anything")
    page.locator("button[type=submit]").click()
    page.get_by_role("button", name=re.compile("Continue")).click()
    page.wait_for_url(f"{site.base}/**")


def test_somebody_known_is_signed_in(with_provider: Site, browser: Any) -> None:
    page = browser.new_page()
    _through_the_provider(page, with_provider, "alice@example.com")
    page.goto(f"{with_provider.base}/profile/")
    assert page.get_by_text("alice@example.com").first.is_visible()
    page.context.close()


def test_somebody_who_was_not_invited_is_told_so(with_provider: Site, browser: Any) -> None:
    page = browser.new_page()
    _through_the_provider(page, with_provider, "charlie@example.com")
    page.get_by_text("no invitation").wait_for()
    assert page.request.get(f"{with_provider.base}/profile/", max_redirects=0).status == 302
    page.context.close()


def test_an_invitation_is_taken_up_with_its_role(with_provider: Site, browser: Any) -> None:
    admin = browser.new_page()
    _through_the_provider(admin, with_provider, "alice@example.com")
    admin.goto(f"{with_provider.base}/setup/people/")
    admin.get_by_label(re.compile("E-?mail")).first.fill("bob@example.com")
    admin.get_by_label("Role").first.select_option("viewer")
    admin.get_by_role("button", name=re.compile("Invite")).click()
    admin.get_by_text("bob@example.com").first.wait_for()
    bob = browser.new_page()
    _through_the_provider(bob, with_provider, "bob@example.com")
    bob.goto(f"{with_provider.base}/profile/")
    assert bob.get_by_text("Viewer").first.is_visible()
    assert bob.request.get(f"{with_provider.base}/setup/").status == 403
    for page in (admin, bob):
        page.context.close()
