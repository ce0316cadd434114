"""Google Gemini's images: drawn or edited in one synchronous call that is metered in tokens.

    POST /models/{route}:generateContent, JSON with files inside ──> candidates with images inside, and usageMetadata

A catalogue's route is the model's name. The meters are `text_input`, `image_input`, `image_output`, and `text_output`:
the text and the thoughts beside a picture. Nothing can be looked up or stopped afterwards. Blocked work is
billed by what it counted, as far as it says so; errors are not billed.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from typing import Any, Final
from urllib.parse import quote as quoted

import httpx

from application.ports import Delivery, Media, Progress, Task, TaskFailed
from application.providing.answers import is_word
from application.providing.listings import Offered, Offers
from domain.counts import counted
from infrastructure.plugins import ApiSettings, ProviderContext
from infrastructure.settings import Address, revealed
from infrastructure.wire.answers import MODERATED, Answer, ApiProblem, Unreadable
from infrastructure.wire.api import CHECKING, Patience
from infrastructure.wire.blind import BlindAdapter
from infrastructure.wire.content import count_of, decode_base64, encode_base64, private_texts

LARGEST: Final = 128 * 1024 * 1024
LIST_SECONDS: Final = 30.0
MOST_PAGES: Final = 20
IMAGE_CONFIG: Final = ("aspectRatio", "imageSize")
GENERATES: Final = "generateContent"
PICTURES: Final = re.compile(r"(^|[-.])(image|banana)([-.]|$)")
BLOCKED: Final = frozenset(
    {"SAFETY", "PROHIBITED_CONTENT", "BLOCKLIST", "RECITATION", "SPII", "OTHER"}
    | {"IMAGE_SAFETY", "IMAGE_PROHIBITED_CONTENT", "IMAGE_RECITATION"}
)
"""Reasons why a prompt was not taken up, or a picture not shown."""
BAD_KEY: Final = "API_KEY_INVALID"


class Settings(ApiSettings):
    url: Address = "https://generativelanguage.googleapis.com/v1beta"


class Gemini(BlindAdapter):
    """Implements Provider and Listing."""

    def __init__(self, context: ProviderContext[Settings]) -> None:
        own = context.settings
        api = context.api(own.url, key=revealed(own.key), scheme="", header="x-goog-api-key", explain=_explain)
        super().__init__(context.name, api)

    async def submit(self, task: Task, progress: Progress) -> Delivery:
        progress(0.0, "sent")
        size = sum(len(file.content) for files in task.media.values() for file in files)
        answer = await self._api.submit(
            f"/models/{quoted(task.route)}:{GENERATES}",
            patience=Patience(task.deadline, task.deadline),
            hidden=private_texts(task),
            limit=LARGEST,
            json=await self._api.unblocked(size, _body, task),
        )
        return await self._api.understood(answer, _delivery)

    async def check(self) -> str:
        params = {"pageSize": "1000"}
        listed = (await self._api.read("GET", "/models", within=CHECKING, params=params)).object().get("models")
        if not isinstance(listed, list):
            raise Unreadable("the provider's list of models cannot be read")
        return f"{counted(len(listed), 'model')} may be used"

    async def offers(self, routes: Collection[str]) -> Offers:
        """Those that make images, by their names, and those of `routes`."""
        names = [name async for name in self._names()]
        kinds = ("text-to-image", "image-edit")
        wanted = [name for name in names if name in routes or PICTURES.search(name)]
        left = len(names) - len(wanted)
        notes = (f"left out: {counted(left, 'model')} of no images, by name",) if left else ()
        return Offers(tuple(Offered(name, kinds=kinds) for name in wanted), is_whole=True, notes=notes)

    async def _names(self) -> Any:
        """Of all models that answer as these do. Raises Unreadable for what is no list, or has no end."""
        token = ""
        for _ in range(MOST_PAGES):
            params = {"pageSize": "1000", **({"pageToken": token} if token else {})}
            page = (await self._api.read("GET", "/models", within=LIST_SECONDS, params=params)).object()
            listed = page.get("models", [])
            if not isinstance(listed, list) or not all(isinstance(one, dict) for one in listed):
                raise Unreadable("the provider's list of models cannot be read")
            for one in listed:
                name, methods = str(one.get("name")).removeprefix("models/"), one.get("supportedGenerationMethods")
                if is_word(name) and isinstance(methods, list) and GENERATES in methods:
                    yield name
            token = page.get("nextPageToken") or ""
            if not isinstance(token, str) or not token:
                return
        raise Unreadable("the provider's list has no end")


def _body(task: Task) -> dict[str, object]:
    """One turn of a user's: the prompt, then the files; what shapes the picture stands in its own object."""
    prompt = str(task.inputs.get("prompt", ""))
    files = [
        {"inlineData": {"mimeType": file.media_type, "data": encode_base64(file.content)}}
        for several in task.media.values()
        for file in several
    ]
    shape = {name: task.inputs[name] for name in IMAGE_CONFIG if name in task.inputs}
    config: dict[str, object] = {"responseModalities": ["IMAGE"], **({"imageConfig": shape} if shape else {})}
    others = {name: value for name, value in task.inputs.items() if name not in ("prompt", *IMAGE_CONFIG)}
    turn = {"role": "user", "parts": [{"text": prompt}, *files]}
    return {"contents": [turn], "generationConfig": {**others, **config}}


def _delivery(answer: Answer) -> Delivery:
    """Whatever it delivered, what it counted is billed.

    Raises TaskFailed where it says why there is no picture, Unreadable where it says neither.
    """
    reply = answer.object()
    counts, rough = _counts(reply.get("usageMetadata"))
    candidates = reply.get("candidates", [])
    if not isinstance(candidates, list) or not all(isinstance(one, dict) for one in candidates):
        raise Unreadable
    outputs = tuple(image for one in candidates for image in _images(one))
    if not outputs:
        raise _nothing(reply, candidates, counts, rough=rough)
    return Delivery(outputs, usage=counts, rough=rough)


def _nothing(
    reply: Mapping[str, Any], candidates: list[Any], counts: Mapping[str, int], *, rough: bool
) -> TaskFailed | Unreadable:
    """Why there is no picture; without a reason nobody knows what became of it."""
    feedback = reply.get("promptFeedback")
    blocked = feedback.get("blockReason") if isinstance(feedback, dict) else None
    reasons = [str(one.get("finishReason")) for one in candidates if one.get("finishReason")]
    reason = str(blocked or (reasons[0] if reasons else ""))
    if not is_word(reason):
        return Unreadable()
    code = MODERATED if reason in BLOCKED else "no_image"
    message = f"the provider made no picture: {reason}"
    return TaskFailed(code, message, cost=None, usage=counts, rough=rough)


def _images(candidate: Mapping[str, Any]) -> Iterator[Media]:
    """Its pictures, but for those it thought with. Raises Unreadable."""
    content = candidate.get("content")
    parts = content.get("parts") if isinstance(content, dict) else None
    for part in parts if isinstance(parts, list) else ():
        data = part.get("inlineData") if isinstance(part, dict) and part.get("thought") is not True else None
        if not isinstance(data, dict):
            continue
        try:
            yield Media(decode_base64(data["data"]), str(data.get("mimeType", "")))
        except (KeyError, TypeError, ValueError) as error:
            raise Unreadable from error


def _counts(usage: object) -> tuple[dict[str, int], bool]:
    """Tokens by meter, and whether some were not told apart, and are taken for the dearest that they can be."""
    told: Mapping[str, Any] = usage if isinstance(usage, dict) else {}
    whole_in, whole_out = count_of(told.get("promptTokenCount")), count_of(told.get("candidatesTokenCount"))
    if whole_in is None and whole_out is None:
        return {}, False
    seen, shown = _modalities(told.get("promptTokensDetails")), _modalities(told.get("candidatesTokensDetails"))
    pictures_in, pictures_out = seen.get("IMAGE", 0), shown.get("IMAGE")
    rest = (whole_out or 0) - sum(shown.values())
    drawn = (whole_out or 0) if pictures_out is None else pictures_out + max(rest, 0)
    spoken = 0 if pictures_out is None else sum(shown.values()) - pictures_out
    thought = count_of(told.get("thoughtsTokenCount")) or 0
    counts = {"text_input": max((whole_in or 0) - pictures_in, 0), "image_input": pictures_in, "image_output": drawn}
    return counts | {"text_output": spoken + thought}, rest != 0 and bool(whole_out)


def _modalities(details: object) -> dict[str, int]:
    """Tokens by modality, of those that are told."""
    found: dict[str, int] = {}
    for one in details if isinstance(details, list) else ():
        count = count_of(one.get("tokenCount")) if isinstance(one, dict) else None
        if count is not None:
            name = str(one.get("modality"))
            found[name] = found.get(name, 0) + count
    return found


def _explain(answer: Answer) -> ApiProblem:
    """Its errors are {"error": {"code", "message", "status", "details": [{"reason"}]}}; a wrong key is a 400, too."""
    try:
        error = answer.object().get("error")
    except Unreadable:
        return ApiProblem()
    if not isinstance(error, dict):
        return ApiProblem()
    details = error.get("details")
    reasons = [one.get("reason") for one in details if isinstance(one, dict)] if isinstance(details, list) else []
    words, status = str(error.get("message", "")), error.get("status")
    if BAD_KEY in reasons:
        return ApiProblem(words, "bad_key")
    if answer.status == httpx.codes.BAD_REQUEST and status == "FAILED_PRECONDITION":
        return ApiProblem(words, "no_credit")
    return ApiProblem(words)


def build(context: ProviderContext[Settings]) -> Gemini:
    return Gemini(context)
