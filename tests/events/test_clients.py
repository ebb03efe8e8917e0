"""The vendors' own clients, as products use them, pointed at a served home: what they send is counted, and none of them complains."""

from __future__ import annotations

import json
import sqlite3
import subprocess
import time
import urllib.request
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import duckdb
import pytest

from tests.node import fetch

from .served import Served
from .test_load import landed

NODE_CLIENTS = {"@segment/analytics-node": "3.1.0", "posthog-node": "5"}


def today() -> str:
    return datetime.now(UTC).date().isoformat()


def use_of(served: Served, group: str) -> dict[str, tuple[int, int]]:
    """What a group is counted for today, by feature."""
    return {
        feature: told
        for (account, day, feature), told in landed(served.home).items()
        if (account, day) == (f"events:{group}", today())
    }


def contact(served: Served, person: str) -> tuple[str, str] | None:
    files = f"{served.home}/landing/contact/*.parquet"
    rows = duckdb.sql(
        f"select account_id, email from read_parquet('{files}') where contact_id = 'events:{person}' order by load_no desc limit 1"
    )
    found = rows.fetchall()
    return found[0] if found else None


def party(served: Served, group: str) -> tuple[str, str]:
    with sqlite3.connect(served.home / "desk.sqlite3") as db:
        found = db.execute(
            "select name, domain from desk_party where system = 'events' and external_id = ?", (group,)
        ).fetchone()
    return (found[0], found[1])


def by_segment(served: Served, name: str, gzip: bool) -> list[Any]:
    from segment.analytics.client import Client

    errors: list[Any] = []
    client = Client(served.key, host=served.base, gzip=gzip, on_error=lambda error, batch: errors.append(error))
    client.group(f"ann-{name}", name, {"name": "Acme", "website": "https://acme.example"})
    client.identify(f"ann-{name}", {"email": "ann@acme.example", "name": "Ann"})
    for number in range(20):
        client.track(f"ann-{name}", "Saved", {"n": number}, message_id=f"the same {name}" if number > 17 else None)
    client.track("bob", "Saved", context={"groupId": name})
    client.page(f"ann-{name}", "docs", "Home")
    client.screen(f"ann-{name}", None, "Main")
    client.alias(f"before-{name}", f"ann-{name}")
    client.flush()
    client.join()
    return errors


def by_rudderstack(served: Served, name: str, gzip: bool) -> list[Any]:
    from rudderstack.analytics.client import Client

    errors: list[Any] = []
    client = Client(served.key, host=served.base, gzip=gzip, on_error=lambda error, batch: errors.append(error))
    client.group(f"ann-{name}", name, {"name": "Acme", "domain": "acme.example"})
    client.identify(f"ann-{name}", {"email": "ann@acme.example"})
    for _ in range(10):
        client.track(f"ann-{name}", "Saved")
    client.flush()
    client.join()
    return errors


def by_posthog(served: Served, name: str, gzip: bool, mode: str = "v0") -> list[Any]:
    from posthog import Posthog

    errors: list[Any] = []
    client = Posthog(
        served.key, host=served.base, gzip=gzip, capture_mode=mode, on_error=lambda error, batch: errors.append(error)
    )
    client.group_identify("company", name, {"name": "Acme", "domain": "acme.example"})
    client.set(distinct_id=f"ann-{name}", properties={"email": "ann@acme.example", "name": "Ann"})
    for number in range(10):
        client.capture("Saved", distinct_id=f"ann-{name}", groups={"company": name}, properties={"n": number})
    client.capture("$pageview", distinct_id="bob", groups={"company": name})
    flags = client.get_all_flags(f"ann-{name}")
    client.flush()
    client.shutdown()
    return errors + ([flags] if flags else [])


def by_posthog_v1(served: Served, name: str, gzip: bool) -> list[Any]:
    return by_posthog(served, name, gzip, "v1")


BY_SEGMENT = {"*": (22, 2), "Saved": (20, 2), "page": (1, 1), "screen": (1, 1)}
BY_RUDDERSTACK = {"*": (10, 1), "Saved": (10, 1)}
BY_POSTHOG = {"*": (11, 2), "Saved": (10, 1), "page": (1, 1)}
#: what sends, as which group, packed or not; and what that is to be counted as
CLIENTS: list[tuple[Callable[..., list[Any]], str, bool, dict[str, tuple[int, int]]]] = [
    (by_segment, "segment-py", False, BY_SEGMENT), (by_segment, "segment-py-gzip", True, BY_SEGMENT),
    (by_rudderstack, "rudder-py", False, BY_RUDDERSTACK), (by_rudderstack, "rudder-py-gzip", True, BY_RUDDERSTACK),
    (by_posthog, "posthog-py", False, BY_POSTHOG), (by_posthog, "posthog-py-gzip", True, BY_POSTHOG),
    (by_posthog_v1, "posthog-py-v1", True, BY_POSTHOG),
]  # fmt: skip
Sent = dict[str, list[Any]]


@pytest.fixture(scope="module")
def sent(served: Served) -> Sent:
    """All clients send, and everything is counted once; by group what each client complained of."""
    complaints = {name: send(served, name, gzip) for send, name, gzip, _ in CLIENTS}
    _queued_for_a_day(served)
    served.consume()
    return complaints


@pytest.mark.slow
@pytest.mark.parametrize(("name", "expected"), [(name, expected) for _, name, _, expected in CLIENTS])
def test_the_clients_for_python(served: Served, sent: Sent, name: str, expected: dict[str, tuple[int, int]]) -> None:
    assert sent[name] == []
    assert use_of(served, name) == expected
    assert party(served, name) == ("Acme", "acme.example")
    assert contact(served, f"ann-{name}") == (f"events:{name}", "ann@acme.example")


def _queued_for_a_day(served: Served) -> None:
    slow = datetime.now(UTC) - timedelta(days=3 * 365)
    body = {
        "userId": "ann", "event": "Saved", "context": {"groupId": "slow-clock"},
        "timestamp": (slow - timedelta(days=1)).isoformat(), "sentAt": slow.isoformat(),
    }  # fmt: skip
    request = urllib.request.Request(
        f"{served.base}/v1/track", json.dumps(body).encode(), {"Authorization": f"Bearer {served.key}"}
    )
    with urllib.request.urlopen(request, timeout=10) as answer:
        assert answer.status == 200


@pytest.mark.slow
def test_a_clock_that_is_wrong_is_put_right(served: Served, sent: Sent) -> None:
    """What a client queued a day ago, by a clock that is three years slow, is counted yesterday."""
    yesterday = (datetime.now(UTC) - timedelta(days=1)).date().isoformat()
    assert [day for account, day, _ in landed(served.home) if account == "events:slow-clock"] == [yesterday] * 2


@pytest.mark.slow
def test_clients_say_what_is_wrong_with_a_key(served: Served) -> None:
    from segment.analytics.client import Client

    errors: list[Any] = []
    client = Client("hf_wrong", host=served.base, on_error=lambda error, batch: errors.append(error), max_retries=0)
    client.track("ann", "Saved")
    client.flush()
    client.join()
    assert [error.status for error in errors] == [401] and "keys create" in str(errors[0])


@pytest.mark.slow
def test_a_revoked_key_stops_within_seconds(served: Served) -> None:
    key = served.another_key()
    assert served.track_with(key) == 200
    with sqlite3.connect(served.home / "desk.sqlite3", timeout=20) as db:
        db.execute("update desk_apikey set revoked_at = '2026-11-20 00:00:00' where prefix = ?", (key[:9],))
    until = time.monotonic() + 10
    # each process of the server comes to know it by itself
    while {served.track_with(key) for _ in range(8)} != {401}:
        assert time.monotonic() < until, "a revoked key is still taken"
        time.sleep(0.2)


# -- Node ----------------------------------------------------------------------------------------------------------

SEGMENT_NODE = """
const { Analytics } = require('@segment/analytics-node');
const [host, key, group] = process.argv.slice(2);
const client = new Analytics({ writeKey: key, host, flushAt: 6, maxRetries: 1 });
let errors = [];
client.on('error', (error) => errors.push(error));
client.group({ userId: 'ann-' + group, groupId: group, traits: { name: 'Acme', domain: 'acme.example' } });
for (let n = 0; n < 20; n++) client.track({ userId: 'ann-' + group, event: 'Saved', properties: { n } });
client.identify({ userId: 'ann-' + group, traits: { email: 'ann@acme.example' } });
client.track({ userId: 'bob', event: 'Saved', context: { groupId: group } });
client.page({ anonymousId: 'visitor', name: 'Home', context: { groupId: group } });
client.closeAndFlush({ timeout: 10000 }).then(() => { if (errors.length) { console.error(errors); process.exit(1); } });
"""
POSTHOG_NODE = """
const { PostHog } = require('posthog-node');
const [host, key, group] = process.argv.slice(2);
const client = new PostHog(key, { host, flushAt: 6, fetchRetryCount: 1 });
let errors = [];
client.on('error', (error) => errors.push(error));
client.groupIdentify({ groupType: 'company', groupKey: group, properties: { name: 'Acme', domain: 'acme.example' } });
client.identify({ distinctId: 'ann-' + group, properties: { email: 'ann@acme.example' } });
for (let n = 0; n < 20; n++) client.capture({ distinctId: 'ann-' + group, event: 'Saved', groups: { company: group } });
client.capture({ distinctId: 'visitor', event: '$pageview', groups: { company: group } });
(async () => {
  const flags = await client.getAllFlags('ann');
  if (Object.keys(flags).length) errors.push(flags);
  await client.shutdown(10000);
  if (errors.length) { console.error(errors); process.exit(1); }
})();
"""
Node = Callable[[str, str, str, str], None]


@pytest.fixture(scope="session")
def node(tmp_path_factory: pytest.TempPathFactory) -> Node:
    """node(script, host, key, group): run a script beside the clients for Node."""
    folder = tmp_path_factory.mktemp("node")
    program, environment = fetch(folder, NODE_CLIENTS)

    def run(script: str, host: str, key: str, group: str) -> None:
        (folder / "script.js").write_text(script)
        told = subprocess.run(
            [program, "script.js", host, key, group],
            cwd=folder,
            env=environment,
            capture_output=True,
            text=True,
            timeout=60,
        )
        assert told.returncode == 0 and not told.stderr, told.stderr

    return run


@pytest.fixture(scope="module")
def sent_by_node(served: Served, node: Node) -> None:
    """Both clients for Node send, and everything is counted once."""
    node(SEGMENT_NODE, served.base, served.key, "segment-node")
    node(POSTHOG_NODE, served.base, served.key, "posthog-node")
    served.consume()


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("segment-node", {"*": (22, 3), "Saved": (21, 2), "page": (1, 1)}),
        ("posthog-node", {"*": (21, 2), "Saved": (20, 1), "page": (1, 1)}),
    ],
)
def test_the_clients_for_node(
    served: Served, sent_by_node: None, name: str, expected: dict[str, tuple[int, int]]
) -> None:
    assert use_of(served, name) == expected
    assert party(served, name) == ("Acme", "acme.example")
    assert contact(served, f"ann-{name}") == (f"events:{name}", "ann@acme.example")
