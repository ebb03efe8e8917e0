"""`make demo`: the demo company from nothing to its numbers, through the same commands a user types."""

from __future__ import annotations

import shutil
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
What to try next (holdfast is {holdfast}; `export HOLDFAST_HOME={home}` saves --home):
  holdfast explain                        which accounts made the NRR
  holdfast explain ACCOUNT                one account: movements, changes, the rows behind them
  holdfast nrr --by industry --series 12m --from 2026-01
  holdfast policies --why chartmogul      which setting makes two tools disagree, per account
  holdfast reconcile                      the ledger beside the invoices
  holdfast close 2026-09                  sign a month
Your own data: holdfast --home my-company load FILE…   then: book   then: nrr"""
    )
    return 0


if __name__ == "__main__":
    raise SystemExit(main(Path(sys.argv[1])))
