"""Loading again: the same file changes nothing; a corrected file adds a new state and keeps the old."""

# ruff: noqa: DTZ001 - days and landed times have no zone

from __future__ import annotations

from datetime import date, datetime

from .conftest import Company

V1 = """
    subscription_id,account_id,start_date,end_date,mrr
    s1,acme,2024-01-01,,100
    s2,beta,2024-01-01,,200
"""


def test_the_same_file_again_changes_nothing(company: Company) -> None:
    first = company.load_text("subs.csv", V1)
    again = company.load_text("subs.csv", V1)
    assert (first.rows_loaded, again.rows_loaded, again.seen_before) == (2, 0, True)
    assert company.landing.last_load_no() == 1


def test_a_folder_around_our_own_home_is_read_without_it(company: Company) -> None:
    company.file("subs.csv", V1)
    assert company.load(company.home.parent).rows_loaded == 2
    assert [file.file for file in company.load(company.home.parent).files] == ["subs.csv"]


def test_the_same_rows_in_another_file_change_nothing_either(company: Company) -> None:
    company.load_text("subs.csv", V1)
    other = company.load_text(
        "subs.tsv",
        """
        customer\tsubscription\tmonthly amount\tstart
        beta\ts2\t200.00\t01/01/2024
        acme\ts1\t100.00\t01/01/2024
    """,
    )
    assert (other.rows_loaded, other.rows_unchanged) == (0, 2)
    assert company.landing.last_load_no() == 1


def test_a_corrected_file_adds_what_changed_and_keeps_what_was(company: Company) -> None:
    company.load_text("subs.csv", V1)
    corrected = company.load_text("subs.csv", V1.replace("200", "250"))
    assert (corrected.rows_loaded, corrected.rows_unchanged) == (1, 1)
    assert company.rows("subscription_item", "item_id, unit_amount_minor, learned_at") == [
        ("s1", 10000, datetime(2025, 3, 1, 12)),
        ("s2", 20000, datetime(2025, 3, 1, 12)),
        ("s2", 25000, datetime(2025, 3, 2, 12)),
    ]


def test_a_correction_taken_back_is_a_new_state_again(company: Company) -> None:
    company.load_text("subs.csv", V1)
    company.load_text("subs.csv", V1.replace("200", "250"))
    back = company.load_text("subs.csv", V1)
    assert back.rows_loaded == 1
    assert [row[1] for row in company.rows("subscription_item", "item_id, unit_amount_minor")] == [
        10000,
        20000,
        25000,
        20000,
    ]


def test_a_start_date_moved_and_moved_back_is_landed_each_time(company: Company) -> None:
    """The row of s2 from January is not what holds once a whole history from February was told."""
    company.load_text("a.csv", V1)
    company.load_text("b.csv", V1.replace("s2,beta,2024-01-01", "s2,beta,2024-02-01"))
    back = company.load_text("c.csv", V1)
    assert back.rows_loaded == 1
    assert company.rows("subscription_item", "valid_from, replaces_item")[1:] == [
        (date(2024, 1, 1), True),
        (date(2024, 2, 1), True),
        (date(2024, 1, 1), True),
    ]


def test_a_whole_history_is_told_again_where_single_states_came_after_it(company: Company) -> None:
    company.load_text("a.csv", V1)
    company.load_text(
        "states.csv",
        """
        subscription_id,account_id,start_date,end_date,mrr
        s1,acme,2024-06-01,,150
        s1,acme,2024-07-01,,170
    """,
    )
    assert company.load_text("c.csv", V1).rows_loaded == 1  # s1 ends with the states; s2 is as it was


def test_a_row_told_twice_in_a_file_holds_as_its_last(company: Company) -> None:
    company.load_text("mrr.csv", "customer,plan,month,mrr\nacme,pro,2024-01,100\nacme,pro,2024-02,100")
    same = company.load_text("mrr2.csv", "customer,plan,month,mrr\nacme,pro,2024-01,100\nacme,pro,2024-02,110")
    assert same.rows_loaded == 1


def test_the_first_state_of_an_account_holds_since_ever_and_a_later_one_from_the_day_we_learned_it(
    company: Company,
) -> None:
    company.load_text("accounts.csv", "account_id,name,industry\na,Acme,Toys\nb,Beta,Food")
    later = company.load_text("accounts.csv", "account_id,name,industry\na,Acme,Games\nb,Beta,Food")
    assert (later.rows_loaded, later.rows_unchanged) == (1, 1)
    assert company.rows("account", "account_id, attributes['industry'], valid_from") == [
        ("a", "Toys", None),
        ("b", "Food", None),
        ("a", "Games", date(2025, 3, 2)),
    ]


def test_a_second_file_about_accounts_keeps_what_the_first_one_told(company: Company) -> None:
    company.file("accounts.csv", "account_id,name,industry\na,Acme,Toys")
    company.file("customers.csv", "account_id,region\na,North")
    company.load(company.folder, timezone="Pacific/Auckland")  # where it is tomorrow already
    *_, (name, attributes, valid_from) = company.rows("account", "name, attributes, valid_from")
    assert (name, dict(attributes), valid_from) == ("Acme", {"industry": "Toys", "region": "North"}, None)


def test_an_attribute_emptied_in_its_file_is_gone(company: Company) -> None:
    company.load_text("accounts.csv", "account_id,name,industry,region\na,Acme,Toys,North")
    company.load_text("accounts.csv", "account_id,name,industry,region\na,Acme,,North")
    *_, (attributes,) = company.rows("account", "attributes")
    assert dict(attributes) == {"region": "North"}


def test_a_mapping_that_corrects_changes_what_an_account_always_was(company: Company) -> None:
    first = company.load_text("accounts.csv", "account_id,name,industry\na,Acme,Toys")
    mapping = company.file("mine.toml", company.mapping_of(first).replace("corrects = false", "corrects = true"))
    company.load_text("accounts.csv", "account_id,name,industry\na,Acme,Games", mapping=mapping)
    assert company.rows("account", "attributes['industry'], valid_from") == [("Toys", None), ("Games", None)]


def test_usage_counted_again_replaces_the_count(company: Company) -> None:
    company.load_text("usage.csv", "account_id,day,feature,events\na,2024-01-01,x,3\na,2024-01-02,x,4")
    more = company.load_text("usage.csv", "account_id,day,feature,events\na,2024-01-01,x,5\na,2024-01-02,x,4")
    assert more.rows_loaded == 1
