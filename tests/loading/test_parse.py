"""What people write, and what it is."""

# ruff: noqa: DTZ001 - days and landed times have no zone

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from holdfast.sources.files.amounts import (
    MoneyForm,
    choose_decimal_mark,
    exponent,
    read_decimal,
    read_int,
    read_money,
)
from holdfast.sources.files.parse import (
    BadValueError,
    DateFormat,
    choose_date_format,
    read_day,
    read_flag,
    read_interval,
    read_moment,
)

UTC = ZoneInfo("UTC")
NEW_YEARS_EVE = date(2024, 12, 31)


@pytest.mark.parametrize(
    ("form", "text"),
    [
        ("iso", "2024-12-31"),
        ("iso", "2024/12/31"),
        ("iso", "20241231"),
        ("iso", "2024-12-31T10:00:00Z"),
        ("iso", "2024-12-31 10:00:00 UTC"),
        ("iso", "2024-12-31 10:00:00.123456"),
        ("iso", "2024-12-31T10:00:00+0000"),
        ("dmy", "31/12/2024"),
        ("dmy", "31.12.2024"),
        ("dmy", "31-12-24"),
        ("dmy", "31.12.2024 08:15"),
        ("mdy", "12/31/2024"),
        ("mdy", "12/31/24"),
        ("mdy", "12/31/2024 11:59 PM"),
        ("text", "Dec 31, 2024"),
        ("text", "31 December 2024"),
        ("text", "31-Dec-24"),
        ("text", "31st Dec 2024"),
        ("text", "Tue, 31 Dec 2024"),
        ("excel", "45657"),
        ("excel", "45657.75"),
        ("epoch_s", "1735603200"),
        ("epoch_ms", "1735603200000"),
    ],
)
def test_all_of_these_are_the_last_day_of_2024(form: DateFormat, text: str) -> None:
    assert read_day(text, form, UTC) == NEW_YEARS_EVE
    made = choose_date_format([text])
    assert made is not None and made.form == form


def test_a_moment_with_a_zone_falls_on_the_day_that_it_is_in_the_companys_time_zone() -> None:
    assert read_day("2024-12-31T23:30:00Z", "iso", ZoneInfo("Europe/Berlin")) == date(2025, 1, 1)
    assert read_day("2025-01-01T02:00:00+00:00", "iso", ZoneInfo("America/New_York")) == NEW_YEARS_EVE
    assert read_day("2024-12-31 23:30:00", "iso", ZoneInfo("Europe/Berlin")) == NEW_YEARS_EVE  # no zone: local already
    assert read_moment("1735689600", "epoch_s", ZoneInfo("Asia/Tokyo")) == datetime(2025, 1, 1, 9)


@pytest.mark.parametrize(
    ("text", "first"),
    [
        ("2024-12", date(2024, 12, 1)),
        ("12/2024", date(2024, 12, 1)),
        ("Dec 2024", date(2024, 12, 1)),
        ("Dec-24", date(2024, 12, 1)),
    ],
)
def test_a_month_is_its_first_day(text: str, first: date) -> None:
    assert read_day(text, "iso", UTC) == first


@pytest.mark.parametrize("text", ["31/02/2024", "soon", "2024-13-01", "12", "Dec", "99999", "2024-02-30"])
def test_what_is_no_date_is_refused_with_a_remedy(text: str) -> None:
    with pytest.raises(BadValueError) as told:
        read_day(text, "dmy", UTC)
    assert told.value.reason and told.value.remedy


@pytest.mark.parametrize(
    ("values", "form", "sure"),
    [
        (["01/02/2024", "25/12/2024"], "dmy", True),
        (["01/02/2024", "12/25/2024"], "mdy", True),
        (["01/02/2024", "03/04/2024"], "dmy", False),
        (["01/01/2024", "02/01/2024", "03/01/2024"], "mdy", False),  # all first of a month
        (["01/01/2024", "01/02/2024", "01/03/2024"], "dmy", False),
    ],
)
def test_day_or_month_first_is_decided_over_the_whole_column(values: list[str], form: str, sure: bool) -> None:
    made = choose_date_format(values)
    assert made is not None
    assert (made.form, made.sure) == (form, sure)


@given(st.dates(date(1970, 1, 1), date(2099, 12, 31)), st.sampled_from(["%d/%m/%Y", "%d.%m.%Y", "%d-%m-%Y"]))
def test_every_day_written_day_first_is_read_back(day: date, form: str) -> None:
    assert read_day(day.strftime(form), "dmy", UTC) == day


@given(st.dates(date(1970, 1, 1), date(2099, 12, 31)))
def test_every_day_is_read_back_from_iso_english_and_month_first(day: date) -> None:
    assert read_day(day.isoformat(), "iso", UTC) == day
    assert read_day(f"{day:%b} {day.day}, {day.year}", "text", UTC) == day
    assert read_day(f"{day.month}/{day.day}/{day.year}", "mdy", UTC) == day


@given(st.datetimes(datetime(1980, 1, 1), datetime(2099, 12, 31), timezones=st.timezones()))
def test_a_moment_is_the_same_in_every_zone_it_is_written_in(moment: datetime) -> None:
    there = moment.astimezone(UTC).replace(tzinfo=None)
    if moment.utcoffset().total_seconds() % 60 == 0:  # type: ignore[union-attr]
        assert read_moment(moment.isoformat(), "iso", UTC) == there


@pytest.mark.parametrize(
    ("mark", "text", "value"),
    [
        (".", "1,234.50", "1234.50"),
        (",", "1.234,50", "1234.50"),
        (".", "1'234.50", "1234.50"),
        (",", "1 234,50", "1234.50"),
        (",", "1\u202f234,50", "1234.50"),
        (".", "(12.00)", "-12"),
        (".", "12.00-", "-12"),
        (".", "-12", "-12"),
        (".", "−12", "-12"),
        (".", "-$12.00", "-12"),
        (".", "+3", "3"),
        (".", ".5", "0.5"),
        (".", "1e+06", "1000000"),
        (".", "12,34,567.00", "1234567"),
    ],
)
def test_numbers_in_many_hands(mark: str, text: str, value: str) -> None:
    assert read_decimal(text, mark)[0] == Decimal(value)


@pytest.mark.parametrize(
    ("text", "home", "currency"),
    [
        ("€12", "USD", "EUR"),
        ("12 EUR", "USD", "EUR"),
        ("GBP 12", "USD", "GBP"),
        ("US$ 12", "EUR", "USD"),
        ("$12", "CAD", "CAD"),
        ("$12", "EUR", "USD"),
        ("12 kr", "NOK", "NOK"),
        ("12", "EUR", "EUR"),
    ],
)
def test_the_currency_beside_a_number(text: str, home: str, currency: str) -> None:
    assert read_money(text, None, MoneyForm(currency=home))[1] == currency


@pytest.mark.parametrize("text", ["", "abc", "1.2.3", "12,34.5", "1,23", "--5", "5 5 5", "USD", "1,2345"])
def test_what_is_no_number_is_refused(text: str) -> None:
    with pytest.raises(BadValueError):
        read_decimal(text, ".")


def test_money_is_exact_in_the_minor_units_of_its_currency() -> None:
    assert read_money("1,234.56", "USD", MoneyForm()) == (123456, "USD")
    assert read_money("1234", "JPY", MoneyForm()) == (1234, "JPY")
    assert read_money("1.234", "KWD", MoneyForm()) == (1234, "KWD")
    assert read_money("1234", "USD", MoneyForm(minor=True)) == (1234, "USD")
    assert read_money("90071992547409.93", "USD", MoneyForm()) == (
        9007199254740993,
        "USD",
    )  # no float holds it


def test_too_many_decimals_are_refused_unless_rounding_is_asked_for() -> None:
    with pytest.raises(BadValueError, match="more decimals than an amount in USD can have"):
        read_money("0.125", "USD", MoneyForm())
    assert read_money("0.125", "USD", MoneyForm(half_even=True))[0] == 12
    assert read_money("0.135", "USD", MoneyForm(half_even=True))[0] == 14


def test_a_sign_that_contradicts_the_rows_currency_is_refused() -> None:
    with pytest.raises(BadValueError, match="is in EUR, but the row's currency is USD"):
        read_money("€5", "USD", MoneyForm())


@pytest.mark.parametrize(
    ("values", "mark"),
    [
        (["1,234.50", "2"], "."),
        (["1.234,50"], ","),
        (["12,5", "1"], ","),
        (["12.5"], "."),
        (["1,234"], "."),
        (["1.234"], ","),
        (["0.125"], "."),
        (["1.234.567"], ","),
        (["12", "-"], "."),
    ],
)
def test_the_decimal_mark_is_decided_over_the_whole_column(values: list[str], mark: str) -> None:
    assert choose_decimal_mark(values)[0] == mark


@given(
    st.integers(-(10**15), 10**15),
    st.sampled_from(["USD", "EUR", "JPY", "KWD"]),
    st.sampled_from([(".", ","), (",", "."), (".", "'"), (",", " ")]),
    st.sampled_from(["{}", "{} EUR", "€ {}"]),
)
def test_every_amount_is_read_back_as_it_was_written(
    minor: int, currency: str, marks: tuple[str, str], frame: str
) -> None:
    decimal, group = marks
    if frame != "{}":
        currency = "EUR"
    whole, part = divmod(abs(minor), 10 ** exponent(currency))
    text = f"{whole:,}".replace(",", group)
    if exponent(currency):
        text += f"{decimal}{part:0{exponent(currency)}d}"
    text = frame.format(text)
    text = f"({text})" if minor < 0 else text
    assert read_money(text, None, MoneyForm(mark=decimal, currency=currency)) == (minor, currency)


def test_whole_numbers_flags_and_intervals() -> None:
    assert read_int("12.0") == 12
    assert [read_flag(text) for text in ("True", "no", "1", "N", "x")] == [True, False, True, False, True]
    assert [read_interval(text) for text in ("annual", "Monthly", "quarterly", "6", "3 months", "P1Y", "12.0")] == [
        ("year", 1),
        ("month", 1),
        ("month", 3),
        ("month", 6),
        ("month", 3),
        ("year", 1),
        ("month", 12),
    ]
    for wrong, read in (
        ("12.5", read_int),
        ("maybe", read_flag),
        ("sometimes", read_interval),
        ("0", read_interval),
    ):
        with pytest.raises(BadValueError):
            read(wrong)
