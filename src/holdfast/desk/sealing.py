"""Secrets that we have to be able to read again are kept encrypted, with a key that lies in the home and not in the database.

HOME/secret.key is the newest secret; HOME/secret.key.old may list earlier ones, a line each, which still open what they sealed.
"""

from __future__ import annotations

import base64
from functools import cache
from pathlib import Path

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from holdfast.desk.settings import secret
from holdfast.desk.start import home_path

#: what the key is for: another purpose gets another key of the same secret
PURPOSE = b"holdfast sealed secrets 1"


class SealError(ValueError):
    """A sealed text that the home's secret does not open: it was sealed in another home."""


def seal(text: str) -> str:
    """The text, encrypted and signed; as text."""
    return _keys(*_secrets()).encrypt(text.encode()).decode()


def unseal(sealed: str) -> str:
    """The text again. SealError: it was not sealed with this home's secret."""
    try:
        return _keys(*_secrets()).decrypt(sealed.encode()).decode()
    except InvalidToken:
        raise SealError("this was sealed with another home's secret.key; put the old one into secret.key.old") from None


def _secrets() -> tuple[str, ...]:
    home: Path = home_path()
    old = home / "secret.key.old"
    return (secret(home / "secret.key").strip(), *(old.read_text().split() if old.exists() else ()))


@cache
def _keys(*secrets: str) -> MultiFernet:
    return MultiFernet([Fernet(_derived(secret)) for secret in secrets])


def _derived(secret: str) -> bytes:
    return base64.urlsafe_b64encode(HKDF(SHA256(), 32, salt=None, info=PURPOSE).derive(secret.encode()))
