"""`make pictures`: screenshots of the pages on the demo company, for the README and the tour, in docs/pictures."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import time
import urllib.request
from pathlib import Path
from typing import Any

PICTURES = Path(__file__).parent.parent / "docs" / "pictures"
PORT = 8399
BASE = f"http://localhost:{PORT}"

#: file: who looks, at what, how
SHOWN: dict[str, tuple[str, str, str]] = {
    "overview": ("vp", "/overview/", "light"),
    "overview-dark": ("vp", "/overview/", "dark"),
    "overview-phone": ("vp", "/overview/", "phone"),
    "today": ("csm", "/today/", "light"),
    "revenue": ("vp", "/revenue/", "light"),
    "retention": ("vp", "/revenue/retention/", "light"),
    "segments": ("vp", "/revenue/segments/?by=segment", "light"),
    "cohorts": ("vp", "/revenue/cohorts/", "light"),
    "concentration": ("vp", "/revenue/concentration/", "light"),
    "policies": ("vp", "/revenue/policies/", "light"),
    "known": ("vp", "/revenue/known/", "light"),
    "reconcile": ("vp", "/revenue/reconcile/", "light"),
    "explain": ("vp", "/explain/nrr/", "light"),
    "accounts": ("vp", "/accounts/", "light"),
    "accounts-phone": ("vp", "/accounts/", "phone"),
    "account": ("vp", "first-account", "light"),
    "account-dark": ("vp", "first-account", "dark"),
    "risk": ("vp", "/risk/", "light"),
    "trackrecord": ("vp", "/trackrecord/", "light"),
    "signals": ("vp", "/signals/", "light"),
    "health": ("vp", "/health/", "light"),
    "ctas": ("csm", "/ctas/", "light"),
    "board": ("cfo", "/board/", "light"),
    "sources": ("vp", "/setup/", "light"),
    "setup-policies": ("vp", "/setup/policies/", "light"),
    "owners": ("vp", "/setup/owners/", "light"),
    "people": ("vp", "/setup/people/", "light"),
    "roles": ("vp", "/setup/roles/", "light"),
    "keys": ("vp", "/setup/keys/", "light"),
    "webhooks": ("vp", "/setup/webhooks/", "light"),
    "audit": ("vp", "/setup/audit/", "light"),
    "profile": ("vp", "/profile/", "light"),
    "sign-in": ("", "/sign-in/", "light"),
}


def main(home: Path, names: list[str]) -> int:
    """Serve the demo home and look at every page, or at those named."""
    from playwright.sync_api import sync_playwright

    chromium = shutil.which("chromium") or shutil.which("google-chrome")
    if chromium is None:
        print("no Chromium here: install the package chromium first", file=sys.stderr)
        return 2
    holdfast = Path(sys.executable).with_name("holdfast")
    if not (home / "holdfast.toml").exists():
        subprocess.run([holdfast, "--home", home, "demo"], check=True)
    subprocess.run([holdfast, "--home", home, "watch", "--if-due"], check=True)
    server = subprocess.Popen([holdfast, "serve", "--home", home, "--port", str(PORT)], stdout=subprocess.DEVNULL)
    PICTURES.mkdir(parents=True, exist_ok=True)
    try:
        _wait()
        password = json.loads((home / "demo-sign-in.json").read_text())[0]["password"]
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
            for name in names or list(SHOWN):
                who, path, how = SHOWN[name]
                _picture(browser, name, who, path, how, password)
    finally:
        server.terminate()
        server.wait()
    return 0


def _wait() -> None:
    for _ in range(200):
        try:
            urllib.request.urlopen(f"{BASE}/healthz", timeout=2).close()
            return
        except OSError:
            time.sleep(0.25)


def _picture(browser: Any, name: str, who: str, path: str, how: str, password: str) -> None:
    size = {"width": 390, "height": 844} if how == "phone" else {"width": 1360, "height": 850}
    context = browser.new_context(viewport=size, device_scale_factor=1)
    context.add_cookies([{"name": "theme", "value": "dark" if how == "dark" else "light", "url": BASE}])
    page = context.new_page()
    if who:
        page.goto(f"{BASE}/sign-in/")
        page.fill("input[name=login]", f"{who}@tidewater.example")
        page.fill("input[name=password]", password)
        page.keyboard.press("Enter")
        page.wait_for_url(lambda url: "sign-in" not in url)
    if path == "first-account":
        page.goto(f"{BASE}/accounts/")
        path = page.locator("a.row-link").first.get_attribute("href")
    page.goto(f"{BASE}{path}")
    page.wait_for_load_state("networkidle")
    # another policy, or a past day, is being booked
    page.locator("main .loading").first.wait_for(state="detached", timeout=120_000)
    page.wait_for_timeout(800)  # charts draw themselves in
    page.screenshot(path=PICTURES / f"{name}.png")
    context.close()
    print(f"docs/pictures/{name}.png")


if __name__ == "__main__":
    raise SystemExit(main(Path(sys.argv[1]), sys.argv[2:]))
