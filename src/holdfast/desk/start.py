"""Getting the desk ready: settings for a home, the database brought up to date, and the first people."""

from __future__ import annotations

import os
import secrets
from datetime import datetime
from pathlib import Path


def connect(home: Path) -> None:
    """Point Django at a home. It happens once per process."""
    os.environ["HOLDFAST_HOME"] = str(home.absolute())
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "holdfast.desk.settings")
    import django

    django.setup()


def migrate() -> None:
    """Bring the database up to date. A server of an older version must not run on it meanwhile."""
    from django.core.management import call_command

    call_command("migrate", verbosity=0, interactive=False)


def has_people() -> bool:
    """Whether anybody can sign in."""
    from holdfast.desk.models import User

    return User.objects.filter(is_active=True).exists()


def create_person(email: str, password: str, role: str, *, name: str = "", owner_name: str = "") -> None:
    """Somebody who can sign in. ValueError: the address is taken, or there is no such role."""
    from holdfast.desk.models import User
    from holdfast.desk.roles import ROLES

    if role not in ROLES:
        raise ValueError(f"there is no role '{role}'; the roles are {', '.join(ROLES)}")
    if User.objects.filter(email=email.lower()).exists():
        raise ValueError(f"{email} has an account already")
    User.objects.create_user(email, password, role=role, name=name, owner_name=owner_name)


def create_key(name: str, scopes: list[str], now: datetime) -> str:
    """A key for programs, told this once. ValueError: a scope there is not."""
    from holdfast.desk.models import ApiKey

    return ApiKey.make(name, scopes, None, now)[1]


def first_link(home: Path) -> str:
    """The secret of the link by which the first admin comes in; made once, gone when it was used."""
    path = home / "first-admin.token"
    if not path.exists():
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(handle, "w") as out:
            out.write(secrets.token_urlsafe(24))
    return path.read_text()


def home_path() -> Path:
    """The home that the desk of this process belongs to."""
    from django.conf import settings

    path: Path = settings.HOME
    return path
