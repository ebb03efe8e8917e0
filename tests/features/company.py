"""A small company whose features can be worked out with a pencil: Acme, Bolt (into which Cora is merged), Dune, and five that only use.

The day they are measured on is Sunday 2025-09-28; it goes on to the end of the year.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from pathlib import Path

from holdfast.flows.book import book
from holdfast.flows.home import Home, Settings, create

from ..flows.homes import load_text

NOW = datetime(2026, 1, 1, 12, tzinfo=UTC)
AS_OF = "2025-12-31"
#: a Sunday
DAY = date(2025, 9, 28)

FILES = {
    "account.csv": """
        account_id,name,owner,parent_id,created_on,merged_into,industry,plan,valid_from
        acme,Acme,Alice,,2023-09-28,,Retail,Team,
        acme,Acme,Bob,,2023-09-28,,Retail,Business,2025-08-29
        acme,Acme,Zoe,,2023-09-28,,Retail,Giant,2025-10-05
        bolt,Bolt,Bob,holding,2024-02-01,,Retail,Business,
        cora,Cora,Bob,holding,2024-03-01,,Health,Team,
        cora,Cora,Bob,holding,2024-03-01,bolt,Health,Team,2025-09-01
        dune,Dune,Alice,holding,2024-01-01,,,Team,""",
    "subscription_item.csv": """
        account_id,subscription_id,item_id,product_id,plan_id,quantity,unit_amount_minor,currency,interval,status,valid_from,valid_to,term_end,auto_renew,cancel_requested_on,forever_off_ppm
        acme,s1,i1,core,team,10,1000,USD,month,active,2024-01-01,,2026-01-01,true,,200000
        acme,s1,i1,core,team,8,1000,USD,month,active,2025-03-01,,2026-01-01,true,,200000
        acme,s1,i1,core,team,12,1000,USD,month,active,2025-09-08,,2026-01-01,true,,200000
        acme,s1,i1,core,team,12,1000,USD,month,active,2025-11-08,2025-12-01,2026-01-01,true,2025-10-10,200000
        acme,s1,i2,reports,reports,1,400,USD,month,active,2025-08-01,2025-12-01,2025-10-20,false,2025-09-20,0
        bolt,s2,i3,core,team,5,2000,USD,month,active,2024-02-01,,,,,0
        cora,s3,i4,core,team,3,1000,USD,month,active,2024-03-01,2024-06-01,,,,0
        cora,s3,i4,core,team,4,1000,USD,month,active,2024-09-01,,,,,0
        dune,s4,i5,core,team,4,1000,USD,month,active,2024-01-01,2025-11-15,,,,0""",
    "contact.csv": """
        contact_id,account_id,name,department,role,joined_on,left_on,left_noticed_on
        c1,acme,Ada,IT,champion,2024-01-05,2025-09-01,2025-09-25
        c2,acme,Ben,Finance,billing,2024-01-05,2025-09-20,2025-10-02
        c3,acme,Cy,Operations,champion,2024-06-01,,
        c4,acme,Di,Legal,user,2025-08-01,,
        c5,acme,Ed,Board,sponsor,2025-10-01,,
        c6,bolt,Fay,IT,sponsor,2024-02-01,,
        c7,cora,Gus,Sales,champion,2024-03-01,,""",
    "ticket.csv": """
        ticket_id,account_id,contact_id,opened_at,first_response_at,closed_at,priority,subject,body,satisfaction,reopened
        t1,acme,c1,2025-07-01 10:00:00,2025-07-01 12:00:00,2025-07-02 10:00:00,normal,Question,How do we export?,5,0
        t2,acme,c1,2025-09-08 10:00:00,2025-09-08 16:00:00,2025-10-01 10:00:00,urgent,UNACCEPTABLE,This is terrible and we are angry!,1,3
        t3,acme,c3,2025-09-26 10:00:00,2025-10-02 10:00:00,,high,Invoice,The invoice is wrong.,,0
        t4,acme,c3,2025-10-02 10:00:00,,,urgent,Down,Everything is down.,,0
        t5,bolt,c6,2025-09-10 10:00:00,2025-09-10 11:00:00,2025-09-10 20:00:00,low,Thanks,Thank you - great help!,4,1
        t6,cora,c7,2025-09-11 10:00:00,2025-09-11 13:00:00,2025-09-12 10:00:00,low,Hello,Where is the guide?,,0""",
    "invoice.csv": """
        invoice_id,account_id,currency,issued_on,due_on,paid_on,status,total_minor,attempts
        n1,acme,USD,2025-07-01,2025-07-15,2025-07-20,paid,8000,3
        n2,acme,USD,2025-08-01,2025-08-15,2025-10-03,paid,8000,4
        n3,acme,USD,2025-09-01,2025-09-15,,uncollectible,4000,4
        n4,acme,USD,2025-09-20,2025-10-04,,open,4000,1
        n5,bolt,USD,2025-09-01,2025-09-15,2025-09-10,paid,10000,1
        n6,dune,USD,2025-09-01,2025-09-15,,draft,4000,0""",
    "limit.csv": """
        account_id,measure,allowed,valid_from
        acme,seats,10,2024-01-01
        acme,events,1000,2024-01-01
        acme,seats,100,2025-10-01""",
    "survey.csv": """
        response_id,account_id,contact_id,kind,sent_on,answered_on,score,comment
        r1,acme,c1,nps,2025-03-01,2025-03-05,9,Great and helpful
        r2,acme,c1,nps,2025-06-01,2025-06-11,4,
        r3,acme,c3,nps,2025-08-20,2025-10-05,10,
        r4,acme,c4,nps,2025-09-10,,,
        r5,acme,c3,csat,2025-08-01,2025-08-02,3,""",
    "opportunity.csv": """
        opportunity_id,account_id,kind,stage,amount_minor,currency,opened_on,close_on,changed_on
        o1,acme,renewal,prospect,96000,USD,2025-09-01,2025-12-10,2025-09-01
        o1,acme,renewal,won,96000,USD,2025-09-01,2025-12-10,2025-11-10
        o2,acme,expansion,prospect,50000,USD,2025-02-01,2025-05-10,2025-02-01
        o2,acme,expansion,lost,50000,USD,2025-02-01,2025-05-10,2025-05-10
        o3,bolt,expansion,negotiation,24000,USD,2025-08-01,2025-09-10,2025-09-05""",
    "touch.csv": """
        touch_id,account_id,contact_id,owner,happened_at,channel,replied,subject
        h1,acme,c1,Alice,2025-06-20 09:00:00,meeting,true,Review
        h2,acme,c3,Alice,2025-09-01 09:00:00,email,false,Check-in
        h3,acme,c3,Bob,2025-09-18 09:00:00,call,false,Check-in
        h4,acme,c3,Bob,2025-09-29 09:00:00,qbr,true,Review""",
    "outcome.csv": """
        account_id,measure,day,value,unit,higher_is_better
        acme,hours_saved,2025-06-01,40,hours,true
        acme,hours_saved,2025-07-01,50,hours,true
        acme,hours_saved,2025-08-01,60,hours,true
        acme,hours_saved,2025-09-01,900,hours,true
        bolt,errors,2025-05-01,10,errors,false
        bolt,errors,2025-08-01,5,errors,false""",
}

#: nothing was tracked on these days in the whole company
OUTAGE = (date(2025, 9, 15), date(2025, 9, 16), date(2025, 9, 17))


def usage() -> str:
    """Acme does 10 boards a day with 9 people, and 5 reports until August; Bolt and Cora 4 each; Dune stops on 2025-08-31."""
    lines = ["account_id,day,feature,events,active_users"]
    day = date(2025, 1, 6)
    while day <= date.fromisoformat(AS_OF):
        if day not in OUTAGE:
            lines += _day(day)
        day += timedelta(days=1)
    return "\n".join(lines)


def _day(day: date) -> list[str]:
    lines = [f"acme,{day},boards,10,{9 if day <= DAY else 90}", f"bolt,{day},boards,4,2"]
    lines += [f"acme,{day},reports,5,3"] if day <= date(2025, 8, 31) else []
    lines += [f"cora,{day},boards,4,3"] if day <= DAY else []
    lines += [f"dune,{day},boards,8,4"] if day <= date(2025, 8, 31) else []
    return lines + [f"acme,{day},exports,50,9"] * (day > DAY)


def company(folder: Path) -> Home:
    """The company landed and booked."""
    home = create(folder / "home", Settings(as_of=AS_OF))
    for name, lines in {**FILES, "usage_day.csv": usage()}.items():
        report = load_text(home, name, lines, NOW)
        told = report.files[0]
        assert told.table == name.removesuffix(".csv") and not told.rejects, f"{name}: {told}"
    book(home, NOW)
    return home
