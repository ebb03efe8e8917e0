"""The floor: merely reading the columns, grouping them once by account, and sorting them once. It answers nothing.

wide: the sort carries every column that the ledger reads; narrow: only key, day and amount.
"""

from __future__ import annotations

import sys
from pathlib import Path

import duckdb

from bench.answers import Answers, run
from holdfast.flows.home import open_home
from holdfast.warehouse.booking import scan
from holdfast.warehouse.jobs import ITEM_COLUMNS

NARROW = ("account_id", "item_id", "valid_from", "quantity * unit_amount_minor as amount")


def answer(folder: Path, answers: Answers) -> None:
    source = scan(open_home(folder).landing.files("subscription_item"))
    columns = NARROW if "narrow" in sys.argv else ITEM_COLUMNS
    with duckdb.connect() as c:
        with answers.stage("sum"):
            c.execute(
                "select count(*), max(amount) from ("
                "select account_id, sum(quantity * unit_amount_minor) as amount "
                f"from {source} group by account_id)"
            ).fetchall()
        with answers.stage("sort"):
            c.execute(
                f"create temp table sorted as select {', '.join(columns)} from {source} "
                "order by account_id, item_id, valid_from"
            )


if __name__ == "__main__":
    run(answer)
