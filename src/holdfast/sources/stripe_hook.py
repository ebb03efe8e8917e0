"""Stripe's webhooks: signed by a secret, not older than five minutes, each an event as it is also listed."""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Mapping
from datetime import datetime

from holdfast.sources.access import Access
from holdfast.sources.source import Hook, SourceError
from holdfast.sources.stripe_api import ADDRESS, told_object, whole_lines

#: a signature older (or newer) than this, in seconds, is not taken
TOLERANCE = 300


def hook(access: Access, body: bytes, headers: Mapping[str, str], now: datetime) -> Hook | None:
    """The event of a webhook; None where it tells nothing that is kept. SourceError: it is not Stripe's."""
    secrets = [part for part in access.value("webhook_secret").replace(",", " ").split() if part]
    if not secrets:
        raise SourceError(
            "no signing secret is known for Stripe's webhooks", "add it to the connection; it begins with whsec_"
        )
    verify(body, headers.get("stripe-signature", ""), secrets, now)
    try:
        event = json.loads(body)
    except ValueError as error:
        raise SourceError("the webhook is not JSON", "send it as Stripe sends it") from error
    if not isinstance(event, dict) or not event.get("id") or event.get("object") != "event":
        raise SourceError("the webhook is not an event", "let the endpoint send snapshot events")
    obj = told_object(event)
    if obj is None:
        return None
    if obj.get("object") in ("invoice", "credit_note") and (access.value("base_url") or ADDRESS):
        event = {**event, "data": {**event["data"], "object": whole_lines(access, obj)}}
    return Hook(str(event["id"]), "events", event)


def verify(body: bytes, header: str, secrets: list[str], now: datetime) -> None:
    """SourceError: none of the signatures is by one of the secrets, or it is too old. While a secret is rolled over, two are good."""
    parts = [part.partition("=") for part in header.split(",")]
    stamps = [value for name, _, value in parts if name.strip() == "t"]
    given = [value.strip() for name, _, value in parts if name.strip() == "v1"]
    if len(stamps) != 1 or not stamps[0].strip().isdigit() or not given:
        raise SourceError(
            "the webhook is not signed", "it must come from Stripe, through nothing that drops its headers"
        )
    stamp = stamps[0].strip()
    told = [hmac.new(secret.encode(), stamp.encode() + b"." + body, hashlib.sha256).hexdigest() for secret in secrets]
    # every pair is compared, so that the time it takes says nothing
    matches = [hmac.compare_digest(one.encode(), other.encode()) for one in told for other in given]
    if not any(matches):
        raise SourceError("the webhook's signature is not by our signing secret", "copy the endpoint's secret anew")
    if abs(now.timestamp() - int(stamp)) > TOLERANCE:
        raise SourceError("the webhook is older than five minutes", "see whether the clock of this machine is right")
