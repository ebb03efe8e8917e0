"""What went wrong while a source was read, and what to do about it, in plain words and without secrets."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from holdfast.domain.hosts import AddressError
from holdfast.sources.source import Source, SourceError

#: what may be a secret in an address or a message
SECRETS = re.compile(
    r"([?&](?:key|token|access_token|api_key|secret|password)=)[^&\s]+"
    r"|\b(?:sk|rk|pk|whsec|pat|Bearer)[_ -][A-Za-z0-9_.-]{6,}|//[^/@\s]+@",
    re.IGNORECASE,
)


def explained(error: BaseException, source: Source) -> SourceError:
    """The first cause of an error that tells something, as problem and remedy."""
    for cause in _causes(error):
        if isinstance(cause, SourceError):
            return cause
        if isinstance(cause, AddressError):
            return SourceError(plain(str(cause)), "Allow the host by name in HOLDFAST_ALLOW_HOSTS if it is yours")
        response = getattr(cause, "response", None)
        if response is not None and getattr(response, "status_code", None):
            return _answered(response, source)
    for cause in _causes(error):
        name = type(cause).__name__
        if "Timeout" in name or isinstance(cause, TimeoutError):
            return SourceError(f"{source.title} did not answer in time", "It is tried again by itself")
        if "ConnectionError" in name or isinstance(cause, OSError):
            return SourceError(
                f"{source.title} cannot be reached",
                "See whether this machine can reach it; it is tried again by itself",
            )
    # what wraps the fault tells less than the fault
    last = next((cause for cause in _causes(error) if not type(cause).__module__.startswith("dlt")), error)
    return SourceError(
        plain(f"{type(last).__name__}: {last}")[:400], "It is tried again by itself; if it stays, please report it"
    )


def _answered(response: Any, source: Source) -> SourceError:
    status = int(response.status_code)
    where = re.sub(r"^https?://[^/]+|\?.*$", "", str(response.url))
    again = f"Connect again with a new key: holdfast connect {source.name}"
    if status == 401:
        return SourceError(f"{source.title} does not take the key (401 at {where})", again)
    if status == 403:
        return SourceError(
            f"{source.title} does not let the key read {where} (403)",
            f"It needs: {source.scopes}" if source.scopes else again,
        )
    if status == 404:
        return SourceError(
            f"{source.title} has nothing at {where} (404)", "See whether the account or the subdomain is right"
        )
    if status == 429:
        return SourceError(
            f"{source.title} let us wait too long (429 at {where})",
            "It is tried again by itself; run it less often if it stays",
        )
    if status >= 500:
        return SourceError(f"{source.title} is out of order ({status} at {where})", "It is tried again by itself")
    return SourceError(
        f"{source.title} answered {status} at {where}: {plain(str(response.text)[:200])}",
        "If it stays, please report it",
    )


def plain(text: str) -> str:
    """A text without what may be a secret."""
    return SECRETS.sub(lambda found: (found.group(1) or "") + "…", text)


def _causes(error: BaseException) -> Iterator[BaseException]:
    seen: set[int] = set()
    now: BaseException | None = error
    while now is not None and id(now) not in seen:
        seen.add(id(now))
        yield now
        now = now.__cause__ or now.__context__
