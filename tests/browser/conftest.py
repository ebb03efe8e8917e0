"""A real server on a demo company, and a real Chromium that people use it with."""

from __future__ import annotations

import os
import re
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from tests.once import made_once

NOW = datetime(2026, 11, 20, 9, 0, tzinfo=UTC)
ROOT = Path(__file__).parents[2]
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


@dataclass(frozen=True)
class Site:
    """A server that runs, and who can sign in to it."""

    base: str
    home: Path
    password: str = ""

    def __str__(self) -> str:
        return self.base


class Patient:
    """Chromium whose pages wait for ten seconds at most: what takes longer is broken."""

    def __init__(self, browser: Any) -> None:
        self.browser = browser

    def new_context(self, **options: Any) -> Any:
        context = self.browser.new_context(**options)
        context.set_default_timeout(10_000)
        return context

    def new_page(self) -> Any:
        return self.new_context().new_page()


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


def own_environment() -> dict[str, str]:
    """The environment without what the tests set for themselves."""
    return {name: value for name, value in os.environ.items() if not name.startswith(("HOLDFAST_", "DJANGO_"))}


def serve(home: Path, port: int, **environment: str) -> subprocess.Popen[bytes]:
    """`holdfast serve`, as a user starts it; returns when it answers."""
    holdfast = Path(sys.executable).with_name("holdfast")
    log = (home.parent / f"{home.name}.log").open("wb")
    server = subprocess.Popen(
        [holdfast, "serve", "--home", home, "--port", str(port), "--workers", "1"],
        stdout=log, stderr=subprocess.STDOUT, env=own_environment() | environment,
    )  # fmt: skip
    for _ in range(240):
        if server.poll() is not None:
            raise RuntimeError((home.parent / f"{home.name}.log").read_text())
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/healthz", timeout=2) as answer:
                if answer.status == 200:
                    return server
        except OSError:
            time.sleep(0.25)
    raise RuntimeError("the server did not start within a minute")


def stop(server: subprocess.Popen[bytes]) -> None:
    """Ctrl-C."""
    server.terminate()
    try:
        server.wait(timeout=20)
    except subprocess.TimeoutExpired:
        server.kill()


def _company(folder: Path) -> None:
    """A demo company with a made-up watch, and its CTAs."""
    from holdfast.flows.book import book
    from holdfast.flows.demo import demo
    from holdfast.sources.demo import World
    from tests.watch.pages.made_up import publish_made_up

    home = demo(folder, World(accounts=200), NOW)
    book(home, NOW)
    publish_made_up(home)
    # in a process of its own: this one's desk is another
    subprocess.run(
        [sys.executable, "-m", "tests.browser.ctas", str(folder)], cwd=ROOT, env=own_environment(), check=True
    )


@pytest.fixture(scope="session")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """The demo company of 200 accounts, served."""
    import json

    if CHROMIUM is None:
        pytest.skip("no Chromium on this machine: install the package chromium to run the browser tests")
    path = tmp_path_factory.mktemp("browser") / "home"
    shutil.copytree(made_once(tmp_path_factory, "site", _company), path, dirs_exist_ok=True)
    port = free_port()
    server = serve(path, port)
    password = json.loads((path / "demo-sign-in.json").read_text())[0]["password"]
    yield Site(f"http://localhost:{port}", path, password)
    stop(server)


@pytest.fixture(scope="session")
def browser() -> Iterator[Any]:
    """Chromium."""
    if CHROMIUM is None:
        pytest.skip("no Chromium on this machine: install the package chromium to run the browser tests")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        yield Patient(opened)
        opened.close()


@pytest.fixture(scope="session")
def signed_in(site: Site, browser: Any) -> Callable[..., Any]:
    """signed_in("vp"): what a browser keeps after vp@tidewater.example signed in through the page."""
    kept: dict[str, Any] = {}

    def state(who: str) -> Any:
        if who not in kept:
            context = browser.new_context()
            page = context.new_page()
            sign_in(page, site, who)
            kept[who] = context.storage_state()
            context.close()
        return kept[who]

    return state


def sign_in(page: Any, site: Site, who: str) -> None:
    """Through the page, by keyboard."""
    page.goto(f"{site.base}/sign-in/")
    page.get_by_label(re.compile("E-?mail")).fill(f"{who}@tidewater.example")
    page.get_by_label("Password", exact=True).fill(site.password)
    page.keyboard.press("Enter")
    page.wait_for_url(lambda url: "/sign-in" not in url)


@pytest.fixture(scope="session")
def kept_contexts() -> Iterator[dict[tuple[Any, ...], Any]]:
    """Browsers that are used again, so that scripts and styles are fetched once; by who and size."""
    kept: dict[tuple[Any, ...], Any] = {}
    yield kept
    for context in kept.values():
        context.close()


@pytest.fixture
def look_at(
    site: Site, browser: Any, signed_in: Callable[..., Any], kept_contexts: dict[tuple[Any, ...], Any]
) -> Iterator[Callable[..., Any]]:
    """As `open_page`, for tests that only look: people keep their browser from one to the next."""
    pages: list[Any] = []
    complaints: list[str] = []

    def opened(who: str, path: str, *, phone: bool = False) -> Any:
        key = (who, phone)
        if key not in kept_contexts:
            kept_contexts[key] = _context(site, browser, signed_in(who), phone=phone)
        # the page before may have switched to the dark
        _choose(kept_contexts[key], site, "light")
        pages.append(_visit(kept_contexts[key], f"{site.base}{path}", complaints))
        return pages[-1]

    yield opened
    for page in pages:
        page.close()
    assert not complaints, "\n".join(complaints)


def _context(site: Site, browser: Any, state: Any, *, phone: bool) -> Any:
    size = {"width": 390, "height": 844} if phone else {"width": 1440, "height": 900}
    return browser.new_context(viewport=size, storage_state=state, has_touch=phone, accept_downloads=True)


def _choose(context: Any, site: Site, theme: str) -> None:
    context.add_cookies([{"name": "theme", "value": theme, "url": site.base}])


def _visit(context: Any, address: str, complaints: list[str]) -> Any:
    """A new page that is at an address, and tells what it complains of."""
    page = context.new_page()
    page.on("pageerror", lambda error: complaints.append(f"{page.url}: {error}"))
    page.on("console", lambda said: complaints.append(f"{page.url}: {said.text}") if said.type == "error" else None)
    page.goto(address)
    return page


@pytest.fixture
def open_page(site: Site, browser: Any, signed_in: Callable[..., Any]) -> Iterator[Callable[..., Any]]:
    """open_page("vp", "/overview/", phone=True, theme="dark"): a page; whatever the browser complains of fails the test."""
    contexts: list[Any] = []
    complaints: list[str] = []

    def opened(who: str | None, path: str, *, phone: bool = False, theme: str = "light") -> Any:
        context = _context(site, browser, signed_in(who) if who else None, phone=phone)
        _choose(context, site, theme)
        contexts.append(context)
        return _visit(context, f"{site.base}{path}", complaints)

    yield opened
    for context in contexts:
        context.close()
    assert not complaints, "\n".join(complaints)
