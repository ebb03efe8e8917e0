"""Counts events in a process of its own: `python -m tests.events.consumer HOME once|always`."""

from __future__ import annotations

import json
import sys
from datetime import UTC, datetime
from pathlib import Path

from holdfast.desk import start
from holdfast.flows import events_in


def main() -> None:
    home = Path(sys.argv[1])
    start.connect(home)
    while True:
        events_in.consume(home, datetime.now(UTC), tell=True)
        if sys.argv[2] == "once":
            print(json.dumps(events_in.counts(home)))
            return


if __name__ == "__main__":
    main()
