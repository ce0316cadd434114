"""Forms as browsers send them: fields as text, and files as the API takes them."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

from starlette.datastructures import FormData
from starlette.requests import Request

from infrastructure.dashboard.page import FormSent, Visit
from infrastructure.gateway.bodies import UnsupportedMedia, any_body

PLAIN: Final = "application/x-www-form-urlencoded"
PARTS: Final = "multipart/form-data"
MOST_FIELDS: Final = 256


async def fields_in(request: Request) -> dict[str, str]:
    """The fields of a form without files. Raises UnsupportedMedia."""
    return {name: str(value) for name, value in (await _form(request)).items()}


@asynccontextmanager
async def sent(request: Request, visit: Visit) -> AsyncIterator[FormSent]:
    """A form with all that it brings; its files are there as long as the context is. Raises UnsupportedMedia."""
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() == PARTS:
        async with any_body(request) as body:
            fields = {name: str(value) for name, value in body.fields.items()}
            files = {name: [one for one in many if one != b""] for name, many in body.files.items()}
            yield FormSent(visit=visit, fields=fields, files={name: many for name, many in files.items() if many})
        return
    form = await _form(request)
    many: dict[str, list[str]] = {}
    for name, value in form.multi_items():
        many.setdefault(name, []).append(str(value))
    yield FormSent(visit=visit, fields={name: values[-1] for name, values in many.items()}, many=many)


async def _form(request: Request) -> FormData:
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != PLAIN:
        raise UnsupportedMedia(f"the body is {kind or 'nothing'}", hint="send the form as a browser does")
    return await request.form(max_fields=MOST_FIELDS)
