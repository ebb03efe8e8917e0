"""From an emulator to facts in memory, where a test is about one look: listed over real HTTP, and nothing landed."""

from __future__ import annotations

from datetime import date, datetime

from hypothesis import strategies as st

from holdfast.domain.facts import TABLES
from holdfast.sources.access import Access
from holdfast.sources.source import Facts, Object, Source, Span, State, Told


def facts_of(source: Source, access: Access, now: datetime, timezone: str = "UTC", currency: str = "USD") -> Facts:
    """What all groups say of what is listed now."""
    groups: dict[str, dict[str, dict[str, list[State]]]] = {}
    shared: dict[str, dict[str, Object]] = {}
    for stream in source.streams:
        for page in stream.read(access, Span()):
            for obj in page:
                key = stream.key(obj)
                if stream.is_shared:
                    shared.setdefault(stream.name, {})[key] = obj
                elif stream.group(obj):
                    state = State(obj, stream.changed(obj), now, stream.is_deleted(obj))
                    groups.setdefault(stream.group(obj), {}).setdefault(stream.name, {})[key] = [state]
    whole = Facts()
    for group, objects in sorted(groups.items()):
        found = source.facts(Told(group, objects, shared, timezone, currency, access.settings, now))
        for table, rows in found.rows.items():
            whole.rows.setdefault(table, []).extend(rows)
        whole.parties += found.parties
        whole.bad += found.bad
    return whole


#: what may stand in a field, right or not
JUNK = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=12), st.just([]), st.just({"a": 1}),
    st.sampled_from(
        ["2026-01-01", "2026-01-01T10:00:00Z", "0001-01-01T00:00:00Z", "9999-12-31T23:59:59Z", "99999999999999999", "NaN", "1e999", "²", "12.5"]
    ),
)  # fmt: skip


def assert_fits(found: Facts) -> None:
    """Rows have the columns of their tables, and their keys."""
    for table, rows in found.rows.items():
        for row in rows:
            assert set(row) <= set(TABLES[table].names), (table, set(row) - set(TABLES[table].names))
            for column in TABLES[table].columns:
                value = row.get(column.name)
                assert value is not None or not column.required, (table, column.name)
                assert value is None or not column.choices or value in column.choices, (table, column.name, value)
                kinds = {"text": str, "money": int, "int": int, "time": datetime, "date": date, "flag": bool}
                assert value is None or isinstance(value, kinds[column.kind]), (table, column.name, value)
