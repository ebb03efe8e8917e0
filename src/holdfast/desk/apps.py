"""The Django app."""

from __future__ import annotations

from django.apps import AppConfig


class DeskConfig(AppConfig):
    """Named `desk` in every migration and permission."""

    name = "holdfast.desk"
    label = "desk"
    default_auto_field = "django.db.models.BigAutoField"
