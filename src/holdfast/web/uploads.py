"""Files given in the browser are taken in from those who may set up, up to a size; everybody else's are dropped unread."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.core.files.uploadhandler import FileUploadHandler, StopUpload
from django.http import HttpRequest

from holdfast.web import rights


class Limited(FileUploadHandler):
    """The first of the upload handlers: it stops what is too large or not allowed before it reaches the disk."""

    def handle_raw_input(
        self,
        input_data: Any,
        META: dict[str, Any],  # noqa: N803
        content_length: int,
        boundary: Any,
        encoding: str | None = None,
    ) -> None:
        """Refuse by the length that the browser tells, which the server holds it to."""
        request = self.request
        assert isinstance(request, HttpRequest)
        user = getattr(request, "user", None)
        if user is None or not user.is_authenticated or not rights.may(user, "setup"):
            self.refuse("not allowed")
        if content_length > settings.UPLOAD_BYTES:
            self.refuse("too large")

    def new_file(self, *args: Any, **kwargs: Any) -> None:
        super().new_file(*args, **kwargs)
        if refused(self.request):
            # who may set up gets an answer, which is read only after everything was sent; others do not
            raise StopUpload(connection_reset=refused(self.request) == "not allowed")

    def receive_data_chunk(self, raw_data: bytes, start: int) -> bytes:
        return raw_data

    def file_complete(self, file_size: int) -> None:
        return None

    def refuse(self, why: str) -> None:
        self.request.META["holdfast.refused"] = why  # type: ignore[union-attr]


def refused(request: HttpRequest | None) -> str:
    """Why files of a request were dropped; empty where they were not."""
    return str(request.META.get("holdfast.refused", "")) if request else ""
