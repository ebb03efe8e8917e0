"""The cells of a file under a mapping: read column by column, each different text once, bad rows collected.

A column has far fewer different texts than rows; each is read once and handed back to its rows, so a million
rows cost little more than a thousand. A text that cannot be read makes its row bad and the value missing.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from holdfast.sources.files.amounts import MoneyForm, read_currency, read_decimal, read_int, read_money
from holdfast.sources.files.mapping import Mapping
from holdfast.sources.files.parse import NO_TEXT, NOTHING, BadValueError, read_day, read_flag, read_moment
from holdfast.sources.files.profile import choice, choices_of
from holdfast.sources.files.rejects import Reject

Mask = npt.NDArray[np.bool_]
_BETWEEN = "\x1f"


def mask_of(array: pa.Array) -> Mask:
    """An Arrow boolean array without missing values, as numpy."""
    mask: Mask = array.to_numpy(zero_copy_only=False).astype(bool)
    return mask


class Cells:
    """The rows of one file, read through a mapping. Every reading is one Arrow array as long as the file."""

    def __init__(self, table: pa.Table, rows: npt.NDArray[np.int64], mapping: Mapping) -> None:
        self.table = table
        self.rows = rows
        self.mapping = mapping
        self.zone = ZoneInfo(mapping.timezone)
        self.count = table.num_rows
        self.bad: Mask = np.zeros(self.count, dtype=bool)
        self.rejects: list[Reject] = []
        self.notes: list[str] = []

    # -- bad rows --------------------------------------------------------------------------------------------

    def reject(self, where: Mask, header: str, reason: str, remedy: str) -> None:
        """Make these rows bad, for one reason."""
        if not where.any():
            return
        places = np.flatnonzero(where)
        self.bad[places] = True
        texts = self.table[header].take(pa.array(places)).to_pylist() if header in self.table.column_names else None
        for index, place in enumerate(places):
            value = (texts[index] or "") if texts is not None else ""
            self.rejects.append(Reject(int(self.rows[place]), header, value, reason, remedy))

    def require(self, field: str, values: pa.Array) -> pa.Array:
        """The values; rows where they are missing (and not bad already) are bad."""
        header = self.mapping.columns.get(field, field)
        self.reject(mask_of(values.is_null()) & ~self.bad, header, "is empty", f"give the row its {field}")
        return values

    # -- readings --------------------------------------------------------------------------------------------

    def has(self, field: str) -> bool:
        return field in self.mapping.columns

    def read(
        self, field: str, reader: Callable[[str], Any], kind: pa.DataType, nothing: frozenset[str] = NOTHING
    ) -> pa.Array:
        """The field's column read by `reader`; all missing where the mapping has no such field."""
        header = self.mapping.columns.get(field)
        if header is None:
            return pa.nulls(self.count, kind)
        return self._read_distinct(self.column(header), header, reader, kind, nothing)

    def column(self, header: str) -> pa.Array:
        """A column's texts without spaces around them."""
        return pc.utf8_trim_whitespace(_one_chunk(self.table[header]))

    def _read_distinct(
        self,
        texts: pa.Array,
        header: str,
        reader: Callable[[str], Any],
        kind: pa.DataType,
        nothing: frozenset[str],
    ) -> pa.Array:
        encoded = texts.dictionary_encode()
        values: list[Any] = []
        wrong: dict[int, BadValueError] = {}
        for code, text in enumerate(encoded.dictionary.to_pylist()):
            value = None
            if text.lower() not in nothing:
                try:
                    value = reader(text)
                except BadValueError as error:
                    wrong[code] = error
            values.append(value)
        if wrong:
            codes = encoded.indices.fill_null(-1).to_numpy(zero_copy_only=False)
            for code, bad in wrong.items():
                self.reject(codes == code, header, bad.reason, bad.remedy)
        return pa.array(values, kind).take(encoded.indices)

    def text(self, field: str) -> pa.Array:
        """Text, missing where empty."""
        header = self.mapping.columns.get(field)
        return pa.nulls(self.count, pa.string()) if header is None else self.filled(header)

    def filled(self, header: str) -> pa.Array:
        """A column's texts, missing where they say nothing."""
        texts = self.column(header)
        empty = pc.is_in(pc.utf8_lower(texts), value_set=pa.array(sorted(NO_TEXT)))
        return pc.if_else(empty, pa.scalar(None, pa.string()), texts)

    def day(self, field: str) -> pa.Array:
        """Days in the company's time zone."""
        form = self.mapping.date_format.get(self.mapping.columns.get(field, ""), "iso")
        return self.read(field, lambda text: read_day(text, form, self.zone), pa.date32())

    def moment(self, field: str) -> pa.Array:
        """Moments in UTC, without zone."""
        form = self.mapping.date_format.get(self.mapping.columns.get(field, ""), "iso")

        def read(text: str) -> datetime:
            local = read_moment(text, form, self.zone).replace(tzinfo=self.zone)
            return local.astimezone(UTC).replace(tzinfo=None)

        return self.read(field, read, pa.timestamp("us"))

    def whole(self, field: str) -> pa.Array:
        """Whole numbers."""
        return self.read(field, lambda text: read_int(text, self.mapping.decimal), pa.int64())

    def rate(self, field: str) -> pa.Array:
        """Rates, the one kind of number that is not exact."""
        return self.read(field, lambda text: float(read_decimal(text, self.mapping.decimal)[0]), pa.float64())

    def flag(self, field: str) -> pa.Array:
        return self.read(field, read_flag, pa.bool_())

    def percent_ppm(self, field: str) -> pa.Array:
        """A percentage in parts per million."""

        def read(text: str) -> int:
            value, _ = read_decimal(text.removesuffix("%").strip(), self.mapping.decimal)
            ppm = value * 10_000
            if not 0 <= value <= 100 or ppm != ppm.to_integral_value():
                raise BadValueError("is not a percentage", "write a number from 0 to 100")
            return int(ppm)

        return self.read(field, read, pa.int64())

    def listed(self, field: str) -> pa.Array:
        """One of the field's fixed values, by the mapping's translation first."""
        table = self.mapping.table
        told = self.mapping.values.get(field, {})

        def read(text: str) -> str:
            ours = told.get(text) or choice(table, field, text)
            if ours not in choices_of(table, field):
                raise BadValueError(
                    f"is not one of {', '.join(choices_of(table, field))}",
                    f"correct it, or translate it under [values.{field}] in the mapping",
                )
            return ours

        return self.read(field, read, pa.string())

    def currency(self) -> pa.Array:
        """The currency each row names in its own column; missing where it names none."""
        return self.read("currency", read_currency, pa.string())

    def money(self, field: str) -> tuple[pa.Array, pa.Array]:
        """Amounts in minor units and their currencies, from the amount, its sign, the row and the mapping."""
        form = MoneyForm(
            self.mapping.decimal,
            self.mapping.amount_in == "minor",
            self.mapping.rounding == "half_even",
            self.mapping.currency,
        )
        header = self.mapping.columns.get(field)
        told = self.currency() if self.has("currency") else None
        home = pa.scalar(self.mapping.currency)
        if header is None:
            missing = pa.nulls(self.count, pa.int64())
            return missing, (pa.repeat(home, self.count) if told is None else told.fill_null(home))
        amounts = self.column(header)
        pairs = (
            amounts
            if told is None
            else pc.binary_join_element_wise(
                amounts, told.fill_null(""), pa.scalar(_BETWEEN), null_handling="emit_null"
            )
        )
        both = pa.struct([("minor", pa.int64()), ("currency", pa.string())])

        def read(pair: str) -> dict[str, Any] | None:
            text, _, code = pair.partition(_BETWEEN)
            if text.lower() in NOTHING:
                return None
            minor, currency = read_money(text, code or None, form)
            return {"minor": minor, "currency": currency}

        values = self._read_distinct(pairs, header, read, both, NOTHING)
        currencies = pc.struct_field(values, "currency")
        if told is not None:
            currencies = pc.coalesce(currencies, told)
        return pc.struct_field(values, "minor"), currencies.fill_null(home)


def _one_chunk(column: pa.ChunkedArray) -> pa.Array:
    joined = column.combine_chunks()
    return joined if isinstance(joined, pa.Array) else pa.concat_arrays(joined.chunks)


def days_from(values: npt.NDArray[Any]) -> pa.Array:
    """Numpy days as an Arrow date column; NaT is missing."""
    return pa.array(values.astype("datetime64[D]"), pa.date32())


def as_days(values: pa.Array) -> npt.NDArray[Any]:
    """An Arrow date column as numpy days; missing is NaT."""
    days: npt.NDArray[Any] = values.to_numpy(zero_copy_only=False).astype("datetime64[D]")
    return days
