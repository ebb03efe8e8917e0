"""The account's open CTAs, and the way to a new one."""

from __future__ import annotations

from django.http import HttpRequest
from django.template.loader import render_to_string
from django.utils.safestring import SafeString

from holdfast.flows import ctas_listed as listed
from holdfast.web import answers, rights
from holdfast.web.pages import cta_parts as parts

ORDER = 10


def panel(request: HttpRequest, account_id: str) -> SafeString | None:
    """A card; for those who only read nothing where there is nothing."""
    rows, closed = answers.looked(listed.of_account, account_id)
    works = rights.may(request.user, "cta.work", account_id)
    if not rights.may(request.user, "cta", account_id) or not (rows or works):
        return None
    lines = [parts.line(request, row, "", answers.today()) for row in rows]
    told = {"lines": lines, "closed": len(closed), "works": works, "account_id": account_id}
    return render_to_string("web/ctas/panel.html", told, request)
