"""Where files lie: a folder of this machine below one that the operator named, or a bucket of S3, Google or Azure, through fsspec.

Only the credentials that were given are used, never those of the machine that Holdfast runs on.
"""

from __future__ import annotations

import json
import os
import re
import shutil
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from holdfast.domain.hosts import AddressError
from holdfast.domain.paths import PathError, require_allowed
from holdfast.sources.access import Access, require_public
from holdfast.sources.source import SourceError
from holdfast.sources.sql_address import require_reachable

#: scheme → the package that reads it
PACKAGES = {"s3": "s3fs", "gs": "gcsfs", "az": "adlfs"}
_BUCKET = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{1,221}")
_AZURE_ACCOUNT = re.compile(r"[a-z0-9]{3,24}")


@dataclass(frozen=True)
class Listed:
    """A file: its name below the place, bytes, when it was changed (UTC), and a mark that changes with its content."""

    name: str
    size: int
    changed: datetime | None
    mark: str


@dataclass(frozen=True)
class Folder:
    """A folder of this machine."""

    root: Path

    def listed(self) -> Iterator[Listed]:
        for above, _, names in os.walk(self.root):
            for name in names:
                path = Path(above) / name
                if self._is_inside(path):
                    told = path.stat()
                    changed = datetime.fromtimestamp(told.st_mtime, UTC)
                    relative = path.relative_to(self.root).as_posix()
                    yield Listed(relative, told.st_size, changed, f"{told.st_size}-{told.st_mtime_ns}-{told.st_ino}")

    def _is_inside(self, path: Path) -> bool:
        """Whether it is a file that may be read, wherever a link leads."""
        try:
            return require_allowed(str(path)).is_file()
        except (PathError, OSError):
            return False

    def copy(self, name: str, target: Path) -> None:
        shutil.copyfile(require_allowed(str(self.root / name)), target)


@dataclass(frozen=True)
class Bucket:
    """A bucket, or what is below a name in it."""

    files: Any = field(repr=False)
    root: str
    secrets: tuple[str, ...] = field(repr=False)

    def listed(self) -> Iterator[Listed]:
        self.files.invalidate_cache()
        try:
            found = self.files.find(self.root, detail=True)
        except Exception as error:
            raise self._said(error) from None
        for path, told in found.items():
            name = path.removeprefix(self.root).lstrip("/")
            if name and told.get("type") != "directory":
                yield Listed(name, int(told.get("size") or 0), _changed(told), _mark(told))

    def copy(self, name: str, target: Path) -> None:
        try:
            self.files.get_file(f"{self.root}/{name}", str(target))
        except Exception as error:
            raise self._said(error) from None

    def _said(self, error: Exception) -> SourceError:
        """What the store said, in its own words, without secrets."""
        text = (str(error).strip().splitlines() or [""])[0]
        for secret in self.secrets:
            text = text.replace(secret, "…")
        return SourceError(
            f"the bucket cannot be read: {text or type(error).__name__}",
            "check the bucket's name, its region, and that the key may list the bucket and read its objects",
        )


def place(access: Access) -> Folder | Bucket:
    """The place that a connection names. SourceError: it may not be read, or the package that reads it is missing."""
    url = access.value("url").strip()
    if "://" not in url:
        return _folder(url)
    parts = urlsplit(url)
    if parts.scheme not in PACKAGES:
        raise SourceError(
            f"'{parts.scheme}://' is not read",
            f"give a folder, or an address that begins with {', '.join(f'{one}://' for one in PACKAGES)}",
        )
    if not _BUCKET.fullmatch(parts.netloc) or ".." in parts.path.split("/"):
        raise SourceError(f"'{url}' is not the address of a bucket", "write it as s3://bucket/folder")
    root = f"{parts.netloc}/{parts.path.strip('/')}".rstrip("/")
    options = {"s3": _s3, "gs": _google, "az": _azure}[parts.scheme](access)
    secrets = tuple(value for value in access.secrets.values() if value)
    return Bucket(_opened(parts.scheme, options), root, secrets)


def _folder(path: str) -> Folder:
    try:
        root = require_allowed(path)
    except PathError as error:
        raise SourceError(str(error), "the operator names folders that may be read in HOLDFAST_ALLOW_PATHS") from None
    if not root.is_dir():
        raise SourceError(f"there is no folder {path}", "check the path")
    return Folder(root)


def _opened(scheme: str, options: dict[str, Any]) -> Any:
    import fsspec  # type: ignore[import-untyped]

    try:
        return fsspec.filesystem(scheme, skip_instance_cache=True, use_listings_cache=False, **options)
    except ImportError:
        package = PACKAGES[scheme]
        raise SourceError(
            f"{scheme}:// cannot be read yet", f"install what reads it beside Holdfast: pip install {package}"
        ) from None
    except Exception as error:
        raise SourceError(
            f"the credentials cannot be used: {type(error).__name__}", "check how they are written"
        ) from None


def _s3(access: Access) -> dict[str, Any]:
    key, secret = access.value("key"), access.value("secret")
    told: dict[str, Any] = {"key": key, "secret": secret} if key and secret else {"anon": True}
    client = {"region_name": access.value("region")} if access.value("region") else {}
    endpoint = access.value("endpoint").rstrip("/")
    if endpoint:
        try:
            require_public(endpoint)
        except AddressError as error:
            raise SourceError(str(error), "a store of your own can be named in HOLDFAST_ALLOW_HOSTS") from None
        require_reachable(urlsplit(endpoint).hostname or "")
        client["endpoint_url"] = endpoint
    return told | {"client_kwargs": client}


def _google(access: Access) -> dict[str, Any]:
    text = access.value("secret")
    if not text:
        return {"token": "anon"}
    try:
        told = json.loads(text)
        kind, where = told["type"], urlsplit(told["token_uri"]).hostname
    except (ValueError, KeyError, TypeError):
        raise SourceError(
            "the secret is not the key of a service account", "paste the whole JSON file of the key"
        ) from None
    # the file names where it is exchanged: with another address it would be sent there
    if kind != "service_account" or where != "oauth2.googleapis.com":
        raise SourceError("the secret is not the key of a service account", "make a JSON key of a service account")
    return {"token": told}


def _azure(access: Access) -> dict[str, Any]:
    account = access.value("key")
    if not _AZURE_ACCOUNT.fullmatch(account):
        raise SourceError(
            "the storage account is not named", "give its name as the key, and its access key as the secret"
        )
    secret = access.value("secret")
    return {"account_name": account} | ({"account_key": secret} if secret else {"anon": True})


def _changed(told: dict[str, Any]) -> datetime | None:
    """When an object was changed, as S3, Google and Azure write it."""
    value = told.get("LastModified") or told.get("updated") or told.get("last_modified") or told.get("mtime")
    if isinstance(value, str):
        try:
            value = datetime.fromisoformat(value)
        except ValueError:
            return None
    return value.astimezone(UTC) if isinstance(value, datetime) else None


def _mark(told: dict[str, Any]) -> str:
    mark = told.get("ETag") or told.get("etag") or told.get("md5Hash") or told.get("content_md5") or ""
    changed = _changed(told)
    return f"{mark}-{told.get('size')}-{changed.isoformat() if changed else ''}"
