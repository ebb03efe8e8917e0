"""Every address needs a right, and states it where the address is written down. An address without one is refused.

urls = [page("revenue/", bridge, "revenue", needs="numbers")]
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.http import HttpRequest, HttpResponseBase
from django.urls import URLPattern, path

from holdfast.desk import roles
from holdfast.desk.models import BookSettings, User
from holdfast.web import addresses, owners

View = Callable[..., HttpResponseBase]

addresses.teach()

#: needs no sign-in
PUBLIC = "public"

#: open to nobody: pages of the sign-in library that Holdfast does without (people are invited, admins change addresses)
CLOSED = "closed"

#: addresses of the sign-in library, by name: the right that each needs
LIBRARY = {
    "account_login": PUBLIC, "account_logout": "self", "account_inactive": PUBLIC, "account_reauthenticate": "self",
    "account_change_password": "self", "account_set_password": "self",
    "account_reset_password": PUBLIC, "account_reset_password_done": PUBLIC, "account_reset_password_from_key": PUBLIC,
    "account_reset_password_from_key_done": PUBLIC,
    "account_signup": CLOSED, "account_email": CLOSED, "account_confirm_email": CLOSED,
    "account_email_verification_sent": CLOSED, "account_confirm_login_code": CLOSED, "socialaccount_signup": CLOSED,
    "mfa_index": "self", "mfa_authenticate": PUBLIC, "mfa_reauthenticate": "self",
    "mfa_activate_totp": "self", "mfa_deactivate_totp": "self", "mfa_view_recovery_codes": "self",
    "mfa_generate_recovery_codes": "self", "mfa_download_recovery_codes": "self", "mfa_list_webauthn": "self",
    "mfa_add_webauthn": "self", "mfa_remove_webauthn": "self", "mfa_edit_webauthn": "self",
    "mfa_reauthenticate_webauthn": "self", "mfa_login_webauthn": PUBLIC,
    "usersessions_list": "self", "openid_connect_login": PUBLIC, "openid_connect_callback": PUBLIC,
    "socialaccount_login_cancelled": PUBLIC, "socialaccount_login_error": PUBLIC, "socialaccount_connections": "self",
}  # fmt: skip


def page(route: str, view: View, name: str, *, needs: str, **extra: Any) -> URLPattern:
    """An address with the right that it needs. KeyError: there is no such right."""
    if needs != PUBLIC:
        assert needs in roles.RIGHTS, f"{name}: there is no right '{needs}'"
    pattern = path(route, view, extra, name=name)
    pattern.holdfast_right = needs  # type: ignore[attr-defined]
    return pattern


def may(user: Any, right: str, account_id: str | None = None) -> bool:
    """Whether a signed-in person has a right, over one account where the right is over one."""
    everything = _reads_all(user)
    if right in roles.OVER_ONE_ACCOUNT and account_id is not None:
        own = user.role == "csm" and owners.carries(user, account_id)
        if user.role == "csm" and not own and right in roles.BY_ASSIGNMENT:
            own = owners.is_assigned(user, account_id)
        return roles.may_over(user.role, right, own=own, csm_reads_all=everything)
    return roles.may(user.role, right, csm_reads_all=everything)


def _reads_all(user: Any) -> bool:
    """Whether the person is a CSM and CSMs may read all; asked once a request, which has a user object of its own."""
    if user.role != "csm":
        return False
    if not hasattr(user, "reads_all_books"):
        user.reads_all_books = BookSettings.now().csm_reads_all
    return bool(user.reads_all_books)


def book_of(user: Any) -> frozenset[str] | None:
    """The owner names whose accounts a person may read; None: everybody's."""
    if user.role != "csm" or _reads_all(user):
        return None
    return frozenset({user.owner_name}) if user.owner_name else frozenset()


def allowed(request: HttpRequest, right: str) -> bool:
    """Whether the request's person has the right that its address needs."""
    if right in (PUBLIC, CLOSED):
        return right == PUBLIC
    match = request.resolver_match
    account_id = match.kwargs.get("account_id") if match else None
    return may(request.user, right, account_id)


def person(request: HttpRequest) -> User:
    """Who is signed in; the gate has let nobody else through."""
    assert isinstance(request.user, User), "the gate lets only people through"
    return request.user
