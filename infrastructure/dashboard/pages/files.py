"""Files of assets for those who look at pages: whole or in part, and small."""

from __future__ import annotations

from typing import Final

from starlette.requests import Request
from starlette.responses import FileResponse, Response

from domain.errors import InvalidInput
from infrastructure.dashboard.page import Visit, WebFile, WebPage
from infrastructure.dashboard.rendering import STATIC
from infrastructure.gateway.contents import content_response

ALONE: Final = {"content-security-policy": "default-src 'none'; style-src 'unsafe-inline'; sandbox"}
"""A file that somebody brought runs nothing, whatever it holds."""
KEPT: Final = "private, max-age=86400"


async def _content(visit: Visit, request: Request) -> Response:
    """The file, as `/v1/assets/{id}/content` answers with it."""
    library, account = visit.studio.library, visit.account
    file = await library.file(account, visit.path["id"])
    path = library.store.path(account, file)
    answer = await content_response(request, file, lambda: library.store.pieces(account, file), path)
    answer.headers.update(ALONE)
    return answer


async def _thumbnail(visit: Visit, request: Request) -> Response:  # noqa: ARG001
    """Its thumbnail, or a sign that nothing of it can be shown here."""
    try:
        drawn = await visit.studio.library.thumbnail(visit.account, visit.path["id"])
    except InvalidInput:
        return FileResponse(STATIC / "file.svg", headers=dict(ALONE))
    return Response(drawn.content, 200, {"cache-control": KEPT, **ALONE}, drawn.media_type)


PAGES: tuple[WebPage, ...] = ()
FILES = (
    WebFile(name="asset_file", path="/files/{id}", make=_content),
    WebFile(name="thumbnail", path="/files/{id}/thumbnail", make=_thumbnail),
)
