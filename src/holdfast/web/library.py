"""The addresses of the sign-in library, with sign-in at /sign-in/. Their rights are in `rights.LIBRARY`."""

from __future__ import annotations

from typing import Any

from allauth.account import urls as account
from allauth.account.views import login
from allauth.urls import build_provider_urlpatterns
from django.urls import include, path

urls: list[Any] = [
    path("sign-in/", login, name="account_login"),
    *(pattern for pattern in account.urlpatterns if pattern.name != "account_login"),
    path("2fa/", include("allauth.mfa.urls")),
    path("3rdparty/", include("allauth.socialaccount.urls")),
    *build_provider_urlpatterns(),
    path("sessions/", include("allauth.usersessions.urls")),
]
