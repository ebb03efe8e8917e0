"""The mapping: guessed, stated with its reasons, kept, edited, given back."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from holdfast.sources.files.mapping import Mapping, MappingError, from_toml, to_toml
from holdfast.sources.files.profile import month_of
from holdfast.sources.files.vocabulary import plain_name

from .conftest import Company

AMBIGUOUS = """
    subscription_id,account_id,start_date,mrr
    s1,acme,03/04/2024,100
    s2,acme,05/06/2024,100
"""


def test_the_mapping_states_how_everything_is_read_and_why(company: Company) -> None:
    text = company.mapping_of(company.load_text("subs.csv", AMBIGUOUS, currency="EUR"))
    for line in (
        'table = "subscription_item"',
        'unit_amount_minor = "mrr"',
        'amount_is = "monthly_total"',
        'amount_in = "major"',
        'currency = "EUR"',
        'end_is = "exclusive"',
        "replaces_item = true",
        'start_date = "dmy" # PLEASE CHECK: the values leave it open; day first is assumed',
    ):
        assert line in text


def test_what_the_values_leave_open_is_said_in_the_report(company: Company) -> None:
    report = company.load_text("subs.csv", AMBIGUOUS, currency="EUR")
    assert "start_date: PLEASE CHECK: the values leave it open; day first is assumed" in report.notes


def test_with_dollars_an_open_date_is_month_first(company: Company) -> None:
    assert 'start_date = "mdy"' in company.mapping_of(company.load_text("subs.csv", AMBIGUOUS, currency="USD"))


def test_an_open_date_follows_the_files_other_dates(company: Company) -> None:
    report = company.load_text(
        "subs.csv",
        """
        subscription_id,account_id,start_date,end_date,mrr
        s1,acme,03/04/2024,25/12/2024,100
    """,
    )
    assert 'start_date = "dmy"' in company.mapping_of(report)


def test_an_edited_mapping_given_back_holds(company: Company) -> None:
    first = company.load_text("subs.csv", AMBIGUOUS, currency="EUR")
    edited = company.mapping_of(first).replace('"dmy"', '"mdy"').replace('"major"', '"minor"')
    mapping = company.file("mine.toml", edited)
    again = company.load_text("subs.csv", AMBIGUOUS, mapping=mapping)
    assert again.rows_loaded == 2  # read otherwise, the same file tells something else
    assert company.rows("subscription_item", "strftime(valid_from, '%Y-%m-%d'), unit_amount_minor")[2:] == [
        ("2024-03-04", 100),
        ("2024-05-06", 100),
    ]


def test_a_kept_mapping_holds_for_the_next_file_of_that_name_and_those_columns(company: Company) -> None:
    company.load_text("subs.csv", AMBIGUOUS, currency="EUR")
    [kept] = (company.home / "mappings").iterdir()
    kept.write_text(kept.read_text().replace('end_is = "exclusive"', 'end_is = "inclusive"'))
    next_file = company.load_text("subs.csv", AMBIGUOUS.replace("100", "110"), currency="USD")
    assert next_file.used is not None and next_file.used.end_is == "inclusive"
    assert next_file.used.currency == "EUR"
    company.load_text("subs.csv", "customer,month,mrr\nacme,2024-01,5")
    assert len(list((company.home / "mappings").iterdir())) == 2  # other columns, another mapping


def test_one_mapping_holds_for_the_files_that_have_its_columns(company: Company) -> None:
    mapping = company.file(
        "mine.toml",
        """
        table = "subscription_item"
        shape = "rows"
        amount_is = "yearly_total"
        [columns]
        account_id = "Wer"
        valid_from = "Ab"
        unit_amount_minor = "Wieviel"
        [date_format]
        Ab = "dmy"
    """,
    )
    company.file("a.csv", "Wer,Ab,Wieviel\nacme,01/02/2024,1200")
    company.file("b.csv", "account_id,name\nacme,Acme")
    (company.folder / "mine.toml").rename(company.home.parent / "mine.toml")
    report = company.load(company.folder, mapping=company.home.parent / "mine.toml")
    assert mapping.name == "mine.toml"
    assert [(file.file, file.table) for file in report.files] == [
        ("a.csv", "subscription_item"),
        ("b.csv", "account"),
    ]
    assert company.rows("subscription_item", "account_id, interval, unit_amount_minor") == [("acme", "year", 120000)]


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("table = ", "not TOML"),
        ('table = "subscriptions"\n[columns]', "table 'subscriptions' is not one of account"),
        ('table = "account"', r"section \[columns\] is missing"),
        ('table = "account"\ncolour = 1\n[columns]', "there is no setting 'colour'"),
        (
            'table = "account"\n[columns]\nname = "x"',
            r"account needs a column for account_id under \[columns\]",
        ),
        ('table = "account"\n[columns]\nshoe = "x"', "account has no field 'shoe'"),
        ('table = "account"\ndecimal = ";"\n[columns]\naccount_id = "x"', "decimal = ';'; it is one of"),
        (
            'table = "account"\ncurrency = "XXQ"\n[columns]\naccount_id = "x"',
            "currency 'XXQ' is not a currency",
        ),
        ('table = "account"\ntimezone = "Mars"\n[columns]\naccount_id = "x"', "timezone 'Mars' is not known"),
        (
            'table = "account"\n[columns]\naccount_id = "x"\n[date_format]\nx = "ymd"',
            "date_format of 'x' is one of iso",
        ),
        ('table = "account"\ncorrects = "no"\n[columns]\naccount_id = "x"', "corrects is true or false"),
    ],
)
def test_a_mapping_that_cannot_be_used_is_refused_with_what_is_wrong(text: str, complaint: str) -> None:
    with pytest.raises(MappingError, match=complaint):
        from_toml(text, "mine.toml")


def test_a_mapping_that_fits_no_file_is_a_usage_error(company: Company) -> None:
    mapping = company.file("mine.toml", 'table = "account"\n[columns]\naccount_id = "Nummer"')
    report = company.load(company.file("a.csv", "x,y\n1,2"), mapping=mapping)
    assert report.exit_code == 2
    assert "Nummer" in report.problem


def test_a_date_column_that_was_empty_before_is_settled_when_it_is_filled(company: Company) -> None:
    company.load_text("subs.csv", "subscription_id,account_id,start_date,end_date,mrr\ns1,a,2024-01-31,,100")
    later = company.load_text(
        "subs.csv", "subscription_id,account_id,start_date,end_date,mrr\ns1,a,2024-01-31,25/12/2024,100"
    )
    assert (later.rows_loaded, later.rows_rejected) == (1, 0)


def test_a_row_is_no_whole_history_where_its_item_has_several_whatever_a_mapping_says(
    company: Company,
) -> None:
    """The mapping is kept from a file in which each subscription had one row."""
    header = "subscription_id,account_id,start_date,end_date,mrr"
    company.load_text("subs.csv", f"{header}\ns1,a,2024-01-01,2024-02-01,100\ns2,b,2024-01-01,2024-02-01,100")
    company.load_text("subs.csv", f"{header}\ns1,a,2024-02-01,2024-03-01,100\ns1,a,2024-03-01,2024-04-01,120")
    assert company.rows("subscription_item", "item_id, replaces_item") == [
        ("s1", True),
        ("s2", True),
        ("s1", False),
        ("s1", False),
    ]


NAMES = st.text(st.characters(codec="utf-8", exclude_categories=["Cs", "Cc"]), min_size=1, max_size=12)


@given(
    st.fixed_dictionaries(
        {"account_id": NAMES, "valid_from": NAMES, "unit_amount_minor": NAMES}, optional={"plan_id": NAMES}
    ),
    st.dictionaries(NAMES, st.sampled_from(["iso", "dmy", "mdy"])),
    st.sampled_from([".", ","]),
    st.booleans(),
    st.dictionaries(st.just("status"), st.dictionaries(NAMES, st.just("active"), min_size=1)),
)
def test_every_mapping_is_read_back_as_it_was_written(
    columns: dict[str, str],
    dates: dict[str, str],
    decimal: str,
    replaces: bool,
    values: dict[str, dict[str, str]],
) -> None:
    mapping = Mapping(
        "subscription_item",
        columns,
        date_format=dates,
        decimal=decimal,  # type: ignore[arg-type]
        replaces_item=replaces,
        values=values,
        reasons={"table": "of\nlines"},
        unused=("a\nb",),
    )
    assert from_toml(to_toml(mapping, "x.csv"), "x").key() == mapping.key()


def test_names_are_compared_in_plain_form() -> None:
    assert [plain_name(name) for name in ("customerID", "Start Date", "MRR (USD)", " plan-tier ")] == [
        "customer_id",
        "start_date",
        "mrr_usd",
        "plan_tier",
    ]
    assert [month_of(name) for name in ("2024-01", "Jan 2024", "mrr_2024_01", "01/2024", "Jan-24", "2024M03")] == [
        "2024-01-01"
    ] * 5 + ["2024-03-01"]
    assert [month_of(name) for name in ("amount", "id_202401x", "2024", "phase 2", "Q1 2024")] == [None] * 5
