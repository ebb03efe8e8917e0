"""The table of accounts: filters, order, pages, choices, search and export, and what a reader may not see."""

from __future__ import annotations

from dataclasses import replace

import pytest

from holdfast.flows.book import open_records
from holdfast.flows.home import Home
from holdfast.metrics import accounts
from holdfast.metrics.accounts import NO_OVERRIDES, NOBODY, Owners, Query, UnknownColumnError
from holdfast.warehouse.records import Records

ALICE = frozenset({"Alice"})
CHARLIE = frozenset({"Charlie"})
#: what readers write where no value belongs
ATTEMPTS = (
    "mrr_minor; drop table summary", "mrr_minor desc, (select 1)", '"', "name\" desc --", "search_text", "seg_nothing", "rowid", "",
)  # fmt: skip


def ids(records: Records, query: Query, owners: Owners = NO_OVERRIDES) -> list[str]:
    return [row.account_id for row in accounts.page(records, query, owners).rows]


@pytest.mark.parametrize(
    ("query", "found"),
    [
        (Query(), ["acme", "bolt", "cora", "dune", "echo"]),
        (Query(text="zurich"), ["acme"]),
        (Query(text="ZÜR acm"), ["acme"]),
        (Query(text="bolt.EXAMPLE"), ["bolt"]),
        (Query(text="acme nothing"), []),
        (Query(text="%"), []),
        (Query(owners=("Alice",)), ["acme", "dune"]),
        (Query(owners=(NOBODY, "Bob")), ["bolt", "cora", "echo"]),
        (Query(statuses=("customer",)), ["acme", "bolt", "cora"]),
        (Query(segments=(("industry", ("Retail",)),)), ["acme", "bolt"]),
        (Query(segments=(("industry", (None, "Health")),)), ["cora", "dune", "echo"]),
        (Query(segments=(("industry", ("Retail",)), ("plan", ("Team",)))), ["acme"]),
        (Query(renews_within=20), ["acme"]),
        (Query(renews_within=19), []),
        (Query(renews_within=365), ["acme", "bolt"]),
        (Query(mrr_from=2_000, mrr_to=10_000), ["bolt", "cora"]),
        (Query(changed=("expansion",)), ["acme"]),
        (Query(changed=("contraction", "churn")), ["cora", "dune"]),
        (Query(changed=("new",)), []),
        (Query(sort="name", descending=False), ["acme", "bolt", "cora", "dune", "echo"]),
        (Query(sort="seg_plan", descending=False), ["bolt", "acme", "cora", "dune", "echo"]),
        (Query(sort="renewal_on", descending=True), ["bolt", "acme", "cora", "dune", "echo"]),
    ],
)
def test_filters_and_order(records: Records, query: Query, found: list[str]) -> None:
    assert ids(records, query) == found


def test_totals_are_of_all_that_fit(records: Records) -> None:
    page = accounts.page(records, Query(statuses=("customer",)), limit=1, offset=1)
    assert [row.account_id for row in page.rows] == ["bolt"]
    assert (page.total, page.total_mrr_minor, page.currency) == (3, 32_500, "USD")


def test_a_hand_over_in_the_desk_goes_before_the_facts(records: Records) -> None:
    owners = Owners({"acme": "Bob", "cora": "Charlie", "dune": None, "bolt": ""})
    assert ids(records, Query(owners=("Bob",)), owners) == ["acme", "echo"]
    assert ids(records, Query(owners=(NOBODY,)), owners) == ["bolt", "dune"]
    assert ids(records, Query(owner_in=CHARLIE), owners) == ["cora"]
    told = accounts.row(records, "acme", owners)
    assert told is not None
    assert told.owner == "Bob"
    assert ids(records, Query(owners=("Alice",))) == ["acme", "dune"], "without them the facts hold again"
    assert ids(records, Query(owners=("Alice",)), Owners({"echo": "Alice"})) == ["acme", "dune", "echo"]


def test_the_accounts_of_others_are_nowhere(records: Records) -> None:
    page = accounts.page(records, Query(owner_in=ALICE))
    assert [row.account_id for row in page.rows] == ["acme", "dune"]
    assert (page.total, page.total_mrr_minor) == (2, 20_500)
    assert ids(records, Query(owner_in=ALICE, owners=("Bob",))) == []
    assert [(c.value, c.accounts) for c in accounts.choices(records, "owner", owner_in=ALICE)] == [("Alice", 2)]
    assert {c.value for c in accounts.choices(records, "industry", owner_in=ALICE)} == {"Retail", None}
    assert accounts.names(records, ["acme", "bolt"], owner_in=ALICE) == {"acme": "Acme Zürich"}
    assert accounts.search(records, "bolt", owner_in=ALICE) == []
    assert accounts.row(records, "bolt", owner_in=ALICE) is None
    exported = [line[0] for batch in accounts.export(records, Query(owner_in=ALICE)) for line in batch]
    assert sorted(exported) == ["acme", "dune"]


@pytest.mark.parametrize("nobody", [CHARLIE, frozenset(), frozenset({NOBODY})])
def test_who_carries_nothing_sees_nothing(records: Records, nobody: frozenset[str]) -> None:
    assert accounts.page(records, Query(owner_in=nobody)) == accounts.Page([], 0, 0, "USD")
    assert accounts.choices(records, "owner", owner_in=nobody) == []
    assert accounts.names(records, ["acme", "cora"], owner_in=nobody) == {}
    assert accounts.search(records, "o", owner_in=nobody) == []
    assert list(accounts.export(records, Query(owner_in=nobody))) == []
    assert [accounts.row(records, name, owner_in=nobody) for name in ("acme", "cora")] == [None, None]


def test_choices_count_accounts(records: Records) -> None:
    assert [(c.value, c.accounts) for c in accounts.choices(records, "plan")] == [
        ("Team", 3),
        ("Business", 1),
        (None, 1),
    ]
    assert [c.value for c in accounts.choices(records, "status")] == ["customer", "churned", "prospect"]


def test_search_puts_names_that_begin_so_first(records: Records) -> None:
    assert [found.account_id for found in accounts.search(records, "o")] == ["bolt", "cora", "echo"]
    assert accounts.search(records, "CO")[0].account_id == "cora"
    assert [found.name for found in accounts.search(records, "zür")] == ["Acme Zürich"]
    assert accounts.search(records, "  ") == []
    assert len(accounts.search(records, "example", limit=2)) == 2


def test_names_of_many(records: Records) -> None:
    assert accounts.names(records, ["bolt", "nobody", "acme"]) == {"acme": "Acme Zürich", "bolt": "Bolt"}
    assert accounts.names(records, []) == {}


@pytest.mark.parametrize("attempt", ATTEMPTS)
def test_columns_are_looked_up_in_a_list(records: Records, attempt: str) -> None:
    with pytest.raises(UnknownColumnError):
        accounts.page(records, Query(sort=attempt))
    with pytest.raises(UnknownColumnError):
        list(accounts.export(records, Query(sort=attempt)))
    with pytest.raises(UnknownColumnError):
        accounts.choices(records, attempt)
    with pytest.raises(UnknownColumnError):
        accounts.page(records, Query(segments=((attempt, ("x",)),)))


@pytest.mark.parametrize("text", ["'; drop table summary; --", "' or '1'='1", "\\", "\x00", "🦊", "x" * 10_000])
def test_values_are_values(records: Records, text: str) -> None:
    for query in (
        Query(text=text), Query(owners=(text,)), Query(statuses=(text,)), Query(segments=(("plan", (text,)),)),
        Query(changed=(text,)), Query(owner_in=frozenset({text})),
    ):  # fmt: skip
        assert accounts.page(records, query).total == 0
    assert accounts.search(records, text) == []
    assert accounts.row(records, text) is None
    assert accounts.names(records, [text]) == {}
    assert accounts.page(records, Query(), Owners({text: text})).total == 5


@pytest.mark.slow
@pytest.mark.parametrize("descending", [True, False])
@pytest.mark.parametrize("deep", [2000, 10])
def test_every_account_comes_once_over_the_pages(
    tidewater: Home, monkeypatch: pytest.MonkeyPatch, descending: bool, deep: int
) -> None:
    monkeypatch.setattr(accounts, "DEEP", deep)
    with open_records(tidewater) as records:
        total = accounts.page(records, Query()).total
        owners = Owners({"ac0000003": "Zoe"})
        for column in accounts.columns(records):
            query = Query(sort=column, descending=descending)
            seen = [
                row.account_id
                for offset in range(0, total, 23)
                for row in accounts.page(records, query, owners, limit=23, offset=offset).rows
            ]
            assert len(seen) == len(set(seen)) == total, column
            exported = [line[0] for batch in accounts.export(records, query, owners, batch=17) for line in batch]
            assert exported == seen, column


def test_an_export_and_a_page_say_the_same(records: Records) -> None:
    query = Query(text="example")
    rows = accounts.page(records, query).rows
    lines = [line for batch in accounts.export(records, query, batch=2) for line in batch]
    names = accounts.columns(records)
    for row, line in zip(rows, lines, strict=True):
        told = dict(zip(names, line, strict=True))
        assert all(told[name] == getattr(row, name) for name in accounts.FIXED)
        assert {f"seg_{name}": value for name, value in row.segments.items()}.items() <= told.items()


def test_an_export_that_is_left_half_way_disturbs_nobody(records: Records) -> None:
    begun = accounts.export(records, replace(Query(), sort="name"), batch=2)
    next(begun)
    assert accounts.page(records, Query()).total == 5
    assert len(next(begun)) == 2
