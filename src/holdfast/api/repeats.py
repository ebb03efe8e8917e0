"""A write under an Idempotency-Key is done once: the same call again gets the answer that is kept, for 30 days."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable
from datetime import datetime, timedelta

from django.db import IntegrityError, transaction
from django.http import HttpRequest, HttpResponse

from holdfast.api import moment
from holdfast.api.problems import Problem
from holdfast.desk.models import ApiKey, IdempotentCall
from holdfast.desk.sealing import seal, unseal

HEADER = "Idempotency-Key"
FORM = r"^[\x21-\x7e]{1,255}$"
#: a call takes seconds: one without an answer after so long was cut off
CUT_OFF_AFTER = timedelta(minutes=5)


def once(request: HttpRequest, key: ApiKey, work: Callable[[], HttpResponse]) -> HttpResponse:
    """The answer of a write, done now or earlier."""
    given = request.headers.get(HEADER)
    if given is None:
        return work()
    if not re.match(FORM, given):
        raise Problem(
            400, "the Idempotency-Key cannot be read", [(f"header.{HEADER}", "1 to 255 visible ASCII characters")]
        )
    now, fingerprint = moment.now(), _fingerprint(request)
    call = _begin(key, given, fingerprint, now)
    if isinstance(call, HttpResponse):
        return call
    try:
        response = work()
    except BaseException:
        # what is refused, or breaks, has changed nothing: the same key may be used again
        call.delete()
        raise
    call.body = seal(json.dumps({"body": response.content.decode(), "location": response.headers.get("Location")}))
    call.status = response.status_code
    call.save(update_fields=["body", "status"])
    return response


def _begin(key: ApiKey, given: str, fingerprint: str, now: datetime) -> IdempotentCall | HttpResponse:
    """The row of a call that is new, or the answer to one that is not."""
    try:
        with transaction.atomic():
            return IdempotentCall.objects.create(
                key=key, idempotency_key=given, fingerprint=fingerprint, created_at=now
            )
    except IntegrityError:
        before = IdempotentCall.objects.filter(key=key, idempotency_key=given).first()
    if before is None:
        raise Problem(409, "the same call was made at the same time; try again", headers={"Retry-After": "1"})
    if before.fingerprint != fingerprint:
        raise Problem(
            422,
            "this Idempotency-Key was used for another call; use a new one",
            [(f"header.{HEADER}", "used for another call")],
        )
    if before.status:
        return _again(before)
    if now - before.created_at > CUT_OFF_AFTER:
        raise Problem(
            409,
            "the first call was cut off, and may or may not have taken effect; look, and use a new key if it has not",
        )
    raise Problem(409, "the first call with this key is still being answered", headers={"Retry-After": "1"})


def _again(call: IdempotentCall) -> HttpResponse:
    kept = json.loads(unseal(call.body))
    response = HttpResponse(kept["body"], status=call.status, content_type="application/json")
    response["Idempotent-Replay"] = "true"
    if kept["location"]:
        response["Location"] = kept["location"]
    return response


def _fingerprint(request: HttpRequest) -> str:
    told = f"{request.method} {request.get_full_path()}\n".encode() + request.body
    return hashlib.sha256(told).hexdigest()
