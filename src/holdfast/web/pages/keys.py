"""API keys: made with scopes and shown once, when they were used last, and revoked."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponseBase
from django.shortcuts import get_object_or_404
from django.views.decorators.http import require_POST

from holdfast.desk import roles
from holdfast.desk.models import ApiKey
from holdfast.web import answers, doing
from holdfast.web.pages.setup import shown
from holdfast.web.rights import page


def keys(request: HttpRequest) -> HttpResponseBase:
    """All keys, those that work first."""
    found = ApiKey.objects.select_related("created_by").order_by("revoked_at", "-id")
    return shown(
        request,
        "web/setup/keys.html",
        "setup_keys",
        keys=found,
        scopes=roles.SCOPES,
        made=request.session.pop("shown_key", None),
    )


@require_POST
def create(request: HttpRequest) -> HttpResponseBase:
    """A new key; the next page shows it, this once."""
    name, scopes = request.POST.get("name", "").strip()[:120], request.POST.getlist("scopes")
    if not name or not scopes:
        doing.say(request, "bad", "Give the key a name that says what it is for, and at least one scope.")
        return doing.see("setup_keys")
    try:
        made, key = ApiKey.make(name, scopes, request.user, answers.now())  # type: ignore[arg-type]
    except ValueError as error:
        doing.say(request, "bad", f"No key was made: {error}.")
        return doing.see("setup_keys")
    doing.log(request, "made API key", str(made), scopes=scopes)
    request.session["shown_key"] = {"name": made.name, "key": key}
    return doing.see("setup_keys")


@require_POST
def revoke(request: HttpRequest, key_id: int) -> HttpResponseBase:
    """Make a key void."""
    key = get_object_or_404(ApiKey, pk=key_id)
    if key.revoked_at is None:
        key.revoked_at = answers.now()
        key.save(update_fields=["revoked_at"])
        doing.log(request, "revoked API key", str(key))
    doing.say(request, "good", f"{key.name} is revoked: programs that use it are refused from now on.")
    return doing.see("setup_keys")


urls = [
    page("setup/keys/", keys, "setup_keys", needs="setup"),
    page("setup/keys/create/", create, "setup_key_create", needs="setup"),
    page("setup/keys/<int:key_id>/revoke/", revoke, "setup_key_revoke", needs="setup"),
]
