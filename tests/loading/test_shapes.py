"""The shapes in which people have their subscriptions and accounts: each loads with no mapping by hand."""

# ruff: noqa: DTZ001 - days and landed times have no zone

from __future__ import annotations

from datetime import date, datetime

import pytest

from .conftest import Company

ITEM = "account_id, item_id, quantity, unit_amount_minor, interval, interval_count, valid_from, valid_to"


def test_one_row_per_subscription_with_start_end_and_monthly_amount(company: Company) -> None:
    report = company.load_text(
        "subscriptions.csv",
        """
        subscription_id,customer_id,start_date,end_date,monthly_amount
        1,acme,2024-01-01,2024-07-01,50
        2,acme,2024-07-01,,75.50
    """,
    )
    assert (report.table, report.rows_loaded, report.rows_rejected) == ("subscription_item", 2, 0)
    assert company.rows("subscription_item", ITEM) == [
        ("acme", "1", 1, 5000, "month", 1, date(2024, 1, 1), date(2024, 7, 1)),
        ("acme", "2", 1, 7550, "month", 1, date(2024, 7, 1), None),
    ]
    assert company.rows("subscription_item", "currency, source_kind, replaces_item") == [("USD", "file", True)] * 2


def test_one_row_per_customer_and_month(company: Company) -> None:
    company.load_text(
        "mrr.csv",
        """
        Customer,Month,MRR
        acme,2024-01,100
        acme,2024-02,120
        beta,2024-02,"1,000"
    """,
    )
    assert company.rows("subscription_item", ITEM) == [
        ("acme", "acme", 1, 10000, "month", 1, date(2024, 1, 1), date(2024, 2, 1)),
        ("acme", "acme", 1, 12000, "month", 1, date(2024, 2, 1), date(2024, 3, 1)),
        ("beta", "beta", 1, 100000, "month", 1, date(2024, 2, 1), date(2024, 3, 1)),
    ]
    assert company.rows("subscription_item", "distinct replaces_item, load_no, 1 as source_row") == [(False, 1, 1)]


@pytest.mark.parametrize("dates", [("31/01/2024", "29/02/2024"), ("01/01/2024", "01/02/2024")])
def test_a_month_may_be_told_by_its_first_or_its_last_day(company: Company, dates: tuple[str, str]) -> None:
    company.load_text(
        "revenue.csv",
        f"""
        customer_id,date,amount
        acme,{dates[0]},100
        acme,{dates[1]},100
    """,
        currency="EUR",
    )
    assert company.rows("subscription_item", "valid_from, valid_to") == [
        (date(2024, 1, 1), date(2024, 2, 1)),
        (date(2024, 2, 1), date(2024, 3, 1)),
    ]


def test_two_rows_of_one_customer_and_month_are_told_apart_by_product_or_added_up(company: Company) -> None:
    company.load_text(
        "mrr_by_product.csv",
        """
        customer,product,month,mrr
        acme,mail,2024-01,100
        acme,chat,2024-01,20
    """,
    )
    assert company.rows("subscription_item", "item_id, unit_amount_minor") == [
        ("acme/mail", 10000),
        ("acme/chat", 2000),
    ]
    report = company.load_text(
        "mrr_parts.csv",
        """
        customer,month,mrr
        beta,2024-01,100
        beta,2024-01,20
    """,
    )
    assert company.rows("subscription_item", "item_id, unit_amount_minor")[2:] == [("beta", 12000)]
    assert "1 rows tell a month that another tells too: added up" in report.notes


def test_one_column_per_month(company: Company) -> None:
    report = company.load_text(
        "mrr_wide.csv",
        """
        customer,Jan 2024,Feb 2024,2024-03
        acme,100,,120
        beta,0,50,x
    """,
    )
    landed = set(company.rows("subscription_item", "account_id, valid_from, unit_amount_minor"))
    assert landed == {
        ("acme", date(2024, 1, 1), 10000),
        ("acme", date(2024, 3, 1), 12000),
        ("beta", date(2024, 1, 1), 0),
        ("beta", date(2024, 2, 1), 5000),
    }
    assert [(r.row, r.value, r.reason) for r in report.rejects] == [(2, "x", "is not a number")]


def test_unit_price_times_quantity_per_interval(company: Company) -> None:
    company.load_text(
        "contracts.csv",
        """
        contract_id,account_id,plan,seats,unit_price,billing_period,start,end,currency
        c1,acme,pro,10,12.50,monthly,2024-01-01,,EUR
        c2,beta,pro,3,120,annual,2024-01-01,2025-01-01,USD
        c3,beta,pro,2,1000,quarterly,2024-01-01,,JPY
    """,
    )
    assert company.rows("subscription_item", ITEM + ", currency") == [
        ("acme", "c1", 10, 1250, "month", 1, date(2024, 1, 1), None, "EUR"),
        ("beta", "c2", 3, 12000, "year", 1, date(2024, 1, 1), date(2025, 1, 1), "USD"),
        ("beta", "c3", 2, 1000, "month", 3, date(2024, 1, 1), None, "JPY"),
    ]


def test_an_mrr_is_monthly_whatever_the_billing_frequency_and_a_yearly_amount_is_yearly(
    company: Company,
) -> None:
    company.load_text(
        "subs.csv",
        """
        subscription_id,account_id,start_date,mrr,arr,billing_frequency
        s1,acme,2024-01-01,100,1200,annual
    """,
    )
    company.load_text(
        "subs_arr.csv",
        """
        subscription_id,account_id,start_date,arr
        s2,acme,2024-01-01,1200
    """,
    )
    assert company.rows("subscription_item", "unit_amount_minor, interval, interval_count") == [
        (10000, "month", 1),
        (120000, "year", 1),
    ]


def test_seats_beside_a_total_are_kept_where_the_total_divides_by_them(company: Company) -> None:
    report = company.load_text(
        "subs.csv",
        """
        subscription_id,account_id,start_date,mrr,seats
        even,acme,2024-01-01,100,4
        odd,acme,2024-01-01,100,7
        free,acme,2024-01-01,0,7
    """,
    )
    assert company.rows("subscription_item", "item_id, quantity, unit_amount_minor") == [
        ("even", 4, 2500),
        ("odd", 1, 10000),
        ("free", 7, 0),
    ]
    assert "seats: left out (quantity 1) in 1 rows whose total does not divide by it" in report.notes


def test_trials_are_told_by_a_flag_or_a_status(company: Company) -> None:
    company.load_text(
        "subs.csv",
        """
        subscription_id,account_id,start_date,mrr,is_trial
        s1,acme,2024-01-01,100,True
        s2,acme,2024-01-01,100,False
    """,
    )
    company.load_text(
        "more_subs.csv",
        """
        subscription_id,account_id,start_date,mrr,status
        s3,acme,2024-01-01,100,In Trial
        s4,acme,2024-01-01,100,live
    """,
    )
    assert [status for _, status in company.rows("subscription_item", "item_id, status")] == [
        "trialing",
        "active",
        "trialing",
        "active",
    ]


def test_where_a_row_is_a_whole_life_canceled_means_until_its_end(company: Company) -> None:
    report = company.load_text(
        "subs.csv",
        """
        subscription_id,account_id,start_date,end_date,mrr,status
        s1,acme,2024-01-01,2024-06-01,100,cancelled
        s2,acme,2024-01-01,,100,cancelled
        s3,acme,2024-01-01,,100,past_due
    """,
    )
    assert company.rows("subscription_item", "item_id, status, valid_to") == [
        ("s1", "active", date(2024, 6, 1)),
        ("s3", "active", None),
    ]
    assert [(r.row, r.reason, r.remedy) for r in report.rejects] == [
        (2, "but the row has no end", "give the day on which it ended")
    ]
    assert any("not tell since when; taken as active" in note for note in report.notes)


def test_several_rows_of_a_subscription_are_its_states(company: Company) -> None:
    company.load_text(
        "subs.csv",
        """
        subscription_id,account_id,start_date,mrr,status
        s1,acme,2024-01-01,100,active
        s1,acme,2024-03-01,100,paused
        s1,acme,2024-04-01,120,active
    """,
    )
    assert company.rows("subscription_item", "item_id, valid_from, status, replaces_item") == [
        ("s1", date(2024, 1, 1), "active", False),
        ("s1", date(2024, 3, 1), "paused", False),
        ("s1", date(2024, 4, 1), "active", False),
    ]


def test_without_a_subscription_id_rows_that_follow_one_another_are_one_line(company: Company) -> None:
    company.load_text(
        "subs.csv",
        """
        account_id,plan,start_date,end_date,mrr
        acme,basic,2024-01-01,2024-02-01,100
        acme,pro,2024-02-01,2024-03-01,200
    """,
    )
    assert company.rows("subscription_item", "subscription_id, item_id, plan_id") == [
        ("acme", "acme", "basic"),
        ("acme", "acme", "pro"),
    ]


def test_without_a_subscription_id_rows_beside_one_another_are_told_apart_by_plan(company: Company) -> None:
    company.load_text(
        "subs.csv",
        """
        account_id,plan,start_date,end_date,mrr
        acme,basic,2024-01-01,2024-02-01,100
        acme,add-on,2024-01-01,2024-02-01,20
        acme,basic,2024-02-01,2024-03-01,100
    """,
    )
    assert company.rows("subscription_item", "item_id") == [
        ("acme/basic",),
        ("acme/add-on",),
        ("acme/basic",),
    ]


def test_ends_are_the_first_day_no_longer_paid_unless_all_are_month_ends(company: Company) -> None:
    report = company.load_text(
        "periods.csv",
        """
        subscription_id,account_id,start_date,end_date,mrr
        s1,acme,2024-01-01,2024-01-31,100
        s2,acme,2024-01-01,2024-02-29,100
        s3,acme,2024-02-01,2024-04-30,100
    """,
    )
    assert 'end_is = "inclusive"' in company.mapping_of(report)
    assert company.rows("subscription_item", "valid_to") == [
        (date(2024, 2, 1),),
        (date(2024, 3, 1),),
        (date(2024, 5, 1),),
    ]


def test_an_end_that_never_comes_is_no_end(company: Company) -> None:
    report = company.load_text(
        "subs.csv",
        """
        subscription_id,account_id,start_date,end_date,mrr
        s1,acme,2024-01-01,9999-12-31,100
        s2,acme,2024-01-01,NULL,100
        s3,acme,2024-01-01,-,100
        s4,acme,2024-01-01,2024-06-01,100
    """,
    )
    assert company.rows("subscription_item", "valid_to") == [(None,), (None,), (None,), (date(2024, 6, 1),)]
    assert "1 ends are beyond the year 2900: taken as open" in report.notes


def test_an_account_file_has_any_attributes(company: Company) -> None:
    report = company.load_text(
        "accounts.csv",
        """
        Account ID,Account Name,Website,Industry,Plan Tier,Signup Date,Account Owner,Favourite colour
        a1,Acme,https://www.Acme.com/about,Toys,Pro,2023-05-01,Alice,
        a2,Beta,beta.io,NA,Basic,2023-06-01,Bob,red
    """,
    )
    assert report.table == "account"
    assert company.rows("account", "account_id, name, domain, owner, created_on, valid_from") == [
        ("a1", "Acme", "acme.com", "Alice", date(2023, 5, 1), None),
        ("a2", "Beta", "beta.io", "Bob", date(2023, 6, 1), None),
    ]
    assert [dict(row[1]) for row in company.rows("account", "account_id, attributes")] == [
        {"industry": "Toys", "plan": "Pro"},
        {"favourite_colour": "red", "industry": "NA", "plan": "Basic"},
    ]


def test_a_subscription_file_tells_of_accounts_along_the_way(company: Company) -> None:
    report = company.load_text(
        "all_in_one.csv",
        """
        subscription_id,customer_id,customer_name,country,start_date,end_date,mrr
        s1,c1,Acme,DE,2024-01-01,,100
        s2,c1,Acme,DE,2024-02-01,,50
        s3,c2,Beta,FR,2024-02-01,,50
    """,
    )
    assert company.rows("account", "account_id, name, attributes['country'], valid_from") == [
        ("c1", "Acme", "DE", None),
        ("c2", "Beta", "FR", None),
    ]
    assert "it also tells of accounts (name, country): 2 states loaded" in report.notes
    assert len(company.rows("subscription_item", "item_id")) == 3


def test_usage_keyed_by_subscription_finds_its_account_in_the_same_folder(company: Company) -> None:
    company.file(
        "subscriptions.csv",
        """
        subscription_id,account_id,start_date,mrr
        s1,acme,2024-01-01,100
        s2,acme,2024-01-01,100
    """,
    )
    company.file(
        "a_usage.csv",
        """
        subscription_id,usage_date,feature_name,usage_count
        s1,2024-01-05,export,3
        s2,2024-01-05,export,4
        s9,2024-01-05,export,1
    """,
    )
    report = company.load(company.folder)
    assert company.rows("usage_day", "account_id, day, feature, events") == [("acme", date(2024, 1, 5), "export", 7)]
    [usage] = [file for file in report.files if file.table == "usage_day"]
    assert [(r.row, r.column, r.value, r.remedy) for r in usage.rejects] == [
        (3, "subscription_id", "s9", "load the subscriptions first")
    ]
    assert report.exit_code == 1


def test_tickets_invoices_rates_spend_and_contacts(company: Company) -> None:
    company.file(
        "tickets.csv",
        """
        ticket_id,account_id,submitted_at,closed_at,priority,first_response_time_minutes,satisfaction_score
        t1,acme,2024-01-01 09:00:00,2024-01-02,medium,90,4.0
    """,
    )
    company.file(
        "invoices.csv",
        """
        invoice_id,customer_id,invoice_date,due_date,total,currency,status
        i1,acme,2024-01-01,2024-01-31,"1.234,50",EUR,paid
        i2,acme,2024-02-01,2024-03-02,"12,00",EUR,open
    """,
    )
    company.file(
        "fx_rates.csv",
        """
        date,base_currency,quote_currency,rate
        2024-01-01,eur,usd,1.085
    """,
    )
    company.file(
        "marketing_spend.csv",
        """
        month,category,amount
        2024-01,marketing,5000
    """,
    )
    company.file(
        "contacts.csv",
        """
        email,company,name,job title
        Ann@Acme.com,acme,Ann,CFO
    """,
    )
    report = company.load(company.folder)
    assert [(file.file, file.problem) for file in report.files if file.problem] == []
    assert company.rows("ticket", "opened_at, first_response_at, closed_at, priority, satisfaction") == [
        (datetime(2024, 1, 1, 9), datetime(2024, 1, 1, 10, 30), datetime(2024, 1, 2), "normal", 4)
    ]
    assert company.rows("invoice", "total_minor, currency, due_on, status") == [
        (123450, "EUR", date(2024, 1, 31), "paid"),
        (1200, "EUR", date(2024, 3, 2), "open"),
    ]
    assert company.rows("fx_rate", "currency, quote, rate") == [("EUR", "USD", 1.085)]
    assert company.rows("spend", "month, amount_minor, currency") == [(date(2024, 1, 1), 500000, "USD")]
    assert company.rows("contact", "contact_id, account_id, email, title") == [
        ("Ann@Acme.com", "acme", "ann@acme.com", "CFO")
    ]


def test_times_are_kept_in_utc_and_days_are_the_companys(company: Company) -> None:
    company.load_text(
        "tickets.csv",
        """
        ticket_id,account_id,opened_at
        t1,acme,2024-07-01 09:00
        t2,acme,2024-07-01T09:00:00Z
    """,
        timezone="Europe/Berlin",
    )
    assert company.rows("ticket", "opened_at") == [(datetime(2024, 7, 1, 7),), (datetime(2024, 7, 1, 9),)]


def test_a_file_that_is_none_of_ours_is_said_to_be_so(company: Company) -> None:
    company.file("subscriptions.csv", "subscription_id,account_id,start_date,mrr\ns1,acme,2024-01-01,100")
    company.file("churn_events.csv", "churn_event_id,account_id,churn_date,reason\nc1,acme,2024-01-01,price")
    report = company.load(company.folder)
    [churn] = [file for file in report.files if not file.table]
    assert churn.file == "churn_events.csv"
    assert churn.problem.startswith("not recognised: its columns fit no table (")
    assert report.exit_code == 0  # nobody asked for that file by name
    assert company.load(company.folder / "churn_events.csv").exit_code == 2


def test_payments_on_any_day_are_not_taken_for_monthly_amounts(company: Company) -> None:
    report = company.load(
        company.file(
            "payments.csv",
            """
        customer,date,amount
        acme,2024-01-03,100
        acme,2024-01-17,20
    """,
        )
    )
    assert report.exit_code == 2
    assert company.rows("subscription_item", "*") == []


def test_the_columns_of_our_own_tables_are_known_by_their_own_names(company: Company) -> None:
    company.load_text(
        "export.csv",
        """
        account_id,subscription_id,item_id,quantity,unit_amount_minor,currency,interval,interval_count,valid_from,valid_to,forever_off_ppm,status,cancel_requested_on,replaces_item
        a,s,i,2,1250,EUR,year,1,2024-01-01,2025-01-01,100000,active,2024-09-01,true
        a,s,i,3,1250,EUR,month,3,2025-01-01,,0,past_due,,false
    """,
    )
    assert company.rows(
        "subscription_item", ITEM + ", forever_off_ppm, status, cancel_requested_on, replaces_item"
    ) == [
        (
            "a",
            "i",
            2,
            1250,
            "year",
            1,
            date(2024, 1, 1),
            date(2025, 1, 1),
            100000,
            "active",
            date(2024, 9, 1),
            True,
        ),
        ("a", "i", 3, 1250, "month", 3, date(2025, 1, 1), None, 0, "past_due", None, False),
    ]
