"""Bodies of requests: JSON, or a form with files, which are never held in memory as a whole unless they are small."""

from __future__ import annotations

import asyncio
import shutil
import tempfile
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from fastapi import Request
from starlette.datastructures import FormData, UploadFile
from starlette.exceptions import HTTPException

from application.asking.requests import File
from domain.errors import InvalidRequest
from infrastructure.wire.content import decode_json

SMALL: Final = 1024 * 1024
"""Bytes of a file that is held in memory."""
MOST_FILES: Final = 64
MOST_FIELDS: Final = 256
LONGEST_FIELD: Final = 1024 * 1024


class BadBody(InvalidRequest):
    """The body is not what its type says."""

    code = "unreadable"


class UnsupportedMedia(InvalidRequest):
    """The body is of a type that is not taken here."""

    code = "unsupported_media"


@dataclass(frozen=True, slots=True)
class SentBody:
    """A body as it came: values by name, and files by the name of their field, in their order."""

    fields: Mapping[str, Any]
    files: Mapping[str, Sequence[File]] = field(default_factory=dict)


async def json_body(request: Request) -> dict[str, Any]:
    """The object that the body is. Raises BadBody, UnsupportedMedia."""
    if _type_of(request) not in ("application/json", ""):
        raise UnsupportedMedia(f"the body is {_type_of(request)}", hint="send application/json")
    try:
        found = decode_json(await request.body())
    except ValueError as error:
        raise BadBody(f"the body is no JSON: {error}", hint="send one JSON object") from error
    if not isinstance(found, dict):
        raise BadBody("the body is no JSON object", hint="send one JSON object")
    return found


@asynccontextmanager
async def any_body(request: Request) -> AsyncIterator[SentBody]:
    """A JSON object, or a form whose files are there as long as the context is. Raises as `json_body`."""
    if _type_of(request) != "multipart/form-data":
        yield SentBody(await json_body(request))
        return
    with tempfile.TemporaryDirectory(prefix="imagestudio-") as folder:
        async with _form(request) as form:
            fields: dict[str, Any] = {}
            files: dict[str, list[File]] = {}
            for place, (name, one) in enumerate(form.multi_items()):
                if isinstance(one, UploadFile):
                    files.setdefault(name, []).append(await _file(one, Path(folder) / str(place)))
                else:
                    fields[name] = one
            yield SentBody(fields, files)


@asynccontextmanager
async def _form(request: Request) -> AsyncIterator[FormData]:
    try:
        form = await request.form(max_files=MOST_FILES, max_fields=MOST_FIELDS, max_part_size=LONGEST_FIELD)
    except HTTPException as error:
        told = f"the form cannot be read: {error.detail}"
        raise BadBody(told, hint="send multipart/form-data as RFC 7578 says") from error
    try:
        yield form
    finally:
        await form.close()


async def _file(upload: UploadFile, path: Path) -> File:
    if (upload.size or 0) <= SMALL:
        return await upload.read()
    await asyncio.to_thread(_copy, upload, path)
    return path


def _copy(upload: UploadFile, path: Path) -> None:
    with path.open("wb") as target:
        shutil.copyfileobj(upload.file, target, SMALL)


def _type_of(request: Request) -> str:
    return request.headers.get("content-type", "").partition(";")[0].strip().lower()
