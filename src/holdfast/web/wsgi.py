"""What the server runs."""

from __future__ import annotations

import os

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "holdfast.desk.settings")
application = get_wsgi_application()

from django.conf import settings  # noqa: E402 - the settings are there once the application is

from holdfast.web import warm  # noqa: E402

if not settings.TESTING:
    warm.beside()
