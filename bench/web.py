"""The web app under concurrent users: 50 people on the demo company's pages, then 50 on a book of 100,000 accounts.

python -m bench.web [SIZE…]: p50, p95 and p99 of every kind of page, as a browser waits for it, and every answer that was not 200.
Homes are made once a size and kept. Users read for one to three seconds between two pages, each in a session of their own.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import random
import resource
import socket
import ssl
import subprocess
import sys
import time
import urllib.request
from collections import defaultdict
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime
from multiprocessing import get_context
from pathlib import Path

import httpx

from bench.made_up import publish_made_up
from holdfast.flows.book import book, open_ledger
from holdfast.flows.demo import demo
from holdfast.flows.home import open_home
from holdfast.sources.demo import World

#: pages that people open, and how often each among a hundred
MIX = {
    "/overview/": 14, "/today/": 12, "/accounts/": 12, "/accounts/?q=har": 6, "/accounts/?sort=name&dir=asc&page=3": 4,
    "account": 22, "/revenue/": 8, "/revenue/?by=segment": 4, "/revenue/cohorts/": 4, "/revenue/segments/": 4,
    "/explain/nrr/": 4, "/charts/waterfall.csv": 2, "/charts/trend.png": 1, "/board/": 3,
}  # fmt: skip
#: people at once; seconds of use before anything is counted; p95 aimed at, in milliseconds, up to a number of accounts
USERS, LEAD_IN, TARGETS = 50, 10.0, ((5_000, 150), (100_000, 400))
#: accounts that are opened, chosen by chance
OPENED = 300


@dataclass
class Seen:
    """What the users saw, and the processor time that the server took for it."""

    milliseconds: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    wrong: list[str] = field(default_factory=list)
    server_seconds: float = 0.0


def run(root: Path, accounts: int, users: int, seconds: float) -> Seen:
    """A demo company of a size, served, and used."""
    home = root / f"web-{accounts}"
    # what is made here and what signs in there are other processes: one process belongs to one home
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as apart:
        apart.submit(make, home, accounts).result()
    port = _free_port()
    command = [_holdfast(), "serve", "--home", str(home), "--port", str(port)]
    server = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        _wait(port)
        with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as apart:
            sessions, ids = apart.submit(sign_in, home, users).result()
        before = _of_children()
        seen = asyncio.run(_use(f"http://127.0.0.1:{port}", sessions, ids, seconds))
    finally:
        server.terminate()
        server.wait(timeout=60)
    seen.server_seconds = _of_children() - before
    return seen


def _holdfast() -> str:
    return str(Path(sys.executable).with_name("holdfast"))


def _of_children() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def make(home: Path, accounts: int) -> None:
    """The demo company of a size, booked and watched; a large one has a shorter past, counts usage as a whole, and its watch is made up."""
    if (home / "made").exists():
        return
    now = datetime.now(UTC)
    small = World(accounts=accounts)
    large = World(accounts=accounts, count="all", usage="daily", months=18)
    is_large = accounts > TARGETS[0][0]
    book(demo(home, large if is_large else small, now), now)
    if is_large:
        publish_made_up(home, now)
    else:
        subprocess.run([_holdfast(), "--home", str(home), "watch"], check=True, stdout=subprocess.DEVNULL)
    (home / "made").touch()


def sign_in(home: Path, users: int) -> tuple[list[str], list[str]]:
    """Sessions of the demo's admin, and accounts to open. Signing in itself is limited by rate, so it is done in the desk."""
    from holdfast.desk import start

    start.connect(home)
    from django.contrib.sessions.backends.db import SessionStore

    from holdfast.desk.models import User

    user = User.objects.get(email="vp@tidewater.example")
    keys = []
    for _ in range(users):
        session = SessionStore()
        session["_auth_user_id"] = str(user.pk)
        session["_auth_user_backend"] = "allauth.account.auth_backends.AuthenticationBackend"
        session["_auth_user_hash"] = user.get_session_auth_hash()
        session.create()
        keys.append(str(session.session_key))
    with open_ledger(open_home(home)) as ledger:
        found = ledger.rows(f"select account_id from account order by hash(account_id) limit {OPENED}")
    return keys, [row[0] for row in found]


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


async def _use(base: str, sessions: list[str], ids: list[str], seconds: float) -> Seen:
    """All users at once; what they saw in the lead-in is not counted: somebody has to ask first, in each process."""
    trust = ssl.create_default_context()
    clients = [
        httpx.AsyncClient(base_url=base, cookies={"sessionid": key}, timeout=60, verify=trust) for key in sessions
    ]
    try:
        await asyncio.gather(*[_open_all(client, ids[0]) for client in clients[:8]])
        begun = time.perf_counter() + LEAD_IN
        seen = Seen()
        people = [_person(client, number, ids, begun, seconds, seen) for number, client in enumerate(clients)]
        await asyncio.gather(*people)
    finally:
        await asyncio.gather(*[client.aclose() for client in clients])
    return seen


async def _open_all(client: httpx.AsyncClient, account: str) -> None:
    for kind in MIX:
        await client.get(kind if kind.startswith("/") else f"/accounts/{account}/")


async def _person(
    client: httpx.AsyncClient, number: int, ids: list[str], begun: float, seconds: float, seen: Seen
) -> None:
    """Opens a page, reads for a second or two, opens the next."""
    chance = random.Random(number)
    await asyncio.sleep(chance.uniform(0, 2))
    while (now := time.perf_counter()) < begun + seconds:
        kind = chance.choices(list(MIX), weights=list(MIX.values()))[0]
        path = kind if kind.startswith("/") else f"/accounts/{chance.choice(ids)}/"
        wrong = ""
        try:
            answer = await client.get(path)
            if answer.status_code != 200:
                wrong = f"{path}: {answer.status_code}"
        except httpx.HTTPError as error:
            wrong = f"{path}: {error!r}"
        if now >= begun:
            seen.milliseconds[kind].append((time.perf_counter() - now) * 1000)
            seen.wrong += [wrong] if wrong else []
        await asyncio.sleep(chance.uniform(1, 3))


def percentile(values: list[float], share: float) -> float:
    """The value below which a share of all lies."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


def show(accounts: int, seen: Seen, busy: float) -> None:
    """The figures as a table; `busy` is how many processes wanted to run before the measurement began."""
    target = next((aim for most, aim in TARGETS if accounts <= most), TARGETS[-1][1])
    everything = [value for values in seen.milliseconds.values() for value in values]
    print(f"\n{USERS} users, {accounts:,} accounts\n{'page':<42}{'requests':>9}{'p50 ms':>9}{'p95 ms':>9}{'p99 ms':>9}")
    for name, values in [*sorted(seen.milliseconds.items()), ("all", everything)]:
        figures = "".join(f"{percentile(values, share):>9.0f}" for share in (0.5, 0.95, 0.99))
        print(f"{name:<42}{len(values):>9}{figures}")
    reached = "reached" if percentile(everything, 0.95) < target else "missed"
    print(f"target of p95: {target} ms, {reached}; {os.cpu_count()} processors, load before: {busy:.1f}")
    print(f"answers other than 200: {len(seen.wrong)}  {'; '.join(seen.wrong[:5])}".rstrip())
    print(f"processor seconds of the server, with its start: {seen.server_seconds:.1f}")


def main() -> int:
    """All sizes; 1 where an answer was not 200."""
    parser = argparse.ArgumentParser(prog="python -m bench.web", description=__doc__)
    parser.add_argument("sizes", nargs="*", type=int, default=[600, 100_000], metavar="SIZE")
    parser.add_argument("--home", type=Path, default=Path("bench-home"), help="where the data lie")
    asked = parser.parse_args()
    seconds = float(os.environ.get("BENCH_SECONDS", "60"))
    wrong = 0
    for accounts in asked.sizes:
        busy = os.getloadavg()[0]
        seen = run(asked.home, accounts, USERS, seconds)
        show(accounts, seen, busy)
        wrong += len(seen.wrong)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
