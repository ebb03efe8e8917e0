"""CTAs for the pages to show: `python -m tests.browser.ctas HOME` opens some of each kind for the CSM with the largest book."""

from __future__ import annotations

import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

#: of the largest account of that book; by it the page of one CTA is addressed
KNOWN = "cta_0000000000000001"


def fill(home: Path, now: datetime) -> None:
    """Open them in a booked home."""
    from holdfast.desk import start

    start.connect(home)
    start.migrate()
    from holdfast.desk.models import Cta
    from holdfast.domain.ctas import Budget, Wanted
    from holdfast.domain.judgement import Evidence
    from holdfast.flows import answers, ctas, ctas_sentiment, ctas_work

    records, today = answers.records(), answers.today()
    [(owner,)] = records.rows(
        "select owner from summary where owner is not null group by 1 order by count(*) desc, 1 limit 1"
    )
    found = records.rows(
        "select account_id, mrr_minor from summary where owner = ? order by mrr_minor desc limit 24", [owner]
    )
    kinds = [
        ("risk", "declining_use"),
        ("opportunity", "near_a_limit"),
        ("lifecycle", "onboarding_late"),
        ("risk", "champion_left"),
    ]
    contacts = dict(records.rows("select account_id, min(contact_id) from contact group by 1"))
    wanted = []
    for number, (account_id, mrr) in enumerate(found):
        kind, cause = kinds[number % len(kinds)]
        evidence = (
            Evidence("Active people in 28 days", "5, and 14 in the four weeks before"),
            Evidence("Champion", "left", "contact", contacts.get(account_id, "")),
        )
        wanted.append(Wanted(
            account_id, kind, cause, number % 3 + 1, "Weekly use fell by half in four weeks, and the champion has left.", evidence,
            ("fewer_active_people", "champion_left"), mrr // (number % 4 + 2), records.currency, owner,
            "Call the sponsor, and find out who takes the champion's place.", today + timedelta(days=4 * number - 6), mrr_minor=mrr,
        ))  # fmt: skip
    ctas.open_from(wanted, now, today, Budget(per_week=12))
    by = ctas_work.By(now)
    first = Cta.objects.get(account_id=found[0][0])
    ctas_work.note(first, "Spoke with the new head of operations: they want a review in May.", by)
    Cta.objects.filter(pk=first.pk).update(public_id=KNOWN)
    rows = list(Cta.objects.filter(state="open").exclude(pk=first.pk).order_by("pk")[:2])
    ctas_work.snooze(rows[0], now.date() + timedelta(days=14), by)
    ctas_work.close(rows[1], "retained", by, "They renewed for two years.")
    ctas_sentiment.say(found[0][0], 4, by, "The sponsor likes the new reports.")


if __name__ == "__main__":
    fill(Path(sys.argv[1]), datetime.now(UTC))
