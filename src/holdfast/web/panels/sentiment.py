"""What the CSM says of the account, beside what its health says: where they disagree, both are shown."""

from __future__ import annotations

from django.http import HttpRequest
from django.template.loader import render_to_string
from django.utils.safestring import SafeString

from holdfast.domain.sentiment import VALUES
from holdfast.flows import ctas_sentiment
from holdfast.web import answers, rights
from holdfast.web.pages import cta_parts as parts

ORDER = 12


def panel(request: HttpRequest, account_id: str) -> SafeString | None:
    """A card; for those who only read nothing where nothing was said."""
    said = answers.looked(ctas_sentiment.of_account, account_id)
    works = rights.may(request.user, "cta.work", account_id)
    if not said and not works:
        return None
    told = {
        "said": said[0] if said else None, "before": said[1:6], "works": works, "account_id": account_id,
        "reads_notes": rights.may(request.user, "notes", account_id), "values": VALUES,
        "apart": parts.apart(account_id, said[0].value) if said else None,
    }  # fmt: skip
    return render_to_string("web/ctas/sentiment.html", told, request)
