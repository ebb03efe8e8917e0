"""What every page's frame shows: the menu, the company, the theme, how fresh the numbers are."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.http import HttpRequest

from holdfast.flows.home import HomeError
from holdfast.web import answers, nav
from holdfast.web.lens import LENGTHS

THEMES = {"light": "holdfast", "dark": "holdfast-dark"}


def shell(request: HttpRequest) -> dict[str, Any]:
    """The frame's values; a page that could not be matched gets them, too."""
    told: dict[str, Any] = {"theme": THEMES.get(request.COOKIES.get("theme", ""), "")}
    if not getattr(request, "user", None) or not request.user.is_authenticated:
        return told | {"company": _company()}
    match = request.resolver_match
    told["here"] = (match.url_name or "") if match else ""
    told["nav"] = nav.entries_for(request.user)
    told["company"] = _company()
    told["lens_lengths"] = LENGTHS
    told["published"] = current = answers.current()
    if current:
        told["booked_at"] = datetime.fromisoformat(current.booked_at)
        told["now"] = answers.now()
        home = answers.home()
        told["complete_from"] = home.complete_from
        told["incomplete_accounts"] = sum(map(len, home.incomplete.values()))
    return told


def _company() -> str:
    try:
        return answers.home().settings.company
    except HomeError:
        return ""
