"""Results as an agent reads them: a short document, a small picture of each, and a link to each whole file.

The document is there twice: as structured content, and as text for clients that read no other.
"""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from typing import Any, Final

import msgspec
from mcp_types import CallToolResult, ContentBlock, ImageContent, ResourceLink, TextContent

from application.asking.requests import Output, Result
from application.ports import Asset
from domain.errors import AssetMissing, ImageStudioError, InvalidInput, StoreUnavailable
from domain.operation import CLOSED_PHASES
from infrastructure.agents.callers import AgentCaller
from infrastructure.gateway.faults import figures_of
from infrastructure.service import Studio
from infrastructure.showing.formats import document, measured
from infrastructure.showing.hints import for_tools, outside
from infrastructure.showing.telling import without_ours

SCHEME: Final = "imagestudio://assets/"
"""The addresses under which assets are resources."""
PICTURES: Final = ("image/png", "image/jpeg", "image/webp", "image/gif")
"""Types that a model can look at."""
SMALL: Final = 256 * 1024
"""Bytes of a picture that is shown itself, if there is no smaller one."""
MOST_SHOWN: Final = 8
LOOK: Final = "it goes on; look at it again with the tool 'operation'"


async def made(studio: Studio, caller: AgentCaller, result: Result, **more: Any) -> CallToolResult:
    """An operation, or a batch, as it stands: ended or not."""
    content: list[ContentBlock] = []
    outputs = []
    for place, output in enumerate(result.assets):
        content += await shown(studio, caller, output.asset) if place < MOST_SHOWN else []
        content.append(resource_of(output.asset))
        outputs.append(await _output(studio, caller, output))
    told = {**_summary(result), "outputs": outputs, **more}
    if result.status not in CLOSED_PHASES:
        told["hint"] = LOOK
    return reply(caller, told, content)


def reply(caller: AgentCaller, told: Mapping[str, Any], content: Sequence[ContentBlock] = ()) -> CallToolResult:
    """A document as the result of a tool, as far as the caller may see it."""
    plain = document(told if caller.sees_all else without_ours(told))
    return CallToolResult(content=[_text(plain), *content], structured_content=plain)


def failure(error: ImageStudioError, **more: Any) -> CallToolResult:
    """Our one error: a stable code, what happened, and what to do in the words of tools."""
    message, hint = outside(error, for_tools)
    told = {
        "code": error.code,
        "kind": str(error.kind),
        "message": message,
        "hint": hint,
        **document(figures_of(error)),
        **more,
    }
    return CallToolResult(content=[_text({"error": told})], structured_content={"error": told}, is_error=True)


async def shown(studio: Studio, caller: AgentCaller, asset: Asset) -> list[ContentBlock]:
    """A small picture of a file; none if there can be none of it here, or the file is gone by now."""
    try:
        drawn = await studio.library.thumbnail(caller.account, asset.id)
        return [_picture(drawn.content, drawn.media_type)]
    except AssetMissing:
        return []
    except (InvalidInput, StoreUnavailable):
        if asset.media_type not in PICTURES or asset.size > SMALL:
            return []
    found = await studio.library.content(caller.account, asset.id)
    return [_picture(found.content, found.media_type)]


def resource_of(asset: Asset) -> ResourceLink:
    """The whole file, as a resource to be read."""
    return ResourceLink(uri=f"{SCHEME}{asset.id}", name=asset.id, mime_type=asset.media_type, size=asset.size)


def _summary(result: Result) -> dict[str, Any]:
    return {
        "operation": result.operation,
        "status": result.status,
        "repeated": result.repeated,
        "model": result.model,
        "provider": result.provider,
        "class": result.model_class,
        "price": result.price,
        "price_source": result.price_source,
        "cost": result.cost,
        "left": measured(result.left, result.price.currency),
        "reason": next((one.reason for one in result.operations if one.reason), ""),
        "lost": result.lost,
        "warnings": list(result.warnings),
        "notes": list(result.notes),
    }


async def _output(studio: Studio, caller: AgentCaller, output: Output) -> dict[str, Any]:
    """A file, with an address that anybody may follow for an hour if there is one, and its place on this machine."""
    asset = output.asset
    told = {
        "asset": asset.id,
        "uri": f"{SCHEME}{asset.id}",
        "media_type": asset.media_type,
        "size": asset.size,
        "width": asset.width,
        "height": asset.height,
        "duration_ms": asset.duration_ms,
        "path": output.path,
    }
    link = await studio.library.link(caller.account, asset.id)
    url = f"{caller.origin}{link.url}" if link.url.startswith("/") and caller.origin else link.url
    return {**told, "url": None if url.startswith("/") else url}


def _picture(content: bytes, media_type: str) -> ImageContent:
    return ImageContent(data=base64.b64encode(content).decode(), mime_type=media_type)


def _text(told: Any) -> TextContent:
    return TextContent(text=msgspec.json.encode(told).decode())
