"""Appending what batches give to a ledger file, several at a time: few large inserts cost much less than many small ones."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from holdfast.warehouse.jobs import TABLES_OF_BATCH, Result
from holdfast.warehouse.parts import ROW_GROUP_ROWS
from holdfast.warehouse.sql import literal, quoted

#: columns of the account table that are no segment attributes
ACCOUNT_COLUMNS = ("account_id", "name", "domain", "created_on", "merged_into")

#: the types of columns whose words come as numbers; others are texts
WORDS = {"currency": "currency_code", "cause": "change_cause", "kind": "movement_kind", "lane": "lane"}


class BalanceTooLargeError(RuntimeError):
    """A month-end balance does not fit into the columns for them; they have to be bigint."""


def cell_type(connection: duckdb.DuckDBPyConnection) -> str:
    """The type of the month-end columns of a ledger file: INTEGER or BIGINT."""
    found = connection.execute(
        "select data_type from duckdb_columns() where table_name = 'position' and regexp_full_match(column_name, 'm[0-9]+') limit 1"
    ).fetchall()
    return str(found[0][0]) if found else "BIGINT"


@dataclass
class Appending:
    """A ledger file that grows by batches; entities get keys that go on from the last one."""

    connection: duckdb.DuckDBPyConnection
    next_key: int
    #: the type of the month-end columns
    cells: str
    waiting: list[Result] = field(default_factory=list)

    def add(self, result: Result) -> None:
        """A batch more; it is in the file after `finish` at the latest. BalanceTooLargeError: it cannot be."""
        if self.cells == "INTEGER" and pa.types.is_int64(result.positions.schema[-1].type):
            raise BalanceTooLargeError
        base = self.next_key - 1
        tables = {name: _keyed(table, base) for name, table in result.tables.items()}
        self.waiting.append(Result(tables, _keyed(result.positions, base), result.entities))
        self.next_key += result.entities
        if sum(one.positions.num_rows for one in self.waiting) >= ROW_GROUP_ROWS:
            self._write()

    def finish(self) -> int:
        """Write what waits. Returns the next key."""
        self._write()
        return self.next_key

    def _write(self) -> None:
        if not self.waiting:
            return
        for name in TABLES_OF_BATCH:
            self._insert(name, _joined([one.tables[name] for one in self.waiting]))
        entities = _joined([one.tables["entity"] for one in self.waiting])
        self._tell_attributes(_joined([one.positions for one in self.waiting]), entities)
        self.waiting.clear()

    def _insert(self, name: str, rows: pa.Table, beside: str = "") -> None:
        """Insert rows, and with them the columns of a table `beside`. Words come as numbers: DuckDB is quicker to say them."""
        rows = rows.unify_dictionaries()
        chosen = [_said(field.name, rows[field.name]) for field in rows.schema]
        numbered = [_indices(column) for column in rows.columns]
        self.connection.register("result", pa.table(numbered, names=rows.column_names))
        query = f"select {', '.join(chosen)} from result"
        if beside:
            query = f"select {', '.join(chosen)}, {beside}.* exclude (place) from result positional join {beside}"
        self.connection.execute(f"insert into {name} by name {query}")
        self.connection.unregister("result")

    def _tell_attributes(self, positions: pa.Table, entities: pa.Table) -> None:
        """Append positions with what is known of their accounts."""
        # attributes are looked up in a narrow table; the wide one with the months goes past it in the same order
        c = self.connection
        places = pa.table({"place": np.arange(positions.num_rows), "entity_key": positions["entity_key"]})
        numbers = entities.select(["entity_key", "account_id"])
        # these accounts lie together: the others need not be read
        span = pc.min_max(numbers["account_id"]).as_py()
        c.execute("set variable low = ?", [span["min"]])
        c.execute("set variable high = ?", [span["max"]])
        c.register("places", places)
        c.register("numbers", numbers)
        c.execute(
            "create or replace temp table told as "
            f"select place, account.* exclude ({', '.join(ACCOUNT_COLUMNS)}) "
            "from places join numbers using (entity_key) left join ("
            "select * from account where account_id between getvariable('low') and getvariable('high') "
            "and account_id in (select account_id from numbers)) as account "
            "using (account_id) order by place"
        )
        self._insert("position", positions, "told")
        c.unregister("places")
        c.unregister("numbers")


def _keyed(table: pa.Table, base: int) -> pa.Table:
    """The batch's numbers of entities as keys of the ledger."""
    place = table.schema.get_field_index("entity_no")
    keys = pc.add(table["entity_no"].cast(pa.int32()), pa.scalar(base, pa.int32()))
    return table.set_column(place, "entity_key", keys)


def _said(name: str, column: pa.ChunkedArray) -> str:
    """The SQL expression of a column; of one that holds numbers of words, the words."""
    if not pa.types.is_dictionary(column.type) or not len(column):
        return quoted(name)
    kind = WORDS.get(name, "varchar")
    cases = (f"when {n} then {literal(word)}::{kind}" for n, word in enumerate(column.chunk(0).dictionary.to_pylist()))
    return f"case {quoted(name)} {' '.join(cases)} end as {quoted(name)}"


def _indices(column: pa.ChunkedArray) -> pa.ChunkedArray:
    if not pa.types.is_dictionary(column.type):
        return column
    return pa.chunked_array([chunk.indices for chunk in column.chunks], column.type.index_type)


def _joined(tables: Sequence[pa.Table]) -> pa.Table:
    """One table of several; words that are numbered in some and not in others become texts."""
    columns = [{table.schema.field(name).type for table in tables} for name in tables[0].column_names]
    if any(len(kinds) > 1 and any(map(pa.types.is_dictionary, kinds)) for kinds in columns):
        tables = [_in_texts(table) for table in tables]
    return pa.concat_tables(tables, promote_options="permissive")


def _in_texts(table: pa.Table) -> pa.Table:
    kinds = [field.type.value_type if pa.types.is_dictionary(field.type) else field.type for field in table.schema]
    return table.cast(pa.schema(list(zip(table.column_names, kinds, strict=True))))
