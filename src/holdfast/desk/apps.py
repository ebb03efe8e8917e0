"""The Django app."""

from __future__ import annotations

from django.apps import AppConfig
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.backends.signals import connection_created


def _careful(sender: object, connection: BaseDatabaseWrapper, **_: object) -> None:
    """SQLite: what is committed survives a crash of the machine, too."""
    if connection.vendor == "sqlite":
        with connection.cursor() as cursor:
            cursor.execute("pragma synchronous = normal")


class DeskConfig(AppConfig):
    """Named `desk` in every migration and permission."""

    name = "holdfast.desk"
    label = "desk"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        connection_created.connect(_careful, dispatch_uid="desk.careful")
