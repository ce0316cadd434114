"""Google Gemini's images: what is drawn comes back inside the reply, with the tokens it took.

POST /v1beta/models/{model}:generateContent    JSON, files inside
GET  /v1beta/models                            what the key may use
"""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any, Final

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from tests.wire.fake import files, media
from tests.wire.fake.behaviour import Behaviour
from tests.wire.fake.desk import Desk, Order
from tests.wire.fake.state import Job, State

RATIOS: Final = ("1:1", "2:3", "3:2", "3:4", "4:3", "4:5", "5:4", "9:16", "16:9", "21:9")
CONFIG: Final = frozenset({"responseModalities", "imageConfig", "seed", "temperature", "candidateCount"})
THOUGHTS: Final = 200
PAGE: Final = 3
OTHERS: Final = ("gemini-3.8-flash", "gemini-embedding-2")
STATUSES: Final = {
    400: "INVALID_ARGUMENT",
    401: "UNAUTHENTICATED",
    403: "PERMISSION_DENIED",
    404: "NOT_FOUND",
    429: "RESOURCE_EXHAUSTED",
    500: "INTERNAL",
    503: "UNAVAILABLE",
    504: "DEADLINE_EXCEEDED",
}


@dataclass(frozen=True, slots=True)
class Drawing:
    """A model: tokens of a picture of each size, of each picture that comes in, and US dollars a token."""

    sizes: Mapping[str, int]
    seen: int
    rates: Mapping[str, str]


MODELS: Final = {
    "gemini-3.1-flash-image": Drawing(
        {"1K": 1120, "2K": 1680, "4K": 2520}, 1120, {"in": "0.0000005", "text": "0.000003", "image": "0.00006"}
    ),
    "gemini-3-pro-image": Drawing(
        {"1K": 1120, "2K": 1120, "4K": 2000}, 560, {"in": "0.000002", "text": "0.000012", "image": "0.00012"}
    ),
    "gemini-3.1-flash-lite-image": Drawing(
        {"1K": 1120}, 1120, {"in": "0.00000025", "text": "0.0000015", "image": "0.00003"}
    ),
}


class Gemini:
    """The Developer API."""

    def __init__(self, state: State) -> None:
        self.state, self.desk = state, Desk(state)

    def routes(self) -> list[Route]:
        return [
            Route("/v1beta/models/{model}:generateContent", self.generate, methods=["POST"]),
            Route("/v1beta/models", self.models, methods=["GET"]),
        ]

    def knows(self, request: Request) -> bool:
        return self.desk.knows(request, "gemini", "x-goog-api-key", "")

    async def models(self, request: Request) -> Response:
        if not self.knows(request):
            return bad_key()

        async def listed() -> Response:
            names = self.state.setting("models:gemini", [*MODELS, *OTHERS])
            start = int(request.query_params.get("pageToken") or 0)
            page = [
                {
                    "name": f"models/{name}",
                    "displayName": name,
                    "supportedGenerationMethods": ["embedContent" if "embedding" in name else "generateContent"],
                }
                for name in names[start : start + PAGE]
            ]
            more = {"nextPageToken": str(start + PAGE)} if start + PAGE < len(names) else {}
            return JSONResponse({"models": page, **more})

        return await self.desk.read("gemini.models", listed, refuse=scripted)

    async def generate(self, request: Request) -> Response:
        model = request.path_params["model"]
        problem, asked = await self.checked(request, model)
        if problem is not None:
            self.desk.record_refusal(request, "gemini", model, problem.status_code)
            return problem
        parts, shape = asked["parts"], asked["shape"]
        pictures = [part for part in parts if isinstance(part, bytes)]
        prompt = " ".join(part for part in parts if isinstance(part, str))
        drawing, size = MODELS[model], shape.get("imageSize", "1K")
        made = media.image(64, 64, "PNG", (len(self.state.jobs()) + 1) * 7)
        used = {"text": len(prompt.split()) + 1, "seen": drawing.seen * len(pictures), "drawn": drawing.sizes[size]}
        inputs = {"prompt": prompt, "images": pictures, **shape}
        order = Order("gemini", model, inputs, (made,), cost(drawing, used), extra=used)
        return await self.desk.submit(request, order, reply=self.reply, refuse=scripted)

    async def checked(self, request: Request, model: str) -> tuple[Response | None, dict[str, Any]]:
        if not self.knows(request):
            return bad_key(), {}
        if model not in MODELS:
            return refusal(404, f"models/{model} is not found for API version v1beta"), {}
        try:
            body = json.loads(await request.body())
            parts = [read(part) for content in body["contents"] for part in content["parts"]]
        except (ValueError, KeyError, TypeError, binascii.Error):
            return refusal(400, "Invalid JSON payload received."), {}
        config = body.get("generationConfig", {})
        shape = config.get("imageConfig", {})
        if unknown := set(config) - CONFIG:
            return refusal(400, f"Unknown name {min(unknown)!r} at 'generation_config'"), {}
        if not any(isinstance(part, str) and part for part in parts):
            return refusal(400, "contents.parts must not be empty."), {}
        if any(isinstance(part, bytes) and not media.media_type(part).startswith("image/") for part in parts):
            return refusal(400, "Unable to process input image."), {}
        if shape.get("aspectRatio", "1:1") not in RATIOS or shape.get("imageSize", "1K") not in MODELS[model].sizes:
            return refusal(400, "Invalid value at 'generation_config.image_config'"), {}
        return None, {"parts": parts, "shape": shape}

    async def reply(self, job: Job) -> Response:
        shown = self.counted(job)
        if job.behaviour.filtered == "result":
            candidates: list[Any] = [{"finishReason": "IMAGE_SAFETY", "index": 0}]
        elif not job.delivered:
            return scripted(replace(job.behaviour, status=500))
        else:
            parts = [{"inlineData": {"mimeType": "image/png", "data": self.content(name)}} for name in job.outputs]
            candidates = [{"content": {"role": "model", "parts": parts}, "finishReason": "STOP", "index": 0}]
        return JSONResponse({"candidates": candidates, **shown, "modelVersion": job.path, "responseId": job.id})

    def counted(self, job: Job) -> dict[str, Any]:
        used = job.extra
        details = [{"modality": "TEXT", "tokenCount": used["text"]}]
        details += [{"modality": "IMAGE", "tokenCount": used["seen"]}] if used["seen"] else []
        usage: dict[str, Any] = {
            "promptTokenCount": used["text"] + used["seen"],
            "promptTokensDetails": details,
            "candidatesTokenCount": used["drawn"],
            "candidatesTokensDetails": [{"modality": "IMAGE", "tokenCount": used["drawn"]}],
            "thoughtsTokenCount": THOUGHTS,
            "totalTokenCount": used["text"] + used["seen"] + used["drawn"] + THOUGHTS,
        }
        if job.behaviour.usage == "no details":
            usage = {name: value for name, value in usage.items() if not name.endswith("Details")}
        return {} if job.behaviour.usage == "none" else {"usageMetadata": job.behaviour.counts or usage}

    def content(self, name: str) -> str:
        return base64.b64encode(files.inline(self.state, name) or b"").decode()


def read(part: Mapping[str, Any]) -> str | bytes:
    """A part of a turn: a text, or the content of a file."""
    if "text" in part:
        return str(part["text"])
    return base64.b64decode(part["inlineData"]["data"].replace("-", "+").replace("_", "/"), validate=True)


def cost(drawing: Drawing, used: Mapping[str, int]) -> str:
    rates = {name: Decimal(rate) for name, rate in drawing.rates.items()}
    came = (used["text"] + used["seen"]) * rates["in"]
    return str(came + used["drawn"] * rates["image"] + THOUGHTS * rates["text"])


def bad_key() -> Response:
    details = [{"@type": "type.googleapis.com/google.rpc.ErrorInfo", "reason": "API_KEY_INVALID"}]
    error = {"code": 400, "message": "API key not valid. Please pass a valid API key.", "status": "INVALID_ARGUMENT"}
    return JSONResponse({"error": {**error, "details": details}}, 400)


def refusal(status: int, message: str) -> Response:
    """An error in the API's own words."""
    error = {"code": status, "message": message, "status": STATUSES.get(status, "UNKNOWN")}
    return JSONResponse({"error": error}, status)


def scripted(behaviour: Behaviour) -> Response:
    """The error that a script wants; a prompt that is blocked is no error."""
    if behaviour.filtered == "refused":
        usage = {"promptTokenCount": 4, "totalTokenCount": 4}
        return JSONResponse({"promptFeedback": {"blockReason": "PROHIBITED_CONTENT"}, "usageMetadata": usage})
    return refusal(behaviour.status, behaviour.error or "The model is overloaded. Please try again later.")
