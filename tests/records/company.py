"""A small company, loaded from files: three customers, one of Alice's, one of Bob's and one of nobody's, and one who left."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

from holdfast.flows.book import book
from holdfast.flows.home import Home, Settings, create

from ..flows.homes import load_text

NOW = datetime(2026, 1, 1, 12, tzinfo=UTC)
LATER = NOW + timedelta(days=1)
AS_OF = "2025-12-31"

FILES = {
    "account.csv": """
        account_id,name,domain,owner,created_on,industry,plan
        acme,Acme Zürich,acme.example,Alice,2023-12-20,Retail,Team
        bolt,Bolt,bolt.example,Bob,2024-02-01,Retail,Business
        cora,Cora,cora.example,,2024-03-01,Health,Team
        dune,Dune,dune.example,Alice,2024-01-01,,Team
        echo,Echo,echo.example,Bob,2025-11-01,Health,""",
    "subscription_item.csv": """
        account_id,subscription_id,item_id,plan_id,quantity,unit_amount_minor,currency,interval,status,valid_from,valid_to,term_end
        acme,s1,i1,team,12,1000,USD,month,active,2024-01-01,,
        acme,s1,i1,team,20,1000,USD,month,active,2025-12-10,,2026-01-20
        acme,s1,i2,sso,1,500,USD,month,active,2025-03-01,,
        bolt,s2,i3,business,5,2000,USD,month,active,2024-02-01,,2026-06-01
        cora,s3,i4,team,3,1000,USD,month,active,2024-03-01,,
        cora,s3,i4,team,2,1000,USD,month,active,2025-12-05,,
        dune,s4,i5,team,4,1000,USD,month,active,2024-01-01,2025-12-15,""",
    "contact.csv": """
        contact_id,account_id,name,email,title,department,role,joined_on,left_on,left_noticed_on
        c1,acme,Ada,ada@acme.example,CTO,IT,champion,2024-01-05,,
        c2,acme,Ben,ben@acme.example,Buyer,Finance,billing,2024-01-05,2025-12-20,2025-12-28
        c3,bolt,Cid,cid@bolt.example,Head,Operations,champion,2024-02-05,2025-12-01,2025-12-27""",
    "ticket.csv": """
        ticket_id,account_id,contact_id,opened_at,closed_at,priority,subject,satisfaction
        t1,acme,c1,2025-12-01 10:00:00,2025-12-02 10:00:00,normal,Slow,4
        t2,acme,c1,2025-12-28 10:00:00,,urgent,Down,
        t3,bolt,c3,2025-12-05 10:00:00,,normal,Import,""",
    "invoice.csv": """
        invoice_id,account_id,currency,issued_on,due_on,paid_on,status,total_minor,attempts
        n1,acme,USD,2024-01-01,2024-01-15,2024-01-20,paid,14400,1
        n2,acme,USD,2025-12-01,2025-12-28,,open,15000,2
        n3,bolt,USD,2025-12-01,2025-12-15,2025-12-10,paid,10000,1""",
    "invoice_line.csv": """
        line_id,invoice_id,account_id,subscription_id,item_id,kind,amount_minor,currency,period_start,period_end,issued_on
        l1,n1,acme,s1,i1,recurring,12000,USD,2024-01-01,2024-02-01,2024-01-01
        l2,n2,acme,s1,i1,recurring,12500,USD,2025-12-01,2026-01-01,2025-12-01""",
    "usage_day.csv": """
        account_id,day,feature,events,active_users
        acme,2025-12-29,boards,10,3
        acme,2025-12-29,reports,5,4
        acme,2025-12-30,boards,7,2
        acme,2025-12-30,*,9,5
        acme,2025-11-20,boards,30,9
        bolt,2025-12-30,boards,1,1""",
    "limit.csv": """
        account_id,measure,allowed,valid_from
        acme,seats,10,2024-01-01
        acme,seats,15,2025-06-01""",
    "survey.csv": """
        response_id,account_id,contact_id,kind,sent_on,answered_on,score,comment
        r1,acme,c1,nps,2025-05-01,2025-05-03,6,
        r2,acme,c1,nps,2025-11-01,2025-11-02,9,Better now""",
    "opportunity.csv": """
        opportunity_id,account_id,kind,stage,amount_minor,currency,opened_on,close_on,changed_on
        o1,acme,expansion,prospect,96000,USD,2025-11-01,2025-12-10,2025-11-01
        o1,acme,expansion,won,96000,USD,2025-11-01,2025-12-10,2025-12-10""",
    "touch.csv": """
        touch_id,account_id,contact_id,owner,happened_at,channel,subject
        h1,acme,c1,Alice,2025-12-20 09:00:00,call,Check-in
        h2,bolt,c3,Bob,2025-10-01 09:00:00,meeting,Review""",
    "outcome.csv": """
        account_id,measure,day,value,unit,higher_is_better
        acme,hours_saved,2025-12-01,41.5,hours,true
        acme,error_rate,2025-12-01,0.02,%,false""",
}


def company(folder: Path, *without: str, **files: str) -> Home:
    """The company landed and booked; `without` some files, and with others in their place."""
    home = create(folder / "home", Settings(as_of=AS_OF))
    for name, text in FILES.items():
        if name not in without:
            report = load_text(home, name, files.get(name.removesuffix(".csv"), text), NOW)
            told = report.files[0]
            assert told.table == name.removesuffix(".csv") and not told.rejects, f"{name}: {told}"
    book(home, NOW)
    return home
