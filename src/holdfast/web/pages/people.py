"""People: who signs in with which role, who is asked in, and the page where an invitation is taken up."""

from __future__ import annotations

from typing import Any

from allauth.account.forms import default_token_generator
from allauth.account.utils import user_pk_to_url_str
from django import forms
from django.contrib.auth import login
from django.contrib.auth.password_validation import password_validators_help_texts, validate_password
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponseBase
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_POST

from holdfast.desk import roles
from holdfast.desk.models import Invitation, User
from holdfast.flows import people as flow
from holdfast.web import answers, doing, errors
from holdfast.web.pages.setup import shown
from holdfast.web.rights import PUBLIC, page

BACKEND = "allauth.account.auth_backends.AuthenticationBackend"


def people(request: HttpRequest) -> HttpResponseBase:
    """Everybody who can sign in, who could, and who is asked in."""
    now = answers.now()
    waiting = [
        (one, one.is_open(now))
        for one in Invitation.objects.filter(accepted_at=None, withdrawn_at=None)
        .select_related("invited_by")
        .order_by("-id")
    ]
    told: dict[str, Any] = {
        "people": _with_security(), "invitations": waiting, "roles": roles.ROLES, "owners": _owner_names(),
        "link": request.session.pop("shown_link", None), "mail_ready": _mail_ready(),
    }  # fmt: skip
    return shown(request, "web/people/people.html", "setup_people", **told)


def _with_security() -> list[tuple[User, bool]]:
    """People, the active ones first, and whether each has a second factor or a passkey."""
    from allauth.mfa.models import Authenticator

    safe = set(Authenticator.objects.exclude(type="recovery_codes").values_list("user_id", flat=True))
    return [(user, user.pk in safe) for user in User.objects.order_by("-is_active", "name", "email")]


def _owner_names() -> list[str]:
    if answers.current() is None:
        return []
    return [
        str(row[0])
        for row in answers.records().rows("select distinct owner from summary where owner is not null order by 1")
    ]


def _mail_ready() -> bool:
    from django.conf import settings

    return bool(settings.MAIL_READY)


@require_POST
def invite(request: HttpRequest) -> HttpResponseBase:
    """Ask somebody in; the link is shown once."""
    given = request.POST
    link = request.build_absolute_uri(reverse("join", args=["SECRET"])).replace("SECRET", "{secret}")
    try:
        made, address = flow.invite(
            doing.actor(request),
            given.get("email", ""),
            given.get("role", ""),
            name=given.get("name", ""),
            owner_name=given.get("owner", ""),
            link=link,
        )
    except flow.PeopleError as error:
        doing.say(request, "bad", f"Not invited: {error}.")
    else:
        request.session["shown_link"] = {
            "title": f"The link for {made.email}",
            "address": address,
            "what": "It works once, for 14 days.",
        }
    return doing.see("setup_people")


@require_POST
def withdraw(request: HttpRequest, invitation_id: int) -> HttpResponseBase:
    """Make an invitation's link void."""
    invitation = get_object_or_404(Invitation, pk=invitation_id)
    return _done(
        request,
        lambda: flow.withdraw(doing.actor(request), invitation),
        f"The invitation of {invitation.email} is withdrawn.",
    )


@require_POST
def change(request: HttpRequest, user_id: int) -> HttpResponseBase:
    """Another role, another owner name."""
    user, by, given = get_object_or_404(User, pk=user_id), doing.actor(request), request.POST

    def work() -> None:
        flow.change_role(by, user, given.get("role", user.role))
        if "owner" in given:
            flow.link_owner(by, user, given["owner"])

    return _done(request, work, f"{user} is saved.")


@require_POST
def deactivate(request: HttpRequest, user_id: int) -> HttpResponseBase:
    """Let somebody go."""
    user = get_object_or_404(User, pk=user_id)
    return _done(
        request,
        lambda: flow.deactivate(doing.actor(request), user),
        f"{user} cannot sign in any more, and is signed out everywhere.",
    )


@require_POST
def activate(request: HttpRequest, user_id: int) -> HttpResponseBase:
    """Let somebody back in."""
    user = get_object_or_404(User, pk=user_id)
    return _done(request, lambda: flow.activate(doing.actor(request), user), f"{user} can sign in again.")


@require_POST
def password_link(request: HttpRequest, user_id: int) -> HttpResponseBase:
    """A link by which somebody sets a new password, shown once; for those whom no mail reaches."""
    user = get_object_or_404(User, pk=user_id, is_active=True)
    path = reverse(
        "account_reset_password_from_key",
        kwargs={"uidb36": user_pk_to_url_str(user), "key": default_token_generator.make_token(user)},
    )
    doing.log(request, "made password link", user.email)
    request.session["shown_link"] = {
        "title": f"A new password for {user.email}", "address": request.build_absolute_uri(path),
        "what": "It works once, for three days. Send it to nobody else.",
    }  # fmt: skip
    return doing.see("setup_people")


def _done(request: HttpRequest, work: Any, text: str) -> HttpResponseBase:
    try:
        work()
    except flow.PeopleError as error:
        doing.say(request, "bad", f"That was not done: {error}.")
    else:
        doing.say(request, "good", text)
    return doing.see("setup_people")


# -- taking up an invitation ---------------------------------------------------------------------------------


class Joining(forms.Form):
    """Name and password of somebody who joins."""

    name = forms.CharField(
        max_length=120,
        label="Your name",
        widget=forms.TextInput(attrs={"class": "input w-full", "autocomplete": "name"}),
    )
    password = forms.CharField(
        label="Password",
        strip=False,
        widget=forms.PasswordInput(
            attrs={"class": "input w-full", "autocomplete": "new-password", "aria-describedby": "password-rules"}
        ),
    )

    def __init__(self, *args: Any, email: str = "", **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.address = email

    def clean_password(self) -> str:
        password = str(self.cleaned_data["password"])
        validate_password(password, User(email=self.address, name=self.cleaned_data.get("name", "")))
        return password


@sensitive_post_parameters("password")
def join(request: HttpRequest, secret: str) -> HttpResponseBase:
    """Take up an invitation: a name, a password, and in."""
    now = answers.now()
    invitation = Invitation.open_for(secret, now)
    if invitation is None:
        return errors.shown(
            request,
            404,
            "This invitation is over",
            "It was used or withdrawn, or is older than 14 days. Ask who invited you for a new one.",
        )
    form = Joining(request.POST or None, email=invitation.email, initial={"name": invitation.name})
    if request.method == "POST" and form.is_valid():
        try:
            user = flow.accept(
                invitation, form.cleaned_data["name"], form.cleaned_data["password"], doing.actor(request)
            )
        except flow.PeopleError as error:
            form.add_error(None, ValidationError(f"Not joined: {error}."))
        else:
            sign_in(request, user)
            return doing.see("home")
    return render(
        request, "web/people/join.html", {"form": form, "invitation": invitation, "role": roles.ROLES[invitation.role],
         "rules": password_validators_help_texts()},
        status=400 if form.errors else 200,
    )  # fmt: skip


def sign_in(request: HttpRequest, user: User) -> None:
    """Sign somebody in who has just set a password."""
    from allauth.account.internal.flows.login import record_authentication

    login(request, user, backend=BACKEND)
    record_authentication(request, user, "password", email=user.email)


urls = [
    page("setup/people/", people, "setup_people", needs="setup"),
    page("setup/people/invite/", invite, "setup_invite", needs="setup"),
    page("setup/people/<int:user_id>/", change, "setup_person", needs="setup"),
    page("setup/people/<int:user_id>/deactivate/", deactivate, "setup_deactivate", needs="setup"),
    page("setup/people/<int:user_id>/activate/", activate, "setup_activate", needs="setup"),
    page("setup/people/<int:user_id>/password-link/", password_link, "setup_password_link", needs="setup"),
    page("setup/invitations/<int:invitation_id>/withdraw/", withdraw, "setup_withdraw", needs="setup"),
    page("join/<str:secret>/", join, "join", needs=PUBLIC),
]
