"""The pages as a Django app, so that templates and tags are found."""

from __future__ import annotations

from django.apps import AppConfig


class WebConfig(AppConfig):
    """Pages; it has no rows of its own."""

    name = "holdfast.web"
    label = "web"
