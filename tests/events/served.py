"""A home that is really served: its write key, its server's process, and calls that are sent until they are answered."""

from __future__ import annotations

import base64
import contextlib
import http.client
import json
import os
import random
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.browser.conftest import free_port, own_environment

HOLDFAST = str(Path(sys.executable).with_name("holdfast"))
#: seconds until a server has to answer
PATIENCE = 90.0


@dataclass
class Served:
    """`holdfast serve` over a home."""

    home: Path
    key: str = ""
    port: int = field(default_factory=free_port)
    process: subprocess.Popen[bytes] | None = None

    @property
    def base(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def make(self) -> None:
        """The home, and its write key."""
        run("--home", str(self.home), "init")
        self.key = run("--home", str(self.home), "keys", "create", "--kind", "write").strip()
        assert self.key.startswith("hf_") and "\n" not in self.key, "the key is printed, and nothing else"

    def start(self, workers: int = 2) -> None:
        """Start the server, and wait until it answers."""
        log = self.home.with_suffix(".log").open("ab")
        command = [HOLDFAST, "serve", "--home", str(self.home), "--port", str(self.port), "--workers", str(workers)]
        self.process = subprocess.Popen(
            command, stdout=log, stderr=subprocess.STDOUT, env=own_environment(), start_new_session=True
        )
        until = time.monotonic() + PATIENCE
        while time.monotonic() < until:
            assert self.process.poll() is None, self.log()
            try:
                with urllib.request.urlopen(f"{self.base}/healthz", timeout=2) as answer:
                    if answer.status == 200:
                        return
            except OSError:
                time.sleep(0.1)
        raise AssertionError(f"the server did not start:\n{self.log()}")

    def log(self) -> str:
        return self.home.with_suffix(".log").read_text(errors="replace")

    def kill(self) -> None:
        """kill -9 of the server and all that it started, at once."""
        assert self.process is not None
        with contextlib.suppress(ProcessLookupError):  # it had ended by itself
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()
        self.process = None

    def kill_worker(self, chance: random.Random) -> None:
        """kill -9 of one of the processes that answer; the server starts another, unless that happens too often."""
        until = time.monotonic() + PATIENCE
        while time.monotonic() < until:
            if self.has_ended():
                self.start()
            if workers := self._workers():
                os.kill(chance.choice(workers), signal.SIGKILL)
                return
            # a server that is between two workers, or about to give up
            time.sleep(0.05)
        raise AssertionError(f"the server has no workers:\n{self.log()}")

    def _workers(self) -> list[int]:
        """The processes that answer."""
        assert self.process is not None
        found = []
        for task in Path(f"/proc/{self.process.pid}/task").glob("*/children"):
            with contextlib.suppress(OSError):  # it ends while it is looked at
                for one in task.read_text().split():
                    name = Path(f"/proc/{one}/cmdline").read_bytes()
                    if name and b"ticker" not in name and b"tracker" not in name:
                        found.append(int(one))
        return found

    def has_ended(self) -> bool:
        return self.process is None or self.process.poll() is not None

    def stop(self) -> None:
        """Ctrl-C."""
        if self.process is not None:
            self.process.terminate()
            try:
                self.process.wait(timeout=30)
            except subprocess.TimeoutExpired:
                self.kill()
            self.process = None

    def batch(self, events: Sequence[Mapping[str, Any]], connection: http.client.HTTPConnection) -> int:
        """Send a batch over a connection; the status. OSError, HTTPException: there was no answer."""
        headers = {
            "Authorization": "Basic " + base64.b64encode(f"{self.key}:".encode()).decode(),
            "Content-Type": "application/json",
        }
        connection.request("POST", "/v1/batch", json.dumps({"batch": events}), headers)
        answer = connection.getresponse()
        answer.read()
        return answer.status

    def another_key(self) -> str:
        return run("--home", str(self.home), "keys", "create", "--kind", "write").strip()

    def track_with(self, key: str) -> int:
        """Send one event with some key; the status."""
        connection = self.connect()
        connection.request(
            "POST", "/v1/track", '{"userId": "ann", "event": "Saved"}', {"Authorization": f"Bearer {key}"}
        )
        status = connection.getresponse().status
        connection.close()
        return status

    def connect(self) -> http.client.HTTPConnection:
        return http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)

    def consume(self) -> dict[str, int]:
        """Count what came in, in a process of its own; the counts."""
        told = subprocess.run(
            [sys.executable, "-m", "tests.events.consumer", str(self.home), "once"], env=own_environment(), capture_output=True, text=True, check=False
        )  # fmt: skip
        assert told.returncode == 0, told.stderr
        return dict(json.loads(told.stdout))


def run(*command: str) -> str:
    done = subprocess.run([HOLDFAST, *command], env=own_environment(), capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout
