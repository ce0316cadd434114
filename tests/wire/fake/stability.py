"""Stability: multipart in, a picture or a model out, or JSON with either in base64, as Accept says.

POST /v2beta/{endpoint}              at once, or 202 {id} for the asynchronous ones
GET  /v2beta/results/{id}            202 while it runs; kept for a day
POST /v1/generation/{engine}/text-to-image    JSON
GET  /v1/user/balance                credits
"""

from __future__ import annotations

import base64
import json
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace
from decimal import Decimal
from typing import Any, Final

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from infrastructure.clock import SECOND
from tests.wire.fake import files, media
from tests.wire.fake.behaviour import Behaviour
from tests.wire.fake.desk import Desk, Order, form_inputs
from tests.wire.fake.endpoints import ENDPOINTS, FORMATS, GLB, SDXL, Endpoint, complaint, sdxl_complaint
from tests.wire.fake.state import Job, State

KEPT: Final = 86_400 * SECOND
CREDIT: Final = Decimal("0.01")
"""US dollars."""
NAMES: Final = {
    400: "bad_request",
    401: "unauthorized",
    402: "payment_required",
    403: "content_moderation",
    404: "not_found",
    413: "payload_too_large",
    422: "unprocessable_entity",
    429: "rate_limit_exceeded",
}
ERROR_ID: Final = "a1b2c3d4e5f60718293a4b5c6d7e8f90"
FILTERED: Final = "Your request was flagged by our content moderation system, as a result your request was denied."


class Stability:
    """The API."""

    def __init__(self, state: State) -> None:
        self.state, self.desk = state, Desk(state)

    def routes(self) -> list[Route]:
        return [
            Route("/v1/user/balance", self.guarded("balance", self.balance), methods=["GET"]),
            Route("/v2beta/results/{id}", self.guarded("results", self.result), methods=["GET"]),
            Route("/v1/generation/{engine}/text-to-image", self.sdxl, methods=["POST"]),
            Route("/v2beta/{path:path}", self.submit, methods=["POST"]),
        ]

    def guarded(self, name: str, handler: Callable[[Request], Awaitable[Response]]) -> Any:
        async def guard(request: Request) -> Response:
            if not self.desk.knows(request, "stability"):
                return refusal(401)
            return await self.desk.read(f"stability.{name}", lambda: handler(request), refuse=scripted)

        return guard

    async def balance(self, request: Request) -> Response:
        return JSONResponse({"credits": float(self.state.setting("balance:stability", "1000"))})

    async def submit(self, request: Request) -> Response:
        path = request.path_params["path"]
        problem, inputs = await self.checked(request, path)
        if problem is not None:
            self.desk.record_refusal(request, "stability", path, problem.status_code)
            return problem
        endpoint = ENDPOINTS[path]
        made = produced(endpoint, inputs, (len(self.state.jobs()) + 1) * 7)
        price = self.price(path, str(inputs.get("model", "")), endpoint.cost(inputs))
        order = Order("stability", path, inputs, (made,), price, extra={"seed": int(inputs.get("seed") or 4242)})

        async def reply(job: Job) -> Response:
            return JSONResponse({"id": job.id}, 202) if endpoint.later else self.finished(request, job)

        return await self.desk.submit(request, order, reply=reply, refuse=scripted)

    async def checked(self, request: Request, path: str) -> tuple[Response | None, dict[str, Any]]:
        """The refusal, if it deserves one, and its inputs."""
        if not self.desk.knows(request, "stability"):
            return refusal(401), {}
        if path not in ENDPOINTS:
            return refusal(404), {}
        if not request.headers.get("content-type", "").startswith("multipart/form-data"):
            return refusal(400, "content-type: must be multipart/form-data"), {}
        endpoint, accept = ENDPOINTS[path], request.headers.get("accept", "*/*")
        allowed = (GLB, "application/json", "*/*") if endpoint.makes == GLB else ("image/*", "application/json", "*/*")
        if accept not in allowed:
            return refusal(400, f"accept: must be one of {', '.join(allowed)}"), {}
        inputs = await form_inputs(request)
        status, text = complaint(endpoint, inputs)
        return (refusal(status, text) if text else None), inputs

    def price(self, path: str, model: str, credits: Decimal) -> str:
        """US dollars: what a test has set for the endpoint or its model, or what the credits are worth."""
        fixed = self.state.setting(f"price:{model}", self.state.setting(f"price:{path}", None))
        return str(credits * CREDIT) if fixed is None else str(fixed)

    async def result(self, request: Request) -> Response:
        job = self.state.job(request.path_params["id"])
        if job is None or job.provider != "stability" or self.state.now() - job.created > KEPT:
            return refusal(404, "id: no result under this id")
        failures = job.behaviour.poll_failures
        if job.failed_polls < len(failures):
            self.state.update(job.id, lambda one: replace(one, failed_polls=one.failed_polls + 1))
            return refusal(failures[job.failed_polls])
        self.state.update(job.id, lambda one: replace(one, polled=one.polled + 1))
        if not job.ended:
            return JSONResponse({"id": job.id, "status": "in-progress"}, 202)
        return self.finished(request, job)

    def finished(self, request: Request, job: Job) -> Response:
        """The end of a job in the form that was asked for; 422 where it failed."""
        if not job.delivered and not job.behaviour.filtered:
            return refusal(422, job.behaviour.error or "the generation failed")
        reason = "CONTENT_FILTERED" if job.behaviour.filtered else "SUCCESS"
        content = files.inline(self.state, job.outputs[0]) if job.outputs else None
        if request.headers.get("accept") == "application/json":
            encoded = {} if content is None else {field(content): base64.b64encode(content).decode()}
            return JSONResponse({**encoded, "finish_reason": reason, "seed": job.extra["seed"]})
        headers = {"finish-reason": reason, "seed": str(job.extra["seed"])}
        return Response(content or b"", media_type=media.media_type(content or b""), headers=headers)

    async def sdxl(self, request: Request) -> Response:
        path = f"generation/{request.path_params['engine']}/text-to-image"
        problem, inputs = await self.checked_sdxl(request)
        if problem is not None:
            self.desk.record_refusal(request, "stability", path, problem.status_code)
            return problem
        count, first = int(inputs.get("samples", 1)), (len(self.state.jobs()) + 1) * 7
        width, height = int(inputs.get("width", 1024)), int(inputs.get("height", 1024))
        made = tuple(media.image(width, height, "PNG", first + number) for number in range(count))
        price = self.price(path, SDXL, Decimal(4) * count)
        order = Order("stability", path, inputs, made, price, extra={"seed": int(inputs.get("seed") or 4242)})

        async def reply(job: Job) -> Response:
            return self.artifacts(request, job)

        return await self.desk.submit(request, order, reply=reply, refuse=scripted)

    async def checked_sdxl(self, request: Request) -> tuple[Response | None, dict[str, Any]]:
        if not self.desk.knows(request, "stability"):
            return refusal(401), {}
        if request.path_params["engine"] != SDXL:
            return refusal(404), {}
        try:
            inputs = json.loads(await request.body())
        except ValueError:
            return refusal(400, "the body must be JSON"), {}
        text = sdxl_complaint(inputs)
        return (refusal(400, text) if text else None), inputs

    def artifacts(self, request: Request, job: Job) -> Response:
        if request.headers.get("accept") == "image/png":
            return self.finished(request, job)
        if not job.delivered and not job.behaviour.filtered:
            return refusal(500, job.behaviour.error)
        reason = "CONTENT_FILTERED" if job.behaviour.filtered else "SUCCESS"
        found = [files.inline(self.state, name) for name in job.outputs]
        shown = [{"base64": base64.b64encode(one).decode()} if one is not None else {} for one in found]
        artifacts = [{**one, "seed": job.extra["seed"], "finishReason": reason} for one in shown]
        return JSONResponse({"artifacts": artifacts})


def produced(endpoint: Endpoint, inputs: Mapping[str, Any], seed: int) -> bytes:
    """The picture or the model; a picture keeps the size of the one it is made from, times what upscaling adds."""
    if endpoint.makes == GLB:
        return media.glb(seed)
    source = next((inputs[name] for name in endpoint.pictures if isinstance(inputs.get(name), bytes)), None)
    width, height = media.size_of(source) if source else (64, 64)
    form = FORMATS[str(inputs.get("output_format", "png"))]
    return media.image(width * endpoint.enlarges, height * endpoint.enlarges, form, seed)


def field(content: bytes) -> str:
    return "model" if media.media_type(content) == GLB else "image"


def refusal(status: int, text: str = "") -> Response:
    name = NAMES.get(status, "internal_error")
    return JSONResponse({"id": ERROR_ID, "name": name, "errors": [text or name.replace("_", " ")]}, status)


def scripted(behaviour: Behaviour) -> Response:
    """The error that a script asks for."""
    return refusal(403, FILTERED) if behaviour.filtered == "refused" else refusal(behaviour.status, behaviour.error)
