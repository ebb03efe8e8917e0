"""Resolve the dependencies anew and keep the result in uv.lock without addresses.

Run it as `python scripts/lock.py` after changing dependencies in pyproject.toml; it needs uv.
"""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

LOCK = Path(__file__).resolve().parents[1] / "uv.lock"


def without_addresses(text: str) -> str:
    """The lock's names, versions and markers; files and the place they come from are left to the machine that installs.

    The project's own metadata goes too: uv then looks the versions' files up instead of taking the lock as complete.
    """
    text = re.sub(r"^sdist = .*\n", "", text, flags=re.M)
    text = re.sub(r"^wheels = \[\n(?: .*\n)*\]\n", "", text, flags=re.M)
    text = re.sub(r'registry = "[^"]*"', 'registry = "index"', text)
    text = re.sub(
        r"^\[package\.metadata\]\n(?:requires-dist = \[\n(?: .*\n)*\]\n)?(?:provides-extras = .*\n)?",
        "",
        text,
        flags=re.M,
    )
    text = re.sub(r"^\[package\.metadata\.requires-dev\]\n(?:\w+ = \[\n(?: .*\n)*\]\n)*", "", text, flags=re.M)
    return re.sub(r"\n{3,}", "\n\n", text)


def main() -> None:
    """Lock, then strip."""
    subprocess.run(["uv", "lock", "--upgrade"], check=True, cwd=LOCK.parent)
    LOCK.write_text(without_addresses(LOCK.read_text()))


if __name__ == "__main__":
    main()
