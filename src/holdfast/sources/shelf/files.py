"""Files in a folder or bucket: what is new or changed is fetched and loaded as `holdfast load` would, with its mapping and rejects.

It has no objects to translate: its one stream lists the files, so that it can be told which were there when.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime

from holdfast.sources.access import Access
from holdfast.sources.bucket_fetching import fetch, wanted
from holdfast.sources.bucket_places import place
from holdfast.sources.source import Checked, Facts, Field, Object, Source, Span, Stream, Told

FIELDS = (
    Field("url", "Folder or bucket", "/data/exports, s3://bucket/folder, gs://bucket/folder or az://container/folder"),
    Field("pattern", "Names", "which files, as usage/*.csv; empty: all of them", is_required=False),
    Field("key", "Key", "S3: access key id; Azure: storage account; empty: a bucket that everybody may read", is_required=False),
    Field("secret", "Secret", "S3: secret access key; Google: a service account's JSON key; Azure: access key", is_secret=True,
          is_required=False),
    Field("region", "Region", "S3: as eu-central-1", is_required=False),
    Field("endpoint", "Endpoint", "S3: address of a store that is not Amazon's", is_required=False),
)  # fmt: skip


def read_files(access: Access, span: Span) -> Iterator[Sequence[Object]]:
    """The files that are there, in one page: a place cannot be asked for what changed."""
    yield [
        {
            "id": one.name,
            "size": one.size,
            "mark": one.mark,
            "changed": one.changed.isoformat() if one.changed else None,
        }
        for one in wanted(access, list(place(access).listed()))
    ]


def changed(obj: Object) -> datetime | None:
    return datetime.fromisoformat(obj["changed"]) if obj.get("changed") else None


def facts(told: Told) -> Facts:
    """Nothing: what the files say is loaded from the files themselves."""
    return Facts()


def check(access: Access) -> Checked:
    """Lists the place. SourceError: it cannot be read, and why."""
    found = wanted(access, list(place(access).listed()))
    warnings = () if found else ("there is no file yet whose name and kind are read",)
    return Checked(access.value("url"), {"file": len(found)}, warnings)


SOURCE = Source(
    name="files",
    title="Files in a folder or bucket",
    kind="file",
    fields=FIELDS,
    streams=(Stream("file", read_files, changed=changed),),
    facts=facts,
    check=check,
    scopes="To list the bucket and read its objects, and nothing else (S3: s3:ListBucket and s3:GetObject).",
    has_unique_ids=True,
    fetch=fetch,
)
