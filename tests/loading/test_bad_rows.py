"""Bad rows: told with file, row, column, value, reason and remedy; kept to be corrected; never in the way."""

from __future__ import annotations

import csv
from datetime import date

from holdfast.flows.load import describe

from .conftest import Company

SUBSCRIPTIONS = """
    subscription_id,account_id,start_date,end_date,mrr,note
    s1,acme,2024-01-01,,100,fine
    s2,acme,2024-02-30,,100,no such day
    s3,,2024-01-01,,100,no account
    s4,acme,2024-05-01,2024-04-01,100,backwards
    s5,acme,2024-01-01,,ten,no number
    s6,acme,2024-01-01,,-5,negative
    s7,acme,2024-01-01,,0.125,too exact
    s8,acme,2024-01-01
    s9,acme,2024-01-01,,90,fine
"""


def test_good_rows_load_and_each_bad_row_is_told(company: Company) -> None:
    report = company.load(company.file("subs.csv", SUBSCRIPTIONS))
    [file] = report.files
    assert [item for (item,) in company.rows("subscription_item", "item_id")] == ["s1", "s9"]
    assert [(r.row, r.column, r.value) for r in file.rejects] == [
        (2, "start_date", "2024-02-30"),
        (3, "account_id", ""),
        (4, "end_date", "2024-04-01"),
        (5, "mrr", "ten"),
        (6, "mrr", "-5"),
        (7, "mrr", "0.125"),
        (8, "", "s8,acme,2024-01-01"),
    ]
    assert all(reject.reason and reject.remedy for reject in file.rejects)
    assert (file.rows_read, file.rows_loaded, file.rows_rejected) == (9, 2, 7)
    assert report.exit_code == 1


def test_the_report_is_a_sentence_per_row(company: Company) -> None:
    lines = describe(company.load(company.file("subs.csv", SUBSCRIPTIONS)))
    assert "  subs.csv, row 2, column start_date: '2024-02-30' is not a day that exists; correct the date" in lines
    assert "  subs.csv, row 3, column account_id: is empty; give the row its account_id" in lines


def test_bad_rows_are_kept_with_their_columns_and_what_is_wrong(company: Company) -> None:
    [file] = company.load(company.file("subs.csv", SUBSCRIPTIONS)).files
    assert file.rejected_file == company.home / "rejected/subs.20250301T120000Z.csv"
    with file.rejected_file.open(newline="") as kept:
        rows = list(csv.DictReader(kept))
    assert [row["subscription_id"] for row in rows] == ["s2", "s3", "s4", "s5", "s6", "s7", "s8"]
    assert list(rows[0]) == [
        "subscription_id",
        "account_id",
        "start_date",
        "end_date",
        "mrr",
        "note",
        "_row",
        "_column",
        "_reason",
        "_remedy",
    ]
    assert (rows[2]["_row"], rows[2]["_column"], rows[2]["_reason"]) == (
        "4",
        "end_date",
        "is before start_date",
    )


def test_the_kept_rows_corrected_are_loaded_as_rows_of_the_first_file(company: Company) -> None:
    [file] = company.load(company.file("subs.csv", SUBSCRIPTIONS)).files
    assert file.rejected_file is not None
    with file.rejected_file.open(newline="") as kept:
        [s2, *_] = list(csv.DictReader(kept))
    s2["start_date"] = "2024-02-29"
    with file.rejected_file.open("w", newline="") as kept:
        writer = csv.DictWriter(kept, list(s2))
        writer.writeheader()
        writer.writerow(s2)
    [again] = company.load(file.rejected_file).files
    assert again.mapping == file.mapping  # read as the file they came from
    assert (again.rows_loaded, again.rows_rejected) == (1, 0)
    assert company.rows("subscription_item", "item_id, valid_from")[-1] == ("s2", date(2024, 2, 29))


def test_a_file_with_bad_rows_is_told_again_and_changes_nothing(company: Company) -> None:
    path = company.file("subs.csv", SUBSCRIPTIONS)
    company.load(path)
    again = company.load(path)
    assert (again.rows_loaded, again.rows_rejected, again.exit_code) == (0, 7, 1)
    assert company.landing.last_load_no() == 1


def test_when_no_row_is_good_nothing_is_loaded(company: Company) -> None:
    report = company.load(company.file("subs.csv", "subscription_id,account_id,start_date,mrr\ns1,a,2024-01-01,-1"))
    assert report.exit_code == 2
    assert company.landing.loads() == []


def test_several_wrongs_of_one_row_are_all_told_and_the_row_is_counted_once(company: Company) -> None:
    file = company.load_text(
        "subs.csv",
        """
        subscription_id,account_id,start_date,mrr
        s1,acme,2024-01-01,100
        s2,acme,2024-01-01,100
        s3,acme,2024-01-01,100
        s4,acme,2024-01-01,100
        s5,acme,2024-99-01,x
    """,
    )
    assert file.rows_rejected == 1
    assert [r.column for r in file.rejects] == ["start_date", "mrr"]
    assert file.rejected_file is not None
    [row] = list(csv.DictReader(file.rejected_file.open(newline="")))
    assert row["_column"] == "start_date; mrr"


def test_an_amount_whose_currency_contradicts_its_row_is_bad(company: Company) -> None:
    file = company.load_text(
        "subs.csv",
        """
        subscription_id,account_id,start_date,mrr,currency
        s1,acme,2024-01-01,€100,EUR
        s2,acme,2024-01-01,€100,USD
    """,
    )
    assert [(r.row, r.reason) for r in file.rejects] == [(2, "is in EUR, but the row's currency is USD")]


def test_rejected_rows_of_files_with_one_name_are_kept_apart(company: Company) -> None:
    for folder in ("north", "south"):
        company.file(f"{folder}/subs.csv", SUBSCRIPTIONS.replace("acme", folder))
    report = company.load(company.folder)
    kept = [file.rejected_file for file in report.files]
    assert len(set(kept)) == 2
    assert all(file is not None and file.is_file() for file in kept)
