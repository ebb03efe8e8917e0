"""Files as programs and people write them: delimiters, encodings, JSON, Parquet, Excel."""

# ruff: noqa: DTZ001 - days and landed times have no zone

from __future__ import annotations

import json
from datetime import date, datetime
from pathlib import Path

import openpyxl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from holdfast.sources.files.read import UnreadableFileError, data_files, read_file
from holdfast.sources.files.sniff import sniff_delimiter, to_utf8

from .conftest import Company

HEADER = "subscription_id,customer,start_date,mrr"
WANTED = [("s1", "Müller & Söhne", date(2024, 1, 1), 10000), ("s2", "Østlund", date(2024, 2, 1), 12050)]
COLUMNS = "item_id, account_id, valid_from, unit_amount_minor"
TEXT = f"{HEADER}\ns1,Müller & Söhne,2024-01-01,100\ns2,Østlund,2024-02-01,120.50\n"


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "cp1252", "latin-1"])
def test_every_usual_encoding(company: Company, encoding: str) -> None:
    company.load_text("subs.csv", TEXT.encode(encoding))
    assert company.rows("subscription_item", COLUMNS) == WANTED


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
@pytest.mark.parametrize("newline", ["\n", "\r\n"])
def test_every_usual_delimiter(company: Company, delimiter: str, newline: str) -> None:
    company.load_text("subs.csv", TEXT.replace(",", delimiter).replace("\n", newline).encode())
    assert company.rows("subscription_item", COLUMNS) == WANTED


def test_a_european_export_with_semicolons_and_decimal_commas(company: Company) -> None:
    report = company.load_text(
        "abos.csv",
        """
        Subscription ID;Customer;Start Date;End Date;Monthly Amount
        s1;Müller;31.01.2024;31.12.2024;1.234,50 €
        s2;Østlund;01.02.2024;;99,00 €
    """,
    )
    assert company.rows("subscription_item", "item_id, valid_from, valid_to, unit_amount_minor, currency") == [
        ("s1", date(2024, 1, 31), date(2024, 12, 31), 123450, "EUR"),
        ("s2", date(2024, 2, 1), None, 9900, "EUR"),
    ]
    mapping = company.mapping_of(report)
    assert 'decimal = ","' in mapping
    assert '"Start Date" = "dmy"' in mapping


def test_quoted_cells_may_hold_delimiters_quotes_and_line_breaks(company: Company) -> None:
    company.load_text(
        "subs.csv",
        (f'{HEADER}\ns1,"Müller, ""the"" Miller",2024-01-01,100\ns2,"two\nlines",2024-02-01,100\n').encode(),
    )
    assert company.rows("subscription_item", "account_id, source_row") == [
        ('Müller, "the" Miller', 1),
        ("two\nlines", 2),
    ]


def test_the_line_that_tells_excel_the_delimiter_is_heeded(company: Company) -> None:
    company.load_text("subs.csv", ("sep=;\r\n" + TEXT.replace(",", ";")).encode())
    assert company.rows("subscription_item", COLUMNS) == WANTED


def test_json_lines_keep_the_digits_of_their_numbers(company: Company) -> None:
    lines = [
        '{"subscription_id": "s1", "org": {"id": "acme"}, "start": "2024-01-01", "mrr": 90071992547409.93}',
        '{"subscription_id": "s2", "org": {"id": "beta"}, "start": "2024-02-01", "mrr": 0.1, "more": [1]}',
        "not json",
    ]
    report = company.load_text("subs.jsonl", "\n".join(lines).encode())
    assert company.rows("subscription_item", "item_id, account_id, unit_amount_minor") == [
        ("s1", "acme", 9007199254740993),
        ("s2", "beta", 10),
    ]
    assert [(r.row, r.value, r.reason) for r in report.rejects] == [(3, "not json", "is not a JSON object")]


def test_a_json_array_of_objects(company: Company) -> None:
    entries = [{"subscription_id": "s1", "account_id": "a", "start_date": "2024-01-01", "mrr": 5, "is_trial": False}]
    company.load_text("subs.json", json.dumps(entries).encode())
    assert company.rows("subscription_item", "item_id, unit_amount_minor, status") == [("s1", 500, "active")]


def test_parquet_with_its_own_types(company: Company) -> None:
    table = pa.table(
        {
            "subscription_id": pa.array([1, 2]),
            "account_id": pa.array(["a", "b"]).dictionary_encode(),
            "start_date": pa.array([datetime(2024, 1, 1, 23, 30), None], pa.timestamp("us", "UTC")),
            "end_date": pa.array([date(2024, 6, 1), None]),
            "mrr": pa.array([100.5, 200.0]),
            "is_trial": pa.array([True, False]),
        }
    )
    path = company.folder / "subs.parquet"
    pq.write_table(table, path)
    report = company.load(path, timezone="Europe/Berlin").files[0]
    assert company.rows("subscription_item", "item_id, account_id, valid_from, unit_amount_minor, status") == [
        ("1", "a", date(2024, 1, 2), 10050, "trialing")
    ]
    assert [(r.row, r.column, r.reason) for r in report.rejects] == [(2, "start_date", "is empty")]


def test_every_worksheet_of_a_workbook_is_a_file_of_its_own(company: Company) -> None:
    book = openpyxl.Workbook()
    first = book.active
    assert first is not None
    first.title = "Subscriptions"
    first.append(["Subscription", "Account", "Start", "MRR", "Seats"])
    first.append([1001, "acme", date(2024, 1, 1), 100.5, 5])
    first.append([1002, "beta", datetime(2024, 2, 1), 80, 4])
    second = book.create_sheet("Accounts")
    second.append(["Account", "Industry"])
    second.append(["acme", "Toys"])
    book.create_sheet("Empty")
    path = company.folder / "book.xlsx"
    book.save(path)
    report = company.load(path)
    assert [(file.file, file.table) for file in report.files] == [
        ("book.xlsx#Accounts", "account"),
        ("book.xlsx#Subscriptions", "subscription_item"),
    ]
    assert company.rows("subscription_item", "item_id, account_id, valid_from, quantity, unit_amount_minor") == [
        ("1001", "acme", date(2024, 1, 1), 5, 2010),
        ("1002", "beta", date(2024, 2, 1), 4, 2000),
    ]


def test_excel_serial_numbers_are_days(company: Company) -> None:
    company.load_text("subs.csv", f"{HEADER}\ns1,a,45292,100")
    assert company.rows("subscription_item", "valid_from") == [(date(2024, 1, 1),)]


def test_blank_lines_are_no_rows(company: Company) -> None:
    company.load_text("subs.csv", f"{HEADER}\n\ns1,a,2024-01-01,100\n\n\ns2,b,2024-01-01,100\n\n")
    assert company.rows("subscription_item", "item_id, source_row") == [("s1", 1), ("s2", 2)]


@pytest.mark.parametrize(
    "text",
    [
        "\n\n{header}\ns1,a,2024-01-01,100\n",
        "Report of May\n\n{header}\ns1,a,2024-01-01,100\n",
        "Report of May,,,\n,,,\n{header}\ns1,a,2024-01-01,100\n,,,\n",
        "{header}\ns1,a,2024-01-01,100,\n",
        "{header},\ns1,a,2024-01-01,100,\n",
    ],
)
def test_titles_above_rows_of_nothing_and_trailing_delimiters_do_no_harm(company: Company, text: str) -> None:
    report = company.load_text("subs.csv", text.format(header=HEADER).encode())
    assert (report.rows_read, report.rows_loaded) == (1, 1)
    assert company.rows("subscription_item", "item_id, source_row") == [("s1", 1)]


def test_nameless_and_repeated_columns_get_names(tmp_path: Path) -> None:
    path = tmp_path / "x.csv"
    path.write_text("a,,a, b \n1,2,3,4\n")
    assert read_file(path)[0].header == ("a", "column 2", "a (2)", "b")


def test_a_folder_is_read_with_its_subfolders_without_hidden_files(tmp_path: Path) -> None:
    for name in ("b.csv", "sub/a.jsonl", ".hidden.csv", "sub/~$open.xlsx", "notes.md"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("x")
    assert [path.relative_to(tmp_path).as_posix() for path in data_files([tmp_path])] == [
        "b.csv",
        "sub/a.jsonl",
    ]


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("only_a_header.csv", b"subscription_id,account_id,start_date,mrr\n"),
        ("empty.csv", b""),
        ("broken.parquet", b"PAR1 no"),
        ("broken.xlsx", b"PK no"),
        ("list.json", b"[1, 2]"),
        ("broken.json", b"{"),
    ],
)
def test_a_file_that_cannot_be_read_is_told_and_does_not_stop_the_others(
    company: Company, name: str, content: bytes
) -> None:
    bad = company.file(name, content)
    good = company.file("subs.csv", TEXT)
    report = company.load(bad, good)
    assert report.exit_code == 1
    assert [file.file for file in report.files if file.problem] == [name]
    assert name in next(file.problem for file in report.files if file.problem)
    assert len(company.rows("subscription_item", "*")) == 2


def test_what_is_not_there_or_not_read_is_a_usage_error(company: Company) -> None:
    assert company.load(company.folder / "nothing.csv").exit_code == 2
    assert "there is no such file" in company.load(company.folder / "nothing.csv").problem
    assert company.load(company.file("letter.docx", "x")).exit_code == 2
    assert company.load(company.folder).exit_code == 2  # nothing to read in it
    with pytest.raises(UnreadableFileError):
        data_files([company.folder / "nothing.csv"])


def test_sniffing_prefers_the_delimiter_that_cuts_all_lines_alike() -> None:
    assert sniff_delimiter("a;b\n1,5;2\n3,5;4\n") == ";"
    assert sniff_delimiter("name\nJones, Ann\n") == ","
    assert to_utf8("ÿ".encode("latin-1"))[0] == "ÿ".encode()
