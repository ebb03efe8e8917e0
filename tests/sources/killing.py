"""`python -m tests.sources.killing HOME KILLS SEED ADDRESS KEY`: run Acme's connection again and again, and kill it at random moments.

Each run is a process of its own, forked after everything is imported, so that the moments fall into the work and not into the imports.
Prints how many runs were killed, and how many ended by themselves.
"""

from __future__ import annotations

import os
import random
import signal
import sys
import time
import traceback
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

NOW = datetime(2026, 11, 20, 9, 0, tzinfo=UTC)


def main() -> None:
    place, kills, seed, address, key = sys.argv[1:]
    os.environ |= {"HOLDFAST_ALLOW_HOSTS": "127.0.0.1", "HOLDFAST_RETRY_PAUSE": "0"}
    from holdfast.flows import connections, serve, sync
    from holdfast.flows.home import open_home

    from . import acme

    acme.on_the_shelf()
    sync._sync = _loud(sync._sync)
    home = open_home(Path(place))
    serve.prepare(home)
    connections.connect(
        home, acme.SOURCE, "acme", connections.split(acme.SOURCE, {"key": key, "base_url": address}), NOW
    )
    _import_all()
    from django.db import connections as databases

    databases.close_all()
    chance, killed, ended, longest = random.Random(int(seed)), 0, 0, 4.0
    while killed < int(kills):
        began = time.monotonic()
        child = os.fork()
        if not child:
            run = killed + ended
            # now and then everything is listed anew
            done = sync.sync(home, "acme", NOW + timedelta(minutes=run), whole=run % 5 == 4)
            os._exit(1 if done.problem else 0)
        time.sleep(chance.uniform(0.0, longest * 1.1))
        os.kill(child, signal.SIGKILL)
        _, status = os.waitpid(child, 0)
        if os.WIFSIGNALED(status):
            killed += 1
        else:
            assert status == 0, "a run failed"
            ended += 1
            longest = 0.8 * longest + 0.2 * (time.monotonic() - began)
            _change(address, ended)
    done = sync.sync(home, "acme", NOW + timedelta(minutes=killed + ended + 1), whole=True)
    assert not done.problem, done.problem
    print(killed, ended)


def _loud(work: Any) -> Any:
    """A run that fails shows where."""

    def tried(*arguments: Any) -> Any:
        try:
            return work(*arguments)
        except Exception:
            traceback.print_exc()
            raise

    return tried


def _change(address: str, round_: int) -> None:
    """Have the server change something."""
    import urllib.request

    urllib.request.urlopen(f"{address}/change?round={round_}").read()


def _import_all() -> None:
    import dlt
    import dlt.destinations
    import dlt.sources.helpers.requests
    import dlt.sources.helpers.rest_client.client
    import duckdb
    import pyarrow.parquet

    assert dlt and duckdb and pyarrow


if __name__ == "__main__":
    main()
