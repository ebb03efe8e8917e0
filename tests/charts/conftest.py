"""Charts are drawn with what scripts/assets.sh builds; it returns at once where nothing has changed."""

import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="session", autouse=True)
def built() -> None:
    subprocess.run(["bash", str(ROOT / "scripts/assets.sh")], check=True, capture_output=True, timeout=300)
