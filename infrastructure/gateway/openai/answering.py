"""Results in OpenAI's shape: pictures as base64 or by address, what was used, and what it cost."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Any, Final

import msgspec
from fastapi import Response

from application.asking.requests import Result
from infrastructure.gateway.openai.asking import ClientRequest
from infrastructure.showing.formats import document, measured

JSON: Final = "application/json"
NO_HEADERS: Final[Mapping[str, str]] = MappingProxyType({})
LARGE: Final = 256 * 1024
"""Bytes of files from which on an answer is written by a thread."""


def images_response(result: Result, created: int, asked: ClientRequest, links: Sequence[str]) -> dict[str, Any]:
    """The answer to a request for images; `created` is in seconds. Blocking, if files are not held in memory.

    Each picture is there as base64 unless addresses were asked for, and by its address if there are `links`.
    """
    data: list[dict[str, Any]] = [{} if asked.as_url else {"b64_json": output.content} for output in result.assets]
    for item, link in zip(data, links, strict=False):
        item["url"] = link
    return {"created": created, "data": data, **shared_looks(result), "usage": usage_of(result)}


def shared_looks(result: Result) -> dict[str, Any]:
    """The size and type that all pictures have, as they are; nothing is said of what differs."""
    found: dict[str, Any] = {}
    sizes = {(output.asset.width, output.asset.height) for output in result.assets}
    types = {output.media_type for output in result.assets}
    if len(sizes) == 1 and None not in (pixels := sizes.pop()):
        found["size"] = f"{pixels[0]}x{pixels[1]}"
    if len(types) == 1:
        found["output_format"] = types.pop().rpartition("/")[2].partition("+")[0]
    return found


def usage_of(result: Result) -> dict[str, Any]:
    """The tokens that the provider counted, if it did, and the price of all, with how it is known."""
    counted: dict[str, int] = {}
    for one in result.operations:
        for name, count in one.usage.items():
            counted[name] = counted.get(name, 0) + count
    source = result.price_source
    money = {
        "cost": str(result.price).split(" ")[0],
        "cost_source": "unknown" if source is None else str(source),
        "cost_currency": result.price.currency,
    }
    return {**_tokens(counted), **money}


def _tokens(counted: Mapping[str, int]) -> dict[str, Any]:
    """In OpenAI's names; nothing at all if no token was counted, as that is not known to be none."""
    if not any(name.startswith(("text_", "image_")) for name in counted):
        return {}
    text_in, image_in = _sum(counted, "text_input"), _sum(counted, "image_input")
    text_out = _sum(counted, "text_output")
    image_out = _sum(counted, "image_output") + _sum(counted, "partial_output")
    return {
        "input_tokens": text_in + image_in,
        "input_tokens_details": {"text_tokens": text_in, "image_tokens": image_in},
        "output_tokens": text_out + image_out,
        "output_tokens_details": {"text_tokens": text_out, "image_tokens": image_out},
        "total_tokens": text_in + image_in + text_out + image_out,
    }


def _sum(counted: Mapping[str, int], name: str) -> int:
    """With those of them that the provider had cached."""
    return counted.get(name, 0) + counted.get(f"{name}_cached", 0)


def headers_for(result: Result, ignored: Sequence[str] = ()) -> dict[str, str]:
    """The operation, its price, what is left, and whether it is an earlier answer again."""
    price = document(result.price)
    found = {
        "x-imagestudio-operation": result.operation,
        "x-imagestudio-price": f"{price['amount']} {price['currency']}",
        "x-litellm-response-cost": price["amount"],
        "x-imagestudio-model": result.model,
    }
    left = measured(result.left, result.price.currency)
    found["x-imagestudio-left"] = msgspec.json.encode(left).decode("ascii", "replace")
    found |= ignored_header(ignored)
    if result.repeated:
        found["idempotency-replayed"] = "true"
    return found


def ignored_header(ignored: Sequence[str]) -> dict[str, str]:
    """The names of fields that had no effect, if there are any."""
    told = ", ".join(one for one in ignored if one.isascii() and one.isprintable())
    return {"x-imagestudio-ignored": told} if ignored else {}


async def encoded_answer(result: Result, make: Callable[[], dict[str, Any]]) -> bytes:
    """The document as JSON, files in it as base64; large ones are read and written by a thread."""
    held = sum(output.asset.size for output in result.assets)
    if held < LARGE and all(output.held is not None for output in result.assets):
        return msgspec.json.encode(make())
    return await asyncio.to_thread(lambda: msgspec.json.encode(make()))


def json_response(content: bytes, headers: Mapping[str, str] = NO_HEADERS, status: int = 200) -> Response:
    """An answer that is written already."""
    return Response(content, status, dict(headers), JSON)
