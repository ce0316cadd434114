"""OpenAI's images: generated from a prompt, or edited, in one synchronous call that is metered in tokens.

    without files ── POST /images/generations, JSON ──┬─> Delivery, with the tokens used by meter
    with files ───── POST /images/edits, a form ──────┘

A catalogue's route is the model's name at OpenAI; which of the two calls it is, the files decide. The meters are
`text_input`, `image_input` and `image_output`. Nothing can be looked up or stopped afterwards.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Collection, Iterator, Mapping
from concurrent.futures import Executor
from functools import partial
from typing import Any, Final

import httpx

from application.listings import Offers
from application.ports import Delivery, Media, Progress, Remote, Task
from infrastructure.providers.openai import listing
from infrastructure.wire.answers import Answer, Problem, Unreadable
from infrastructure.wire.api import CHECKING, Api, Monotonic, Patience, Sleep
from infrastructure.wire.blind import BlindAdapter
from infrastructure.wire.content import decode_base64, private_texts
from infrastructure.wire.forms import Part, file_parts, text_part

NAME: Final = "openai"
BASE: Final = "https://api.openai.com/v1"
LARGEST: Final = 128 * 1024 * 1024
MODERATIONS: Final = frozenset({"moderation_blocked", "content_policy_violation"})
CODES: Final = {
    "insufficient_quota": "no_credit",
    "billing_hard_limit_reached": "no_credit",
    "billing_not_active": "no_credit",
    "model_not_found": "unknown_model",
}


class OpenAIProvider(BlindAdapter):
    """Implements Provider and Listing for OpenAI's images."""

    def __init__(
        self,
        client: httpx.AsyncClient,
        *,
        key: str = "",
        base: str = BASE,
        sleep: Sleep = asyncio.sleep,
        monotonic: Monotonic = time.monotonic,
        executor: Executor | None = None,
    ) -> None:
        api = Api(base, client, key=key, explain=_explain, sleep=sleep, monotonic=monotonic, executor=executor)
        super().__init__(NAME, api)

    async def submit(self, task: Task, progress: Progress) -> Delivery:
        progress(0.0, "sent")
        patience, hidden = Patience(task.deadline, task.deadline), private_texts(task)
        fields = {"model": task.route, "n": task.outputs, **task.inputs}
        if task.media:
            parts = [*(text_part(name, value) for name, value in fields.items()), *_files(task)]
            answer = await self._api.submit(
                "/images/edits", patience=patience, hidden=hidden, limit=LARGEST, files=parts
            )
        else:
            answer = await self._api.submit(
                "/images/generations", patience=patience, hidden=hidden, limit=LARGEST, json=fields
            )
        return await self._api.understood(answer, partial(_delivery, edited=bool(task.media)))

    async def check(self) -> str:
        return f"{len(await listing.models(self._api, CHECKING))} models may be used"

    async def offers(self, routes: Collection[str]) -> Offers:
        return await listing.offers(self._api, routes)


def _files(task: Task) -> Iterator[Part]:
    """Several files of one name are an array, as it is written there."""
    for name, files in task.media.items():
        yield from file_parts(f"{name}[]" if len(files) > 1 else name, files)


def _delivery(answer: Answer, *, edited: bool) -> Delivery:
    reply = answer.object()
    data = reply.get("data")
    if not isinstance(data, list) or not all(isinstance(one, dict) for one in data):
        raise Unreadable
    media_type = f"image/{reply.get('output_format') or 'png'}"
    outputs = tuple(_output(one, media_type) for one in data if one.get("b64_json") or one.get("url"))
    return Delivery(outputs, usage=_usage(reply.get("usage"), edited=edited))


def _output(image: Mapping[str, Any], media_type: str) -> Media | Remote:
    if not image.get("b64_json"):
        return Remote(str(image["url"]))
    try:
        return Media(decode_base64(image["b64_json"]), media_type)
    except (TypeError, ValueError) as error:
        raise Unreadable from error


def _usage(usage: object, *, edited: bool) -> dict[str, int]:
    """Tokens by meter; empty where they are not told, or make no sense: then the most they can be is what it costs.

    All that came out counts as an image, also the few words that some models think, as they have no rate of their own.
    What went in without being told apart is taken for the dearer of what was sent: images, or text alone.
    """
    if not isinstance(usage, dict) or not _counted(usage.get("input_tokens"), usage.get("output_tokens")):
        return {}
    text, image = (0, usage["input_tokens"]) if edited else (usage["input_tokens"], 0)
    details = usage.get("input_tokens_details")
    if isinstance(details, dict):
        text, image = details.get("text_tokens"), details.get("image_tokens", 0)
    if not _counted(text, image):
        return {}
    return {"text_input": text, "image_input": image, "image_output": usage["output_tokens"]}


def _counted(*counts: object) -> bool:
    return all(type(count) is int and count >= 0 for count in counts)


def _explain(answer: Answer) -> Problem:
    """Its errors are {"error": {"message", "type", "param", "code"}}."""
    try:
        error = answer.object().get("error")
    except Unreadable:
        return Problem()
    if not isinstance(error, dict):
        return Problem()
    code, words = str(error.get("code") or error.get("type")), str(error.get("message", ""))
    return Problem.moderated(words) if code in MODERATIONS else Problem(words, CODES.get(code, ""))
