"""The web app under concurrent users: 50 people on the demo company's pages, then fewer on a book of 100,000 accounts.

Prints p50, p95 and p99 of every kind of page, as a browser sees them, and every answer that was not 200.
"""

from __future__ import annotations

import asyncio
import os
import random
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections import defaultdict
from dataclasses import dataclass, field
from pathlib import Path

import httpx

#: pages that people open, and how often each among a hundred
MIX = {
    "/overview/": 14, "/today/": 12, "/accounts/": 12, "/accounts/?q=har": 6, "/accounts/?sort=name&dir=asc&page=3": 4,
    "account": 22, "/revenue/": 8, "/revenue/?by=segment": 4, "/revenue/cohorts/": 4, "/revenue/segments/": 4,
    "/explain/nrr/": 4, "/charts/waterfall.csv": 2, "/charts/trend.png": 1, "/board/": 3,
}  # fmt: skip


@dataclass
class Seen:
    """What the users saw."""

    milliseconds: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    wrong: list[str] = field(default_factory=list)


def run(accounts: int, users: int, seconds: float) -> Seen:
    """A demo company of a size, served, and used."""
    folder = Path(tempfile.mkdtemp(prefix="holdfast-bench-"))
    home = folder / "home"
    holdfast = Path(sys.executable).with_name("holdfast")
    try:
        _make(home, accounts)
        port = _free_port()
        server = subprocess.Popen(
            [holdfast, "serve", "--home", home, "--port", str(port)],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        try:
            _wait(port)
            cookie, ids = _sign_in(home)
            seen = asyncio.run(_use(f"http://127.0.0.1:{port}", cookie, ids, users, seconds))
        finally:
            server.terminate()
            server.wait(timeout=30)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    return seen


def _make(home: Path, accounts: int) -> None:
    from datetime import UTC, datetime

    from holdfast.flows.book import book
    from holdfast.flows.demo import demo
    from holdfast.sources.demo import World

    now = datetime.now(UTC)
    large = accounts > 5_000
    world = World(accounts=accounts, usage="daily" if large else "features", months=18 if large else 36)
    book(demo(home, world, now), now)


def _free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


def _wait(port: int) -> None:
    for _ in range(400):
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/healthz", timeout=2) as answer:
                if answer.status == 200:
                    return
        except OSError:
            time.sleep(0.25)
    raise RuntimeError("the server did not start")


def _sign_in(home: Path) -> tuple[str, list[str]]:
    """A session of the demo's admin, and the ids of accounts to open; the sign-in itself is limited by rate, so it is made in the desk."""
    program = (
        "import sys; from pathlib import Path; from holdfast.desk import start; start.connect(Path(sys.argv[1]))\n"
        "from django.contrib.sessions.backends.db import SessionStore; from holdfast.desk.models import User\n"
        "user = User.objects.get(email='vp@tidewater.example'); s = SessionStore()\n"
        "s['_auth_user_id'] = str(user.pk); s['_auth_user_backend'] = 'allauth.account.auth_backends.AuthenticationBackend'\n"
        "s['_auth_user_hash'] = user.get_session_auth_hash(); s.create(); print(s.session_key)\n"
        "from holdfast.flows.home import open_home; from holdfast.flows.book import open_ledger\n"
        "print(*[r[0] for r in open_ledger(open_home(Path(sys.argv[1]))).rows('select account_id from account order by hash(account_id) limit 300')])"
    )
    said = subprocess.run(
        [sys.executable, "-c", program, home], capture_output=True, text=True, check=True, env=dict(os.environ)
    ).stdout
    cookie, ids = said.strip().splitlines()[-2:]
    return cookie, ids.split()


async def _use(base: str, cookie: str, ids: list[str], users: int, seconds: float) -> Seen:
    seen = Seen()
    async with httpx.AsyncClient(
        base_url=base, cookies={"sessionid": cookie}, timeout=30, limits=httpx.Limits(max_connections=users)
    ) as client:
        for (
            path
        ) in MIX:  # the first reader of a publication waits for its numbers once; the figures are those of all others
            await client.get(path if path.startswith("/") else f"/accounts/{ids[0]}/")
        end = time.perf_counter() + seconds
        await asyncio.gather(*[_person(client, number, ids, end, seen) for number in range(users)])
    return seen


async def _person(client: httpx.AsyncClient, number: int, ids: list[str], end: float, seen: Seen) -> None:
    """Opens a page, reads for a second or two, opens the next."""
    chance = random.Random(number)
    await asyncio.sleep(chance.uniform(0, 2))
    while time.perf_counter() < end:
        kind = chance.choices(list(MIX), weights=list(MIX.values()))[0]
        path = kind if kind.startswith("/") else f"/accounts/{chance.choice(ids)}/"
        begun = time.perf_counter()
        try:
            answer = await client.get(path)
            if answer.status_code != 200:
                seen.wrong.append(f"{path}: {answer.status_code}")
        except httpx.HTTPError as error:
            seen.wrong.append(f"{path}: {error!r}")
        seen.milliseconds[kind].append((time.perf_counter() - begun) * 1000)
        await asyncio.sleep(chance.uniform(1, 3))


def percentile(values: list[float], share: float) -> float:
    """The value below which a share of all lies."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


def show(title: str, seen: Seen) -> None:
    """The figures as a table."""
    print(f"\n{title}\n{'page':<42}{'requests':>9}{'p50 ms':>9}{'p95 ms':>9}{'p99 ms':>9}")
    everything = [value for values in seen.milliseconds.values() for value in values]
    for name, values in [*sorted(seen.milliseconds.items()), ("all", everything)]:
        figures = "".join(f"{percentile(values, share):>9.0f}" for share in (0.5, 0.95, 0.99))
        print(f"{name:<42}{len(values):>9}{figures}")
    print(f"answers other than 200: {len(seen.wrong)}{'  ' + '; '.join(seen.wrong[:5]) if seen.wrong else ''}")


def main() -> None:
    """Both sizes."""
    seconds = float(os.environ.get("BENCH_SECONDS", "60"))
    show("50 users, demo company of 600 accounts (target p95 150 ms)", run(600, 50, seconds))
    show("50 users, 100,000 accounts (target p95 400 ms)", run(100_000, 50, seconds))


if __name__ == "__main__":
    main()
