"""One's own profile: name, how numbers are written, the weekly digest, how one signs in, and where one is signed in."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponseBase
from django.shortcuts import get_object_or_404, render
from django.views.decorators.http import require_POST

from holdfast.charts import numbers
from holdfast.web import doing
from holdfast.web.rights import page


def profile(request: HttpRequest) -> HttpResponseBase:
    """Read and change it."""
    user = request.user
    assert user.is_authenticated
    if request.method == "POST":
        user.name = request.POST.get("name", "").strip()[:120]
        locale = request.POST.get("locale", "")
        user.locale = locale if locale in numbers.LOCALES else ""
        user.weekly_digest = request.POST.get("weekly_digest") == "on"
        user.save(update_fields=["name", "locale", "weekly_digest"])
        doing.say(request, "good", "Profile saved.")
        return doing.see("profile")
    from allauth.mfa.models import Authenticator
    from allauth.socialaccount.models import SocialAccount
    from allauth.usersessions.models import UserSession

    kinds = list(Authenticator.objects.filter(user=user).values_list("type", flat=True))
    sessions = UserSession.objects.purge_and_list(user)
    context = {
        "locales": numbers.LOCALES, "sample": 123456789, "has_totp": "totp" in kinds, "passkeys": kinds.count("webauthn"),
        "has_codes": "recovery_codes" in kinds, "has_password": user.has_usable_password(), "sso": SocialAccount.objects.filter(user=user).exists(),
        "sessions": sorted(sessions, key=lambda one: (not one.is_current(), -one.last_seen_at.timestamp())), "section": "profile",
    }  # fmt: skip
    return render(request, "web/profile/profile.html", context)


@require_POST
def end_session(request: HttpRequest, session_id: int) -> HttpResponseBase:
    """Sign oneself out somewhere else."""
    from allauth.usersessions.models import UserSession

    session = get_object_or_404(UserSession, pk=session_id, user=request.user)
    session.end()
    doing.log(request, "ended session", str(session)[:200])
    doing.say(request, "good", "Signed out there.")
    return doing.see("profile")


urls = [
    page("profile/", profile, "profile", needs="self"),
    page("profile/sessions/<int:session_id>/end/", end_session, "profile_session_end", needs="self"),
]
