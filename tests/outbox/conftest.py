"""The desk with a real mail server and a real address for webhooks."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from .receivers import Hook, Mailbox, hook_server, mail_server

NOW = datetime(2026, 11, 20, 9, 0, tzinfo=UTC)


@pytest.fixture
def home(tmp_path: Path, settings: Any, db: None) -> Path:
    """An empty home that the desk belongs to."""
    from holdfast.flows import answers
    from holdfast.flows.home import Settings, create

    made = create(tmp_path / "home", Settings(company="Acme")).path
    settings.HOME = made
    answers.forget()
    return made


@pytest.fixture
def mailbox(home: Path, settings: Any) -> Iterator[Mailbox]:
    box = Mailbox()
    with mail_server(box) as port:
        settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
        settings.EMAIL_HOST, settings.EMAIL_PORT, settings.MAIL_READY = "127.0.0.1", port, True
        settings.EMAIL_USE_TLS = settings.EMAIL_USE_SSL = False
        settings.EMAIL_HOST_USER = settings.EMAIL_HOST_PASSWORD = ""
        settings.EMAIL_TIMEOUT = 1
        yield box


@pytest.fixture
def hook(home: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Hook]:
    monkeypatch.setenv("HOLDFAST_ALLOW_HOSTS", "localhost")
    with hook_server(Hook()) as served:
        yield served


def real_now() -> datetime:
    return datetime.now(UTC)
