"""Taking a person out of the desk: mail and invitations to them, and their address wherever a row has it in a text.

Rows stay, so that what counts them still counts right. It works on SQLite and PostgreSQL alike.
"""

from __future__ import annotations

import json
import time
from collections.abc import Collection, Iterator
from datetime import datetime
from typing import Any
from urllib.parse import quote

from django.apps import apps
from django.db import IntegrityError, connection, models, transaction
from django.db.models import F, Q, TextField
from django.db.models.functions import Cast, Lower

from holdfast.desk import sealing
from holdfast.desk.models import Cta, Erasure, IdempotentCall, Invitation, Mail, Schedule, User
from holdfast.domain.erased import ERASED, Person

#: how long the database's readers are waited for before its file is written anew, in seconds
WAIT = 20.0


def erase(person: Person, contacts: Collection[str], now: datetime, *, write: bool = True) -> dict[str, int]:
    """Take a person, who is these contacts, out of every table; rows changed by kind. Without `write` they are only counted."""
    found: dict[str, int] = {}
    with transaction.atomic():
        for name, count in (
            ("mail", _mail(person, write)),
            ("invitation", _invitations(person, now, write)),
            ("schedule", _schedules(person, write)),
            ("user", _users(person, write)),
            ("answer", _answers(person, write)),
            ("sign-in", _sign_ins(person, write)),
            ("evidence", _evidence(contacts, write)),
        ):
            found[name] = count
        for model in apps.get_models():
            if model is not Erasure and model._meta.managed and not model._meta.proxy:
                name = model._meta.model_name or ""
                count = sum(_row(model, row, person, write) for row in list(_rows_with(model, person)))
                # what was done above is counted already, and not found again; where nothing is written it is
                found[name] = max(found.get(name, 0), count) if not write else found.get(name, 0) + count
    return {name: count for name, count in sorted(found.items()) if count}


def can_sign_in(address: str) -> bool:
    """Whether the address is somebody's who signs in here."""
    return User.objects.filter(email__iexact=address, is_active=True).exists()


def rebuild() -> None:
    """Write the database's file anew, so that nothing stays in its free pages. RuntimeError: somebody reads on and on."""
    if connection.vendor != "sqlite":
        return
    until = time.monotonic() + WAIT
    with connection.cursor() as cursor:
        cursor.execute("vacuum")
        while True:
            cursor.execute("pragma wal_checkpoint(truncate)")
            if not cursor.fetchone()[0]:
                return
            if time.monotonic() > until:
                raise RuntimeError("the desk's database is being read; the erasure goes on by itself")
            time.sleep(0.2)


# -- what is to the person -------------------------------------------------------------------------------------


def _mail(person: Person, write: bool) -> int:
    """Mail to them loses its text; what waited is not sent."""
    rows = Mail.objects.filter(to__iexact=person.address)
    count = rows.count()
    if write and count:
        rows.filter(state="waiting").update(state="cancelled")
        rows.update(to=person.mark, subject="", text="", html="", attachments=[])
    return count


def _invitations(person: Person, now: datetime, write: bool) -> int:
    rows = Invitation.objects.filter(email__iexact=person.address)
    count = rows.count()
    if write and count:
        rows.filter(accepted_at=None, withdrawn_at=None).update(withdrawn_at=now)
        rows.update(email=person.mark, name="", owner_name="")
    return count


def _schedules(person: Person, write: bool) -> int:
    count = 0
    for row in Schedule.objects.all():
        left = [one for one in row.recipients if str(one).strip().lower() != person.address]
        if left != row.recipients:
            count += 1
            if write:
                Schedule.objects.filter(pk=row.pk).update(recipients=left)
    return count


def _users(person: Person, write: bool) -> int:
    """Somebody who was let go; their row stays, as the author of what they wrote."""
    rows = User.objects.filter(email__iexact=person.address, is_active=False)
    count = rows.count()
    if write and count:
        rows.update(email=person.mark, name=ERASED)
    return count


def _answers(person: Person, write: bool) -> int:
    """Kept answers of the API; they are sealed."""
    count = 0
    for row in IdempotentCall.objects.exclude(body="").iterator():
        try:
            body = sealing.unseal(row.body)
        except sealing.SealError:
            continue
        if person.is_in(body):
            count += 1
            if write:
                IdempotentCall.objects.filter(pk=row.pk).update(body=sealing.seal(person.taken_out_of_json(body)))
    return count


def _sign_ins(person: Person, write: bool) -> int:
    """Sign-ins that hold the address, in a notice to be shown; they end."""
    from django.contrib.sessions.models import Session

    found = [row.pk for row in Session.objects.iterator() if person.is_in(json.dumps(row.get_decoded(), default=str))]
    if write:
        Session.objects.filter(pk__in=found).delete()
    return len(found)


def _evidence(contacts: Collection[str], write: bool) -> int:
    """CTAs that name a contact without an address beside it: where the evidence is that contact, it loses the name."""
    count = 0
    for row in Cta.objects.exclude(evidence=[]).only("evidence").iterator():
        theirs = [one.get("table") == "contact" and one.get("row_id") in contacts for one in row.evidence]
        told = [
            {**one, "label": ERASED} if is_theirs else one for one, is_theirs in zip(row.evidence, theirs, strict=True)
        ]
        if told != row.evidence:
            count += 1
            if write:
                Cta.objects.filter(pk=row.pk).update(evidence=told)
    return count


# -- texts -------------------------------------------------------------------------------------------------------


def _fields(model: type[models.Model]) -> list[Any]:
    """The columns of a table that hold text."""
    kinds = (models.CharField, models.TextField, models.JSONField)
    return [field for field in model._meta.concrete_fields if isinstance(field, kinds) and not field.primary_key]


def _rows_with(model: type[models.Model], person: Person) -> Iterator[dict[str, Any]]:
    """Rows that have the address in any text, as it is written in texts, in links and in JSON."""
    fields = _fields(model)
    if not fields:
        return
    spellings = {
        person.address,
        quote(person.address, safe="").lower(),
        json.dumps(person.address)[1:-1].lower(),
        person.address.replace("@", "%40"),
        person.address.replace("@", "\\u0040"),
    }
    lowered = {f"lowered_{field.name}": Lower(Cast(F(field.name), TextField())) for field in fields}
    wanted = Q()
    for name in lowered:
        for spelling in spellings:
            wanted |= Q(**{f"{name}__contains": spelling})
    names = [field.name for field in fields]
    yield from model._base_manager.annotate(**lowered).filter(wanted).values("pk", *names).iterator()


def _row(model: type[models.Model], row: dict[str, Any], person: Person, write: bool) -> int:
    changed: dict[str, Any] = {}
    for field in _fields(model):
        before = row[field.name]
        if before is None:
            continue
        is_json = isinstance(field, models.JSONField)
        after = person.taken_out_of(before) if is_json else person.taken_out(before)[: field.max_length or None]
        if after != before:
            changed[field.name] = after
    if changed and write:
        rows = model._base_manager.filter(pk=row["pk"])
        try:
            with transaction.atomic():
                rows.update(**changed)
        except IntegrityError:
            # another spelling of the address has become the same row already
            rows.delete()
    return int(bool(changed))
