"""Hugging Face: the router to hf-inference, to fal (at once and queued) and to WaveSpeed, and a little of the hub.

    POST /hf-inference/models/{id}                 the picture itself
    POST /fal-ai/{model}                           JSON with addresses of files
    POST /fal-ai/{model}?_subdomain=queue          a request in the queue, then .../status, then the result
    *    /wavespeed/api/v3/...                     WaveSpeed, with a token of Hugging Face
    GET  /api/models/{id}, /api/whoami-v2          what a model is for and who runs it; whose token it is
    GET  /fal/v1/models/pricing                    fal's own API: what its endpoints cost, with a key of its own

The addresses that the queue names are fal's own (queue.fal.run), as they are in reality: only their path may be used,
behind the router's address. The router puts "/fal-ai" before that path; the official SDK does not on loopback.
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
from tests.wire.fake.desk import Desk, Order, data_uri
from tests.wire.fake.state import Job, State
from tests.wire.fake.wavespeed import WaveSpeed

FAL_KEY: Final = "fal-key"
FAL_PRICES: Final = {
    "fal-ai/hunyuan-video": (0.1, "video"),
    "fal-ai/flux/dev": (0.025, "megapixels"),
    "fal-ai/flux/schnell": (0.003, "megapixels"),
    "fal-ai/flux-pro/kontext": (0.04, "images"),
}
"""US dollars, and the unit that they are for."""
PAGE: Final = 1
QUEUE: Final = "https://queue.fal.run"
FRAMES_A_SECOND: Final = 24
SPENT: Final = "You have exceeded your monthly included credits for Inference Providers."
"""What the router says with a 402 (https://github.com/huggingface/agents-course/issues/386)."""
FORMATS: Final = {"image/jpeg": "JPEG", "image/webp": "WEBP"}


@dataclass(frozen=True, slots=True)
class Hosted:
    """A model on the hub: what it is for, its name at each provider that runs it, and what it costs in US dollars."""

    task: str
    runs: Mapping[str, str]
    price: str = "0.05"


MODELS: Final = {
    "black-forest-labs/FLUX.1-Krea-dev": Hosted("text-to-image", {"fal-ai": "fal-ai/flux/krea"}, "0.00"),
    "black-forest-labs/FLUX.1-schnell": Hosted(
        "text-to-image", {"hf-inference": "black-forest-labs/FLUX.1-schnell", "fal-ai": "fal-ai/flux/schnell"}
    ),
    "black-forest-labs/FLUX.1-Kontext-dev": Hosted(
        "image-to-image",
        {"hf-inference": "black-forest-labs/FLUX.1-Kontext-dev", "fal-ai": "fal-ai/flux-kontext/dev"},
    ),
    "Qwen/Qwen-Image": Hosted(
        "text-to-image", {"fal-ai": "fal-ai/qwen-image", "wavespeed": "wavespeed-ai/qwen-image/text-to-image"}
    ),
    "tencent/HunyuanVideo": Hosted("text-to-video", {"fal-ai": "fal-ai/hunyuan-video"}, "0.10"),
}


class HuggingFace:
    """The router and the hub."""

    def __init__(self, state: State) -> None:
        self.state, self.desk = state, Desk(state)
        self.wavespeed = WaveSpeed(state, "wavespeed/", "huggingface")

    def routes(self) -> list[Route]:
        request_path = "/fal-ai/{path:path}/requests/{id}"
        return [
            Route("/api/whoami-v2", self.whoami, methods=["GET"]),
            Route("/api/models/{id:path}", self.about, methods=["GET"]),
            Route("/fal/v1/models/pricing", self.pricing, methods=["GET"]),
            Route("/hf-inference/models/{id:path}", self.infer, methods=["POST"]),
            Route(f"{request_path}/status", self.status, methods=["GET"]),
            Route(f"{request_path}/cancel", self.cancel, methods=["PUT"]),
            Route(request_path, self.result, methods=["GET"]),
            Route("/fal-ai/{path:path}", self.fal, methods=["POST"]),
            *self.wavespeed.routes(),
        ]

    async def whoami(self, request: Request) -> Response:
        if not self.desk.knows(request, "huggingface"):
            return refusal(401)

        async def answered() -> Response:
            return JSONResponse({"type": "user", "name": "somebody", "auth": {"type": "access_token"}})

        return await self.desk.read("huggingface.whoami", answered, refuse=scripted)

    async def about(self, request: Request) -> Response:
        id = request.path_params["id"]
        if id not in MODELS:
            return refusal(404, f"Repository {id} not found")
        task = MODELS[id].task
        runs = {
            name: {"providerId": theirs, "status": "live", "task": task} for name, theirs in MODELS[id].runs.items()
        }
        return JSONResponse({"id": id, "pipeline_tag": task, "tags": [task], "inferenceProviderMapping": runs})

    async def pricing(self, request: Request) -> Response:
        """One a page, so that whoever asks for more must go on."""
        if request.headers.get("authorization") != f"Key {self.state.setting('key:fal', FAL_KEY)}":
            return JSONResponse({"error": {"type": "authorization_error", "message": "Invalid API key"}}, 401)
        asked = [name for part in request.query_params.getlist("endpoint_id") for name in part.split(",") if name]
        if not 1 <= len(asked) <= 50:
            return JSONResponse({"error": {"type": "validation_error", "message": "1-50 endpoint IDs"}}, 400)
        start = int(request.query_params.get("cursor") or 0)
        costs = self.state.setting("prices:fal", FAL_PRICES)
        page = [
            {"endpoint_id": name, "unit_price": costs[name][0], "unit": costs[name][1], "currency": "USD"}
            for name in asked[start : start + PAGE]
            if name in costs
        ]
        more = start + PAGE < len(asked)
        return JSONResponse({"prices": page, "next_cursor": str(start + PAGE) if more else None, "has_more": more})

    # hf-inference

    async def infer(self, request: Request) -> Response:
        id = request.path_params["id"]
        problem, inputs = await self.checked(request, id)
        if problem is not None:
            self.desk.record_refusal(request, "huggingface", f"hf-inference/{id}", problem.status_code)
            return problem
        parameters = inputs.get("parameters") or {}
        size = (int(parameters.get("width") or 64), int(parameters.get("height") or 64))
        form = FORMATS.get(request.headers.get("accept", ""), "PNG")
        made = media.image(*size, form, (len(self.state.jobs()) + 1) * 7)
        order = Order("huggingface", f"hf-inference/{id}", inputs, (made,), self.price(id))

        async def reply(job: Job) -> Response:
            if not job.delivered:
                return scripted(replace(job.behaviour, status=400))
            content = files.inline(self.state, job.outputs[0]) if job.outputs else None
            return Response(content or b"", media_type=media.media_type(content or b""))

        return await self.desk.submit(request, order, reply=reply, refuse=scripted)

    def is_spent(self) -> bool:
        """Whether what was delivered has used up the credits of the key, if a test gave it any."""
        credits = self.state.setting("balance:huggingface", None)
        made = [job for job in self.state.jobs() if job.provider == "huggingface" and job.delivered]
        return credits is not None and sum(Decimal(job.price or 0) for job in made) >= Decimal(credits)

    async def checked(self, request: Request, id: str) -> tuple[Response | None, dict[str, Any]]:
        """The refusal, if it deserves one, and its inputs."""
        if not self.desk.knows(request, "huggingface"):
            return refusal(401), {}
        if self.is_spent():
            return refusal(402), {}
        if id not in MODELS or "hf-inference" not in MODELS[id].runs:
            return refusal(404, f"Model {id} is not supported by hf-inference"), {}
        body, picture = await request.body(), MODELS[id].task == "image-to-image"
        if picture and media.media_type(body).startswith("image/"):
            return None, {"inputs": body}
        try:
            inputs = json.loads(body)
            source = inputs["inputs"]
            inputs["inputs"] = base64.b64decode(source, validate=True) if picture else source
        except (ValueError, KeyError, TypeError, binascii.Error):
            return refusal(400, "Invalid request: expected inputs and parameters"), {}
        good = media.media_type(inputs["inputs"]).startswith("image/") if picture else bool(inputs["inputs"])
        return (None if good else refusal(400, "Invalid inputs")), inputs

    def price(self, path: str) -> str:
        """US dollars: what a test has set for the model, under the name that was called, or its own price."""
        known = next(one for id, one in MODELS.items() if path == id or path in one.runs.values())
        return str(self.state.setting(f"price:{path}", known.price))

    # fal

    async def fal(self, request: Request) -> Response:
        path = request.path_params["path"]
        problem, inputs = await self.checked_fal(request, path)
        if problem is not None:
            self.desk.record_refusal(request, "huggingface", path, problem.status_code)
            return problem
        made = self.made(task_of(path), inputs)
        order = Order("huggingface", path, inputs, made, self.price(path))
        queued = request.query_params.get("_subdomain") == "queue"

        async def reply(job: Job) -> Response:
            if queued:
                return JSONResponse({**queue_entry(job), "status": "IN_QUEUE"})
            return self.finished(request, job)

        return await self.desk.submit(request, order, reply=reply, refuse=scripted_fal)

    async def checked_fal(self, request: Request, path: str) -> tuple[Response | None, dict[str, Any]]:
        if not self.desk.knows(request, "huggingface"):
            return refusal(401), {}
        if self.is_spent():
            return refusal(402), {}
        if not task_of(path):
            return detail(404, f"Application {path!r} not found"), {}
        try:
            inputs = json.loads(await request.body())
        except ValueError:
            return detail(422, "the body must be JSON"), {}
        needed = ("prompt", "image_url") if task_of(path) == "image-to-image" else ("prompt",)
        missing = [name for name in needed if not inputs.get(name)]
        if missing:
            return detail(422, "field required", missing[0], "missing"), inputs
        content = data_uri(str(inputs.get("image_url", "")))
        if content is not None and not media.media_type(content).startswith("image/"):
            return detail(422, "failed to load the image", "image_url", "image_load_error"), inputs
        return None, inputs

    def made(self, task: str, inputs: Mapping[str, Any]) -> tuple[bytes, ...]:
        seed = (len(self.state.jobs()) + 1) * 7
        if task == "text-to-video":
            return (media.mp4(int(inputs.get("num_frames") or 5 * FRAMES_A_SECOND) / FRAMES_A_SECOND, seed=seed),)
        size = inputs.get("image_size")
        width, height = (int(size["width"]), int(size["height"])) if isinstance(size, dict) else (64, 64)
        return tuple(media.image(width, height, "PNG", seed + n) for n in range(int(inputs.get("num_images") or 1)))

    async def status(self, request: Request) -> Response:
        found = await self.asked(request)
        if isinstance(found, Response):
            return found
        failures = found.behaviour.poll_failures
        if found.failed_polls < len(failures):
            self.state.update(found.id, lambda one: replace(one, failed_polls=one.failed_polls + 1))
            return detail(failures[found.failed_polls], "try again")
        self.state.update(found.id, lambda one: replace(one, polled=one.polled + 1))
        if found.ended:
            return JSONResponse({**queue_entry(found), "status": "COMPLETED", "metrics": {"inference_time": 1.5}})
        return JSONResponse({**queue_entry(found), "status": "IN_PROGRESS" if found.polled else "IN_QUEUE"}, 202)

    async def result(self, request: Request) -> Response:
        found = await self.asked(request)
        if isinstance(found, Response):
            return found
        return self.finished(request, found) if found.ended else detail(400, "Request is still in progress")

    async def cancel(self, request: Request) -> Response:
        found = await self.asked(request)
        if isinstance(found, Response):
            return found
        if found.ended:
            return JSONResponse({"status": "ALREADY_COMPLETED"}, 400)
        self.state.update(found.id, lambda one: replace(one, cancelled=True))
        return JSONResponse({"status": "CANCELLATION_REQUESTED"}, 202)

    async def asked(self, request: Request) -> Job | Response:
        """The job a request is about, or why there is no answer about it."""
        if not self.desk.knows(request, "huggingface"):
            return refusal(401)
        script = self.state.take("huggingface.queue")
        if script.status >= 400:
            return scripted_fal(script)
        job = self.state.job(request.path_params["id"])
        named = request.path_params["path"].removeprefix("fal-ai/")
        if job is None or application_of(job.path).removeprefix("fal-ai/") != named:
            return detail(404, "Request not found")
        if request.query_params.get("_subdomain") != "queue":
            return detail(405, "Method Not Allowed")
        return job

    def finished(self, request: Request, job: Job) -> Response:
        if not job.delivered:
            text = job.behaviour.error or "the generation failed"
            if job.behaviour.filtered:
                return detail(422, "The content was flagged", "prompt", "content_policy_violation")
            return detail(499 if job.cancelled else 500, text)
        found = [self.described(request, name) for name in job.outputs]
        units = job.behaviour.units if job.behaviour.units is not None else str(len(found))
        billed = {"x-fal-billable-units": units} if units else {}
        if task_of(job.path) == "text-to-video":
            return JSONResponse({"video": found[0] if found else None, "seed": 4242}, headers=billed)
        flags = [False] * len(found)
        shown = {"images": found, "seed": 4242, "has_nsfw_concepts": flags, "prompt": job.inputs["prompt"]}
        return JSONResponse(shown, headers=billed)

    def described(self, request: Request, name: str) -> dict[str, Any]:
        content = self.state.content(name)
        shown = {"url": files.address(request, name), "content_type": media.media_type(content)}
        return {**shown, "file_name": name, "file_size": len(content)}


def task_of(path: str) -> str:
    """What a model of fal is for; nothing where it is not known."""
    return next((one.task for one in MODELS.values() if one.runs.get("fal-ai") == path), "")


def application_of(path: str) -> str:
    """The part of a model's path that its requests go by."""
    return "/".join(path.split("/")[:2])


def queue_entry(job: Job) -> dict[str, Any]:
    where = f"{QUEUE}/{application_of(job.path)}/requests/{job.id}"
    addresses = {"response_url": where, "status_url": f"{where}/status", "cancel_url": f"{where}/cancel"}
    return {"request_id": job.id, **addresses, "queue_position": 0, "logs": None, "metrics": {}}


def refusal(status: int, message: str = "") -> Response:
    """An error in the words of the router."""
    if status == 503:
        return JSONResponse({"error": "Model is currently loading", "estimated_time": 20.0}, 503)
    words = {401: "Invalid username or password.", 402: SPENT, 429: "Too Many Requests"}
    return JSONResponse({"error": message or words.get(status, "Internal Server Error")}, status)


def detail(status: int, message: str, field: str = "", kind: str = "") -> Response:
    """An error in the words of fal."""
    told: Any = [{"loc": ["body", field], "msg": message, "type": kind}] if field else message
    return JSONResponse({"detail": told}, status)


def scripted(behaviour: Behaviour) -> Response:
    if behaviour.filtered:
        return refusal(400, "The content was flagged as unsafe")
    return refusal(behaviour.status, behaviour.error)


def scripted_fal(behaviour: Behaviour) -> Response:
    if behaviour.filtered:
        return detail(422, "The content was flagged", "prompt", "content_policy_violation")
    return detail(behaviour.status, behaviour.error or "internal error")
