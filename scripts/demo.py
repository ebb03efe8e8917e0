"""`make demo`: the demo company from nothing to its numbers and the web app, through the same commands a user types."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
from pathlib import Path


def main(home: Path) -> int:
    """Make, book and show the demo company in `home`; an earlier demo there is replaced."""
    holdfast = Path(sys.executable).with_name("holdfast")
    if (home / "holdfast.toml").exists():
        shutil.rmtree(home)
    steps = (["demo"], ["nrr"], ["nrr", "--by", "segment"], ["bridge"], ["policies"])
    for arguments in steps:
        shown = " ".join(arguments)
        print(f"\n$ holdfast --home {home} {shown}", flush=True)
        done = subprocess.run([holdfast, "--home", home, *arguments], check=False)
        if done.returncode:
            return done.returncode
    print(
        f"""
What to try next in another terminal (holdfast is {holdfast}; `export HOLDFAST_HOME={home}` saves --home):
  holdfast explain                        which accounts made the NRR
  holdfast policies --why chartmogul      which setting makes two tools disagree, per account
  holdfast close 2026-09                  sign a month
  holdfast risk                           who is likely to leave, and why (the app looks ahead two minutes after it started)
  holdfast trackrecord                    how good such predictions were on this company's own past
Your own data: holdfast --home my-company serve   and follow the first steps in the browser""",
        flush=True,
    )
    if os.environ.get("HOLDFAST_DEMO_SERVE") == "no":  # for machines that only look at the numbers
        return 0
    port = _free_port(8321)
    try:
        return subprocess.run([holdfast, "serve", "--home", home, "--port", str(port)], check=False).returncode
    except KeyboardInterrupt:
        return 0


def _free_port(wanted: int) -> int:
    """The port wanted, or any other where it is taken."""
    for port in (wanted, 0):
        with socket.socket() as listener:
            try:
                listener.bind(("127.0.0.1", port))
            except OSError:
                continue
            return int(listener.getsockname()[1])
    raise OSError("no port is free")


if __name__ == "__main__":
    raise SystemExit(main(Path(sys.argv[1])))
