"""The canonical fact tables: every source is translated into these columns and nothing else.

One place decides names, units and keys; landing files, loader, demo company and documentation follow it.
Dates are days in the company's time zone. Intervals are half-open: [from, to). Money is an integer
number of the currency's minor units (cents; yen for JPY). Parts are parts per million.
"""

from __future__ import annotations

from holdfast.domain.fact_table import Column, FactTable

#: Where a row comes from decides how gaps at a renewal are read (see `Policy.gap_days`).
SOURCE_KINDS = ("billing", "contract", "file", "crm", "usage", "support")

#: Statuses of a subscription item.
STATUSES = ("trialing", "active", "past_due", "unpaid", "paused", "canceled")

#: Billing intervals of a price. A quarter is 3 months.
INTERVALS = ("day", "week", "month", "year")


C = Column

#: the mark of what its source has no more; rows landed before a table had the column do not have it
DELETED = Column("deleted", "flag", "The source deleted it.", default=False)

ACCOUNT = FactTable(
    "account",
    "A company that pays (or may pay): one row per state of its name, parent, owner and segment attributes.",
    ("account_id", "valid_from"),
    (
        C("account_id", "text", "The account's id in the source.", required=True),
        C("name", "text", "Company name."),
        C("domain", "text", "Main internet domain, lower case."),
        C("parent_id", "text", "Account id of the parent company, for the parent roll-up."),
        C("owner", "text", "The customer success manager who carries the account."),
        C("created_on", "date", "When the account came into being (sign-up)."),
        C("merged_into", "text", "Account id this account was merged into, from `valid_from` on."),
        C("attributes", "map", "Segment attributes: any number of named texts (industry, country, plan…)."),
        C("valid_from", "date", "First day on which this state holds; missing: since ever."),
    ),
    ("account_id", "valid_from"),
)

SUBSCRIPTION_ITEM = FactTable(
    "subscription_item",
    "One state of one priced line of a subscription. A state holds from `valid_from` until `valid_to`, or until "
    "the item's next state begins, whichever is earlier.",
    ("account_id", "subscription_id", "item_id", "valid_from"),
    (
        C("account_id", "text", "The account that pays.", required=True),
        C("subscription_id", "text", "The subscription.", required=True),
        C(
            "item_id",
            "text",
            "The priced line within it; the subscription's id where there is one line.",
            required=True,
        ),
        C("product_id", "text", "Product."),
        C("plan_id", "text", "Plan or price."),
        C("quantity", "int", "Seats or units.", default=1),
        C("unit_amount_minor", "money", "Price of one unit for one interval, before discounts and tax.", required=True),
        C("currency", "text", "ISO 4217 code, upper case.", required=True),
        C("interval", "text", "Billing interval.", default="month", choices=INTERVALS),
        C("interval_count", "int", "Number of intervals billed at once (3 × month = a quarter).", default=1),
        C(
            "usage_type",
            "text",
            "`licensed` is recurring; `metered` is billed by use and is not MRR.",
            default="licensed",
            choices=("licensed", "metered"),
        ),
        C("forever_off_ppm", "ppm", "Discount without end, parts per million of the price.", default=0),
        C(
            "forever_off_minor",
            "money",
            "Discount without end, amount off for one billing (interval × count).",
            default=0,
        ),
        C("repeating_off_ppm", "ppm", "Discount for several periods, parts per million.", default=0),
        C("repeating_off_minor", "money", "Discount for several periods, amount off for one billing.", default=0),
        C("repeating_until", "date", "First day without the repeating discount."),
        C("once_off_ppm", "ppm", "Discount for one period, parts per million.", default=0),
        C("once_off_minor", "money", "Discount for one period, amount off for one billing.", default=0),
        C("once_until", "date", "First day without the one-period discount."),
        C("status", "text", "Status of the item.", default="active", choices=STATUSES),
        C("valid_from", "date", "First day on which this state holds.", required=True),
        C("valid_to", "date", "First day on which it no longer holds; missing: open."),
        C("cancel_requested_on", "date", "Day on which a cancellation at the end of the period was asked for."),
        C("term_end", "date", "First day after the current contract term: the renewal date."),
        C("auto_renew", "flag", "Whether the term renews by itself."),
        C(
            "replaces_item",
            "flag",
            "This row tells the item's whole history: every row of the item learned earlier is superseded.",
            default=False,
        ),
        C("deleted", "flag", "The source took this state back.", default=False),
    ),
    ("account_id", "subscription_id", "item_id", "valid_from"),
)

INVOICE = FactTable(
    "invoice",
    "An invoice to an account.",
    ("invoice_id",),
    (
        C("invoice_id", "text", "Invoice id.", required=True),
        C("account_id", "text", "The account billed.", required=True),
        C("currency", "text", "ISO 4217 code.", required=True),
        C("issued_on", "date", "Invoice date.", required=True),
        C("due_on", "date", "Due date."),
        C("paid_on", "date", "Day of full payment."),
        C(
            "status",
            "text",
            "State of the invoice.",
            default="open",
            choices=("draft", "open", "paid", "void", "uncollectible"),
        ),
        C("total_minor", "money", "Total with tax."),
        C("tax_minor", "money", "Tax in the total.", default=0),
        C("attempts", "int", "Payment attempts.", default=0),
        DELETED,
    ),
    ("account_id", "issued_on"),
)

INVOICE_LINE = FactTable(
    "invoice_line",
    "One line of an invoice or credit note, without tax.",
    ("line_id",),
    (
        C("line_id", "text", "Line id.", required=True),
        C("invoice_id", "text", "The invoice.", required=True),
        C("account_id", "text", "The account billed.", required=True),
        C("subscription_id", "text", "The subscription it is for."),
        C("item_id", "text", "The item it is for."),
        C(
            "kind",
            "text",
            "What the line is for.",
            default="recurring",
            choices=("recurring", "proration", "metered", "one_off", "credit", "refund"),
        ),
        C("amount_minor", "money", "Amount without tax; credits and refunds are negative.", required=True),
        C("currency", "text", "ISO 4217 code.", required=True),
        C("period_start", "date", "First day of the service period."),
        C("period_end", "date", "First day after the service period."),
        C("issued_on", "date", "Day on which the line was issued.", required=True),
        DELETED,
    ),
    ("account_id", "issued_on"),
)

FX_RATE = FactTable(
    "fx_rate",
    "What one unit of a currency was worth in another on a day.",
    ("currency", "quote", "day"),
    (
        C("currency", "text", "ISO 4217 code of the one unit.", required=True),
        C("quote", "text", "ISO 4217 code it is expressed in.", required=True),
        C("day", "date", "Day of the rate; it holds until the next known day.", required=True),
        C("rate", "rate", "Units of `quote` (major) for one unit of `currency` (major).", required=True),
    ),
    ("currency", "quote", "day"),
)

SPEND = FactTable(
    "spend",
    "Sales and marketing spend by month.",
    ("month", "category"),
    (
        C("month", "date", "First day of the month.", required=True),
        C("category", "text", "`sales`, `marketing` or `success`.", required=True),
        C("amount_minor", "money", "Amount spent.", required=True),
        C("currency", "text", "ISO 4217 code.", required=True),
    ),
    ("month", "category"),
)

CONTACT = FactTable(
    "contact",
    "A person at an account.",
    ("contact_id",),
    (
        C("contact_id", "text", "Contact id.", required=True),
        C("account_id", "text", "The account.", required=True),
        C("name", "text", "Full name."),
        C("email", "text", "E-mail address, lower case."),
        C("title", "text", "Job title."),
        C("department", "text", "Department."),
        C(
            "role",
            "text",
            "Part played in the relationship.",
            default="user",
            choices=("champion", "sponsor", "admin", "user", "billing"),
        ),
        C("joined_on", "date", "First day known at the account."),
        C("left_on", "date", "Day the person left the account."),
        C("left_noticed_on", "date", "Day on which we noticed that."),
        DELETED,
    ),
    ("account_id", "contact_id"),
)

USAGE_DAY = FactTable(
    "usage_day",
    "What an account did on one day, counted.",
    ("account_id", "day", "feature"),
    (
        C("account_id", "text", "The account; text as the tracker gave it, which may match no account.", required=True),
        C("day", "date", "The day.", required=True),
        C("feature", "text", "Feature or event name; `*` for all together.", required=True),
        C("events", "int", "Number of events.", required=True),
        C("active_users", "int", "Distinct active people."),
    ),
    ("account_id", "day"),
)

LIMIT = FactTable(
    "limit",
    "What an account may use under its plan.",
    ("account_id", "measure", "valid_from"),
    (
        C("account_id", "text", "The account.", required=True),
        C("measure", "text", "What is limited: `seats`, `events`, `storage_gb`…", required=True),
        C("allowed", "int", "The limit.", required=True),
        C("valid_from", "date", "First day on which it holds.", required=True),
    ),
    ("account_id", "valid_from"),
)

TICKET = FactTable(
    "ticket",
    "A support request.",
    ("ticket_id",),
    (
        C("ticket_id", "text", "Ticket id.", required=True),
        C("account_id", "text", "The account.", required=True),
        C("contact_id", "text", "Who asked."),
        C("opened_at", "time", "When it was opened (UTC).", required=True),
        C("first_response_at", "time", "When we first answered (UTC)."),
        C("closed_at", "time", "When it was resolved (UTC)."),
        C("priority", "text", "Priority.", default="normal", choices=("low", "normal", "high", "urgent")),
        C("subject", "text", "Subject line."),
        C("body", "text", "The request's text."),
        C("reopened", "int", "How often it was reopened.", default=0),
        C("satisfaction", "int", "Rating 1 (bad) to 5 (good); missing where none was given."),
        DELETED,
    ),
    ("account_id", "opened_at"),
)

SURVEY = FactTable(
    "survey",
    "One survey sent to one person, answered or not.",
    ("response_id",),
    (
        C("response_id", "text", "Response id.", required=True),
        C("account_id", "text", "The account.", required=True),
        C("contact_id", "text", "Who was asked."),
        C("kind", "text", "Survey kind.", default="nps", choices=("nps", "csat", "ces")),
        C("sent_on", "date", "Day it was sent.", required=True),
        C("answered_on", "date", "Day of the answer; missing: silence."),
        C("score", "int", "Answer: 0-10 for NPS."),
        C("comment", "text", "Free text."),
        DELETED,
    ),
    ("account_id", "sent_on"),
)

OPPORTUNITY = FactTable(
    "opportunity",
    "A deal in the CRM: one row per state.",
    ("opportunity_id", "changed_on"),
    (
        C("opportunity_id", "text", "Deal id.", required=True),
        C("account_id", "text", "The account.", required=True),
        C("kind", "text", "What it is for.", default="expansion", choices=("new", "renewal", "expansion")),
        C("stage", "text", "Stage.", required=True),
        C("amount_minor", "money", "Yearly amount expected."),
        C("currency", "text", "ISO 4217 code."),
        C("opened_on", "date", "Day it was opened."),
        C("close_on", "date", "Expected or actual closing day."),
        C("changed_on", "date", "Day on which this state began.", required=True),
        DELETED,
    ),
    ("account_id", "changed_on"),
)

TOUCH = FactTable(
    "touch",
    "Something we did with an account: a call, a mail, a meeting, a programme step.",
    ("touch_id",),
    (
        C("touch_id", "text", "Touch id.", required=True),
        C("account_id", "text", "The account.", required=True),
        C("contact_id", "text", "The person."),
        C("owner", "text", "Who of us."),
        C("happened_at", "time", "When (UTC).", required=True),
        C("channel", "text", "How.", default="email", choices=("email", "call", "meeting", "in_app", "qbr", "webinar")),
        C("programme", "text", "Programme or playbook it belongs to."),
        C("arm", "text", "`treated` or `holdout`, where the programme was randomised."),
        C("replied", "flag", "Whether the customer answered."),
        C("subject", "text", "Subject or note."),
        DELETED,
    ),
    ("account_id", "happened_at"),
)

OUTCOME = FactTable(
    "outcome",
    "A result of the customer's own business on one day: what they bought the product for.",
    ("account_id", "measure", "day"),
    (
        C("account_id", "text", "The account.", required=True),
        C("measure", "text", "What is measured: `hours_saved`, `conversion_rate`…", required=True),
        C("day", "date", "The day, or the first day of the period, that the value is of.", required=True),
        C("value", "rate", "The value, in `unit`.", required=True),
        C("unit", "text", "What the value is counted in: `hours`, `%`, `EUR`…"),
        C("higher_is_better", "flag", "Whether the customer wants it to rise; false: to fall.", default=True),
    ),
    ("account_id", "day"),
)

LAUNCH = FactTable(
    "launch",
    "A feature that was brought to customers.",
    ("feature", "launched_on"),
    (
        C("feature", "text", "Feature or event name, as usage tells it.", required=True),
        C("launched_on", "date", "First day on which customers had it.", required=True),
        C("title", "text", "What it is called towards people."),
        C("description", "text", "What it does."),
        C("plans", "text", "Plans that have it, with commas; missing: all of them."),
    ),
    ("feature", "launched_on"),
)

TARGET = FactTable(
    "target",
    "What a metric is to reach in a month.",
    ("metric", "month", "segment"),
    (
        C("metric", "text", "Name of the metric: `nrr`, `mrr`…", required=True),
        C("month", "date", "First day of the month.", required=True),
        C("segment", "text", "`attribute=value` it is for; empty: the whole book.", default=""),
        C("value", "rate", "The value to reach: 1.05 is 105 %; amounts in major units of `currency`.", required=True),
        C("currency", "text", "ISO 4217 code, where the metric is an amount."),
    ),
    ("metric", "month"),
)

ACCOUNT_LINK = FactTable(
    "account_link",
    "Which account another system's account is: rows of other facts under the id there count with this one. Written by matching alone.",
    ("external_id",),
    (
        C("external_id", "text", "The id as facts of that system have it: `hubspot:901`.", required=True),
        C("account_id", "text", "The account that it is.", required=True),
        C("deleted", "flag", "It is not that account after all.", default=False),
    ),
    ("external_id",),
)

#: Every canonical table, in the order in which they are documented and loaded.
TABLES: dict[str, FactTable] = {
    table.name: table
    for table in (
        ACCOUNT,
        SUBSCRIPTION_ITEM,
        INVOICE,
        INVOICE_LINE,
        FX_RATE,
        SPEND,
        CONTACT,
        USAGE_DAY,
        LIMIT,
        TICKET,
        SURVEY,
        OPPORTUNITY,
        TOUCH,
        OUTCOME,
        LAUNCH,
        TARGET,
        ACCOUNT_LINK,
    )
}
