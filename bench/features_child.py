"""python -m bench.features_child make FOLDER ACCOUNTS EVENTS, or CONTENDER HOME DAYS FILE: one step in a process that can be measured."""

from __future__ import annotations

import sys
from pathlib import Path

from bench.features import child, make

if __name__ == "__main__":
    step, place, first, second = sys.argv[1:]
    if step == "make":
        make(Path(place), int(first), int(second))
    else:
        child(step, Path(place), int(first), Path(second))
