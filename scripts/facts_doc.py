"""Write docs/facts.md from the fact tables in src/holdfast/domain/facts.py.

Run it as `python scripts/facts_doc.py` after changing a table; a test fails while the page is behind.
"""

from __future__ import annotations

from pathlib import Path

from holdfast.domain.fact_table import Column, FactTable
from holdfast.domain.facts import SOURCE_KINDS, TABLES

PAGE = Path(__file__).resolve().parents[1] / "docs" / "facts.md"

UNITS = {
    "text": "text",
    "int": "whole number",
    "money": "minor units",
    "ppm": "parts per million",
    "rate": "number",
    "date": "day",
    "time": "time, UTC",
    "flag": "true or false",
    "map": "texts by name",
}

HEAD = """# The fact tables

<!-- Written by scripts/facts_doc.py from src/holdfast/domain/facts.py. Do not edit by hand. -->

Every source is translated into these tables and nothing else. What you [load](commands.md#load) ends up in one of them.

- **Days** are days in the company's time zone. Intervals are half-open: the `to` day is the first day outside.
- **Money** is a whole number of the currency's minor units (cents; yen for JPY). Files may hold major units; the
  [mapping](adding.md#a-mapping) says which.
- **Parts** are parts per million: 100,000 is 10 %.
- **Key**: of the rows with the same key, the newest learned holds. No row is ever changed or deleted.
- `required` columns may not be empty. Where a column is missing or empty, its default stands; without a default it is unknown.

Landing adds four columns to every row: `learned_at` (when we learned it, UTC), `load_no` (which load brought it), `source_row` (the row's number
in its file) and `source_kind` ({kinds}), which decides how gaps at a renewal are read
([rule 18](definitions.md#3-from-states-to-movements)).

The ledger reads `account`, `subscription_item`, `invoice_line` and `fx_rate`; reconciliation also reads `invoice`. The other tables are loaded and kept, but
nothing reads them yet.
"""


def page() -> str:
    """The whole page."""
    kinds = ", ".join(f"`{kind}`" for kind in SOURCE_KINDS)
    contents = " · ".join(f"[{name}](#{name})" for name in TABLES)
    return "\n".join([HEAD.replace("{kinds}", kinds), f"Tables: {contents}", *map(_table, TABLES.values())])


def _table(table: FactTable) -> str:
    key = ", ".join(f"`{name}`" for name in table.key)
    rows = [_row(column) for column in table.columns]
    head = ["| column | unit | | meaning |", "|---|---|---|---|"]
    return "\n".join([f"\n## {table.name}", table.doc, "", f"Key: {key}", "", *head, *rows])


def _row(column: Column) -> str:
    return f"| `{column.name}` | {UNITS[column.kind]} | {_need(column)} | {_escaped(column.doc)}{_choices(column)} |"


def _need(column: Column) -> str:
    if column.required:
        return "required"
    if column.default is None:
        return ""
    return f"default `{str(column.default).lower() if isinstance(column.default, bool) else column.default}`"


def _choices(column: Column) -> str:
    return f" One of {', '.join(f'`{choice}`' for choice in column.choices)}." if column.choices else ""


def _escaped(text: str) -> str:
    return text.replace("|", "\\|")


if __name__ == "__main__":
    PAGE.write_text(page() + "\n")
