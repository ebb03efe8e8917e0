"""Write-back: each matched account of a connected system is told its numbers, where the connection asks for it, and again when they change.

A row is committed as `sending` before it is handed off. To write the same value twice is harmless: what was being written when a
process died is written again.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from fractions import Fraction
from pathlib import Path
from typing import Any

from django.db import transaction
from django.db.models import Count, F, Max, Q

from holdfast.desk.models import AuditEntry, Cta
from holdfast.desk.models.connections import Connection, Party, WriteBack
from holdfast.desk.turns import take_turn
from holdfast.domain.money import half_even, major
from holdfast.flows import connections, watched
from holdfast.flows.book import open_records, published
from holdfast.flows.home import Home
from holdfast.metrics import accounts
from holdfast.metrics.accounts import AccountRow
from holdfast.metrics.standing import Standing as Stands
from holdfast.sources.access import Access
from holdfast.sources.problems import explained
from holdfast.sources.shelf import sources
from holdfast.sources.source import Source
from holdfast.warehouse.records import Records

log = logging.getLogger("holdfast.writeback")

#: rows written at once; accounts looked up at once
AT_ONCE, LOOKED_UP = 100, 500
TRIES = 5
#: waiting time after the first, second… failure
BACK_OFF = tuple(timedelta(minutes=minutes) for minutes in (1, 5, 30, 120))
#: a hand-off takes seconds, or minutes where the other system lets us wait; one that is under way for so long is not
STALE_AFTER = timedelta(minutes=30)
CRASHED = "Holdfast stopped each time while this was written; look at its log"
MATCHED = (Party.MATCHED, Party.CONFIRMED)

#: a field's text in the other system; None: empty
Values = dict[str, str | None]


@dataclass(frozen=True)
class Known:
    """What a field may be made of."""

    row: AccountRow
    records: Records
    #: titles of the open CTAs, the gravest first; None: a person or program wrote it
    ctas: Sequence[str | None] = ()

    def money(self, minor: int) -> str:
        return f"{major(minor, self.records.currency):f}"

    def stands(self, tell: Callable[[Stands], str | None]) -> str | None:
        """Something of how the account stands by the watch; None where it is not watched."""
        return tell(self.row.standing) if self.row.standing else None


def _nrr(known: Known) -> str | None:
    """MRR in percent of that of twelve months ago, one decimal."""
    before = known.row.mrr_year_ago_minor
    if before <= 0:
        return None
    tenths = half_even(Fraction(known.row.mrr_minor * 1000, before))
    return f"{tenths // 10}.{tenths % 10}"


def _renewal(known: Known) -> str | None:
    return known.row.renewal_on.isoformat() if known.row.renewal_on else None


def _health(known: Known) -> str | None:
    return known.stands(lambda stands: None if stands.health is None else f"{stands.health:.1f}")


def _risk(known: Known) -> str | None:
    """The chance of leaving within 90 days in percent, one decimal."""
    return known.stands(lambda stands: None if stands.churn_90 is None else f"{100 * stands.churn_90:.1f}")


def _at_risk(known: Known) -> str | None:
    return known.stands(lambda stands: None if stands.at_risk_minor is None else known.money(stands.at_risk_minor))


def _top_cta(known: Known) -> str | None:
    """The title that signals gave: what people write stays in the house."""
    return next((title for title in known.ctas if title), None)


#: how each field is worked out, by its name in sources.crm.WRITTEN
FIELDS: dict[str, Callable[[Known], str | None]] = {
    "holdfast_mrr": lambda known: known.money(known.row.mrr_minor),
    "holdfast_arr": lambda known: known.money(12 * known.row.mrr_minor),
    "holdfast_nrr": _nrr,
    "holdfast_renewal_date": _renewal,
    "holdfast_health": _health,
    "holdfast_health_band": lambda known: known.stands(lambda stands: stands.band),
    "holdfast_risk": _risk,
    "holdfast_mrr_at_risk": _at_risk,
    "holdfast_open_ctas": lambda known: str(len(known.ctas)),
    "holdfast_top_cta": _top_cta,
    "holdfast_as_of": lambda known: known.records.as_of.isoformat(),
}


@dataclass
class Standing:
    """How far a connection's write-back is."""

    due: int = 0
    done: int = 0
    failed: int = 0
    last_done_at: datetime | None = None
    #: the other system's id and what is wrong, of the first that failed or wait to be tried again
    problems: list[tuple[str, str]] = field(default_factory=list)


# -- what is to be said --------------------------------------------------------------------------------------


def stamp(home: Home) -> tuple[Any, ...]:
    """Changes whenever there may be something new to say."""
    current, watch = published(home), watched.current(home)
    parties = Party.objects.filter(state__in=MATCHED, is_gone=False).aggregate(Count("pk"), Max("decided_at"))
    wanting = tuple(connection.pk for connection, _ in _connections())
    ctas = Cta.objects.aggregate(Count("pk"), Count("closed_at"), Max("pk"))
    seen = (watch.number, watch.watched_at) if watch else None
    return (current.generation if current else 0, *parties.values(), wanting, seen, *ctas.values())


def due(home: Home, now: datetime) -> int:
    """Compare what each matched account is to be told with what it was told; how many rows became due."""
    if published(home) is None:
        return 0
    count = 0
    for connection, _ in _connections():
        with open_records(home) as records:
            records.see(_watch_file(home))
            wanted = dict(_wanted(connection, records))
        with transaction.atomic():
            take_turn()
            changed = _changed(connection, wanted, now)
            if changed:
                AuditEntry.add(
                    "queued write-back", connection.name, now, accounts=changed, fields=list(FIELDS)
                )  # fmt: skip
        count += changed
    return count


def _watch_file(home: Home) -> Path | None:
    """The watch that is published."""
    watch = watched.current(home)
    path = watched.folder(home, watch.number) / watched.WATCH_FILE if watch else None
    return path if path and path.exists() else None


def _connections() -> Iterator[tuple[Connection, Source]]:
    """Connections that ask for it."""
    for connection in Connection.objects.live().filter(is_paused=False).order_by("pk"):
        source = sources().get(connection.source)
        if source is not None and source.write is not None and connection.settings.get("write_back") == "yes":
            yield connection, source


def _wanted(connection: Connection, records: Records) -> Iterator[tuple[str, Values]]:
    """Of each matched account of a system, what it is to be told."""
    parties = Party.objects.filter(system=connection.name, state__in=MATCHED, is_gone=False).exclude(account_id="")
    pairs = list(parties.order_by("pk").values_list("external_id", "account_id"))
    for start in range(0, len(pairs), LOOKED_UP):
        some = pairs[start : start + LOOKED_UP]
        ids = list({account_id for _, account_id in some})
        where = accounts.Where()
        where.add("account_id in (select unnest(?::varchar[]))", ids)
        rows = {row.account_id: row for row in accounts.some(records, where, "account_id", len(ids))}
        ctas = _ctas(ids)
        for external_id, account_id in some:
            if account_id in rows:
                known = Known(rows[account_id], records, ctas.get(account_id, ()))
                yield external_id, {name: value(known) for name, value in FIELDS.items()}


def _ctas(ids: Sequence[str]) -> dict[str, list[str | None]]:
    """By account the titles of its open CTAs, the gravest first."""
    found: dict[str, list[str | None]] = {}
    rows = Cta.objects.unclosed().filter(account_id__in=ids).order_by("-severity", "priority", "-at_stake_minor", "pk")
    for account_id, title, is_own in rows.values_list("account_id", "title", "is_own"):
        found.setdefault(account_id, []).append(None if is_own else title)
    return found


def _changed(connection: Connection, wanted: Mapping[str, Values], now: datetime) -> int:
    """Make the rows say what is wanted; how many are due by it."""
    there = {row.external_id: row for row in WriteBack.objects.filter(connection=connection)}
    emptied = _emptied(connection, [row for key, row in there.items() if key not in wanted])
    news = {key: values for key, values in wanted.items() if key not in there or there[key].values != values} | emptied
    WriteBack.objects.bulk_create(
        (
            WriteBack(connection=connection, external_id=key, values=values, state="due", changed_at=now)
            for key, values in news.items()
        ),
        batch_size=LOOKED_UP,
        update_conflicts=True,
        unique_fields=["connection", "external_id"],
        # when it was last done is kept
        update_fields=["values", "state", "changed_at", "attempts", "next_try_at", "problem"],
    )
    return len(news)


def _emptied(connection: Connection, rows: Sequence[WriteBack]) -> dict[str, Values]:
    """Accounts that are not matched any more and were told numbers: these are taken back. The other rows go.

    Those of which nothing was ever written need nothing, nor do those that the other system deleted.
    """
    live = Party.objects.filter(system=connection.name, is_gone=False).values_list("external_id", flat=True)
    # one that was tried may have arrived, whatever became of us
    told = {row.external_id for row in rows if row.attempts or row.done_at is not None}
    keep = told & set(live)
    gone = [row.pk for row in rows if row.external_id not in keep]
    for start in range(0, len(gone), LOOKED_UP):
        WriteBack.objects.filter(pk__in=gone[start : start + LOOKED_UP]).delete()
    return {
        row.external_id: dict.fromkeys(row.values)
        for row in rows
        if row.external_id in keep and any(value is not None for value in row.values.values())
    }


# -- saying it -----------------------------------------------------------------------------------------------


def bring(home: Home, now: datetime) -> int:
    """All of it, once: what is to be said is found, and said; how many rows were taken up. Another that is at it is left to it."""
    with connections.alone(home, "write-back") as mine:
        if not mine:
            return 0
        recover(now)
        due(home, now)
        count = 0
        while taken := deliver(now):
            count += taken
        return count


def is_wanted() -> bool:
    """Whether any connection asks for it."""
    return any(True for _ in _connections())


def is_waiting(now: datetime) -> bool:
    """Whether something is due to be said by now."""
    live = [connection.pk for connection, _ in _connections()]
    ready = Q(next_try_at=None) | Q(next_try_at__lte=now)
    return bool(live) and WriteBack.objects.filter(ready, connection__in=live, state="due").exists()


def deliver(now: datetime, limit: int = AT_ONCE) -> int:
    """Write what is due, one batch for each connection; how many rows were taken up."""
    count = 0
    for connection, source in _connections():
        taken = _claim(connection, now, limit)
        if taken:
            _hand_off(connection, source, taken, now)
        count += len(taken)
    return count


def recover(now: datetime) -> int:
    """What was being written when the last process ended is due again; only where nobody else can be at it."""
    return WriteBack.objects.filter(state="sending").update(state="due", next_try_at=now)


def again(connection: Connection, now: datetime) -> int:
    """Try what failed once more, because somebody asked for it."""
    return WriteBack.objects.filter(connection=connection, state="failed").update(
        state="due", attempts=0, next_try_at=now
    )


def standing(connection: Connection, shown: int = 20) -> Standing:
    """How far a connection's write-back is, for who looks after it."""
    rows = WriteBack.objects.filter(connection=connection)
    counts = dict(rows.values_list("state").annotate(Count("pk")).order_by())
    troubled = rows.exclude(problem="").order_by("-state", "pk").values_list("external_id", "problem")[:shown]
    return Standing(
        counts.get("due", 0) + counts.get("sending", 0), counts.get("done", 0), counts.get("failed", 0),
        rows.aggregate(Max("done_at"))["done_at__max"], list(troubled),
    )  # fmt: skip


def _claim(connection: Connection, now: datetime, limit: int) -> list[WriteBack]:
    """Take up what is due, and what somebody took up who is not there any more."""
    waits = Q(state="due") & (Q(next_try_at=None) | Q(next_try_at__lte=now))
    stale = Q(state="sending", next_try_at__lte=now)
    rows = WriteBack.objects.filter(connection=connection)
    with transaction.atomic():
        take_turn()
        rows.filter(stale, attempts__gte=TRIES).update(state="failed", problem=CRASHED)
        keys = list(rows.filter(waits | stale).order_by("changed_at", "pk").values_list("pk", flat=True)[:limit])
        WriteBack.objects.filter(pk__in=keys).update(
            state="sending", attempts=F("attempts") + 1, next_try_at=now + STALE_AFTER
        )
        return list(WriteBack.objects.filter(pk__in=keys).order_by("pk"))


def _hand_off(connection: Connection, source: Source, taken: Sequence[WriteBack], now: datetime) -> None:
    """Write one batch, and write down what became of each row."""
    assert source.write is not None
    try:
        access = Access(connection.settings, connection.secrets)
        problems = source.write(access, {row.external_id: row.values for row in taken})
    except Exception as error:
        # whatever it is, it must not keep other connections waiting
        told = explained(error, source)
        log.warning("write-back to %s failed: %s", connection.name, told.problem)
        for row in taken:
            _failed(row, f"{told.problem}. {told.remedy}", now)
        _postpone(connection, max(row.attempts for row in taken), now)
        return
    for row in taken:
        if row.external_id in problems:
            _failed(row, f"{source.title} refused it: {problems[row.external_id]}", now)
    written = [row for row in taken if row.external_id not in problems]
    _settle(written, state="done", done_at=now, attempts=0, next_try_at=None, problem="")
    log.info("wrote back %s accounts to %s, %s refused", len(taken) - len(problems), connection.name, len(problems))


def _failed(row: WriteBack, problem: str, now: datetime) -> None:
    """It waits for its next turn, or has failed for good."""
    if row.attempts >= TRIES:
        _settle([row], state="failed", next_try_at=None, problem=problem)
    else:
        _settle([row], state="due", next_try_at=now + BACK_OFF[row.attempts - 1], problem=problem)


def _settle(rows: Sequence[WriteBack], **columns: Any) -> None:
    """Write down what became of rows; one that was to say something else meanwhile stays due."""
    for changed_at in {row.changed_at for row in rows}:
        keys = [row.pk for row in rows if row.changed_at == changed_at]
        WriteBack.objects.filter(pk__in=keys, state="sending", changed_at=changed_at).update(**columns)


def _postpone(connection: Connection, attempts: int, now: datetime) -> None:
    """Where nothing can be written, what waits behind waits too."""
    later = now + BACK_OFF[min(attempts, len(BACK_OFF)) - 1]
    behind = WriteBack.objects.filter(
        Q(next_try_at=None) | Q(next_try_at__lt=later), connection=connection, state="due"
    )
    behind.update(next_try_at=later)
