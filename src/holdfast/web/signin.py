"""Signing in: nobody joins without an invitation; single sign-on lets in those who are invited or known."""

from __future__ import annotations

import secrets
from typing import Any

from allauth.account.adapter import DefaultAccountAdapter
from allauth.account.signals import password_changed, password_reset, password_set
from allauth.core import context as library_context
from allauth.core.exceptions import ImmediateHttpResponse
from allauth.socialaccount.adapter import DefaultSocialAccountAdapter
from django.contrib.sites.shortcuts import get_current_site
from django.dispatch import receiver
from django.http import HttpRequest

from holdfast.desk.models import AuditEntry, Invitation, Mail, User
from holdfast.flows import outbox, people
from holdfast.web import answers, errors


class Adapter(DefaultAccountAdapter):  # type: ignore[misc]
    """The sign-in library's questions, answered for Holdfast."""

    def is_open_for_signup(self, request: HttpRequest) -> bool:
        return False

    def send_mail(self, template_prefix: str, email: str, context: dict[str, Any]) -> None:
        """Mail of the library waits among all mail; delivery is the same for all."""
        request = library_context.request
        letter = self.render_mail(
            template_prefix, email, context | {"request": request, "current_site": get_current_site(request)}
        )
        kind, now = template_prefix.rpartition("/")[2], answers.now()
        Mail.objects.create(
            effect_key=f"{kind}:{secrets.token_hex(12)}", kind=kind[:30], to=email, subject=letter.subject[:250], text=str(letter.body),
            due_at=now, created_at=now,
        )  # fmt: skip

    def login(self, request: HttpRequest, user: User) -> None:
        super().login(request, user)
        AuditEntry.add("signed in", user.email, answers.now(), user=user, address=self.get_client_ip(request))

    def authentication_failed(self, request: HttpRequest, **credentials: Any) -> None:
        super().authentication_failed(request, **credentials)
        email = str(credentials.get("email", ""))[:200]
        AuditEntry.add("sign-in failed", email, answers.now(), address=self.get_client_ip(request))


class SocialAdapter(DefaultSocialAccountAdapter):  # type: ignore[misc]
    """Single sign-on: an open invitation is taken up by the first sign-in with its address."""

    def is_open_for_signup(self, request: HttpRequest, sociallogin: Any) -> bool:
        return _invitation(sociallogin) is not None

    def is_auto_signup_allowed(self, request: HttpRequest, sociallogin: Any) -> bool:
        return True

    def pre_social_login(self, request: HttpRequest, sociallogin: Any) -> None:
        if (
            not sociallogin.is_existing
            and not User.objects.filter(email=_email(sociallogin)).exists()
            and not _invitation(sociallogin)
        ):
            raise ImmediateHttpResponse(
                errors.shown(
                    request,
                    403,
                    "Not invited yet",
                    f"{_email(sociallogin)} has no invitation. Ask an admin to invite this address under Setup → People.",
                )
            )

    def save_user(self, request: HttpRequest, sociallogin: Any, form: Any = None) -> User:
        invitation = _invitation(sociallogin)
        assert invitation is not None
        user: User = sociallogin.user
        user.email, user.role, user.owner_name = invitation.email, invitation.role, invitation.owner_name
        user.name = invitation.name or str(sociallogin.account.extra_data.get("name", ""))[:120]
        saved: User = super().save_user(request, sociallogin, form)
        people.take_up(invitation, answers.now())
        return saved

    def populate_user(self, request: HttpRequest, sociallogin: Any, data: dict[str, Any]) -> User:
        user: User = sociallogin.user
        user.email = (data.get("email") or "").lower()
        return user


def _email(sociallogin: Any) -> str:
    for address in sociallogin.email_addresses:
        if address.verified:
            return str(address.email).lower()
    return ""


def _invitation(sociallogin: Any) -> Invitation | None:
    email = _email(sociallogin)
    found = (
        Invitation.objects.filter(email=email, accepted_at=None, withdrawn_at=None).order_by("-id").first()
        if email
        else None
    )
    return found if found and found.is_open(answers.now()) else None


@receiver((password_reset, password_changed, password_set))
def forget_links(user: User, **_: Any) -> None:
    """A new password makes every link for another one void."""
    outbox.void(Mail.objects.filter(to__iexact=user.email, kind__startswith="password_reset"))
