"""`/v1/accounts/{id}/export`: one account, to be taken into another ledger, for whoever runs the studio.

The file has the key by which the assets of all accounts are named, so no account's own administrator is given it.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from typing import Final

from fastapi import APIRouter, Request
from fastapi.responses import StreamingResponse
from starlette.concurrency import iterate_in_threadpool

from infrastructure.gateway.callers import StudioAdministrator
from infrastructure.gateway.describing import answers
from infrastructure.gateway.gate import gate_of
from infrastructure.gateway.native.paging import check_parameters, flag_of

router = APIRouter(prefix="/v1/accounts/{id}", tags=["Administration"])
PIECE: Final = 1024 * 1024
TYPE: Final = "application/x-tar"
WITH_FILES: Final = {"name": "files", "in": "query", "schema": {"type": "boolean"}}


@router.get("/export", openapi_extra={"parameters": [WITH_FILES], **answers({"type": "string"}, type=TYPE)})
async def get_export(request: Request, caller: StudioAdministrator, id: str) -> StreamingResponse:  # noqa: ARG001  # who it is says enough
    """One account's whole log and what stands beside it, with its files if `files` is true, as one tar file."""
    check_parameters(request, ("files",))
    copies = gate_of(request).studio.copies
    async with AsyncExitStack() as stack:
        with_files = flag_of(request.query_params, "files")
        made = await stack.enter_async_context(copies.exported(id, with_files=with_files))
        leaving, stream = stack.pop_all(), made.file.open("rb")
    size = made.file.stat().st_size

    async def pieces() -> AsyncIterator[bytes]:
        async with leaving:
            with stream:
                async for piece in iterate_in_threadpool(iter(lambda: stream.read(PIECE), b"")):
                    yield piece

    headers = {"content-length": str(size), "cache-control": "no-store", "imagestudio-seal": made.copy.manifest.seal}
    return StreamingResponse(pieces(), media_type=TYPE, headers=headers)
