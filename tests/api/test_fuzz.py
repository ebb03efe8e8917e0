"""Schemathesis over the whole API with all its checks, against a live server: no fault, and no answer but those in the document."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from holdfast.flows.tick import alone

from .conftest import Server

HERE = Path(__file__).parent
#: seconds of it
LONG = os.environ.get("HOLDFAST_FUZZ_SECONDS", "60")


@pytest.mark.slow
def test_no_request_breaks_it(live: Server, tmp_path: Path) -> None:
    # what it subscribes to webhooks lies anywhere: the ticker waits meanwhile, so that nothing is posted there
    (live.home / "ticker.lock").unlink(missing_ok=True)
    with alone(live.home) as mine:
        assert mine
        done = subprocess.run(
            [
                str(Path(sys.executable).with_name("schemathesis")), "--config-file", str(HERE / "schemathesis.toml"), "run",
                f"{live.address}/api/v1/openapi.json", "-H", f"Authorization: Bearer {live.key}", "--checks", "all",
                "--max-time", LONG, "--continue-on-failure", "--no-color",
            ],
            cwd=tmp_path, capture_output=True, text=True, check=False, timeout=300,
            env=os.environ | {"SCHEMATHESIS_HOOKS": "fuzzing", "PYTHONPATH": str(HERE)},
        )  # fmt: skip
    told = done.stdout[-20_000:]
    assert done.returncode == 0, told
    tested = re.search(r"Tested: (\d+)", told)
    assert tested and int(tested[1]) > 30, told
    assert "a call of the API broke" not in (live.home / "server.log").read_text()
