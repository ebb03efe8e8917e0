"""An account's health at a glance, and the signals it has now."""

from __future__ import annotations

from django.http import HttpRequest
from django.template.loader import render_to_string
from django.utils.safestring import SafeString

from holdfast.metrics import standing
from holdfast.web import answers
from holdfast.web.pages import watch_room as room

ORDER = 8


def panel(request: HttpRequest, account_id: str) -> SafeString | None:
    """The card; nothing where the account is not watched."""
    from holdfast.web.pages.account_health import signals_of

    stands = answers.ask_records(standing.of_account, account_id)
    if stands is None:
        return None
    told = {
        "stands": stands, "account_id": account_id, "tone": room.tones().get(stands.band or "", ""),
        "signals": signals_of(account_id), "currency": answers.records().currency,
    }  # fmt: skip
    return render_to_string("web/account/health_card.html", told, request)
