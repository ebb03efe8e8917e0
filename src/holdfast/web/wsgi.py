"""What the server runs: the door for events, and behind it everything else."""

from __future__ import annotations

import importlib
import os

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "holdfast.desk.settings")
pages = get_wsgi_application()
# doors do not know each other: this one is named, as the API's addresses are in `urls`
application = importlib.import_module("holdfast.api.events").before(pages)

from django.conf import settings  # noqa: E402 - the settings are there once the application is

from holdfast.web import warm  # noqa: E402

if not settings.TESTING:
    warm.beside()
