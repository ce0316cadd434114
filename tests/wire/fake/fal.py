"""fal itself: its queue, what its platform tells about requests, prices and bills, and its signed callbacks.

    POST /queue/{endpoint}?fal_webhook=             a request, then .../status, .../cancel, and the result
    GET  /fal/v1/models, /models/requests/…         what is offered, what was asked
    GET  /fal/v1/models/billing-events, /account/billing    for keys of scope ADMIN
    GET  /fal/jwks.json                             the public keys of its callbacks

Prices are told by `/fal/v1/models/pricing`, which the fake Hugging Face serves: it asks the same API.
"""

from __future__ import annotations

import hashlib
import json
from base64 import urlsafe_b64encode
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, Final

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from infrastructure.clock import SECOND
from tests.wire.fake import files, media
from tests.wire.fake.desk import Desk, Order, data_uri
from tests.wire.fake.huggingface import FAL_PRICES, application_of, detail, scripted_fal
from tests.wire.fake.state import Job, State

MEGAPIXEL: Final = 1024 * 1024
PAGE: Final = 2
"""Entries of one page, so that whoever asks for more must go on."""
SIGNER: Final = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
ENEMY: Final = Ed25519PrivateKey.from_private_bytes(bytes(32))
USER: Final = "user-1"
STALE: Final = 301


@dataclass(frozen=True, slots=True)
class Endpoint:
    """What an endpoint takes, and the unit that it bills."""

    unit: str
    steps: int = 0
    takes_image: bool = False


ENDPOINTS: Final = {
    "fal-ai/flux/dev": Endpoint("megapixels", steps=50),
    "fal-ai/flux/schnell": Endpoint("megapixels", steps=12),
    "fal-ai/flux-pro/kontext": Endpoint("images", takes_image=True),
}


class Fal:
    """The queue and the platform."""

    def __init__(self, state: State) -> None:
        self.state, self.desk = state, Desk(state)

    def routes(self) -> list[Route]:
        request_path = "/queue/{path:path}/requests/{id}"
        return [
            Route("/fal/jwks.json", self.keys, methods=["GET"]),
            Route("/fal/v1/models", self.models, methods=["GET"]),
            Route("/fal/v1/models/requests/search", self.search, methods=["GET"]),
            Route("/fal/v1/models/requests/by-endpoint", self.requests, methods=["GET"]),
            Route("/fal/v1/models/billing-events", self.billing, methods=["GET"]),
            Route("/fal/v1/account/billing", self.account, methods=["GET"]),
            Route(f"{request_path}/status", self.status, methods=["GET"]),
            Route(f"{request_path}/cancel", self.cancel, methods=["PUT"]),
            Route(request_path, self.result, methods=["GET"]),
            Route("/queue/{path:path}", self.submit, methods=["POST"]),
        ]

    def knows(self, request: Request) -> bool:
        return self.desk.knows(request, "fal", scheme="Key ")

    # The queue.

    async def submit(self, request: Request) -> Response:
        path = request.path_params["path"]
        problem, inputs = await self.checked(request, path)
        if problem is not None:
            self.desk.record_refusal(request, "fal", path, problem.status_code)
            return problem
        made, units = self.made(path, inputs)
        price = Decimal(str(self.state.setting("prices:fal", FAL_PRICES)[path][0])) * units
        webhook = request.query_params.get("fal_webhook", "")
        extra = {"units": str(units), "input": inputs}
        order = Order("fal", path, inputs, made, str(price), webhook=webhook, extra=extra)

        async def reply(job: Job) -> Response:
            return JSONResponse({**entry(request, job), "status": "IN_QUEUE"})

        return await self.desk.submit(request, order, reply=reply, refuse=scripted_fal)

    async def checked(self, request: Request, path: str) -> tuple[Response | None, dict[str, Any]]:
        if not self.knows(request):
            return detail(401, "Cannot access application. Authentication is required to access this application."), {}
        endpoint = ENDPOINTS.get(path)
        if endpoint is None:
            return detail(404, f"Application {path!r} not found"), {}
        try:
            inputs = json.loads(await request.body())
        except ValueError:
            return detail(422, "the body must be JSON"), {}
        needed = ("prompt", "image_url") if endpoint.takes_image else ("prompt",)
        if missing := next((name for name in needed if not inputs.get(name)), ""):
            return detail(422, "field required", missing, "missing"), inputs
        return wrong(endpoint, inputs), inputs

    def made(self, path: str, inputs: Mapping[str, Any]) -> tuple[tuple[bytes, ...], int]:
        """The pictures, and the units that they are billed as."""
        size, count = inputs.get("image_size"), int(inputs.get("num_images") or 1)
        width, height = (int(size["width"]), int(size["height"])) if isinstance(size, dict) else (1024, 768)
        form = "PNG" if inputs.get("output_format") == "png" else "JPEG"
        seed = (len(self.state.jobs()) + 1) * 7
        made = tuple(media.image(width, height, form, seed + number) for number in range(count))
        each = -(-width * height // MEGAPIXEL) if ENDPOINTS[path].unit == "megapixels" else 1
        return made, each * count

    async def status(self, request: Request) -> Response:
        found = self.asked(request)
        if isinstance(found, Response):
            return found
        failures = found.behaviour.poll_failures
        if found.failed_polls < len(failures):
            self.state.update(found.id, lambda one: replace(one, failed_polls=one.failed_polls + 1))
            return detail(failures[found.failed_polls], "try again")
        self.state.update(found.id, lambda one: replace(one, polled=one.polled + 1))
        if found.ended:
            return JSONResponse({**entry(request, found), "status": "COMPLETED", "metrics": {"inference_time": 1.5}})
        return JSONResponse({**entry(request, found), "status": "IN_PROGRESS" if found.polled else "IN_QUEUE"}, 202)

    async def result(self, request: Request) -> Response:
        found = self.asked(request)
        if isinstance(found, Response):
            return found
        return self.finished(request, found) if found.ended else detail(400, "Request is still in progress")

    async def cancel(self, request: Request) -> Response:
        found = self.asked(request)
        if isinstance(found, Response):
            return found
        if found.ended:
            return JSONResponse({"status": "ALREADY_COMPLETED"}, 400)
        self.state.update(found.id, lambda one: replace(one, cancelled=True))
        return JSONResponse({"status": "CANCELLATION_REQUESTED"}, 202)

    def asked(self, request: Request) -> Job | Response:
        """The job a request is about, or why there is no answer about it."""
        if not self.knows(request):
            return detail(401, "Unauthorized")
        script = self.state.take("fal.queue")
        if script.status >= 400:
            return scripted_fal(script)
        job = self.state.job(request.path_params["id"])
        if job is None or job.provider != "fal" or application_of(job.path) != request.path_params["path"]:
            return detail(404, "Request not found")
        return job

    def finished(self, request: Request, job: Job) -> Response:
        if not job.delivered:
            if job.behaviour.filtered:
                return detail(422, "The content was flagged", "prompt", "content_policy_violation")
            return detail(499 if job.cancelled else 500, job.behaviour.error or "the generation failed")
        shown = [self.described(request, name) for name in job.outputs]
        units = job.behaviour.units if job.behaviour.units is not None else job.extra["units"]
        body = {"images": shown, "seed": 4242, "has_nsfw_concepts": [False] * len(shown), "prompt": "…"}
        return JSONResponse(body, headers={"x-fal-billable-units": units} if units else {})

    def described(self, request: Request, name: str) -> dict[str, Any]:
        content = self.state.content(name)
        return {"url": files.address(request, name), "content_type": media.media_type(content)}

    # The platform.

    async def keys(self, request: Request) -> Response:
        served = self.state.setting("jwks:fal", [public(SIGNER)])
        return JSONResponse({"keys": [{"kty": "OKP", "crv": "Ed25519", "x": x} for x in served]})

    async def models(self, request: Request) -> Response:
        asked = request.query_params.get("endpoint_id", "").split(",")
        offered = self.state.setting("models:fal", list(ENDPOINTS))
        found = [{"endpoint_id": name, "metadata": {"status": "active"}} for name in asked if name in offered]
        return self.page(request, "models", found)

    async def search(self, request: Request) -> Response:
        return self.page(request, "results", [])

    async def requests(self, request: Request) -> Response:
        """Those that have ended."""
        wanted, start = request.query_params.get("endpoint_id"), instant(request.query_params.get("start", ""))
        if not wanted:
            return detail(422, "field required", "endpoint_id", "missing")
        payloads = request.query_params.get("expand") == "payloads" and self.state.setting("payloads:fal", True)
        jobs = [job for job in self.state.jobs("fal") if job.path == wanted and job.created >= start and job.ended]
        items = [
            {"request_id": job.id, "endpoint_id": job.path, "sent_at": iso(job.created), "status_code": 200}
            | ({"json_input": job.extra["input"]} if payloads else {})
            for job in jobs
        ]
        return self.page(request, "items", items)

    async def billing(self, request: Request) -> Response:
        if not self.state.setting("admin:fal", True):
            return forbidden()
        start, end = (instant(request.query_params.get(name, "")) for name in ("start", "end"))
        billed = [job for job in self.state.jobs("fal") if job.delivered and job.price and start <= job.created < end]
        events = [
            {"request_id": job.id, "endpoint_id": job.path, "timestamp": iso(job.created)}
            | {"cost_total": float(job.price or 0)}
            for job in billed
        ]
        return self.page(request, "billing_events", events)

    async def account(self, request: Request) -> Response:
        if not self.knows(request):
            return JSONResponse({"error": {"type": "authorization_error", "message": "Invalid API key"}}, 401)
        if not self.state.setting("admin:fal", True):
            return forbidden()

        async def told() -> Response:
            balance = float(self.state.setting("balance:fal", "24.5"))
            return JSONResponse({"username": "somebody", "credits": {"current_balance": balance, "currency": "USD"}})

        return await self.desk.read("fal.account", told, refuse=scripted_fal)

    def page(self, request: Request, name: str, items: list[dict[str, Any]]) -> Response:
        if not self.knows(request):
            return JSONResponse({"error": {"type": "authorization_error", "message": "Invalid API key"}}, 401)
        start = int(request.query_params.get("cursor") or 0)
        more = start + PAGE < len(items)
        following = str(start + PAGE) if more else None
        return JSONResponse({name: items[start : start + PAGE], "next_cursor": following, "has_more": more})


def wrong(endpoint: Endpoint, inputs: Mapping[str, Any]) -> Response | None:
    """What is out of its range."""
    steps = inputs.get("num_inference_steps")
    if steps is not None and not (endpoint.steps and 1 <= steps <= endpoint.steps):
        return detail(422, "Input should be within its range", "num_inference_steps", "less_than_equal")
    if not 1 <= inputs.get("guidance_scale", 3.5) <= 20:
        return detail(422, "Input should be within its range", "guidance_scale", "less_than_equal")
    if not 1 <= int(inputs.get("num_images") or 1) <= 4:
        return detail(422, "Input should be less than or equal to 4", "num_images", "less_than_equal")
    if inputs.get("output_format", "jpeg") not in ("jpeg", "png"):
        return detail(422, "Input should be 'jpeg' or 'png'", "output_format", "literal_error")
    content = data_uri(str(inputs.get("image_url", "")))
    if content is not None and not media.media_type(content).startswith("image/"):
        return detail(422, "Failed to load the image", "image_url", "image_load_error")
    return None


def entry(request: Request, job: Job) -> dict[str, Any]:
    """Where the request is asked about: at the queue that took it."""
    where = f"{request.url.scheme}://{request.url.netloc}/queue/{application_of(job.path)}/requests/{job.id}"
    addresses = {"response_url": where, "status_url": f"{where}/status", "cancel_url": f"{where}/cancel"}
    return {"request_id": job.id, "gateway_request_id": job.id, **addresses, "queue_position": 0, "logs": None}


def forbidden() -> Response:
    error = {"type": "authorization_error", "message": "This endpoint requires an admin API key"}
    return JSONResponse({"error": error}, 403)


def public(key: Ed25519PrivateKey) -> str:
    """The key by which its signatures are checked, as a JWK has it (RFC 8037)."""
    return urlsafe_b64encode(key.public_key().public_bytes_raw()).rstrip(b"=").decode()


def message(job: Job, state: State, kind: str = "signed", signer: Ed25519PrivateKey = SIGNER) -> Any:
    """Headers and body of a callback about a job: signed, or forged, tampered, stale or unsigned."""
    status = "OK" if job.delivered else "ERROR"
    body = json.dumps({"request_id": job.id, "gateway_request_id": job.id, "status": status, "payload": {}}).encode()
    at = str(state.now() // SECOND - (STALE if kind == "stale" else 0))
    said = "\n".join((job.id, USER, at, hashlib.sha256(body).hexdigest())).encode()
    signature = (ENEMY if kind == "forged" else signer).sign(said).hex()
    headers = {"request-id": job.id, "user-id": USER, "timestamp": at, "signature": signature}
    if kind == "unsigned":
        del headers["signature"]
    if kind == "tampered":
        body = body.replace(b'"payload": {}', b'"payload": {"images": []}')
    return {f"X-Fal-Webhook-{name.title()}": value for name, value in headers.items()}, body


def iso(micros: int) -> str:
    return datetime.fromtimestamp(micros / SECOND, UTC).isoformat().replace("+00:00", "Z")


def instant(text: str) -> int:
    return int(datetime.fromisoformat(text).timestamp() * SECOND) if text else 0
