"""What all tests share: Django reads its settings once per process, so the home of the desk's tests is named here."""

from __future__ import annotations

import atexit
import os
import shutil
import tempfile
from pathlib import Path

#: the home of everything that meets the desk in this process
DESK_HOME = Path(tempfile.gettempdir()) / f"holdfast-tests-{os.getpid()}"

os.environ["HOLDFAST_TESTING"] = "1"
os.environ["HOLDFAST_HOME"] = str(DESK_HOME)
os.environ["DJANGO_SETTINGS_MODULE"] = "holdfast.desk.settings"

import django  # noqa: E402  the settings must be named first

django.setup()
atexit.register(shutil.rmtree, DESK_HOME, ignore_errors=True)
# a process that the tests start names its own settings, and its own home
del os.environ["DJANGO_SETTINGS_MODULE"]
