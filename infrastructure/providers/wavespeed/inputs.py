"""A task as the body of a submission: flat inputs, sizes as "w*h", small files as data URIs, large ones uploaded."""

from __future__ import annotations

import asyncio
import hashlib
import re
from collections import OrderedDict
from dataclasses import dataclass, field
from typing import Any, Final

from application.ports import Media, ProviderRefused, ProviderUnknown, Task
from infrastructure.clock import SECOND
from infrastructure.media import extension
from infrastructure.providers.wavespeed.predictions import unwrap
from infrastructure.wire.answers import Unreadable
from infrastructure.wire.api import Api, Monotonic, Patience
from infrastructure.wire.content import data_uri

LARGEST_INLINE: Final = 4 * 1024 * 1024
"""Bytes of all files of one submission that travel inside it."""
SIZE: Final = "size"
UPLOADING: Final = Patience(120.0, 600.0)
UPLOAD_SECONDS: Final = 600
"""For all files of one submission together."""
KEPT_SECONDS: Final = 3_600.0
"""How long an uploaded file is used again, as by the other operations of its batch."""
KEPT_UPLOADS: Final = 64
_SIZE: Final = re.compile(r"([0-9]+)x([0-9]+)")


@dataclass(slots=True)
class _Upload:
    """One file on its way, or there: its address, and until when (monotonic seconds) that is believed."""

    lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    url: str = ""
    until: float = 0.0


class Inputs:
    """Makes bodies; uploads a file once, however many operations send it."""

    def __init__(self, api: Api, monotonic: Monotonic) -> None:
        self._api = api
        self._monotonic = monotonic
        self._uploads: OrderedDict[str, _Upload] = OrderedDict()

    async def body(self, task: Task) -> dict[str, Any]:
        """The inputs as they are sent. Raises ProviderRefused where a file could not be uploaded: nothing was sent."""
        body, until = values(task), self._monotonic() + UPLOAD_SECONDS
        for name, files in task.media.items():
            sent = [await self._sent(file, _most_inline(task), until) for file in files]
            body[name] = sent if name in task.many else sent[0]
        return body

    async def _sent(self, media: Media, most: int, until: float) -> str:
        if len(media.content) <= most:
            return await self._api.unblocked(len(media.content), data_uri, media)
        digest = await asyncio.to_thread(upload_name, media)
        upload = self._uploads.setdefault(digest, _Upload())
        self._uploads.move_to_end(digest)
        if len(self._uploads) > KEPT_UPLOADS:
            self._uploads.popitem(last=False)
        async with upload.lock:
            if upload.until <= self._monotonic():
                upload.url = await self._upload(media, f"{digest}.{extension(media.media_type)}", until)
                upload.until = self._monotonic() + KEPT_SECONDS
        return upload.url

    async def _upload(self, media: Media, name: str, until: float) -> str:
        """Its address at the provider; may be tried again, as an upload that nobody names costs nothing."""
        try:
            wanted = {"filename": name, "size": len(media.content), "content_type": media.media_type}
            left = until - self._monotonic()
            answer = await self._api.read("POST", "media/uploads", within=left, json=wanted)
            method, url, headers, address = _place(unwrap(self._api, answer))
            left, content = until - self._monotonic(), media.content
            await self._api.read(method, url, within=left, patience=UPLOADING, headers=headers, content=content)
        except (ProviderRefused, ProviderUnknown) as error:
            raise ProviderRefused("upload_failed", f"a file could not be uploaded: {error.message}") from error
        return address


def longest_upload(task: Task) -> int:
    """Microseconds that may pass before a task is sent, while its files are uploaded, or others upload the same."""
    files = [file for several in task.media.values() for file in several]
    uploads = any(len(file.content) > _most_inline(task) for file in files)
    return 2 * UPLOAD_SECONDS * SECOND if uploads else 0


def values(task: Task) -> dict[str, Any]:
    """The inputs besides files, as they are sent."""
    return {name: as_sent(name, value) for name, value in task.inputs.items()}


def upload_name(media: Media) -> str:
    """The name under which a file is uploaded, by which a job's inputs can be compared later."""
    return hashlib.sha256(media.content).hexdigest()


def _most_inline(task: Task) -> int:
    return LARGEST_INLINE // max(1, sum(map(len, task.media.values())))


def as_sent(name: str, value: object) -> object:
    """One value as it is sent."""
    if name == SIZE and isinstance(value, str) and (size := _SIZE.fullmatch(value)):
        return f"{size[1]}*{size[2]}"
    return value


def read_size(value: object) -> tuple[int, int] | None:
    """Width and height of a size as the API writes it; None where it is none."""
    found = _SIZE.fullmatch(value.replace("*", "x")) if isinstance(value, str) else None
    return None if found is None else (int(found[1]), int(found[2]))


def _place(data: Any) -> tuple[str, str, dict[str, str], str]:
    """Method, address and headers of an upload, and where the file is afterwards."""
    upload, address = data.get("upload"), data.get("download_url")
    if not isinstance(upload, dict) or not isinstance(address, str):
        raise Unreadable
    method, url, headers = upload.get("method", "PUT"), upload.get("url"), upload.get("headers") or {}
    if method not in ("PUT", "POST") or not isinstance(url, str) or "://" not in url or not isinstance(headers, dict):
        raise Unreadable
    return method, url, {str(name): str(value) for name, value in headers.items()}, address
