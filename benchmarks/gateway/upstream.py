"""An upstream that draws nothing: OpenAI's answer with one small picture, the same for every request, at once."""

from __future__ import annotations

import base64
import io
from collections.abc import Awaitable, Callable
from typing import Any

import msgspec
from PIL import Image

SIDE = 64


def _answer() -> bytes:
    stream = io.BytesIO()
    Image.effect_noise((SIDE, SIDE), 60).convert("RGB").save(stream, "PNG")
    picture = base64.b64encode(stream.getvalue()).decode()
    tokens = {"input_tokens_details": {"text_tokens": 5, "image_tokens": 0}}
    usage = {"input_tokens": 5, "output_tokens": 272, "total_tokens": 277, **tokens}
    return msgspec.json.encode({"created": 1, "data": [{"b64_json": picture}], "usage": usage})


ANSWER = _answer()
HEAD = [(b"content-type", b"application/json"), (b"content-length", str(len(ANSWER)).encode())]


async def app(
    scope: dict[str, Any], receive: Callable[[], Awaitable[Any]], send: Callable[[Any], Awaitable[None]]
) -> None:
    """The application."""
    if scope["type"] != "http":
        return
    while (await receive()).get("more_body"):
        pass
    await send({"type": "http.response.start", "status": 200, "headers": HEAD})
    await send({"type": "http.response.body", "body": ANSWER})
