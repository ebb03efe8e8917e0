"""Work done in processes of their own, each with a home and a desk, so that it can be cut off at any point."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

from ..browser.conftest import own_environment

ROOT = Path(__file__).resolve().parents[2]
BEGIN = """
import sys
from pathlib import Path
from holdfast.desk import start
start.connect(Path(sys.argv[1]))
from holdfast.flows.home import Settings, create, open_home
from tests.upkeep import people
home = create(Path(sys.argv[1]), Settings(company="Acme", as_of="2025-12-31"))
"""
MAKE = BEGIN + "start.migrate(); people.everywhere(home.path); print('ready')"
MAKE_UNBOOKED = BEGIN + "start.migrate(); people.everywhere(home.path, booked=False); print('ready')"
ERASE = (
    BEGIN + "from holdfast.flows import erase; print('ready', flush=True); erase.erase(home, people.ADA, people.NOW)"
)
GO_ON = BEGIN + "from holdfast.flows import upkeep; print(upkeep.run(home, people.NOW).erasures)"


def begin(code: str, home: Path, **environment: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", code, str(home)], cwd=ROOT, env=own_environment() | environment, text=True,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip


def run(code: str, home: Path, **environment: str) -> str:
    """What it printed, once it has ended well."""
    process = begin(code, home, **environment)
    said, broke = process.communicate(timeout=180)
    assert process.returncode == 0, broke
    return said.strip()


def cut_off(code: str, home: Path, after: float, **environment: str) -> bool:
    """Kill it so many seconds after it is ready; whether it was still at work."""
    process = begin(code, home, **environment)
    assert process.stdout is not None and process.stdout.readline().strip() == "ready"
    time.sleep(after)
    process.kill()
    process.communicate()
    return process.returncode < 0
