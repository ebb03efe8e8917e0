"""scripts/setup.sh: once is enough, the product needs no tools, and whoever has them keeps them. With a uv that only writes down what it is asked."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    """A folder to be set up, and programs that stand in for uv and for the assets."""
    for name in ("scripts/setup.sh", "uv.lock", "pyproject.toml"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        shutil.copy(ROOT / name, tmp_path / name)
        os.utime(tmp_path / name, (0, 0))
    # uv writes the addresses that it found into the lock
    _program(tmp_path / "bin/uv", 'mkdir -p .venv; echo "$@" >>asked; echo "from an index" >>uv.lock')
    _program(tmp_path / "scripts/assets.sh", "echo assets")
    return tmp_path


def _program(path: Path, does: str) -> None:
    path.parent.mkdir(exist_ok=True)
    path.write_text(f"#!/bin/sh\n{does}\n")
    path.chmod(0o755)


def set_up(clone: Path, *flags: str) -> str:
    """Run the script; what it asked of uv, the last time last."""
    surroundings = os.environ | {"PATH": f"{clone / 'bin'}:{os.environ['PATH']}"}
    said = subprocess.run(["scripts/setup.sh", *flags], cwd=clone, env=surroundings, check=True, capture_output=True)
    assert said.stdout.endswith(b"assets\n")
    return (clone / "asked").read_text()


def test_what_is_set_up_is_not_set_up_again(clone: Path) -> None:
    once = set_up(clone)
    assert once.count("sync") == 1
    assert "--no-dev" not in once
    assert set_up(clone) == once
    assert (clone / "uv.lock").read_text() == (ROOT / "uv.lock").read_text()


def test_another_lock_is_set_up_again(clone: Path) -> None:
    once = set_up(clone)
    later = (clone / ".venv/.set-up").stat().st_mtime + 60
    os.utime(clone / "uv.lock", (later, later))
    assert set_up(clone).count("sync") == once.count("sync") + 1


def test_the_product_is_set_up_without_tools_and_tools_stay(clone: Path) -> None:
    product = set_up(clone, "--no-dev")
    assert product.count("--no-dev") == 1
    assert set_up(clone, "--no-dev") == product
    whole = set_up(clone)
    assert (whole.count("sync"), whole.count("--no-dev")) == (2, 1)
    assert set_up(clone, "--no-dev") == whole
