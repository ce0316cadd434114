"""OpenAI's images: generated from a prompt, or edited, in one synchronous call that is metered in tokens.

    without files ── POST /images/generations, JSON ──┬─> Delivery, with the tokens used by meter
    with files ───── POST /images/edits, a form ──────┘

A catalogue's route is the model's name at OpenAI; which of the two calls it is, the files decide. The meters are
`text_input`, `image_input`, both also `_cached`, `image_output`, `partial_output` of pictures on the way, and
`text_output`; `svg_input` and `svg_output` are what another model took to write an SVG. Nothing can be looked up or
stopped afterwards.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, Final

from application.ports import Delivery, Media, Progress, Remote, Task
from application.providing.listings import Offers
from domain.counts import counted
from infrastructure.plugins import ApiSettings, ProviderContext
from infrastructure.providers.openai import listing
from infrastructure.providers.openai.streaming import PARTIAL, Stream
from infrastructure.settings import Address, revealed
from infrastructure.wire.answers import Answer, ApiProblem, Unreadable
from infrastructure.wire.api import CHECKING, Patience
from infrastructure.wire.blind import BlindAdapter
from infrastructure.wire.content import count_of, decode_base64, private_texts
from infrastructure.wire.forms import Part, file_parts, text_part

LARGEST: Final = 128 * 1024 * 1024
MODERATIONS: Final = frozenset({"moderation_blocked", "content_policy_violation"})
CODES: Final = {
    "insufficient_quota": "no_credit",
    "billing_hard_limit_reached": "no_credit",
    "billing_not_active": "no_credit",
    "model_not_found": "unknown_model",
}


class Settings(ApiSettings):
    url: Address = "https://api.openai.com/v1"


class OpenAIProvider(BlindAdapter):
    """Implements Provider and Listing for OpenAI's images."""

    def __init__(self, context: ProviderContext[Settings]) -> None:
        own = context.settings
        super().__init__(context.name, context.api(own.url, key=revealed(own.key), explain=_explain))

    async def submit(self, task: Task, progress: Progress) -> Delivery:
        progress(0.0, "sent")
        patience, hidden = Patience(task.deadline, task.deadline), private_texts(task)
        fields = {"model": task.route, "n": task.outputs, **task.inputs}
        stream = _streamed(fields, task, progress)
        if task.media:
            parts = [*(text_part(name, value) for name, value in fields.items()), *_files(task)]
            answer = await self._api.submit(
                "/images/edits", patience=patience, hidden=hidden, limit=LARGEST, files=parts, seen=stream.seen
            )
        else:
            answer = await self._api.submit(
                "/images/generations", patience=patience, hidden=hidden, limit=LARGEST, json=fields, seen=stream.seen
            )
        if "stream" not in fields:
            return await self._api.understood(answer, partial(_delivery, edited=bool(task.media)))
        if not (drawn := stream.answer(answer)).is_success:
            raise self._api.verdict(drawn, hidden)
        delivery = await self._api.understood(drawn, partial(_delivery, edited=bool(task.media)))
        return replace(delivery, usage=stream.told_apart(delivery.usage))

    async def check(self) -> str:
        return f"{counted(len(await listing.read_models(self._api, CHECKING)), 'model')} may be used"

    async def offers(self, routes: Collection[str]) -> Offers:
        return await listing.offers(self._api, routes)


def _streamed(fields: dict[str, Any], task: Task, progress: Progress) -> Stream:
    """Ask for pictures on the way if they are wanted; of several pictures nobody says to which they belong."""
    if not fields.get(PARTIAL) or task.outputs > 1:
        fields.pop(PARTIAL, None)
    else:
        fields["stream"] = True
    return Stream(progress)


def _files(task: Task) -> Iterator[Part]:
    """Several files of one name are an array, as it is written there."""
    for name, files in task.media.items():
        yield from file_parts(f"{name}[]" if len(files) > 1 else name, files)


def _delivery(answer: Answer, *, edited: bool) -> Delivery:
    """Whatever it delivered, what it counted is billed. Raises Unreadable where it says neither."""
    reply = answer.object()
    used, data = _usage(reply, edited=edited), reply.get("data")
    readable = isinstance(data, list) and all(isinstance(one, dict) for one in data)
    if not readable and not used.counts:
        raise Unreadable
    media_type = f"image/{reply.get('output_format') or 'png'}"
    images = [one for one in data if one.get("b64_json") or one.get("url")] if readable and data else []
    outputs = tuple(_output(one, media_type) for one in images)
    if outputs and not used.counts and NOTHING in outputs:
        raise Unreadable
    return Delivery(outputs, usage=used.counts, rough=used.rough)


def _output(image: Mapping[str, Any], media_type: str) -> Media | Remote:
    """The image, or nothing where it cannot be decoded."""
    if not image.get("b64_json"):
        return Remote(str(image["url"]))
    try:
        return Media(decode_base64(image["b64_json"]), media_type)
    except (TypeError, ValueError):
        return NOTHING


NOTHING: Final = Media(b"", "application/octet-stream")


@dataclass(frozen=True, slots=True)
class _Usage:
    """Tokens by meter, and whether some were not told apart, and are taken for the dearest that they can be."""

    counts: Mapping[str, int]
    rough: bool = False


def _usage(reply: Mapping[str, Any], *, edited: bool) -> _Usage:
    """Tokens by meter, without those that are not told or make no sense: these can be the most that they can be.

    An SVG is written by another model, whose tokens are counted beside the image's.
    """
    drawn = reply.get("usage")
    usage: Mapping[str, Any] = drawn if isinstance(drawn, dict) else {}
    incoming, outgoing = _incoming(usage, edited=edited), _outgoing(usage)
    counts = {**incoming.counts, **outgoing.counts, **_svg(reply.get("svg_usage"))}
    return _Usage(counts, incoming.rough or outgoing.rough)


def _incoming(usage: Mapping[str, Any], *, edited: bool) -> _Usage:
    """Input that was not told apart is taken for the dearer of what was sent: images, or text alone."""
    whole, details = count_of(usage.get("input_tokens")), usage.get("input_tokens_details")
    if not isinstance(details, dict):
        if whole is None:
            return _Usage({})
        counts = {"text_input": 0, "image_input": whole} if edited else {"text_input": whole, "image_input": 0}
        return _Usage(counts, edited)
    text, image = count_of(details.get("text_tokens")), count_of(details.get("image_tokens", 0))
    cached = _cached(details, text, image)
    rest = _rest(whole, text, image)
    found: dict[str, int] = {}
    for name, count, part in (("text_input", text, cached.text), ("image_input", image, cached.image)):
        if count is not None:
            found |= {name: max(count - part, 0)} | ({f"{name}_cached": min(part, count)} if part else {})
    if rest > 0:
        found["image_input" if edited else "text_input"] += rest
    return _Usage(found, rest != 0 or cached.rough)


def _rest(whole: int | None, *parts: int | None) -> int:
    """The rest of the whole beside its parts, below nothing if these are more; 0 if any of them is not told."""
    told = [part for part in parts if part is not None]
    return 0 if whole is None or len(told) < len(parts) else whole - sum(told)


@dataclass(frozen=True, slots=True)
class _Cached:
    """How much of the text and of the images, and whether that was not told."""

    text: int
    image: int
    rough: bool = False


def _cached(details: Mapping[str, Any], text: int | None, image: int | None) -> _Cached:
    """Cached input of which nobody says what it was is taken for text first, on which less is saved."""
    apart = details.get("cached_tokens_details")
    if isinstance(apart, dict):
        return _Cached(count_of(apart.get("text_tokens")) or 0, count_of(apart.get("image_tokens")) or 0)
    cached = count_of(details.get("cached_tokens")) or 0
    of_text = min(cached, text or 0)
    could_be_both = bool(text and image) and 0 < cached < (text or 0) + (image or 0)
    return _Cached(of_text, min(cached - of_text, image or 0), could_be_both)


def _outgoing(usage: Mapping[str, Any]) -> _Usage:
    """Without details all that came out are images, as OpenAI says; so is what the details leave out, at most."""
    whole, details = count_of(usage.get("output_tokens")), usage.get("output_tokens_details")
    image, text = whole, None
    if isinstance(details, dict):
        image, text = count_of(details.get("image_tokens")), count_of(details.get("text_tokens"))
    if image is None and whole is not None:
        image = max(whole - (text or 0), 0)
    rest = _rest(whole, image, text or 0)
    counts = {} if image is None else {"image_output": image + max(rest, 0)}
    return _Usage(counts | ({"text_output": text} if text else {}), rest != 0)


def _svg(usage: object) -> dict[str, int]:
    """A count within another count is not counted again: reasoning is output."""
    told: Mapping[str, Any] = usage if isinstance(usage, dict) else {}
    counts = {f"svg_{way}": count_of(told.get(f"{way}_tokens")) for way in ("input", "output")}
    return {name: count for name, count in counts.items() if count}


def _explain(answer: Answer) -> ApiProblem:
    """Its errors are {"error": {"message", "type", "param", "code"}}."""
    try:
        error = answer.object().get("error")
    except Unreadable:
        return ApiProblem()
    if not isinstance(error, dict):
        return ApiProblem()
    code, words = str(error.get("code") or error.get("type")), str(error.get("message", ""))
    return ApiProblem.moderated(words) if code in MODERATIONS else ApiProblem(words, CODES.get(code, ""))


def build(context: ProviderContext[Settings]) -> OpenAIProvider:
    return OpenAIProvider(context)
